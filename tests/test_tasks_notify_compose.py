"""Planning and composing: what a tick or window takes along, within the reader's limits, and what the mail says."""

import itertools
from collections import Counter
from datetime import date, time, timedelta

import pytest
from conftest import NOW, Tenant
from newsroom import add_event, add_run, add_story, mails, notes, plan_for
from sqlalchemy import update
from sqlmodel import col, select

from models.accounts import Business, Frequency, UserPreference
from models.base import new_id
from models.clients import Client, Tier
from models.clock import FixedClock
from models.crm import CrmSnapshot
from models.engine import reading, writing
from models.events import Decision, Event, Insight, Stage
from models.mail import (
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    NotificationState,
    Route,
    SkipReason,
)
from models.news import SourceResult, SourceState
from models.scope import Scope
from tasks.filter.stage import filter_batch
from tasks.notify.compose import crm_line, draft
from tasks.notify.letter import Letter
from tasks.notify.planning import plan_digests
from tasks.notify.render import render
from tasks.notify.stage import digest_batch, notify_batch
from tasks.notify.transports.transport import About, Envelope, Limits, Outcome, Result
from tasks.plan import StageReport

DAY = timedelta(days=1)
IN_MAIL = {
    DeliveryState.INTENT: NotificationState.ATTACHED,
    DeliveryState.SENT: NotificationState.DELIVERED,
    DeliveryState.FAILED: NotificationState.FAILED,
    DeliveryState.UNKNOWN: NotificationState.UNKNOWN,
}


class Answers:
    """A transport that gives each mail the next result, and keeps what it accepted."""

    name = "answers"
    about = About(title="A test's", recipient="", sends="")
    idempotent = False
    verbatim = True
    limits = Limits()

    def __init__(self, *results: Result) -> None:
        self.results = list(results)
        self.accepted: list[Envelope] = []

    def send(self, envelope: Envelope) -> Outcome:
        result = self.results.pop(0) if self.results else Result.SENT
        if result is Result.SENT:
            self.accepted.append(envelope)
        return Outcome(result, "as told")

    def close(self) -> None:
        pass


def change(tenant: Tenant, model, **values) -> None:
    with writing(tenant.scope) as session:
        session.exec(update(model).values(**values))


def decide(tenant: Tenant, now=NOW, **plan) -> StageReport:
    return filter_batch(plan_for(tenant, as_of=now, **plan), 1000)


def digest(tenant: Tenant, now=NOW, transport=None, **more) -> StageReport:
    transport = transport or Answers()
    return digest_batch(tenant.business_id, now, transport=transport, clock=FixedClock(now), **more)


def instant(tenant: Tenant, now=NOW, transport=None) -> StageReport:
    transport = transport or Answers()
    return notify_batch(plan_for(tenant, as_of=now), transport=transport, clock=FixedClock(now))


def letters(tenant: Tenant, now=NOW) -> list[Letter | None]:
    """What each planned mail would say."""
    with reading(tenant.scope) as session:
        rows = session.exec(
            select(Delivery)
            .where(Delivery.state == DeliveryState.INTENT)
            .order_by(col(Delivery.recipient), col(Delivery.window_start))
        ).all()
        return [draft(tenant.scope, session, row, now=now).letter for row in rows]


def plan_and_read(tenant: Tenant, now=NOW) -> Letter:
    plan_digests(tenant.scope, now, clock=FixedClock(now))
    (letter,) = letters(tenant, now)
    assert letter is not None
    return letter


