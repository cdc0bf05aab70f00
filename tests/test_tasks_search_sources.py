"""The providers of the search stage, each on documents shaped like the real ones."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import NOW
from fakes import NewsServer, Reply, atom, google_news, jsonl, rss

from models.news import SourceState
from models.settings import Settings
from tasks.net.faults import FetchError
from tasks.net.http import Http
from tasks.search import dates
from tasks.search.query import boolean_query
from tasks.search.source import FeedSource, FetchContext, Page, Profile, QuerySource, SourceError
from tasks.search.sources.archive import ArchiveSource, newest
from tasks.search.sources.google_news import SYNTAX, GoogleNewsSource
from tasks.search.sources.mock import MockSource
from tasks.search.sources.rss import RssSource
from tasks.search.text import plain, safe_url, web_address

ACME = Profile(key="1", name="Acme", aliases=("Acme Corp",))
pytestmark = pytest.mark.usefixtures("db")
"""Requests are made in turns, which the database keeps."""


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with NewsServer() as running:
        yield running


def context(*arguments: str, days_back: int = 7, as_of: datetime = NOW, **settings: object) -> FetchContext:
    made = Settings(_env_file=None, google_news_interval_seconds=0, **settings)
    http = Http(made, sleep=lambda _: None)
    return FetchContext(http, made, as_of, days_back, arguments)


# dates


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Tue, 10 Mar 2026 07:00:00 GMT", "2026-03-10T07:00:00+00:00"),
        ("Tue, 10 Mar 2026 07:00:00 +0200", "2026-03-10T05:00:00+00:00"),
        ("Tue, 10 Mar 2026 02:00:00 EST", "2026-03-10T07:00:00+00:00"),
        ("2026-03-10T07:00:00Z", "2026-03-10T07:00:00+00:00"),
        ("2026-03-10 07:00", "2026-03-10T07:00:00+00:00"),
        ("2026-03-10", "2026-03-10T00:00:00+00:00"),
        ("20260310T070000Z", "2026-03-10T07:00:00+00:00"),
        ("1773126000", "2026-03-10T07:00:00+00:00"),
        (1773126000, "2026-03-10T07:00:00+00:00"),
        (1773126000123, "2026-03-10T07:00:00.123000+00:00"),
        (datetime(2026, 3, 10, 7), "2026-03-10T07:00:00+00:00"),
        ("2026-03-11T09:00:00Z", "2026-03-11T09:00:00+00:00"),
    ],
)
def test_a_date_is_read(text: object, iso: str) -> None:
    found = dates.parse(text, NOW)
    assert found is not None
    assert found.isoformat() == iso
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-45", "2026-03-12T00:00:00Z", "1970-01-01", 0, True, None, float("nan"), 1e300, "9" * 40,
     "0001-01-01T00:00:00+14:00", [], "Tue, 99 Foo 2026"],
)  # fmt: skip
def test_what_is_no_date_is_unknown(text: object) -> None:
    assert dates.parse(text, NOW) is None


# text


def test_html_becomes_words() -> None:
    html = '<p>Acme&nbsp;&amp; Sons</p><script>alert("x")</script>\n<b>grew</b>  fast<br>in May'
    assert plain(html, 100) == "Acme & Sons grew fast in May"
    assert plain("AT&amp;T up 5 < 6", 100) == "AT&T up 5 < 6"
    assert plain("a\x00b\ud800c", 100) == "a b c"
    assert plain("word " * 100, 20) == "word word word word…"


def test_only_web_addresses_pass() -> None:
    assert web_address("javascript:alert(1)") is None
    assert web_address("file:///etc/passwd") is None
    assert web_address(" https://u:p@news.example/a?b=1 ") == "https://news.example/a?b=1"
    assert web_address("http://[bad") is None


def test_addresses_for_eyes_have_no_secrets() -> None:
    assert (
        safe_url("https://u:p@n.example:8443/f?api_key=abc&q=acme")
        == "https://n.example:8443/f?api_key=***&q=acme"
    )


# rss


def test_rss_items_arrive_stripped_with_publisher_and_date(server: NewsServer) -> None:
    body = rss(
        [
            {
                "title": "Acme &amp; Sons opens plant",
                "link": "https://news.example/a?utm_source=rss",
                "description": "<p>A <b>big</b> plant.</p><img src=x onerror=alert(1)>",
                "pubDate": "Tue, 10 Mar 2026 07:00:00 +0100",
            },
            {"title": "No date", "link": "/relative", "pubDate": "soon", "source": "The Ledger"},
            {"link": "https://news.example/untitled"},
        ],
        title="Example Wire",
    )
    url = server.serve("/feed", Reply(body.encode(), headers={"ETag": '"v1"', "Last-Modified": "LM"}))
    source = RssSource()
    ctx = context(feeds=[url])
    assert source.units(None, ctx) == [url]
    [page] = source.fetch(url, None, ctx)
    first, second = page.items
    assert (first.title, first.snippet) == ("Acme & Sons opens plant", "A big plant.")
    assert (first.source, second.source) == ("Example Wire", "The Ledger")
    assert first.published_at == datetime(2026, 3, 10, 6, tzinfo=UTC)
    assert second.published_at is None
    assert second.url == server.url("/relative")
    assert page.state is SourceState.PARTIAL
    assert page.cursor == {"etag": '"v1"', "last_modified": "LM"}
    assert any("item 2" in p and "'soon'" in p for p in page.problems)
    assert any("item 3: title is missing" in p for p in page.problems)


def test_atom_is_read_too(server: NewsServer) -> None:
    entry = {"title": "Acme names CEO", "link": "https://a.example/1", "updated": "2026-03-09T10:00:00Z"}
    url = server.serve("/atom", Reply(atom([entry]).encode(), media_type="text/plain"))
    [page] = RssSource().fetch(url, None, context(feeds=[url]))
    assert page.state is SourceState.OK
    assert page.items[0].published_at == datetime(2026, 3, 9, 10, tzinfo=UTC)


def test_an_unchanged_feed_is_not_sent_again(server: NewsServer) -> None:
    url = server.serve("/feed", Reply(status=304))
    [page] = RssSource().fetch(url, {"etag": '"v1"', "last_modified": "LM"}, context(feeds=[url]))
    assert page == Page(SourceState.EMPTY)
    assert server.asked[0].headers["If-None-Match"] == '"v1"'
    assert server.asked[0].headers["If-Modified-Since"] == "LM"


def test_a_feed_without_items_is_empty_and_no_feed_is_a_failure(server: NewsServer) -> None:
    source = RssSource()
    url = server.serve("/a", rss([]), b"", Reply(b"<html>hello</html>", media_type="text/xml"))
    states = [next(iter(source.fetch(url, None, context(feeds=[url])))).state for _ in range(3)]
    assert states == [SourceState.EMPTY, SourceState.FAILED, SourceState.FAILED]


def test_a_truncated_feed_keeps_its_items_but_not_its_cursor(server: NewsServer) -> None:
    whole = rss([{"title": f"Item {n}", "link": f"https://n.example/{n}"} for n in range(5)])
    cut = whole[: whole.index("Item 3")]
    url = server.serve("/feed", Reply(cut.encode(), headers={"ETag": '"cut"'}))
    [page] = RssSource().fetch(url, None, context(feeds=[url]))
    assert page.state is SourceState.PARTIAL
    assert [item.title for item in page.items][:3] == ["Item 0", "Item 1", "Item 2"]
    assert page.cursor is None
    assert "127.0.0.1" in page.error


def test_a_malformed_feed_that_is_whole_is_kept_and_named(server: NewsServer) -> None:
    body = rss([{"title": "Good", "link": "https://n.example/1"}]).replace("News</desc", "AT&T News</desc")
    url = server.serve("/feed", body)
    [page] = RssSource().fetch(url, None, context(feeds=[url]))
    assert (page.state, len(page.items)) == (SourceState.OK, 1)
    assert "malformed" in page.problems[0]


def test_entity_tricks_do_no_harm(server: NewsServer) -> None:
    bomb = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><item>'
    url = server.serve("/feed", f"<?xml version='1.0'?>{bomb}<title>A&x;</title></item></channel></rss>")
    [page] = RssSource().fetch(url, None, context(feeds=[url]))
    assert all("root:" not in item.title for item in page.items)


def test_a_feed_body_is_never_taken_for_a_file_name(server: NewsServer, tmp_path: Path) -> None:
    local = tmp_path / "feed.xml"
    local.write_text(rss([{"title": "Local secret"}]))
    url = server.serve("/feed", str(local))
    [page] = RssSource().fetch(url, None, context(feeds=[url]))
    assert (page.state, page.items) == (SourceState.FAILED, ())


def test_a_feed_with_a_password_is_named_without_it(server: NewsServer) -> None:
    server.serve("/feed", rss([{"title": "A"}]))
    address = f"http://maria:hunter2@127.0.0.1:{server.port}/feed?token=abc"
    for ctx, argument in ((context(feeds=[address]), None), (context(address), address)):
        [unit] = RssSource().units(argument, ctx)
        assert "hunter2" not in unit
        assert "abc" not in unit
        [page] = RssSource().fetch(unit, None, ctx)
        assert page.state is SourceState.OK
        assert server.asked[-1].query == {"token": ["abc"]}
        assert server.asked[-1].headers["Authorization"].startswith("Basic")


def test_in_production_only_configured_feeds_may_be_private(server: NewsServer) -> None:
    url = server.serve("/feed", rss([{"title": "A"}]))
    with pytest.raises(FetchError, match="CM_FEEDS"):
        list(RssSource().fetch(url, None, context(url, environment="production")))
    assert list(RssSource().fetch(url, None, context(feeds=[url], environment="production")))


def test_rss_without_a_feed_says_what_to_do() -> None:
    with pytest.raises(SourceError, match="CM_FEEDS"):
        RssSource().units(None, context())


# google news


def test_google_titles_lose_their_source(server: NewsServer) -> None:
    url = server.serve(
        "/rss", google_news([("Acme - the maker - buys Orrin", "The Ledger"), ("Acme up", "Wire")])
    )
    [page] = GoogleNewsSource().fetch(ACME, None, context(google_news_url=url))
    assert page.state is SourceState.OK
    first = page.items[0]
    assert (first.title, first.source, first.snippet) == ("Acme - the maker - buys Orrin", "The Ledger", None)
    assert first.extra["source_url"] == "https://theledger.example"
    assert first.published_at == datetime(2026, 3, 9, 7, tzinfo=UTC)
    asked = server.asked[0].query
    assert asked["q"] == ['("Acme" OR "Acme Corp") when:7d']
    assert asked["ceid"] == ["US:en"]


def test_google_is_asked_for_the_edition_of_language_and_country(server: NewsServer) -> None:
    url = server.serve("/rss", google_news([]))
    list(
        GoogleNewsSource().fetch(
            ACME, None, context(google_news_url=url, search_language="de", search_country="at")
        )
    )
    asked = server.asked[0].query
    assert (asked["hl"], asked["gl"], asked["ceid"]) == (["de-AT"], ["AT"], ["AT:de"])


def test_a_cut_off_answer_is_asked_again_in_halves(server: NewsServer) -> None:
    full = google_news([(f"Acme story {n}", "Wire") for n in range(100)])
    some = google_news([("Acme other", "Wire")])
    url = server.serve("/rss", full, some)
    pages = list(GoogleNewsSource().fetch(ACME, None, context(google_news_url=url, days_back=7)))
    assert [page.state for page in pages] == [SourceState.OK] * 3
    queries = [request.query["q"][0] for request in server.asked]
    assert queries[1].endswith("after:2026-03-07 before:2026-03-11")
    assert queries[2].endswith("after:2026-03-03 before:2026-03-07")


def test_a_flood_is_partial_and_bounded(server: NewsServer) -> None:
    url = server.serve("/rss", google_news([(f"Acme story {n}", "Wire") for n in range(100)]))
    pages = list(GoogleNewsSource().fetch(ACME, None, context(google_news_url=url, days_back=30)))
    assert server.count("/rss") == 8
    assert pages[-1].state is SourceState.PARTIAL
    assert "excluded terms" in pages[-1].error
    server.asked.clear()
    [*_, last] = GoogleNewsSource().fetch(ACME, None, context(google_news_url=url, days_back=1))
    assert last.state is SourceState.PARTIAL
    assert server.count("/rss") == 3


def test_a_consent_page_is_a_failure(server: NewsServer) -> None:
    url = server.serve("/rss", Reply(b"<html>Before you continue to Google</html>", media_type="text/html"))
    with pytest.raises(FetchError, match="text/html"):
        list(GoogleNewsSource().fetch(ACME, None, context(google_news_url=url)))


@pytest.mark.parametrize(
    ("profile", "query"),
    [
        (Profile(key="1", name="Nvidia"), '"Nvidia"'),
        (Profile(key="1", name="Nvidia", keywords=("chips",)), '"Nvidia"'),
        (
            Profile(key="1", name="Target", aliases=("Target Corp",), keywords=("retail", "big box")),
            '("Target" OR "Target Corp") (retail OR "big box")',
        ),
        (
            Profile(key="1", name="Acme", excluded_terms=("Looney Tunes", "cartoon")),
            '"Acme" -"Looney Tunes" -cartoon',
        ),
        (Profile(key="1", name='Acme" OR site:evil (x', aliases=("GE",)), '"Acme OR site evil x"'),
        (Profile(key="1", name="AT&T", legal_name="AT&T Inc."), '("AT&T" OR "AT&T Inc.")'),
    ],
)
def test_the_query_stays_within_the_syntax(profile: Profile, query: str) -> None:
    assert boolean_query(profile, SYNTAX) == query


def test_a_long_profile_still_fits() -> None:
    profile = Profile(
        key="1", name="Acme", aliases=tuple(f"Acme Number {n}" for n in range(50)),
        excluded_terms=tuple(f"not this {n}" for n in range(50)),
    )  # fmt: skip
    assert len(boolean_query(profile, SYNTAX).split()) <= 28


# archive

ROWS = [
    {"title": f"Headline {n}", "source": "Wire", "first_seen_at": f"2026-03-0{n + 1}T08:00:00Z"}
    for n in range(5)
]


def read(path: Path, cursor: object = None, **settings: object) -> list[Page]:
    ctx = context(**settings)
    [unit] = ArchiveSource().units(str(path), ctx)
    return list(ArchiveSource().fetch(unit, cursor, ctx))  # type: ignore[arg-type]


def titles(pages: list[Page]) -> list[str]:
    return [item.title for page in pages for item in page.items]


def as_csv() -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["title", "source", "first_seen_at"])
    writer.writeheader()
    writer.writerows(ROWS)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", jsonl(ROWS).encode()),
        ("a.jsonl.gz", gzip.compress(jsonl(ROWS).encode())),
        ("a.csv", ("\ufeff" + as_csv()).encode()),
        ("a.csv.gz", gzip.compress(as_csv().encode())),
        ("noending", jsonl(ROWS).encode()),
        (
            "a.xml",
            rss(
                {"title": r["title"], "source": "Wire", "pubDate": r["first_seen_at"]} for r in ROWS
            ).encode(),
        ),
    ],
)
def test_every_form_of_archive_is_read(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    pages = read(path, batch_size=2)
    assert titles(pages) == [row["title"] for row in ROWS]
    assert {page.state for page in pages} <= {SourceState.OK, SourceState.EMPTY}
    item = pages[0].items[0]
    assert (item.source, item.first_seen_at) == ("Wire", datetime(2026, 3, 1, 8, tzinfo=UTC))
    assert newest(path) == datetime(2026, 3, 5, 8, tzinfo=UTC)
    assert read(path, pages[-1].cursor) == [Page(SourceState.EMPTY)]
    assert titles(read(path, pages[0].cursor)) == [row["title"] for row in ROWS[2:]]


def test_bad_lines_are_named_and_the_good_go_on(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    bad = [
        {"title": "Good"},
        '{"title": "cut',
        "[1, 2]",
        {"title": "  "},
        {"title": "No date", "published_at": "soon", "url": "javascript:alert(1)"},
        {"title": "Future", "published_at": "2031-01-01"},
        "",
        {"title": 7},
        {"title": "Last\x00 \ud800one"},
    ]
    path.write_bytes(jsonl(bad).encode() + b'{"title": "\xff"}\n')
    [page] = read(path)
    assert titles([page]) == ["Good", "No date", "Future", "Last one"]
    assert [item.published_at for item in page.items] == [None] * 4
    assert page.state is SourceState.PARTIAL
    text = "\n".join(page.problems)
    for part in (
        "news.jsonl: line 2: not a JSON object",
        "line 3: not a JSON object but list",
        "line 4: title is missing",
        "line 5: published_at 'soon' cannot be read",
        "line 5: url is not",
        "line 6: published_at '2031-01-01'",
        "line 8: title is missing",
        "line 10: not a JSON object: it is not UTF-8",
    ):
        assert part in text
    assert page.error.startswith("5 rows left out, the first: news.jsonl: line 2")


def test_csv_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_bytes(b'Title,source\n"A, quoted\nheadline",Wire\nshort\n\nCaf\xe9,Wire\n,Wire\nB,Wire\n')
    [page] = read(path)
    assert titles([page]) == ["A, quoted headline", "B"]
    text = "\n".join(page.problems)
    assert "line 4: 1 fields where the first line names 2" in text
    assert "line 6: not UTF-8" in text
    assert "line 7: title is missing" in text
    path.write_text("headline,source\nA,Wire\n")
    [page] = read(path)
    assert (page.state, "title among them" in page.error) == (SourceState.FAILED, True)


def test_a_missing_file_a_folder_and_damage_are_said(tmp_path: Path) -> None:
    [page] = read(tmp_path / "nowhere.jsonl")
    assert page.state is SourceState.FAILED
    assert "nowhere.jsonl: no such file" in page.error
    assert newest(tmp_path / "nowhere.jsonl") is None
    [page] = read(tmp_path)
    assert page.state is SourceState.FAILED
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(jsonl(ROWS * 100).encode())[:-20])
    *kept, failed = read(cut, batch_size=50)
    assert failed.state is SourceState.FAILED
    assert "cut off" in failed.error
    assert len(titles(kept)) > 50
    with pytest.raises(SourceError, match="name the file"):
        ArchiveSource().units(None, context())


def test_an_archive_that_grows_goes_on_and_a_new_one_starts_over(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text(jsonl(ROWS[:3]))
    done = read(path)[-1].cursor
    with path.open("a") as file:
        file.write(jsonl(ROWS[3:]))
    grown = read(path, done)
    assert titles(grown) == ["Headline 3", "Headline 4"]
    path.write_text(jsonl([{"title": "Quite another"}, *ROWS]))
    assert titles(read(path, grown[-1].cursor))[0] == "Quite another"
    path.write_text("")
    assert [page.state for page in read(path, grown[-1].cursor)] == [SourceState.EMPTY]


def test_a_line_still_being_written_waits(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    line = json.dumps({"title": "Half a line"})
    path.write_text(jsonl(ROWS[:1]) + line[:9])
    [page] = read(path)
    assert (page.state, titles([page])) == (SourceState.OK, ["Headline 0"])
    assert read(path, page.cursor) == [Page(SourceState.EMPTY)]
    path.write_text(jsonl(ROWS[:1]) + line + "\n")
    assert titles(read(path, page.cursor)) == ["Half a line"]


def test_the_list_of_problems_stays_short(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text("broken\n" * 500)
    [page] = read(path)
    assert len(page.problems) == 61
    assert page.problems[-1] == "and 440 more"


# mock


def test_invented_news_is_the_same_for_a_client_and_a_day() -> None:
    [page] = MockSource().fetch(ACME, None, context())
    [later] = MockSource().fetch(ACME, None, context(as_of=NOW + timedelta(hours=9)))
    [tomorrow] = MockSource().fetch(ACME, None, context(as_of=NOW + timedelta(days=1)))
    assert page == later
    assert page != tomorrow
    assert all(item.published_at and item.published_at < NOW for item in page.items)
    assert any(item.published_at and item.published_at < NOW - timedelta(days=30) for item in page.items)
    assert sum("Acme" in item.title for item in page.items) >= 9
    assert len({item.url for item in page.items}) == len(page.items)
    assert all(item.url and ".example/" in item.url for item in page.items)
    assert not any("{" in item.title or "{" in (item.snippet or "") for item in page.items)


def test_sources_keep_the_protocols() -> None:
    for source in (ArchiveSource(), RssSource()):
        assert isinstance(source, FeedSource)
    for asked in (GoogleNewsSource(), MockSource()):
        assert isinstance(asked, QuerySource)
        assert not isinstance(asked, FeedSource)
