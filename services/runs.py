"""A run's life: opened with a plan, closed with a summary a person can read."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from models import jobs
from models.accounts import Business, User, users
from models.ai import costs_of_run
from models.base import utc_now
from models.clients import Client, active_clients, every_client
from models.clock import Clock, SystemClock
from models.engine import reading, writing
from models.events import events_changed_since
from models.jobs import JobRun, JobType, RunState, heartbeat
from models.leases import this_process
from models.links import found_after
from models.mail import NotificationState, line_counts_since, mails_sent_since, waiting_lines
from models.news import SourceResult, SourceState, source_results
from models.scope import Scope
from services.accounts import pick_business
from services.errors import UserError
from services.schedules.outcomes import bury, settle
from services.schedules.turns import SlotTaken, Turn
from tasks.notify.wording import plural
from tasks.plan import RunPlan, StageReport
from tasks.search.sources.archive import newest


class ClientLine(BaseModel):
    """What the run came to for one client."""

    name: str
    found: int = 0
    stories: int = 0
    events: int = 0
    top: str = ""


class PersonLine(BaseModel):
    """What reached one person, and what did not and why."""

    email: str
    mailed: int = 0
    in_digest: int = 0
    waiting: int = 0
    """All that waits for a mail or in the app now, from earlier runs too."""
    skipped: dict[str, int] = Field(default_factory=dict)


class RunSummary(BaseModel):
    """What a run came to. Counts are of this run, but for what waits; the ledger holds everything."""

    job_run_id: UUID
    business: str
    state: RunState
    as_of: datetime
    seconds: float
    counts: dict[str, int]
    degraded: list[str]
    problems: list[str] = Field(default_factory=list)
    """What could not be read as it stands, each with its file, line and field."""
    error: str = ""
    clients: list[ClientLine]
    people: list[PersonLine]
    mails: int = 0
    costs: dict[str, float] = Field(default_factory=dict)
    """Of its calls to an AI: ``ai_calls``, tokens by kind, ``ai_usd``; empty when it made none."""

    @property
    def ai_line(self) -> str:
        """What the AI did and cost, in a line; empty when none was asked anything."""
        count = self.counts.get
        judged, left = (
            count("classify.ai_judged", 0),
            sum(value for name, value in self.counts.items() if name.startswith("classify.ai_left_")),
        )
        if not (judged or left or self.costs):
            return ""
        told = f"{plural(judged, 'story', 'stories')} judged ({count('classify.ai_cached', 0):,} known from before)"
        told += f", {left:,} left to the rules" if left else ""
        cost = self.costs.get
        tokens = cost("ai_input_tokens", 0) + cost("ai_cached_tokens", 0)
        return (
            f"{told}; {plural(int(cost('ai_calls', 0)), 'call')}, {tokens:,.0f} tokens in "
            f"({cost('ai_cached_tokens', 0):,.0f} cached), {cost('ai_output_tokens', 0):,.0f} out, "
            f"{cost('ai_usd', 0):.4f} USD"
        )


def find_clients(scope: Scope, names: list[str]) -> tuple[UUID, ...]:
    """Ids of the clients with these names or ids; a UserError that names the first unknown one otherwise."""
    with reading(scope) as session:
        clients = active_clients(scope, session)
    by_name = {c.name.casefold(): c.id for c in clients} | {str(c.id): c.id for c in clients}
    missing = [name for name in names if name.casefold() not in by_name]
    if missing:
        raise UserError(
            f"there is no client called {missing[0]!r}",
            "client-monitor status lists the clients that are watched",
        )
    return tuple(by_name[name.casefold()] for name in names)


def as_of_for(sources: tuple[str, ...], clock: Clock) -> datetime:
    """The run's clock: now, or the newest item of an archive when an archive is all it reads."""
    archives = [s.partition(":")[2].strip() for s in sources if s.startswith("archive:")]
    if archives and len(archives) == len(sources):
        found = [at for path in archives if (at := newest(path)) is not None]
        if found:
            return max(found)
    return clock.now()


