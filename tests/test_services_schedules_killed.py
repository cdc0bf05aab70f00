"""Workers and runs killed for real, under the real Prefect server: nothing lost, nothing doubled."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import undisturbed
from conftest import Tenant
from desk import rows
from prefectserver import Server, serve, worker

from flows.pipeline import Stages, run_pipeline
from models.jobs import JobRun, RunState
from services.run_start import ON_DEMAND
from services.runs import close_run, open_run
from services.schedules import open_prefect
from services.schedules.recovery import recover

pytestmark = [pytest.mark.full, pytest.mark.prefect]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("prefect")) as started:
        yield started


class Scene:
    """A tenant with an archive, what a run of it comes to undisturbed, and a worker that is about to be disturbed."""

    def __init__(self, server: Server, tenant: Tenant, archive: Path) -> None:
        self.server, self.tenant = server, tenant
        self.told: dict[str, Any] = {
            "business": "test", "sources": [f"archive:{archive}"], "baseline": False,
        }  # fmt: skip
        plan = open_run("test", sources=self.told["sources"], baseline=False)
        close_run(plan, run_pipeline(plan, Stages(), lambda _report: None))
        self.expected = self.outcome()
        assert self.expected["events"]
        assert self.expected["deliveries"]
        undisturbed.empty()
        self.env = {name: os.environ[name] for name in ("CM_DATABASE_URL", "CM_DATA_DIR")}

    def outcome(self) -> dict[str, Any]:
        found = undisturbed.ledger(self.tenant.scope)
        # The worker takes the tick as well, which writes digests of its own day.
        instant = [one for one in found["deliveries"] if one[1] == "event_notification"]
        return {**found, "deliveries": instant, "mails": undisturbed.mails()}

    def start(self) -> str:
        with open_prefect() as prefect:
            return str(prefect.start(prefect.deployment(ON_DEMAND), self.told, key=str(uuid4())))

    def runs(self) -> list[JobRun]:
        return rows(self.tenant, JobRun)

    def under_way(self) -> JobRun:
        """The run, as soon as a worker's process has searched."""
        return self.until("a run under way", lambda: next((one for one in self.runs() if one.stages), None))

    def until(self, what: str, poll: Callable[[], Any], seconds: float = 240) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := poll():
                return found
            time.sleep(0.02)
        pytest.fail(f"{what} did not happen within {seconds} s")

    def state(self, flow_run: str) -> str:
        return str(self.server.api("GET", f"/flow_runs/{flow_run}")["state_type"])

    def handed_on(self, lost: JobRun) -> None:
        """Recover until the run has a successor, let it end, and compare."""
        self.until("a successor", lambda: f"test: run {lost.id} is handed on" in recover())
        ended = (RunState.COMPLETED, RunState.DEGRADED)
        self.until("its end", lambda: [one for one in self.runs() if one.state in ended])
        first, second = self.runs()
        assert (first.state, second.state) == (RunState.CRASHED, RunState.COMPLETED)
        assert (first.attempt, second.attempt) == (1, 2)
        got = self.outcome()
        for part in ("articles", "stories", "events", "notifications", "deliveries", "mails"):
            assert got[part] == self.expected[part], f"{part} differ"
        assert recover() == []


@pytest.fixture
def scene(server: Server, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("PREFECT_API_URL", server.env["PREFECT_API_URL"])
    undisturbed.populate(tenant)
    return Scene(server, tenant, undisturbed.write_archive(tmp_path / "news.jsonl"))


def pid_of(run: JobRun) -> int:
    return int(run.holder.rpartition(":")[2])


def kill_worker(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_kill_9_of_a_worker_and_its_run(scene: Scene) -> None:
    """Prefect alone leaves such a run Running for ever."""
    flow_run = scene.start()
    with worker(scene.server, **scene.env) as process:
        run = scene.under_way()
        kill_worker(process)
        os.kill(pid_of(run), signal.SIGKILL)
    assert scene.state(flow_run) == "RUNNING"
    with worker(scene.server, **scene.env):
        scene.handed_on(run)
    assert scene.state(flow_run) == "CRASHED"


def test_kill_9_of_a_run_whose_worker_lives(scene: Scene) -> None:
    flow_run = scene.start()
    with worker(scene.server, **scene.env):
        run = scene.under_way()
        os.kill(pid_of(run), signal.SIGKILL)
        scene.handed_on(run)
    assert scene.state(flow_run) == "CRASHED"


def test_sigterm_of_a_run(scene: Scene) -> None:
    flow_run = scene.start()
    with worker(scene.server, **scene.env):
        run = scene.under_way()
        os.kill(pid_of(run), signal.SIGTERM)
        stopped = scene.until("the stop", lambda: [one for one in scene.runs() if one.finished_at])
        assert (stopped[0].state, "stopped from outside" in stopped[0].error) == (RunState.CRASHED, True)
        scene.handed_on(run)
    assert scene.state(flow_run) == "CRASHED"


def test_a_run_that_a_person_cancels_is_not_handed_on(scene: Scene) -> None:
    flow_run = scene.start()
    with worker(scene.server, **scene.env):
        scene.under_way()
        scene.server.api(
            "POST", f"/flow_runs/{flow_run}/set_state", {"state": {"type": "CANCELLING"}, "force": False}
        )
        scene.until("the end", lambda: scene.state(flow_run) == "CANCELLED")
        scene.until("our end", lambda: [one for one in scene.runs() if one.finished_at])
    assert not any("handed on" in line and "not" not in line for line in recover())
    (only,) = scene.runs()
    assert only.state is RunState.CANCELLED
