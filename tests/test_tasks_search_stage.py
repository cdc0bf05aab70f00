"""The search stage against its ledger: nothing lost, nothing twice, no silent zero."""

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from conftest import NOW, Tenant
from fakes import NewsServer, Reply, google_news, jsonl, rss
from sourcehouse import House, Scripted, page, script
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import select

from models.accounts import Business
from models.engine import reading, writing
from models.jobs import JobRun
from models.news import SourceState
from models.scope import Scope
from tasks.registry import UnknownProvider
from tasks.retry import is_transient
from tasks.search.source import FetchContext, Found, Page, SourceError
from tasks.search.sources.archive import ArchiveSource
from tasks.search.stage import Unit, finish_baseline, search_batch
from tasks.search.store import PROBLEMS_MAX, UNFINISHED, merge_problems


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with NewsServer() as running:
        yield running


@pytest.fixture
def house(tenant: Tenant) -> House:
    return House(tenant)


# the work list


def test_feeds_come_first_then_each_client(house: House) -> None:
    acme = house.tenant.add_client("Acme")
    house.tenant.add_client("Zenith", archived_at=NOW)
    house.settings["feeds"] = ["https://a.example/rss", "https://a.example/rss", "https://b.example/rss"]
    assert house.units() == [
        Unit(source="rss", unit="https://a.example/rss"),
        Unit(source="rss", unit="https://b.example/rss"),
        Unit(source="google_news", unit=str(acme), client_id=acme),
    ]


def test_the_mock_runs_only_when_asked_for(house: House) -> None:
    house.tenant.add_client("Acme")
    assert [unit.source for unit in house.units()] == ["google_news"]
    house.run(force_mock=True, sources=("google_news", "rss"))
    assert [unit.source for unit in house.units()] == ["mock"]


def test_a_confidential_client_is_named_to_nobody_outside(house: House, server: NewsServer) -> None:
    secret = house.tenant.add_client("Secret", confidential=True)
    house.settings["google_news_url"] = server.serve("/rss", google_news([("Secret news", "Wire")]))
    assert house.units() == []
    smuggled = Unit(source="google_news", unit=str(secret), client_id=secret)
    assert search_batch(house.plan, [smuggled], tools=house.tools()).done == 0
    assert server.asked == []
    house.run(force_mock=True)
    assert [unit.client_id for unit in house.units()] == [secret]


def test_only_the_clients_asked_for(house: House) -> None:
    house.tenant.add_client("Acme")
    other = house.tenant.add_client("Other")
    house.run(client_ids=(other,))
    assert [unit.client_id for unit in house.units()] == [other]


def test_an_unknown_source_lists_the_installed(house: House) -> None:
    house.run(sources=("bing",))
    with pytest.raises(UnknownProvider, match=r"'bing'; installed: archive, google_news, mock, rss"):
        house.units()
    house.run(sources=("google_news:x",))
    with pytest.raises(SourceError, match="takes no argument"):
        house.units()


# keeping


def test_a_page_is_kept_with_result_and_cursor_and_only_once(house: House) -> None:
    house.run(sources=("scripted",))
    source = script(house, page("A", "B", "A", cursor={"at": 1}), page("C", cursor={"at": 2}))
    report = house.search()
    assert report.counts == {"units": 1, "ok": 1, "found": 4, "new": 3, "problems": 0}
    assert (report.done, report.degraded) == (1, ())
    assert sorted(house.titles()) == ["A", "B", "C"]
    row = house.result()
    assert (row.state, row.found, row.new, row.error) == (SourceState.OK, 4, 3, "")
    assert house.cursor("scripted", "one") == {"at": 2}
    assert house.search().done == 0
    house.run(sources=("scripted",))
    again = house.search()
    assert (again.counts["found"], again.counts["new"]) == (4, 0)
    assert source.cursors == [None, {"at": 2}]


def test_the_run_heartbeats_with_every_page(house: House) -> None:
    house.run(sources=("scripted",))
    script(house, page("A"))
    with writing(house.scope) as session:
        run = session.exec(select(JobRun).where(JobRun.id == house.plan.job_run_id)).one()
        run.heartbeat_at = NOW
        session.add(run)
    house.search()
    with reading(house.scope) as session:
        run = session.exec(select(JobRun).where(JobRun.id == house.plan.job_run_id)).one()
    assert run.heartbeat_at > NOW


