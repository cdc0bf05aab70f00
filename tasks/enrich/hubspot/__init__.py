"""HubSpot, read-only: companies with their owners, deals and tickets."""

from tasks.enrich.hubspot.provider import HubSpotCrm

__all__ = ["HubSpotCrm"]
