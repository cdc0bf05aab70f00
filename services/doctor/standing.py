"""How it has gone lately: providers that are left alone because they failed, and last runs that did not end well."""

from collections.abc import Iterator

from sqlmodel import Session, col, select

from models.accounts import Business
from models.breakers import SHOWN_MAX, BreakerState, state_of
from models.clock import Clock
from models.jobs import JobRun, JobType, RunState
from models.providers import ProviderConfig, ProviderHealth
from models.settings import Settings
from services.doctor.checks import Check
from services.doctor.database import from_ledger

_NAMED_AT_MOST = 3
_ENDED_BADLY = {
    RunState.FAILED: "failed",
    RunState.CRASHED: "crashed",
    RunState.DEGRADED: "ended degraded",
}


def check_standing(settings: Settings, clock: Clock) -> list[Check]:
    """For each business its providers with an open circuit breaker, and its last run when that went wrong.

    What is switched off is not looked at; nothing is asked over the network.
    """
    return from_ledger(settings, lambda session: _standing(session, clock)) or [
        Check.ok("standing", "no provider is paused, and the last runs ended well")
    ]


def _standing(session: Session, clock: Clock) -> list[Check]:
    return [
        check
        for business in session.exec(select(Business).order_by(col(Business.slug))).all()
        for check in (*_paused(session, business, clock), *_last_run(session, business))
    ]


def _paused(session: Session, business: Business, clock: Clock) -> Iterator[Check]:
    mine = ProviderConfig.business_id == business.id
    off = {
        (one.kind, one.name) for one in session.exec(select(ProviderConfig).where(mine)) if not one.is_enabled
    }
    rows = session.exec(
        select(ProviderHealth)
        .where(ProviderHealth.business_id == business.id, col(ProviderHealth.open_until).is_not(None))
        .order_by(col(ProviderHealth.kind), col(ProviderHealth.name))
    )
    for row in rows:
        state = state_of(row, clock.now())
        provider = row.name.partition(":")[0]  # a feed has a breaker of its own: "rss:" and its fingerprint
        if state is BreakerState.CLOSED or (row.kind, provider) in off:
            continue
        assert row.open_until is not None  # else it would be closed
        last = f"last failed {row.last_failed_at:%Y-%m-%d %H:%M} UTC" if row.last_failed_at else "failed"
        answered = (
            f"answered last {row.last_ok_at:%Y-%m-%d %H:%M} UTC" if row.last_ok_at else "never answered"
        )
        until = (
            f"not asked until {row.open_until:%Y-%m-%d %H:%M} UTC"
            if state is BreakerState.OPEN
            else "the next run tries it again"
        )
        said = f": {row.last_error[:SHOWN_MAX]}" if row.last_error else ""
        yield Check.warning(
            "standing",
            f"{business.slug}: {row.name} ({row.kind.value}) failed {row.failures} times in a row, {last}, "
            f"{answered}; {until}{said}",
            f"mend what it says, then: client-monitor providers test {provider} --business {business.slug}",
        )


def _last_run(session: Session, business: Business) -> Iterator[Check]:
    last = session.exec(
        select(JobRun)
        .where(
            JobRun.business_id == business.id,
            col(JobRun.job_type).in_((JobType.CLIENT_MONITORING, JobType.SEARCH_ONLY)),
            col(JobRun.state).not_in((RunState.RUNNING, RunState.SKIPPED)),
        )
        .order_by(col(JobRun.started_at).desc(), col(JobRun.id).desc())
        .limit(1)
    ).first()
    if last is None or last.state not in _ENDED_BADLY:
        return
    named = [last.error] if last.error else last.degraded[:_NAMED_AT_MOST]
    more = 0 if last.error else len(last.degraded) - len(named)
    said = "; ".join(one[:SHOWN_MAX] for one in named) + (f"; and {more} more" if more > 0 else "")
    yield Check.warning(
        "standing",
        f"{business.slug}: the last run ({last.started_at:%Y-%m-%d %H:%M} UTC) {_ENDED_BADLY[last.state]}"
        + (f": {said}" if said else ""),
        f"client-monitor status --business {business.slug} shows it; mend that, then run it again",
    )
