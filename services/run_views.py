"""Runs as people read them: a list of what ran and what it came to, and all that is known of one of them."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from models.accounts import users
from models.base import utc_now
from models.engine import reading
from models.job_views import run_by_id
from models.job_views import runs_page as rows_page
from models.jobs import JobRun, JobType, RunState
from models.leases import died_here
from models.news import SourceResult, SourceState, source_results
from models.scope import Scope
from services.accounts import is_admin
from services.errors import UserError
from services.keyset import mark, place
from services.portfolio.running import STAGES
from services.runs import PersonLine, RunSummary, client_names, summarise
from services.schedules.outcomes import SILENT_FOR
from tasks.notify.wording import plural

PAGE = 20
_TOLD = (
    ("search.found", "item found", "items found"),
    ("search.new", "new", "new"),
    ("classify.events", "event", "events"),
    ("classify.updates", "event told anew", "events told anew"),
)
_MAILS = ("notify.sent", "digests.sent")
_MENDS = {
    RunState.CRASHED: "run it again: what it had found is kept, and the next run goes on from there",
    RunState.FAILED: "run it again; if it fails again, “client-monitor doctor” says what is wrong",
}
_NO_SOURCE = "no source answered"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunLine(_Frozen):
    """A run in the list."""

    id: UUID
    job_type: JobType
    trigger: str
    schedule: str
    """The name of the schedule that started it; empty for what a person started."""
    state: RunState
    is_silent: bool
    """Running by its row, while its process is gone or has been quiet for too long."""
    started_at: datetime
    seconds: float
    said: str
    """Its counts in words; empty when it has none yet."""
    degraded: tuple[str, ...]
    error: str
    mend: str
    done: tuple[str, ...]
    """Stages that have told of themselves."""

    @property
    def is_live(self) -> bool:
        """Whether it is worth looking again in a moment."""
        return self.state is RunState.RUNNING and not self.is_silent


class RunsPage(_Frozen):
    lines: tuple[RunLine, ...]
    next: str
    """Where the next page begins; empty on the last."""


class StageLine(_Frozen):
    """A stage of a run; times are seconds since the run began, None where it did not keep them."""

    stage: str
    began: float | None
    ended: float | None
    counts: tuple[tuple[str, int], ...]

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.began is None or self.ended is None else self.ended - self.began


class SourceLine(_Frozen):
    """How one fetch of the run ended."""

    source: str
    unit: str
    client: str
    state: SourceState
    found: int
    new: int
    error: str
    problems: tuple[str, ...]


class RunDetail(_Frozen):
    line: RunLine
    as_of: datetime
    clients: tuple[str, ...] | None
    """Whom it was asked about; None for all that were watched."""
    days_back: int | None
    is_mock: bool
    stages: tuple[StageLine, ...]
    sources: tuple[SourceLine, ...]
    """Those that did not answer first."""
    summary: RunSummary
    people: tuple[PersonLine, ...]
    """What each person got; only one's own line for who is no admin."""
    flow_run_id: str | None


def runs_page(scope: Scope, *, after: str = "", limit: int = PAGE, now: datetime | None = None) -> RunsPage:
    """A page of the tenant's runs, newest first. UserError for an ``after`` that no page gave."""
    now = now or utc_now()
    with reading(scope) as session:
        rows = rows_page(scope, session, after=place(after), limit=limit + 1)
    shown = rows[:limit]
    following = mark(shown[-1].started_at, shown[-1].id) if len(rows) > limit else ""
    return RunsPage(lines=tuple(_line(row, now) for row in shown), next=following)


def find_run(scope: Scope, run_id: UUID | str, *, now: datetime | None = None) -> RunLine:
    """One run, as the list has it. UserError when the business has none of this id."""
    return _line(_row(scope, run_id), now or utc_now())


