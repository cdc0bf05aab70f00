"""The search stage: every unit of a run is fetched, its pages kept as they come, and how it went is said."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from models.breakers import Ended, all_health, leave
from models.clients import Client, active_clients
from models.engine import reading
from models.news import SourceState, cursor_of
from models.providers import ProviderKind
from tasks.crashes import crashed
from tasks.plan import RunPlan, StageReport
from tasks.profiles import profile_of
from tasks.search.gate import breaker_of, enter, probes_first, said_by
from tasks.search.source import (
    FeedSource,
    FetchContext,
    FetchError,
    Page,
    Source,
    SourceError,
    is_archive,
    is_mock,
    is_third_party,
)
from tasks.search.store import Kept, Shelf, finish_baseline, keep_page, settled
from tasks.search.units import Tools, Unit, configs_of, context_for, source_of, units_of

__all__ = ["Tools", "Unit", "finish_baseline", "plan_units", "search_batch"]

_FAULTS = (SourceState.FAILED, SourceState.QUOTA)


@contextmanager
def _tools(given: Tools | None) -> Iterator[Tools]:
    if given is not None:
        yield given
        return
    tools = Tools.real()
    with tools.http:
        yield tools


def plan_units(plan: RunPlan, *, tools: Tools | None = None) -> list[Unit]:
    """What the run is to fetch: feeds, then each client at each query source.

    ``UnknownProvider`` (listing the installed ones) and ``SourceError`` are for the person who wrote the
    plan.
    """
    with _tools(tools) as used:
        with reading(plan.scope) as session:
            configs = configs_of(plan.scope, session)
            asked_about = None if plan.client_ids is None else list(plan.client_ids)
            clients = active_clients(plan.scope, session, asked_about)
        return units_of(plan, used, configs, clients)


@dataclass(slots=True)
class _Outcome:
    """What one unit came to."""

    state: SourceState
    found: int = 0
    new: int = 0
    error: str = ""
    problems: int = 0
    said: Ended = Ended.UNDECIDED
    """What it says about the provider."""
    crash: BaseException | None = None
    """A database error: the batch is to be tried again."""


@dataclass(slots=True)
class _Batch:
    """What the threads of one batch share; nobody writes to it."""

    plan: RunPlan
    tools: Tools
    clients: Mapping[UUID, Client]
    sources: Mapping[str, Source]
    contexts: Mapping[str, FetchContext]
    done: set[tuple[str, str]] = field(default_factory=set)

    def may_ask(self, unit: Unit) -> bool:
        """Not again in this run; not about a client that was archived or became confidential since."""
        if (unit.source, unit.unit) in self.done:
            return False
        if unit.client_id is None:
            return True
        client = self.clients.get(unit.client_id)
        return client is not None and not (client.confidential and is_third_party(self.sources[unit.source]))

    def client_of(self, unit: Unit) -> Client:
        """The client a query unit asks about."""
        if unit.client_id is None:
            raise SourceError(f"{unit.source}: a question about no client")
        return self.clients[unit.client_id]


def search_batch(plan: RunPlan, units: Sequence[Unit], *, tools: Tools | None = None) -> StageReport:
    """Fetch these units, several at a time, and keep every page as it comes.

    A unit that fails stops no other and is named in ``degraded``. One that this run has already fetched well
    is left alone, so the same call again resumes. A database error is raised, after the other units are
    through.
    """
    with _tools(tools) as used:
        batch = _prepare(plan, units, used)
        todo = [unit for unit in dict.fromkeys(units) if batch.may_ask(unit)]
        breakers = {unit: breaker_of(batch.sources[unit.source], unit) for unit in todo}
        waves = probes_first(todo, breakers, all_health(plan.scope), used.clock.now())
        workers = max(1, min(used.settings.search_concurrency, len(todo)))
        outcomes: dict[Unit, _Outcome] = {}
        with ThreadPoolExecutor(workers, thread_name_prefix="search") as pool:
            for wave in waves:
                done = pool.map(lambda unit: _search(batch, unit, breakers[unit]), wave)
                outcomes.update(zip(wave, done, strict=True))
    for outcome in outcomes.values():
        if outcome.crash is not None:
            raise outcome.crash
    counts = Counter[str](units=len(todo))
    degraded = []
    for unit in todo:
        outcome = outcomes[unit]
        counts[outcome.state.value] += 1
        counts["found"] += outcome.found
        counts["new"] += outcome.new
        counts["problems"] += outcome.problems
        if outcome.error:
            degraded.append(f"{_label(batch, unit)}: {outcome.error}")
    return StageReport(stage="search", done=len(todo), counts=dict(counts), degraded=tuple(degraded))


def _prepare(plan: RunPlan, units: Sequence[Unit], tools: Tools) -> _Batch:
    names = {unit.source for unit in units}
    asked = [unit.client_id for unit in units if unit.client_id is not None]
    with reading(plan.scope) as session:
        watched = active_clients(plan.scope, session) if asked else []
        done = settled(plan.scope, session, plan.job_run_id)
        configs = configs_of(plan.scope, session)
    sources = {name: source_of(plan, name, tools) for name in names}
    return _Batch(
        plan=plan,
        tools=tools,
        clients={client.id: client for client in watched},
        sources=sources,
        contexts={name: context_for(plan, name, sources[name], tools, configs) for name in names},
        done=done,
    )


def _search(batch: _Batch, unit: Unit, breaker: str | None) -> _Outcome:
    """One unit, in a thread of its own, where its provider's breaker lets it through."""
    outcome = _Outcome(SourceState.EMPTY)
    scope, clock = batch.plan.scope, batch.tools.clock
    try:
        admission = enter(scope, breaker, clock.now())
        if not admission.may_ask:
            refused = Page(SourceState.FAILED, error=admission.refusal)
            _add(outcome, refused, keep_page(scope, _shelf(batch, unit), refused, finished=True))
            return outcome
        try:
            _fetch(batch, unit, outcome)
        finally:
            if breaker is not None:
                kind, now = ProviderKind.SOURCE, clock.now()
                leave(scope, kind, breaker, admission, outcome.said, outcome.error, now=now)
    except Exception as error:
        outcome.crash = error
    return outcome


