"""What every stage's Prefect task has in common: how it is retried, and that nothing of it is cached."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from tasks.retry import retry_transient

P = ParamSpec("P")
R = TypeVar("R")


def stage_task(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A Prefect task tried again, three times at most, when the database was locked or away.

    A stage reads its backlog anew on each try, so a cached or stored result would only hide work that is left.
    """
    return task(
        name=name,
        retries=3,
        retry_delay_seconds=exponential_backoff(2),
        retry_jitter_factor=0.5,
        retry_condition_fn=retry_transient,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
