"""Enrich: what the CRM knows of the clients in the news."""
