"""Asking again, within bounds, while a fault is a passing one: for everything that asks over the network."""

import math
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

from models.news import SourceState

T = TypeVar("T")

LONGEST_WAIT = 25 * 3_600.0
"""Seconds that anybody can make us wait: to the end of the longest day. A month's quota is tried once a day, too; and
who asks for ten years is mistaken, or means harm to everybody who shares the key."""


def bearable(seconds: object) -> float | None:
    """A time that somebody asks us to wait, as far as we do; None for what is no such time."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        return None
    return float(min(seconds, LONGEST_WAIT))


class Fault(Exception):
    """What somebody we asked did not do for us. ``str()`` is one line a person can act on, without secrets."""

    state = SourceState.FAILED
    """Or quota: it works, and asks for patience or money."""
    status: int | None = None
    """The HTTP status it answered with, if it did."""
    is_outage = False
    """Without a status: whether it was asked and gave nothing that can be read."""

    def __init__(self, message: str, *, retry: bool = False, after: float | None = None) -> None:
        super().__init__(message)
        self.retry = retry
        """Whether it may be different in a moment."""
        self.after = bearable(after)
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
