"""From what a CRM holds of an account to the snapshot that mails and the app show."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tasks.enrich.crm import Record


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot's columns. None: the CRM does not know."""

    tier: str | None = None
    health: str | None = None
    owner_name: str | None = None
    open_pipeline: float | None = None
    """In ``currency``, not weighted by probability."""
    currency: str | None = None
    """ISO 4217."""
    renewal_on: date | None = None
    details: dict[str, Any] = field(default_factory=dict)


def facts_of(record: Record, as_of: datetime) -> Facts:
    """The record as of that instant. A pipeline in several currencies has no sum."""
    deals = [deal for deal in record.opportunities if deal.is_open and deal.amount is not None]
    currencies = {deal.currency for deal in deals}
    one = len(currencies) == 1
    return Facts(
        tier=record.tier,
        health=record.health,
        owner_name=record.owner_name,
        open_pipeline=sum(deal.amount or 0.0 for deal in deals) if one else None,
        currency=next(iter(currencies)) if one else None,
        renewal_on=record.renewal_on,
    )
