"""How the app says things: times in the reader's zone, names of categories and states, text that is only text."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from models.events import Category

CATEGORY_LABELS = {
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
    Category.OTHER: "Other",
}
CATEGORY_ICONS = {
    Category.FUNDING: "payments",
    Category.ACQUISITION: "handshake",
    Category.LEADERSHIP_CHANGE: "badge",
    Category.PRODUCT_LAUNCH: "rocket_launch",
    Category.PARTNERSHIP: "group",
    Category.FINANCIAL_RESULTS: "monitoring",
    Category.REGULATORY: "gavel",
    Category.LITIGATION: "balance",
    Category.LAYOFFS: "person_remove",
    Category.EXPANSION: "travel_explore",
    Category.SECURITY_INCIDENT: "security",
    Category.AWARD: "trophy",
    Category.OTHER: "article",
}

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=@])")
# Streamlit looks for icons, addresses and mailboxes in what Markdown has left as text, so an escape is not enough.
_SEEMS_MORE = re.compile(r"(?::(?=[^\W\d]|/)|@(?=\w)|\bwww(?=\.))", re.IGNORECASE)
_JOINED = "\u2060"
"""WORD JOINER: nobody sees it, and what it parts is no address."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def plain(text: object) -> str:
    """Text from the world as Markdown that shows exactly its characters: no link, image, colour or formula.

    Line breaks and direction marks become blanks. Whatever goes into ``st.markdown``, a label or a title passes here.
    """
    shown = _SEEMS_MORE.sub(rf"\g<0>{_JOINED}", _CONTROL.sub(" ", str(text)).strip())
    return _MARKUP.sub(r"\\\1", shown)


def category(value: str) -> str:
    """A category's name for people."""
    return CATEGORY_LABELS.get(Category(value), value) if value in set(Category) else words(value)


def words(value: object) -> str:
    """An identifier such as ``below_threshold`` as words: "Below threshold"."""
    text = str(value).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def when(at: datetime | None, zone: str, *, now: datetime | None = None) -> str:
    """An instant in the reader's zone: "today 08:05", "yesterday 17:30", "Tue 3 Mar 08:05", "Tue 3 Mar 2025 08:05"."""
    if at is None:
        return "–"
    local = at.astimezone(ZoneInfo(zone))
    today = (now or datetime.now(local.tzinfo)).astimezone(local.tzinfo).date()
    if local.date() == today:
        return f"today {local:%H:%M}"
    if local.date() == today - timedelta(days=1):
        return f"yesterday {local:%H:%M}"
    if local.date() == today + timedelta(days=1):
        return f"tomorrow {local:%H:%M}"
    return f"{local:%a} {local.day} {local:%b}{_year(local.date(), today)} {local:%H:%M}"


def day(at: datetime | None, zone: str, *, now: datetime | None = None) -> str:
    """The date of an instant in the reader's zone: "today", "yesterday", "3 Mar", with the year if another."""
    if at is None:
        return "no date"
    local = at.astimezone(ZoneInfo(zone))
    today = (now or datetime.now(local.tzinfo)).astimezone(local.tzinfo).date()
    if local.date() == today:
        return "today"
    if local.date() == today - timedelta(days=1):
        return "yesterday"
    return f"{local.day} {local:%b}{_year(local.date(), today)}"


def ago(at: datetime | None, *, now: datetime) -> str:
    """How long ago: "just now", "5 min ago", "3 h ago", "12 days ago"."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    for size, unit in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count != 1 else ''} ago"
    return "just now"


def lasted(seconds: float) -> str:
    """A duration: "840 ms", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def counted(count: int, one: str, many: str = "") -> str:
    """ "1 client", "3 clients", "12,000 mails"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _year(of: date, today: date) -> str:
    return "" if of.year == today.year else f" {of.year}"