def _fetch(batch: _Batch, unit: Unit, outcome: _Outcome) -> None:
    """Keep a unit's pages as they come."""
    scope, shelf = batch.plan.scope, _shelf(batch, unit)
    waiting: Page | None = None
    # One page is held back, so that the last one is known to be the last when it is kept.
    for page in _pages(batch, unit, outcome):
        if waiting is not None:
            _add(outcome, waiting, keep_page(scope, shelf, waiting, finished=False))
        waiting = page
    last = waiting or Page(SourceState.EMPTY)
    _add(outcome, last, keep_page(scope, shelf, last, finished=True))


def _add(outcome: _Outcome, page: Page, kept: Kept) -> None:
    outcome.state, outcome.error = kept.state, kept.error
    outcome.found += kept.found
    outcome.new += kept.new
    outcome.problems += len(page.problems)


def _shelf(batch: _Batch, unit: Unit) -> Shelf:
    plan, source = batch.plan, batch.sources[unit.source]
    client = batch.clients[unit.client_id] if unit.client_id is not None else None
    archive = is_archive(source)
    return Shelf(
        plan=plan,
        unit=unit,
        fetched_at=plan.as_of if archive else batch.tools.clock.now(),
        latest=plan.as_of if archive else None,
        first_poll=plan.baseline and client is not None and client.baseline_at is None,
        is_mock=is_mock(source),
    )


def _pages(batch: _Batch, unit: Unit, outcome: _Outcome) -> Iterator[Page]:
    """A provider's pages up to its first fault; whatever it raises becomes one. ``outcome.said`` tells whose."""
    plan, source, context = batch.plan, batch.sources[unit.source], batch.contexts[unit.source]
    with reading(plan.scope) as session:
        cursor: Mapping[str, Any] | None = cursor_of(plan.scope, session, unit.source, unit.unit)
    last: Page | None = None
    try:
        if unit.fault:
            raise FetchError(unit.fault)
        if isinstance(source, FeedSource):
            pages = source.fetch(unit.unit, cursor, context)
        else:
            pages = source.fetch(profile_of(batch.client_of(unit)), cursor, context)
        for page in pages:
            last = page
            yield page
            if page.state in _FAULTS:
                break
        outcome.said = said_by(source, last, None)
    except FetchError as error:
        outcome.said = said_by(source, last, error)
        yield Page(error.state, error=str(error))
    except SQLAlchemyError:
        raise
    except Exception as error:
        yield Page(SourceState.FAILED, error=crashed("source", unit.source, error))


def _label(batch: _Batch, unit: Unit) -> str:
    """A unit as a person knows it."""
    if unit.client_id is not None and (client := batch.clients.get(unit.client_id)):
        return f"{unit.source} for {client.name}"
    name = Path(unit.unit).name if is_archive(batch.sources[unit.source]) else unit.unit
    return f"{unit.source} {name}"
