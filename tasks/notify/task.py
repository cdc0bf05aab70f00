"""The notify stage as Prefect tasks: the same calls, seen and retried."""

from datetime import datetime
from uuid import UUID

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from tasks.notify.stage import SEND_BATCH, digest_batch, notify_batch
from tasks.plan import RunPlan, StageReport
from tasks.retry import retry_transient

# Only a locked or absent database is tried again here; a mail's own retries are the outbox's business.


@task(
    name="notify",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_jitter_factor=0.5,
    retry_condition_fn=retry_transient,
)
def notify(plan: RunPlan, limit: int = SEND_BATCH) -> StageReport:
    """One batch of ``notify_batch``."""
    return notify_batch(plan, limit)


@task(
    name="send-digests",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_jitter_factor=0.5,
    retry_condition_fn=retry_transient,
)
def send_digests(
    business_id: UUID,
    now: datetime,
    limit: int = SEND_BATCH,
    deliver: bool = True,
    job_run_id: UUID | None = None,
) -> StageReport:
    """One batch of ``digest_batch``."""
    return digest_batch(business_id, now, limit, deliver=deliver, job_run_id=job_run_id)
