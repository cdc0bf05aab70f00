"""A run's life: how it opens, what its clock says, how it ends, and what its summary counts."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from fakes import NewsServer, Reply, jsonl, rss

from flows.pipeline import Stages, run_pipeline
from models.base import utc_now
from models.clients import Client
from models.clock import FixedClock
from models.engine import writing
from models.jobs import JobRun, JobType, RunState
from models.mail import Channel, Delivery
from models.news import SourceResult, SourceState
from services.errors import UserError
from services.replay import is_replay, replay_digests
from services.runs import (
    RunSummary,
    as_of_for,
    close_run,
    find_clients,
    open_run,
    plan_of,
    progress,
    run_of_flow,
    shard_plan,
    source_lines,
    summarise,
)
from tasks.plan import RunPlan, StageReport

MONDAY = datetime(2026, 3, 9, 8, tzinfo=UTC)
CLOCK = FixedClock(NOW)
NEWS = [
    {
        "title": "Nordwind Energy agrees to buy Fabrikam for $6.5 billion",
        "snippet": "Nordwind Energy said it will acquire the analytics maker Fabrikam in cash.",
        "url": "https://thewire.example/deal",
        "source": "The Wire",
        "published_at": MONDAY.isoformat(),
    },
    {
        "title": "Nordwind Energy to acquire Fabrikam in $6.5bn deal",
        "snippet": "The analytics maker Fabrikam will become part of Nordwind Energy.",
        "url": "https://post.example/nordwind-deal",
        "source": "Example Post",
        "published_at": (MONDAY + timedelta(hours=1)).isoformat(),
    },
    {
        "title": "Alba Textiles names Maria Kern chief executive",
        "snippet": "Maria Kern joins Alba Textiles from a rival in June.",
        "url": "https://thewire.example/kern",
        "source": "The Wire",
        "published_at": (MONDAY + timedelta(hours=3)).isoformat(),
    },
    {"title": "Pilots vote on a contract", "published_at": (MONDAY - timedelta(days=1)).isoformat()},
]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "news.jsonl"
    path.write_text(jsonl(NEWS))
    return path


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with NewsServer() as running:
        yield running


def open_(**options: Any) -> RunPlan:
    return open_run("test", clock=CLOCK, **options)


def run(*sources: str, **options: Any) -> RunSummary:
    """Open, work, write the digests of a replay, close: what the command line does."""
    plan = open_(sources=list(sources), baseline=False, **options)
    reports = run_pipeline(plan, Stages(), lambda _report: None)
    if is_replay(plan):
        reports.append(replay_digests(plan))
    return close_run(plan, reports)


def result(tenant: Tenant, plan: RunPlan, state: SourceState, unit: str = "u", error: str = "") -> None:
    """How a fetch of this run ended."""
    tenant.add(
        SourceResult(
            business_id=tenant.business_id,
            job_run_id=plan.job_run_id,
            source_api="rss",
            unit=unit,
            state=state,
            error=error,
        )
    )


def the_run(tenant: Tenant) -> JobRun:
    return rows(tenant, JobRun)[-1]  # type: ignore[no-any-return]


def test_a_run_is_written_down_with_its_plan(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    plan = open_(
        client_names=["acme"],
        sources=["rss:https://x.example/"],
        days_back=3,
        trigger="me",
        flow_run_id="f-1",
    )
    run = the_run(tenant)
    assert (run.id, run.state, run.trigger, run.flow_run_id) == (
        plan.job_run_id,
        RunState.RUNNING,
        "me",
        "f-1",
    )
    assert (run.job_type, run.as_of) == (JobType.CLIENT_MONITORING, NOW)
    assert (plan.client_ids, plan.sources, plan.days_back) == ((acme,), ("rss:https://x.example/",), 3)
    assert (plan.baseline, plan.deliver, plan.force_mock, plan.as_of) == (True, True, False, NOW)
    assert plan_of(run) == plan
    assert run_of_flow(tenant.scope, "f-1") == run
    assert run_of_flow(tenant.scope, "f-2") is None


def test_a_shard_has_the_runs_plan_and_its_own_clients(tenant: Tenant) -> None:
    acme, _ = tenant.add_client("Acme"), tenant.add_client("Bolt")
    plan = open_(days_back=9)
    shard = shard_plan("test", plan.job_run_id, (acme,))
    assert shard == plan.model_copy(update={"client_ids": (acme,)})
    assert shard_plan("test", plan.job_run_id, ()).client_ids == ()


def test_clients_are_found_by_name_without_case_and_by_id(tenant: Tenant) -> None:
    acme, bolt = tenant.add_client("Acme"), tenant.add_client("Bolt")
    assert find_clients(tenant.scope, ["ACME", str(bolt)]) == (acme, bolt)


def test_an_unknown_client_is_named_with_what_to_do_and_opens_no_run(tenant: Tenant) -> None:
    gone = tenant.add_client("Gone")
    change(tenant, Client, Client.id == gone, archived_at=NOW)
    for name in ("Nobody", "Gone", str(gone)):
        with pytest.raises(UserError, match=f"there is no client called '{name}'") as caught:
            open_(client_names=[name])
        assert "status" in caught.value.mend
    assert rows(tenant, JobRun) == []


def test_an_unknown_business_is_named_beside_the_known(tenant: Tenant) -> None:
    with pytest.raises(UserError, match="there is no business 'nobody'; known: test") as caught:
        open_run("nobody")
    assert "--business" in caught.value.mend


def test_an_archives_clock_is_its_newest_item_and_any_other_runs_the_clocks(
    archive: Path, tmp_path: Path
) -> None:
    older = tmp_path / "older.jsonl"
    older.write_text(jsonl(NEWS[:1]))
    undated = tmp_path / "undated.jsonl"
    undated.write_text(jsonl([{"title": "x"}, "broken"]))
    newest = MONDAY + timedelta(hours=3)
    assert as_of_for((f"archive:{older}",), CLOCK) == MONDAY
    assert as_of_for((f"archive:{older}", f"archive:{archive}"), CLOCK) == newest
    assert as_of_for((f"archive: {archive}",), CLOCK) == newest
    for sources in (
        (),
        ("google_news",),
        (f"archive:{archive}", "google_news"),
        (f"archive:{undated}",),
        (f"archive:{tmp_path}/nowhere.jsonl",),
    ):
        assert as_of_for(sources, CLOCK) == NOW


@pytest.mark.parametrize(
    ("sources", "deliver", "delivers"),
    [
        (["archive:a.jsonl"], None, False),
        (["archive:a.jsonl", "archive:b.csv"], None, False),
        (["archive:a.jsonl"], True, True),
        (["archive:a.jsonl", "google_news"], None, True),
        ([], None, True),
        (["google_news"], False, False),
        (["mock"], None, False),
        (["mock", "google_news"], None, False),
    ],
)
def test_archives_never_deliver_unless_told_to(
    tenant: Tenant, sources: list[str], deliver: bool | None, delivers: bool
) -> None:
    assert open_(sources=sources, deliver=deliver).deliver is delivers


def test_invented_news_is_never_delivered(tenant: Tenant) -> None:
    assert open_(force_mock=True).deliver is False
    for asked in ({"force_mock": True}, {"sources": ["mock"]}, {"sources": ["google_news", "mock"]}):
        with pytest.raises(UserError, match="invented news is never delivered"):
            open_(deliver=True, **asked)


def test_an_archive_is_worked_to_mails_on_the_file_channel_only(tenant: Tenant, archive: Path) -> None:
    ids = tuple(tenant.add_client(name) for name in ("Nordwind Energy", "Alba Textiles"))
    tenant.add_user("maria@example.com", clients=ids)
    summary = run(f"archive:{archive}")
    assert (summary.state, summary.degraded, summary.error) == (RunState.COMPLETED, [], "")
    assert (summary.business, summary.as_of) == ("Test", MONDAY + timedelta(hours=3))
    assert summary.mails == 1
    assert {mail.channel for mail in rows(tenant, Delivery)} == {Channel.FILE}


def test_a_summary_counts_what_each_client_and_person_got(tenant: Tenant, archive: Path) -> None:
    nordwind, alba = (tenant.add_client(name) for name in ("Nordwind Energy", "Alba Textiles"))
    tenant.add_client("Quiet")
    tenant.add_user("maria@example.com", clients=(nordwind, alba))
    tenant.add_user("strict@example.com", clients=(nordwind,), relevance_threshold=1.0)
    tenant.add_user("idle@example.com")
    summary = run(f"archive:{archive}")
    lines = {line.name: line for line in summary.clients}
    assert (lines["Nordwind Energy"].found, lines["Nordwind Energy"].stories) == (2, 1)
    assert lines["Nordwind Energy"].events == lines["Alba Textiles"].events == 1
    assert "Nordwind Energy" in lines["Nordwind Energy"].top
    assert lines["Quiet"].model_dump() == {"name": "Quiet", "found": 0, "stories": 0, "events": 0, "top": ""}
    assert [line.name for line in summary.clients] == ["Nordwind Energy", "Alba Textiles", "Quiet"]
    people = {line.email: line for line in summary.people}
    assert (people["maria@example.com"].in_digest, people["maria@example.com"].skipped) == (2, {})
    assert people["strict@example.com"].skipped == {"below_threshold": 1}
    assert people["idle@example.com"].model_dump(exclude={"email"}) == {
        "mailed": 0,
        "in_digest": 0,
        "waiting": 0,
        "skipped": {},
    }
    counts = summary.counts
    assert (counts["search.found"], counts["search.new"]) == (4, 4)
    assert (counts["dedupe.articles"], counts["dedupe.stories"], counts["classify.events"]) == (4, 2, 2)

    again = run(f"archive:{archive}")
    assert (again.mails, again.counts.get("search.new", 0)) == (0, 0)
    assert {(line.found, line.stories, line.events) for line in again.clients} == {(0, 0, 0)}
    assert all(line.in_digest == line.mailed == 0 and not line.skipped for line in again.people)


def test_a_summary_counts_all_that_waits_not_only_what_this_run_found(tenant: Tenant, archive: Path) -> None:
    nordwind = tenant.add_client("Nordwind Energy")
    tenant.add_user("maria@example.com", clients=(nordwind,))
    plan = open_(sources=[f"archive:{archive}"], baseline=False, deliver=True)
    waiting = [
        line.waiting for line in close_run(plan, run_pipeline(plan, Stages(), lambda _report: None)).people
    ]
    again = open_(sources=[f"archive:{archive}"], baseline=False, deliver=True)
    later = close_run(again, run_pipeline(again, Stages(), lambda _report: None))
    assert later.counts.get("search.new", 0) == 0
    assert waiting == [line.waiting for line in later.people] == [1]


def test_a_summary_of_some_clients_names_only_those(tenant: Tenant, archive: Path) -> None:
    for name in ("Nordwind Energy", "Alba Textiles"):
        tenant.add_client(name)
    summary = run(f"archive:{archive}", client_names=["Alba Textiles"])
    assert [line.name for line in summary.clients] == ["Alba Textiles"]


def test_a_summary_counts_nothing_of_another_tenant(tenant: Tenant, archive: Path) -> None:
    other = another_tenant()
    client = other.add_client("Nordwind Energy")
    other.add_user("ivo@example.com", clients=(client,))
    tenant.add_client("Nordwind Energy")
    mine = open_(sources=[f"archive:{archive}"])
    theirs = open_run("other", sources=[f"archive:{archive}"], baseline=False)
    close_run(theirs, [*run_pipeline(theirs, Stages(), lambda _r: None), replay_digests(theirs)])
    summary = close_run(mine, [])
    assert (summary.mails, summary.people) == (0, [])
    assert [(line.name, line.found, line.events) for line in summary.clients] == [("Nordwind Energy", 0, 0)]


def test_bad_lines_degrade_the_run_and_the_good_go_on(tenant: Tenant, archive: Path) -> None:
    tenant.add_client("Nordwind Energy")
    archive.write_text(jsonl([NEWS[0], "{broken", {"snippet": "no title"}, NEWS[1]]))
    summary = run(f"archive:{archive}")
    assert summary.state is RunState.DEGRADED
    [line] = summary.degraded
    assert line.startswith("archive news.jsonl: 2 rows left out, the first: news.jsonl: line 2:")
    assert summary.counts["dedupe.articles"] == 2
    [source] = source_lines(tenant.scope, summary.job_run_id)
    assert source.state is SourceState.PARTIAL
    assert [problem.split(": ")[1] for problem in source.problems] == ["line 2", "line 3"]
    assert summary.problems == source.problems


def test_a_source_that_fails_beside_one_that_answers_degrades_the_run(
    tenant: Tenant, server: NewsServer
) -> None:
    tenant.add_client("Nordwind Energy")
    good = server.serve(
        "/good", rss([{"title": "Nordwind Energy opens a plant", "link": "https://x.example/1"}])
    )
    bad = server.serve("/bad", Reply(status=404))
    summary = run(f"rss:{good}", f"rss:{bad}", deliver=False)
    assert summary.state is RunState.DEGRADED
    [line] = summary.degraded
    assert bad in line
    assert "404" in line
    assert summary.counts["search.new"] == 1


def test_a_run_all_of_whose_sources_failed_has_failed(tenant: Tenant, server: NewsServer) -> None:
    tenant.add_client("Nordwind Energy")
    one, two = (server.serve(path, Reply(status=404)) for path in ("/one", "/two"))
    summary = run(f"rss:{one}", f"rss:{two}", deliver=False)
    assert summary.state is RunState.FAILED
    assert summary.error.startswith("no source answered: rss: ")
    assert len(summary.degraded) == 2
    # What failed is not taken for done: the same source is asked again by the next run.
    server.serve("/one", rss([{"title": "Nordwind Energy opens a plant", "link": "https://x.example/1"}]))
    assert run(f"rss:{one}", deliver=False).state is RunState.COMPLETED


def test_a_missing_archive_fails_the_run_and_says_what_to_do(tenant: Tenant, tmp_path: Path) -> None:
    tenant.add_user("maria@example.com", clients=(tenant.add_client("Acme"),))
    summary = run(f"archive:{tmp_path}/nowhere.jsonl")
    assert summary.state is RunState.FAILED
    assert (summary.mails, rows(tenant, Delivery)) == (0, [])
    assert "nowhere.jsonl: no such file; check the path" in summary.error


@pytest.mark.parametrize(
    ("results", "lines", "error", "state"),
    [
        ([], (), None, RunState.COMPLETED),
        ([SourceState.OK, SourceState.EMPTY], (), None, RunState.COMPLETED),
        ([SourceState.OK], ("CRM x: away",), None, RunState.DEGRADED),
        ([SourceState.OK, SourceState.FAILED], ("rss u1: 404",), None, RunState.DEGRADED),
        ([SourceState.PARTIAL], ("rss u0: 1 row left out",), None, RunState.DEGRADED),
        ([SourceState.FAILED, SourceState.QUOTA], (), None, RunState.FAILED),
        ([SourceState.OK], (), ValueError("a bug"), RunState.FAILED),
    ],
)
def test_a_run_ends_completed_degraded_or_failed(
    tenant: Tenant,
    results: list[SourceState],
    lines: tuple[str, ...],
    error: Exception | None,
    state: RunState,
) -> None:
    plan = open_()
    for number, one in enumerate(results):
        result(tenant, plan, one, f"u{number}", error="404" if one is SourceState.FAILED else "")
    summary = close_run(plan, [StageReport(stage="search", degraded=lines)], error)
    assert summary.state is state
    assert summary.degraded == list(lines)
    assert bool(summary.error) is (state is RunState.FAILED)
    if error is not None:
        assert summary.error == "ValueError: a bug"
    run = the_run(tenant)
    assert run.finished_at is not None
    assert run.heartbeat_at == run.finished_at


def test_closing_again_adds_to_a_run_and_takes_no_failure_back(tenant: Tenant) -> None:
    good, bad = open_(), open_()
    close_run(good, [StageReport(stage="search", counts={"new": 3}, degraded=("rss x: 404",))])
    late = close_run(good, [StageReport(stage="digests", counts={"sent": 1})])
    assert (late.state, late.degraded) == (RunState.DEGRADED, ["rss x: 404"])
    assert late.counts == {"search.new": 3, "digests.sent": 1}
    close_run(bad, [], RuntimeError("lost"))
    again = close_run(bad, [StageReport(stage="digests", counts={"sent": 1})])
    assert (again.state, again.error) == (RunState.FAILED, "RuntimeError: lost")


def test_an_error_is_cut_to_what_fits(tenant: Tenant) -> None:
    assert len(close_run(open_(), [], ValueError("x" * 9_000)).error) == 500


def test_the_counts_of_a_run_can_be_watched_while_it_works(tenant: Tenant) -> None:
    plan = open_()
    before = the_run(tenant).heartbeat_at
    progress(plan, StageReport(stage="search", counts={"new": 3}))
    progress(plan, StageReport(stage="search", counts={"new": 5}))
    progress(plan, StageReport(stage="dedupe", counts={"items": 2}))
    run = the_run(tenant)
    assert run.counts == {"search.new": 5, "dedupe.items": 2}
    assert run.heartbeat_at >= before
    assert run.state is RunState.RUNNING
    assert json.dumps(run.counts)


def test_a_run_that_fell_silent_is_marked_crashed_by_the_next(tenant: Tenant) -> None:
    silent, alive, done = open_(), open_(), open_()
    close_run(done, [])
    other = another_tenant()
    theirs = open_run("other", clock=CLOCK)
    long_ago = utc_now() - timedelta(hours=1)
    for house, plan in ((tenant, silent), (tenant, done), (other, theirs)):
        with writing(house.scope) as session:
            session.get_one(JobRun, plan.job_run_id).heartbeat_at = long_ago
    open_()
    states = {run.id: run for run in rows(tenant, JobRun)}
    assert states[silent.job_run_id].state is RunState.CRASHED
    assert states[silent.job_run_id].finished_at is not None
    assert "died" in states[silent.job_run_id].error
    assert states[alive.job_run_id].state is RunState.RUNNING
    assert states[done.job_run_id].state is RunState.COMPLETED
    assert the_run(other).state is RunState.RUNNING


def test_a_run_thought_dead_that_ends_after_all_is_what_it_came_to(tenant: Tenant) -> None:
    plan = open_()
    change(tenant, JobRun, state=RunState.CRASHED, error="its process died or was cut off")
    summary = close_run(plan, [])
    assert (summary.state, summary.error) == (RunState.COMPLETED, "")


def test_a_summary_can_be_had_while_the_run_works(tenant: Tenant) -> None:
    plan = open_()
    summary = summarise(tenant.scope, plan.job_run_id)
    assert (summary.state, summary.mails, summary.clients) == (RunState.RUNNING, 0, [])
    assert summary.seconds >= 0
