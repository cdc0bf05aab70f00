"""Nightly: what is past its retention goes, and runs that lost their process are marked."""

from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed

from services.retention import prune
from tasks.retry import retry_transient


@task(
    name="prune", retries=3, retry_delay_seconds=10, retry_condition_fn=retry_transient, cache_policy=NO_CACHE
)
def prune_tenants(dry_run: bool) -> dict[str, int]:
    """Remove what is past its retention in every tenant; counts by table."""
    return prune(dry_run=dry_run)


@flow(name="keep-house", persist_result=False)
def keep_house(dry_run: bool = False) -> State[Any]:
    """Apply retention to every tenant; with ``dry_run`` only say what would go."""
    gone = prune_tenants(dry_run)
    words = ", ".join(f"{count} {table}" for table, count in gone.items() if count) or "nothing"
    return Completed(message=f"{'would remove' if dry_run else 'removed'}: {words}")
