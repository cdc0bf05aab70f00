"""A tick that a schedule asked for leaves a run in the history, as every scheduled job does. The standing one leaves
none: it comes every five minutes and its mails are in the log."""

from collections.abc import Iterator
from contextlib import contextmanager

from models.base import utc_now
from models.engine import writing
from models.jobs import JobRun, JobType, RunState
from models.scope import Scope
from services.accounts import pick_business
from services.runs import write_run
from services.schedules.outcomes import settle
from services.schedules.turns import Turn
from tasks.plan import StageReport


class TickRecord:
    """What the tick came to, for the history."""

    def __init__(self) -> None:
        self.total = StageReport(stage="tick")


@contextmanager
def recorded_tick(
    business: str | None, turn: Turn, *, trigger: str, flow_run_id: str | None
) -> Iterator[TickRecord]:
    """Write a scheduled tick down before and after the block; a tick without a schedule passes. SlotTaken when another
    run has the slot."""
    record = TickRecord()
    if turn.schedule_id is None:
        yield record
        return
    scope = Scope.system(pick_business(business).id)
    run = JobRun(
        business_id=scope.business,
        job_type=JobType.NOTIFICATION_DIGEST,
        trigger=trigger,
        as_of=utc_now(),
        flow_run_id=flow_run_id,
    )
    write_run(scope, run, turn)
    try:
        yield record
    except BaseException as error:
        state = RunState.FAILED if isinstance(error, Exception) else RunState.CRASHED
        _close(scope, run, record, state, f"{type(error).__name__}: {error}"[:500])
        raise
    _close(scope, run, record, RunState.DEGRADED if record.total.degraded else RunState.COMPLETED, "")


def _close(scope: Scope, run: JobRun, record: TickRecord, state: RunState, error: str) -> None:
    with writing(scope) as session:
        row = session.get_one(JobRun, run.id)
        row.state, row.error, row.degraded = state, error, list(record.total.degraded)
        row.counts = {f"notify.{name}": value for name, value in record.total.counts.items()}
        row.finished_at = row.heartbeat_at = utc_now()
        session.add(row)
        settle(scope, session, row)
