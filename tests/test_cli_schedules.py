"""client-monitor schedules, where Prefect is not running: everything is kept, and it says that it waits."""

import json
from typing import Any

import pytest
from conftest import Tenant
from desk import rows
from typer.testing import CliRunner, Result

from cli.main import app
from models.jobs import AutomationSchedule, JobRun, PausedBy, RunState, SyncState


@pytest.fixture(autouse=True)
def without_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["schedules", *arguments])


def done(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("list", "--json").stdout)["schedules"]
    return found


def test_a_schedule_is_made_shown_changed_and_deleted(tenant: Tenant) -> None:
    assert "no schedule yet" in done("list")
    tenant.add_client("Acme")
    said = done(
        "add", "Mornings", "--type", "weekly", "--at", "7:30", "--zone", "Europe/Berlin", "-c", "acme"
    )
    assert "Mornings: every weekday at 07:30, Europe/Berlin" in said
    assert said.count(" UTC") == 5
    assert "Prefect is not running; changes wait until it is back" in said
    assert "→ start it: client-monitor up" in said
    (one,) = listed()
    assert (one["clients"], one["sync_state"], len(one["next_runs"])) == (["Acme"], "pending", 5)

    assert "every day at 09:00" in done(
        "edit", "mornings", "--type", "daily", "--at", "9:00", "--all-clients"
    )
    assert listed()[0]["clients"] is None
    assert "at 06:00, only on Sunday" in done("edit", "Mornings", "--cron", "0 6 * * 7")
    assert "Mornings" in done("list")
    assert "deleted: Mornings" in done("delete", "Mornings", "--yes")
    assert listed() == []


def test_several_are_paused_and_resumed_at_once(tenant: Tenant) -> None:
    done("add", "One")
    done("add", "Two", "--type", "monthly", "--day", "31")
    assert done("pause", "one", "TWO").count("paused") == 2
    assert {row.paused_by for row in rows(tenant, AutomationSchedule)} == {PausedBy.PERSON}
    assert "on the last day of every month" in done("resume", "One", "Two")
    assert all(row.is_active for row in rows(tenant, AutomationSchedule))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "Bad", "--cron", "0 25 * * *"), "its hour '25' is not possible"),
        (("add", "Bad", "--type", "custom"), "needs a cron expression"),
        (("add", "Bad", "--zone", "Mars/Base"), "is no time zone"),
        (("add", "Bad", "-c", "Nobody"), "there is no client called 'Nobody'"),
        (("pause", "Nothing"), "there is no schedule 'Nothing'"),
    ],
)
def test_what_cannot_be_is_refused_with_its_mend(tenant: Tenant, arguments: Any, said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert "→" in result.output
    assert rows(tenant, AutomationSchedule) == []


def test_deleting_asks_first(tenant: Tenant) -> None:
    done("add", "Kept")
    result = CliRunner().invoke(app, ["schedules", "delete", "Kept"], input="n\n")
    assert result.exit_code != 0
    assert [one["name"] for one in listed()] == ["Kept"]


def test_sync_says_that_prefect_is_away(tenant: Tenant) -> None:
    done("add", "Waiting")
    result = run("sync")
    assert result.exit_code == 1
    assert "Prefect is not running; 1 waiting" in result.output
    assert rows(tenant, AutomationSchedule)[0].sync_state is SyncState.PENDING


def test_a_schedule_is_run_here_when_prefect_is_away(tenant: Tenant) -> None:
    """It counts as a run of the schedule: here a failed one, since no source is switched on."""
    tenant.add_client("Acme")
    done("add", "Now and then", "--type", "manual")
    result = run("run", "now and then")
    assert result.exit_code == 2
    assert "here, for Prefect is not running" in result.output
    (job,) = rows(tenant, JobRun)
    (row,) = rows(tenant, AutomationSchedule)
    assert (job.schedule_id, job.state) == (row.id, RunState.FAILED)
    assert (row.last_run_state, row.consecutive_failures) == (RunState.FAILED, 1)


def test_digests_need_prefect(tenant: Tenant) -> None:
    done("add", "Digests", "--job", "notification_digest")
    result = run("run", "Digests")
    assert result.exit_code == 1
    assert "digests are written by Prefect: Prefect is not running" in result.output
