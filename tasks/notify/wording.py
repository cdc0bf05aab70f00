"""The sentences of a mail: small pure functions from values to English."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from models.events import Category
from tasks.notify.safe import clean

# Spelled out rather than strftime's, which follow the machine's locale.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONG_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

_CATEGORIES: dict[str, str] = {
    Category.FUNDING: "Funding",
    Category.ACQUISITION: "Acquisition",
    Category.LEADERSHIP_CHANGE: "Leadership change",
    Category.PRODUCT_LAUNCH: "Product launch",
    Category.PARTNERSHIP: "Partnership",
    Category.FINANCIAL_RESULTS: "Financial results",
    Category.REGULATORY: "Regulatory",
    Category.LITIGATION: "Litigation",
    Category.LAYOFFS: "Layoffs",
    Category.EXPANSION: "Expansion",
    Category.SECURITY_INCIDENT: "Security incident",
    Category.AWARD: "Award",
    Category.OTHER: "Other news",
}


def category_words(category: str) -> str:
    """The badge's words; a category that is not ours is shown as it stands, readably."""
    return _CATEGORIES.get(category) or clean(category.replace("_", " "), 40).capitalize() or "Other news"


def plural(count: int, one: str, many: str | None = None) -> str:
    """ "1 story", "3 stories"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def join_words(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def outlets_line(source: str | None, outlets: int) -> str:
    """ "Reuters and 4 other outlets"."""
    name = clean(source or "", 80)
    if not name:
        return plural(outlets, "outlet") if outlets > 1 else "Source unknown"
    return f"{name} and {plural(outlets - 1, 'other outlet')}" if outlets > 1 else name


def zone_of(name: str) -> tuple[tzinfo, str]:
    """The zone, and what to call it: "Helsinki time". An unknown zone is UTC and is called so."""
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: "Europe" is a folder of the zone database
        return UTC, "UTC"
    area, _, city = name.rpartition("/")
    if not area or area == "Etc":
        return zone, city
    return zone, city.replace("_", " ") + " time"


def local(at: datetime, zone: tzinfo) -> datetime | None:
    """``at`` in ``zone``; None where the calendar has no such day (the first and last years)."""
    try:
        return at.astimezone(zone)
    except (OverflowError, ValueError):
        return None


def short_date(day: datetime) -> str:
    """ "Tue 10 Mar"."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def long_date(day: datetime) -> str:
    """ "Tuesday 10 March 2026"."""
    return f"{_LONG_DAYS[day.weekday()]} {day.day} {_LONG_MONTHS[day.month - 1]} {day.year}"


def when(published_at: datetime | None, zone: tzinfo, now: datetime) -> str:
    """ "Tue 10 Mar, 08:15" in the reader's zone, with the year when it is not this one."""
    there = local(published_at, zone) if published_at else None
    if there is None:
        return "date unknown"
    here = local(now, zone)
    year = "" if here is not None and here.year == there.year else f" {there.year}"
    return f"{short_date(there)}{year}, {there:%H:%M}"


def change_words(this_week: int, last_week: int) -> str:
    """ "3 more", "2 fewer", "same"."""
    difference = this_week - last_week
    if difference == 0:
        return "same"
    return f"{difference} more" if difference > 0 else f"{-difference} fewer"
