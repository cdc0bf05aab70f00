"""The filter stage as a Prefect task."""

from tasks.filter.stage import filter_batch
from tasks.plan import RunPlan, StageReport
from tasks.stage_task import stage_task


@stage_task("filter")
def filter_events(plan: RunPlan, limit: int) -> StageReport:
    """One batch of ``filter_batch``."""
    return filter_batch(plan, limit)
