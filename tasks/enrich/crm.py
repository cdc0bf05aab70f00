"""What a CRM is. A plug-in imports this module and nothing else of ours."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from pydantic import SecretStr

from models.settings import Settings
from tasks.about import About, Field, KeyUse
from tasks.net.faults import FetchError
from tasks.net.http import Http
from tasks.net.pace import Pace
from tasks.net.patience import Fault

__all__ = [
    "About",
    "Account",
    "Case",
    "Credentials",
    "Crm",
    "CrmContext",
    "CrmError",
    "FetchError",
    "Field",
    "Http",
    "KeyUse",
    "Opportunity",
    "Pace",
    "Record",
    "SignInRefused",
]


class CrmError(Fault):
    """The CRM could not be asked, which is no outage of its: something is not set up, or not there for us.

    One line a person can act on, without secrets.
    """


class SignInRefused(CrmError):
    """It does not let us in: as much a failure as a 401, lest each run's try count against the user."""

    status = 401


@dataclass(frozen=True, slots=True)
class Account:
    """A client as the CRM may be asked about it."""

    key: UUID
    """The client's id, under which the answer is given."""
    name: str
    crm_id: str | None
    domain: str | None


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A deal with an account."""

    name: str
    stage: str = ""
    amount: float | None = None
    """In the record's currency, not weighted by probability."""
    currency: str | None = None
    """ISO 4217."""
    close_on: date | None = None
    is_open: bool = True
    is_won: bool = False
    is_renewal: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A support case or ticket."""

    opened_at: datetime | None
    is_open: bool = True
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """An account as a CRM holds it. None and empty: it does not say."""

    crm_id: str
    name: str
    domain: str | None = None
    industry: str | None = None
    ticker: str | None = None
    tier: str | None = None
    """In the CRM's own words."""
    health: str | None = None
    """The CRM's own verdict, where somebody keeps one; else it is reckoned from the rest."""
    owner_name: str | None = None
    owner_email: str | None = None
    renewal_on: date | None = None
    last_activity_at: datetime | None = None
    opportunities: tuple[Opportunity, ...] = ()
    cases: tuple[Case, ...] = ()
    """Open ones, and those of the last 90 days."""
    other_ids: tuple[str, ...] = ()
    """Further ids it is known by: of accounts merged into it, or its own written otherwise."""


class Credentials(Protocol):
    """The tenant's secrets for one provider. A rotating token is replaced before what came with it is used."""

    def read(self) -> Mapping[str, SecretStr]:
        """What is stored now."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Held by one process at a time, so that two never spend the same refresh token; read again inside."""
        ...

    def replace(self, values: Mapping[str, str]) -> None:
        """Store these beside what is there; committed when it returns."""
        ...


@dataclass(frozen=True, slots=True)
class CrmContext:
    """What a CRM may use."""

    http: Http
    settings: Settings
    credentials: Credentials
    options: Mapping[str, Any] = field(default_factory=dict)
    """The tenant's own, without secrets: addresses, field names."""


class Crm(Protocol):
    """Read-only. Made once a batch; called from one thread."""

    name: ClassVar[str]

    def __init__(self, context: CrmContext) -> None:
        """CrmError when keys or options will not do: that is no outage, and nothing is asked."""
        ...

    def records(self, accounts: Sequence[Account], as_of: datetime) -> Mapping[UUID, Record]:
        """What is known of these accounts (200 at most); those it does not have are left out. CrmError, FetchError."""
        ...

    def portfolio(self) -> Iterator[Record]:
        """Every customer account, without deals and cases, for import. CrmError, FetchError."""
        ...