def open_run(
    business: str | None,
    *,
    client_names: list[str] | None = None,
    sources: list[str] | None = None,
    days_back: int = 7,
    force_mock: bool = False,
    baseline: bool = True,
    deliver: bool | None = None,
    trigger: str = "cli",
    search_only: bool = False,
    flow_run_id: str | None = None,
    turn: Turn | None = None,
    clock: Clock | None = None,
) -> RunPlan:
    """Write the run down and return its plan. Runs that lost their process are marked crashed on the way.

    ``turn`` says which schedule meant it to start, and when; its clients come before ``client_names``. SlotTaken when
    another run has that slot.
    """
    turn = turn or Turn()
    found = pick_business(business)
    scope = Scope.system(found.id)
    chosen = tuple(sources or ())
    as_of = as_of_for(chosen, clock or SystemClock())
    only_archives = bool(chosen) and all(s.startswith("archive:") for s in chosen)
    invented = force_mock or any(s.partition(":")[0].strip() == "mock" for s in chosen)
    if invented and deliver:
        raise UserError(
            "invented news is never delivered", "leave out --deliver: its mails are written as files"
        )
    client_ids = turn.client_ids
    if client_ids is None and client_names and turn.schedule_id is None:
        client_ids = find_clients(scope, client_names)
    params: dict[str, Any] = {
        "client_ids": [str(c) for c in client_ids] if client_ids is not None else None,
        "sources": list(chosen),
        "days_back": days_back,
        "force_mock": force_mock,
        "baseline": baseline,
        # A replay of old news must not reach people through a real mail server unless somebody says so.
        "deliver": not (only_archives or invented) if deliver is None else deliver,
    }
    run = JobRun(
        business_id=found.id,
        job_type=JobType.SEARCH_ONLY if search_only else JobType.CLIENT_MONITORING,
        trigger=trigger,
        params=params,
        as_of=as_of,
        flow_run_id=flow_run_id,
    )
    write_run(scope, run, turn)
    return plan_of(run)


def write_run(scope: Scope, run: JobRun, turn: Turn) -> None:
    """Write a run down before it does anything. SlotTaken when another run has the slot of its turn."""
    run.schedule_id, run.slot, run.attempt = turn.schedule_id, turn.slot, turn.attempt
    run.holder = this_process()
    if turn.schedule:
        run.params = {**run.params, "schedule": turn.schedule}
    try:
        with writing(scope) as session:
            bury(scope, session)
            session.add(run)
    except IntegrityError:
        if turn.slot is None:
            raise
        raise SlotTaken(f"another run works the start of {turn.slot:%Y-%m-%d %H:%M} UTC") from None


def plan_of(run: JobRun, client_ids: tuple[UUID, ...] | None = None) -> RunPlan:
    """The plan a run was opened with, or the share of it that concerns ``client_ids``."""
    return RunPlan(
        business_id=run.business_id,
        job_run_id=run.id,
        as_of=run.as_of,
        **{
            **{name: value for name, value in run.params.items() if name in RunPlan.model_fields},
            **({"client_ids": client_ids} if client_ids is not None else {}),
        },
    )


def shard_plan(business: str, job_run_id: UUID, client_ids: tuple[UUID, ...]) -> RunPlan:
    """The share of a run's plan that concerns some of its clients."""
    scope = Scope.system(pick_business(business).id)
    with reading(scope) as session:
        return plan_of(session.get_one(JobRun, job_run_id), client_ids)


def progress(plan: RunPlan, report: StageReport) -> None:
    """Keep the run's counts in step while it works, so that anybody can watch it."""
    with writing(plan.scope) as session:
        run = session.get_one(JobRun, plan.job_run_id)
        run.counts = {**run.counts, **_counts([report])}
        run.stages = _clocked(run, report.stage)
        heartbeat(plan.scope, session, plan.job_run_id)


def _clocked(run: JobRun, stage: str) -> dict[str, Any]:
    """The stages' times, once ``stage`` has told of itself: it began where the one before it ended."""
    now = utc_now().isoformat()
    ended = max((times["until"] for times in run.stages.values()), default=run.started_at.isoformat())
    began = run.stages.get(stage, {"from": ended})["from"]
    return {**run.stages, stage: {"from": began, "until": now}}


def _counts(reports: list[StageReport]) -> dict[str, int]:
    return {f"{report.stage}.{name}": value for report in reports for name, value in report.counts.items()}


def close_run(
    plan: RunPlan, reports: list[StageReport], error: BaseException | None = None, *, cancelled: bool = False
) -> RunSummary:
    """Settle the run's state and return its summary.

    Failed: it stopped, or every source it asked failed. Degraded: it ended, and something it names did not work.
    Crashed: it was stopped from outside. ``cancelled``: a person stopped it.
    """
    scope = plan.scope
    with writing(scope) as session:
        run = session.get_one(JobRun, plan.job_run_id)
        degraded = list(dict.fromkeys([*run.degraded, *(line for r in reports for line in r.degraded)]))
        results = source_results(scope, session, plan.job_run_id)
        failed = [r for r in results if r.state in {SourceState.FAILED, SourceState.QUOTA}]
        was_running = run.state is RunState.RUNNING
        if cancelled:
            run.state, run.error = RunState.CANCELLED, "somebody stopped it"
        elif error is not None and not isinstance(error, Exception):
            # A signal or Ctrl-C: what was committed stands, the rest is for the next run.
            run.state, run.error = RunState.CRASHED, f"it was stopped from outside ({type(error).__name__})"
        elif error is not None:
            run.state, run.error = RunState.FAILED, f"{type(error).__name__}: {error}"[:500]
        elif results and len(failed) == len(results):
            run.state, run.error = (
                RunState.FAILED,
                f"no source answered: {failed[0].source_api}: {failed[0].error}",
            )
        elif run.state is not RunState.FAILED:  # closing it again never takes a failure back
            run.state, run.error = RunState.DEGRADED if degraded else RunState.COMPLETED, ""
        run.degraded = degraded
        run.counts = {**run.counts, **_counts(reports)}
        run.costs = {**run.costs, **costs_of_run(scope, session, run.id)}
        run.finished_at = run.heartbeat_at = utc_now()
        if was_running:
            settle(scope, session, run)
    return summarise(scope, plan.job_run_id)


