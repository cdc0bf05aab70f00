"""The stage as Prefect tasks: thin, retried only when the database was locked or away."""

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from tasks.plan import RunPlan, StageReport
from tasks.retry import retry_transient
from tasks.search import stage
from tasks.search.units import Unit


@task(
    name="search",
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=0.5,
    retry_condition_fn=retry_transient,
    cache_policy=NO_CACHE,
)
def search_batch(plan: RunPlan, units: Sequence[Unit]) -> StageReport:
    """See ``tasks.search.stage.search_batch``."""
    return stage.search_batch(plan, units)
