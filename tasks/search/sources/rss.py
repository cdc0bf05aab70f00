"""RSS and Atom feeds: a publisher's, or a client's own newsroom."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tasks.search.feeds import FEED_TYPES, by_publisher, looks_like_feed, parse_feed
from tasks.search.source import (
    About,
    FetchContext,
    Page,
    SourceError,
    SourceKind,
    SourceState,
    feed_breaker,
)
from tasks.search.text import plain, safe_url

_UNIT_MAX = 500


class RssSource:
    """Feeds listed in ``CM_FEEDS``, or the one behind ``rss:``; fetched whole only when they changed."""

    name: ClassVar[str] = "rss"
    kind: ClassVar[SourceKind] = SourceKind.FEED
    about: ClassVar[About] = About(
        title="RSS and Atom feeds",
        recipient="The publishers of the feeds in CM_FEEDS",
        sends="Nothing about clients: each feed is fetched whole.",
        terms="Each publisher's own.",
        calls_per_client=0,
    )

    def units(self, argument: str | None, context: FetchContext) -> list[str]:
        addresses = [argument] if argument else context.settings.feeds
        if not addresses:
            raise SourceError("rss: no feed to read; set CM_FEEDS or write --source rss:https://…")
        return list(dict.fromkeys(_name(address) for address in addresses))

    def fetch(self, unit: str, cursor: Mapping[str, Any] | None, context: FetchContext) -> Iterator[Page]:
        configured = {_name(address): address for address in context.settings.feeds}
        # A unit's name has no credentials; the address with them is only ever in the settings or the
        # argument.
        address = configured.get(unit) or {_name(a): a for a in context.arguments if a}.get(unit, unit)
        headers = {}
        if cursor and cursor.get("etag"):
            headers["If-None-Match"] = str(cursor["etag"])
        if cursor and cursor.get("last_modified"):
            headers["If-Modified-Since"] = str(cursor["last_modified"])
        answer = context.http.fetch(
            address,
            headers=headers,
            expect=FEED_TYPES,
            looks_right=looks_like_feed,
            allow_private=unit in configured or context.settings.environment == "development",
            pace=context.pace(feed_breaker(self.name, unit), 0),  # its 429 holds back this feed alone
        )
        if answer.not_modified:
            yield Page(SourceState.EMPTY)
            return
        parsed = parse_feed(answer.body, base=answer.url, now=context.as_of) if answer.body.strip() else None
        host = urlsplit(answer.url).hostname
        if parsed is None:
            what = "not a feed" if answer.body.strip() else "an empty answer"
            yield Page(SourceState.FAILED, error=f"{host}: {what}; check the address")
            return
        items = by_publisher(parsed)
        problems = tuple(f"{host}: {problem}" for problem in (*parsed.problems, *parsed.missing))
        if parsed.truncated:
            # Without the cursor: the next fetch must get the whole document, not a 304.
            error = f"{host}: the feed ends in the middle; {len(items)} items before that were kept"
            yield Page(SourceState.PARTIAL, items, error=error, problems=problems)
            return
        validators = {"etag": answer.etag, "last_modified": answer.last_modified}
        moved = {key: value for key, value in validators.items() if value}
        state = SourceState.OK if items else SourceState.EMPTY
        error = ""
        if parsed.missing:
            state = SourceState.PARTIAL
            error = f"{host}: {len(parsed.missing)} items without a title were left out"
        yield Page(state, items, cursor=moved, error=error, problems=problems)


def _name(address: str) -> str:
    return plain(safe_url(address), _UNIT_MAX)
