"""Schedules against the real Prefect server: brought into step, kept so, and no start lost or doubled by it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from conftest import Tenant
from desk import rows
from prefectserver import PROJECT, Server, serve

from cli.up import deploy
from models.audit import AuditLog
from models.base import utc_now
from models.engine import writing
from models.jobs import AutomationSchedule, JobRun, JobType, PausedBy, RunState, SyncState
from services.run_start import queue_schedule
from services.runs import close_run, open_run
from services.schedules import (
    FAILURES_ALLOWED,
    all_schedules,
    create,
    define,
    delete,
    edit,
    next_runs,
    open_prefect,
    pause,
    resume,
    slug_of,
    sync,
)
from services.schedules.first import LEGACY
from services.schedules.recovery import ATTEMPTS, is_cancelled, recover
from services.schedules.sync import DIGESTS, MONITORING
from services.schedules.tending import tend
from services.schedules.turns import Turn, take_turn, whose_start

pytestmark = [pytest.mark.full, pytest.mark.prefect]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("prefect")) as started:
        yield started


@pytest.fixture
def prefect(server: Server, monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> Server:
    """The server as this process sees it, without what earlier tests left there."""
    monkeypatch.setenv("PREFECT_API_URL", server.env["PREFECT_API_URL"])
    sync()
    for name in (MONITORING, DIGESTS):
        for run in waiting(server, name):
            if "auto-scheduled" not in run["tags"] or name == MONITORING:
                server.api("DELETE", f"/flow_runs/{run['id']}")
    return server


def make(tenant: Tenant, name: str = "Every morning", **fields: Any) -> AutomationSchedule:
    given = {"name": name, "schedule_type": "daily", "at": "08:00", "timezone": "Europe/Berlin"} | fields
    change = create(tenant.scope, define(**given))
    assert change.is_live, change.report
    return change.schedules[0]


def stored(tenant: Tenant, row: AutomationSchedule) -> AutomationSchedule:
    return next(one for one in rows(tenant, AutomationSchedule) if one.id == row.id)


def remotes(server: Server, name: str = MONITORING) -> dict[str, dict[str, Any]]:
    return {one["slug"]: one for one in server.deployments()[name]["schedules"]}


def remote(server: Server, row: AutomationSchedule, name: str = MONITORING) -> dict[str, Any]:
    return remotes(server, name)[slug_of(row.id)]


def patch(server: Server, row: AutomationSchedule, **values: Any) -> None:
    deployment = server.deployments()[MONITORING]["id"]
    server.api("PATCH", f"/deployments/{deployment}/schedules/{remote(server, row)['id']}", values)


def waiting(server: Server, name: str = MONITORING, **more: Any) -> list[dict[str, Any]]:
    asked = {
        "deployments": {"id": {"any_": [server.deployments()[name]["id"]]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}} | more,
        "sort": "EXPECTED_START_TIME_ASC",
    }
    return server.api("POST", "/flow_runs/filter", asked)  # type: ignore[no-any-return]


def starts(server: Server, row: AutomationSchedule, name: str = MONITORING) -> list[datetime]:
    """When Prefect means to start the schedule, as it stands in its database."""
    found = waiting(server, name, created_by={"id_": [remote(server, row, name)["id"]]})
    return [datetime.fromisoformat(run["expected_start_time"]).astimezone(UTC) for run in found]


def actions(tenant: Tenant) -> list[str]:
    return [line.action for line in rows(tenant, AuditLog) if line.action.startswith("schedule.")]


def test_a_schedule_lives_in_prefect_as_its_row_says(prefect: Server, tenant: Tenant) -> None:
    acme = tenant.add_client()
    row = make(tenant, client_ids=[acme], days_back=3)
    there = remote(prefect, row)
    assert there["schedule"] == {"cron": "0 8 * * *", "timezone": "Europe/Berlin", "day_or": True}
    assert there["active"] is True
    assert there["parameters"] == {
        "business": "test",
        "schedule_id": str(row.id),
        "clients": [str(acme)],
        "days_back": 3,
        "search_only": False,
    }
    assert (row.sync_state, row.prefect_schedule_id) == (SyncState.IN_STEP, there["id"])
    assert row.next_run_at == next_runs(row, 1, after=utc_now())[0]

    edit(tenant.scope, row.id, schedule_type="weekly", weekdays="fri", client_ids=None)
    there = remote(prefect, row)
    assert there["schedule"]["cron"] == "0 8 * * fri"
    assert "clients" not in there["parameters"]

    assert pause(tenant.scope, [row.id]).is_live
    assert remote(prefect, row)["active"] is False
    assert starts(prefect, row) == []
    assert stored(tenant, row).next_run_at is None
    assert resume(tenant.scope, [row.id]).is_live
    assert remote(prefect, row)["active"] is True
    assert starts(prefect, row)

    assert delete(tenant.scope, [row.id]).is_live
    assert slug_of(row.id) not in remotes(prefect)
    assert rows(tenant, AutomationSchedule) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"schedule_type": "hourly", "minute": 7, "timezone": "Asia/Kolkata"},
        {"schedule_type": "daily", "at": "02:30"},
        {"schedule_type": "weekly", "weekdays": "mon,sun", "timezone": "America/New_York"},
        {"schedule_type": "monthly", "day": 31},
        {"schedule_type": "monthly", "day": 30},
        {"schedule_type": "monthly", "day": 15, "timezone": "Australia/Lord_Howe"},
        {"schedule_type": "custom", "cron": "*/20 6-9 * * 1-5"},
        {"schedule_type": "custom", "cron": "0 8 1 * 7"},
    ],
    ids=lambda fields: "-".join(map(str, fields.values())),
)
def test_what_we_say_comes_next_is_what_the_server_schedules(
    prefect: Server, tenant: Tenant, fields: dict[str, Any]
) -> None:
    before = utc_now()
    row = make(tenant, "Law", **fields)
    there = starts(prefect, row)
    assert there
    assert there == next_runs(row, len(there), after=before)


def test_a_manual_schedule_is_ours_alone(prefect: Server, tenant: Tenant) -> None:
    row = make(tenant, schedule_type="manual")
    assert row.sync_state is SyncState.IN_STEP
    assert slug_of(row.id) not in remotes(prefect)
    edit(tenant.scope, row.id, schedule_type="daily")
    assert slug_of(row.id) in remotes(prefect)
    edit(tenant.scope, row.id, schedule_type="manual")
    assert slug_of(row.id) not in remotes(prefect)
    assert sync().is_in_step


def test_another_job_moves_to_its_deployment(prefect: Server, tenant: Tenant) -> None:
    row = make(tenant)
    edit(tenant.scope, row.id, job_type="notification_digest")
    assert slug_of(row.id) not in remotes(prefect)
    there = remote(prefect, row, DIGESTS)
    assert there["parameters"] == {"business": "test", "schedule_id": str(row.id)}
    edit(tenant.scope, row.id, job_type="search_only")
    assert slug_of(row.id) not in remotes(prefect, DIGESTS)
    assert remote(prefect, row)["parameters"]["search_only"] is True


def test_what_was_changed_while_prefect_was_away_is_brought_later(
    prefect: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = make(tenant, "Kept"), make(tenant, "Gone")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    change = edit(tenant.scope, kept.id, at="09:15")
    assert not change.is_live
    assert "changes wait" in change.report.sentence
    delete(tenant.scope, [gone.id])
    assert [row.name for row in all_schedules(tenant.scope)] == ["Kept"]
    assert remote(prefect, kept)["schedule"]["cron"] == "0 8 * * *"
    monkeypatch.setenv("PREFECT_API_URL", prefect.env["PREFECT_API_URL"])
    report = sync()
    assert sorted(report.done) == ["Gone: removed", "Kept: brought to Prefect: schedule"]
    assert remote(prefect, kept)["schedule"]["cron"] == "15 9 * * *"
    assert slug_of(gone.id) not in remotes(prefect)
    assert stored(tenant, kept).sync_state is SyncState.IN_STEP


def test_drift_is_mended_and_said(prefect: Server, tenant: Tenant) -> None:
    lost, bent = make(tenant, "Lost"), make(tenant, "Bent")
    deployment = prefect.deployments()[MONITORING]["id"]
    prefect.api("DELETE", f"/deployments/{deployment}/schedules/{remote(prefect, lost)['id']}")
    patch(
        prefect,
        bent,
        schedule={"cron": "0 3 * * *", "timezone": "UTC"},
        parameters={"business": "test", "schedule_id": str(bent.id), "days_back": 90},
    )
    orphan, foreign = f"cm-{uuid4()}", "by-hand"
    daily = {"cron": "0 4 * * *", "timezone": "UTC"}
    prefect.api(
        "POST",
        f"/deployments/{deployment}/schedules",
        [
            {"slug": orphan, "schedule": daily, "parameters": {"business": "test"}, "active": True},
            {"slug": foreign, "schedule": daily, "active": False},
        ],
    )
    report = sync()
    assert sorted(report.done) == [
        "Bent: brought to Prefect: schedule, parameters",
        "Lost: was gone from Prefect, made again",
        f"{orphan}: removed from Prefect, there is no such schedule",
    ]
    assert report.is_in_step
    assert set(remotes(prefect)) >= {slug_of(lost.id), slug_of(bent.id), foreign}
    assert orphan not in remotes(prefect)
    assert remote(prefect, bent)["schedule"]["cron"] == "0 8 * * *"
    assert remote(prefect, bent)["parameters"]["days_back"] == 7
    assert "schedule.orphan_removed" in actions(tenant)
    assert sync().done == []
    prefect.api("DELETE", f"/deployments/{deployment}/schedules/{remotes(prefect)[foreign]['id']}")


def test_a_tenant_mends_only_its_own(prefect: Server, tenant: Tenant) -> None:
    from services.accounts import create_business

    other = Tenant(create_business("other", "Other").id)
    row = make(other)
    assert sync(tenant.scope).done == []
    assert slug_of(row.id) in remotes(prefect)


def test_a_pause_in_prefect_is_kept_here_until_a_person_takes_it_back(
    prefect: Server, tenant: Tenant
) -> None:
    row = make(tenant)
    patch(prefect, row, active=False)
    assert sync().done == ["Every morning: was paused in Prefect"]
    here = stored(tenant, row)
    assert (here.is_active, here.paused_by) == (False, PausedBy.PREFECT)
    assert sync().done == []
    edit(tenant.scope, row.id, at="10:00")
    assert remote(prefect, row)["active"] is False

    patch(prefect, row, active=True)  # who paused it there takes it back there
    assert sync().done == ["Every morning: its pause in Prefect was taken back there"]
    assert stored(tenant, row).is_active

    patch(prefect, row, active=False)
    sync()
    resume(tenant.scope, [row.id])  # or a person here does
    assert remote(prefect, row)["active"] is True
    assert actions(tenant)[1:] == [
        "schedule.paused_in_prefect",
        "schedule.changed",
        "schedule.resumed_in_prefect",
        "schedule.paused_in_prefect",
        "schedule.resumed",
    ]


def test_a_pause_made_here_cannot_be_taken_back_in_prefect(prefect: Server, tenant: Tenant) -> None:
    row = make(tenant)
    pause(tenant.scope, [row.id])
    patch(prefect, row, active=True)
    assert sync().done == ["Every morning: brought to Prefect: parameters, paused"]
    assert remote(prefect, row)["active"] is False
    assert remote(prefect, row)["parameters"]["schedule_id"] == str(row.id)
    assert stored(tenant, row).paused_by is PausedBy.PERSON


def test_a_pause_in_prefect_wins_over_a_change_made_here_meanwhile(
    prefect: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = make(tenant)
    monkeypatch.setenv("PREFECT_API_URL", "")
    edit(tenant.scope, row.id, at="11:00")
    monkeypatch.setenv("PREFECT_API_URL", prefect.env["PREFECT_API_URL"])
    patch(prefect, row, active=False)
    sync()
    assert remote(prefect, row)["schedule"]["cron"] == "0 11 * * *"
    assert remote(prefect, row)["active"] is False
    assert stored(tenant, row).paused_by is PausedBy.PREFECT


def test_five_failures_pause_it_in_prefect_and_one_resume_starts_it_again(
    prefect: Server, tenant: Tenant
) -> None:
    row = make(tenant)
    for _ in range(FAILURES_ALLOWED):
        turn = Turn(schedule_id=row.id)
        close_run(open_run("test", turn=turn, force_mock=True), [], RuntimeError("no"))
    assert tend().done == ["Every morning: brought to Prefect: paused"]
    assert remote(prefect, row)["active"] is False
    resume(tenant.scope, [row.id])
    assert remote(prefect, row)["active"] is True


def test_deploying_again_changes_nothing_of_ours(
    prefect: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, paused = make(tenant, "One"), make(tenant, "Two")
    pause(tenant.scope, [paused.id])
    before = remotes(prefect)
    monkeypatch.chdir(PROJECT)
    deploy(prefect.env)
    after = remotes(prefect)
    ours = {slug_of(made.id), slug_of(paused.id)}
    assert {slug: after[slug]["id"] for slug in ours} == {slug: before[slug]["id"] for slug in ours}
    assert after[slug_of(paused.id)]["active"] is False
    assert sync().done == []


def test_a_start_that_was_told_nothing_is_known_by_its_schedule(prefect: Server, tenant: Tenant) -> None:
    """Prefect empties a schedule's parameters when somebody resumes it there, and makes its starts at once."""
    row = make(tenant, schedule_type="hourly", minute=5)
    patch(prefect, row, active=False)
    patch(prefect, row, active=True)
    assert remote(prefect, row)["parameters"] == {}
    deployment = prefect.deployments()[MONITORING]["id"]
    prefect.api("POST", f"/deployments/{deployment}/schedule", {})
    start = waiting(prefect)[0]
    assert start["parameters"] == {}
    assert whose_start(start["id"]) == ("test", row.id)
    with open_prefect() as api:
        by_hand = api.start(api.deployment(MONITORING), {}, key=str(uuid4()))
    assert whose_start(str(by_hand)) is None
    sync()
    assert remote(prefect, row)["parameters"]["schedule_id"] == str(row.id)
    assert all(run["parameters"] for run in waiting(prefect) if run["id"] != str(by_hand))


