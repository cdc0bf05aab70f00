"""Runs that lost their process: told to Prefect, which would leave them Running, and handed on, twice at most.

What such a run had committed stands, and its successor takes up the rest. The successor is asked for with a key made of
the lost run's id, so that however often this is tried there is one.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.jobs import JobRun, RunState, end_run, schedule_by_id
from models.scope import Scope
from services.accounts import every_business
from services.errors import UserError
from services.schedules.gateway import Deployed, Prefect, RemoteRun, open_prefect
from services.schedules.outcomes import bury, settle

ATTEMPTS = 3
"""A run, and two more tries of it."""
_RECENT = timedelta(days=1)
"""A run that was lost longer ago is history: newer ones did its work."""
_QUIET = timedelta(minutes=2)
"""A run that has not told of itself for this long is looked up in Prefect."""
_ENDED = {"CRASHED", "FAILED", "COMPLETED"}
_STOPPED = {"CANCELLED", "CANCELLING"}
_THERE = {"RUNNING", "PENDING"}


def is_cancelled(flow_run_id: str | None) -> bool:
    """Whether it is a person who stops the flow run, by cancelling it in Prefect; False when Prefect is away."""
    if flow_run_id is None:
        return False
    try:
        with open_prefect() as prefect:
            run = prefect.run(flow_run_id)
    except UserError:
        return False
    return run is not None and run.state in _STOPPED


def recover(*, now: datetime | None = None) -> list[str]:
    """Find runs that lost their process in every tenant, and hand them on; a line each.

    With Prefect away they are marked here, and the rest is done when it is back.
    """
    now = now or utc_now()
    lines: list[str] = []
    tenants = every_business()
    for business in tenants:
        scope = Scope.system(business.id)
        with writing(scope) as session:
            lines += [f"{business.slug}: run {run.id} lost its process" for run in bury(scope, session)]
    scopes = {business.slug: Scope.system(business.id) for business in tenants}
    if not any(_quiet(scope, now) or _lost(scope, now) for scope in scopes.values()):
        return lines
    try:
        with open_prefect() as prefect:
            for slug, scope in scopes.items():
                lines += [f"{slug}: {line}" for line in _of_tenant(prefect, scope, now)]
    except UserError as error:
        lines.append(f"runs are handed on later: {error}")
    return lines


def _of_tenant(prefect: Prefect, scope: Scope, now: datetime) -> list[str]:
    lines = [_ended_there(prefect, scope, run, now) for run in _quiet(scope, now)]
    lines += [_hand_on(prefect, scope, run, now) for run in _lost(scope, now)]
    return [line for line in lines if line]


def _quiet(scope: Scope, now: datetime) -> list[JobRun]:
    query = select(JobRun).where(
        JobRun.state == RunState.RUNNING,
        col(JobRun.flow_run_id).is_not(None),
        col(JobRun.heartbeat_at) < now - _QUIET,
    )
    with reading(scope) as session:
        return list(session.exec(query))


def _lost(scope: Scope, now: datetime) -> list[JobRun]:
    query = select(JobRun).where(
        JobRun.state == RunState.CRASHED,
        col(JobRun.flow_run_id).is_not(None),
        col(JobRun.resubmitted_at).is_(None),
        col(JobRun.finished_at) > now - _RECENT,
    )
    with reading(scope) as session:
        return list(session.exec(query.order_by(col(JobRun.started_at))))


def _ended_there(prefect: Prefect, scope: Scope, run: JobRun, now: datetime) -> str:
    """End a run that Prefect knows to have ended; one it does not know of is left to its heartbeat."""
    remote = prefect.run(str(run.flow_run_id))
    if remote is None or remote.state not in _ENDED | {"CANCELLED"}:
        return ""
    state = RunState.CANCELLED if remote.state == "CANCELLED" else RunState.CRASHED
    error = "somebody stopped it" if state is RunState.CANCELLED else "its process died or was cut off"
    with writing(scope) as session:
        ended = end_run(scope, session, run, state=state, error=error, finished_at=now)
        if ended is None:
            return ""
        settle(scope, session, ended)
    return f"run {run.id} {state.value}, as Prefect says"


def _hand_on(prefect: Prefect, scope: Scope, run: JobRun, now: datetime) -> str:
    assert run.flow_run_id is not None  # as the query asks
    remote = prefect.run(run.flow_run_id)
    if remote is not None and remote.state in _STOPPED:
        with writing(scope) as session:
            _mark(session, run, now, state=RunState.CANCELLED, error="somebody stopped it")
        return f"run {run.id} was stopped by a person"
    if remote is not None and remote.state in _THERE:
        prefect.crash(remote.id, "its process died or was cut off: the heartbeat of its run stopped")
    reason = _why_not(scope, run, remote)
    successor = None if reason or remote is None else _resubmit(prefect, run, remote)
    with writing(scope) as session:
        _mark(session, run, now)
        if successor is not None:
            record(scope, session, "run.handed_on", str(run.id), attempt=run.attempt + 1, to=str(successor))
    return f"run {run.id} is handed on" if successor else f"run {run.id} is not handed on: {reason}"


def _why_not(scope: Scope, run: JobRun, remote: RemoteRun | None) -> str:
    """Why a lost run needs no successor; "" when it does."""
    if remote is None or remote.deployment_id is None:
        return "no worker runs it"
    if remote.state == "SCHEDULED":
        return "Prefect starts it again itself"
    if run.attempt >= ATTEMPTS:
        return f"it was tried {ATTEMPTS} times"
    with reading(scope) as session:
        newer = select(JobRun.id).where(
            JobRun.schedule_id == run.schedule_id,
            col(JobRun.started_at) > run.started_at,
            col(JobRun.state).in_((RunState.RUNNING, RunState.COMPLETED, RunState.DEGRADED)),
        )
        if run.schedule_id is None:
            return ""
        schedule = schedule_by_id(scope, session, run.schedule_id)
        if schedule is None or not schedule.is_active:
            return "its schedule was stopped"
        return "a newer run of its schedule took up its work" if session.exec(newer).first() else ""


def _resubmit(prefect: Prefect, run: JobRun, remote: RemoteRun) -> UUID:
    assert remote.deployment_id is not None  # as _why_not says
    deployment = Deployed(remote.deployment_id, "", paused=False, pool=None)
    parameters = {**remote.parameters, "retry_of": str(run.id)}
    return prefect.start(deployment, parameters, key=f"cm-again-{run.id}")


def _mark(session: Session, run: JobRun, now: datetime, **values: Any) -> None:
    row = session.get_one(JobRun, run.id)
    row.resubmitted_at = now
    for name, value in values.items():
        setattr(row, name, value)
    session.add(row)
