"""Asking a search API that answers JSON, and reading what it says with suspicion."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from tasks.net.documents import JSON_TYPES, looks_like_json, read_object
from tasks.net.faults import FetchError, QuotaReached, WrongType
from tasks.net.http import Explain
from tasks.search.dates import from_age
from tasks.search.dates import parse as parse_date
from tasks.search.source import FetchContext, Found, Page, SourceState
from tasks.search.text import SNIPPET_MAX, SOURCE_MAX, TITLE_MAX, clean, plain, web_address


@dataclass(frozen=True, slots=True)
class Api:
    """Where a provider is asked, and how often it lets itself be asked."""

    name: str
    """The source's name, under which its slots, keys and address are known."""
    title: str
    """As people write it, in messages."""
    url: str
    interval_seconds: float
    """Between two requests with one key, over all processes."""


def ask(
    api: Api,
    context: FetchContext,
    *,
    url: str = "",
    parameters: Mapping[str, str | int] | None = None,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    explain: Explain | None = None,
    expect: Sequence[str] = JSON_TYPES,
    unreadable: Callable[[bytes], FetchError] | None = None,
) -> dict[str, Any]:
    """The provider's answer as an object; FetchError for anything else.

    ``body`` makes it a POST. ``explain`` reads the provider's own error answers, which tell a spent quota
    from a wrong key where statuses do not. ``unreadable`` reads answers with status 200 that are no object, of
    a provider that refuses in words; ``expect`` then lists the types that such words come in.
    """
    address = url or address_of(api, context)
    pace = context.pace(api.name, api.interval_seconds)
    if parameters:
        address += ("&" if urlsplit(address).query else "?") + urlencode(parameters)
    answer = context.http.fetch(
        address,
        method="GET" if body is None else "POST",
        json=body,
        headers=headers,
        expect=expect,
        looks_right=looks_like_json,
        allow_private=api.name in context.settings.source_urls,
        pace=pace,
        explain=explain,
    )
    try:
        return read_object(answer.body, api.title, unreadable)
    except QuotaReached as error:
        context.http.leave_alone(pace, error.after)
        raise


def address_of(api: Api, context: FetchContext, default: str = "") -> str:
    """The provider's address (or another host of its, ``default``), or what CM_SOURCE_URLS names in its place."""
    return context.settings.source_urls.get(api.name, default or api.url)


def require_key(api: Api, context: FetchContext) -> str:
    """The key to use; a FetchError that says where to put one when there is none."""
    if key := context.key(api.name):
        return key
    raise FetchError(
        f"{api.title}: needs a key; set CM_{context.key_setting.upper()}, or give this tenant one of its own: "
        f"client-monitor providers enable {api.name}"
    )


def rows_of(api: Api, data: Mapping[str, Any], field: str, *, optional: bool = False) -> list[Any]:
    """The list of results; WrongType when the answer has none and is not one that may leave it out."""
    rows = data.get(field)
    if rows is None and optional:
        return []
    if not isinstance(rows, list):
        raise WrongType(f"{api.title}: an answer without {field!r}; its format may have changed")
    return rows


Read = Callable[[Mapping[str, Any]], Found | None]
"""One result as an item; None when it is to be passed over."""


def page_of(api: Api, rows: Sequence[Any], read: Read, *, offset: int = 0) -> Page:
    """The results that can be read; those that cannot are named by their number and make the page partial."""
    items: list[Found] = []
    lost: list[str] = []
    for number, row in enumerate(rows, start=offset + 1):
        if not isinstance(row, dict):
            lost.append(f"{api.title}: result {number}: not an object")
        elif (found := read(row)) is not None and found.title:
            items.append(found)
        elif found is not None:
            lost.append(f"{api.title}: result {number}: title is missing")
    if lost:
        error = f"{len(lost)} results left out, the first: {lost[0]}"
        return Page(SourceState.PARTIAL, tuple(items), error=error, problems=tuple(lost))
    return Page(SourceState.OK if items else SourceState.EMPTY, tuple(items))


class Results(NamedTuple):
    """One answer of a provider that pages."""

    rows: Sequence[Any]
    more: bool


def pages_for(results: int, page_size: int) -> int:
    """How many pages so many results take."""
    return -(-results // page_size)


def paged(api: Api, ask_page: Callable[[int], Results], read: Read, *, most: int) -> Iterator[Page]:
    """Pages 0, 1, … until there is no more; when there is more than ``most`` pages, the last one says so."""
    seen = 0
    for number in range(most):
        results = ask_page(number)
        page = page_of(api, results.rows, read, offset=seen)
        seen += len(results.rows)
        if not results.more or not results.rows:
            yield page
            return
        yield page if number + 1 < most else cut_off(api, page, seen)


def cut_off(api: Api, page: Page, seen: int) -> Page:
    """The page, partial because there are more results than were asked for."""
    reason = f"{api.title}: more than {seen} results, the rest was not fetched; {NARROW}"
    return replace(page, state=SourceState.PARTIAL, error=page.error or reason)


NARROW = "give the client excluded terms or keywords, or look back fewer days"


def title(value: object) -> str:
    """A headline without HTML; empty when there is none."""
    return plain(value, TITLE_MAX) if isinstance(value, str) else ""


def snippet(value: object) -> str | None:
    """A teaser without HTML."""
    return plain(value, SNIPPET_MAX) or None if isinstance(value, str) else None


def publisher(name: object, url: object = None) -> str | None:
    """The publisher's name, else the host it publishes on."""
    if isinstance(name, str) and (said := clean(name, SOURCE_MAX)):
        return said
    address = web_address(url)
    host = urlsplit(address).hostname if address else None
    return host.removeprefix("www.") if host else None


class When(NamedTuple):
    """When a result was published, as ``Found`` has it."""

    published_at: datetime | None
    approximate: bool = False


def when(context: FetchContext, *values: object) -> When:
    """The first of the values that is a date; else the first that is an age ("4 hours ago")."""
    for value in values:
        if (exact := parse_date(value, context.as_of)) is not None:
            return When(exact)
    for value in values:
        if isinstance(value, str) and (about := from_age(value, context.as_of)) is not None:
            return When(about, approximate=True)
    return When(None)
