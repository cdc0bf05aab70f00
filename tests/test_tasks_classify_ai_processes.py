"""An AI in the run of several processes: one budget for all, and nothing paid twice when one of them is killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import undisturbed
from conftest import Tenant
from desk import EARLIER, add_candidate, classify, rows
from fakes import Asked, Reply
from newsroom import add_run, add_story, plan_for
from oracle import Oracle, consulted, data, switch_on
from sqlmodel import select

from models.ai import AiSpend
from models.engine import reading
from models.events import Event
from models.limits import Budget
from models.scope import Scope


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> Iterator[Oracle]:
    undisturbed.populate(tenant)
    with consulted(monkeypatch) as found:
        yield found


@pytest.fixture
def archive(tenant: Tenant, tmp_path: Path) -> Path:
    return undisturbed.write_archive(tmp_path / "news.jsonl")


def events(tenant: Tenant) -> Any:
    found = undisturbed.ledger(tenant.scope)
    return found["events"], found["notifications"]


def budgets(period: str) -> list[Budget]:
    with reading(Scope.operator()) as session:
        return [row for row in session.exec(select(Budget)) if f"/{period}/" in row.name]


def tell_of_a_deal(tenant: Tenant, number: int = 0) -> None:
    client = tenant.add_client(f"Nordwind{number} Energy")
    title = f"Nordwind{number} Energy agrees to buy Fabrikam for $6 billion"
    add_candidate(tenant, add_story(tenant, title, at=EARLIER), title, client)


class Killer:
    """Kills the process that asks, in the middle of its call."""

    def __init__(self, oracle: Oracle, at_call: int) -> None:
        self.process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()
        answer, turns = oracle.judge, iter(range(1_000_000))

        def judge(client: dict[str, Any], story: dict[str, Any]) -> dict[str, Any]:
            if next(turns) == at_call:
                self._ready.wait(120)
                assert self.process is not None
                os.kill(self.process.pid, signal.SIGKILL)
            return answer(client, story)

        oracle.judge = judge

    def watch(self, process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
        self.process = process
        self._ready.set()
        return process


def test_a_run_killed_while_the_ai_answers_is_made_good_by_the_next_which_asks_only_what_is_missing(
    tenant: Tenant, oracle: Oracle, archive: Path
) -> None:
    switch_on(tenant)
    killer = Killer(oracle, at_call=15)
    assert undisturbed.finish(killer.watch(undisturbed.start(archive))) == -signal.SIGKILL
    assert rows(tenant, Event) == []
    before = oracle.calls
    assert undisturbed.finish(undisturbed.start(archive)) == 0
    came = events(tenant)
    assert came[0]
    # Only the stories of the call that was under way are asked about again.
    repeated = {title for title in oracle.titles if oracle.titles.count(title) > 1}
    assert repeated <= {story["title"] for story in data(oracle.bodies[before - 1])["stories"]}

    # A run that nothing disturbed comes to the same, from the answers that are known by now.
    paid = oracle.calls + len(oracle.advised)
    undisturbed.empty(keep={"ai_cache", "provider_configs"})
    assert undisturbed.finish(undisturbed.start(archive)) == 0
    assert oracle.calls + len(oracle.advised) == paid
    assert events(tenant) == came


RUN = """
import sys
from uuid import UUID
from models.base import utc_now
from tasks.classify.stage import classify_batch
from tasks.plan import RunPlan

business, run = map(UUID, sys.argv[1:])
classify_batch(RunPlan(business_id=business, job_run_id=run, as_of=utc_now()))
"""


def hold_the_first_call_until_a_second_comes(oracle: Oracle) -> threading.Event:
    """Who asked first gets no answer before somebody else has asked; says whether somebody did."""
    answer, turns, met = oracle.answer, count(), threading.Event()

    def held(asked: Asked) -> Reply:
        if next(turns) == 0:
            met.wait(120)
        else:
            met.set()
        return answer(asked)

    oracle.server.serve("/v1/responses", held)
    return met


def test_two_processes_share_one_budget(tenant: Tenant, oracle: Oracle) -> None:
    switch_on(tenant, calls_per_day=3)
    met = hold_the_first_call_until_a_second_comes(oracle)
    for number in range(8):
        tell_of_a_deal(tenant, number)
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", RUN, str(tenant.business_id), str(add_run(tenant))],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=240)[1] for process in runs]
    # One of them is told that the other was quicker, and would try again.
    assert all(
        process.returncode == 0 or "Contended" in text for process, text in zip(runs, said, strict=True)
    )
    assert met.is_set(), "one was over before the other began"
    paid = len(rows(tenant, AiSpend))
    [day] = [row for row in budgets("day") if row.name.startswith("ai-calls")]
    assert (paid, day.spent, day.reserved) == (3, 3, 0)
    assert oracle.calls + len(oracle.advised) == 3
    assert len(rows(tenant, Event)) == 8


def test_anybody_may_write_while_the_ai_is_asked(tenant: Tenant, oracle: Oracle) -> None:
    switch_on(tenant)
    tell_of_a_deal(tenant)
    wrote: list[Any] = []

    def judge(_client: dict[str, Any], _story: dict[str, Any]) -> dict[str, Any]:
        wrote.append(tenant.add_client("Written meanwhile"))
        return {}

    oracle.judge = judge
    classify(plan_for(tenant))
    assert len(wrote) == 1
