"""The stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from tasks.classify.stage import classify_batch
from tasks.plan import RunPlan, StageReport
from tasks.retry import retry_transient


@task(
    name="classify",
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_jitter_factor=0.5,
    retry_condition_fn=retry_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def classify(plan: RunPlan) -> StageReport:
    """Judge one batch of candidates."""
    return classify_batch(plan)