def overdue(server: Server, *, hours: int) -> None:
    """Have the server make the starts of the last hours, as if no worker had been there."""
    since = utc_now() - timedelta(hours=hours)
    deployment = server.deployments()[MONITORING]["id"]
    server.api(
        "POST",
        f"/deployments/{deployment}/schedule",
        {"start_time": since.isoformat(), "min_time": hours * 3600},
    )


def past(found: list[datetime]) -> list[datetime]:
    return [at for at in found if at < utc_now()]


@pytest.mark.parametrize("change", ["edit", "pause", "delete"])
def test_a_change_of_one_schedule_loses_no_start_of_another(
    prefect: Server, tenant: Tenant, change: str
) -> None:
    """Left alone, Prefect forgets every coming start of the deployment, and on a removal every waiting one."""
    other = make(tenant, "Other", schedule_type="hourly", minute=(utc_now().minute + 2) % 60)
    changed = make(tenant, "Changed", schedule_type="hourly", minute=11)
    overdue(prefect, hours=4)
    before = starts(prefect, other)
    assert past(before)
    match change:
        case "edit":
            edit(tenant.scope, changed.id, minute=12)
        case "pause":
            pause(tenant.scope, [changed.id])
        case _:
            delete(tenant.scope, [changed.id])
    after = starts(prefect, other)
    soon = utc_now() + timedelta(hours=1)  # Prefect's scheduler looks farther within a minute
    assert {at for at in before if utc_now() <= at < soon} <= set(after)
    assert past(after)
    assert past(after)[-1] == past(before)[-1]


