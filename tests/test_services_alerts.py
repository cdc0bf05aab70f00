"""Alerts: opened once, told once to who must know, by mail and by webhook, and closed with a word when it is over."""

import json
import logging
import threading
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from fakes import NewsServer, Reply
from newsroom import add_run, mails
from typer.testing import CliRunner

from cli.main import app
from flows.send_digests import end_state, run_tick
from models.accounts import Business, User, UserState
from models.alerts import Alert, AlertKind
from models.audit import AuditLog
from models.clock import FixedClock
from models.engine import writing
from models.jobs import AutomationSchedule, JobType, PausedBy, RunState, ScheduleType
from models.limits import reserve, settle
from models.mail import (
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    EmailBody,
    Suppression,
)
from models.news import SourceResult, SourceState
from models.providers import ProviderConfig, ProviderHealth, ProviderKind
from models.scope import Role
from models.settings import get_settings
from services import sending
from services.alerts import beat, list_alerts, watch
from services.alerts.troubles import troubles
from services.alerts.words import WORDS, runbook
from services.doctor import State
from services.doctor.alerts import check_alerts
from services.prefect_runs import IDLE
from tasks.notify.stage import digest_batch
from tasks.plan import StageReport
from tasks.search.source import feed_breaker

TICK, HOUR, DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
PROJECT = Path(__file__).resolve().parent.parent


def settings_with(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"CM_{name.upper()}", value)
    get_settings.cache_clear()


def add_admin(tenant: Tenant, email: str = "ada@example.com", role: Role = Role.ADMIN, **user: Any) -> UUID:
    return tenant.add_user(email, user={"name": "Ada", "role": role, **user})


def switch(tenant: Tenant, name: str, kind: ProviderKind = ProviderKind.SOURCE, *, on: bool = True) -> None:
    tenant.add(ProviderConfig(business_id=tenant.business_id, kind=kind, name=name, is_enabled=on))


def break_down(
    tenant: Tenant, name: str = "tavily", kind: ProviderKind = ProviderKind.SOURCE, **row: Any
) -> UUID:
    values = {
        "failures": 6,
        "open_until": NOW + HOUR,
        "last_failed_at": NOW - timedelta(minutes=5),
        "last_ok_at": NOW - 5 * HOUR,
        "last_error": "api.tavily.example: answered 503",
    }
    return tenant.add(ProviderHealth(business_id=tenant.business_id, kind=kind, name=name, **values | row))


def mend(tenant: Tenant) -> None:
    change(tenant, ProviderHealth, open_until=None, failures=0)


def add_schedule(tenant: Tenant, name: str = "Hourly", **row: Any) -> UUID:
    values = {"job_type": JobType.CLIENT_MONITORING, "schedule_type": ScheduleType.HOURLY}
    return tenant.add(AutomationSchedule(business_id=tenant.business_id, name=name, **values | row))


def add_delivery(tenant: Tenant, **row: Any) -> UUID:
    at = NOW - 2 * HOUR
    values = {
        "recipient": "maria@example.com",
        "kind": DeliveryKind.DIGEST,
        "slot": "daily:2026-03-10",
        "next_attempt_at": NOW + HOUR,
        "created_at": at,
        "last_error": "smtp.example: no connection",
    }
    return tenant.add(Delivery(business_id=tenant.business_id, **values | row))


def spend_all(tenant: Tenant, now: datetime = NOW) -> None:
    with writing(tenant.scope) as session:
        name = f"ai-calls/{tenant.business_id}/day/{now:%Y-%m-%d}"
        settle(session, reserve(session, name, 1000, limit=1000), 1000)


def look_twice(tenant: Tenant, now: datetime = NOW) -> datetime:
    """Two ticks; when the second was."""
    watch(tenant.scope, now)
    watch(tenant.scope, now + TICK)
    return now + TICK


def seen(tenant: Tenant, now: datetime = NOW) -> list[tuple[AlertKind, str]]:
    return [(one.kind, one.subject) for one in troubles(tenant.scope, now)]


def told(tenant: Tenant, now: datetime = NOW) -> list[tuple[str, str]]:
    """(recipient, subject) of every alert mail that was sent, after sending what is due."""
    while digest_batch(tenant.business_id, now, clock=FixedClock(now)).done:
        pass
    sent = mails(tenant, kind=DeliveryKind.ALERT, state=DeliveryState.SENT)
    return sorted((mail.recipient, mail.subject) for mail in sent)


