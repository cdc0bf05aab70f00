"""The circuit breaker of each provider, a row for each (tenant, kind, provider), shared by all processes.

Closed: it is asked. After ``CM_BREAKER_FAILURES`` failures in a row it is open: not asked for a pause. When the pause
is over it is half open: one probe is let through, over all processes; its success closes the breaker, its failure
doubles the pause. What counts as a provider's failure is the caller's to say; a spent quota never is one.

Unlike queries, these functions open transactions of their own: what they say must be committed before anybody asks.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Any

from sqlalchemy import ColumnElement, or_, update
from sqlmodel import col, select

from models.base import utc_now
from models.engine import insert_rows, reading, writing
from models.providers import ProviderHealth, ProviderKind
from models.scope import Scope
from models.settings import get_settings

FIRST_PAUSE = timedelta(minutes=5)
"""Shorter than the hour between two runs: a hiccup costs the rest of one run only."""
LONGEST_PAUSE = timedelta(hours=4)
"""A provider that came back is noticed within half a working day."""
PROBE_LASTS = timedelta(minutes=10)
"""Longer than one unit's attempts, waits and time-outs together; a probe that was killed blocks nobody for longer."""
OK_EVERY = timedelta(minutes=1)
"""How often a success is written down where it changes nothing else."""
ERROR_MAX = 500
SHOWN_MAX = 200
"""Of that error in a refusal, which has to fit into a result's own 500 with when and until when."""


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Ended(Enum):
    """What the end of a call says about the provider."""

    ANSWERED = auto()
    FAILED = auto()
    UNDECIDED = auto()
    """Nothing: a quota, a missing key, a fault of ours."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a provider may be asked now. ``refusal``: why not, in a line for a person; empty when it may."""

    refusal: str = ""
    probe_until: datetime | None = None
    """For a probe: how long nobody else gets one."""

    @property
    def is_probe(self) -> bool:
        return self.probe_until is not None

    @property
    def may_ask(self) -> bool:
        return not self.refusal


def state_of(health: ProviderHealth | None, now: datetime) -> BreakerState:
    """What the row says at this instant; without one the breaker is closed."""
    if health is None or health.open_until is None:
        return BreakerState.CLOSED
    return BreakerState.OPEN if health.open_until > now else BreakerState.HALF_OPEN


def pause_after(failures: int, threshold: int) -> timedelta:
    """How long the provider is left alone after so many failures in a row."""
    doublings = min(max(0, failures - threshold), 16)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def all_health(scope: Scope) -> dict[tuple[ProviderKind, str], ProviderHealth]:
    """Every provider of the tenant that ever failed or answered."""
    with reading(scope) as session:
        return {(row.kind, row.name): row for row in session.exec(select(ProviderHealth))}


def admit(scope: Scope, kind: ProviderKind, name: str, *, now: datetime | None = None) -> Admission:
    """Whether to ask the provider. When it is half open, one caller gets the probe and all others a refusal.

    Whoever is admitted says how it went, whatever happens: ``leave``.
    """
    now = now or utc_now()
    health = _health(scope, kind, name)
    if state_of(health, now) is BreakerState.CLOSED:
        return Admission()
    if state_of(health, now) is BreakerState.HALF_OPEN:
        until = now + PROBE_LASTS
        with writing(scope) as session:
            probing = session.exec(
                update(ProviderHealth)
                .where(
                    *_of(kind, name),
                    col(ProviderHealth.open_until) <= now,
                    or_(col(ProviderHealth.probe_until).is_(None), col(ProviderHealth.probe_until) <= now),
                )
                .values(probe_until=until)
                .returning(col(ProviderHealth.id))
                .execution_options(synchronize_session=False)
            ).first()
        if probing is not None:
            return Admission(probe_until=until)
        health = _health(scope, kind, name)  # the other one's probe may have ended meanwhile
    state = state_of(health, now)
    if health is None or state is BreakerState.CLOSED:
        return Admission()
    return Admission(refusal=_refusal(health, state))


