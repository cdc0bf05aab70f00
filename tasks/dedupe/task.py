"""The stage as a Prefect task."""

from models.leases import Held
from tasks.dedupe.stage import dedupe_batch
from tasks.plan import RunPlan, StageReport
from tasks.stage_task import stage_task


@stage_task("dedupe")
def dedupe(plan: RunPlan, held: Held) -> StageReport:
    """Fold one batch of raw items into articles and stories."""
    return dedupe_batch(plan, held)
