"""The sentence itself: stages in order, each until its backlog is empty, and what happens when one cannot go on."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import undisturbed
from conftest import NOW, Tenant
from desk import Cut, change, rows, take_lease
from fakes import jsonl
from newsroom import plan_for

from flows.pipeline import STAGES, UNITS_A_TASK, Stages, drain, run_pipeline
from flows.reporting import end_state
from models.clients import Client
from models.events import Event
from models.jobs import RunState
from models.leases import Lease
from models.mail import Delivery
from models.news import Article, ArticleClient, LinkState, RawItem
from models.settings import get_settings
from services.runs import RunSummary, close_run, open_run, shard_plan
from tasks.classify.stage import Contended, classify_batch
from tasks.dedupe.stage import dedupe_batch
from tasks.plan import RunPlan, StageReport
from tasks.search.stage import Unit

Watch = list[StageReport]


class Recorder:
    """Stages that only say they were called; each has work for so many batches."""

    def __init__(self, batches: int = 1) -> None:
        self.called: list[str] = []
        self.left = dict.fromkeys(STAGES, batches)

    def step(self, name: str) -> Callable[..., StageReport]:
        def work(*_: Any) -> StageReport:
            self.called.append(name)
            if self.left[name] == 0:
                return StageReport(stage=name)
            self.left[name] -= 1
            return StageReport(stage=name, done=1, counts={"rows": 1}, degraded=(f"{name} is slow",))

        return work

    def stages(self) -> Stages:
        return Stages(**{name: self.step(name) for name in STAGES})


def quiet(_report: StageReport) -> None:
    pass


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return undisturbed.write_archive(tmp_path / "news.jsonl")


@pytest.fixture
def house(tenant: Tenant) -> Tenant:
    undisturbed.populate(tenant)
    return tenant


def open_(archive: Path, **options: Any) -> RunPlan:
    return open_run("test", sources=[f"archive:{archive}"], **({"baseline": False} | options))


def work(archive: Path, stages: Stages | None = None, **options: Any) -> list[StageReport]:
    return run_pipeline(open_(archive, **options), stages or Stages(), quiet)


def test_the_stages_run_in_the_order_of_the_sentence_each_until_it_is_done(
    house: Tenant, archive: Path
) -> None:
    recorder, seen = Recorder(batches=2), Watch()
    reports = run_pipeline(open_(archive), recorder.stages(), seen.append)
    assert recorder.called == ["search", *(name for name in STAGES[1:] for _ in range(3))]
    assert [report.stage for report in reports] == list(STAGES)
    assert [report.done for report in reports] == [1, 2, 2, 2, 2, 2]
    assert reports[1].counts == {"rows": 2}
    assert reports[1].degraded == ("dedupe is slow",)
    # Whoever watches sees running totals, and each stage's last word is its report.
    last = {report.stage: report for report in seen}
    assert list(last.values()) == reports
    assert [report.done for report in seen if report.stage == "classify"] == [1, 2, 2]


def test_a_search_only_run_ends_after_the_search(house: Tenant, archive: Path) -> None:
    recorder = Recorder()
    reports = run_pipeline(open_(archive), recorder.stages(), quiet, search_only=True)
    assert recorder.called == ["search"]
    assert [report.stage for report in reports] == ["search"]


def test_what_a_search_only_run_found_is_worked_off_by_the_next_run(house: Tenant, archive: Path) -> None:
    run_pipeline(open_(archive), Stages(), quiet, search_only=True)
    waiting = len(rows(house, RawItem, is_processed=False))
    assert waiting > 0
    reports = work(archive)
    assert (reports[0].counts["new"], reports[1].done) == (0, waiting)
    assert rows(house, Event)


def test_units_are_searched_in_portions(tenant: Tenant) -> None:
    for number in range(UNITS_A_TASK + 7):
        tenant.add_client(f"Client {number:03}")
    portions: list[int] = []

    def search(_plan: RunPlan, units: Sequence[Unit]) -> StageReport:
        portions.append(len(units))
        return StageReport(stage="search", done=len(units))

    plan = plan_for(tenant, sources=("google_news",))
    reports = run_pipeline(plan, replace(Recorder().stages(), search=search), quiet)
    assert portions == [UNITS_A_TASK, 7]
    assert reports[0].done == UNITS_A_TASK + 7


@pytest.mark.parametrize(("refusals", "ends"), [(3, True), (20, True), (21, False)])
def test_a_batch_that_another_run_took_is_tried_again_but_not_for_ever(refusals: int, ends: bool) -> None:
    answers = [Contended("somebody was first")] * refusals + [StageReport(stage="classify")]
    calls = iter(answers)

    def step() -> StageReport:
        answer = next(calls)
        if isinstance(answer, Contended):
            raise answer
        return answer

    if ends:
        assert drain("classify", step, quiet).done == 0
    else:
        with pytest.raises(Contended):
            drain("classify", step, quiet)


def test_while_another_run_groups_stories_the_rest_goes_on_and_says_so(
    house: Tenant, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_LEASE_WAIT_SECONDS", "0")
    get_settings.cache_clear()
    take_lease(house)
    plan = open_(archive)
    reports = run_pipeline(plan, Stages(), quiet)
    assert [report.stage for report in reports] == list(STAGES)
    [line] = reports[1].degraded
    assert line.startswith("stories: ")
    assert "run again later" in line
    assert rows(house, Article) == []
    # What was not grouped has not ended its clients' first poll.
    assert all(client.baseline_at is None for client in rows(house, Client))
    assert close_run(plan, reports).state is RunState.DEGRADED

    change(house, Lease, expires_at=NOW - timedelta(days=900))
    again = open_(archive)
    assert close_run(again, run_pipeline(again, Stages(), quiet)).state is RunState.COMPLETED
    assert rows(house, Event)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_raises_ends_the_run_and_frees_the_lease(
    house: Tenant, archive: Path, stage: str
) -> None:
    def broken(*_: Any) -> StageReport:
        raise Cut

    with pytest.raises(Cut):
        work(archive, replace(Stages(), **{stage: broken}))
    assert all(lease.holder == "" for lease in rows(house, Lease))
    work(archive)
    assert rows(house, Event)
    assert not rows(house, RawItem, is_processed=False)
    assert not rows(house, ArticleClient, state=LinkState.CANDIDATE)


def test_the_first_poll_is_history_and_the_next_is_news(tenant: Tenant, tmp_path: Path) -> None:
    tenant.add_client("Nordwind Energy")
    archive = tmp_path / "news.jsonl"
    first = {"title": "Nordwind Energy opens a plant in Porto", "published_at": "2026-03-09T08:00:00Z"}
    second = {"title": "Nordwind Energy names a finance chief", "published_at": "2026-03-09T18:00:00Z"}
    archive.write_text(jsonl([first]))
    work(archive, baseline=True)
    [client] = rows(tenant, Client)
    assert client.baseline_at is not None
    archive.write_text(jsonl([first, second]))
    work(archive, baseline=True)
    assert {event.title: event.is_history for event in rows(tenant, Event)} == {
        first["title"]: True,
        second["title"]: False,
    }


def test_shards_of_a_run_come_to_what_one_run_comes_to(house: Tenant, archive: Path, tmp_path: Path) -> None:
    plan = open_(archive)
    clients = [client.id for client in rows(house, Client)]
    for share in (clients[:2], clients[2:]):
        run_pipeline(shard_plan("test", plan.job_run_id, tuple(share)), Stages(), quiet)
    in_shards = undisturbed.ledger(house.scope)
    assert {event.client_id for event in rows(house, Event)} == set(clients)
    reports = work(archive)
    assert sum(report.done for report in reports[1:]) == 0
    assert undisturbed.ledger(house.scope) == in_shards


def test_small_batches_come_to_what_large_ones_come_to(house: Tenant, archive: Path) -> None:
    def tiny(batch: Callable[..., StageReport]) -> Callable[..., StageReport]:
        return lambda *arguments: batch(*arguments, limit=3)

    stages = replace(Stages(), dedupe=tiny(dedupe_batch), classify=tiny(classify_batch))
    reports = work(archive, stages)
    assert reports[1].done == len(rows(house, RawItem))
    assert not rows(house, ArticleClient, state=LinkState.CANDIDATE)
    keys = [(event.story_id, event.client_id) for event in rows(house, Event)]
    assert len(keys) == len(set(keys)) > 0
    assert all(delivery.state.value != "failed" for delivery in rows(house, Delivery))


def summary(state: RunState, **fields: Any) -> RunSummary:
    blank: dict[str, Any] = {
        "job_run_id": uuid4(),
        "business": "Test",
        "as_of": NOW,
        "seconds": 1.0,
        "counts": {},
        "degraded": [],
        "clients": [],
        "people": [],
    }
    return RunSummary(state=state, **(blank | fields))


def test_prefects_state_is_the_runs() -> None:
    completed = end_state(summary(RunState.COMPLETED, mails=3))
    assert (completed.is_completed(), completed.name, completed.message) == (
        True,
        "Completed",
        "0 events, 3 mails",
    )
    degraded = end_state(summary(RunState.DEGRADED, degraded=["rss x: 404"]))
    assert (degraded.is_completed(), degraded.name, degraded.message) == (True, "Degraded", "rss x: 404")
    failed = end_state(summary(RunState.FAILED, error="no source answered"))
    assert (failed.is_failed(), failed.message) == (True, "no source answered")