def leave(
    scope: Scope,
    kind: ProviderKind,
    name: str,
    admission: Admission,
    how: Ended,
    error: str = "",
    *,
    now: datetime | None = None,
) -> None:
    """Tell the breaker how a call that it admitted ended; ``error`` is for a failure."""
    if how is Ended.ANSWERED:
        succeeded(scope, kind, name, now=now)
    elif how is Ended.FAILED:
        failed(scope, kind, name, error, now=now)
    else:
        undecided(scope, kind, name, admission)


def succeeded(scope: Scope, kind: ProviderKind, name: str, *, now: datetime | None = None) -> None:
    """It answered: the breaker is closed and its failures are forgotten."""
    now = now or utc_now()
    health = _health(scope, kind, name)
    if (
        health is not None
        and not health.failures
        and health.open_until is None
        and health.last_ok_at is not None
        and now - health.last_ok_at < OK_EVERY
    ):
        return
    _change(
        scope, kind, name, values={"failures": 0, "open_until": None, "probe_until": None, "last_ok_at": now}
    )


def failed(scope: Scope, kind: ProviderKind, name: str, error: str, *, now: datetime | None = None) -> None:
    """It did not answer as it should. What comes in from calls that were under way when it opened counts no more."""
    now = now or utc_now()
    threshold = get_settings().breaker_failures
    not_open = or_(col(ProviderHealth.open_until).is_(None), col(ProviderHealth.open_until) <= now)
    with writing(scope) as session:
        insert_rows(session, ProviderHealth, [_blank(kind, name)], ignore_conflicts=True)
        failures = session.exec(
            update(ProviderHealth)
            .where(*_of(kind, name), not_open)
            .values(
                failures=ProviderHealth.failures + 1,
                last_error=error[:ERROR_MAX],
                last_failed_at=now,
                probe_until=None,
            )
            .returning(col(ProviderHealth.failures))
            .execution_options(synchronize_session=False)
        ).first()
        if failures is not None and failures[0] >= threshold:
            session.exec(
                update(ProviderHealth)
                .where(*_of(kind, name))
                .values(open_until=now + pause_after(failures[0], threshold))
                .execution_options(synchronize_session=False)
            )


def undecided(scope: Scope, kind: ProviderKind, name: str, admission: Admission) -> None:
    """It was not asked after all, or what went wrong says nothing about it: the caller's own probe is given back."""
    if admission.probe_until is None:
        return
    with writing(scope) as session:
        session.exec(
            update(ProviderHealth)
            .where(*_of(kind, name), col(ProviderHealth.probe_until) == admission.probe_until)
            .values(probe_until=None)
            .execution_options(synchronize_session=False)
        )


def reset(scope: Scope, kind: ProviderKind, name: str) -> None:
    """Ask it again at once: somebody mended what was wrong (a key, an address)."""
    _change(scope, kind, name, values={"failures": 0, "open_until": None, "probe_until": None})


def _health(scope: Scope, kind: ProviderKind, name: str) -> ProviderHealth | None:
    with reading(scope) as session:
        return session.exec(select(ProviderHealth).where(*_of(kind, name))).first()


def _change(scope: Scope, kind: ProviderKind, name: str, *, values: dict[str, Any]) -> None:
    with writing(scope) as session:
        insert_rows(session, ProviderHealth, [_blank(kind, name)], ignore_conflicts=True)
        session.exec(
            update(ProviderHealth)
            .where(*_of(kind, name))
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def _of(kind: ProviderKind, name: str) -> tuple[ColumnElement[bool], ...]:
    return col(ProviderHealth.kind) == kind, col(ProviderHealth.name) == name


def _blank(kind: ProviderKind, name: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "failures": 0, "last_error": ""}


def _refusal(health: ProviderHealth, state: BreakerState) -> str:
    assert health.open_until is not None  # else it would be closed
    since = f" since {health.last_failed_at:%Y-%m-%d %H:%M} UTC" if health.last_failed_at else ""
    until = (
        f"asked again after {health.open_until:%Y-%m-%d %H:%M} UTC"
        if state is BreakerState.OPEN
        else "another run is trying it now"
    )
    said = f" (the last: {health.last_error[:SHOWN_MAX]})" if health.last_error else ""
    return f"not asked{since}, after {health.failures} failures in a row{said}; {until}"
