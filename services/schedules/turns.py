"""Whether a start that Prefect makes of a schedule is to do anything.

Prefect may start one slot twice, start every missed slot once a worker is back, and start what was waiting for a
worker when its schedule was paused. The schedule's row and the ledger of runs decide.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from models.accounts import Business
from models.base import utc_now
from models.clients import active_clients
from models.engine import reading, writing
from models.jobs import AutomationSchedule, JobRun, JobType, RunState, newer_slot, run_of_flow, schedule_by_id
from models.leases import died_here, this_process
from models.scope import Scope
from services.accounts import pick_business
from services.errors import UserError
from services.schedules.gateway import NotDeployed, Refused, Unreachable, open_prefect
from services.schedules.outcomes import SILENT_FOR
from services.schedules.recurrence import next_runs

_WAITS_OR_WORKS = {"SCHEDULED", "PENDING", "RUNNING", "COMPLETED"}
_TOLERANCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a flow run is: of which schedule, for which slot, which attempt."""

    business: str | None = None
    schedule_id: UUID | None = None
    schedule: str = ""
    """The schedule's name, which the run keeps when the schedule is gone."""
    slot: datetime | None = None
    attempt: int = 1
    client_ids: tuple[UUID, ...] | None = None
    """The schedule's clients that are still watched; None for all."""
    days_back: int | None = None
    search_only: bool = False
    skipped: str = ""
    """Why nothing is to be done, in words; "" when it is this run's turn."""
    is_double: bool = False
    """The same flow run is being worked by another process at this moment."""


class SlotTaken(UserError):
    """Another run has this slot: it was started twice."""

    bad_input = False


def take_turn(
    business: str | None,
    schedule_id: UUID | None,
    *,
    flow_run_id: str | None,
    slot: datetime | None = None,
    retry_of: UUID | None = None,
    now: datetime | None = None,
) -> Turn:
    """Decide about a start. ``slot`` is when the schedule meant it, None for what a person or ``retry_of`` started.

    What the schedule's row says comes before what the run was told: the row may have changed since.

    A slot that is skipped is written down as a run that did nothing. UserError when the schedule's clients are all
    archived.
    """
    scope = Scope.system(pick_business(business).id)
    now = now or utc_now()
    with reading(scope) as session:
        before = run_of_flow(scope, session, flow_run_id) if flow_run_id else None
        if before is not None and _is_worked(before, now):
            return Turn(skipped="another process works this run", is_double=True)
        if retry_of is not None:
            before = session.get(JobRun, retry_of)
        row = schedule_by_id(scope, session, schedule_id) if schedule_id is not None else None
    turn = Turn(business, slot=slot) if row is None else _turn_of(business, row, slot)
    if before is not None:
        # Its slot is taken, by the attempt before.
        turn = replace(turn, attempt=before.attempt + 1, slot=None)
    if schedule_id is None:
        return turn
    reason = _why_not(scope, row, turn, now)
    if reason:
        _write_down(scope, row, turn, reason, flow_run_id)
        return replace(turn, skipped=reason)
    assert row is not None  # else there is a reason
    return replace(turn, client_ids=clients_of(scope, row))


def whose_start(flow_run_id: str | None) -> tuple[str, UUID] | None:
    """The business and schedule that a start belongs to, by the schedule Prefect made it from; None for nobody's.

    For a start that was told nothing: Prefect empties a schedule's parameters when it is paused or resumed there.
    """
    if flow_run_id is None:
        return None
    try:
        with open_prefect() as prefect:
            run = prefect.run(flow_run_id)
    except (Unreachable, Refused):
        return None
    if run is None or run.schedule_id is None:
        return None
    with reading(Scope.operator()) as session:
        found = session.exec(
            select(Business.slug, AutomationSchedule.id)
            .join(AutomationSchedule, col(AutomationSchedule.business_id) == col(Business.id))
            .where(AutomationSchedule.prefect_schedule_id == str(run.schedule_id))
        ).first()
    return None if found is None else (found[0], found[1])


def _turn_of(business: str | None, row: AutomationSchedule, slot: datetime | None) -> Turn:
    return Turn(
        business,
        row.id,
        row.name,
        slot,
        days_back=row.config.get("days_back"),
        search_only=row.job_type is JobType.SEARCH_ONLY,
    )


def _is_worked(run: JobRun, now: datetime) -> bool:
    return (
        run.state is RunState.RUNNING
        and run.heartbeat_at > now - SILENT_FOR
        and not died_here(run.holder)
        and run.holder != this_process()
    )


def _why_not(scope: Scope, row: AutomationSchedule | None, turn: Turn, now: datetime) -> str:
    if row is None:
        return "its schedule was deleted"
    if turn.slot is None:
        return ""
    if not row.is_active:
        return "its schedule is paused"
    with reading(scope) as session:
        newer = newer_slot(scope, session, row.id, turn.slot)
    newer = newer or _newer_in_prefect(row, turn.slot, now)
    return f"a newer start of its schedule is due: {newer:%Y-%m-%d %H:%M} UTC" if newer else ""


def _newer_in_prefect(row: AutomationSchedule, slot: datetime, now: datetime) -> datetime | None:
    """A newer start that really waits or works; one that ought to be there but was lost must not silence this one."""
    if row.prefect_schedule_id is None or not _is_overdue(row, slot, now):
        return None
    try:
        with open_prefect() as prefect:
            runs = prefect.started_by(row.prefect_schedule_id, after=slot + _TOLERANCE, until=now)
    except (Unreachable, Refused, NotDeployed):
        return None
    due = [run.expected_start for run in runs if run.state in _WAITS_OR_WORKS and run.expected_start]
    return max(due, default=None)


def _is_overdue(row: AutomationSchedule, slot: datetime, now: datetime) -> bool:
    """Whether the start after this one is due already: only then Prefect need be asked."""
    try:
        following = next_runs(row, 1, after=slot)
    except UserError:
        return False
    return bool(following) and following[0] <= now


def clients_of(scope: Scope, row: AutomationSchedule) -> tuple[UUID, ...] | None:
    """The schedule's clients that are still watched, None for all; UserError when none of those it names is."""
    if row.client_ids is None:
        return None
    with reading(scope) as session:
        watched = active_clients(scope, session, [UUID(one) for one in row.client_ids])
    if not watched:
        raise UserError(
            f"none of the clients of the schedule {row.name!r} is watched any more",
            "choose others for it, or delete it",
        )
    return tuple(client.id for client in watched)


def _write_down(
    scope: Scope, row: AutomationSchedule | None, turn: Turn, reason: str, flow_run_id: str | None
) -> None:
    if row is None:
        return
    run = JobRun(
        business_id=scope.business,
        schedule_id=row.id,
        job_type=row.job_type,
        trigger="scheduled",
        state=RunState.SKIPPED,
        params={"schedule": row.name, "planned_for": turn.slot.isoformat() if turn.slot else None},
        as_of=turn.slot or utc_now(),
        error=reason,
        flow_run_id=flow_run_id,
        finished_at=utc_now(),
    )
    with writing(scope) as session:
        session.add(run)
