"""Monitor a share of a run's clients, on a worker of its own."""

from typing import Any
from uuid import UUID

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.monitor_clients import WITH_PREFECT
from flows.pipeline import run_pipeline
from flows.reporting import Progress
from services.runs import shard_plan


@flow(name="monitor-shard", flow_run_name="shard of {job_run_id}", persist_result=False)
def monitor_shard(business: str, job_run_id: UUID, clients: list[UUID]) -> State[Any]:
    """Work the pipeline for some clients of a run that a planner opened; ids only, the plan is in the database."""
    plan = shard_plan(business, job_run_id, tuple(clients))
    progress = Progress(plan)
    reports = run_pipeline(plan, WITH_PREFECT, progress.watch)
    progress.finish()
    degraded = [line for report in reports for line in report.degraded]
    if degraded:
        return Completed(name="Degraded", message="; ".join(degraded)[:1000])
    return Completed(message=f"{len(clients)} clients")
