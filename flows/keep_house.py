"""Nightly: what is past its retention goes, and runs that lost their process are marked."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from services.retention import prune
from tasks.stage_task import stage_task


@stage_task("prune")
def prune_tenants(dry_run: bool) -> dict[str, int]:
    """Remove what is past its retention in every tenant; counts by table."""
    return prune(dry_run=dry_run)


@flow(name="keep-house", persist_result=False)
def keep_house(dry_run: bool = False) -> State[Any]:
    """Apply retention to every tenant; with ``dry_run`` only say what would go."""
    gone = prune_tenants(dry_run)
    words = ", ".join(f"{count} {table}" for table, count in gone.items() if count) or "nothing"
    return Completed(message=f"{'would remove' if dry_run else 'removed'}: {words}")
