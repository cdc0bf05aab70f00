"""NewsAPI.org: /v2/everything. The free plan is for development only, a day late, and ends at 100 results."""

from collections.abc import Iterator, Mapping
from datetime import UTC
from functools import partial
from typing import Any, ClassVar

from tasks.net.documents import read_json
from tasks.net.faults import FetchError, QuotaReached, Refused, until_midnight
from tasks.search.api import (
    NARROW,
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
from tasks.search.options import CALLS, LANGUAGE, REQUIRED_KEY, max_results
from tasks.search.query import ASKS, Syntax, boolean_query
from tasks.search.source import (
    About,
    FetchContext,
    Found,
    KeyUse,
    Page,
    Profile,
    SourceKind,
    SourceState,
)
from tasks.search.text import web_address

API = Api(
    name="newsapi",
    title="NewsAPI",
    url="https://newsapi.org/v2/everything",
    interval_seconds=1.0,
)
SYNTAX = Syntax(both=" AND ", exclude=" NOT {}", max_chars=500, max_words=80)
PAGE_SIZE = 100
MOST = 300
"""A client with more in one look-back has a query that is too wide; every page costs a request."""
LANGUAGES = frozenset("ar de en es fr he it nl no pt ru sv ud zh".split())
_REMOVED = "[Removed]"
_SPENT = {"apiKeyExhausted", "rateLimited"}


class NewsApiSource:
    """Newest first, page by page, until the window, the plan or ``MAX_PAGES`` ends it."""

    name: ClassVar[str] = API.name
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    third_party: ClassVar[bool] = True
    about: ClassVar[About] = About(
        title=API.title,
        recipient="NewsAPI.org (News API)",
        sends=ASKS,
        terms="The free plan is for development only: 100 requests a day, news a day late, 100 results a search. "
        "Paid plans by the month: https://newsapi.org/pricing",
        key=KeyUse.REQUIRED,
        key_setting="newsapi_api_key",
        fields=(REQUIRED_KEY, *CALLS, max_results(PAGE_SIZE, 1_000, MOST), LANGUAGE),
        free_calls=3_000,
    )

    def question(self, profile: Profile, context: FetchContext) -> str:
        return boolean_query(profile, SYNTAX)

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        headers = {"X-Api-Key": require_key(API, context)}
        parameters: dict[str, str | int] = {
            "q": self.question(profile, context),
            "searchIn": "title,description",
            "from": context.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "sortBy": "publishedAt",
            "pageSize": PAGE_SIZE,
        }
        if context.language in LANGUAGES:
            parameters["language"] = context.language

        def ask_page(number: int) -> Results:
            asked = parameters | {"page": number + 1}
            explain = partial(_explain, context)
            data = ask(API, context, parameters=asked, headers=headers, explain=explain)
            rows = rows_of(API, data, "articles")
            total = data.get("totalResults")
            seen = number * PAGE_SIZE + len(rows)
            return Results(rows, len(rows) == PAGE_SIZE and not (isinstance(total, int) and total <= seen))

        try:
            most = pages_for(context.most_results(MOST), PAGE_SIZE)
            yield from paged(API, ask_page, lambda row: _item(row, context), most=most)
        except _PlanEnds as ends:
            yield Page(SourceState.PARTIAL, error=str(ends))


class _PlanEnds(Refused):
    """The plan gives no further page; the pages before it are good."""


def _explain(context: FetchContext, status: int, body: bytes) -> FetchError | None:
    data = read_json(body)
    code = data.get("code") if isinstance(data, dict) else None
    if code == "maximumResultsReached":
        return _PlanEnds(f"{API.title}: the plan shows no further results; {NARROW}", status=status)
    if code in _SPENT:
        # Counted in windows of twelve and twenty-four hours, whose ends it does not name.
        return QuotaReached(
            f"{API.title}: the plan's requests are used up ({status}); asked again after midnight UTC",
            status=status,
            after=until_midnight(context.http.now()),
        )
    return None


def _item(row: Mapping[str, Any], context: FetchContext) -> Found | None:
    if row.get("title") == _REMOVED:
        return None
    origin = row.get("source")
    return Found(
        title=title(row.get("title")),
        url=web_address(row.get("url")),
        snippet=snippet(row.get("description")),
        source=publisher(origin.get("name") if isinstance(origin, dict) else None, row.get("url")),
        published_at=when(context, row.get("publishedAt")).published_at,
    )
