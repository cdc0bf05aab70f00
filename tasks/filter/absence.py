"""When somebody is away: their news waits for one digest on their return, and a colleague may stand in."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from models.accounts import User
from tasks.notify.windows import daily_window, zone_of

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Absence:
    """From the start of its first local day to the end of its last."""

    user_id: UUID
    name: str
    starts: datetime
    """Aware, UTC."""
    ends: datetime | None
    """The first instant after it; None: until further notice."""
    cover: UUID | None
    """Who stands in."""

    def at(self, moment: datetime) -> bool:
        """Whether the person is away then."""
        return self.starts <= moment and (self.ends is None or moment < self.ends)

    def within(self, start: datetime, end: datetime) -> timedelta:
        """How much of [start, end) they were away."""
        last = end if self.ends is None else min(end, self.ends)
        return max(last - max(start, self.starts), timedelta(0))


def absence_of(user: User) -> Absence | None:
    """The absence a person entered, past ones too; None without a first day."""
    if user.absent_from is None:
        return None
    zone = zone_of(user.timezone) or ZoneInfo("UTC")
    ends = None
    if user.absent_until is not None:
        if user.absent_until < user.absent_from:
            return None
        ends = daily_window(user.absent_until + _DAY, time(0), zone)
    starts = daily_window(user.absent_from, time(0), zone)
    return Absence(user.id, user.name, starts.astimezone(UTC), ends, user.cover_user_id)