def run_detail(scope: Scope, run_id: UUID | str, *, now: datetime | None = None) -> RunDetail:
    """All that is known of a run. UserError when the business has none of this id."""
    run = _row(scope, run_id)
    names = client_names(scope)
    summary = summarise(scope, run.id)
    with reading(scope) as session:
        results = source_results(scope, session, run.id)
        own = {user.email for user in users(scope, session) if user.id == scope.user_id}
    chosen = run.params.get("client_ids")
    return RunDetail(
        line=_line(run, now or utc_now()),
        as_of=run.as_of,
        clients=None if chosen is None else tuple(sorted(_name(names, UUID(one)) for one in chosen)),
        days_back=run.params.get("days_back"),
        is_mock=bool(run.params.get("force_mock")),
        stages=_stages(run),
        sources=tuple(_source(row, names) for row in sorted(results, key=_trouble_first)),
        summary=summary,
        people=tuple(one for one in summary.people if is_admin(scope) or one.email in own),
        flow_run_id=run.flow_run_id,
    )


def counts_in_words(counts: dict[str, int]) -> str:
    """What a run's counts come to, in a line."""
    told = [
        plural(counts[key], one, many)
        for key, one, many in _TOLD
        if key in counts and (counts[key] or not key.endswith(".updates"))
    ]
    if any(key in counts for key in _MAILS):
        told.append(plural(sum(counts.get(key, 0) for key in _MAILS), "mail"))
    return ", ".join(told)


def _row(scope: Scope, run_id: UUID | str) -> JobRun:
    try:
        wanted = UUID(str(run_id))
    except ValueError:
        wanted = None
    with reading(scope) as session:
        run = run_by_id(scope, session, wanted) if wanted else None
    if run is None:
        raise UserError("there is no such run here", "look for it in the list of runs")
    return run


def _line(run: JobRun, now: datetime) -> RunLine:
    is_running = run.state is RunState.RUNNING
    return RunLine(
        id=run.id,
        job_type=run.job_type,
        trigger=run.trigger,
        schedule=str(run.params.get("schedule") or ""),
        state=run.state,
        is_silent=is_running and (run.heartbeat_at < now - SILENT_FOR or died_here(run.holder)),
        started_at=run.started_at,
        seconds=max(((run.finished_at or now) - run.started_at).total_seconds(), 0),
        said=counts_in_words(run.counts),
        degraded=tuple(run.degraded),
        error=run.error,
        mend=_mend(run),
        done=tuple(stage for stage in STAGES if stage in run.stages),
    )


def _mend(run: JobRun) -> str:
    if run.error.startswith(_NO_SOURCE):
        return "test the sources under Settings, Providers; then run it again"
    return _MENDS.get(run.state, "")


def _stages(run: JobRun) -> tuple[StageLine, ...]:
    counts: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for key, value in run.counts.items():
        stage, _, name = key.partition(".")
        counts[stage].append((name, value))
    # JSON of PostgreSQL keeps no order.
    timed = sorted(run.stages, key=lambda stage: (run.stages[stage]["from"], run.stages[stage]["until"]))
    known = [stage for stage in STAGES if stage in counts and stage not in run.stages]
    rest = [stage for stage in sorted(counts) if stage not in timed and stage not in known]
    return tuple(
        StageLine(
            stage=stage,
            began=_since(run, stage, "from"),
            ended=_since(run, stage, "until"),
            counts=tuple(counts.get(stage, ())),
        )
        for stage in [*timed, *known, *rest]
    )


def _since(run: JobRun, stage: str, end: str) -> float | None:
    at = run.stages.get(stage, {}).get(end)
    return None if at is None else max((datetime.fromisoformat(at) - run.started_at).total_seconds(), 0)


def _source(row: SourceResult, names: dict[UUID, str]) -> SourceLine:
    return SourceLine(
        source=row.source_api,
        unit=row.unit,
        client=_name(names, row.client_id) if row.client_id else "",
        state=row.state,
        found=row.found,
        new=row.new,
        error=row.error,
        problems=tuple(row.problems),
    )


def _name(names: dict[UUID, str], client_id: UUID) -> str:
    return names.get(client_id, "a client that is gone")


_ORDER = (SourceState.FAILED, SourceState.QUOTA, SourceState.PARTIAL, SourceState.OK, SourceState.EMPTY)


def _trouble_first(row: SourceResult) -> tuple[int, str, str]:
    return _ORDER.index(row.state), row.source_api, row.unit
