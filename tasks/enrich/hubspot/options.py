"""What a tenant may set for HubSpot, and what an admin is told of it."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from tasks.enrich.crm import About, CrmError, Field, KeyUse

NAME = "hubspot"
KEY = "key"

ABOUT = About(
    title="HubSpot",
    recipient="HubSpot, your own account",
    sends="the CRM ids of your clients; for those without one, their domain and name",
    terms="https://legal.hubspot.com/hs-developer-terms",
    key=KeyUse.REQUIRED,
    fields=(
        Field(KEY, "Service key, or the token of an existing private app", secret=True, required=True),
        Field("api_version", "API version", help="such as 2026-09; HubSpot keeps each for 18 months"),
        Field("tier_property", "Company property that holds the tier", help="its internal name"),
        Field("health_property", "Company property that holds the health", help="its internal name"),
        Field("renewal_property", "Company property that holds the renewal date", help="its internal name"),
        Field("ticker_property", "Company property that holds the ticker", help="its internal name"),
        Field("renewal_deals", "Deal type or pipeline of renewals", help="its internal name; else: renewal"),
        Field("currency", "Currency of deals that name none", help="ISO 4217; else the account's own"),
        Field("customer_property", "Company property that tells customers", help="else: lifecyclestage"),
        Field("customer_value", "Its value for customers", help="else: customer"),
    ),
    free_calls=None,
    calls_per_client=0,
)

# A property's internal name, as HubSpot makes them; the pattern keeps a slip of the keyboard out of requests.
_Property = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")]


def _blank_is_unset(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


_Optional = Annotated[_Property | None, BeforeValidator(_blank_is_unset)]


class Options(BaseModel):
    """The tenant's own, checked."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)

    api_version: Annotated[str, StringConstraints(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")] = "2026-09"
    tier_property: _Optional = None
    health_property: _Optional = None
    renewal_property: _Optional = None
    ticker_property: _Optional = None
    renewal_deals: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "renewal"
    currency: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None, BeforeValidator(_blank_is_unset)
    ] = None
    customer_property: _Property = "lifecyclestage"
    customer_value: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "customer"


def read_options(given: Mapping[str, Any]) -> Options:
    """The options, or a CrmError that names the one that cannot be used."""
    try:
        return Options.model_validate(dict(given))
    except ValidationError as error:
        name = error.errors(include_url=False)[0]["loc"][0]
        hints = {field.name: field.help for field in ABOUT.fields}
        raise CrmError(
            f"HubSpot: the option {name} cannot be used ({hints.get(str(name), '')}); set it again"
        ) from None
