"""The filter stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from tasks.filter.stage import filter_batch
from tasks.plan import RunPlan, StageReport
from tasks.retry import retry_transient


@task(
    name="filter",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_jitter_factor=0.5,
    retry_condition_fn=retry_transient,
)
def filter_events(plan: RunPlan, limit: int) -> StageReport:
    """One batch of ``filter_batch``."""
    return filter_batch(plan, limit)
