"""The first digest before it goes out: history is in it (promise 10), and nothing of it is invented."""

from datetime import UTC, datetime, timedelta

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows
from newsroom import add_event, notes, plan_for

from models.accounts import Business
from models.clients import ClientAssignment
from models.engine import writing
from models.mail import Channel, Delivery, NotificationState, SkipReason
from models.scope import Role, Scope
from services.errors import UserError
from services.first_digest import FirstDigest, first_digest
from tasks.filter.stage import filter_batch
from tasks.notify.planning import plan_digests


def reader(tenant: Tenant, *clients: object, email: str = "ada@example.com", **wants: object) -> Scope:
    user_id = tenant.add_user(email, clients=clients, user={"role": Role.OWNER}, **wants)  # type: ignore[arg-type]
    return Scope(tenant.business_id, user_id, Role.OWNER)


def weigh(tenant: Tenant) -> None:
    filter_batch(plan_for(tenant, deliver=True), 100)


def test_the_best_of_each_clients_history_waits_for_the_next_window(tenant: Tenant) -> None:
    acme, bolt = tenant.add_client("Acme"), tenant.add_client("Bolt")
    scope = reader(tenant, acme, bolt)
    for n, relevance in enumerate((0.9, 0.8, 0.7, 0.6)):
        at = NOW - timedelta(days=9 + n)
        add_event(tenant, acme, f"Acme told {n}", is_history=True, relevance=relevance, at=at)
    add_event(tenant, bolt, "Bolt long ago", is_history=True, relevance=0.9, at=NOW - timedelta(days=45))
    add_event(tenant, bolt, "Bolt today", relevance=0.9)
    weigh(tenant)
    told = first_digest(scope, now=NOW)
    assert told.due == datetime(2026, 3, 11, 8, 0, tzinfo=UTC)
    assert (told.stories, told.history, told.left_in_app, told.mails_sent) == (3, 2, 0, 0)
    assert told.kept_back == {SkipReason.HISTORY: 3}
    for title, is_in in (
        ("Acme told 0", True),
        ("Acme told 1", True),
        ("Acme told 2", False),
        ("Bolt today", True),
        ("Bolt long ago", False),
    ):
        assert (title in told.html) is is_in, title
    assert "From before we started watching" in told.html
    assert "href" not in told.html
    assert "Bolt" in told.subject


def test_looking_changes_nothing_and_what_is_shown_is_what_is_mailed(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    scope = reader(tenant, acme)
    for n in range(5):
        add_event(tenant, acme, f"Acme told {n}", relevance=0.9 - n / 100)
    weigh(tenant)
    told = first_digest(scope, now=NOW)
    assert first_digest(scope, now=NOW) == told
    assert {note.state for note in notes(tenant)} == {NotificationState.WAITING}
    assert rows(tenant, Delivery) == []
    assert (told.stories, told.left_in_app) == (3, 2)
    assert told.due
    plan_digests(tenant.scope, told.due)
    attached = notes(tenant, state=NotificationState.ATTACHED)
    assert len(attached) == told.stories
    assert first_digest(scope, now=told.due).stories == 0


def test_without_news_it_says_why(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    scope = reader(tenant, acme, relevance_threshold=0.95)
    for n in range(2):
        add_event(tenant, acme, f"Acme told {n}", relevance=0.5)
    weigh(tenant)
    told = first_digest(scope, now=NOW)
    assert (told.stories, told.html, told.subject) == (0, "", "")
    assert told.kept_back == {SkipReason.BELOW_THRESHOLD: 2}


def test_what_no_longer_qualifies_is_not_promised(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    scope = reader(tenant, acme)
    add_event(tenant, acme, "Acme told")
    weigh(tenant)
    with writing(tenant.scope) as session:
        session.delete(session.get_one(ClientAssignment, rows(tenant, ClientAssignment)[0].id))
    assert first_digest(scope, now=NOW).stories == 0


def test_the_demo_shows_its_invented_news(tenant: Tenant) -> None:
    with writing(Scope.operator()) as session:
        session.get_one(Business, tenant.business_id).is_demo = True
    acme = tenant.add_client("Acme")
    scope = reader(tenant, acme)
    add_event(tenant, acme, "Acme told", is_mock=True)
    filter_batch(plan_for(tenant, deliver=False), 100)
    assert {note.channel for note in notes(tenant)} == {Channel.FILE}
    assert "Acme told" in first_digest(scope, now=NOW).html


def test_a_digest_is_ones_own(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    reader(tenant, acme)
    add_event(tenant, acme, "Acme told")
    weigh(tenant)
    stranger = reader(tenant, email="bob@example.com")
    assert first_digest(stranger, now=NOW) == FirstDigest(due=datetime(2026, 3, 11, 8, 0, tzinfo=UTC))
    with pytest.raises(PermissionError):
        first_digest(tenant.scope)
    with pytest.raises(UserError):
        first_digest(Scope(another_tenant().business_id, stranger.user_id, Role.OWNER))