def test_a_digest_keeps_its_limits_and_says_how_many_wait_in_the_app(tenant):
    clients = [tenant.add_client(name) for name in ("Acme", "Borealis", "Corvus", "Dunlin", "Egret")]
    tenant.add_user(clients=tuple(clients))
    for number, client in itertools.product(range(5), clients):
        relevance = 0.95 - number / 10 - clients.index(client) / 100
        add_event(tenant, client, f"{clients.index(client)}-{number}", relevance=relevance)
    decide(tenant)
    letter = plan_and_read(tenant)
    shown = [item.title for section in letter.sections for item in section.items]
    assert len(shown) == 10
    assert sorted(shown) == sorted(f"{client}-{number}" for client in range(5) for number in range(2))
    assert [section.client for section in letter.sections] == [
        "Acme",
        "Borealis",
        "Corvus",
        "Dunlin",
        "Egret",
    ]
    assert (letter.more, [section.more for section in letter.sections]) == (15, [3] * 5)
    (mail,) = mails(tenant)
    assert (mail.item_count, mail.more_count) == (10, 15)
    over = notes(tenant, reason=SkipReason.OVER_LIMIT)
    assert len(over) == 15
    assert all(note.state is NotificationState.SKIPPED and note.delivery_id == mail.id for note in over)


def test_three_a_client_and_the_persons_own_limits(tenant):
    acme = tenant.add_client()
    tenant.add_user("a@example.com", clients=(acme,))
    tenant.add_user("b@example.com", clients=(acme,), max_items_per_client=2, max_items_per_digest=1)
    for number in range(5):
        add_event(tenant, acme, f"N{number}", relevance=0.9 - number / 20)
    decide(tenant)
    plan_digests(tenant.scope, NOW, clock=FixedClock(NOW))
    first, second = letters(tenant)
    assert [item.title for item in first.sections[0].items] == ["N0", "N1", "N2"]
    assert [item.title for item in second.sections[0].items] == ["N0"]
    assert (first.more, second.more) == (2, 4)


def test_one_story_of_several_clients_stands_once_and_names_all(tenant):
    acme, other, third = (tenant.add_client(name) for name in ("Acme", "Borealis", "Corvus"))
    tenant.add_user(clients=(acme, other))
    story = add_story(tenant, "Joint venture", outlets=4)
    add_event(tenant, acme, "Joint venture", story_id=story, relevance=0.7)
    add_event(tenant, other, "Joint venture", story_id=story, relevance=0.9)
    add_event(tenant, third, "Joint venture", story_id=story, relevance=0.9)
    decide(tenant)
    letter = plan_and_read(tenant)
    (section,) = letter.sections
    (item,) = section.items
    assert (section.client, item.also_concerns, item.outlets) == ("Borealis", ("Acme",), 4)
    assert mails(tenant)[0].item_count == 1
    digest(tenant)
    assert {note.state for note in notes(tenant)} == {NotificationState.DELIVERED}


def test_what_an_item_carries(tenant):
    acme = tenant.add_client("Acme", tier=Tier.STRATEGIC)
    tenant.add_user(clients=(acme,), user={"timezone": "Europe/Berlin"}, digest_time=time(9, 0))
    event = add_event(tenant, acme, "Acme is sued", risk="high", sentiment=-0.4, summary="In short.")
    tenant.add(Insight(business_id=tenant.business_id, event_id=event, meaning="Risk", actions=["Call them"]))
    tenant.add(
        CrmSnapshot(
            business_id=tenant.business_id,
            client_id=acme,
            provider="salesforce",
            owner_name="Jane Doe",
            open_pipeline=250_000,
            currency="EUR",
            renewal_on=date(2026, 9, 1),
            taken_at=NOW - 3 * DAY,
        )
    )
    decide(tenant)
    letter = plan_and_read(tenant)
    assert (letter.kind, letter.business, letter.recipient_email) == ("daily", "Test", "maria@example.com")
    assert letter.at == NOW.replace(hour=8, minute=0), "09:00 in Berlin"
    assert letter.app_url == "http://127.0.0.1:8501"
    (section,) = letter.sections
    assert section.crm_line == (
        "Strategic tier · open pipeline 250,000 EUR · renewal 1 Sep 2026 · owner Jane Doe · CRM data 2 days old"
    )
    (item,) = section.items
    assert (item.action, item.risk, item.sentiment, item.is_mock) == ("Call them", "high", -0.4, False)
    assert item.url == "https://news.example/acme-is-sued"
    assert (item.source, item.summary, item.category) == ("The Example", "In short.", "funding")
    assert not item.is_late