def summarise(scope: Scope, job_run_id: UUID) -> RunSummary:
    """What the run came to, from the ledger. UserError where there is no such run."""
    with reading(scope) as session:
        run = session.get(JobRun, job_run_id)
        if run is None:
            raise UserError("there is no such run here", "client-monitor status lists the newest")
        business = session.get_one(Business, run.business_id)
        return RunSummary(
            job_run_id=run.id,
            business=business.name,
            state=run.state,
            as_of=run.as_of,
            seconds=((run.finished_at or utc_now()) - run.started_at).total_seconds(),
            counts=run.counts,
            degraded=run.degraded,
            problems=[line for row in source_results(scope, session, run.id) for line in row.problems],
            error=run.error,
            clients=_client_lines(scope, session, run),
            people=_person_lines(scope, session, run),
            mails=mails_sent_since(scope, session, run.started_at),
            costs=run.costs,
        )


def source_answered(scope: Scope, job_run_id: UUID) -> bool:
    """Whether the run got something out of a source, were it that there is nothing new."""
    with reading(scope) as session:
        results = source_results(scope, session, job_run_id)
    return any(row.state not in {SourceState.FAILED, SourceState.QUOTA} for row in results)


def run_of_flow(scope: Scope, flow_run_id: str) -> JobRun | None:
    """The run that a Prefect flow run opened; None when it stopped before that."""
    with reading(scope) as session:
        return jobs.run_of_flow(scope, session, flow_run_id)


def _client_lines(scope: Scope, session: Session, run: JobRun) -> list[ClientLine]:
    ids = run.params.get("client_ids")
    clients = active_clients(scope, session, [UUID(i) for i in ids] if ids is not None else None)
    # UUIDv7 ids made during the run sort after its own.
    found = found_after(scope, session, run.id)
    lines = {client.id: ClientLine(name=client.name, found=found.get(client.id, 0)) for client in clients}
    stories: dict[UUID, set[UUID]] = defaultdict(set)
    for event in events_changed_since(scope, session, run.started_at):
        line = lines.get(event.client_id)
        if line is None:
            continue
        stories[event.client_id].add(event.story_id)
        line.events += event.created_at >= run.started_at
        line.stories = len(stories[event.client_id])
        line.top = line.top or event.title
    return sorted(lines.values(), key=lambda line: (-line.events, -line.found, line.name))


def _person_lines(scope: Scope, session: Session, run: JobRun) -> list[PersonLine]:
    people: dict[UUID, User] = {user.id: user for user in users(scope, session)}
    lines = {user_id: PersonLine(email=user.email) for user_id, user in people.items()}
    skipped: dict[UUID, Counter[str]] = defaultdict(Counter)
    for user_id, state, reason, kind, count in line_counts_since(scope, session, run.started_at):
        line = lines[user_id]
        if state is NotificationState.SKIPPED:
            skipped[user_id][str(reason)] += count
        elif state is NotificationState.WAITING:
            continue  # counted below with what waited before this run
        elif kind is None:
            line.waiting += count
        elif kind == "digest":
            line.in_digest += count
        else:
            line.mailed += count
    for user_id, count in waiting_lines(scope, session).items():
        lines[user_id].waiting += count
    for user_id, line in lines.items():
        line.skipped = dict(skipped[user_id].most_common())
    return sorted(lines.values(), key=lambda line: line.email)


def source_lines(scope: Scope, job_run_id: UUID) -> list[SourceResult]:
    """How each fetch of the run ended."""
    with reading(scope) as session:
        return source_results(scope, session, job_run_id)


def client_names(scope: Scope) -> dict[UUID, str]:
    """What every client is called, archived ones too."""
    with reading(scope) as session:
        return {client.id: client.name for client in every_client(scope, session)}


def clients_by_id(scope: Scope) -> dict[UUID, Client]:
    """The clients that are watched."""
    with reading(scope) as session:
        return {client.id: client for client in active_clients(scope, session)}
