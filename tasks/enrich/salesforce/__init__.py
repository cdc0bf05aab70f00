"""Salesforce, read-only: accounts with their owners, opportunities and cases."""

from tasks.enrich.salesforce.provider import SalesforceCrm

__all__ = ["SalesforceCrm"]
