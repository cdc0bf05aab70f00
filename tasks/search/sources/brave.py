"""Brave Search: news results. A query may have 400 characters and 50 words."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tasks.search.api import Api, Results, ask, paged, publisher, require_key, rows_of, snippet, title, when
from tasks.search.query import Syntax, boolean_query
from tasks.search.source import FetchContext, Found, Page, Profile, SourceKind
from tasks.search.text import web_address

API = Api(
    name="brave",
    title="Brave Search",
    url="https://api.search.brave.com/res/v1/news/search",
    interval_seconds=1.1,
    key_setting="CM_BRAVE_API_KEY",
)
SYNTAX = Syntax(exclude=" NOT {}", max_chars=400, max_words=50)
COUNT = 50
MAX_PAGES = 3
"""Of ten that it would give; every one is billed."""


class BraveSource:
    """A window of whole days, page by page."""

    name: ClassVar[str] = API.name
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    third_party: ClassVar[bool] = True

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        headers = {"X-Subscription-Token": require_key(API, context)}
        parameters: dict[str, str | int] = {
            "q": boolean_query(profile, SYNTAX),
            "country": context.settings.search_country.upper(),
            "search_lang": context.settings.search_language,
            "count": COUNT,
            "freshness": f"{context.since:%Y-%m-%d}to{context.as_of:%Y-%m-%d}",
            "spellcheck": 0,  # "Orrin" must not become "Orion"
        }

        def ask_page(number: int) -> Results:
            data = ask(API, context, parameters=parameters | {"offset": number}, headers=headers)
            rows = rows_of(API, data, "results", optional=data.get("type") == "news")
            return Results(rows, len(rows) == COUNT)

        yield from paged(API, ask_page, lambda row: _item(row, context), most=MAX_PAGES)


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