def test_after_downtime_only_the_newest_start_of_a_schedule_works(prefect: Server, tenant: Tenant) -> None:
    row = make(tenant, schedule_type="hourly", minute=(utc_now().minute - 5) % 60)
    overdue(prefect, hours=5)
    late = past(starts(prefect, row))
    assert len(late) >= 4
    turns = [take_turn("test", row.id, flow_run_id=str(uuid4()), slot=slot) for slot in late]
    assert [bool(turn.skipped) for turn in turns] == [True] * (len(late) - 1) + [False]
    assert f"{late[-1]:%Y-%m-%d %H:%M}" in turns[0].skipped
    assert {run.state for run in rows(tenant, JobRun)} == {RunState.SKIPPED}


def test_a_late_start_works_when_newer_ones_were_never_made(prefect: Server, tenant: Tenant) -> None:
    """With the server down too, what ought to have come later is not there: skipping for its sake would lose a day."""
    row = make(tenant, schedule_type="daily", at="08:00", timezone="UTC")
    old = next_runs(row, 1, after=utc_now() - timedelta(days=4))[0]
    assert take_turn("test", row.id, flow_run_id=None, slot=old).skipped == ""


def test_what_stood_in_prefect_yaml_becomes_a_row_with_its_pause(prefect: Server, tenant: Tenant) -> None:
    deployment = prefect.deployments()[MONITORING]["id"]
    hourly = {"cron": "7 * * * *", "timezone": "UTC"}
    prefect.api(
        "POST",
        f"/deployments/{deployment}/schedules",
        [{"slug": LEGACY, "schedule": hourly, "active": False}],
    )
    done = tend().done
    assert done[0] == "main-hourly: is now the schedule 'Every hour' of test"
    assert LEGACY not in remotes(prefect)
    (row,) = all_schedules(tenant.scope)
    assert (row.is_active, row.paused_by, row.config["minute"]) == (False, PausedBy.PREFECT, 7)
    assert remote(prefect, row)["active"] is False
    assert tend().done == []


