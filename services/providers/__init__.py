"""Outside services of a tenant: what they are, which are switched on, with what keys, and how they do."""

from services.providers.catalogue import Provider, catalogue, find_provider
from services.providers.listing import Listing, ProviderLine, list_providers
from services.providers.switches import Change, disable, enable, recipient_with, reseal_keys
from services.providers.trial import try_provider

__all__ = [
    "Change",
    "Listing",
    "Provider",
    "ProviderLine",
    "catalogue",
    "disable",
    "enable",
    "find_provider",
    "list_providers",
    "recipient_with",
    "reseal_keys",
    "try_provider",
]