def text_of(tenant: Tenant, slot_end: str = "") -> str:
    [mail] = [mail for mail in mails(tenant, kind=DeliveryKind.ALERT) if mail.slot.endswith(slot_end)]
    [body] = rows(tenant, EmailBody, delivery_id=mail.id)
    message = message_from_bytes(zlib.decompress(body.mime), policy=policy.default)
    part = message.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def a_source(tenant: Tenant) -> None:
    switch(tenant, "tavily")
    break_down(tenant)


def no_source(tenant: Tenant) -> None:
    mend(tenant)


def silent(tenant: Tenant) -> None:
    tenant.add_client(created_at=NOW - 9 * DAY)
    add_run(tenant, state=RunState.COMPLETED, started_at=NOW - 4 * DAY, finished_at=NOW - 4 * DAY)


def searched(tenant: Tenant) -> None:
    change(tenant, Business, silent_days=60)


def stuck(tenant: Tenant) -> None:
    add_delivery(tenant)


def sent(tenant: Tenant) -> None:
    change(tenant, Delivery, Delivery.kind == DeliveryKind.DIGEST, state=DeliveryState.SENT)


def poor(tenant: Tenant) -> None:
    switch(tenant, "openai", ProviderKind.CLASSIFIER)
    spend_all(tenant)


def richer(tenant: Tenant) -> None:
    change(tenant, ProviderConfig, options={"calls_per_day": 0})


def disabled(tenant: Tenant) -> None:
    add_schedule(
        tenant, is_active=False, paused_by=PausedBy.FAILURES, consecutive_failures=5, last_error="no source"
    )


def enabled(tenant: Tenant) -> None:
    change(tenant, AutomationSchedule, is_active=True, paused_by=None)


def late(tenant: Tenant, name: str = "Hourly") -> UUID:
    schedule = add_schedule(tenant, name, created_at=NOW - DAY)
    add_run(tenant, schedule_id=schedule, slot=NOW.replace(hour=7, minute=0), started_at=NOW.replace(hour=7))
    return schedule


def begun(tenant: Tenant) -> None:
    [schedule] = rows(tenant, AutomationSchedule)
    add_run(tenant, schedule_id=schedule.id, slot=NOW.replace(minute=0), started_at=NOW)


Step = Callable[[Tenant], None]
KINDS: list[tuple[AlertKind, Step, Step, str]] = [
    (AlertKind.SOURCE_DOWN, a_source, no_source, "has not answered 6 times in a row"),
    (AlertKind.SILENT_DAYS, silent, searched, "No search for news has succeeded for 4 days"),
    (
        AlertKind.OUTBOX_STUCK,
        stuck,
        sent,
        "1 mail should have gone out, the oldest since 2026-03-10 07:30 UTC",
    ),
    (AlertKind.BUDGET_SPENT, poor, richer, "openai: 1000 calls a day are used up"),
    (
        AlertKind.SCHEDULE_DISABLED,
        disabled,
        enabled,
        "switched off after 5 failures in a row. The last error: no",
    ),
    (AlertKind.RUNS_LATE, late, begun, "It was due 2026-03-10 08:00 UTC and has not begun"),
]


@pytest.mark.parametrize(("kind", "wrong", "well", "says"), KINDS, ids=[kind for kind, *_ in KINDS])
def test_each_trouble_is_told_once_when_it_begins_and_once_when_it_ends(
    tenant: Tenant, kind: AlertKind, wrong: Step, well: Step, says: str
) -> None:
    add_admin(tenant)
    assert watch(tenant.scope, NOW).done == 0
    wrong(tenant)
    assert watch(tenant.scope, NOW).counts == {"opened": 1, "open": 1}
    assert mails(tenant, kind=DeliveryKind.ALERT) == []  # one look may be wrong
    assert watch(tenant.scope, NOW + TICK).counts == {"told": 1, "open": 1}
    [alert] = rows(tenant, Alert)
    assert (alert.kind, alert.opened_at, alert.closed_at, alert.mailed_at) == (kind, NOW, None, NOW + TICK)
    text = text_of(tenant)
    assert says in text
    assert "Noticed 2026-03-10 09:30 UTC." in text
    assert "What to do:" in text
    assert f"docs/runbook.md#{kind.value.replace('_', '-')}" in text
    later = NOW + 2 * TICK
    assert watch(tenant.scope, later).done == 0  # it is known
    assert rows(tenant, Alert)[0].seen_at == later
    well(tenant)
    over = NOW + 3 * TICK
    assert watch(tenant.scope, over).counts == {"closed": 1, "told": 1}
    assert "is not so any more since 2026-03-10 09:45 UTC" in text_of(tenant, ":over")
    assert watch(tenant.scope, over + TICK).done == 0
    title = WORDS[kind].title
    said = [subject for _, subject in told(tenant, over)]
    assert len(said) == 2
    assert [subject.startswith(("Over: " + title, title)) for subject in said] == [True, True]


