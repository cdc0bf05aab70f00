"""What a tenant may set for Salesforce, and what an admin is told of it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from tasks.enrich.crm import About, CrmError, KeyUse
from tasks.enrich.crm import Field as Setting

NAME = "salesforce"
OLDEST_API = 65
"""The first version without SOAP ``login()``, which is retired for the others in summer 2027; we need nothing older."""

ABOUT = About(
    title="Salesforce",
    recipient="Salesforce, your own org",
    sends="the CRM ids of your clients; for those without one, their domain and name",
    terms="https://www.salesforce.com/company/legal/agreements/",
    key=KeyUse.REQUIRED,
    fields=(
        Setting("client_id", "Consumer key of your External Client App", required=True),
        Setting("refresh_token", "Refresh token", secret=True, help="for the refresh token flow"),
        Setting("client_secret", "Consumer secret", secret=True, help="alone: the client credentials flow"),
        Setting("private_key", "Private key, PEM", secret=True, help="for the JWT bearer flow"),
        Setting("username", "Salesforce user name", help="whom the JWT bearer flow signs in"),
        Setting("flow", "refresh_token, jwt or client_credentials", help="else: the first that has its keys"),
        Setting("login_url", "Your My Domain", help="such as https://acme.my.salesforce.com"),
        Setting("api_version", "API version", help=f"{OLDEST_API}.0 or newer"),
        Setting("tier_field", "Account field that holds the tier", help="its API name, such as Tier__c"),
        Setting("health_field", "Account field that holds the health", help="its API name"),
        Setting("renewal_field", "Account field that holds the renewal date", help="its API name"),
        Setting("renewal_type", "Opportunity types that hold this word are renewals", help="else: renew"),
        Setting("currency", "Currency of an org that has only one", help="ISO 4217, such as EUR"),
        Setting("customer_types", "Account types of customers, by commas", help="else: Customer…"),
    ),
    calls_per_client=0,
)


def _blank_is_unset(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _api_version(value: object) -> object:
    major = str(value).strip().removeprefix("v").removesuffix(".0")
    if not major.isdecimal() or not OLDEST_API <= int(major) <= 999:
        raise ValueError(f"must be {OLDEST_API}.0 or newer")
    return f"{int(major)}.0"


def _by_commas(value: object) -> object:
    return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value


# An API name stands in the query as it is: nothing but an identifier may.
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
_Optional = Annotated[_Name | None, BeforeValidator(_blank_is_unset)]


class Options(BaseModel):
    """The tenant's own, checked."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)

    client_id: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    login_url: str = "https://login.salesforce.com"
    username: str = ""
    flow: Annotated[
        Literal["refresh_token", "jwt", "client_credentials"] | None, BeforeValidator(_blank_is_unset)
    ] = None
    api_version: Annotated[str, BeforeValidator(_api_version)] = f"{OLDEST_API}.0"
    tier_field: _Optional = None
    health_field: _Optional = None
    renewal_field: _Optional = None
    renewal_type: Annotated[str, StringConstraints(min_length=1, max_length=40)] = "renew"
    currency: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None, BeforeValidator(_blank_is_unset)
    ] = None
    customer_types: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=255)], ...], BeforeValidator(_by_commas)
    ] = Field(default=(), max_length=50)

    @property
    def own_fields(self) -> dict[str, str]:
        """The account fields somebody chose, by the option that names them."""
        chosen = {name: getattr(self, name) for name in ("tier_field", "health_field", "renewal_field")}
        return {option: api_name for option, api_name in chosen.items() if api_name}


def read_options(given: Mapping[str, Any]) -> Options:
    """The tenant's options; CrmError names the first that will not do."""
    try:
        return Options.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CrmError(f"Salesforce: option {where}: {first['msg']}; see docs/crm.md") from None
