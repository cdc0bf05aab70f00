"""The stage as a Prefect task."""

from tasks.classify.stage import classify_batch
from tasks.plan import RunPlan, StageReport
from tasks.stage_task import stage_task


@stage_task("classify")
def classify(plan: RunPlan) -> StageReport:
    """Judge one batch of candidates."""
    return classify_batch(plan)
