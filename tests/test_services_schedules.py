"""Schedules without Prefect's server: what they say, when they come, who keeps them, what their runs come to."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from conftest import NOW, Tenant
from desk import rows
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audit import AuditLog
from models.base import utc_now
from models.clients import Client
from models.engine import reading, writing
from models.jobs import (
    AutomationSchedule,
    JobRun,
    JobType,
    PausedBy,
    RunState,
    ScheduleType,
    SyncState,
)
from models.scope import Role, Scope
from services.errors import UserError
from services.fields import DAYS
from services.runs import close_run, open_run
from services.schedules import (
    FAILURES_ALLOWED,
    Definition,
    all_schedules,
    create,
    define,
    definition_of,
    delete,
    edit,
    find_schedule,
    in_words,
    list_schedules,
    next_runs,
    pause,
    resume,
    sync,
)
from services.schedules.outcomes import SILENT_FOR, bury
from services.schedules.recurrence import prefect_schedule
from services.schedules.tending import tend
from services.schedules.turns import SlotTaken, Turn, take_turn
from tasks.plan import StageReport

SLOT = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def without_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server: nobody named one."""
    monkeypatch.setenv("PREFECT_API_URL", "")


def daily(name: str = "Every morning", **fields: Any) -> Definition:
    return define(**{"name": name, "schedule_type": "daily", "at": "08:00"} | fields)


def made(tenant: Tenant, **fields: Any) -> AutomationSchedule:
    return create(tenant.scope, daily(**fields), now=NOW).schedules[0]


def stored(tenant: Tenant, schedule_id: UUID) -> AutomationSchedule:
    return next(row for row in rows(tenant, AutomationSchedule) if row.id == schedule_id)


def actions(tenant: Tenant) -> list[str]:
    return [line.action for line in rows(tenant, AuditLog) if line.action.startswith("schedule.")]


class TestWhatItSays:
    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"schedule_type": "manual"}, "only when somebody starts it"),
            ({"schedule_type": "hourly", "minute": 0}, "every hour, on the hour, UTC"),
            ({"schedule_type": "hourly", "minute": 7}, "every hour, 7 minutes past, UTC"),
            ({"schedule_type": "daily", "at": "7:05"}, "every day at 07:05, UTC"),
            ({"schedule_type": "weekly"}, "every weekday at 08:00, UTC"),
            ({"schedule_type": "weekly", "weekdays": "sun, sat"}, "every Saturday and Sunday at 08:00, UTC"),
            ({"schedule_type": "weekly", "weekdays": "thu,mon"}, "every Monday and Thursday at 08:00, UTC"),
            ({"schedule_type": "weekly", "weekdays": list(DAYS)}, "every day at 08:00, UTC"),
            ({"schedule_type": "monthly", "day": 1}, "on the 1st of every month at 08:00, UTC"),
            ({"schedule_type": "monthly", "day": 12}, "on the 12th of every month at 08:00, UTC"),
            ({"schedule_type": "monthly", "day": 23}, "on the 23rd of every month at 08:00, UTC"),
            ({"schedule_type": "monthly", "day": 31}, "on the last day of every month at 08:00, UTC"),
            (
                {"schedule_type": "monthly", "day": 30},
                "on the 30th of every month (its last day where it is shorter) at 08:00, UTC",
            ),
            (
                {"schedule_type": "custom", "cron": "0 8 * * 1-5"},
                "at 08:00, Monday through Friday, UTC",
            ),
            ({"schedule_type": "custom", "cron": " @daily "}, "at 00:00, UTC"),
        ],
    )
    def test_in_plain_words(self, fields: dict[str, Any], words: str) -> None:
        assert in_words(define(name="x", **fields)) == words

    def test_the_zone_is_named(self) -> None:
        one = define(name="x", schedule_type="weekly", timezone="europe/berlin")
        assert in_words(one) == "every weekday at 08:00, Europe/Berlin"

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"schedule_type": "custom"}, "a custom schedule needs a cron expression"),
            ({"schedule_type": "custom", "cron": "0 8 * *"}, "cron has five fields"),
            ({"schedule_type": "custom", "cron": "0 0 8 * * *"}, "6 given"),
            ({"schedule_type": "weekly", "weekdays": []}, "choose at least one weekday"),
            ({"schedule_type": "weekly", "weekdays": "someday"}, "'someday' is no weekday"),
            ({"schedule_type": "hourly", "minute": 60}, "minute: "),
            ({"schedule_type": "monthly", "day": 32}, "day: "),
            ({"schedule_type": "daily", "at": "25:00"}, "is no time of day"),
            ({"schedule_type": "daily", "timezone": "Mars/Base"}, "is no time zone"),
            ({"schedule_type": "daily", "name": "  "}, "a schedule needs a name"),
            ({"schedule_type": "daily", "client_ids": []}, "choose at least one client"),
            (
                {
                    "schedule_type": "daily",
                    "job_type": "notification_digest",
                    "client_ids": [NOW.isoformat()],
                },
                "client_ids",
            ),
            ({"schedule_type": "sometimes"}, "schedule_type"),
        ],
    )
    def test_what_is_wrong_is_named(self, fields: dict[str, Any], said: str) -> None:
        with pytest.raises(UserError, match=said.replace("(", r"\(")):
            define(**{"name": "x"} | fields)

    def test_a_digest_schedule_names_no_clients(self) -> None:
        one = Client(business_id=UUID(int=1), name="x").id
        with pytest.raises(UserError, match="names no clients"):
            daily(job_type="notification_digest", client_ids=[one])

    @pytest.mark.parametrize(
        ("cron", "said"),
        [
            ("0 25 * * *", "its hour '25' is not possible"),
            ("61 8 * * *", "its minute '61' is not possible"),
            ("0 8 * * 8", "its day of week '8' is not possible"),
            ("0 8 * * fry", "its day of week 'fry' is not possible"),
            ("r r * * *", "no cron expression that Prefect knows"),
            ("0 8 30 2 *", "never comes true"),
        ],
    )
    def test_a_cron_expression_that_cannot_be_is_refused_with_its_field(
        self, tenant: Tenant, cron: str, said: str
    ) -> None:
        with pytest.raises(UserError, match=said):
            create(tenant.scope, define(name="x", schedule_type="custom", cron=cron), now=NOW)
        assert all_schedules(tenant.scope) == []


