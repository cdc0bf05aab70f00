"""An invented CRM for the demo: the same client always gets the same data."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import ClassVar
from uuid import UUID

from tasks.enrich.crm import About, Account, CrmContext, Opportunity, Record

_OWNERS = ("Robin Hale", "Sasha Lindqvist", "Noor Rahman", "Jules Moreau", "Kim Okafor")
_TIERS = ("Strategic", "Growth", "Standard")
_HEALTH = ("healthy", "healthy", "healthy", "watch", "at risk")
_EPOCH = date(2026, 1, 1)


class MockCrm:
    """Deterministic by client name; nothing here is about anybody real."""

    name: ClassVar[str] = "mock"
    about: ClassVar[About] = About(title="Invented CRM", recipient="", sends="nothing")

    def __init__(self, context: CrmContext) -> None:
        pass

    def records(self, accounts: Sequence[Account], as_of: datetime) -> Mapping[UUID, Record]:
        return {account.key: _invent(account.name, as_of) for account in accounts}

    def portfolio(self) -> Iterator[Record]:
        return iter(())


def _invent(name: str, as_of: datetime) -> Record:
    seed = hashlib.sha256(name.casefold().encode()).digest()
    renewal = _EPOCH + timedelta(days=int.from_bytes(seed[4:6]) % 365)
    while renewal < as_of.date():
        renewal = (
            renewal.replace(year=renewal.year + 1) if renewal.month != 2 else renewal + timedelta(days=365)
        )
    amount = round(20_000 + (int.from_bytes(seed[6:8]) % 480) * 1_000, 2)
    return Record(
        crm_id=seed.hex()[:18],
        name=name,
        tier=_TIERS[seed[0] % len(_TIERS)],
        health=_HEALTH[seed[1] % len(_HEALTH)],
        owner_name=_OWNERS[seed[2] % len(_OWNERS)],
        renewal_on=renewal,
        opportunities=(Opportunity("Open deals", amount=amount, currency="EUR"),),
    )
