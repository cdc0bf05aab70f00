"""Preferences: read and changed by who may, with every field checked, and what waits follows."""

import re
from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import rows
from newsroom import add_event, mails, notes, plan_for
from typer.testing import CliRunner

from cli.main import app
from models.accounts import Frequency
from models.audit import AuditLog
from models.clock import FixedClock
from models.engine import reading
from models.events import Event
from models.mail import DeliveryKind, DeliveryState, NotificationState, Route, SkipReason
from models.news import ArticleClient, LinkState
from models.scope import Role, Scope
from services.errors import UserError
from services.muting import Changed, ClientException, client_exceptions, mute, set_client_exception
from services.preferences import Preferences, change_preferences, preferences_of_person
from services.why import why
from tasks.filter.facts import load_people
from tasks.filter.stage import filter_batch
from tasks.notify.planning import plan_digests, plan_instant


def as_person(tenant: Tenant, user_id: UUID, role: Role = Role.VIEWER) -> Scope:
    return Scope(business_id=tenant.business_id, user_id=user_id, role=role)


def test_who_asked_for_nothing_has_the_defaults(tenant: Tenant) -> None:
    maria = tenant.add_user()
    assert preferences_of_person(as_person(tenant, maria), maria) == Preferences()


def test_every_field_is_stored_and_read_back(tenant: Tenant) -> None:
    maria, ivo = tenant.add_user("maria@example.com"), tenant.add_user("ivo@example.com")
    assert ivo
    wanted = {
        "notifications": "no",
        "email": "no",
        "frequency": "weekly",
        "threshold": "0.7",
        "categories": "funding; layoffs",
        "assigned_clients_only": "no",
        "timezone": "europe/paris",
        "digest_time": "7:15",
        "digest_day": "friday",
        "quiet_from": "22:00",
        "quiet_until": "06:30",
        "max_items_per_digest": "20",
        "max_items_per_client": "5",
        "max_instant_per_day": "0",
        "absent_from": "2026-12-24",
        "absent_until": "2027-01-02",
        "cover": "IVO@example.com",
    }
    changed, _ = change_preferences(as_person(tenant, maria), maria, wanted)
    assert set(changed) == set(Preferences.model_fields)
    assert preferences_of_person(as_person(tenant, maria), maria) == Preferences(
        notifications=False,
        email=False,
        frequency=Frequency.WEEKLY,
        threshold=0.7,
        categories=["funding", "layoffs"],
        assigned_clients_only=False,
        timezone="Europe/Paris",
        digest_time=time(7, 15),
        digest_day=4,
        quiet_from=time(22),
        quiet_until=time(6, 30),
        max_items_per_digest=20,
        max_items_per_client=5,
        max_instant_per_day=0,
        absent_from=date(2026, 12, 24),
        absent_until=date(2027, 1, 2),
        cover="ivo@example.com",
    )
    assert change_preferences(as_person(tenant, maria), maria, wanted) == ([], 0)
    with reading(tenant.scope) as session:
        assert load_people(tenant.scope, session).absences[maria].cover == ivo


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threshold": "2"}, "threshold"),
        ({"frequency": "hourly"}, "frequency"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"absent_until": "2026-12-24"}, "absent_from"),
        ({"absent_from": "2026-12-24", "absent_until": "2026-12-23"}, "before"),
        ({"absent_from": "soon"}, "2026-12-24"),
        ({"cover": "nobody@example.com"}, "nobody"),
        ({"cover": "maria@example.com"}, "themselves"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_changes(
    tenant: Tenant, changes: dict[str, object], words: str
) -> None:
    maria = tenant.add_user("maria@example.com")
    with pytest.raises(UserError, match=words):
        change_preferences(as_person(tenant, maria), maria, {"digest_day": 3, **changes})
    assert preferences_of_person(as_person(tenant, maria), maria) == Preferences()


def test_others_may_only_when_they_are_admins(tenant: Tenant) -> None:
    maria, ivo = tenant.add_user("maria@example.com"), tenant.add_user("ivo@example.com")
    with pytest.raises(PermissionError):
        preferences_of_person(as_person(tenant, ivo, Role.MANAGER), maria)
    with pytest.raises(PermissionError):
        change_preferences(as_person(tenant, ivo, Role.MANAGER), maria, {"email": False})
    changed, _ = change_preferences(as_person(tenant, ivo, Role.ADMIN), maria, {"email": False})
    assert changed == ["email"]


def test_what_waits_follows_and_what_was_turned_away_stays_so(tenant: Tenant) -> None:
    acme = tenant.add_client()
    maria = tenant.add_user(clients=(acme,))
    add_event(tenant, acme, "Strong", relevance=0.9)
    add_event(tenant, acme, "Fair", relevance=0.6)
    add_event(tenant, acme, "Weak", relevance=0.3)
    filter_batch(plan_for(tenant), 100)
    assert change_preferences(as_person(tenant, maria), maria, {"threshold": 0.8}, now=NOW) == (
        ["threshold"],
        1,
    )
    assert change_preferences(as_person(tenant, maria), maria, {"threshold": 0.1}, now=NOW) == (
        ["threshold"],
        0,
    )
    assert sorted((note.state, note.reason) for note in notes(tenant)) == [
        (NotificationState.SKIPPED, SkipReason.BELOW_THRESHOLD),
        (NotificationState.SKIPPED, SkipReason.BELOW_THRESHOLD),
        (NotificationState.WAITING, None),
    ]


def plan(tenant: Tenant, now: datetime = NOW) -> list[tuple[DeliveryKind, int]]:
    """Plan all that is due; every mail that is to be sent now, with the number of its items."""
    plan_instant(tenant.scope, now, clock=FixedClock(now))
    plan_digests(tenant.scope, now, clock=FixedClock(now))
    return sorted((mail.kind, mail.item_count) for mail in mails(tenant, state=DeliveryState.INTENT))


def add_found(tenant: Tenant, client_id: UUID, title: str) -> None:
    """An event with the link to its article by which ``why`` finds it."""
    event_id = add_event(tenant, client_id, title)
    with reading(tenant.scope) as session:
        article_id = session.get_one(Event, event_id).article_id
    link = {
        "article_id": article_id,
        "client_id": client_id,
        "event_id": event_id,
        "state": LinkState.MATCHED,
    }
    tenant.add(ArticleClient(business_id=tenant.business_id, **link))


def frequency(tenant: Tenant, user_id: UUID, wanted: str) -> None:
    assert change_preferences(as_person(tenant, user_id), user_id, {"frequency": wanted}, now=NOW) == (
        ["frequency"],
        0,
    )


def routes(tenant: Tenant) -> list[Route | None]:
    return [note.route for note in notes(tenant) if note.state is NotificationState.WAITING]


def test_what_waits_for_the_digest_goes_at_once_when_that_is_asked_for(tenant: Tenant) -> None:
    acme = tenant.add_client()
    maria = tenant.add_user(clients=(acme,))
    add_event(tenant, acme, "Planned")
    filter_batch(plan_for(tenant), 100, clock=FixedClock(NOW))
    assert plan(tenant) == [(DeliveryKind.DIGEST, 1)]
    add_found(tenant, acme, "Waiting")
    add_event(tenant, acme, "Long ago", is_history=True, at=NOW - timedelta(days=9))
    filter_batch(plan_for(tenant), 100, clock=FixedClock(NOW))
    frequency(tenant, maria, "instant")
    assert sorted(str(route) for route in routes(tenant)) == ["digest", "instant"]
    told = why(tenant.scope, "Waiting", "maria@example.com")
    assert told.answer.endswith("waits for your next mail.")
    assert "you asked for instant mail" in told.steps[-1].sentence
    assert plan(tenant) == [(DeliveryKind.DIGEST, 1), (DeliveryKind.EVENT, 1)]
    tomorrow = NOW + timedelta(days=1)
    assert plan(tenant, tomorrow) == [(DeliveryKind.DIGEST, 3)]  # nothing was sent: it takes all along, once
    assert routes(tenant) == []


def test_what_waits_for_an_instant_mail_goes_into_the_digest_that_is_asked_for(tenant: Tenant) -> None:
    acme = tenant.add_client()
    maria = tenant.add_user(clients=(acme,), frequency=Frequency.INSTANT)
    assert plan(tenant) == []  # today's window is used
    add_found(tenant, acme, "Waiting")
    filter_batch(plan_for(tenant), 100, clock=FixedClock(NOW))
    frequency(tenant, maria, "daily")
    assert routes(tenant) == [Route.DIGEST]
    told = why(tenant.scope, "Waiting", "maria@example.com")
    assert told.answer.endswith("waits for your next digest.")
    assert "it goes into your daily digest" in told.steps[-1].sentence
    assert plan(tenant) == []
    tomorrow = NOW + timedelta(days=1)
    assert plan(tenant, tomorrow) == [(DeliveryKind.DIGEST, 1)]


def test_there_and_back_nothing_is_lost_or_doubled(tenant: Tenant) -> None:
    acme = tenant.add_client()
    maria = tenant.add_user(clients=(acme,))
    assert plan(tenant) == []
    add_event(tenant, acme)
    filter_batch(plan_for(tenant), 100, clock=FixedClock(NOW))
    for wanted in ("instant", "weekly", "instant", "daily"):
        frequency(tenant, maria, wanted)
    assert routes(tenant) == [Route.DIGEST]
    tomorrow = NOW + timedelta(days=1)
    assert plan(tenant, tomorrow) == [(DeliveryKind.DIGEST, 1)]
    frequency(tenant, maria, "instant")  # what is in a mail stays in it
    assert plan(tenant, tomorrow + timedelta(minutes=5)) == [(DeliveryKind.DIGEST, 1)]


def test_the_day_of_the_digest_is_shown_by_its_name(tenant: Tenant) -> None:
    maria = tenant.add_user()
    change_preferences(as_person(tenant, maria), maria, {"digest_day": "fri"})
    shown = CliRunner().invoke(app, ["preferences", "show", "maria@example.com"])
    assert re.search(r"^digest_day +friday$", shown.stdout, re.M)


def test_a_client_may_have_a_threshold_of_its_own_and_what_waits_follows(tenant: Tenant) -> None:
    acme, bolt = tenant.add_client("Acme"), tenant.add_client("Bolt")
    maria = tenant.add_user(clients=(acme, bolt))
    for client in (acme, bolt):
        add_event(tenant, client, f"Fair {client}", relevance=0.6)
        add_event(tenant, client, f"Strong {client}", relevance=0.9)
    filter_batch(plan_for(tenant), 100)
    me = as_person(tenant, maria)
    assert set_client_exception(me, maria, acme, {"threshold": "0.8"}, now=NOW) == Changed(("threshold",), 1)
    assert client_exceptions(me, maria) == [ClientException(acme, "Acme", muted=False, threshold=0.8)]
    [closed] = notes(tenant, state=NotificationState.SKIPPED)
    assert (closed.client_id, closed.reason) == (acme, SkipReason.BELOW_THRESHOLD)
    # It looks forward: what was turned away stays so, what comes is weighed by it.
    assert set_client_exception(me, maria, acme, {"threshold": 0.1}, now=NOW) == Changed(("threshold",))
    assert len(notes(tenant, state=NotificationState.WAITING)) == 3
    add_event(tenant, acme, "Weak", relevance=0.2)
    add_event(tenant, bolt, "Weak too", relevance=0.2)
    filter_batch(plan_for(tenant), 100)
    assert len(notes(tenant, state=NotificationState.WAITING, client_id=acme)) == 2
    assert len(notes(tenant, state=NotificationState.WAITING, client_id=bolt)) == 2
    assert set_client_exception(me, maria, acme, {"threshold": ""}, now=NOW).closed == 1
    assert client_exceptions(me, maria) == []


def test_a_client_unmuted_gives_back_what_still_qualifies_and_keeps_its_threshold(tenant: Tenant) -> None:
    acme = tenant.add_client()
    maria = tenant.add_user(clients=(acme,))
    add_event(tenant, acme, "Fair", relevance=0.6)
    add_event(tenant, acme, "Strong", relevance=0.9)
    filter_batch(plan_for(tenant), 100)
    me = as_person(tenant, maria)
    both = {"muted": "yes", "threshold": 0.8}
    assert set_client_exception(me, maria, acme, both, now=NOW) == Changed(("muted", "threshold"), 2)
    assert mute(me, acme, True, now=NOW).items == 0
    assert mute(me, acme, False, now=NOW).items == 1
    assert client_exceptions(me, maria)[0].threshold == 0.8
    assert [note.state for note in notes(tenant)].count(NotificationState.WAITING) == 1
    assert set_client_exception(me, maria, acme, {}, now=NOW) == Changed(())


def test_exceptions_are_ones_own_or_an_admins_and_audited(tenant: Tenant) -> None:
    acme = tenant.add_client()
    maria, ivo = tenant.add_user("maria@example.com"), tenant.add_user("ivo@example.com")
    with pytest.raises(PermissionError):
        set_client_exception(as_person(tenant, ivo, Role.MANAGER), maria, acme, {"muted": True})
    with pytest.raises(PermissionError):
        client_exceptions(as_person(tenant, ivo, Role.MANAGER), maria)
    with pytest.raises(UserError, match="threshold"):
        set_client_exception(as_person(tenant, maria), maria, acme, {"threshold": 2})
    with pytest.raises(UserError, match="no such client"):
        set_client_exception(as_person(tenant, maria), maria, maria, {"muted": True})
    set_client_exception(as_person(tenant, ivo, Role.ADMIN), maria, acme, {"muted": True, "threshold": 0.7})
    set_client_exception(as_person(tenant, maria), maria, acme, {"muted": False})
    told = [(line.action, line.actor_id, line.details) for line in rows(tenant, AuditLog)]
    assert told == [
        ("client.muted", ivo, {"user": str(maria)}),
        ("client.threshold_changed", ivo, {"user": str(maria), "threshold": 0.7}),
        ("client.unmuted", maria, {}),
    ]


def test_an_exception_is_made_and_shown_on_the_command_line(tenant: Tenant) -> None:
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme, "Fair", relevance=0.6)
    filter_batch(plan_for(tenant), 100)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["preferences", *words])
        return done.exit_code, done.output

    code, said = run("client", "maria@example.com", "acme", "muted=no", "threshold=0.8")
    assert (code, "changed: threshold" in said, "1 waiting" in said) == (0, True, True)
    assert re.search(r"^client +Acme: muted=no threshold=0.8$", run("show", "maria@example.com")[1], re.M)
    assert '"clients": [{"client": "Acme"' in run("show", "maria@example.com", "--json")[1]
    assert run("client", "maria@example.com", "acme", "colour=red")[0] == 2
    assert run("client", "maria@example.com", "nobody", "muted=yes")[0] == 2