TYPES = st.sampled_from(list(ScheduleType))
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
)
DEFINITIONS = st.builds(
    lambda kind, zone, minute, at, weekdays, day, cron, days_back: Definition(
        name="x",
        schedule_type=kind,
        timezone=zone,
        minute=minute,
        at=at,
        weekdays=weekdays,
        day=day,
        cron=cron,
        days_back=days_back,
    ),
    TYPES,
    ZONES,
    st.integers(0, 59),
    st.builds(time, st.integers(0, 23), st.integers(0, 59)),
    st.lists(st.integers(0, 6), min_size=1),
    st.integers(1, 31),
    st.sampled_from(["0 8 * * 1-5", "*/15 * * * *", "0 0 29 2 *", "5 4 L * *", "0 12 1 * 1"]),
    st.integers(1, 365),
)
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


class TestWhenItComes:
    @settings(max_examples=60, deadline=None)
    @given(definition=DEFINITIONS, after=INSTANTS)
    def test_starts_are_later_ascending_and_as_many_as_asked(
        self, definition: Definition, after: datetime
    ) -> None:
        found = next_runs(definition, 5, after=after)
        if definition.schedule_type is ScheduleType.MANUAL:
            assert found == []
            return
        assert len(found) == 5
        assert found == sorted(set(found))
        assert found[0] > after
        assert all(at.tzinfo is UTC and at.second == 0 for at in found)

    @settings(max_examples=60, deadline=None)
    @given(definition=DEFINITIONS)
    def test_a_row_says_what_its_definition_says(self, definition: Definition) -> None:
        row = AutomationSchedule(business_id=UUID(int=1), **definition.values())
        again = definition_of(row)
        assert again.values() == definition.values()
        assert in_words(again) == in_words(definition)
        assert prefect_schedule(again) == prefect_schedule(definition)

    @settings(max_examples=40, deadline=None)
    @given(day=st.integers(1, 31), year=st.integers(2024, 2032), zone=ZONES)
    def test_monthly_comes_once_in_every_month(self, day: int, year: int, zone: str) -> None:
        """The 29th, 30th and 31st too: a month that lacks the day has its last day."""
        one = Definition(name="x", schedule_type=ScheduleType.MONTHLY, day=day, at=time(12), timezone=zone)
        start = datetime(year, 1, 1, tzinfo=ZoneInfo(zone))
        found = [at.astimezone(ZoneInfo(zone)) for at in next_runs(one, 12, after=start)]
        assert [(at.year, at.month) for at in found] == [(year, month) for month in range(1, 13)]
        for at in found:
            following = (at.replace(day=28) + timedelta(days=4)).replace(day=1)
            last = (following - timedelta(days=1)).day
            assert at.day == min(day, last)

    @settings(max_examples=40, deadline=None)
    @given(days=st.sets(st.integers(0, 6), min_size=1), after=INSTANTS)
    def test_weekly_comes_on_the_days_it_names(self, days: set[int], after: datetime) -> None:
        one = Definition(name="x", schedule_type=ScheduleType.WEEKLY, weekdays=sorted(days))
        assert {at.weekday() for at in next_runs(one, 14, after=after)} == days

    @pytest.mark.parametrize("number", range(8))
    def test_cron_counts_weekdays_from_sunday_in_deed_and_in_words(self, number: int) -> None:
        one = define(name="x", schedule_type="custom", cron=f"0 8 * * {number}")
        day = next_runs(one, 1, after=NOW)[0].weekday()
        assert day == (number - 1) % 7  # 0 and 7 are Sunday
        assert in_words(one) == f"at 08:00, only on {DAYS[day].capitalize()}, UTC"

    def test_wall_clock_times_stay_through_a_change_of_clocks(self) -> None:
        one = daily(timezone="Europe/Berlin")
        found = next_runs(one, 3, after=datetime(2026, 3, 27, 12, tzinfo=UTC))
        assert [at.hour for at in found] == [7, 6, 6]

    def test_an_hour_that_is_missing_or_comes_twice(self) -> None:
        """As Prefect does it, which is not as our windows do: an hour early, and once."""
        one = daily(at="02:30", timezone="Europe/Berlin")
        spring = next_runs(one, 2, after=datetime(2026, 3, 28, 12, tzinfo=UTC))
        assert spring == [
            datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
            datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
        ]
        autumn = next_runs(one, 2, after=datetime(2026, 10, 24, 12, tzinfo=UTC))
        assert autumn == [
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
        ]


