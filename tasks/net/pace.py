"""Whose turn it is: a provider's requests keep their distance, and stop at its quota and at our own caps.

All of it is in the database, so it holds over all threads and processes, with or without Prefect.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from models.engine import reading, writing
from models.limits import BudgetExhausted, held_until, hold_back, reserve, settle, take_slot
from models.scope import Scope
from tasks.net.faults import QuotaReached
from tasks.net.patience import LONGEST_WAIT

SLOT_WAIT_CAP = 120.0
"""Seconds we wait for our turn; a provider held back for longer is ``quota`` without a request."""


class Period(StrEnum):
    """What a cap is counted over, in UTC."""

    DAY = "day"
    MONTH = "month"

    def key(self, now: datetime) -> str:
        """The period that ``now`` is in."""
        return f"{now:%Y-%m-%d}" if self is Period.DAY else f"{now:%Y-%m}"

    @property
    def end(self) -> str:
        """When the next one begins, in words."""
        return "midnight UTC" if self is Period.DAY else "the end of the month"


@dataclass(frozen=True, slots=True)
class Cap:
    """How many requests somebody allows us to make: a free plan, or a tenant's own limit."""

    budget: str
    """What is counted together, at most 150 characters: it names the tenant or the key's fingerprint, never a key."""
    limit: int
    period: Period


@dataclass(frozen=True, slots=True)
class Pace:
    """A provider's rate: its requests are ``interval_seconds`` apart over all threads and processes."""

    provider: str
    interval_seconds: float
    credential: str | None = None
    caps: tuple[Cap, ...] = ()


def take_turn(pace: Pace, host: str, *, now: Callable[[], datetime], sleep: Callable[[float], None]) -> None:
    """Wait until the provider may be asked once more; QuotaReached where that is too long, or a cap is reached."""
    with writing(Scope.operator()) as session:
        turn = take_slot(session, pace.provider, pace.credential, pace.interval_seconds)
        # Raised inside the transaction: a turn we do not use is not booked.
        wait = _wait(turn, now(), host)
        for cap in pace.caps:
            name = f"{cap.budget}/{cap.period.key(now())}"
            try:
                settle(session, reserve(session, name, 1, limit=cap.limit), 1)
            except BudgetExhausted:
                raise QuotaReached(
                    f"{host}: the {cap.limit:,} requests a {cap.period} that it may have are made; "
                    f"asked again after {cap.period.end}"
                ) from None
    while wait > 0:
        sleep(wait)
        # Somebody else may have learned in the meantime that the quota is spent.
        with reading(Scope.operator()) as session:
            held = held_until(session, pace.provider, pace.credential)
        if held is None or held <= turn:
            return
        turn = held
        wait = _wait(turn, now(), host)


def leave_alone(pace: Pace, seconds: float, *, now: datetime) -> None:
    """Nobody asks the provider with this key for so long, ``LONGEST_WAIT`` at most."""
    seconds = min(seconds, LONGEST_WAIT)
    with writing(Scope.operator()) as session:
        hold_back(session, pace.provider, pace.credential, now + timedelta(seconds=seconds))


def _wait(turn: datetime, now: datetime, host: str) -> float:
    wait = (turn - now).total_seconds()
    if wait > SLOT_WAIT_CAP:
        raise QuotaReached(f"{host}: left alone until {turn:%Y-%m-%d %H:%M} UTC, as it asked")
    return wait
