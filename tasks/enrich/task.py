"""The stage as a Prefect task."""

from tasks.enrich.stage import enrich_batch
from tasks.plan import RunPlan, StageReport
from tasks.stage_task import stage_task


@stage_task("enrich")
def enrich(plan: RunPlan) -> StageReport:
    """Take CRM snapshots for one batch of clients in the news."""
    return enrich_batch(plan)
