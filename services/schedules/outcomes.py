"""What a schedule's runs come to: its last run, its failures in a row, and the end of it after too many."""

from datetime import timedelta

from sqlmodel import Session, select

from models.audit import record
from models.base import utc_now
from models.jobs import (
    AutomationSchedule,
    JobRun,
    PausedBy,
    RunState,
    ScheduleType,
    SyncState,
    mark_crashed,
)
from models.scope import Scope

SILENT_FOR = timedelta(minutes=15)
"""A run that has not committed a batch for this long has lost its process."""
FAILURES_ALLOWED = 5
_BAD = {RunState.FAILED, RunState.CRASHED}
_GOOD = {RunState.COMPLETED, RunState.DEGRADED}


def settle(scope: Scope, session: Session, run: JobRun) -> None:
    """Write a run that just ended down with its schedule, in the caller's transaction; once a run.

    A degraded run did its work. What a person stopped, or was skipped, says nothing of the schedule.
    """
    if run.schedule_id is None or run.state not in _BAD | _GOOD | {RunState.CANCELLED}:
        return
    query = select(AutomationSchedule).where(AutomationSchedule.id == run.schedule_id).with_for_update()
    row = session.exec(query).first()
    if row is None:
        return
    is_newest = row.last_run_at is None or run.started_at >= row.last_run_at
    if is_newest:
        row.last_run_at, row.last_run_state = run.started_at, run.state
    if run.state in _BAD:
        row.consecutive_failures += 1
        row.last_error, row.last_error_at = run.error, run.finished_at or utc_now()
        if row.consecutive_failures >= FAILURES_ALLOWED:
            _disable(scope, session, row)
    elif run.state in _GOOD and is_newest:
        row.consecutive_failures = 0
    session.add(row)
    session.flush()


def bury(scope: Scope, session: Session) -> list[JobRun]:
    """Mark runs that lost their process, and write them down with their schedules; returns them."""
    lost = mark_crashed(scope, session, silent_for=SILENT_FOR)
    for run in lost:
        settle(scope, session, run)
    return lost


def _disable(scope: Scope, session: Session, row: AutomationSchedule) -> None:
    if not row.is_active or row.schedule_type is ScheduleType.MANUAL:
        return
    row.is_active, row.paused_by = False, PausedBy.FAILURES
    row.sync_state, row.revision = SyncState.PENDING, row.revision + 1
    record(scope, session, "schedule.disabled", str(row.id), name=row.name, failures=row.consecutive_failures)
