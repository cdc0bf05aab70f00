"""What the search APIs answer, each in its own form."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fakes import Reply

from tasks.search.source import QuerySource
from tasks.search.sources import brave, gdelt, google_search, newsapi, sec_edgar, serper, tavily

STAMP = "2026-03-09T07:00:00"


@dataclass(frozen=True)
class Api:
    """A provider, and the answers that stand for it."""

    source: Callable[[], QuerySource]
    answer: Callable[[list[dict[str, str | None]]], Any]
    """An answer in the provider's form with these (title, url, text, publisher) results."""
    path: str = "/api"
    keyless: bool = False
    capped: bool = False
    """There is only one page; as many results as it may have are a cut."""
    page_size: int = 0
    before: dict[str, Any] = field(default_factory=dict)
    """What is asked for first, by path."""

    @property
    def name(self) -> str:
        return self.source().name


def newsapi_says(rows: list[dict[str, str | None]]) -> Any:
    return {
        "status": "ok",
        "totalResults": 10_000,
        "articles": [
            {
                "source": {"id": None, "name": row["publisher"]},
                "title": row["title"],
                "url": row["url"],
                "description": row["text"],
                "publishedAt": f"{STAMP}Z",
            }
            for row in rows
        ],
    }


def serper_says(rows: list[dict[str, str | None]]) -> Any:
    return {
        "searchParameters": {"type": "news"},
        "news": [
            {
                "title": row["title"],
                "link": row["url"],
                "snippet": row["text"],
                "source": row["publisher"],
                "date": "1 day ago",
            }
            for row in rows
        ],
        "credits": 2,
    }


def brave_says(rows: list[dict[str, str | None]]) -> Any:
    results = [
        {
            "type": "news_result",
            "title": row["title"],
            "url": row["url"],
            "description": row["text"],
            "page_age": STAMP,
            "meta_url": {"hostname": row["publisher"]},
        }
        for row in rows
    ]
    return {"type": "news", "query": {"original": "x"}, "results": results}


def tavily_says(rows: list[dict[str, str | None]]) -> Any:
    return {
        "query": "x",
        "results": [
            {
                "title": row["title"],
                "url": row["url"],
                "content": row["text"],
                "score": 0.9,
                "published_date": "Mon, 09 Mar 2026 07:00:00 GMT",
            }
            for row in rows
        ],
    }


def google_says(rows: list[dict[str, str | None]]) -> Any:
    items = [
        {
            "title": row["title"],
            "link": row["url"],
            "snippet": row["text"],
            "displayLink": row["publisher"],
            "pagemap": {"metatags": [{"article:published_time": f"{STAMP}Z"}]},
        }
        for row in rows
    ]
    return {"queries": {"nextPage": [{}]}, **({"items": items} if items else {})}


def gdelt_says(rows: list[dict[str, str | None]]) -> Any:
    articles = [
        {"title": row["title"], "url": row["url"], "domain": row["publisher"], "seendate": "20260309T070000Z"}
        for row in rows
    ]
    return {"articles": articles} if articles else {}


def edgar_says(rows: list[dict[str, str | None]]) -> Any:
    recent = {
        "form": ["8-K" for _ in rows],
        "accessionNumber": [f"0000001-26-{n:06d}" for n, _ in enumerate(rows)],
        "primaryDocument": ["a.htm" for _ in rows],
        "items": ["2.02,9.01" for _ in rows],
        "acceptanceDateTime": [f"{STAMP}.000Z" for _ in rows],
        "filingDate": ["2026-03-09" for _ in rows],
    }
    return {"filings": {"recent": recent}}


FILERS = {"0": {"cik_str": 77, "ticker": "ACM", "title": "ACME CORP"}}
APIS = [
    Api(newsapi.NewsApiSource, newsapi_says, page_size=100),
    Api(serper.SerperSource, serper_says, page_size=100, capped=True),
    Api(brave.BraveSource, brave_says, page_size=50),
    Api(tavily.TavilySource, tavily_says, keyless=True),
    Api(google_search.GoogleSearchSource, google_says, page_size=10),
    Api(gdelt.GdeltSource, gdelt_says, keyless=True, page_size=250, capped=True),
    Api(
        sec_edgar.SecEdgarSource,
        edgar_says,
        path="/api/submissions/CIK0000000077.json",
        keyless=True,
        before={"/api/files/company_tickers.json": FILERS},
    ),
]


def as_reply(reply: Any) -> Reply:
    if isinstance(reply, Reply):
        return reply
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return Reply(body, media_type="application/json; charset=utf-8")


def result(number: int = 1, title: str | None = None) -> dict[str, str | None]:
    return {
        "title": title if title is not None else f"Acme &amp; Sons opens <b>plant {number}</b>",
        "url": f"https://u:p@ledger.example/{number}",
        "text": "A <i>big</i> plant.<script>alert(1)</script>",
        "publisher": "ledger.example",
    }