def test_times_are_those_of_the_fetch_or_of_the_archive(house: House, tmp_path: Path) -> None:
    house.run(sources=("scripted",))
    script(house, Page(SourceState.OK, (Found("live", published_at=NOW - timedelta(hours=3)),)))
    house.search()
    [live] = house.items()
    assert (live.published_at, live.first_seen_at) == (NOW - timedelta(hours=3), NOW + timedelta(seconds=5))
    path = tmp_path / "news.jsonl"
    path.write_text(
        jsonl(
            [
                {"title": "seen", "first_seen_at": "2026-03-01T00:00:00Z"},
                {"title": "published", "published_at": "2026-03-05T00:00:00Z"},
                {"title": "ahead", "first_seen_at": "2026-03-10T20:00:00Z"},
                {"title": "undated"},
            ]
        )
    )
    house.run(sources=(f"archive:{path}",))
    house.search()
    found = {item.raw_content["title"]: item for item in house.items()}
    assert found["seen"].first_seen_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert (found["seen"].published_at, found["seen"].is_history) == (None, True)
    assert found["published"].first_seen_at == datetime(2026, 3, 5, tzinfo=UTC)
    assert not found["published"].is_history
    assert found["ahead"].first_seen_at == NOW
    assert (found["undated"].first_seen_at, found["undated"].published_at) == (NOW, None)


def test_mock_items_are_marked(house: House) -> None:
    house.tenant.add_client("Acme Corp")
    house.run(force_mock=True)
    house.search()
    assert {item.is_mock for item in house.items()} == {True}


def test_many_clients_at_once_and_again(house: House) -> None:
    for number in range(20):
        house.tenant.add_client(f"Company{number} Group")
    house.run(force_mock=True)
    first = house.search()
    assert (first.counts["ok"], first.degraded) == (20, ())
    assert first.counts["new"] == first.counts["found"] == len(house.items())
    house.run(force_mock=True)
    assert house.search().counts["new"] == 0


def test_an_item_dated_by_its_age_is_the_same_item_when_asked_again(house: House) -> None:
    for hours in (4, 5):
        told = Found(
            "Acme grows", "https://n.example/1", published_at=NOW - timedelta(hours=hours), approximate=True
        )
        house.sources["scripted"] = lambda told=told: Scripted(Page(SourceState.OK, (told,)))
        house.run(sources=("scripted",))
        house.search()
    [kept] = house.items()
    assert kept.published_at == NOW - timedelta(hours=4)


def test_prefect_stays_at_the_edge() -> None:
    code = "import sys, tasks.search.stage, tasks.retry; sys.exit('prefect' in sys.modules)"
    root = str(Path(__file__).resolve().parent.parent)
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=root).returncode == 0


# faults


def test_a_cursor_moves_only_with_its_items(house: House, server: NewsServer) -> None:
    """What each fault comes to is in ``test_faults_sources.py``."""
    marked = Reply(rss([{"title": "Good news"}]).encode(), headers={"ETag": '"1"'})
    good, cut = server.serve("/good", marked), server.serve("/cut", replace(marked, body=marked.body[:-40]))
    bad = server.serve("/bad", replace(marked, status=500))
    elsewhere = server.serve("/away", Reply(status=302, headers={"Location": "gopher://127.0.0.1/"}))
    house.settings["feeds"] = [good, cut, bad, elsewhere]
    house.run(sources=("rss",))
    report = house.search()
    assert house.cursor("rss", good) == {"etag": '"1"'}
    assert [house.cursor("rss", feed) for feed in (cut, bad, elsewhere)] == [None] * 3
    assert [any(feed in line for line in report.degraded) for feed in (good, cut, bad, elsewhere)] == [
        False,
        True,
        True,
        True,
    ]


def test_a_client_is_named_when_its_search_fails(house: House, server: NewsServer) -> None:
    acme, zenith = house.tenant.add_client("Acme"), house.tenant.add_client("Zenith")
    house.settings |= {
        "google_news_url": server.serve("/rss", Reply(status=403), google_news([("Zenith grows", "Wire")])),
        "search_concurrency": 1,
    }
    report = house.search()
    assert [line.split(":")[0] for line in report.degraded] == ["google_news for Acme"]
    assert house.results()[str(acme)].client_id == acme
    assert [item.client_id for item in house.items()] == [zenith]


