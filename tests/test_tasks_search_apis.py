"""The search APIs, each against a loopback server that answers in its form: questions, items, paging, faults."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apis import APIS, Api, as_reply, edgar_says, gdelt_says, google_says, newsapi_says, result
from conftest import NOW
from fakes import NewsServer, Reply
from pydantic import SecretStr

from models.base import utc_now
from models.engine import reading
from models.limits import held_until
from models.news import SourceState
from models.scope import Scope
from models.settings import Settings
from tasks.classify.rules import classify_text
from tasks.net.faults import FetchError, until_midnight
from tasks.net.http import Http
from tasks.registry import SOURCES, installed, load
from tasks.search import dates
from tasks.search.query import Syntax, boolean_query
from tasks.search.source import FetchContext, Page, Profile, QuerySource, question_of
from tasks.search.sources import brave, gdelt, google_search, newsapi, sec_edgar, serper, tavily

pytestmark = pytest.mark.usefixtures("db")

SECRET = "k-3f9a-very-secret"
ACME = Profile(key="1", name="Acme", legal_name="Acme Corp.", ticker="ACM", excluded_terms=("cartoon",))


each_api = pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with NewsServer() as running:
        yield running


def ready(
    api: Api, server: NewsServer, *replies: Any, keyed: bool = True, **settings: object
) -> FetchContext:
    """A context in which the provider's address is the server's, which answers with these."""
    for path, body in api.before.items():
        server.serve(path, as_reply(body))
    server.serve(api.path, *(as_reply(reply) for reply in replies))
    return context(api, server.url("/api"), keyed=keyed, **settings)


def context(api: Api, url: str, *, keyed: bool = True, **settings: object) -> FetchContext:
    made = Settings(
        _env_file=None,
        **{
            "source_urls": {api.name: url},
            "contact": "ops@monitor.example",
            "google_search_engine": "engine1",
            **settings,
        },
    )
    keys = {api.name: SecretStr(SECRET)} if keyed else {}
    setting = api.source.about.key_setting
    return FetchContext(Http(made, sleep=lambda _: None), made, NOW, 7, keys=keys, key_setting=setting)


def fetch(api: Api, ctx: FetchContext) -> list[Page]:
    return list(api.source().fetch(ACME, None, ctx))


# what comes back


@each_api
def test_it_is_installed(api: Api) -> None:
    assert api.name in installed(SOURCES)
    assert isinstance(load(SOURCES, api.name)(), QuerySource)


@each_api
def test_items_arrive_without_html_and_with_publisher_and_date(api: Api, server: NewsServer) -> None:
    [page, *_] = fetch(api, ready(api, server, api.answer([result(1), result(2)])))
    assert page.state is SourceState.OK
    first = page.items[0]
    if api.name == "sec_edgar":
        assert first.title == "ACME CORP reports quarterly results"
        assert first.url == "https://www.sec.gov/Archives/edgar/data/77/000000126000000/a.htm"
    else:
        assert first.title == "Acme & Sons opens plant 1"
        assert first.url == "https://ledger.example/1"
        assert first.source == "ledger.example"
    if api.name not in ("gdelt", "sec_edgar"):
        assert first.snippet == "A big plant."
    published = None if api.name == "gdelt" else datetime(2026, 3, 9, 7, tzinfo=UTC)
    assert first.published_at == (NOW - timedelta(days=1) if api.name == "serper" else published)
    assert first.approximate == (api.name == "serper")


@each_api
def test_no_results_are_empty(api: Api, server: NewsServer) -> None:
    assert fetch(api, ready(api, server, api.answer([]))) == [Page(SourceState.EMPTY)]


@pytest.mark.parametrize("api", [a for a in APIS if a.name != "sec_edgar"], ids=lambda api: api.name)
def test_a_result_without_a_title_is_named_and_the_others_stay(api: Api, server: NewsServer) -> None:
    [page, *_] = fetch(api, ready(api, server, api.answer([result(1), result(2, title=" "), result(3)])))
    assert (page.state, len(page.items)) == (SourceState.PARTIAL, 2)
    assert "result 2: title is missing" in page.error


@pytest.mark.parametrize("api", [a for a in APIS if a.page_size and not a.capped], ids=lambda api: api.name)
def test_it_pages_to_a_limit_and_says_what_it_left(api: Api, server: NewsServer) -> None:
    full = api.answer([result(n) for n in range(api.page_size)])
    pages = fetch(api, ready(api, server, full))
    assert len(pages) == 3 == server.count(api.path)
    assert [page.state for page in pages] == [SourceState.OK, SourceState.OK, SourceState.PARTIAL]
    assert f"more than {3 * api.page_size} results" in pages[-1].error
    assert len(pages[-1].items) == api.page_size
    server.asked.clear()
    few = api.answer([result(1)])
    if api.name == "google_search":
        few["queries"] = {}
    pages = fetch(api, ready(api, server, full, few))
    assert [len(page.items) for page in pages] == [api.page_size, 1]
    assert {page.state for page in pages} == {SourceState.OK}
    first, second = (dict(request.query) for request in server.asked)
    assert first != second


@pytest.mark.parametrize("api", [a for a in APIS if a.capped], ids=lambda api: api.name)
def test_a_full_answer_is_partial(api: Api, server: NewsServer) -> None:
    [page] = fetch(api, ready(api, server, api.answer([result(n) for n in range(api.page_size)])))
    assert (page.state, len(page.items)) == (SourceState.PARTIAL, api.page_size)


# what is asked


@pytest.mark.parametrize("api", [a for a in APIS if a.name != "sec_edgar"], ids=lambda api: api.name)
def test_what_it_tells_people_is_what_it_asks(api: Api, server: NewsServer) -> None:
    ctx = ready(api, server, api.answer([result(1)]))
    told = question_of(api.source(), ACME, ctx)
    fetch(api, ctx)
    sent = server.asked[0]
    values = [value for given in sent.query.values() for value in given]
    values += [value for value in json.loads(sent.body or b"{}").values() if isinstance(value, str)]
    assert told in values
    assert "Acme" in told


@each_api
def test_the_key_travels_in_a_header_only(api: Api, server: NewsServer) -> None:
    fetch(api, ready(api, server, api.answer([])))
    asked = server.asked[-1]
    assert SECRET not in asked.path + str(asked.query) + asked.body.decode()
    if api.name in ("gdelt", "sec_edgar"):
        assert SECRET not in str(asked.headers)
        assert "ops@monitor.example" in asked.headers["User-Agent"]
    else:
        assert SECRET in str(asked.headers)


@each_api
def test_without_a_key_it_says_where_one_goes_or_does_without(api: Api, server: NewsServer) -> None:
    ctx = ready(api, server, api.answer([]), keyed=False)
    if api.keyless:
        assert fetch(api, ctx)[0].state is SourceState.EMPTY
    else:
        with pytest.raises(FetchError, match=f"CM_{api.name.upper()}_API_KEY"):
            fetch(api, ctx)
        assert server.asked == []


def test_the_questions_are_in_the_providers_words(server: NewsServer) -> None:
    asked = {}
    for api in APIS:
        fetch(api, ready(api, server, api.answer([])))
        request = server.asked[-1]
        asked[api.name] = (
            json.loads(request.body) if request.body else {k: v[0] for k, v in request.query.items()}
        )
    assert asked["newsapi"]["q"] == '("Acme" OR "Acme Corp.") NOT cartoon'
    assert asked["newsapi"]["from"] == "2026-03-03T09:30:00"
    assert asked["serper"]["q"] == '("Acme" OR "Acme Corp.") -cartoon'
    assert asked["serper"]["tbs"] == "qdr:w"
    assert asked["brave"]["freshness"] == "2026-03-03to2026-03-10"
    assert asked["google_search"]["cx"] == "engine1"
    assert asked["google_search"]["dateRestrict"] == "d7"
    assert asked["gdelt"]["query"] == '("Acme" OR "Acme Corp.") -"cartoon" sourcelang:english'
    assert asked["gdelt"]["timespan"] == "7d"
    assert asked["tavily"]["topic"] == "news"
    assert '"Acme"' in asked["tavily"]["query"]


@pytest.mark.parametrize(
    ("name", "options", "asked"),
    [
        ("newsapi", {"language": "de"}, {"language": "de"}),
        ("brave", {"language": "de", "country": "at"}, {"search_lang": "de", "country": "AT"}),
        ("serper", {"country": "at", "max_results": 10}, {"gl": "at", "num": 10}),
        ("google_search", {"engine": "own", "language": "de"}, {"cx": "own", "lr": "lang_de"}),
        ("gdelt", {"max_results": 20}, {"maxrecords": "20"}),
        ("tavily", {"max_results": 5}, {"max_results": 5}),
    ],
)
def test_what_the_tenant_chose_is_asked_for(
    server: NewsServer, name: str, options: dict[str, Any], asked: dict[str, Any]
) -> None:
    api = api_of(name)
    ctx = replace(ready(api, server, api.answer([])), options=options)
    fetch(api, ctx)
    request = server.asked[-1]
    sent = json.loads(request.body) if request.body else {k: v[0] for k, v in request.query.items()}
    assert asked.items() <= sent.items()


def test_fewer_results_are_fewer_requests(server: NewsServer) -> None:
    api = api_of("google_search")
    full = api.answer([result(n) for n in range(10)])
    [page] = fetch(api, replace(ready(api, server, full), options={"max_results": 10}))
    assert (page.state, server.count(api.path)) == (SourceState.PARTIAL, 1)


def test_the_tenants_own_contact_is_told_to_edgar(server: NewsServer) -> None:
    api = api_of("sec_edgar")
    ctx = replace(ready(api, server, api.answer([]), contact=""), options={"contact": "me@own.example"})
    fetch(api, ctx)
    assert {request.headers["User-Agent"] for request in server.asked} == {
        "ClientMonitor/0.1 (me@own.example)"
    }


LONG = Profile(
    key="1", name="Acme Holdings", aliases=tuple(f"Acme Brand Number {n}" for n in range(60)),
    excluded_terms=tuple(f"not this one {n}" for n in range(60)),
)  # fmt: skip


@pytest.mark.parametrize(
    "syntax", [newsapi.SYNTAX, serper.SYNTAX, brave.SYNTAX, google_search.SYNTAX, gdelt.SYNTAX]
)
def test_a_long_profile_still_fits(syntax: Syntax) -> None:
    query = boolean_query(LONG, syntax)
    assert '"Acme Holdings"' in query
    assert len(query) <= syntax.max_chars
    assert len(query.split()) <= syntax.max_words
    assert query.count("(") == query.count(")")
    assert query.count('"') % 2 == 0


def test_an_everyday_name_is_asked_for_with_what_the_client_does() -> None:
    target = Profile(key="1", name="Target", keywords=("retail", "big box"), industry="Retail")
    assert boolean_query(target, newsapi.SYNTAX) == '("Target") AND (retail OR "big box")'
    assert tavily.question(target) == '"Target" company news retail big box Retail'
    assert tavily.question(ACME) == '"Acme" company news'


# ages


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("4 hours ago", timedelta(hours=4)),
        ("1 hour ago", timedelta(hours=1)),
        ("an hour ago", timedelta(hours=1)),
        ("35 mins ago", timedelta(minutes=35)),
        ("2d", timedelta(days=2)),
        ("3 weeks ago", timedelta(weeks=3)),
        ("Yesterday", timedelta(days=1)),
        ("just now", timedelta(0)),
    ],
)
def test_an_age_is_counted_back(text: str, ago: timedelta) -> None:
    assert dates.from_age(text, NOW) == NOW - ago


@pytest.mark.parametrize(
    "text", ["", "soon", "4 parsecs ago", "ago", "99999999999 years ago", "vor 4 Stunden"]
)
def test_what_is_no_age_is_unknown(text: str) -> None:
    assert dates.from_age(text, NOW) is None


def test_written_dates_are_read() -> None:
    assert dates.parse("Mar 9, 2026", NOW) == datetime(2026, 3, 9, tzinfo=UTC)
    assert dates.parse("9 March 2026", NOW) == datetime(2026, 3, 9, tzinfo=UTC)


def test_midnight_is_the_providers() -> None:
    assert until_midnight(datetime(2026, 3, 9, 23, tzinfo=UTC)) == 3_600
    # The clocks in California go forward on 8 March 2026: that day has 23 hours.
    assert until_midnight(datetime(2026, 3, 8, 8, tzinfo=UTC), "America/Los_Angeles") == 23 * 3_600


# quirks


def api_of(name: str) -> Api:
    return next(api for api in APIS if api.name == name)


QUOTAS = [
    ("newsapi", 401, {"status": "error", "code": "apiKeyExhausted", "message": "x"}),
    ("newsapi", 429, {"status": "error", "code": "rateLimited", "message": "x"}),
    ("serper", 400, {"message": "Not enough credits", "statusCode": 400}),
    ("tavily", 432, {"detail": {"error": "plan limit"}}),
    ("tavily", 429, {"error": {"code": "rate_limited", "message": "x", "retry_after_seconds": 90}}),
    ("google_search", 429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "errors": []}}),
    (
        "google_search",
        403,
        {"error": {"status": "PERMISSION_DENIED", "errors": [{"reason": "dailyLimitExceeded"}]}},
    ),
    ("gdelt", 429, {}),
]


@pytest.mark.parametrize(
    ("name", "body", "zone"),
    [
        ("newsapi", {"status": "error", "code": "apiKeyExhausted"}, UTC),
        ("google_search", {"error": {"status": "RESOURCE_EXHAUSTED"}}, ZoneInfo("America/Los_Angeles")),
    ],
)
def test_a_days_quota_ends_at_midnight_whatever_day_the_run_looks_at(
    server: NewsServer, name: str, body: dict[str, Any], zone: tzinfo
) -> None:
    api = api_of(name)
    ctx = ready(api, server, replace(as_reply(body), status=429))
    with pytest.raises(FetchError):
        fetch(api, ctx)
    with reading(Scope.operator()) as session:
        over = held_until(session, name, SECRET)
    assert over is not None
    there = over.astimezone(zone)
    assert timedelta(0) < over - utc_now() <= timedelta(hours=25)
    assert there - there.replace(hour=0, minute=0, second=0, microsecond=0) < timedelta(seconds=10)


@pytest.mark.parametrize("wait", ["Infinity", "1e400", "NaN", "-1", "true", "9" * 400])
def test_tavilys_word_for_how_long_is_no_more_than_a_word(server: NewsServer, wait: str) -> None:
    api = api_of("tavily")
    body = f'{{"error": {{"retry_after_seconds": {wait}}}}}'.encode()
    ctx = ready(api, server, Reply(body, status=429, media_type="application/json"))
    with pytest.raises(FetchError) as caught:
        fetch(api, ctx)
    assert caught.value.state is SourceState.QUOTA
    with reading(Scope.operator()) as session:
        over = held_until(session, "tavily", SECRET)
    assert over is not None
    assert over - utc_now() <= timedelta(hours=25)


@pytest.mark.parametrize(("name", "status", "body"), QUOTAS)
def test_a_spent_quota_is_quota_and_asked_once(
    server: NewsServer, name: str, status: int, body: dict[str, Any]
) -> None:
    api = api_of(name)
    ctx = ready(api, server, replace(as_reply(body), status=status))
    with pytest.raises(FetchError) as caught:
        fetch(api, ctx)
    assert caught.value.state is SourceState.QUOTA
    assert server.count(api.path) == 1
    if caught.value.after and caught.value.after > 120:
        # Until it resets nobody asks again: neither this process nor another.
        with pytest.raises(FetchError) as caught:
            fetch(api, context(api, server.url("/api")))
        assert caught.value.state is SourceState.QUOTA
        assert server.count(api.path) == 1


def test_a_wrong_key_is_no_quota(server: NewsServer) -> None:
    api = api_of("google_search")
    body = {"error": {"code": 403, "status": "PERMISSION_DENIED", "errors": [{"reason": "forbidden"}]}}
    with pytest.raises(FetchError, match="check the key") as caught:
        fetch(api, ready(api, server, replace(as_reply(body), status=403)))
    assert caught.value.state is SourceState.FAILED


def test_newsapi_keeps_the_pages_its_plan_gives(server: NewsServer) -> None:
    api = api_of("newsapi")
    full = newsapi_says([result(n) for n in range(99)] + [result(100, title="[Removed]")])
    ends = replace(as_reply({"status": "error", "code": "maximumResultsReached"}), status=426)
    first, last = fetch(api, ready(api, server, full, ends))
    assert (first.state, len(first.items)) == (SourceState.OK, 99)
    assert last.state is SourceState.PARTIAL
    assert "the plan shows no further results" in last.error


def test_gdelt_refuses_in_words_with_status_200(server: NewsServer) -> None:
    api = api_of("gdelt")
    said = Reply(b"Your query was <b>too short</b> or too long.", media_type="text/html")
    with pytest.raises(FetchError, match="Your query was too short") as caught:
        fetch(api, ready(api, server, said))
    assert caught.value.state is SourceState.FAILED
    slow = Reply(b"Please limit requests to one every 5 seconds.", media_type="text/html")
    with pytest.raises(FetchError) as caught:
        fetch(api, ready(api, server, slow))
    assert caught.value.state is SourceState.QUOTA


def test_gdelt_may_have_control_characters_and_its_date_is_not_the_articles(server: NewsServer) -> None:
    body = json.dumps(gdelt_says([result(1, title="Acme XX grows")])).replace("XX", "\x01").encode()
    [page] = fetch(api_of("gdelt"), ready(api_of("gdelt"), server, body))
    assert page.items[0].title == "Acme grows"
    assert page.items[0].published_at is None
    assert page.items[0].extra["seen_by_gdelt_at"] == "2026-03-09T07:00:00+00:00"


def test_googles_snippets_may_begin_with_their_date(server: NewsServer) -> None:
    api = api_of("google_search")
    answer = google_says([result(1), result(2)])
    for item, said in zip(
        answer["items"], ("3 days ago ... A plant.", "Mar 8, 2026 ... A plant."), strict=True
    ):
        item["snippet"] = said
        del item["pagemap"]
    answer["queries"] = {}
    [page] = fetch(api, ready(api, server, answer))
    first, second = page.items
    assert (first.snippet, first.published_at, first.approximate) == (
        "A plant.",
        NOW - timedelta(days=3),
        True,
    )
    assert (second.published_at, second.approximate) == (datetime(2026, 3, 8, tzinfo=UTC), False)


def test_edgar_tells_who_is_calling_and_finds_filers_by_ticker_or_name(server: NewsServer) -> None:
    api = api_of("sec_edgar")
    ctx = ready(api, server, edgar_says([result()]))
    source = api.source()
    for profile, found in (
        (ACME, 1),
        (Profile(key="1", name="Acme", ticker="NYSE:ACM"), 1),
        (Profile(key="1", name="ACME Corp"), 1),
        (Profile(key="1", name="Orrin Bakeries"), 0),
    ):
        [page] = source.fetch(profile, None, ctx)
        assert len(page.items) == found
    assert server.count("/api/files/company_tickers.json") == 1
    with pytest.raises(FetchError, match="CM_CONTACT"):
        fetch(api, context(api, server.url("/api"), contact=""))


def test_edgar_reads_only_8_k_and_only_the_window(server: NewsServer) -> None:
    answer = edgar_says([result() for _ in range(4)])
    answer["filings"]["recent"]["form"] = ["10-Q", "8-K", "8-K/A", "8-K"]
    answer["filings"]["recent"]["items"] = ["", "5.02,9.01", "1.01", "2.02"]
    answer["filings"]["recent"]["acceptanceDateTime"][3] = "2026-01-09T07:00:00.000Z"
    [page] = fetch(api_of("sec_edgar"), ready(api_of("sec_edgar"), server, answer))
    assert [item.extra["items"] for item in page.items] == [["5.02"], ["1.01"]]
    assert page.items[1].title.endswith("(amended)")


@pytest.mark.parametrize(
    ("item", "category"),
    [
        ("1.05", "security_incident"),
        ("2.01", "acquisition"),
        ("5.01", "acquisition"),
        ("2.05", "layoffs"),
        ("2.02", "financial_results"),
        ("2.06", "financial_results"),
        ("4.02", "financial_results"),
        ("5.02", "leadership_change"),
        ("1.01", "partnership"),
        ("2.03", "funding"),
        ("3.01", "regulatory"),
        ("8.01", "other"),
    ],
)
def test_an_8_k_item_becomes_its_category(item: str, category: str) -> None:
    judged = classify_text(f"Acme Corp {sec_edgar.ITEMS[item]}", None)
    assert judged.category.value == category
