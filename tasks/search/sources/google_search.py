"""Google's Custom Search JSON API: closed to new customers, and to all on 2027-01-01. For those who have it."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any, ClassVar

from tasks.net.documents import read_json
from tasks.net.faults import FetchError, QuotaReached, until_midnight
from tasks.search.api import (
    Api,
    Results,
    ask,
    paged,
    pages_for,
    publisher,
    require_key,
    rows_of,
    snippet,
    title,
    when,
)
from tasks.search.options import CALLS, COUNTRY, LANGUAGE, REQUIRED_KEY, max_results
from tasks.search.query import ASKS, Syntax, boolean_query
from tasks.search.source import About, FetchContext, Field, Found, KeyUse, Page, Profile, SourceKind
from tasks.search.text import web_address

API = Api(
    name="google_search",
    title="Google Custom Search",
    url="https://customsearch.googleapis.com/customsearch/v1",
    interval_seconds=0.7,
)
ENDS_ON = date(2027, 1, 1)
SYNTAX = Syntax(max_words=28)
PAGE_SIZE = 10
MOST = 30
"""Of the hundred that it would give: a hundred requests a day are free, for all clients together."""
_SPENT = {"rateLimitExceeded", "dailyLimitExceeded", "quotaExceeded", "userRateLimitExceeded"}
_DATED_SNIPPET = re.compile(r"^(\d+ \w+ ago|\w{3} \d{1,2}, \d{4})\s*(?:\.\.\.|…|-)\s*")


class GoogleSearchSource:
    """Pages by date, as far as an engine covers the sites that write about the client."""

    name: ClassVar[str] = API.name
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    third_party: ClassVar[bool] = True
    about: ClassVar[About] = About(
        title=API.title,
        recipient="Google LLC (USA)",
        sends=ASKS,
        terms="Closed to new customers and shut down on 2027-01-01; a hundred requests a day are free.",
        key=KeyUse.REQUIRED,
        key_setting="google_search_api_key",
        fields=(
            REQUIRED_KEY,
            Field("engine", "Engine (its cx)", required=True, setting="google_search_engine"),
            *CALLS,
            max_results(PAGE_SIZE, 100, MOST),
            LANGUAGE,
            COUNTRY,
        ),
        usd_per_call=0.005,
        free_calls=3_000,
        calls_per_client=MOST // PAGE_SIZE,
        ends=ENDS_ON,
    )

    def question(self, profile: Profile, context: FetchContext) -> str:
        return boolean_query(profile, SYNTAX)

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        engine = str(context.options.get("engine") or context.settings.google_search_engine)
        if not engine:
            raise FetchError(f"{API.title}: needs an engine; set CM_GOOGLE_SEARCH_ENGINE to its cx")
        parameters: dict[str, str | int] = {
            "q": self.question(profile, context),
            "cx": engine,
            "num": PAGE_SIZE,
            "dateRestrict": f"d{max(1, context.days_back)}",
            "sort": "date",
            "gl": context.country.lower(),
            "lr": f"lang_{context.language}",
        }
        # In a header, not in the address: addresses end up in proxies' logs.
        headers = {"X-Goog-Api-Key": require_key(API, context)}

        def ask_page(number: int) -> Results:
            asked = parameters | {"start": number * PAGE_SIZE + 1}
            data = ask(API, context, parameters=asked, headers=headers, explain=partial(_explain, context))
            queries = data.get("queries")
            more = isinstance(queries, dict) and bool(queries.get("nextPage"))
            return Results(rows_of(API, data, "items", optional="queries" in data), more)

        most = pages_for(context.most_results(MOST), PAGE_SIZE)
        yield from paged(API, ask_page, lambda row: _item(row, context), most=most)


def _explain(context: FetchContext, status: int, body: bytes) -> FetchError | None:
    """A spent quota comes as 429 or 403; which of the two reasons a 403 has, only the body says."""
    data = read_json(body)
    error = data.get("error") if isinstance(data, dict) else None
    if not isinstance(error, dict):
        return None
    listed = error.get("errors")
    reasons = (
        {row.get("reason") for row in listed if isinstance(row, dict)} if isinstance(listed, list) else set()
    )
    if error.get("status") == "RESOURCE_EXHAUSTED" or reasons & _SPENT:
        return QuotaReached(
            f"{API.title}: today's requests are used up ({status}); asked again after midnight in California",
            status=status,
            after=until_midnight(context.http.now(), "America/Los_Angeles"),
        )
    return None


def _item(row: Mapping[str, Any], context: FetchContext) -> Found:
    text = snippet(row.get("snippet")) or ""
    dated = _DATED_SNIPPET.match(text)
    published, approximate = when(context, _declared(row), dated.group(1) if dated else None)
    return Found(
        title=title(row.get("title")),
        url=web_address(row.get("link")),
        snippet=(text[dated.end() :] if dated else text) or None,
        source=publisher(row.get("displayLink"), row.get("link")),
        published_at=published,
        approximate=approximate,
    )


def _declared(row: Mapping[str, Any]) -> object:
    """What the page's own metadata says of its date."""
    pagemap = row.get("pagemap")
    tags = pagemap.get("metatags") if isinstance(pagemap, dict) else None
    first = tags[0] if isinstance(tags, list) and tags else None
    return first.get("article:published_time") if isinstance(first, dict) else None