def test_invented_news_is_marked_in_a_replay(tenant):
    acme = tenant.add_client("Acme")
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme, "Acme is sued", is_mock=True)
    decide(tenant, deliver=False)
    plan_digests(tenant.scope, NOW, channel=Channel.FILE, clock=FixedClock(NOW))
    (letter,) = letters(tenant)
    assert letter is not None
    assert [item.is_mock for section in letter.sections for item in section.items] == [True]


@pytest.mark.parametrize("is_demo", [False, True])
def test_invented_crm_facts_are_shown_to_demo_tenants_only(tenant, is_demo):
    with writing(Scope.operator()) as session:
        session.exec(update(Business).values(is_demo=is_demo))
    acme = tenant.add_client("Acme", tier=None)
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme)
    tenant.add(
        CrmSnapshot(
            business_id=tenant.business_id, client_id=acme, provider="mock", owner_name="X", taken_at=NOW
        )
    )
    decide(tenant)
    assert plan_and_read(tenant).sections[0].crm_line == ("owner X" if is_demo else "")


def test_crm_line_of_a_client_nothing_is_known_of():
    client = Client(business_id=new_id(), name="Acme")
    assert crm_line(None, client, at=NOW, max_age=DAY) == ""
    empty = CrmSnapshot(business_id=new_id(), client_id=client.id, provider="x", taken_at=NOW - 3 * DAY)
    assert crm_line(empty, client, at=NOW, max_age=DAY) == "", "of nothing there is no age"


@pytest.mark.parametrize(
    ("health", "line"), [("healthy", ""), ("at risk", "health: at risk"), ("Red", "health: Red"), (None, "")]
)
def test_crm_line_tells_a_health_that_is_not_good(health, line):
    client = Client(business_id=new_id(), name="Acme")
    snapshot = CrmSnapshot(
        business_id=new_id(), client_id=client.id, provider="x", taken_at=NOW, health=health
    )
    assert crm_line(snapshot, client, at=NOW, max_age=DAY) == line


def test_nothing_waiting_is_an_empty_slot_and_no_mail(tenant):
    tenant.add_user()
    transport = Answers()
    report = digest(tenant, transport=transport)
    assert (report.counts["empty"], transport.accepted) == (1, [])
    assert [(mail.state, mail.slot) for mail in mails(tenant)] == [(DeliveryState.EMPTY, "daily:2026-03-10")]
    assert digest(tenant).done == 0


def test_a_degraded_source_is_said_even_when_there_is_no_news(tenant):
    acme, secret = tenant.add_client("Acme"), tenant.add_client("Secret", confidential=True)
    tenant.add_user(clients=(acme,))
    run = add_run(tenant)
    for unit, client, state in (
        ("https://feeds.example/rss?key=hidden", None, SourceState.FAILED),
        ("acme", acme, SourceState.QUOTA),
        ("secret", secret, SourceState.QUOTA),
        ("fine", None, SourceState.OK),
    ):
        tenant.add(
            SourceResult(
                business_id=tenant.business_id,
                job_run_id=run,
                source_api="rss" if client is None else "google_news",
                unit=unit,
                client_id=client,
                state=state,
            )
        )
    transport = Answers()
    plan_digests(tenant.scope, NOW, clock=FixedClock(NOW))
    (letter,) = letters(tenant)
    assert letter.degraded == (
        "rss (feeds.example) could not be read",
        "google_news reached its limit of calls for Acme",
    )
    digest(tenant, transport=transport)
    assert len(transport.accepted) == 1
    add_run(tenant, started_at=NOW + DAY * 999)
    assert digest(tenant, NOW + DAY).counts.get("empty") == 1, "the newest run reads everything again"


