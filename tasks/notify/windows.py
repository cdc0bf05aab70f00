"""When a digest is due: exact over the changes of clocks, pure over zoneinfo.

Every local date has one daily window and every ISO week one weekly window, whatever the zone does that night. A wall
clock time that a change of clocks leaves out is the first instant after it; one that comes twice is the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TICK = timedelta(minutes=5)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Window:
    """A slot and the instant from which its mail is due."""

    slot: str
    at: datetime
    """Aware, UTC."""


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo | None:
    """The IANA zone of this name, or None when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def resolve(local: datetime, zone: tzinfo) -> datetime:
    """The UTC instant of a naive wall clock time: in a gap the first instant after it, in a fold the first."""
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None, fold=0) == local:
        return instant
    # In a gap: read with the offset after the change it lies before the change, with the one before it, after.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _change_between(before, instant, zone)


def _change_between(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The first whole second after ``before``, up to ``after``, at which the zone's offset is no longer what it was."""
    offset = before.astimezone(zone).utcoffset()
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, UTC).astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def daily_window(day: date, at: time, zone: tzinfo) -> datetime:
    """When the digest of a local date is due, UTC."""
    return resolve(datetime.combine(day, at.replace(tzinfo=None, fold=0)), zone)


def weekly_window(year: int, week: int, weekday: int, at: time, zone: tzinfo) -> datetime:
    """When the digest of an ISO week is due, UTC; weekday 0 is Monday."""
    return daily_window(date.fromisocalendar(year, week, weekday + 1), at, zone)


def daily_slot(day: date) -> str:
    return f"daily:{day.isoformat()}"


def weekly_slot(day: date) -> str:
    """The slot of the ISO week that ``day`` lies in."""
    year, week, _ = day.isocalendar()
    return f"weekly:{year:04d}-W{week:02d}"


def occurs(day: date, zone: tzinfo) -> bool:
    """Whether a local date exists there: a zone that crosses the date line leaves one out."""
    return daily_window(day, time(0), zone).astimezone(zone).date() == day


def daily_before(now: datetime, at: time, zone: tzinfo) -> Iterator[Window]:
    """Daily windows due at ``now``, the latest first, without end."""
    day = now.astimezone(zone).date() + _DAY
    while True:
        if occurs(day, zone):
            due = daily_window(day, at, zone)
            if due <= now:
                yield Window(daily_slot(day), due)
        day -= _DAY


def weekly_before(now: datetime, weekday: int, at: time, zone: tzinfo) -> Iterator[Window]:
    """Weekly windows due at ``now``, the latest first, without end; weekday 0 is Monday."""
    today = now.astimezone(zone).date()
    day = today - timedelta(days=today.weekday()) + timedelta(days=weekday) + _WEEK
    while True:
        due = daily_window(day, at, zone)
        if due <= now:
            yield Window(weekly_slot(day), due)
        day -= _WEEK


def latest_daily(now: datetime, at: time, zone: tzinfo) -> Window:
    """The newest daily window due at ``now``."""
    return next(daily_before(now, at, zone))


def latest_weekly(now: datetime, weekday: int, at: time, zone: tzinfo) -> Window:
    """The newest weekly window due at ``now``; weekday 0 is Monday."""
    return next(weekly_before(now, weekday, at, zone))


def instant_window(now: datetime) -> Window:
    """The five-minute tick that ``now`` lies in."""
    moment = now.astimezone(UTC)
    tick = moment.replace(minute=moment.minute - moment.minute % 5, second=0, microsecond=0)
    return Window(f"instant:{tick:%Y-%m-%dT%H:%MZ}", tick)


def local_day(now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Start and end (UTC, the end excluded) of the local date that ``now`` lies in."""
    day = now.astimezone(zone).date()
    return daily_window(day, time(0), zone), daily_window(day + _DAY, time(0), zone)


def in_quiet_hours(now: datetime, start: time | None, end: time | None, zone: tzinfo) -> bool:
    """Whether the wall clock stands in [start, end); they may span midnight. Unset or equal: never."""
    if start is None or end is None or start == end:
        return False
    clock = now.astimezone(zone).time()
    return start <= clock < end if start < end else clock >= start or clock < end
