"""The page Schedules: the list, the form of each type, what is done with one or several, who may."""

from datetime import time
from typing import Any
from uuid import UUID

import pytest
from apptest import open_page, signed_in
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from newsroom import add_run
from streamlit.testing.v1 import AppTest

from models.jobs import AutomationSchedule, JobType, PausedBy, RunState, ScheduleType, SyncState
from models.scope import Role, Scope
from services.run_start import Started, Where
from services.schedules import all_schedules, create, define
from services.signin import Viewer
from ui.views.schedules import page
from ui.views.schedules.bulk import confirm_delete
from ui.views.schedules.form import CHOSEN

HOSTILE = "<script>alert(1)</script> [x](https://evil.example)"


@pytest.fixture(autouse=True)
def without_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")


def look(monkeypatch: pytest.MonkeyPatch, tenant: Tenant, role: Role = Role.MANAGER, **query: str) -> AppTest:
    token, _ = signed_in(tenant, role)
    test = open_page(monkeypatch, token, page, **query).run()
    assert not test.exception
    return test


def text(test: AppTest) -> str:
    kinds = (test.title, test.markdown, test.caption, test.info, test.error, test.warning)
    return " ".join(str(one.value) for kind in kinds for one in kind).replace("\\", "").replace("\u2060", "")


def by_key(elements: Any, key: str) -> Any:
    return next(one for one in elements if one.key == key)


def press(test: AppTest, key: str) -> AppTest:
    by_key(test.button, key).click()
    test.run()
    assert not test.exception
    return test


def keys(test: AppTest) -> set[str]:
    return {str(one.key) for one in test.button}


def made(tenant: Tenant, name: str = "Mornings", **fields: Any) -> AutomationSchedule:
    definition = define(**{"name": name, "schedule_type": "weekly", "at": "08:00"} | fields)
    return create(tenant.scope, definition).schedules[0]


def kept(tenant: Tenant) -> list[AutomationSchedule]:
    return [row for row in rows(tenant, AutomationSchedule) if row.deleted_at is None]