class TestKeeping:
    def test_without_prefect_a_schedule_waits_and_says_so(self, tenant: Tenant) -> None:
        change = create(tenant.scope, daily(), now=NOW)
        assert not change.is_live
        assert "not running" in change.report.sentence
        assert "client-monitor up" in change.report.mend
        row = change.schedules[0]
        assert (row.sync_state, row.is_active, row.prefect_schedule_id) == (SyncState.PENDING, True, None)
        assert list_schedules(tenant.scope, now=NOW)[0].sync == "waits for Prefect"
        assert actions(tenant) == ["schedule.created"]

    def test_a_change_keeps_the_rest(self, tenant: Tenant) -> None:
        acme = tenant.add_client()
        row = made(tenant, client_ids=[acme], timezone="Europe/Berlin")
        edit(tenant.scope, row.id, at="09:30", now=NOW)
        after = definition_of(stored(tenant, row.id))
        assert (after.at, after.timezone, after.client_ids) == (time(9, 30), "Europe/Berlin", (acme,))
        edit(tenant.scope, row.id, schedule_type="custom", cron="0 6 * * *", client_ids=None, now=NOW)
        after = definition_of(stored(tenant, row.id))
        assert (after.schedule_type, after.cron, after.client_ids) == (ScheduleType.CUSTOM, "0 6 * * *", None)
        assert actions(tenant) == ["schedule.created", "schedule.changed", "schedule.changed"]

    def test_a_change_that_changes_nothing_is_none(self, tenant: Tenant) -> None:
        row = made(tenant)
        edit(tenant.scope, row.id, at="8:00", now=NOW)
        assert stored(tenant, row.id).revision == row.revision
        assert actions(tenant) == ["schedule.created"]

    def test_names_are_taken_once(self, tenant: Tenant) -> None:
        made(tenant)
        with pytest.raises(UserError, match="called 'EVERY morning' already"):
            create(tenant.scope, daily("EVERY morning"), now=NOW)

    def test_clients_must_be_watched(self, tenant: Tenant) -> None:
        gone = tenant.add_client("Gone Ltd", archived_at=NOW)
        with pytest.raises(UserError, match="1 of the chosen clients"):
            create(tenant.scope, daily(client_ids=[gone]), now=NOW)

    def test_several_are_paused_resumed_and_deleted_at_once(self, tenant: Tenant) -> None:
        ids = [made(tenant, name=name).id for name in ("One", "Two")]
        assert {row.paused_by for row in pause(tenant.scope, ids).schedules} == {PausedBy.PERSON}
        assert {one.standing for one in list_schedules(tenant.scope)} == {"paused"}
        assert all(row.is_active and row.paused_by is None for row in resume(tenant.scope, ids).schedules)
        delete(tenant.scope, ids)
        assert all_schedules(tenant.scope) == []
        assert actions(tenant).count("schedule.deleted") == 2

    def test_a_pause_stays_through_a_change(self, tenant: Tenant) -> None:
        row = made(tenant)
        pause(tenant.scope, [row.id])
        edit(tenant.scope, row.id, at="10:00", now=NOW)
        assert (stored(tenant, row.id).is_active, stored(tenant, row.id).paused_by) == (
            False,
            PausedBy.PERSON,
        )

    def test_a_schedule_is_found_by_its_name_in_any_case_or_by_its_id(self, tenant: Tenant) -> None:
        row = made(tenant)
        assert find_schedule(tenant.scope, "every MORNING").id == row.id
        assert find_schedule(tenant.scope, row.id).id == row.id
        with pytest.raises(UserError, match="known: Every morning"):
            find_schedule(tenant.scope, "evening")

    def test_viewers_read_and_do_no_more(self, tenant: Tenant) -> None:
        row = made(tenant)
        viewer = Scope(tenant.business_id, tenant.add_user(user={"role": Role.VIEWER}), Role.VIEWER)
        assert len(list_schedules(viewer)) == 1
        for refused in (
            lambda: create(viewer, daily("Mine"), now=NOW),
            lambda: edit(viewer, row.id, at="09:00", now=NOW),
            lambda: pause(viewer, [row.id]),
            lambda: resume(viewer, [row.id]),
            lambda: delete(viewer, [row.id]),
        ):
            with pytest.raises(PermissionError, match="viewer"):
                refused()

    def test_another_tenants_schedule_is_not_there(self, tenant: Tenant) -> None:
        row = made(tenant)
        other = Scope.system(another(tenant))
        assert list_schedules(other) == []
        with pytest.raises(UserError, match="not there any more"):
            pause(other, [row.id])
        assert stored(tenant, row.id).is_active

    def test_who_made_it_is_kept(self, tenant: Tenant) -> None:
        maria = tenant.add_user()
        scope = Scope(tenant.business_id, maria, Role.MANAGER)
        assert create(scope, daily(), now=NOW).schedules[0].created_by == maria


