"""Tavily: a search for programs, with a key or, at a lower rate, without one."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tasks.net.documents import read_json
from tasks.net.faults import FetchError, QuotaReached
from tasks.net.patience import bearable
from tasks.search.api import Api, ask, page_of, publisher, rows_of, snippet, title, when
from tasks.search.options import CALLS, OPTIONAL_KEY, max_results
from tasks.search.query import is_everyday, names_of, phrase_of
from tasks.search.source import About, FetchContext, Found, KeyUse, Page, Profile, SourceKind
from tasks.search.text import web_address

API = Api(
    name="tavily",
    title="Tavily",
    url="https://api.tavily.com/search",
    interval_seconds=1.0,
)
MAX_RESULTS = 20
MAX_CHARS = 400
_SPENT = {432, 433}
"""Its own statuses for a spent plan and a spent pay-as-you-go limit."""
_A_WHILE = 3_600.0


class TavilySource:
    """One request a client: it ranks by meaning and gives the best twenty, so there is nothing to page."""

    name: ClassVar[str] = API.name
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    third_party: ClassVar[bool] = True
    about: ClassVar[About] = About(
        title=API.title,
        recipient="Tavily (USA)",
        sends="The client's name; for everyday names also keywords and industry.",
        terms="Without a key at a low, unpublished rate; a free key has 1,000 credits a month, then by plan.",
        key=KeyUse.OPTIONAL,
        key_setting="tavily_api_key",
        fields=(OPTIONAL_KEY, *CALLS, max_results(5, MAX_RESULTS, MAX_RESULTS)),
        free_calls=1_000,
    )

    def question(self, profile: Profile, context: FetchContext) -> str:
        return question(profile)

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        key = context.key(API.name)
        access = {"Authorization": f"Bearer {key}"} if key else {"X-Tavily-Access-Mode": "keyless"}
        body = {
            "query": self.question(profile, context),
            "topic": "news",
            "search_depth": "basic",
            "start_date": f"{context.since:%Y-%m-%d}",
            "end_date": f"{context.as_of:%Y-%m-%d}",
            "max_results": context.most_results(MAX_RESULTS),
            "include_answer": False,
            "include_raw_content": False,
        }
        data = ask(API, context, body=body, headers=access, explain=_explain)
        yield page_of(API, rows_of(API, data, "results"), lambda row: _item(row, context))


def question(profile: Profile) -> str:
    """It reads sentences, not operators: the name in quotes, and for an everyday word what the client does."""
    words = [f'"{names_of(profile)[0]}"', "company news"]
    if is_everyday(profile.name):
        words += [phrase_of(word) for word in (*profile.keywords, profile.industry or "") if word]
    return " ".join(words)[:MAX_CHARS].rstrip()


def _explain(status: int, body: bytes) -> FetchError | None:
    """Keyless answers say in their body how long to wait; a spent plan has statuses of its own."""
    data = read_json(body)
    error = data.get("error") if isinstance(data, dict) else None
    wait = bearable(error.get("retry_after_seconds")) if isinstance(error, dict) else None
    if status == 429 and wait is not None:
        return QuotaReached(
            f"{API.title}: asks us to wait for {wait:.0f} s ({status})", status=status, after=wait
        )
    if status in _SPENT:
        return QuotaReached(
            f"{API.title}: the plan's credits are used up ({status}); asked again in an hour",
            status=status,
            after=_A_WHILE,
        )
    return None


def _item(row: Mapping[str, Any], context: FetchContext) -> Found:
    return Found(
        title=title(row.get("title")),
        url=web_address(row.get("url")),
        snippet=snippet(row.get("content")),
        source=publisher(None, row.get("url")),
        published_at=when(context, row.get("published_date")).published_at,
    )
