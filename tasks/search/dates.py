"""Dates as the world writes them. One that cannot be read is unknown, never "now"."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Older dates on the web are zeros and typing errors (1970-01-01, 0001-01-01)."""
AHEAD = timedelta(days=1)
"""How far ahead of now a date may lie: publishers' clocks and zones are loose."""

_AGE = re.compile(
    r"(?:about |over )?(\d+|an?|one)\s*"
    r"(sec(?:ond)?|min(?:ute)?|hour|hr|h|day|d|week|wk|w|month|mo|year|yr|y|m|s)s?\.?(?: ago)?$",
    re.IGNORECASE,
)
_UNIT = {"s": 1, "mi": 60, "h": 3_600, "d": 86_400, "w": 604_800, "mo": 2_629_746, "y": 31_556_952, "m": 60}
_WRITTEN = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y")

_EPOCH = re.compile(r"-?\d{9,}(?:\.\d+)?$")
_MILLISECONDS_FROM = 100_000_000_000


def parse(value: object, now: datetime) -> datetime | None:
    """An aware UTC instant from RFC 822, ISO 8601, "Nov 3, 2026", or seconds or milliseconds since 1970.

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
        pass
    for form in _WRITTEN:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  (a date without a zone is UTC, as everywhere)
        except ValueError:
            continue
    return None


def from_age(text: str, now: datetime) -> datetime | None:
    """The instant that was so long ago ("4 hours ago", "yesterday", in English), as exact as its unit."""
    text = " ".join(text.lower().split())
    if text in ("just now", "now", "today"):
        return now
    if text == "yesterday":
        return now - timedelta(days=1)
    found = _AGE.match(text)
    if found is None:
        return None
    count, unit = found.groups()
    seconds = _UNIT[unit[:2]] if unit[:2] in _UNIT else _UNIT[unit[0]]
    try:
        return now - timedelta(seconds=seconds * (int(count) if count.isdecimal() else 1))
    except OverflowError:
        return None


def _from_epoch(seconds: float) -> datetime | None:
    if abs(seconds) >= _MILLISECONDS_FROM:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