def another(tenant: Tenant) -> UUID:
    from services.accounts import create_business

    return create_business("other", "Other").id


def run_of(tenant: Tenant, row: AutomationSchedule, *, slot: datetime | None = None) -> Any:
    return open_run("test", turn=Turn(schedule_id=row.id, schedule=row.name, slot=slot), force_mock=True)


class TestOutcomes:
    def fail(self, tenant: Tenant, row: AutomationSchedule) -> None:
        close_run(run_of(tenant, row), [], RuntimeError("the disk is full"))

    def test_a_run_is_written_down_with_its_schedule(self, tenant: Tenant) -> None:
        tenant.add_client()
        row = made(tenant)
        plan = run_of(tenant, row)
        close_run(plan, [])
        after = stored(tenant, row.id)
        (run,) = rows(tenant, JobRun)
        assert (after.last_run_at, after.last_run_state) == (run.started_at, RunState.COMPLETED)
        assert run.params["schedule"] == row.name

    def test_five_failures_in_a_row_stop_it_once_and_one_resume_starts_it(self, tenant: Tenant) -> None:
        row = made(tenant)
        for _ in range(FAILURES_ALLOWED - 1):
            self.fail(tenant, row)
        assert stored(tenant, row.id).is_active
        self.fail(tenant, row)
        stopped = stored(tenant, row.id)
        assert (stopped.is_active, stopped.paused_by) == (False, PausedBy.FAILURES)
        assert (stopped.consecutive_failures, stopped.sync_state) == (FAILURES_ALLOWED, SyncState.PENDING)
        assert "the disk is full" in stopped.last_error
        assert stopped.last_error_at is not None
        self.fail(tenant, row)
        assert actions(tenant).count("schedule.disabled") == 1
        assert list_schedules(tenant.scope)[0].standing == "stopped after 5 failures in a row"
        resume(tenant.scope, [row.id])
        again = stored(tenant, row.id)
        assert (again.is_active, again.paused_by, again.consecutive_failures) == (True, None, 0)

    def test_a_success_or_a_degraded_run_ends_the_row(self, tenant: Tenant) -> None:
        tenant.add_client()
        row = made(tenant)
        for reports in ([], [StageReport(stage="search", degraded=("google_news: Acme: 503",))]):
            self.fail(tenant, row)
            close_run(run_of(tenant, row), reports)
            assert stored(tenant, row.id).consecutive_failures == 0

    def test_closing_a_run_twice_counts_once(self, tenant: Tenant) -> None:
        row = made(tenant)
        plan = run_of(tenant, row)
        for _ in range(3):
            close_run(plan, [], RuntimeError("no"))
        assert stored(tenant, row.id).consecutive_failures == 1

    def test_a_run_whose_process_went_silent_counts(self, tenant: Tenant) -> None:
        row = made(tenant)
        plan = run_of(tenant, row)
        with writing(tenant.scope) as session:
            run = session.get_one(JobRun, plan.job_run_id)
            run.heartbeat_at = utc_now() - SILENT_FOR - timedelta(minutes=1)
        with writing(tenant.scope) as session:
            assert [one.id for one in bury(tenant.scope, session)] == [plan.job_run_id]
        after = stored(tenant, row.id)
        assert (after.last_run_state, after.consecutive_failures) == (RunState.CRASHED, 1)
        with writing(tenant.scope) as session:
            assert bury(tenant.scope, session) == []

    def test_a_signal_is_a_crash_and_a_persons_stop_is_not(self, tenant: Tenant) -> None:
        row = made(tenant)
        close_run(run_of(tenant, row), [], KeyboardInterrupt())
        assert stored(tenant, row.id).last_run_state is RunState.CRASHED
        close_run(run_of(tenant, row), [], KeyboardInterrupt(), cancelled=True)
        after = stored(tenant, row.id)
        assert (after.last_run_state, after.consecutive_failures) == (RunState.CANCELLED, 1)

    def test_a_run_found_dead_late_does_not_hide_a_newer_one(self, tenant: Tenant) -> None:
        tenant.add_client()
        row = made(tenant)
        lost = run_of(tenant, row)
        close_run(run_of(tenant, row), [])
        with writing(tenant.scope) as session:
            run = session.get_one(JobRun, lost.job_run_id)
            run.heartbeat_at = run.started_at = utc_now() - SILENT_FOR * 2
        with writing(tenant.scope) as session:
            bury(tenant.scope, session)
        assert stored(tenant, row.id).last_run_state is RunState.COMPLETED


