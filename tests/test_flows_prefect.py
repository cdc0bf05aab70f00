"""Against the real Prefect server, the real worker, and our own deployments. One server serves all tests here."""

import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefectserver import PROJECT, Server, serve, worker

from cli.up import _command, deploy
from models.base import utc_now
from services.prefect_runs import purge_idle_ticks

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("prefect")) as started:
        yield started


def cli(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(_command()).with_name("client-monitor")
    return subprocess.run(
        [str(command), *arguments], env=server.env, cwd=PROJECT, capture_output=True, text=True, check=False
    )


def test_every_deployment_is_there(server: Server) -> None:
    assert set(server.deployments()) == {
        "monitor-clients/on-demand",
        "monitor-clients/scheduled",
        "monitor-shard/run",
        "send-digests/every-five-minutes",
        "keep-house/nightly",
    }


def test_runs_work_in_the_folder_they_were_deployed_from(server: Server) -> None:
    """Relative settings (the data folder, an archive's path) mean the same to a worker as to the command line."""
    for deployment in server.deployments().values():
        (step,) = deployment["pull_steps"]
        assert step["prefect.deployments.steps.set_working_directory"]["directory"] == str(PROJECT)


def test_a_scheduled_run_appears(server: Server) -> None:
    """With SQLAlchemy 2.1 the scheduler inserts nothing, and says nothing."""
    tick = server.deployments()["send-digests/every-five-minutes"]["id"]
    asked = {
        "deployments": {"id": {"any_": [tick]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    runs = server.until("a Scheduled run", lambda: server.api("POST", "/flow_runs/filter", asked))
    assert all(run["deployment_id"] == tick for run in runs)


def test_deploying_again_changes_no_schedule_and_keeps_a_pause(server: Server) -> None:
    def schedules() -> dict[tuple[str, str], tuple[str, bool]]:
        return {
            (name, s["slug"]): (s["id"], s["active"])
            for name, deployment in server.deployments().items()
            for s in deployment["schedules"]
        }

    nightly = server.deployments()["keep-house/nightly"]
    schedule = nightly["schedules"][0]["id"]
    server.api("PATCH", f"/deployments/{nightly['id']}/schedules/{schedule}", {"active": False})
    before = schedules()
    assert before["keep-house/nightly", "nightly"] == (schedule, False)
    deploy(server.env)
    assert schedules() == before
    assert len(before) == 2


def test_an_on_demand_run_goes_through_a_worker(server: Server) -> None:
    loaded = cli(server, "demo", "--plain")
    assert loaded.returncode == 0, loaded.stderr
    started = subprocess.run(
        [
            _command(), "deployment", "run", "monitor-clients/on-demand",
            "-p", "business=demo", "-p", "force_mock=true", "-p", "baseline=false",
        ],
        env=server.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 0, started.stderr
    with worker(server):
        asked = {"flow_runs": {"name": {"like_": "demo"}}}

        def ended() -> Any:
            runs = server.api("POST", "/flow_runs/filter", asked)
            done = [r for r in runs if r["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}]
            return [r for r in done if r["deployment_id"]]

        run = server.until("the end of the run", ended)[0]
        of_run = {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
        server.until(  # Prefect ships a run's lines in batches, some of them after its end
            "our own line in the run's log",
            lambda: [
                x for x in server.api("POST", "/logs/filter", of_run) if x["message"].startswith("search:")
            ],
            seconds=30,
        )
    assert run["state_type"] == "COMPLETED", run["state"]
    assert run["name"] == "demo · mock run"
    artifacts = {a["key"]: a for a in server.artifacts(run["id"]) if a["key"]}
    assert {"run-summary", "run-clients", "run-progress"} <= set(artifacts)
    assert float(artifacts["run-progress"]["data"]) == 100.0
    # The UI crosses tenants: counts and client names only, no headline.
    table = str(artifacts["run-clients"]["data"])
    assert "events" in table
    assert "title" not in table


def test_a_run_that_finds_no_business_fails_and_says_so(server: Server) -> None:
    code = (
        "from flows.monitor_clients import monitor_clients\n"
        "state = monitor_clients('nobody', return_state=True)\n"
        "print(state.type.value, state.message)\n"
    )
    python = Path(_command()).with_name("python")
    done = subprocess.run(
        [str(python), "-c", code], env=server.env, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert "FAILED" in done.stdout
    assert "nobody" in done.stdout


ONE_NOTICE = """
from models.base import utc_now
from models.mail import DeliveryKind
from models.scope import Scope
from services.accounts import find_business
from models.engine import reading
from models.accounts import users
from tasks.notify.notices import post
scope = Scope.system(find_business("demo").id)
with reading(scope) as session:
    person = users(scope, session)[0]
words = {"heading": "A word", "body": ("To see a tick with something to do.",)}
assert post(scope, person, DeliveryKind.SYSTEM, "test", at=utc_now(), **words)
"""


def test_ticks_that_did_nothing_are_forgotten_after_a_day(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = cli(server, "demo", "--plain")
    assert loaded.returncode == 0, loaded.stderr
    python = Path(_command()).with_name("python")
    subprocess.run([str(python), "-c", ONE_NOTICE], env=server.env, cwd=PROJECT, check=True)
    tick = server.deployments()["send-digests/every-five-minutes"]["id"]

    def run_one() -> dict[str, Any]:
        """A tick as a worker would run it: made by the deployment, in a process of its own."""
        run = server.api("POST", f"/deployments/{tick}/create_flow_run", {"parameters": {"business": "demo"}})
        subprocess.run(
            [_command(), "flow-run", "execute", run["id"]],
            env=server.env, cwd=PROJECT, check=True, capture_output=True,
        )  # fmt: skip
        return server.api("GET", f"/flow_runs/{run['id']}")  # type: ignore[no-any-return]

    def there(run: dict[str, Any]) -> bool:
        return bool(server.api("POST", "/flow_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}}))

    mailed, idle = run_one(), run_one()
    assert (mailed["state_name"], mailed["state"]["message"]) == ("Completed", "1 mail sent")
    assert (idle["state_name"], idle["state_type"], "tick" in idle["tags"]) == ("Idle", "COMPLETED", True)
    monkeypatch.setenv("PREFECT_API_URL", server.env["PREFECT_API_URL"])
    assert purge_idle_ticks() == (0, "")  # it is of today
    assert there(idle)
    gone, kept_from = purge_idle_ticks(now=utc_now() + timedelta(hours=25))
    assert (gone >= 1, kept_from) == (True, "")
    assert (there(mailed), there(idle)) == (True, False)
    assert purge_idle_ticks(now=utc_now() + timedelta(hours=25)) == (0, "")


def test_without_prefect_nothing_is_forgotten_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free.getsockname()[1]}/api")
    gone, kept_from = purge_idle_ticks()
    assert (gone, "does not answer" in kept_from) == (0, True)
