"""Schedules as people read them: in words, with what comes next and how it went."""

from dataclasses import dataclass
from datetime import datetime

from models import jobs
from models.base import utc_now
from models.clients import every_client
from models.engine import reading
from models.jobs import AutomationSchedule, PausedBy, RunState, SyncState
from models.scope import Scope
from services.errors import UserError
from services.schedules.outcomes import FAILURES_ALLOWED
from services.schedules.recurrence import next_runs
from services.schedules.wording import in_words

_PAUSED = {
    PausedBy.PERSON: "paused",
    PausedBy.PREFECT: "paused in Prefect",
    PausedBy.FAILURES: f"stopped after {FAILURES_ALLOWED} failures in a row",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A schedule and what is to be said about it."""

    row: AutomationSchedule
    words: str
    clients: list[str] | None
    """Names of its clients, archived ones too; None for all that are watched."""
    next_runs: list[datetime]
    """The next starts, UTC; empty when it is paused or only people start it."""
    standing: str
    """active, paused and by whom, or stopped."""
    sync: str
    """in step, or what keeps Prefect from it."""

    @property
    def ended_badly(self) -> bool:
        """Whether its last run failed."""
        return self.row.last_run_state in {RunState.FAILED, RunState.CRASHED}


def list_schedules(scope: Scope, *, now: datetime | None = None, runs: int = 1) -> list[Listed]:
    """The tenant's schedules by name, with the next ``runs`` starts of each."""
    now = now or utc_now()
    with reading(scope) as session:
        rows = jobs.schedules(scope, session)
        names = {str(one.id): one.name for one in every_client(scope, session)}
    return [listed(row, names, now=now, runs=runs) for row in rows]


def listed(row: AutomationSchedule, names: dict[str, str], *, now: datetime, runs: int = 1) -> Listed:
    """One schedule; ``names`` are clients' by id."""
    chosen = None
    if row.client_ids is not None:
        chosen = sorted(names.get(one, "a client that is gone") for one in row.client_ids)
    return Listed(
        row=row,
        words=in_words(row),
        clients=chosen,
        next_runs=_coming(row, now, runs) if row.is_active else [],
        standing="active" if row.is_active or row.paused_by is None else _PAUSED[row.paused_by],
        sync=_sync(row),
    )


def _coming(row: AutomationSchedule, now: datetime, runs: int) -> list[datetime]:
    try:
        return next_runs(row, runs, after=now)
    except UserError:
        return []  # its state says what is wrong


def _sync(row: AutomationSchedule) -> str:
    match row.sync_state:
        case SyncState.IN_STEP:
            return "in step"
        case SyncState.PENDING:
            return row.sync_error or "waits for Prefect"
        case _:
            return row.sync_error or "not in step"