def test_weekly_readers_have_a_weekly_window(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,), frequency=Frequency.WEEKLY, digest_day_of_week=1)
    add_event(tenant, acme)
    decide(tenant)
    assert plan_and_read(tenant).kind == "weekly"
    assert [mail.slot for mail in mails(tenant)] == ["weekly:2026-W11"]
    digest(tenant, NOW + 6 * DAY)
    assert len(mails(tenant)) == 1


def test_a_weekly_digest_begins_with_the_week_in_numbers(tenant):
    acme, other, quiet, nobodys = (tenant.add_client(name) for name in ("Acme", "Other", "Quiet", "Nobodys"))
    tenant.add_user(clients=(acme, other, quiet), frequency=Frequency.WEEKLY, digest_day_of_week=1)
    for number, ago in enumerate((1, 2, 3, 9)):
        add_event(tenant, acme, f"Acme {number}", at=NOW - ago * DAY)
    add_event(tenant, other, "Other 1", at=NOW - 2 * DAY)
    add_event(tenant, other, "Other 2", at=NOW - 10 * DAY)
    add_event(tenant, other, "Other 3", at=NOW - 11 * DAY)
    add_event(tenant, quiet, "Quiet 1", at=NOW - 12 * DAY)
    add_event(tenant, nobodys, "Nobodys 1", at=NOW - DAY)
    decide(tenant)
    letter = plan_and_read(tenant)
    assert [(row.client, row.this_week, row.last_week) for row in letter.trend] == [
        ("Acme", 3, 1),
        ("Other", 1, 2),
    ]
    rendered = render(letter)
    assert "- Acme: 3 this week, 1 the week before (2 more)" in rendered.text
    assert "- Other: 1 this week, 2 the week before (1 fewer)" in rendered.text
    assert rendered.html.index("The week in numbers") < rendered.html.rindex("Acme 0")


def test_before_the_first_window_of_the_day_yesterdays_is_the_latest(tenant):
    tenant.add_user(digest_time=time(23, 0))
    digest(tenant)
    assert [mail.slot for mail in mails(tenant)] == ["daily:2026-03-09"]


def test_an_unknown_zone_is_told_and_read_as_utc(tenant):
    tenant.add_user(user={"timezone": "Nowhere/Land"})
    report = digest(tenant)
    assert report.degraded == ("maria@example.com: unknown time zone 'Nowhere/Land', UTC is used",)
    assert mails(tenant)[0].window_start == NOW.replace(hour=8, minute=0)


def test_after_a_pause_the_latest_window_once_and_the_others_coalesced(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    digest(tenant, NOW - 5 * DAY)
    for days in (4, 2, 0):
        add_event(tenant, acme, f"From {days} days ago", at=NOW - days * DAY - timedelta(hours=3))
    decide(tenant)
    transport = Answers()
    report = digest(tenant, transport=transport)
    assert report.counts["coalesced"] == 4
    assert len(transport.accepted) == 1
    assert [(mail.slot[-2:], mail.state) for mail in mails(tenant)] == [
        ("05", DeliveryState.EMPTY),
        *((f"{day:02}", DeliveryState.COALESCED) for day in (6, 7, 8, 9)),
        ("10", DeliveryState.SENT),
    ]


def test_old_items_are_marked_late_and_stale_ones_left_out(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme, "Fresh")
    add_event(tenant, acme, "Late", at=NOW - 4 * DAY)
    decide(tenant)
    add_event(tenant, acme, "Stale by now", at=NOW - 7 * DAY)
    decide(tenant, NOW - DAY)
    letter = plan_and_read(tenant, NOW + 2 * DAY)
    assert {item.title: item.is_late for item in letter.sections[0].items} == {"Fresh": True, "Late": True}
    assert len(notes(tenant, reason=SkipReason.STALE)) == 1


def test_coalesced_windows_go_back_a_fortnight_at_most(tenant):
    tenant.add_user()
    digest(tenant, NOW - 60 * DAY)
    assert digest(tenant).counts["coalesced"] == 14


def test_mail_nobody_could_take_is_not_sent_as_a_pile(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme, "First")
    decide(tenant)
    digest(tenant, transport=Answers(Result.UNAVAILABLE))
    add_event(tenant, acme, "Second", at=NOW)
    decide(tenant, NOW + DAY)
    transport = Answers()
    digest(tenant, NOW + DAY, transport)
    assert len(transport.accepted) == 1
    body = transport.accepted[0].data
    assert b"First" in body
    assert b"Second" in body
    assert [mail.state for mail in mails(tenant)] == [DeliveryState.COALESCED, DeliveryState.SENT]
    assert {note.state for note in notes(tenant)} == {NotificationState.DELIVERED}


def test_history_comes_with_the_first_digest_marked(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,), frequency=Frequency.INSTANT)
    for relevance in (0.9, 0.8, 0.7):
        add_event(tenant, acme, f"Old {relevance}", relevance=relevance, is_history=True, at=NOW - 20 * DAY)
    decide(tenant)
    assert instant(tenant).counts.get("planned") is None
    letter = plan_and_read(tenant)
    items = letter.sections[0].items
    assert [(item.title, item.is_history) for item in items] == [("Old 0.9", True), ("Old 0.8", True)]


