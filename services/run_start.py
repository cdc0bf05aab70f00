"""Starting a run now: through Prefect where a worker would take it, else in a process of its own on this machine."""

import subprocess
import sys
import threading
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from models.accounts import Business
from models.audit import record
from models.base import new_id, utc_now
from models.clients import active_clients
from models.engine import reading, writing
from models.folders import private_folder
from models.jobs import AutomationSchedule, JobRun, JobType, RunState, end_run
from models.leases import died_here, this_process
from models.scope import Scope
from models.settings import get_settings
from services.errors import UserError
from services.runs import open_run, plan_of, run_of_flow
from services.schedules.access import require_keeper
from services.schedules.gateway import START_IT, Unreachable, open_prefect
from services.schedules.outcomes import SILENT_FOR, settle
from services.schedules.sync import deployment_for, parameters_of
from services.schedules.turns import Turn, clients_of
from tasks.plan import RunPlan

ON_DEMAND = "monitor-clients/on-demand"
TRIGGER = "app"
_PATIENCE = 3.0


class Where(StrEnum):
    PREFECT = "prefect"
    HERE = "here"


@dataclass(frozen=True, slots=True)
class Started:
    """A run that was started. Through Prefect, its row appears once a worker takes it: ask ``run_started``."""

    where: Where
    sentence: str
    job_run_id: UUID | None = None
    flow_run_id: str | None = None


def start_run(
    scope: Scope,
    client_ids: Collection[UUID] | None = None,
    *,
    force_mock: bool = False,
    search_only: bool = False,
    days_back: int = 7,
    key: str | None = None,
) -> Started:
    """Monitor the tenant's clients (some of them with ``client_ids``) now.

    The demo is always given invented news. The same ``key`` starts one run in Prefect, however often it is asked for.
    UserError when there is nothing to watch, or a run of this kind is under way on this machine.
    """
    require_keeper(scope)
    with reading(scope) as session:
        business = session.exec(select(Business).where(Business.id == scope.business)).one()
        watched = active_clients(scope, session, list(client_ids) if client_ids is not None else None)
    if not watched:
        raise UserError(
            "there is no client to look for", "add clients, or choose among those that are watched"
        )
    asked: dict[str, Any] = {"days_back": days_back, "force_mock": force_mock or business.is_demo}
    if asked["force_mock"]:
        asked |= {"baseline": False, "deliver": False}
    if client_ids is not None:
        asked["clients"] = [str(client.id) for client in watched]
    told = {"business": business.slug, "search_only": search_only, **asked}
    started, why = _through_prefect(ON_DEMAND, told, key)
    if started is None:
        with reading(scope) as session:
            _refuse_a_second(session)
        names = asked.pop("clients", None)
        plan = open_run(business.slug, client_names=names, trigger=TRIGGER, search_only=search_only, **asked)
        started = _here(scope, business.slug, plan, why)
    _record(scope, "run.started", started, clients=len(client_ids) if client_ids is not None else "all")
    return started


def start_schedule(scope: Scope, row: AutomationSchedule, *, key: str | None = None) -> Started:
    """Do now what a schedule does, paused or not; it counts as a run of the schedule."""
    started, why = queue_schedule(scope, row, key=key)
    if started is not None:
        return started
    with reading(scope) as session:
        slug = session.exec(select(Business.slug).where(Business.id == scope.business)).one()
        _refuse_a_second(session)
    started = _here(scope, slug, open_schedule(scope, row, trigger=TRIGGER, why=why), why)
    _record(scope, "schedule.started", started, schedule=row.name)
    return started


def queue_schedule(
    scope: Scope, row: AutomationSchedule, *, key: str | None = None
) -> tuple[Started | None, str]:
    """A schedule's run in Prefect; or None, and why Prefect would not work it now."""
    require_keeper(scope)
    with reading(scope) as session:
        slug = session.exec(select(Business.slug).where(Business.id == scope.business)).one()
    started, why = _through_prefect(deployment_for(row.job_type), parameters_of(row, slug), key)
    if started is not None:
        _record(scope, "schedule.started", started, schedule=row.name)
    return started, why


