"""GDELT DOC 2.0: keyless, and in 2026 often too busy to answer. It gives no teaser and no date of publication."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tasks.net.faults import FetchError, QuotaReached, Refused, WrongType
from tasks.search.api import Api, ask, cut_off, page_of, publisher, rows_of, title
from tasks.search.dates import parse as parse_date
from tasks.search.options import CALLS, LANGUAGE, max_results
from tasks.search.query import ASKS, Syntax, boolean_query
from tasks.search.source import About, FetchContext, Found, Page, Profile, SourceKind
from tasks.search.text import plain, web_address

API = Api(
    name="gdelt",
    title="GDELT",
    url="https://api.gdeltproject.org/api/v2/doc/doc",
    interval_seconds=5.5,
)
"""It asks for five seconds between requests; half a second is for clocks and lines."""
SYNTAX = Syntax(plain_words=False, max_words=40, max_chars=700)
MAX_RECORDS = 250
MAX_DAYS = 90
"""The window that the service keeps."""
LANGUAGES = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
}
_TYPES = ("application/json", "text/html", "text/plain")
_A_WHILE = 900.0


class GdeltSource:
    """One request a client, newest first."""

    name: ClassVar[str] = API.name
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    third_party: ClassVar[bool] = True
    about: ClassVar[About] = About(
        title=API.title,
        recipient="The GDELT Project, on Google's cloud (USA)",
        sends=ASKS,
        terms="Free to use with a citation: https://www.gdeltproject.org/about.html#termsofuse. It often turns callers "
        "away (429) for hours.",
        fields=(*CALLS, max_results(10, MAX_RECORDS, MAX_RECORDS), LANGUAGE),
    )

    def question(self, profile: Profile, context: FetchContext) -> str:
        language = LANGUAGES.get(context.language)
        return boolean_query(profile, SYNTAX) + (f" sourcelang:{language}" if language else "")

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        most = context.most_results(MAX_RECORDS)
        parameters: dict[str, str | int] = {
            "query": self.question(profile, context),
            "mode": "artlist",
            "format": "json",
            "timespan": f"{min(max(1, context.days_back), MAX_DAYS)}d",
            "maxrecords": most,
            "sort": "datedesc",
        }
        data = ask(
            API, context, parameters=parameters, expect=_TYPES, explain=_explain, unreadable=_complaint
        )
        # An empty answer is `{}`.
        rows = rows_of(API, data, "articles", optional=not data)
        page = page_of(API, rows, lambda row: _item(row, context))
        yield cut_off(API, page, len(rows)) if len(rows) >= most else page


def _explain(status: int, _body: bytes) -> FetchError | None:
    """Its 429 is load shedding that lasts; trying again at once makes it longer."""
    if status != 429:
        return None
    return QuotaReached(
        f"{API.title}: too busy ({status}); asked again in a quarter of an hour",
        status=status,
        after=_A_WHILE,
    )


def _complaint(body: bytes) -> FetchError:
    """It refuses in words, with status 200."""
    said = plain(body[:2_000].decode("utf-8", "replace"), 200)
    if "limit" in said.lower() and "second" in said.lower():
        return QuotaReached(f"{API.title}: too many requests; the next run tries again")
    if body.lstrip()[:1] in (b"{", b"["):
        return WrongType(f"{API.title}: the answer is cut off; the next run tries again")
    return Refused(f"{API.title}: refused the question: {said or 'an empty answer'}")


def _item(row: Mapping[str, Any], context: FetchContext) -> Found:
    extra: dict[str, Any] = {}
    # When GDELT met the article, which is not when it was published: kept for people, never used as its date.
    if (seen := parse_date(row.get("seendate"), context.as_of)) is not None:
        extra["seen_by_gdelt_at"] = seen.isoformat()
    if isinstance(country := row.get("sourcecountry"), str) and country:
        extra["source_country"] = plain(country, 60)
    return Found(
        title=title(row.get("title")),
        url=web_address(row.get("url")),
        source=publisher(row.get("domain"), row.get("url")),
        extra=extra,
    )
