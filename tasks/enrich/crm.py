"""What a CRM is. A plug-in imports this module and nothing else of ours."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Account:
    """A client as the CRM may be asked about it."""

    name: str
    crm_id: str | None
    domain: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the CRM said. None: it does not know."""

    tier: str | None = None
    health: str | None = None
    owner_name: str | None = None
    open_pipeline: float | None = None
    """In ``currency``, not weighted by probability."""
    currency: str | None = None
    """ISO 4217."""
    renewal_on: date | None = None
    details: dict[str, Any] = field(default_factory=dict)


class CrmError(RuntimeError):
    """The CRM could not be asked. One line a person can act on, without secrets."""


class Crm(Protocol):
    """Read-only. Called from several threads."""

    name: ClassVar[str]

    def facts(self, account: Account, as_of: datetime) -> Facts | None:
        """What is known of the account; None when the CRM has no such account. Raises CrmError."""
        ...
