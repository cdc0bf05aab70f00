"""Monitor a tenant's clients: search → dedupe → enrich → classify → filter → notify."""

from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State

from flows.pipeline import Stages, run_pipeline
from flows.reporting import Progress, end_state, publish
from services.runs import close_run, open_run
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
) -> State[Any]:
    """Search the news for a tenant's clients and mail what each person asked for.

    business: the tenant's slug; the only one there is when left out. clients: names or ids; all when left out.
    sources: such as google_news, rss:ADDRESS, archive:FILE; those that are switched on when left out.
    deliver: whether mail leaves by the configured transport; archives write files unless it is true.
    """
    plan = open_run(
        business,
        client_names=clients,
        sources=sources,
        days_back=days_back,
        force_mock=force_mock,
        baseline=baseline,
        deliver=deliver,
        trigger=runtime.deployment.name or "flow",
        flow_run_id=runtime.flow_run.id,
    )
    progress = Progress(plan)
    try:
        reports = run_pipeline(plan, WITH_PREFECT, progress.watch, search_only=search_only)
    except BaseException as error:
        publish(close_run(plan, progress.reports, error))
        raise
    summary = close_run(plan, reports)
    progress.finish()
    publish(summary)
    return end_state(summary)
