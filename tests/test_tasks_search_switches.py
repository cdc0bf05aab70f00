"""Which sources a run asks, with whose key, how often, and whom it leaves alone."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from conftest import Tenant
from fakes import NewsServer, Reply, google_news, rss
from pydantic import SecretStr
from sourcehouse import House, Scripted, page, script
from sqlalchemy import text

from models.breakers import FIRST_PAUSE, BreakerState, all_health, state_of
from models.engine import get_engine, reading
from models.news import SourceState
from models.providers import ProviderKind
from models.scope import Scope
from models.vault import new_key, seal
from tasks.about import About, KeyUse
from tasks.net.faults import FetchError, Refused, TooLarge, Unreachable, WrongType
from tasks.registry import UnknownProvider
from tasks.search.gate import Ended, breaker_of, said_by
from tasks.search.source import FetchContext, Page, Profile, Source, SourceError, SourceKind, feed_breaker
from tasks.search.sources.archive import ArchiveSource
from tasks.search.sources.brave import BraveSource
from tasks.search.sources.newsapi import NewsApiSource
from tasks.search.sources.rss import RssSource
from tasks.search.units import NothingOn, Unit

ROOT = Path(__file__).resolve().parent.parent
VAULT = new_key()


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with NewsServer() as running:
        yield running


@pytest.fixture
def house(tenant: Tenant) -> House:
    return House(tenant)


# switches


def test_nothing_on_is_an_error_that_says_how(house: House) -> None:
    house.switch("google_news", on=False)
    house.tenant.add_client("Acme")
    with pytest.raises(NothingOn, match="no source is switched on") as caught:
        house.units()
    assert "client-monitor providers enable google_news" in caught.value.mend


def test_what_is_named_for_a_run_needs_no_switch(house: House) -> None:
    house.switch("google_news", on=False)
    acme = house.tenant.add_client("Acme")
    house.run(sources=("google_news",))
    assert [unit.client_id for unit in house.units()] == [acme]


def test_feeds_that_are_configured_are_read_unless_switched_off(house: House) -> None:
    house.switch("google_news", on=False)
    house.settings["feeds"] = ["https://a.example/rss"]
    assert [unit.source for unit in house.units()] == ["rss"]
    house.switch("rss", on=False)
    with pytest.raises(NothingOn):
        house.units()


def test_a_source_that_is_on_and_gone_fails_and_the_others_go_on(house: House) -> None:
    script(house, page("A"))
    house.switch("scripted")
    house.switch("gone")
    house.switch("google_news", on=False)
    report = house.search()
    assert house.titles() == ["A"]
    assert report.degraded[0].startswith("gone all clients: is switched on but cannot be used")
    house.run(sources=("gone",))
    with pytest.raises(UnknownProvider):
        house.units()


WORDS = "key=k-1 is not to be repeated"


class Unmakeable(Scripted):
    name: ClassVar[str] = "broken"

    def __init__(self) -> None:
        raise AttributeError(WORDS)


class Listless(Scripted):
    """It asks over the network which feeds it has, and gets no answer it can read."""

    name: ClassVar[str] = "broken"
    error: ClassVar[Exception] = KeyError(WORDS)

    def units(self, argument: str | None, context: FetchContext) -> list[str]:
        assert get_engine().pool.checkedout() == 0, "a source may ask over the network here"  # type: ignore[attr-defined]
        raise self.error


class Unreadable(Listless):
    error: ClassVar[Exception] = Unreachable("lists.example: cannot connect")


class Demanding(Listless):
    error: ClassVar[Exception] = SourceError("broken: name a list")


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (Unmakeable, r"cannot be used: a fault in the source itself \(AttributeError\); see the log"),
        (Listless, r"a fault in the source itself \(KeyError\); see the log"),
        (Unreadable, "lists.example: cannot connect"),
        (Demanding, "name a list"),
    ],
)
def test_a_broken_plug_in_that_is_on_ends_no_other_sources_run(
    house: House, broken: type[Source], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    script(house, page("A"))
    house.sources["broken"] = broken
    house.switch("google_news", on=False)
    house.switch("broken")
    house.switch("scripted")
    report = house.search()
    assert house.titles() == ["A"]
    [said] = report.degraded
    assert re.search(says, said)
    assert said.startswith("broken all clients: ")
    assert "k-1" not in caplog.text + repr(house.results())


@pytest.mark.parametrize("broken", [Unmakeable, Demanding])
def test_a_broken_plug_in_that_is_named_is_told_to_who_named_it(house: House, broken: type[Source]) -> None:
    house.sources["broken"] = broken
    house.run(sources=("broken",))
    with pytest.raises(SourceError, match=r"^broken"):
        house.units()


# keys, options and caps


class Asking:
    """A source that only says what it was given."""

    name: ClassVar[str] = "asking"
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    about: ClassVar[About] = About(
        "Asking", "nobody", "nothing", key=KeyUse.OPTIONAL, key_setting="brave_api_key"
    )
    seen: ClassVar[list[FetchContext]] = []

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        self.seen.append(context)
        context.key("asking")
        yield Page(SourceState.EMPTY)


def asked(house: House) -> FetchContext:
    house.sources["asking"] = Asking
    Asking.seen.clear()
    house.run()
    house.search()
    [context] = Asking.seen
    return context


def test_the_tenants_own_key_comes_before_the_deployments(house: House) -> None:
    house.tenant.add_client("Acme")
    house.switch("google_news", on=False)
    house.settings |= {"brave_api_key": SecretStr("shared"), "secret_keys": [SecretStr(VAULT)]}
    house.switch("asking", options={"language": "DE", "country": "at", "max_results": 5})
    context = asked(house)
    assert context.key("asking") == "shared"
    assert (context.language, context.country, context.most_results(10)) == ("de", "AT", 5)
    settings = house.tools().settings
    house.switch("asking", secret=seal(settings, {"key": "own"}))
    context = asked(house)
    assert context.key("asking") == "own"
    assert (context.language, context.country, context.most_results(10)) == ("en", "US", 10)


def test_a_key_that_cannot_be_opened_fails_its_source_and_no_other(house: House, server: NewsServer) -> None:
    house.tenant.add_client("Acme")
    house.settings |= {"secret_keys": [SecretStr(VAULT)], "brave_api_key": SecretStr("shared")}
    house.settings["google_news_url"] = server.serve("/rss", google_news([("Acme grows", "Wire")]))
    house.switch("asking", secret=seal(house.tools().settings, {"key": "own"}))
    house.settings["secret_keys"] = [SecretStr(new_key())]
    house.sources["asking"] = Asking
    report = house.search()
    assert house.titles() == ["Acme grows"]
    [line] = report.degraded
    assert line.startswith("asking for Acme: asking: a stored key was sealed with another key")


def capped(house: House, server: NewsServer, clients: int, **settings: Any) -> Any:
    for number in range(clients):
        house.tenant.add_client(f"Client {number}")
    house.settings |= {
        "google_news_url": server.serve("/rss", google_news([])),
        "search_concurrency": 4,
        **settings,
    }
    return house.search()


@pytest.mark.parametrize("option", ["calls_per_day", "calls_per_month"])
def test_a_tenants_cap_is_a_quota_until_its_period_ends(
    house: House, server: NewsServer, option: str
) -> None:
    house.switch("google_news", options={option: 3})
    report = capped(house, server, 5)
    assert server.count("/rss") == 3
    assert (report.counts["quota"], report.counts["empty"]) == (2, 3)
    assert f"the 3 requests a {option[10:]} that it may have are made" in report.degraded[0]
    house.run()
    assert house.search().counts["quota"] == 5
    assert server.count("/rss") == 3
    # A spent quota is no fault of the provider's: its breaker stays closed.
    assert all_health(house.scope)[(ProviderKind.SOURCE, "google_news")].failures == 0


def test_the_deployments_cap_is_of_all_tenants_that_use_its_key(house: House, server: NewsServer) -> None:
    from desk import another_tenant

    capped(house, server, 2, calls_per_day={"google_news": 3})
    other = House(another_tenant())
    other.settings |= house.settings
    for number in range(2):
        other.tenant.add_client(f"Client {number}")
    assert other.search().counts["quota"] == 1
    assert server.count("/rss") == 3


# breakers


def failing(house: House, server: NewsServer, clients: int, *replies: Reply | str) -> Any:
    for number in range(clients):
        house.tenant.add_client(f"Client {number}")
    house.settings |= {
        "google_news_url": server.serve("/rss", *replies),
        "search_concurrency": 1,
        "http_attempts": 1,
    }
    return house.search()


def test_a_provider_that_fails_is_left_alone_and_never_silently(house: House, server: NewsServer) -> None:
    report = failing(house, server, 8, Reply(status=503))
    assert server.count("/rss") == 5
    assert report.counts["failed"] == 8
    assert len(report.degraded) == 8
    assert "not asked since 2026-03-10 09:30 UTC, after 5 failures in a row" in report.degraded[-1]
    assert all(row.state is SourceState.FAILED and row.error for row in house.results().values())
    # Another run, before the pause is over: nothing is asked, everything is said.
    house.run()
    assert house.search().counts["failed"] == 8
    assert server.count("/rss") == 5


def test_one_unit_probes_and_when_it_is_well_the_others_follow_in_the_same_run(
    house: House, server: NewsServer
) -> None:
    failing(house, server, 8, Reply(status=503))
    server.serve("/rss", Reply(status=503))
    house.now += FIRST_PAUSE
    house.run()
    house.search()
    assert server.count("/rss") == 6
    server.serve("/rss", google_news([]))
    house.now += 2 * FIRST_PAUSE
    house.settings["search_concurrency"] = 8
    house.run()
    assert house.search().counts["empty"] == 8
    assert server.count("/rss") == 14
    assert (
        state_of(all_health(house.scope)[(ProviderKind.SOURCE, "google_news")], house.now)
        is BreakerState.CLOSED
    )


def test_one_bad_feed_closes_no_other(house: House, server: NewsServer) -> None:
    house.switch("google_news", on=False)
    bad, good = server.serve("/bad", Reply(status=401)), server.serve("/good", rss([{"title": "Good"}]))
    house.settings |= {"feeds": [bad, good], "http_attempts": 1}
    for _ in range(7):
        house.run()
        house.search()
    assert server.count("/bad") == 5
    assert server.count("/good") == 7
    assert house.results()[bad].error.startswith("not asked since")
    assert house.results()[good].state is not SourceState.FAILED


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        (BraveSource, Unreachable("x"), Ended.FAILED),
        (BraveSource, WrongType("x"), Ended.FAILED),
        (BraveSource, Refused("x", status=401), Ended.FAILED),
        (BraveSource, Refused("x", status=500), Ended.FAILED),
        (BraveSource, Refused("x", status=400), Ended.ANSWERED),
        (BraveSource, Refused("x", status=404), Ended.ANSWERED),
        (RssSource, Refused("x", status=404), Ended.FAILED),
        (BraveSource, TooLarge("x"), Ended.UNDECIDED),
        (BraveSource, FetchError("needs a key"), Ended.UNDECIDED),
        (BraveSource, ValueError("a fault of ours"), Ended.UNDECIDED),
    ],
)
def test_what_is_the_providers_fault(source: type[Source], error: Exception, says: Ended) -> None:
    assert said_by(source(), None, error) is says


def test_pages_speak_too() -> None:
    source = BraveSource()
    assert said_by(source, None, None) is Ended.ANSWERED
    assert said_by(source, Page(SourceState.PARTIAL), None) is Ended.ANSWERED
    assert said_by(source, Page(SourceState.FAILED), None) is Ended.FAILED
    assert said_by(source, Page(SourceState.QUOTA), None) is Ended.UNDECIDED


def test_who_has_a_breaker() -> None:
    unit = Unit(source="rss", unit="https://a.example/" + 400 * "x")
    assert breaker_of(RssSource(), unit) == feed_breaker("rss", unit.unit)
    assert len(feed_breaker("rss", unit.unit)) <= 60
    assert breaker_of(NewsApiSource(), Unit(source="newsapi", unit="1")) == "newsapi"
    assert breaker_of(ArchiveSource(), Unit(source="archive", unit="a.jsonl")) is None


# quotas over processes

ASKER = """
import sys
from datetime import datetime, UTC
from models.settings import get_settings
from tasks.net.faults import FetchError
from tasks.net.http import Http
from tasks.search.source import FetchContext, Profile
from tasks.search.sources.gdelt import GdeltSource
settings = get_settings()
with Http(settings) as http:
    context = FetchContext(http, settings, datetime.now(UTC), 7)
    try:
        list(GdeltSource().fetch(Profile(key="1", name="Acme"), None, context))
        print("answered")
    except FetchError as error:
        print(error.state.value)