def test_a_fault_in_a_provider_is_caught_and_its_words_kept_out(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.run(sources=("scripted",))
    script(house, page("A", cursor={"at": 1}), ValueError("https://x.example/?key=s3cret"))
    with caplog.at_level(logging.ERROR):
        report = house.search()
    assert house.titles() == ["A"]
    row = house.result()
    assert (row.state, row.found) == (SourceState.FAILED, 1)
    assert "ValueError" in row.error
    assert "in fetch" in caplog.text
    assert "s3cret" not in caplog.text + repr(report) + row.error
    assert house.cursor("scripted", "one") == {"at": 1}


def test_a_retry_fetches_only_what_failed(house: House, server: NewsServer) -> None:
    good = server.serve("/good", rss([{"title": "Good"}]))
    bad = server.serve("/bad", Reply(status=403), rss([{"title": "Late"}]))
    house.settings["feeds"] = [good, bad]
    house.run(sources=("rss",))
    assert house.search().done == 2
    second = house.search()
    assert (second.done, second.degraded) == (1, ())
    assert house.results()[bad].state is SourceState.OK
    assert house.search().done == 0
    assert (server.count("/good"), server.count("/bad")) == (1, 2)


def test_a_partial_result_is_not_forgotten_by_a_retry(house: House) -> None:
    house.run(sources=("scripted",))
    script(house, page("A", state=SourceState.PARTIAL, error="1 row left out", problems=("line 2: bad",)))
    house.search()
    script(house, Page(SourceState.EMPTY))
    report = house.search()
    row = house.result()
    assert (row.state, row.error, row.problems) == (SourceState.PARTIAL, "1 row left out", ["line 2: bad"])
    assert report.degraded == ("scripted one: 1 row left out",)


def test_problems_are_capped(house: House) -> None:
    known = [f"line {n}" for n in range(45)]
    merged = merge_problems(known, [*(f"line {n}" for n in range(45, 80)), "and 100 more"])
    assert len(merged) == PROBLEMS_MAX + 1
    assert merged[-1] == "and 130 more"
    assert merge_problems(merged, ["line 99"])[-1] == "and 131 more"


# archives


class Killed(BaseException):
    """As good as kill -9 between two pages: no handler of ours runs on it."""


def test_an_archive_killed_in_the_middle_goes_on_where_it_was(house: House, tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text(jsonl({"title": f"Headline {n}"} for n in range(10)))
    house.settings["batch_size"] = 3
    house.run(sources=(f"archive:{path}",))

    class Dying(ArchiveSource):
        def fetch(self, unit: str, cursor: Mapping[str, Any] | None, context: FetchContext) -> Iterator[Page]:
            for number, found in enumerate(super().fetch(unit, cursor, context)):
                if number == 2:
                    raise Killed
                yield found

    house.sources["archive"] = Dying
    with pytest.raises(Killed):
        house.search()
    assert len(house.items()) == 3
    row = house.result()
    assert (row.state, row.error) == (SourceState.PARTIAL, UNFINISHED)
    house.sources["archive"] = ArchiveSource
    report = house.search()
    assert report.counts["found"] == 7
    assert sorted(house.titles()) == [f"Headline {n}" for n in range(10)]
    row = house.result()
    assert (row.state, row.error, row.found, row.new) == (SourceState.OK, "", 10, 10)
    house.run(sources=(f"archive:{path}",))
    assert house.search().counts == {"units": 1, "empty": 1, "found": 0, "new": 0, "problems": 0}


def test_an_archive_replaced_by_an_overlapping_one_brings_only_the_new(house: House, tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text(jsonl([{"title": "A"}, {"title": "B"}]))
    house.run(sources=(f"archive:{path}",))
    house.search()
    path.write_text(jsonl([{"title": "C"}, {"title": "B"}]))
    house.run(sources=(f"archive:{path}",))
    report = house.search()
    assert (report.counts["found"], report.counts["new"]) == (2, 1)
    assert sorted(house.titles()) == ["A", "B", "C"]


def test_bad_lines_degrade_the_run_and_name_the_file(house: House, tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text(jsonl([{"title": "A"}, "{oops", {"title": "B"}]))
    house.run(sources=(f"archive:{path}", f"archive:{tmp_path / 'gone.csv'}"))
    report = house.search()
    assert sorted(house.titles()) == ["A", "B"]
    assert report.degraded[0].startswith("archive news.jsonl: 1 row left out, the first: news.jsonl: line 2")
    assert "gone.csv: no such file" in report.degraded[1]


# the first poll


def poll(house: House, server: NewsServer, *replies: Reply | str, **fields: Any) -> Any:
    house.settings["google_news_url"] = server.serve("/rss", *replies)
    house.run(**fields)
    report = house.search()
    return report, finish_baseline(house.plan)


def test_the_first_poll_of_a_client_is_history(house: House, server: NewsServer) -> None:
    acme = house.tenant.add_client("Acme")
    _, ended = poll(house, server, google_news([("Acme one", "Wire")]))
    assert ended == 1
    assert [item.is_history for item in house.items()] == [True]
    assert house.client(acme).baseline_at == NOW
    assert finish_baseline(house.plan) == 0
    poll(house, server, google_news([("Acme one", "Wire"), ("Acme two", "Wire")]))
    assert {i.raw_content["title"]: i.is_history for i in house.items()} == {
        "Acme one": True,
        "Acme two": False,
    }
    old = google_news([("Acme old", "Wire")], day="Mon, 02 Feb 2026 07:00:00 GMT")
    poll(house, server, old)
    assert [i.is_history for i in house.items() if i.raw_content["title"] == "Acme old"] == [True]


def test_without_a_baseline_the_window_is_news(house: House, server: NewsServer) -> None:
    acme = house.tenant.add_client("Acme")
    poll(house, server, google_news([("Acme one", "Wire")]), baseline=False)
    assert [item.is_history for item in house.items()] == [False]
    assert house.client(acme).baseline_at == NOW


def test_a_failed_first_poll_stays_open_but_not_for_ever(house: House, server: NewsServer) -> None:
    acme = house.tenant.add_client("Acme", created_at=NOW - timedelta(days=400))
    feed = server.serve("/feed", rss([{"title": "Feed"}]))
    house.settings["feeds"] = [feed]
    assert poll(house, server, Reply(status=403))[1] == 0
    assert house.client(acme).baseline_at is None
    assert poll(house, server, Reply(status=403))[1] == 1
    assert house.client(acme).baseline_at == NOW


def test_a_client_without_any_result_keeps_its_first_poll(house: House, server: NewsServer) -> None:
    acme = house.tenant.add_client("Acme")
    for _ in range(2):
        assert poll(house, server, Reply(status=403))[1] == 0
    assert house.client(acme).baseline_at is None


def test_invented_news_is_no_first_poll_but_for_a_demo(house: House) -> None:
    house.tenant.add_client("Acme")
    house.run(force_mock=True)
    house.search()
    assert finish_baseline(house.plan) == 0
    with writing(Scope.operator()) as session:
        business = session.exec(select(Business)).one()
        business.is_demo = True
        session.add(business)
    assert finish_baseline(house.plan) == 1


# trying again


def test_only_a_locked_or_lost_database_is_worth_another_try(house: House) -> None:
    def wrapped(kind: Any, cause: Exception) -> Exception:
        made: Exception = kind("SELECT 1", {}, cause)
        return made

    assert is_transient(wrapped(OperationalError, sqlite3.OperationalError("database is locked")))
    assert is_transient(wrapped(OperationalError, Exception("connection refused")))
    assert is_transient(PoolTimeout())
    assert not is_transient(wrapped(OperationalError, sqlite3.OperationalError("no such table: x")))
    assert not is_transient(wrapped(IntegrityError, sqlite3.IntegrityError("UNIQUE")))
    assert not is_transient(ValueError("bad"))


def test_a_database_error_is_raised_when_the_others_are_through(house: House) -> None:
    house.run(sources=("scripted:good", "broken"))
    script(house, page("A"))

    class Broken(Scripted):
        name: ClassVar[str] = "broken"

    locked = OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked"))
    house.sources["broken"] = lambda: Broken(locked)
    with pytest.raises(OperationalError):
        house.search()
    assert house.titles() == ["A"]