def test_a_run_is_started_once_by_its_key_and_not_at_all_without_a_worker(
    prefect: Server, tenant: Tenant
) -> None:
    row = make(tenant)
    with open_prefect() as api:
        deployment = api.deployment(MONITORING)
        first = api.start(deployment, {"business": "test"}, key="k1")
        assert api.start(deployment, {"business": "test"}, key="k1") == first
        assert api.start(deployment, {"business": "test"}, key="k2") != first
        assert api.run(uuid4()) is None
    started, why = queue_schedule(tenant.scope, row)
    assert (started, why) == (None, "Prefect has no worker online")


class TestRecovery:
    def lost(self, prefect: Server, tenant: Tenant, *, attempt: int = 1, **turn: Any) -> JobRun:
        """A run that Prefect believes in, whose process is gone."""
        with open_prefect() as api:
            told = {"business": "test", "force_mock": True}
            flow_run = api.start(api.deployment(MONITORING), told, key=str(uuid4()))
        self.state(prefect, flow_run, "PENDING")
        self.state(prefect, flow_run, "RUNNING")
        run = JobRun(
            business_id=tenant.business_id,
            job_type=JobType.CLIENT_MONITORING,
            as_of=utc_now(),
            flow_run_id=str(flow_run),
            attempt=attempt,
            holder="another-machine:1",
            heartbeat_at=utc_now() - timedelta(hours=1),
            started_at=utc_now() - timedelta(hours=1),
            **turn,
        )
        tenant.add(run)
        return run

    def state(self, prefect: Server, flow_run: UUID | str, kind: str) -> None:
        prefect.api("POST", f"/flow_runs/{flow_run}/set_state", {"state": {"type": kind}, "force": True})

    def successors(self, prefect: Server, run: JobRun) -> list[dict[str, Any]]:
        return [one for one in waiting(prefect) if one["parameters"].get("retry_of") == str(run.id)]

    def test_a_lost_run_is_crashed_in_both_places_and_handed_on_once(
        self, prefect: Server, tenant: Tenant
    ) -> None:
        run = self.lost(prefect, tenant)
        lines = recover()
        assert f"test: run {run.id} lost its process" in lines
        assert f"test: run {run.id} is handed on" in lines
        there = prefect.api("GET", f"/flow_runs/{run.flow_run_id}")
        assert (there["state_type"], "heartbeat" in there["state"]["message"]) == ("CRASHED", True)
        (here,) = rows(tenant, JobRun)
        assert here.state is RunState.CRASHED
        (successor,) = self.successors(prefect, run)
        assert successor["parameters"]["force_mock"] is True
        assert recover() == []
        with writing(tenant.scope) as session:  # as if we had died between asking and writing it down
            session.get_one(JobRun, run.id).resubmitted_at = None
        recover()
        assert len(self.successors(prefect, run)) == 1
        again = take_turn("test", None, flow_run_id=successor["id"], retry_of=run.id)
        assert again.attempt == 2

    def test_it_is_handed_on_twice_at_most(self, prefect: Server, tenant: Tenant) -> None:
        run = self.lost(prefect, tenant, attempt=ATTEMPTS)
        assert f"test: run {run.id} is not handed on: it was tried 3 times" in recover()
        assert self.successors(prefect, run) == []

    def test_what_a_person_stopped_is_not_handed_on(self, prefect: Server, tenant: Tenant) -> None:
        run = self.lost(prefect, tenant)
        assert run.flow_run_id is not None
        self.state(prefect, run.flow_run_id, "CANCELLED")
        assert is_cancelled(run.flow_run_id)
        recover()
        assert self.successors(prefect, run) == []
        assert rows(tenant, JobRun)[0].state is RunState.CANCELLED

    def test_a_run_that_prefect_knows_to_have_crashed_is_not_waited_for(
        self, prefect: Server, tenant: Tenant
    ) -> None:
        run = self.lost(prefect, tenant)
        assert run.flow_run_id is not None
        with writing(tenant.scope) as session:
            session.get_one(JobRun, run.id).heartbeat_at = utc_now() - timedelta(minutes=3)
        assert recover() == []
        self.state(prefect, run.flow_run_id, "CRASHED")
        assert f"test: run {run.id} crashed, as Prefect says" in recover()
        assert len(self.successors(prefect, run)) == 1

    def test_a_paused_schedule_and_a_newer_run_need_no_successor(
        self, prefect: Server, tenant: Tenant
    ) -> None:
        row = make(tenant)
        first = self.lost(prefect, tenant, schedule_id=row.id)
        plan = open_run("test", turn=Turn(schedule_id=row.id), force_mock=True)
        assert any("a newer run of its schedule" in line for line in recover())
        assert self.successors(prefect, first) == []
        close_run(plan, [], RuntimeError("no"))
        pause(tenant.scope, [row.id])
        second = self.lost(prefect, tenant, schedule_id=row.id)
        assert any("its schedule was stopped" in line for line in recover())
        assert self.successors(prefect, second) == []

    def test_with_prefect_away_it_is_marked_here_and_handed_on_later(
        self, prefect: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = self.lost(prefect, tenant)
        monkeypatch.setenv("PREFECT_API_URL", "")
        assert "runs are handed on later: Prefect is not running" in recover()
        assert rows(tenant, JobRun)[0].state is RunState.CRASHED
        monkeypatch.setenv("PREFECT_API_URL", prefect.env["PREFECT_API_URL"])
        assert recover() == [f"test: run {run.id} is handed on"]
        assert len(self.successors(prefect, run)) == 1