def test_instant_mail_goes_with_the_tick_and_no_digest_repeats_it(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,), frequency=Frequency.INSTANT)
    add_event(tenant, acme)
    decide(tenant)
    transport = Answers()
    assert instant(tenant, NOW + timedelta(minutes=4), transport).counts["sent"] == 1
    (mail,) = mails(tenant)
    assert (mail.kind, mail.slot) == (DeliveryKind.EVENT, "instant:2026-03-10T09:30Z")
    digest(tenant, NOW + DAY, transport)
    assert len(transport.accepted) == 1


def test_three_instant_mails_a_local_day_and_the_rest_in_the_digest(tenant):
    acme = tenant.add_client()
    tenant.add_user(
        clients=(acme,), frequency=Frequency.INSTANT, user={"timezone": "Pacific/Auckland"}
    )  # 22:30 there
    transport = Answers()
    digest(tenant)  # the day's window is used
    for number in range(5):
        add_event(tenant, acme, f"N{number}")
        decide(tenant)
        instant(tenant, NOW + number * timedelta(minutes=5), transport)
    assert len(transport.accepted) == 3
    assert len(notes(tenant, state=NotificationState.WAITING, route=Route.DIGEST)) == 2
    add_event(tenant, acme, "After midnight there")
    decide(tenant)
    instant(tenant, NOW + timedelta(hours=2), transport)
    assert len(transport.accepted) == 4
    digest(tenant, NOW + DAY, transport)
    assert len(transport.accepted) == 5
    assert {note.state for note in notes(tenant)} == {NotificationState.DELIVERED}


def test_what_an_instant_mail_has_no_room_for_goes_into_the_digest(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,), frequency=Frequency.INSTANT)
    for number in range(5):
        add_event(tenant, acme, f"N{number}", relevance=0.9 - number / 50)
    decide(tenant)
    report = instant(tenant)
    assert (report.counts["planned"], report.counts["to_digest"]) == (1, 2)
    assert Counter(note.route for note in notes(tenant)) == {Route.INSTANT: 3, Route.DIGEST: 2}


def test_no_instant_mail_at_all_when_the_limit_is_none(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,), frequency=Frequency.INSTANT, max_instant_per_day=0)
    add_event(tenant, acme)
    decide(tenant)
    assert instant(tenant).counts["to_digest"] == 1
    assert mails(tenant) == []


