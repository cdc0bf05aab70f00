"""What every provider's reports are read with. They are untrusted until verified, and odd after."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any
from uuid import UUID

from services.engagement import Hit
from services.suppression import Report

REPLAY_WINDOW = timedelta(hours=25)
"""How old a signed report may be. Providers try again for a day; within it a replay is harmless, because a report is
taken once by its id."""
AHEAD = timedelta(minutes=5)


class Unreadable(ValueError):
    """Not what the provider documents."""


@dataclass(slots=True)
class Reading:
    """What one request reported: fates of mails, and opens and clicks by the mail they are of."""

    reports: list[Report] = field(default_factory=list)
    hits: list[tuple[UUID, Hit]] = field(default_factory=list)


def is_timely(at: datetime, now: datetime) -> bool:
    """Whether a signed date is within the window of replays."""
    return now - REPLAY_WINDOW <= at <= now + AHEAD


def text_of(value: Any, limit: int = 300) -> str:
    """One line of what should be text."""
    return " ".join(str(value).split())[:limit] if isinstance(value, str | int | float) else ""


def id_of(value: Any) -> UUID | None:
    """Our delivery's id, where it is one."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


def address_of(value: Any) -> str:
    """The bare address of "Name <a@x>" or "a@x", in lower case."""
    return parseaddr(text_of(value, 400))[1].lower()[:320]


def moment(value: Any, now: datetime) -> datetime:
    """Seconds since 1970 or ISO 8601, never later than now; now where it is neither."""
    try:
        if isinstance(value, int | float):
            at = datetime.fromtimestamp(value, UTC)
        else:
            at = datetime.fromisoformat(str(value))
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return min(at, now)
