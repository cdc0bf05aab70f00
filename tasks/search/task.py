"""The stage as Prefect tasks: thin, retried only when the database was locked or away."""

from collections.abc import Sequence

from tasks.plan import RunPlan, StageReport
from tasks.search import stage
from tasks.search.units import Unit
from tasks.stage_task import stage_task


@stage_task("search")
def search_batch(plan: RunPlan, units: Sequence[Unit]) -> StageReport:
    """See ``tasks.search.stage.search_batch``."""
    return stage.search_batch(plan, units)
