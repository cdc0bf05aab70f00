"""Insights: each figure is the sum of what happened, in the right week, of the clients one may see."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from conftest import Tenant
from desk import another_tenant, change, rows
from newsroom import add_event, add_run

from models.ai import AiSpend
from models.base import new_id
from models.breakers import failed
from models.clients import Client, ClientAssignment
from models.events import Category, Event
from models.feedback import Feedback, FeedbackVerdict
from models.mail import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    Notification,
    NotificationState,
    Route,
    SkipReason,
)
from models.news import SourceResult, SourceState
from models.providers import ProviderConfig, ProviderKind
from models.returns import Actor, EngagementCount, ReturnKind
from models.scope import Role, Scope
from services.engagement import set_tracking
from services.errors import UserError
from services.insights import RANGES, insights, monday_of

NOW = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)
"""A Wednesday."""
MONDAY = datetime(2026, 3, 9, tzinfo=UTC)


def as_person(tenant: Tenant, user_id: UUID, role: Role = Role.MANAGER) -> Scope:
    return Scope(business_id=tenant.business_id, user_id=user_id, role=role)


def add_line(tenant: Tenant, event_id: UUID, user_id: UUID, client_id: UUID, **fields: Any) -> UUID:
    known = {"state": NotificationState.DELIVERED, "route": Route.DIGEST, "created_at": NOW}
    return tenant.add(
        Notification(
            business_id=tenant.business_id,
            event_id=event_id,
            user_id=user_id,
            client_id=client_id,
            **(known | fields),
        )
    )


def say(tenant: Tenant, event_id: UUID, client_id: UUID, verdict: FeedbackVerdict, **fields: Any) -> UUID:
    known = {"created_at": NOW}
    return tenant.add(
        Feedback(
            business_id=tenant.business_id,
            event_id=event_id,
            client_id=client_id,
            verdict=verdict,
            **(known | fields),
        )
    )


def test_weeks_begin_on_monday_in_utc_and_none_is_left_out(tenant: Tenant) -> None:
    acme = tenant.add_client()
    for at in (MONDAY, MONDAY - timedelta(seconds=1), MONDAY - timedelta(weeks=3), NOW):
        add_event(tenant, acme, at=at)
    add_event(tenant, acme, at=MONDAY - timedelta(weeks=3, seconds=1))
    found = insights(tenant.scope, weeks=4, now=NOW)
    assert found.since == MONDAY - timedelta(weeks=3)
    assert [(week.monday, week.events) for week in found.weeks] == [
        (date(2026, 2, 16), 1),
        (date(2026, 2, 23), 0),
        (date(2026, 3, 2), 1),
        (date(2026, 3, 9), 2),
    ]
    assert monday_of(datetime(2026, 3, 9, 0, 30, tzinfo=UTC)) == MONDAY
    assert [len(insights(tenant.scope, weeks=weeks, now=NOW).weeks) for weeks in RANGES] == list(RANGES)


@pytest.mark.parametrize("seed", range(3))
def test_the_weeks_hold_every_event_once(tenant: Tenant, seed: int) -> None:
    dice = random.Random(seed)
    clients = [tenant.add_client(f"Client {number}") for number in range(3)]
    known: list[tuple[date, Category, float, UUID]] = []
    for _ in range(40):
        at = NOW - timedelta(minutes=dice.randrange(60 * 24 * 35))
        kind = dice.choice([Category.FUNDING, Category.LAYOFFS, Category.OTHER])
        feeling, client = dice.choice([-0.8, -0.1, 0.0, 0.5]), dice.choice(clients)
        withdrawn = at if dice.random() < 0.1 else None
        add_event(tenant, client, at=at, category=kind, sentiment=feeling, withdrawn_at=withdrawn)
        if withdrawn is None and kind is not Category.OTHER:
            known.append((monday_of(at).date(), kind, feeling, client))
    found = insights(tenant.scope, weeks=4, now=NOW)
    for week in found.weeks:
        mine = [row for row in known if row[0] == week.monday]
        assert dict(week.by_category) == Counter(kind for _, kind, _, _ in mine)
        assert (week.bad, week.good) == (
            sum(row[2] < -0.2 for row in mine),
            sum(row[2] > 0.2 for row in mine),
        )
        mean = sum(row[2] for row in mine) / len(mine) if mine else None
        assert week.sentiment == (None if mean is None else pytest.approx(mean))
    shown = [row for row in known if row[0] >= found.since.date()]
    assert {use.client_id: use.events for use in found.uses} == Counter(row[3] for row in shown)
    assert [use.events for use in found.uses] == sorted((use.events for use in found.uses), reverse=True)
    assert found.funnel.events == len(shown)
    one = insights(tenant.scope, weeks=4, client_id=clients[0], now=NOW)
    assert one.funnel.events == sum(row[3] == clients[0] for row in shown)


def test_precision_is_the_useful_part_of_what_was_judged_and_not_taken_back(tenant: Tenant) -> None:
    acme, umbrella = tenant.add_client(), tenant.add_client("Umbrella")
    event = add_event(tenant, acme, at=NOW)
    for verdict in (*[FeedbackVerdict.USEFUL] * 3, FeedbackVerdict.NOT_RELEVANT):
        say(tenant, event, acme, verdict)
    say(tenant, event, acme, FeedbackVerdict.WRONG_COMPANY, created_at=MONDAY - timedelta(days=1))
    say(tenant, event, acme, FeedbackVerdict.NOT_RELEVANT, undone_at=NOW)
    say(tenant, add_event(tenant, umbrella, at=NOW - timedelta(weeks=40)), umbrella, FeedbackVerdict.USEFUL)
    found = insights(tenant.scope, weeks=4, now=NOW)
    assert [week.precision for week in found.weeks] == [None, None, 0.0, 0.8]
    uses = {use.client: (use.events, use.useful, use.not_relevant, use.wrong_company) for use in found.uses}
    assert uses == {"Acme": (1, 3, 1, 1), "Umbrella": (0, 1, 0, 0)}
    assert found.uses[0].precision == pytest.approx(0.6)


def test_the_funnel_counts_events_once_however_many_readers(tenant: Tenant) -> None:
    acme = tenant.add_client()
    people = [tenant.add_user(f"p{number}@example.com", clients=(acme,)) for number in range(3)]
    mailed, in_app, unwanted = (add_event(tenant, acme, at=NOW) for _ in range(3))
    for person in people:
        add_line(tenant, mailed, person, acme)
        skipped = {"state": NotificationState.SKIPPED, "route": None}
        add_line(tenant, unwanted, person, acme, reason=SkipReason.BELOW_THRESHOLD, **skipped)
    add_line(tenant, in_app, people[0], acme, route=Route.IN_APP)
    add_line(tenant, in_app, people[1], acme, reason=SkipReason.CLIENT_MUTED, **skipped)
    old = add_event(tenant, acme, at=NOW - timedelta(weeks=30))
    add_line(tenant, old, people[0], acme, created_at=NOW - timedelta(weeks=30))
    found = insights(tenant.scope, weeks=4, now=NOW)
    funnel = found.funnel
    assert (funnel.articles, funnel.stories, funnel.events) == (3, 3, 3)
    assert (funnel.wanted, funnel.mailed) == (2, 1)
    assert list(found.skipped.items()) == [(SkipReason.BELOW_THRESHOLD, 3), (SkipReason.CLIENT_MUTED, 1)]
    assert insights(tenant.scope, weeks=4, client_id=acme, now=NOW).funnel.articles is None


def send_mails(tenant: Tenant, people: list[UUID]) -> None:
    for number, person in enumerate(people):
        tenant.add(
            Delivery(
                business_id=tenant.business_id,
                user_id=person,
                recipient=f"p{number}@example.com",
                kind=DeliveryKind.DIGEST,
                slot="daily",
                state=DeliveryState.SENT,
                next_attempt_at=NOW,
                created_at=NOW - timedelta(hours=2),
                sent_at=NOW,
            )
        )


@pytest.mark.parametrize(("readers", "withheld"), [(4, True), (5, False)])
def test_opens_are_told_when_they_are_nobody_in_particulars(
    tenant: Tenant, readers: int, withheld: bool
) -> None:
    acme = tenant.add_client()
    send_mails(tenant, [tenant.add_user(f"p{number}@example.com") for number in range(readers)])
    for kind, actor, hits in ((ReturnKind.OPEN, Actor.HUMAN, 7), (ReturnKind.CLICK, Actor.UNKNOWN, 2)):
        tenant.add(
            EngagementCount(
                business_id=tenant.business_id,
                day=NOW.date(),
                delivery_kind=DeliveryKind.DIGEST,
                kind=kind,
                actor=actor,
                hits=hits,
            )
        )
    before = insights(tenant.scope, weeks=4, now=NOW).funnel
    assert (before.mails, before.opens, before.hits_withheld) == (readers, None, False), "tracking is off"
    set_tracking(tenant.scope, True)
    funnel = insights(tenant.scope, weeks=4, now=NOW).funnel
    assert funnel.hits_withheld is withheld
    if withheld:
        assert funnel.opens is None
        assert funnel.clicks is None
    else:
        assert funnel.opens is not None
        assert funnel.clicks is not None
        assert (funnel.opens.human, funnel.clicks.unknown) == (7, 2)
    assert insights(tenant.scope, weeks=4, client_id=acme, now=NOW).funnel.opens is None


def test_ai_spend_is_by_utc_day_with_what_is_allowed(tenant: Tenant) -> None:
    for at, usd in ((NOW, 0.5), (NOW - timedelta(hours=10), 0.25), (NOW - timedelta(days=3), 1.0)):
        tenant.add(
            AiSpend(
                business_id=tenant.business_id, provider="openai", model="small", cost_usd=usd, created_at=at
            )
        )
    tenant.add(
        ProviderConfig(
            business_id=tenant.business_id,
            kind=ProviderKind.CLASSIFIER,
            name="openai",
            is_enabled=True,
            options={"daily_usd": 5.0},
            changed_at=NOW,
        )
    )
    use = insights(tenant.scope, weeks=4, now=NOW).ai
    assert use is not None
    assert [(f"{day.day}", day.calls, day.usd) for day in use.days] == [
        ("2026-03-08", 1, 1.0),
        ("2026-03-09", 0, 0.0),
        ("2026-03-10", 1, 0.25),
        ("2026-03-11", 1, 0.5),
    ]
    assert use.classifier == "openai"
    assert {(one.unit, one.period) for one in use.budgets} >= {("usd", "day")}


def test_sources_are_told_by_day_and_as_they_stand(tenant: Tenant) -> None:
    for days, state in (
        (0, SourceState.OK),
        (0, SourceState.FAILED),
        (1, SourceState.EMPTY),
        (40, SourceState.OK),
    ):
        tenant.add(
            SourceResult(
                business_id=tenant.business_id,
                job_run_id=add_run(tenant),
                source_api="google_news",
                unit="acme",
                state=state,
                created_at=NOW - timedelta(days=days),
            )
        )
    tenant.add(
        ProviderConfig(
            business_id=tenant.business_id,
            kind=ProviderKind.SOURCE,
            name="google_news",
            is_enabled=True,
            changed_at=NOW,
        )
    )
    for _ in range(5):
        failed(tenant.scope, ProviderKind.SOURCE, "google_news", "timed out", now=NOW)
    health = insights(tenant.scope, weeks=12, now=NOW).sources
    assert health is not None
    assert len(health.days) == 28
    assert dict(health.days[-1].results) == {SourceState.OK: 1, SourceState.FAILED: 1}
    assert dict(health.days[-2].results) == {SourceState.EMPTY: 1}
    [source] = [one for one in health.sources if one.name == "google_news"]
    assert (source.state, source.failed, source.fetched) == ("open", 1, 3)
    assert source.last_error == "timed out"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_people_see_the_clients_they_look_after_now(tenant: Tenant, role: Role) -> None:
    acme, umbrella = tenant.add_client(), tenant.add_client("Umbrella")
    me = tenant.add_user(clients=(acme, umbrella))
    change(tenant, ClientAssignment, ClientAssignment.client_id == umbrella, ended_at=NOW)
    for client in (acme, umbrella):
        event = add_event(tenant, client, at=NOW)
        say(tenant, event, client, FeedbackVerdict.USEFUL)
        add_line(tenant, event, me, client)
    send_mails(tenant, [me, tenant.add_user("tom@example.com")])
    found = insights(as_person(tenant, me, role), weeks=4, now=NOW)
    assert dict(found.clients) == {acme: "Acme"}
    assert [use.client for use in found.uses] == ["Acme"]
    assert (found.funnel.events, found.funnel.wanted, found.funnel.mails) == (1, 1, 1)
    assert (found.ai, found.sources, found.funnel.articles) == (None, None, None)
    assert found.weeks[-1].useful == 1
    with pytest.raises(UserError, match="no such client"):
        insights(as_person(tenant, me, role), client_id=umbrella, now=NOW)
    nobody = insights(as_person(tenant, tenant.add_user("new@example.com"), role), now=NOW)
    assert (dict(nobody.clients), nobody.funnel.events, nobody.uses) == ({}, 0, ())


def test_nothing_of_another_tenant_counts(tenant: Tenant) -> None:
    other = another_tenant()
    theirs = other.add_client("Theirs")
    event = add_event(other, theirs, at=NOW)
    add_line(other, event, other.add_user(), theirs)
    say(other, event, theirs, FeedbackVerdict.USEFUL)
    found = insights(tenant.scope, weeks=4, now=NOW)
    assert (found.funnel.events, found.funnel.wanted, found.uses, dict(found.clients)) == (0, 0, (), {})
    with pytest.raises(UserError):
        insights(tenant.scope, client_id=theirs, now=NOW)
    assert rows(tenant, Event) == []


def test_an_archived_client_keeps_its_past(tenant: Tenant) -> None:
    acme = tenant.add_client()
    add_event(tenant, acme, at=NOW)
    change(tenant, Client, archived_at=NOW)
    found = insights(tenant.scope, weeks=4, now=NOW)
    assert [use.client for use in found.uses] == ["Acme"]
    assert dict(found.clients) == {}


def test_only_ranges_on_offer_are_shown(tenant: Tenant) -> None:
    with pytest.raises(UserError, match="cannot be shown"):
        insights(tenant.scope, weeks=5, now=NOW)
    with pytest.raises(UserError, match="no such client"):
        insights(tenant.scope, client_id=new_id(), now=NOW)