def test_owners_and_admins_are_told_and_whom_it_concerns(tenant: Tenant) -> None:
    maria = tenant.add_user("maria@example.com")
    tenant.add_user("ivo@example.com")
    add_admin(tenant, "olga@example.com", Role.OWNER)
    add_admin(tenant, "gone@example.com", state=UserState.DEACTIVATED)
    quiet = add_admin(tenant, "quiet@example.com")
    tenant.add(Suppression(business_id=tenant.business_id, recipient="quiet@example.com", reason="complaint"))
    assert quiet
    disabled(tenant)
    change(tenant, AutomationSchedule, created_by=maria)
    look_twice(tenant)
    assert [recipient for recipient, _ in told(tenant, NOW + TICK)] == [
        "maria@example.com",
        "olga@example.com",
    ]
    [kept] = mails(tenant, recipient="quiet@example.com", kind=DeliveryKind.ALERT)
    assert (kept.state, "suppressed" in kept.last_error) == (DeliveryState.EMPTY, True)


def test_a_mail_that_was_not_posted_before_a_crash_is_posted_by_the_next_tick(tenant: Tenant) -> None:
    add_admin(tenant)
    a_source(tenant)
    look_twice(tenant)
    change(tenant, Alert, mailed_at=None)  # posted, and killed before that was written down
    watch(tenant.scope, NOW + 2 * TICK)
    assert len(mails(tenant, kind=DeliveryKind.ALERT)) == 1
    assert rows(tenant, Alert)[0].mailed_at == NOW + 2 * TICK


def test_what_is_over_with_the_next_look_is_told_nobody(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_admin(tenant)
    a_source(tenant)
    with NewsServer() as news:
        hook = Hook(news, monkeypatch)
        watch(tenant.scope, NOW)
        watch(
            tenant.scope, NOW + timedelta(seconds=1)
        )  # a second scheduler's look at the same time is no other
        mend(tenant)
        assert watch(tenant.scope, NOW + TICK).counts == {"closed": 1}
        watch(tenant.scope, NOW + 2 * TICK)
        assert hook.posts == []
    assert mails(tenant, kind=DeliveryKind.ALERT) == []
    assert [line.headline for line in list_alerts(tenant.scope, days=1, now=NOW + TICK)] == [
        "Over: Source down: tavily"
    ]


def test_two_ticks_at_once_open_and_close_it_once(tenant: Tenant) -> None:
    add_admin(tenant)
    a_source(tenant)

    def both(now: datetime, what: str) -> int:
        done: list[int] = []

        def look() -> None:
            done.append(watch(tenant.scope, now).counts.get(what, 0))

        threads = [threading.Thread(target=look) for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == 2
        return sum(done)

    assert both(NOW, "opened") == 1
    both(NOW + TICK, "told")
    assert len(mails(tenant, kind=DeliveryKind.ALERT)) == 1
    mend(tenant)
    assert both(NOW + 2 * TICK, "closed") == 1
    assert len(mails(tenant, kind=DeliveryKind.ALERT)) == 2


def test_a_trouble_that_comes_back_is_a_new_alert(tenant: Tenant) -> None:
    add_admin(tenant)
    a_source(tenant)
    look_twice(tenant)
    mend(tenant)
    look_twice(tenant, NOW + 2 * TICK)
    change(tenant, ProviderHealth, open_until=NOW + DAY, failures=9)
    look_twice(tenant, NOW + 4 * TICK)
    assert [row.closed_at is None for row in rows(tenant, Alert)] == [False, True]
    assert len(mails(tenant, kind=DeliveryKind.ALERT)) == 3


def test_the_demo_and_other_tenants_are_left_alone(tenant: Tenant) -> None:
    other = another_tenant()
    add_admin(other, "eve@example.com")
    add_admin(tenant)
    a_source(tenant)
    assert watch(other.scope, NOW).done == 0
    change(tenant, Business, Business.id == tenant.business_id, is_demo=True)
    assert watch(tenant.scope, NOW) == StageReport(stage="watch")
    assert rows(tenant, Alert) == rows(other, Alert) == []


# What counts as trouble


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({}, True),
        ({"last_ok_at": None}, True),
        ({"last_ok_at": NOW - timedelta(minutes=90)}, False),  # one run was lost
        ({"open_until": None}, False),
        ({"open_until": NOW - HOUR}, True),  # half open: nobody has tried it yet
        ({"last_failed_at": NOW - 9 * DAY}, False),  # nobody asks it any more
    ],
)
def test_a_source_is_down_when_it_has_not_answered_for_long(
    tenant: Tenant, row: dict[str, Any], wrong: bool
) -> None:
    switch(tenant, "tavily")
    break_down(tenant, **row)
    assert seen(tenant) == ([(AlertKind.SOURCE_DOWN, "tavily")] if wrong else [])