def test_instant_items_wait_for_the_end_of_quiet_hours(tenant):
    acme = tenant.add_client()
    tenant.add_user(
        clients=(acme,), frequency=Frequency.INSTANT, quiet_from=time(9, 0), quiet_until=time(10, 0)
    )
    add_event(tenant, acme)
    decide(tenant)
    assert instant(tenant).counts["quiet"] == 1
    digest(tenant)
    assert [note.state for note in notes(tenant)] == [NotificationState.WAITING]
    transport = Answers()
    digest(tenant, NOW + timedelta(minutes=30), transport)
    assert len(transport.accepted) == 1
    assert [mail.kind for mail in mails(tenant)] == [DeliveryKind.DIGEST, DeliveryKind.EVENT]


def test_who_turns_from_instant_to_digest_gets_what_waits_in_the_digest(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,), frequency=Frequency.INSTANT)
    add_event(tenant, acme)
    decide(tenant)
    change(tenant, UserPreference, notification_frequency=Frequency.DAILY)
    digest(tenant)
    (note,) = notes(tenant)
    assert (note.state, note.route) == (NotificationState.DELIVERED, Route.DIGEST)
    assert [mail.kind for mail in mails(tenant)] == [DeliveryKind.DIGEST]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"notification_enabled": False}, SkipReason.NOTIFICATIONS_OFF),
        ({"email_notifications_enabled": False}, SkipReason.EMAIL_OFF),
    ],
)
def test_switching_off_closes_what_waits_and_opens_no_window(tenant, values, reason):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme)
    decide(tenant)
    change(tenant, UserPreference, **values)
    digest(tenant)
    assert [note.reason for note in notes(tenant)] == [reason]
    assert mails(tenant) == []


def test_a_material_update_names_what_changed_and_replaces_what_is_not_sent(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme)
    decide(tenant)
    plan_digests(tenant.scope, NOW, clock=FixedClock(NOW))
    change(tenant, Event, revision=2, what_changed="new figure: 50 million", needs_filter=True)
    decide(tenant)
    transport = Answers()
    digest(tenant, transport=transport)
    assert transport.accepted == [], "its only item was replaced before it was claimed"
    letter = plan_and_read(tenant, NOW + DAY)
    assert letter.sections[0].items[0].what_changed == "new figure: 50 million"
    assert notes(tenant, revision=1)[0].reason is SkipReason.SUPERSEDED


def test_mail_that_may_not_be_delivered_never_meets_real_mail(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme, "From the archive")
    decide(tenant, deliver=False)
    plan_digests(tenant.scope, NOW, channel=Channel.FILE, clock=FixedClock(NOW))
    add_event(tenant, acme, "Live")
    decide(tenant)
    transport = Answers()
    digest(tenant, transport=transport)
    assert len(transport.accepted) == 1
    assert b"From the archive" not in transport.accepted[0].data
    assert {(mail.channel, mail.state) for mail in mails(tenant)} == {
        (Channel.FILE, DeliveryState.INTENT),
        (Channel.EMAIL, DeliveryState.SENT),
    }
    digest(tenant, transport=transport, deliver=False)
    assert b"From the archive" in transport.accepted[1].data


def test_the_reason_of_an_item_names_the_ai_that_gave_it(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    by_engine = {engine: add_event(tenant, acme, f"By {engine}") for engine in ("rules", "openai")}
    for engine, event in by_engine.items():
        said = {"verdict": "funding", "reason_code": "x", "stage": Stage.CLASSIFY, "event_id": event}
        for at, one in ((NOW, engine), (NOW - timedelta(days=1), "anthropic")):  # the newest counts
            tenant.add(Decision(business_id=tenant.business_id, **said, engine=one, created_at=at))
        tenant.add(
            Insight(
                business_id=tenant.business_id, event_id=event, meaning="m", actions=["Call"], engine=engine
            )
        )
    decide(tenant)
    (section,) = plan_and_read(tenant).sections
    assert {item.title: (item.judged_by, item.advised_by) for item in section.items} == {
        "By rules": ("", ""),
        "By openai": ("AI, openai", "AI, openai"),
    }
