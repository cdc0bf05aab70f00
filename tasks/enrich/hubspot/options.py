"""What a tenant may set for HubSpot, and what an admin is told of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.enrich.crm import About, CrmError, Field, KeyUse
from tasks.keys import KEY

NAME = "hubspot"


def _property(typed: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", typed.strip()):
        raise ValueError("a property's internal name: small letters, digits and underscores")
    return typed.strip()


def _value(typed: str) -> str:
    if not 0 < len(typed.strip()) <= 100:
        raise ValueError("an internal name of at most 100 characters")
    return typed.strip()


def _version(typed: str) -> str:
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", typed.strip()):
        raise ValueError("a version such as 2026-09")
    return typed.strip()


def _currency(typed: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{3}", typed.strip()):
        raise ValueError("an ISO 4217 code such as EUR")
    return typed.strip().upper()


@dataclass(frozen=True, slots=True)
class Options:
    """The tenant's own, checked. None: there is no such property."""

    api_version: str = "2026-09"
    tier_property: str | None = None
    health_property: str | None = None
    renewal_property: str | None = None
    ticker_property: str | None = None
    renewal_deals: str = "renewal"
    currency: str | None = None
    customer_property: str = "lifecyclestage"
    customer_value: str = "customer"


ABOUT = About(
    title="HubSpot",
    recipient="HubSpot, your own account",
    sends="the CRM ids of your clients; for those without one, their domain and name",
    terms="https://legal.hubspot.com/hs-developer-terms",
    key=KeyUse.REQUIRED,
    fields=(
        Field(KEY, "Service key, or the token of an existing private app", secret=True, required=True),
        Field(
            "api_version",
            "API version",
            help=f"{Options().api_version} unless set; HubSpot keeps each for 18 months",
            read=_version,
        ),
        Field("tier_property", "Company property that holds the tier", read=_property),
        Field("health_property", "Company property that holds the health", read=_property),
        Field("renewal_property", "Company property that holds the renewal date", read=_property),
        Field("ticker_property", "Company property that holds the ticker", read=_property),
        Field("renewal_deals", "Deal type or pipeline of renewals", help="renewal unless set", read=_value),
        Field(
            "currency",
            "Currency of deals that name none",
            help="the account's own unless set",
            read=_currency,
        ),
        Field(
            "customer_property",
            "Company property that tells customers, for import",
            help=f"{Options().customer_property} unless set",
            read=_property,
        ),
        Field("customer_value", "Its value for customers", help="customer unless set", read=_value),
    ),
    calls_per_client=0,
)


def read_options(given: Mapping[str, Any]) -> Options:
    """The options, or a CrmError that names the one that cannot be used: a stored one may be older than its rule."""
    values: dict[str, Any] = {}
    for field in ABOUT.options:
        if field.name in given:
            try:
                values[field.name] = field.read(str(given[field.name]))
            except ValueError as error:
                raise CrmError(f"HubSpot: the option {field.name} needs {error}; set it again") from None
    return Options(**values)
