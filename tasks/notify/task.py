"""The notify stage as Prefect tasks: the same calls, seen and retried."""

from datetime import datetime
from uuid import UUID

from tasks.notify.stage import SEND_BATCH, digest_batch, notify_batch
from tasks.plan import RunPlan, StageReport
from tasks.stage_task import stage_task

# Only a locked or absent database is tried again here; a mail's own retries are the outbox's business.


@stage_task("notify")
def notify(plan: RunPlan, limit: int = SEND_BATCH) -> StageReport:
    """One batch of ``notify_batch``."""
    return notify_batch(plan, limit)


@stage_task("send-digests")
def send_digests(
    business_id: UUID,
    now: datetime,
    limit: int = SEND_BATCH,
    deliver: bool = True,
    job_run_id: UUID | None = None,
) -> StageReport:
    """One batch of ``digest_batch``."""
    return digest_batch(business_id, now, limit, deliver=deliver, job_run_id=job_run_id)
