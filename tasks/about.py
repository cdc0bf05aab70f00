"""What an admin must know of a provider before switching it on. Providers carry one as ``about``."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class KeyUse(StrEnum):
    NONE = "none"
    OPTIONAL = "optional"
    """Works without a key, better with one."""
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to fill in."""

    name: str
    """As it is stored, and in the command line's NAME=VALUE."""
    label: str
    secret: bool = False
    required: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """Facts for people; none of them changes what the provider does."""

    title: str
    recipient: str
    """Who receives what is sent; empty: nothing leaves the house."""
    sends: str
    """What is sent, in words."""
    terms: str = ""
    """Address of the terms, or the catch in a sentence."""
    key: KeyUse = KeyUse.NONE
    key_setting: str = ""
    """The setting that holds the deployment's key, in lower case and without ``CM_``."""
    fields: tuple[Field, ...] = ()
    """What a tenant may fill in: keys and options."""
    usd_per_call: float = 0.0
    """As published in November 2026; 0: free, or by plan."""
    free_calls: int | None = None
    """A month, before anything is charged or refused; None: no such limit is published."""
    calls_per_client: int = 1
    """Requests that one run makes about one client, at the most common; 0: none depends on clients."""
    ends: date | None = None
    """When the provider shuts the service down."""
