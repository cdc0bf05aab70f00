"""Brave Search: news results. A query may have 400 characters and 50 words."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

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
from tasks.search.source import About, FetchContext, Found, KeyUse, Page, Profile, SourceKind
from tasks.search.text import web_address

API = Api(
    name="brave",
    title="Brave Search",
    url="https://api.search.brave.com/res/v1/news/search",
    interval_seconds=1.1,
)
SYNTAX = Syntax(exclude=" NOT {}", max_chars=400, max_words=50)
COUNT = 50
MOST = 150
"""Of the 500 that it would give; every page of fifty is billed."""


class BraveSource:
    """A window of whole days, page by page."""

    name: ClassVar[str] = API.name
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    third_party: ClassVar[bool] = True
    about: ClassVar[About] = About(
        title=API.title,
        recipient="Brave Software, Inc. (USA)",
        sends=ASKS,
        terms="Paid by request after a monthly credit; what may be stored depends on the plan.",
        key=KeyUse.REQUIRED,
        key_setting="brave_api_key",
        fields=(REQUIRED_KEY, *CALLS, max_results(COUNT, 500, MOST), LANGUAGE, COUNTRY),
        usd_per_call=0.005,
        free_calls=1_000,
    )

    def question(self, profile: Profile, context: FetchContext) -> str:
        return boolean_query(profile, SYNTAX)

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        headers = {"X-Subscription-Token": require_key(API, context)}
        parameters: dict[str, str | int] = {
            "q": self.question(profile, context),
            "country": context.country,
            "search_lang": context.language,
            "count": COUNT,
            "freshness": f"{context.since:%Y-%m-%d}to{context.as_of:%Y-%m-%d}",
            "spellcheck": 0,  # "Orrin" must not become "Orion"
        }

        def ask_page(number: int) -> Results:
            data = ask(API, context, parameters=parameters | {"offset": number}, headers=headers)
            rows = rows_of(API, data, "results", optional=data.get("type") == "news")
            return Results(rows, len(rows) == COUNT)

        most = pages_for(context.most_results(MOST), COUNT)
        yield from paged(API, ask_page, lambda row: _item(row, context), most=most)


def _item(row: Mapping[str, Any], context: FetchContext) -> Found:
    published, approximate = when(context, row.get("page_age"), row.get("age"))
    origin = row.get("meta_url")
    return Found(
        title=title(row.get("title")),
        url=web_address(row.get("url")),
        snippet=snippet(row.get("description")),
        source=publisher(origin.get("hostname") if isinstance(origin, dict) else None, row.get("url")),
        published_at=published,
        approximate=approximate,
    )
