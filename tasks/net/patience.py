"""Asking again, within bounds, while a fault is a passing one: for everything that asks over the network."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

T = TypeVar("T")


class Fault(Exception):
    """What somebody we asked did not do for us. ``str()`` is one line a person can act on, without secrets."""

    def __init__(self, message: str, *, retry: bool = False, after: float | None = None) -> None:
        super().__init__(message)
        self.retry = retry
        """Whether it may be different in a moment."""
        self.after = after
        """Seconds it asked us to wait."""


def patiently(call: Callable[[], T], *, attempts: int, longest: float, sleep: Callable[[float], None]) -> T:
    """Call until it returns, at most ``attempts`` times and only while it raises a Fault to ``retry``.

    Waits grow to ``longest`` seconds, with jitter, and are never shorter than the fault asks.
    """
    backoff = wait_exponential(multiplier=0.5, max=longest) + wait_random(0, 0.5)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.after if isinstance(error, Fault) else None
        return max(backoff(state), asked or 0.0)

    retrying = Retrying(
        stop=stop_after_attempt(attempts),
        wait=wait,
        retry=retry_if_exception(lambda error: isinstance(error, Fault) and error.retry),
        sleep=sleep,
        reraise=True,
    )
    return retrying(call)
