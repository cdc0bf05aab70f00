"""How a fetch fails: typed, in one line that names the host and what to do, without secrets."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from models.news import SourceState
from tasks.net.patience import Fault, bearable

PASSING = {408, 425, 429}
"""Statuses below 500 that may be different in a moment."""


class FetchError(Fault):
    """A fetch that failed; ``state`` is failed or quota."""

    def __init__(
        self, message: str, *, status: int | None = None, retry: bool = False, after: float | None = None
    ) -> None:
        super().__init__(message, retry=retry, after=after)
        self.status = status


class Unreachable(FetchError):
    """No connection, or none that held: tried again within bounds."""

    is_outage = True


class Refused(FetchError):
    """The host answered with an error status."""


class QuotaReached(FetchError):
    """The host, or our own slots, ask for more patience than a run has."""

    state = SourceState.QUOTA


class TooLarge(FetchError):
    """The answer is longer than ``http_max_bytes``."""


class WrongType(FetchError):
    """The answer is not the kind of document that was asked for."""

    is_outage = True


class UnsafeAddress(FetchError):
    """Not http(s), or a private address that nobody configured."""


def refusal(host: str, status: int, after: float | None, *, again: bool) -> FetchError:
    """What an error status means; ``after`` is its Retry-After in seconds, ``again`` whether we may wait for it."""
    if status == 429 or (after is not None and not again):
        until = "" if after is None else f" for {after:.0f} s"
        message = f"{host}: asks us to wait{until} ({status}); the next run tries again"
        return QuotaReached(message, status=status, retry=again, after=after)
    passing = status in PASSING or status >= 500
    if status in (401, 403):
        advice = "check the key, or whether the site lets programs read it"
    elif status in (404, 410):
        advice = "nothing is there; check the address"
    elif passing:
        advice = "a fault on its side; the next run tries again"
    else:
        advice = "it does not accept this request; check the address and its parameters"
    return Refused(
        f"{host}: answered {status}: {advice}", status=status, retry=passing and again, after=after
    )


def seconds_until(retry_after: str | None, now: datetime) -> float | None:
    """Retry-After in seconds from now, at most ``LONGEST_WAIT``; it is a number or a date."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return bearable(float(retry_after))
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError, IndexError):
        return None
    until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return bearable(max(0.0, (until - now).total_seconds()))


def host_of(url: str) -> str:
    """The host's name for messages and comparison, with its port where it has one of its own."""
    try:
        parts = urlsplit(url)
        name = (parts.hostname or "an address without a host")[:253]
        return name if parts.port is None else f"{name}:{parts.port}"
    except ValueError:
        return "an address that cannot be read"


def until_midnight(now: datetime, zone: str = "UTC") -> float:
    """Seconds from ``now`` until a daily quota that resets at midnight there does so."""
    there = now.astimezone(ZoneInfo(zone))
    tomorrow = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (tomorrow.astimezone(UTC) - now.astimezone(UTC)).total_seconds()