def open_schedule(scope: Scope, row: AutomationSchedule, *, trigger: str, why: str) -> RunPlan:
    """Write down a schedule's run that this machine is to work, Prefect being away for the reason ``why``."""
    require_keeper(scope)
    if row.job_type is JobType.NOTIFICATION_DIGEST:
        raise Unreachable(f"digests are written by Prefect: {why}", START_IT)
    with reading(scope) as session:
        slug = session.exec(select(Business.slug).where(Business.id == scope.business)).one()
    turn = Turn(schedule_id=row.id, schedule=row.name, client_ids=clients_of(scope, row))
    return open_run(
        slug,
        days_back=parameters_of(row, slug)["days_back"],
        trigger=trigger,
        search_only=row.job_type is JobType.SEARCH_ONLY,
        turn=turn,
    )


def run_started(scope: Scope, started: Started) -> UUID | None:
    """The run's id, once it is written down; None while it waits for a worker."""
    if started.job_run_id is not None or started.flow_run_id is None:
        return started.job_run_id
    run = run_of_flow(scope, started.flow_run_id)
    return run.id if run is not None else None


def adopt_run(business_id: UUID, job_run_id: UUID) -> tuple[RunPlan, bool]:
    """Take up a run that the app wrote down, in this process: its plan, and whether it only searches."""
    scope = Scope.system(business_id)
    with writing(scope) as session:
        run = session.exec(select(JobRun).where(JobRun.id == job_run_id)).first()
        if run is None or run.state is not RunState.RUNNING or run.trigger != TRIGGER:
            raise UserError("there is no such run to take up", "start one: client-monitor run")
        run.holder, run.heartbeat_at = this_process(), utc_now()
        session.add(run)
    return plan_of(run), run.job_type is JobType.SEARCH_ONLY


def _through_prefect(deployment: str, told: dict[str, Any], key: str | None) -> tuple[Started | None, str]:
    """The run in Prefect; or None, and why Prefect would not work it now."""
    try:
        with open_prefect(timeout=_PATIENCE) as prefect:
            deployed = prefect.deployment(deployment)
            if not prefect.workers_online(deployed.pool):
                return None, "Prefect has no worker online"
            run_id = prefect.start(deployed, told, key=f"cm-now-{key or new_id()}")
    except UserError as error:
        return None, str(error)
    return Started(Where.PREFECT, "started through Prefect", flow_run_id=str(run_id)), ""


def _here(scope: Scope, slug: str, plan: RunPlan, why: str) -> Started:
    threading.Thread(target=_work, args=(scope, slug, plan.job_run_id), daemon=True).start()
    return Started(Where.HERE, f"started on this machine ({why})", job_run_id=plan.job_run_id)


def _refuse_a_second(session: Session) -> None:
    """UserError while another run that the app started on this machine goes on."""
    running = session.exec(select(JobRun).where(JobRun.state == RunState.RUNNING, JobRun.trigger == TRIGGER))
    silent = utc_now() - SILENT_FOR
    if any(run.heartbeat_at > silent and not died_here(run.holder) for run in running):
        raise UserError("a run is under way on this machine", "wait for its end: the Runs page shows it")


def _work(scope: Scope, slug: str, job_run_id: UUID) -> None:
    """Run it in a process of its own, which survives the app's restart, and see to its end."""
    folder = get_settings().data_dir / "runs"
    private_folder(folder)
    command = [sys.executable, "-m", "cli.main", "run", "--business", slug, "--opened", str(job_run_id)]
    with (folder / f"{job_run_id}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  our own command, fixed words and ids
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        code = process.wait()
    with writing(scope) as session:
        run = session.exec(select(JobRun).where(JobRun.id == job_run_id)).one()
        error = f"its process ended with code {code}"
        ended = end_run(scope, session, run, state=RunState.CRASHED, error=error, finished_at=utc_now())
        if ended is not None:
            settle(scope, session, ended)


def _record(scope: Scope, action: str, started: Started, **details: Any) -> None:
    with writing(scope) as session:
        subject = str(started.job_run_id or started.flow_run_id or "")
        record(scope, session, action, subject, where=started.where.value, **details)