"""


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(
            Reply(b"Please limit requests to one every 5 seconds.", media_type="text/html"),
            id="in words with status 200",
        ),
        pytest.param(Reply(b"", status=429), id="429", marks=pytest.mark.full),
    ],
)
def test_a_quota_that_one_process_met_holds_another(
    tenant: Tenant, server: NewsServer, monkeypatch: pytest.MonkeyPatch, said: Reply
) -> None:
    url = server.serve("/gdelt", said)
    monkeypatch.setenv("CM_SOURCE_URLS", f'{{"gdelt": "{url}"}}')
    answers = [
        subprocess.run(
            [sys.executable, "-c", ASKER], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
        ).stdout.strip()
        for _ in range(2)
    ]
    assert answers == ["quota", "quota"]
    assert server.count("/gdelt") == 1
    with reading(Scope.operator()) as session:
        [held] = session.execute(text("SELECT held_until FROM rate_slots WHERE provider = 'gdelt'")).one()
    assert held is not None


def test_a_turn_that_was_booked_before_the_quota_was_met_is_given_up(
    tenant: Tenant, server: NewsServer
) -> None:
    from tasks.net.http import Http
    from tasks.net.pace import Pace

    url = server.serve("/x", Reply(b"{}", media_type="application/json"))
    pace = Pace("news", 60.0)
    settings = House(tenant).tools().settings
    with Http(settings, sleep=lambda _: None) as first:
        first.fetch(url, allow_private=True, pace=pace)

        def meanwhile(_seconds: float) -> None:
            first.leave_alone(pace, 3_600)

        with Http(settings, sleep=meanwhile) as waiting, pytest.raises(FetchError) as caught:
            waiting.fetch(url, allow_private=True, pace=pace)
    assert caught.value.state is SourceState.QUOTA
    assert server.count("/x") == 1