class TestTurns:
    def turn(self, row: AutomationSchedule, **more: Any) -> Turn:
        return take_turn("test", row.id, **{"flow_run_id": None, "slot": SLOT, "now": SLOT} | more)

    def test_a_slot_is_worked_once(self, tenant: Tenant) -> None:
        row = made(tenant)
        first, second = self.turn(row, flow_run_id="a"), self.turn(row, flow_run_id="b")
        assert not first.skipped
        assert not second.skipped  # both saw the slot free
        open_run("test", turn=first, flow_run_id="a", force_mock=True)
        with pytest.raises(SlotTaken, match="2026-03-10 08:00"):
            open_run("test", turn=second, flow_run_id="b", force_mock=True)
        assert len(rows(tenant, JobRun)) == 1

    def test_a_flow_run_worked_by_another_process_is_left_to_it(self, tenant: Tenant) -> None:
        row = made(tenant)
        plan = open_run("test", turn=self.turn(row, flow_run_id="a"), flow_run_id="a", force_mock=True)
        with writing(tenant.scope) as session:
            session.get_one(JobRun, plan.job_run_id).holder = "another-machine:1"
        assert self.turn(row, flow_run_id="a", now=utc_now()).is_double

    def test_a_flow_run_may_be_tried_again_once_it_ended(self, tenant: Tenant) -> None:
        row = made(tenant)
        plan = open_run("test", turn=self.turn(row, flow_run_id="a"), flow_run_id="a", force_mock=True)
        close_run(plan, [], RuntimeError("no"))
        again = self.turn(row, flow_run_id="a")
        assert (again.skipped, again.slot, again.attempt) == ("", None, 2)
        open_run("test", turn=again, flow_run_id="a", force_mock=True)

    def test_an_older_slot_is_skipped_once_a_newer_one_was_taken(self, tenant: Tenant) -> None:
        row = made(tenant)
        open_run("test", turn=self.turn(row, slot=SLOT + timedelta(days=1)), force_mock=True)
        late = self.turn(row, now=SLOT + timedelta(days=1))
        assert "2026-03-11 08:00" in late.skipped
        skipped = next(run for run in rows(tenant, JobRun) if run.state is RunState.SKIPPED)
        assert (skipped.schedule_id, skipped.slot) == (row.id, None)
        assert "newer start" in skipped.error
        assert stored(tenant, row.id).last_run_at is None

    def test_what_waited_when_its_schedule_was_paused_or_deleted_does_nothing(self, tenant: Tenant) -> None:
        row = made(tenant)
        pause(tenant.scope, [row.id])
        assert self.turn(row).skipped == "its schedule is paused"
        assert self.turn(row, slot=None).skipped == ""  # a person started it
        delete(tenant.scope, [row.id])
        assert self.turn(row).skipped == "its schedule was deleted"
        assert self.turn(row, slot=None).skipped == "its schedule was deleted"

    def test_the_row_says_which_clients_and_archived_ones_are_left_out(self, tenant: Tenant) -> None:
        acme, gone = tenant.add_client(), tenant.add_client("Gone Ltd")
        row = made(tenant, client_ids=[acme, gone])
        archive(tenant, gone)
        turn = self.turn(row)
        assert turn.client_ids == (acme,)
        plan = open_run("test", client_names=["Gone Ltd"], turn=turn, force_mock=True)
        assert plan.client_ids == (acme,)
        archive(tenant, acme)
        with pytest.raises(UserError, match="none of the clients"):
            self.turn(row, slot=SLOT + timedelta(days=1))

    def test_a_run_handed_on_is_a_further_attempt_without_a_slot(self, tenant: Tenant) -> None:
        row = made(tenant)
        lost = open_run("test", turn=self.turn(row), force_mock=True)
        again = self.turn(row, slot=None, retry_of=lost.job_run_id)
        assert (again.attempt, again.slot, again.schedule_id) == (2, None, row.id)


