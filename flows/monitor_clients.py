"""Monitor a tenant's clients: search → dedupe → enrich → classify → filter → notify."""

from typing import Any
from uuid import UUID

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled

from flows.pipeline import Stages, run_pipeline
from flows.reporting import Progress, end_state, publish
from flows.stopping import batches_end_first
from flows.turns import skipped, this_turn
from services.runs import close_run, open_run
from services.schedules.recovery import is_cancelled
from services.schedules.turns import SlotTaken
from tasks.classify.task import classify
from tasks.dedupe.task import dedupe
from tasks.enrich.task import enrich
from tasks.filter.task import filter_events
from tasks.notify.task import notify
from tasks.search.task import search_batch as search

WITH_PREFECT = Stages(
    search=search, dedupe=dedupe, enrich=enrich, classify=classify, filter=filter_events, notify=notify
)


def run_name() -> str:
    """Runs are named by tenant and kind: what an operator looks for first."""
    asked = runtime.flow_run.parameters
    kind = (
        "search only" if asked.get("search_only") else "mock run" if asked.get("force_mock") else "monitoring"
    )
    return f"{asked.get('business') or 'default business'} · {kind}"


@flow(name="monitor-clients", flow_run_name=run_name, persist_result=False)
def monitor_clients(
    business: str | None = None,
    clients: list[str] | None = None,
    sources: list[str] | None = None,
    days_back: int = 7,
    force_mock: bool = False,
    baseline: bool = True,
    deliver: bool | None = None,
    search_only: bool = False,
    schedule_id: UUID | None = None,
    retry_of: UUID | None = None,
) -> State[Any]:
    """Search the news for a tenant's clients and mail what each person asked for.

    business: the tenant's slug; the only one there is when left out. clients: names or ids; all when left out.
    sources: such as google_news, rss:ADDRESS, archive:FILE; those that are switched on when left out.
    deliver: whether mail leaves by the configured transport; archives write files unless it is true.
    schedule_id, retry_of: set by schedules, and where a run that lost its process is handed on.
    """
    turn = this_turn(business, schedule_id, retry_of)
    if turn.skipped:
        return skipped(turn.skipped)
    try:
        plan = open_run(
            turn.business,
            client_names=clients,
            sources=sources,
            days_back=turn.days_back or days_back,
            force_mock=force_mock,
            baseline=baseline,
            deliver=deliver,
            trigger=runtime.deployment.name or "flow",
            search_only=search_only or turn.search_only,
            flow_run_id=runtime.flow_run.id,
            turn=turn,
        )
    except SlotTaken as taken:
        return skipped(str(taken))
    progress = Progress(plan)
    try:
        with batches_end_first() as stop:
            reports = run_pipeline(plan, stop.between(WITH_PREFECT), progress.watch, search_only=search_only)
    except TerminationSignal as signal:
        # Whoever stops us gives little time: no artifacts.
        cancelled = is_cancelled(runtime.flow_run.id)
        close_run(plan, progress.reports, signal, cancelled=cancelled)
        if cancelled:
            return Cancelled(message="somebody stopped it; what was committed stands")
        raise
    except BaseException as error:
        publish(close_run(plan, progress.reports, error))
        raise
    summary = close_run(plan, reports)
    progress.finish()
    publish(summary)
    return end_state(summary)
