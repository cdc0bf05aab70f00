"""RSS and Atom documents as items; shared by every source that meets one."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import feedparser

from tasks.search.dates import parse as parse_date
from tasks.search.source import Found
from tasks.search.text import SNIPPET_MAX, SOURCE_MAX, TITLE_MAX, clean, plain, web_address

FEED_TYPES = (
    "application/rss+xml",
    "application/atom+xml",
    "application/rdf+xml",
    "application/xml",
    "text/xml",
)
_ROOTS = (b"<rss", b"<feed", b"<rdf:rdf", b"<atom:feed")
_ENDS = (b"</rss>", b"</feed>", b"</rdf:rdf>", b"</atom:feed>")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A feed document, as far as it could be read."""

    items: tuple[Found, ...]
    title: str = ""
    """The feed's own: its publisher, where an item names none."""
    problems: tuple[str, ...] = ()
    """What could not be read of items that were kept, each naming the item and field."""
    missing: tuple[str, ...] = ()
    """Items left out, and why."""
    truncated: bool = False
    """The document ends before its root element does: items may be missing."""


def looks_like_feed(body: bytes) -> bool:
    """Whether a document is RSS or Atom whatever its content type says."""
    head = body[:2_000].lower()
    return any(root in head for root in _ROOTS)


def parse_feed(body: bytes, *, base: str, now: datetime) -> Parsed | None:
    """The items of a feed document; None when it is not one. ``base`` resolves relative links."""
    # A stream: given bytes, feedparser would first try to open a file of that name.
    document = feedparser.parse(
        io.BytesIO(body), response_headers={"content-location": base}, sanitize_html=False
    )
    if not document.entries and not document.get("version") and not looks_like_feed(body):
        return None
    items: list[Found] = []
    problems: list[str] = []
    missing: list[str] = []
    for number, entry in enumerate(document.entries, start=1):
        found = _item(entry, number, now, problems)
        if found is None:
            missing.append(f"item {number}: title is missing")
        else:
            items.append(found)
    truncated = bool(document.bozo) and not body.rstrip()[-200:].lower().rstrip().endswith(_ENDS)
    if document.bozo and (reason := _reason(document.get("bozo_exception"))):
        problems.insert(0, f"the document is malformed ({reason}); its readable items were kept")
    title = plain(str(document.feed.get("title") or ""), SOURCE_MAX)
    return Parsed(tuple(items), title, tuple(problems), tuple(missing), truncated)


def by_publisher(parsed: Parsed) -> tuple[Found, ...]:
    """The items, each with a publisher: its own, else the feed's title."""
    return tuple(
        item if item.source or not parsed.title else replace(item, source=parsed.title)
        for item in parsed.items
    )


def _item(entry: Mapping[str, Any], number: int, now: datetime, problems: list[str]) -> Found | None:
    title = plain(str(entry.get("title") or ""), TITLE_MAX)
    if not title:
        return None
    published = None
    for field in ("published", "updated", "created"):
        if not (text := entry.get(field)):
            continue
        published = parse_date(text, now)
        if published is None:
            # feedparser knows stranger formats than we do; it answers in UTC.
            stamp = entry.get(f"{field}_parsed")
            published = parse_date(datetime(*stamp[:6]), now) if stamp else None  # noqa: DTZ001
        if published is None:
            problems.append(f"item {number}: date {clean(str(text), 40)!r} cannot be read; taken as unknown")
        break
    origin = entry.get("source") or {}
    extra: dict[str, Any] = {}
    if identity := clean(str(entry.get("id") or ""), 500):
        extra["id"] = identity
    if site := web_address(origin.get("href")):
        extra["source_url"] = site
    return Found(
        title=title,
        url=web_address(entry.get("link")),
        snippet=_snippet(entry) or None,
        source=plain(str(origin.get("title") or ""), SOURCE_MAX) or None,
        published_at=published,
        extra=extra,
    )


def _snippet(entry: Mapping[str, Any]) -> str:
    text = str(entry.get("summary") or "")
    if not text and entry.get("content"):
        text = str(entry["content"][0].get("value") or "")
    return plain(text, SNIPPET_MAX)


def _reason(error: object) -> str:
    """Why feedparser complained; nothing for what does no harm (a wrongly declared encoding or type)."""
    if isinstance(error, feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType):
        return ""
    message = getattr(error, "getMessage", None)
    text = message() if callable(message) else type(error).__name__
    line = getattr(error, "getLineNumber", None)
    number = line() if callable(line) else None
    return clean(f"line {number}: {text}" if number else str(text), 120)
