"""Nightly: what is past its retention goes, runs that lost their process are marked, and idle ticks are forgotten."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from services.prefect_runs import purge_idle_ticks
from services.retention import prune
from tasks.stage_task import stage_task


@stage_task("prune")
def prune_tenants(dry_run: bool) -> dict[str, int]:
    """Remove what is past its retention in every tenant; counts by table."""
    return prune(dry_run=dry_run)


@stage_task("idle-ticks")
def forget_idle_ticks() -> tuple[int, str]:
    """Take idle ticks out of Prefect's own database; how many, and what kept it from more."""
    return purge_idle_ticks()


@flow(name="keep-house", persist_result=False)
def keep_house(dry_run: bool = False) -> State[Any]:
    """Apply retention to every tenant; with ``dry_run`` only say what would go."""
    gone = prune_tenants(dry_run)
    ticks, kept_from = (0, "") if dry_run else forget_idle_ticks()
    counts = {**gone, "idle ticks": ticks}
    words = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing"
    said = f"{'would remove' if dry_run else 'removed'}: {words}"
    if kept_from:
        return Completed(name="Degraded", message=f"{said}; idle ticks stay: {kept_from}")
    return Completed(message=said)
