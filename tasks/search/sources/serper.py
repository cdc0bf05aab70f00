"""Serper.dev: Google's news results as JSON. Dates are ages in the answer's language, so English is asked for."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tasks.net.documents import read_json
from tasks.net.faults import FetchError, QuotaReached
from tasks.search.api import (
    Api,
    ask,
    cut_off,
    page_of,
    publisher,
    require_key,
    rows_of,
    snippet,
    title,
    when,
)
from tasks.search.options import CALLS, COUNTRY, REQUIRED_KEY, max_results
from tasks.search.query import ASKS, Syntax, boolean_query
from tasks.search.source import About, FetchContext, Found, KeyUse, Page, Profile, SourceKind
from tasks.search.text import web_address

API = Api(
    name="serper",
    title="Serper",
    url="https://google.serper.dev/news",
    interval_seconds=0.2,
)
SYNTAX = Syntax(max_words=28)
MOST = 100
"""Results a request; 11 to 100 cost two credits, whether there are so many or not."""
_A_WHILE = 3_600.0
"""Seconds: somebody has to buy credits first."""


class SerperSource:
    """One request a client: Google's news results end well before the hundredth."""

    name: ClassVar[str] = API.name
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    third_party: ClassVar[bool] = True
    about: ClassVar[About] = About(
        title=API.title,
        recipient="Serper (serper.dev), which asks Google",
        sends=ASKS,
        terms="Prepaid credits, 2,500 to begin with: up to 10 results cost one, up to 100 two.",
        key=KeyUse.REQUIRED,
        key_setting="serper_api_key",
        fields=(REQUIRED_KEY, *CALLS, max_results(10, 100, MOST), COUNTRY),
    )

    def question(self, profile: Profile, context: FetchContext) -> str:
        return boolean_query(profile, SYNTAX)

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        count = context.most_results(MOST)
        body = {
            "q": self.question(profile, context),
            "gl": context.country.lower(),
            "hl": "en",
            "num": count,
            "tbs": f"qdr:{_window(context.days_back)}",
        }
        headers = {"X-API-KEY": require_key(API, context)}
        data = ask(API, context, body=body, headers=headers, explain=_explain)
        rows = rows_of(API, data, "news")
        page = page_of(API, rows, lambda row: _item(row, context))
        yield cut_off(API, page, len(rows)) if len(rows) >= count else page


def _window(days: int) -> str:
    """Google knows days, weeks, months and years; the next longer one, the stage drops what is older."""
    return next((unit for unit, length in (("d", 1), ("w", 7), ("m", 31)) if days <= length), "y")


def _explain(status: int, body: bytes) -> FetchError | None:
    data = read_json(body)
    said = str(data.get("message") or "").lower() if isinstance(data, dict) else ""
    if status in (400, 402, 403) and "credit" in said:
        return QuotaReached(
            f"{API.title}: no credits left ({status}); buy some, or switch it off",
            status=status,
            after=_A_WHILE,
        )
    return None


def _item(row: Mapping[str, Any], context: FetchContext) -> Found:
    published, approximate = when(context, row.get("date"))
    return Found(
        title=title(row.get("title")),
        url=web_address(row.get("link")),
        snippet=snippet(row.get("snippet")),
        source=publisher(row.get("source"), row.get("link")),
        published_at=published,
        approximate=approximate,
    )
