"""Dates as the world writes them. One that cannot be read is unknown, never "now"."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Older dates on the web are zeros and typing errors (1970-01-01, 0001-01-01)."""
AHEAD = timedelta(days=1)
"""How far ahead of now a date may lie: publishers' clocks and zones are loose."""

_EPOCH = re.compile(r"-?\d{9,}(?:\.\d+)?$")
_MILLISECONDS_FROM = 100_000_000_000


def parse(value: object, now: datetime) -> datetime | None:
    """An aware UTC instant from RFC 822, ISO 8601, or seconds or milliseconds since 1970.

    A value without a zone is UTC. None for what cannot be read, lies more than a day ahead of ``now``, or is
    older than 1990.
    """
    if isinstance(value, str):
        found = _from_text(value)
    elif isinstance(value, datetime):
        found = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = _from_epoch(float(value))
    else:
        return None
    if found is None:
        return None
    if found.tzinfo is not UTC:
        try:
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (OverflowError, ValueError):
            return None
    return found if EARLIEST <= found <= now + AHEAD else None


@lru_cache(maxsize=4_096)
def _from_text(text: str) -> datetime | None:
    text = text.strip()
    if _EPOCH.match(text):
        return _from_epoch(float(text))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _from_epoch(seconds: float) -> datetime | None:
    if abs(seconds) >= _MILLISECONDS_FROM:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