def test_what_is_switched_off_is_not_missed(tenant: Tenant) -> None:
    break_down(tenant, "brave")
    switch(tenant, "tavily", on=False)
    break_down(tenant, "tavily")
    assert seen(tenant) == []
    switch(tenant, "salesforce", ProviderKind.CRM)
    break_down(tenant, "salesforce", ProviderKind.CRM)
    assert seen(tenant) == [(AlertKind.SOURCE_DOWN, "salesforce")]


def test_a_feed_is_named_by_its_host_and_forgotten_when_it_is_read_no_more(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://feeds.example.com/private-key/a.xml?token=hunter2"
    breaker = feed_breaker("rss", address)
    break_down(tenant, breaker)
    run = add_run(tenant)
    result = {"source_api": "rss", "unit": address, "state": SourceState.FAILED, "created_at": NOW - DAY}
    tenant.add(SourceResult(business_id=tenant.business_id, job_run_id=run, **result))
    assert seen(tenant) == []  # CM_FEEDS names none
    settings_with(monkeypatch, feeds=address)
    [(_, subject)] = seen(tenant)
    assert subject == f"rss: feeds.example.com ({breaker.partition(':')[2][:6]})"
    change(tenant, SourceResult, created_at=NOW - 9 * DAY)
    assert seen(tenant) == []


def test_silence_is_counted_for_clients_that_are_watched_for_so_long(tenant: Tenant) -> None:
    assert seen(tenant) == []
    tenant.add_client(created_at=NOW - DAY)
    assert seen(tenant) == []
    tenant.add_client("Bolt", created_at=NOW - 4 * DAY)
    add_run(tenant, state=RunState.DEGRADED, started_at=NOW - HOUR, finished_at=NOW - HOUR)
    [trouble] = troubles(tenant.scope, NOW)
    assert trouble.detail == "Nothing at all was found about any of the 2 clients for 4 days."


def test_mail_is_stuck_when_it_is_late_and_not_when_it_is_retried_or_a_replays(tenant: Tenant) -> None:
    add_delivery(tenant, slot="fresh", created_at=NOW - timedelta(minutes=40))
    add_delivery(tenant, slot="replay", channel=Channel.FILE)
    add_delivery(tenant, slot="sent", state=DeliveryState.SENT)
    add_delivery(tenant, slot="failed", state=DeliveryState.FAILED)
    assert seen(tenant) == []
    add_delivery(tenant, slot="late")
    sending.hold(tenant.scope, "wrong footer")
    [trouble] = troubles(tenant.scope, NOW)
    assert "sending is on hold" in trouble.detail
    assert "wrong footer" in trouble.detail
    add_delivery(tenant, slot="lost", state=DeliveryState.UNKNOWN)
    assert seen(tenant) == [(AlertKind.OUTBOX_STUCK, "unknown"), (AlertKind.OUTBOX_STUCK, "waiting")]


def test_a_budget_is_spent_when_a_run_had_to_leave_stories(tenant: Tenant) -> None:
    counts = {"classify.ai_left_budget": 3}
    add_run(tenant, state=RunState.DEGRADED, counts=counts, started_at=NOW - 2 * HOUR)
    assert seen(tenant) == []  # there is no AI any more
    switch(tenant, "openai", ProviderKind.CLASSIFIER)
    [trouble] = troubles(tenant.scope, NOW)
    assert trouble.detail == "openai: a run's budget is used up. The last run left 3 stories to the rules."
    add_run(tenant, state=RunState.COMPLETED, counts={}, started_at=NOW - HOUR)
    assert seen(tenant) == []
    spend_all(tenant)
    assert seen(tenant) == [(AlertKind.BUDGET_SPENT, "AI")]
    assert seen(tenant, NOW + DAY) == []  # a new day has a budget of its own


def test_what_people_stopped_or_deleted_is_no_trouble(tenant: Tenant) -> None:
    add_schedule(tenant, is_active=False, paused_by=PausedBy.PERSON, created_at=NOW - DAY)
    add_schedule(tenant, is_active=False, paused_by=PausedBy.FAILURES, deleted_at=NOW)
    add_schedule(tenant, schedule_type=ScheduleType.MANUAL, created_at=NOW - DAY)
    assert seen(tenant) == []


def test_a_run_is_late_when_a_start_since_the_last_one_was_due_for_an_hour(tenant: Tenant) -> None:
    schedule = late(tenant)
    due = NOW.replace(hour=8, minute=0)
    assert seen(tenant, due + HOUR - timedelta(seconds=1)) == []
    assert seen(tenant, due + HOUR) == [(AlertKind.RUNS_LATE, "Hourly")]
    # A start that was skipped, because its turn was over, was made; so was one that still works.
    add_run(tenant, schedule_id=schedule, slot=due, started_at=due, state=RunState.SKIPPED)
    assert seen(tenant, due + HOUR) == []
    assert seen(tenant, due + 2 * HOUR) == [(AlertKind.RUNS_LATE, "Hourly")]
    # Nothing was due while it was paused.
    resumed = {"action": "schedule.resumed", "subject": str(schedule), "created_at": due + 2 * HOUR}
    tenant.add(AuditLog(business_id=tenant.business_id, **resumed))
    assert seen(tenant, due + 2 * HOUR + timedelta(minutes=30)) == []
    assert seen(tenant, due + 4 * HOUR) == [(AlertKind.RUNS_LATE, "Hourly")]


def test_a_schedule_that_was_just_made_or_never_comes_true_is_not_late(tenant: Tenant) -> None:
    add_schedule(tenant, created_at=NOW - timedelta(minutes=50))
    never = {"schedule_type": ScheduleType.CUSTOM, "cron": "0 0 30 2 *", "created_at": NOW - DAY}
    add_schedule(tenant, "Never", **never)
    assert seen(tenant) == []


def test_hostile_words_of_a_source_stay_words(tenant: Tenant) -> None:
    add_admin(tenant)
    switch(tenant, "tavily")
    break_down(tenant, last_error="x\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script>\u202e")
    late(tenant, "Hourly\r\nX-Evil: 1 <b>")
    look_twice(tenant)
    assert len(rows(tenant, EmailBody)) == 2
    for body in rows(tenant, EmailBody):
        message = message_from_bytes(zlib.decompress(body.mime), policy=policy.default)
        assert not {"Bcc", "X-Evil"} & set(message.keys())
        page = message.get_body(("html",))
        assert page is not None
        assert "<script" not in page.get_content()
        assert "<b>" not in page.get_content()


# The webhook and the heartbeat


class Hook:
    """An operator's webhook at a loopback address, and what it was told."""

    def __init__(self, news: NewsServer, monkeypatch: pytest.MonkeyPatch, *replies: Reply) -> None:
        self._news = news
        address = news.serve("/hook/hunter2", *(replies or (Reply(b"ok", media_type="text/plain"),)))
        settings_with(monkeypatch, alert_webhook=address)

    @property
    def posts(self) -> list[dict[str, Any]]:
        return [json.loads(asked.body) for asked in self._news.asked]


def test_the_webhook_is_told_of_the_beginning_and_the_end(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with NewsServer() as news:
        hook = Hook(news, monkeypatch)
        settings_with(monkeypatch, runbook_url="https://wiki.example/runbook")
        a_source(tenant)
        for tick in range(4):
            assert watch(tenant.scope, NOW + tick * TICK).degraded == ()
        mend(tenant)
        watch(tenant.scope, NOW + 3 * HOUR)
        watch(tenant.scope, NOW + 4 * HOUR)
        begun, over = hook.posts
        assert {asked.method for asked in news.asked} == {"POST"}
    [alert] = rows(tenant, Alert)
    detail = (
        "It has not answered 6 times in a row; it last did 2026-03-10 04:30 UTC. "
        "The last error: api.tavily.example: answered 503"
    )
    assert begun == {
        "text": f"test: Source down: tavily. {detail}",
        "id": str(alert.id),
        "business": "test",
        "kind": "source_down",
        "subject": "tavily",
        "detail": detail,
        "state": "open",
        "since": "2026-03-10T09:30:00+00:00",
        "until": None,
        "runbook": "https://wiki.example/runbook#source-down",
    }
    assert (over["state"], over["until"], over["id"]) == ("over", "2026-03-10T12:30:00+00:00", begun["id"])
    assert over["text"].startswith("test: Over: Source down: tavily.")


def test_a_webhook_that_fails_breaks_nothing_and_is_told_by_a_later_tick_in_order(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add_admin(tenant)
    a_source(tenant)
    good = Reply(b"ok", media_type="text/plain")
    with NewsServer() as news:
        hook = Hook(news, monkeypatch, Reply(status=500), Reply(status=500), good)
        watch(tenant.scope, NOW - TICK)
        report = watch(tenant.scope, NOW)
        [line] = report.degraded
        assert (report.done, "answered 500" in line, "hunter2" in line) == (1, True, False)
        assert len(mails(tenant, kind=DeliveryKind.ALERT)) == 1
        [check] = [one for one in check_alerts(get_settings(), FixedClock(NOW)) if "webhook" in one.message]
        assert (check.state, "500" in check.message) == (State.WARN, True)
        mend(tenant)
        assert watch(tenant.scope, NOW + TICK).degraded == (line,)
        assert watch(tenant.scope, NOW + 2 * TICK).degraded == ()
        assert [post["state"] for post in hook.posts] == ["open", "open", "open", "over"]
    [alert] = rows(tenant, Alert)
    assert (alert.post_error, alert.posted_at, alert.end_posted_at) == ("", NOW + 2 * TICK, NOW + 2 * TICK)
    assert "hunter2" not in caplog.text
    assert [one.state for one in check_alerts(get_settings(), FixedClock(NOW))] == [State.OK]


def test_a_webhook_named_later_hears_of_what_is_still_so_and_of_yesterday_no_more(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    disabled(tenant)
    late(tenant, "Over")
    long_ago = look_twice(tenant, NOW - 2 * DAY)
    change(tenant, AutomationSchedule, AutomationSchedule.name == "Over", is_active=False)
    watch(tenant.scope, long_ago + TICK)
    watch(tenant.scope, NOW)
    with NewsServer() as news:
        hook = Hook(news, monkeypatch)
        watch(tenant.scope, NOW)
        assert [post["subject"] for post in hook.posts] == ["Hourly"]


@pytest.mark.parametrize("name", ["alert_webhook", "heartbeat_url"])
def test_an_address_that_is_a_key_is_encrypted_or_stays_on_this_machine(
    db: object, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for good in ("https://hooks.example/T0/B0", "http://127.0.0.1:9/x", ""):
        settings_with(monkeypatch, **{name: good})
        assert "hooks.example" not in repr(get_settings())
    for bad in ("http://hooks.example/T0", "file:///etc/passwd"):
        settings_with(monkeypatch, **{name: bad})
        with pytest.raises(ValueError, match="https address"):
            get_settings()
    monkeypatch.delenv(f"CM_{name.upper()}")
    get_settings.cache_clear()


def test_the_heartbeat_asks_once_and_its_failure_is_a_line_in_the_log(
    db: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert beat() is False  # nobody is to be told
    with NewsServer() as news:
        address = news.serve("/ping/hunter2", Reply(b"OK", media_type="text/plain"), Reply(status=500))
        settings_with(monkeypatch, heartbeat_url=address)
        assert beat() is True
        with caplog.at_level(logging.WARNING):
            assert beat() is False
        assert [asked.method for asked in news.asked] == ["GET", "GET"]
    assert beat() is False
    assert caplog.text.count("heartbeat: ") == 2
    assert "hunter2" not in caplog.text


# The tick


def test_a_tick_sends_then_looks_then_sends_what_was_said(tenant: Tenant) -> None:
    done: list[str] = []
    reports = {"send": [1, 0, 2, 0], "look": [1]}

    def step(name: str) -> Callable[[UUID, datetime], StageReport]:
        def take(business_id: UUID, now: datetime) -> StageReport:
            assert (business_id, now) == (tenant.business_id, NOW)
            done.append(name)
            return StageReport(stage=name, done=reports[name].pop(0), counts={"sent": 1})

        return take

    total = run_tick([tenant.business_id], NOW, send=step("send"), look=step("look"))
    assert done == ["send", "send", "look", "send", "send"]
    assert total.done == 4


def test_a_look_that_breaks_keeps_no_mail_waiting(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    sent_to: list[UUID] = []

    def send(business_id: UUID, _now: datetime) -> StageReport:
        sent_to.append(business_id)
        return StageReport(stage="notify")

    def look(_business_id: UUID, _now: datetime) -> StageReport:
        raise ZeroDivisionError("hunter2")

    other = another_tenant().business_id
    total = run_tick([tenant.business_id, other], NOW, send=send, look=look)
    assert sent_to == [tenant.business_id, other]
    assert total.degraded == ("alerts: ZeroDivisionError",)
    state = end_state(total)
    assert (state.name, state.message) == ("Degraded", "alerts: ZeroDivisionError")


def test_a_tick_is_idle_only_when_it_did_nothing() -> None:
    assert end_state(StageReport(stage="tick", counts={"open": 2})).name == IDLE
    assert end_state(StageReport(stage="tick", done=1, counts={"sent": 1})).message == "1 mail sent"
    assert end_state(StageReport(stage="tick", done=1)).name == "Completed"


# Reading them


def test_alerts_are_listed_and_doctor_names_them(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = add_admin(tenant)
    a_source(tenant)
    late(tenant)
    look_twice(tenant)
    begun(tenant)
    watch(tenant.scope, NOW + 2 * TICK)
    [now_wrong] = list_alerts(tenant.scope, now=NOW + DAY)
    assert (now_wrong.headline, now_wrong.until) == ("Source down: tavily", None)
    assert "--business test" in now_wrong.mend
    both = list_alerts(tenant.scope, days=7, now=NOW + DAY)
    assert [one.headline for one in both] == ["Source down: tavily", "Over: Runs late: Hourly"]
    with pytest.raises(PermissionError):
        list_alerts(type(tenant.scope)(tenant.business_id, ada, Role.MANAGER))
    [check] = check_alerts(get_settings(), FixedClock(NOW + DAY))
    assert check.state is State.WARN
    assert "test: Source down: tavily, since 2026-03-10 09:30 UTC" in check.message
    assert "docs/runbook.md#source-down" in check.mend

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["alerts", *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "Source down: tavily  since 2026-03-10 09:30 UTC" in run()
    assert json.loads(run("--json"))["alerts"][0]["kind"] == "source_down"
    mend(tenant)
    watch(tenant.scope, NOW + 3 * TICK)
    assert run() == "nothing is wrong\n"
    assert [check.state for check in check_alerts(get_settings(), FixedClock(NOW))] == [State.OK]


def test_the_runbook_has_a_section_for_each_kind() -> None:
    text = (PROJECT / "docs" / "runbook.md").read_text(encoding="utf-8")
    headings = {line[3:].strip() for line in text.splitlines() if line.startswith("## ")}
    for kind in AlertKind:
        title = WORDS[kind].title
        assert title in headings
        # The anchor that a Markdown page makes of that heading.
        assert runbook(kind, "").endswith("#" + title.lower().replace(" ", "-"))


def test_one_person_of_two_roles_is_written_to_once(tenant: Tenant) -> None:
    ada = add_admin(tenant)
    late(tenant)
    change(tenant, AutomationSchedule, created_by=ada)
    look_twice(tenant)
    assert len(mails(tenant, kind=DeliveryKind.ALERT)) == 1
    assert rows(tenant, User)[0].id == ada
