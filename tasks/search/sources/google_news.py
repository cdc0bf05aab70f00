"""Google News RSS: keyless, undocumented, at most 100 items an answer.

Its terms are those of a feed reader; its links lead through Google and cannot be resolved without a browser.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from tasks.search.feeds import FEED_TYPES, looks_like_feed, parse_feed
from tasks.search.options import CALLS, COUNTRY, LANGUAGE
from tasks.search.query import ASKS, Syntax, boolean_query
from tasks.search.source import (
    About,
    FetchContext,
    Found,
    Page,
    Profile,
    SourceKind,
    SourceState,
)

CAP = 100
"""An answer this long is cut off."""
MAX_REQUESTS = 8
"""Requests for one client in one run, however much there is."""
MAX_WORDS = 28
"""Google ignores what follows its 32nd word; four are left for the window."""
SYNTAX = Syntax(max_words=MAX_WORDS)


class GoogleNewsSource:
    """One search a client; a window that is cut off is searched again in halves, down to a day."""

    name: ClassVar[str] = "google_news"
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    third_party: ClassVar[bool] = True
    about: ClassVar[About] = About(
        title="Google News",
        recipient="Google LLC (USA)",
        sends=ASKS,
        terms="An undocumented feed, meant for people's feed readers: check with Google before you use it in business.",
        fields=(*CALLS, LANGUAGE, COUNTRY),
    )

    def question(self, profile: Profile, context: FetchContext) -> str:
        return f"{boolean_query(profile, SYNTAX)} when:{context.days_back}d"

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        first = self._ask(self.question(profile, context), context)
        yield first if not _is_cut_off(first) else replace(first, state=SourceState.OK)
        if not _is_cut_off(first):
            return
        # "before:" is exclusive and "after:" inclusive, by whole days.
        windows = _halves(context.since.date(), context.as_of.date() + timedelta(days=1))
        query = boolean_query(profile, SYNTAX)
        asked = 1
        while windows:
            start, end = windows.pop(0)
            if asked >= MAX_REQUESTS:
                yield _too_much(f"more results than {MAX_REQUESTS} requests can fetch")
                return
            asked += 1
            page = self._ask(f"{query} after:{start} before:{end}", context)
            if page.state in (SourceState.FAILED, SourceState.QUOTA):
                yield page
                return
            halves = _halves(start, end) if _is_cut_off(page) else []
            windows += halves
            if _is_cut_off(page) and not halves:
                yield replace(page, **_cut(f"more than {CAP} results on {start}"))
            else:
                yield replace(page, state=SourceState.OK) if page.items else page

    def _ask(self, query: str, context: FetchContext) -> Page:
        """One answer; a cut-off one is partial."""
        base = context.settings.google_news_url
        joint = "&" if urlsplit(base).query else "?"
        language, country = context.language, context.country
        edition = {"hl": f"{language}-{country}", "gl": country, "ceid": f"{country}:{language}"}
        parameters = urlencode({"q": query, **edition})
        answer = context.http.fetch(
            f"{base}{joint}{parameters}",
            expect=FEED_TYPES,
            looks_right=looks_like_feed,
            allow_private=True,  # the operator configured the address
            pace=context.pace(self.name, context.settings.google_news_interval_seconds),
        )
        host = urlsplit(answer.url).hostname
        parsed = parse_feed(answer.body, base=answer.url, now=context.as_of) if answer.body.strip() else None
        if parsed is None:
            what = "an answer that is not a feed" if answer.body.strip() else "an empty answer"
            return Page(SourceState.FAILED, error=f"{host}: {what}; the next run tries again")
        items = tuple(_item(found) for found in parsed.items)
        problems = tuple(f"{host}: {problem}" for problem in (*parsed.problems, *parsed.missing))
        if parsed.truncated:
            error = f"{host}: the answer ends in the middle; {len(items)} items before that were kept"
            return Page(SourceState.PARTIAL, items, error=error, problems=problems)
        if len(parsed.items) + len(parsed.missing) >= CAP:
            return Page(SourceState.PARTIAL, items, error=_CUT_OFF, problems=problems)
        return Page(SourceState.OK if items else SourceState.EMPTY, items, problems=problems)


_CUT_OFF = "cut off"


def _is_cut_off(page: Page) -> bool:
    return page.state is SourceState.PARTIAL and page.error == _CUT_OFF


def _cut(reason: str) -> dict[str, Any]:
    advice = "give the client excluded terms or keywords, or look back fewer days"
    return {"state": SourceState.PARTIAL, "error": f"{reason}, some were not listed; {advice}"}


def _too_much(reason: str) -> Page:
    return Page(**_cut(reason))


def _halves(start: date, end: date) -> list[tuple[date, date]]:
    """A window of days in two; nothing when it is a single day."""
    days = (end - start).days
    if days <= 1:
        return []
    middle = start + timedelta(days=days // 2)
    return [(middle, end), (start, middle)]


def _item(found: Found) -> Found:
    """Google's title is "Headline - Source", and its description the same once more."""
    title, source = found.title, found.source
    if source and title.endswith(f" - {source}"):
        title = title[: -len(source) - 3].rstrip() or title
    elif not source and " - " in title:
        title, _, source = title.rpartition(" - ")
    snippet = found.snippet
    if snippet and (snippet.startswith(title[:60]) or title.startswith(snippet)):
        snippet = None
    return replace(found, title=title, source=source, snippet=snippet)