def test_the_list_says_when_whom_and_how_it_went(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    row = made(tenant, client_ids=[acme], timezone="Europe/Berlin")
    other = made(tenant, "Nightly", schedule_type="daily", at="03:00")
    change(
        tenant,
        AutomationSchedule,
        AutomationSchedule.id == row.id,
        last_run_at=NOW,
        last_run_state=RunState.FAILED,
        consecutive_failures=2,
        last_error=HOSTILE,
        last_error_at=NOW,
    )
    change(
        tenant,
        AutomationSchedule,
        AutomationSchedule.id == other.id,
        is_active=False,
        paused_by=PausedBy.FAILURES,
    )
    test = look(monkeypatch, tenant)
    said = text(test)
    assert "Every weekday at 08:00, Europe/Berlin · Monitoring of Acme" in said
    assert "Every day at 03:00, UTC · Monitoring of all clients" in said
    assert "Failing" in said
    assert "2 failures in a row" in said
    assert "Stopped after 5 failures in a row" in said
    assert said.count("Next: ") == 1
    assert not any("[x](" in one.value or "<script>" in one.value for one in test.caption)


def test_what_prefect_does_not_know_yet_is_said_with_how_to_start_it(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = made(tenant)
    test = look(monkeypatch, tenant)
    assert "Prefect has not taken 1 schedule yet" in text(test)
    assert "`make up`" in text(test)
    press(test, "schedules-sync")
    assert "Prefect is not running" in test.warning[0].value
    change(tenant, AutomationSchedule, AutomationSchedule.id == row.id, sync_state=SyncState.IN_STEP)
    test.run()
    assert "has not taken" not in text(test)
    assert "Prefect:" not in text(test)


def test_an_empty_list_says_what_to_do(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No schedule yet" in text(look(monkeypatch, tenant))


def _fill(test: AppTest, kind: ScheduleType, name: str) -> AppTest:
    by_key(test.text_input, "name-new").set_value(name)
    by_key(test.selectbox, "type-new").set_value(kind)
    test.run()
    assert not test.exception
    return test


@pytest.mark.parametrize(
    ("kind", "says", "starts"),
    [
        (ScheduleType.HOURLY, "Every hour, on the hour, UTC", 5),
        (ScheduleType.DAILY, "Every day at 08:00, UTC", 5),
        (ScheduleType.WEEKLY, "Every weekday at 08:00, UTC", 5),
        (ScheduleType.MONTHLY, "On the 1st of every month at 08:00, UTC", 5),
        (ScheduleType.CUSTOM, "Monday through Friday", 5),
        (ScheduleType.MANUAL, "Only when somebody starts it", 0),
    ],
)
def test_each_type_is_said_in_words_and_made(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, kind: ScheduleType, says: str, starts: int
) -> None:
    test = _fill(look(monkeypatch, tenant, edit="new"), kind, "Mine")
    said = text(test)
    assert says in said
    coming = [one.value for one in test.markdown if one.value.startswith("Next, in your time")]
    assert sum(one.count("\n- ") for one in coming) == starts
    press(test, "schedule-save")
    (row,) = kept(tenant)
    assert (row.name, row.schedule_type, row.job_type) == ("Mine", kind, JobType.CLIENT_MONITORING)
    assert "edit" not in test.query_params
    assert "**Mine**" in text(test)


def test_the_line_follows_the_fields(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    tenant.add_client("Bolt")
    test = _fill(look(monkeypatch, tenant, edit="new"), ScheduleType.MONTHLY, "Month's end")
    by_key(test.number_input, "day-new").set_value(31)
    by_key(test.time_input, "at-new").set_value(time(17, 30))
    by_key(test.selectbox, "zone-new").set_value("Asia/Tokyo")
    by_key(test.radio, "for-new").set_value(CHOSEN)
    test.run()
    assert "choose at least one client, or all of them" in text(test)
    by_key(test.multiselect, "clients-new").set_value([acme])
    test.run()
    said = text(test)
    assert "On the last day of every month at 17:30, Asia/Tokyo" in said
    assert "there)" in said
    press(test, "schedule-save")
    (row,) = kept(tenant)
    assert row.config == {"at": "17:30", "day": 31, "days_back": 7}
    assert row.client_ids == [str(acme)]
    assert row.timezone == "Asia/Tokyo"


def test_a_digest_asks_for_no_clients(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    test = _fill(look(monkeypatch, tenant, edit="new"), ScheduleType.DAILY, "Mail")
    by_key(test.selectbox, "job-new").set_value(JobType.NOTIFICATION_DIGEST)
    test.run()
    assert not test.radio
    press(test, "schedule-save")
    (row,) = kept(tenant)
    assert row.job_type is JobType.NOTIFICATION_DIGEST
    assert row.client_ids is None


def test_what_is_wrong_is_said_and_nothing_made(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    test = _fill(look(monkeypatch, tenant, edit="new"), ScheduleType.CUSTOM, "")
    by_key(test.text_input, "cron-new").set_value("61 8 * * *")
    test.run()
    assert "no cron expression that Prefect knows: its minute '61' is not possible" in text(test)
    press(test, "schedule-save")
    assert "a schedule needs a name" in text(test)
    assert test.error
    by_key(test.text_input, "name-new").set_value("Named")
    press(test, "schedule-save")
    assert "61" in test.error[0].value
    assert not kept(tenant)


def test_editing_begins_with_what_is_there(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    row = made(tenant, weekdays=["mon", "thu"], timezone="Europe/Paris")
    made(tenant, "Taken", schedule_type="manual")
    test = press(look(monkeypatch, tenant), f"edit-{row.id}")
    assert "Every Monday and Thursday at 08:00, Europe/Paris" in text(test)
    by_key(test.text_input, f"name-{row.id}").set_value("Taken")
    press(test, "schedule-save")
    assert "there is a schedule called" in text(test)
    by_key(test.text_input, f"name-{row.id}").set_value("Twice a week")
    by_key(test.time_input, f"at-{row.id}").set_value(time(9))
    press(test, "schedule-save")
    after = next(one for one in kept(tenant) if one.id == row.id)
    assert after.name == "Twice a week"
    assert after.config == {"at": "09:00", "weekdays": [0, 3], "days_back": 7}


def test_pause_and_activate(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    row = made(tenant)
    test = press(look(monkeypatch, tenant), f"pause-{row.id}")
    assert not kept(tenant)[0].is_active
    assert "Paused" in text(test)
    press(test, f"activate-{row.id}")
    assert kept(tenant)[0].is_active
    assert f"pause-{row.id}" in keys(test)


def test_several_at_once(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (made(tenant, name) for name in ("A", "B", "C"))
    test = look(monkeypatch, tenant)
    assert "bulk-pause" not in keys(test)
    for row in (first, third):
        by_key(test.checkbox, f"tick-{row.id}").check()
    test.run()
    assert "2 schedules ticked" in text(test)
    press(test, "bulk-pause")
    assert {row.id for row in kept(tenant) if row.is_active} == {second.id}
    press(test, "bulk-activate")
    assert all(row.is_active for row in kept(tenant))


def delete_dialog(viewer: Viewer) -> None:
    """The dialog by itself: AppTest runs the whole script where a browser runs the dialog alone."""
    confirm_delete(viewer, {one.id: one.name for one in all_schedules(viewer.scope)})


def test_delete_asks_first(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    row = made(tenant)
    token, _ = signed_in(tenant)
    test = press(open_page(monkeypatch, token, page).run(), f"delete-{row.id}")
    assert "cannot be brought back" in text(test)
    press(open_page(monkeypatch, token, delete_dialog).run(), "delete-no")
    assert kept(tenant)
    press(open_page(monkeypatch, token, delete_dialog).run(), "delete-yes")
    assert not kept(tenant)


def test_run_now_is_a_run_of_the_schedule(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    row = made(tenant)
    asked: list[UUID] = []

    def start(_scope: Scope, one: AutomationSchedule) -> Started:
        asked.append(one.id)
        return Started(Where.HERE, "started on this machine", job_run_id=add_run(tenant))

    monkeypatch.setattr("ui.views.schedules.cards.start_schedule", start)
    press(look(monkeypatch, tenant), f"run-{row.id}")
    assert asked == [row.id]


def test_what_keeps_a_schedule_from_starting_is_said(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    row = made(tenant, job_type="notification_digest")
    test = press(look(monkeypatch, tenant), f"run-{row.id}")
    assert "digests are written by Prefect" in text(test)


def test_viewers_read_only(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    row = made(tenant)
    token, viewer = signed_in(tenant, Role.VIEWER)
    test = open_page(monkeypatch, token, page).run()
    assert "**Mornings**" in text(test)
    assert "You can read schedules" in text(test)
    assert not keys(test)
    assert not test.checkbox
    for wanted in ("new", str(row.id)):
        test = open_page(monkeypatch, token, page, edit=wanted).run()
        assert "You may not do this" in text(test)
        assert not test.text_input
    assert viewer.role is Role.VIEWER


def test_another_tenants_schedule_is_not_there(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = made(another_tenant(), "Secret plan")
    token, _ = signed_in(tenant, Role.OWNER)
    assert "Secret plan" not in text(open_page(monkeypatch, token, page).run())
    test = open_page(monkeypatch, token, page, edit=str(foreign.id)).run()
    assert "there is no schedule" in text(test)
    assert "Secret plan" not in text(test)
    assert not test.text_input
