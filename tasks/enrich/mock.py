"""An invented CRM for the demo: the same client always gets the same data."""

import hashlib
from datetime import date, datetime, timedelta
from typing import ClassVar

from tasks.enrich.crm import Account, Facts

_OWNERS = ("Robin Hale", "Sasha Lindqvist", "Noor Rahman", "Jules Moreau", "Kim Okafor")
_TIERS = ("Strategic", "Growth", "Standard")
_HEALTH = ("healthy", "healthy", "healthy", "watch", "at risk")
_EPOCH = date(2026, 1, 1)


class MockCrm:
    """Deterministic by client name; nothing here is about anybody real."""

    name: ClassVar[str] = "mock"

    def facts(self, account: Account, as_of: datetime) -> Facts:
        seed = hashlib.sha256(account.name.casefold().encode()).digest()
        renewal = _EPOCH + timedelta(days=int.from_bytes(seed[4:6]) % 365)
        while renewal < as_of.date():
            renewal = (
                renewal.replace(year=renewal.year + 1)
                if renewal.month != 2
                else renewal + timedelta(days=365)
            )
        return Facts(
            tier=_TIERS[seed[0] % len(_TIERS)],
            health=_HEALTH[seed[1] % len(_HEALTH)],
            owner_name=_OWNERS[seed[2] % len(_OWNERS)],
            open_pipeline=round(20_000 + (int.from_bytes(seed[6:8]) % 480) * 1_000, 2),
            currency="EUR",
            renewal_on=renewal,
        )