def archive(tenant: Tenant, client_id: UUID) -> None:
    with writing(tenant.scope) as session:
        session.get_one(Client, client_id).archived_at = NOW


class TestTending:
    def test_without_prefect_nothing_breaks(self, tenant: Tenant) -> None:
        made(tenant)
        report = tend()
        assert (report.done, report.pending) == ([], 1)
        assert report.unreachable == "Prefect is not running"

    def test_a_tenant_that_is_ready_gets_its_first_schedule_once(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert tend().done == []  # no client yet
        tenant.add_client()
        assert tend().done == []  # no source either: each of its runs would fail
        from services.providers import enable

        enable(tenant.scope, "google_news")
        (line,) = tend().done
        assert "Every hour" in line
        (row,) = all_schedules(tenant.scope)
        assert (row.schedule_type, row.job_type) == (ScheduleType.HOURLY, JobType.CLIENT_MONITORING)
        delete(tenant.scope, [row.id])
        assert tend().done == []  # who deleted it does not want it back
        assert all_schedules(tenant.scope) == []

    def test_sync_with_a_server_that_does_not_answer_says_so(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made(tenant)
        monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
        report = sync(tenant.scope)
        assert "does not answer" in report.unreachable
        assert report.pending == 1

    def test_jobs_of_a_deleted_schedule_stay_and_keep_its_name(self, tenant: Tenant) -> None:
        from models.jobs import forget_schedule

        row = made(tenant)
        close_run(run_of(tenant, row, slot=SLOT), [], RuntimeError("no"))
        with writing(tenant.scope) as session:
            forget_schedule(tenant.scope, session, row.id)
        (run,) = rows(tenant, JobRun)
        assert (run.schedule_id, run.params["schedule"]) == (None, row.name)
        with reading(tenant.scope) as session:
            assert session.get(AutomationSchedule, row.id) is None
