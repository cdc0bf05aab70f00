"""Preferences: read and changed by who may, with every field checked, and what waits follows."""

import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from newsroom import add_event, mails, notes, plan_for
from typer.testing import CliRunner

from cli.main import app
from models.accounts import Frequency, User, UserPreference, UserState
from models.audit import AuditLog
from models.base import utc_now
from models.clock import FixedClock
from models.engine import reading
from models.events import Event
from models.mail import DeliveryKind, DeliveryState, NotificationState, Route, SkipReason, Suppression
from models.news import ArticleClient, LinkState
from models.scope import Role, Scope
from services.accounts import import_users
from services.errors import UserError
from services.muting import Changed, ClientException, client_exceptions, mute, set_client_exception
from services.preference_page import preference_page
from services.preferences import (
    Preferences,
    change_preferences,
    colleagues,
    last_change,
    preferences_of_person,
    undo_change,
)
from services.subscriptions import stop
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


def test_what_waits_follows_an_import_of_people_too(tenant: Tenant, tmp_path: Path) -> None:
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    at = utc_now() - timedelta(hours=1)  # an import has no clock but the machine's
    add_event(tenant, acme, "Strong", relevance=0.9, at=at)
    add_event(tenant, acme, "Fair", relevance=0.6, at=at)
    filter_batch(plan_for(tenant, as_of=at), 100)
    table = tmp_path / "people.csv"
    table.write_text("email,frequency,threshold\nmaria@example.com,instant,0.8\n", encoding="utf-8")
    assert import_users(tenant.scope, table).updated == ["maria@example.com"]
    assert routes(tenant) == [Route.INSTANT]
    [closed] = notes(tenant, state=NotificationState.SKIPPED)
    assert closed.reason is SkipReason.BELOW_THRESHOLD


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


def test_the_last_change_can_be_taken_back_and_done_again(tenant: Tenant) -> None:
    maria = tenant.add_user("maria@example.com", user={"name": "Maria"})
    ivo = tenant.add_user("ivo@example.com", user={"name": "Ivo"})
    own = as_person(tenant, maria)
    assert ivo
    assert last_change(own, maria) is None
    with pytest.raises(UserError, match="no change to take back"):
        undo_change(own, maria)
    wished = {
        "threshold": 0.7,
        "categories": ["funding"],
        "quiet_from": "20:00",
        "quiet_until": "07:00",
        "absent_from": "2026-12-24",
        "cover": "ivo@example.com",
    }
    change_preferences(own, maria, wished)
    last = last_change(own, maria)
    assert last is not None
    assert ({*last.before}, last.by, last.is_undo) == ({*wished}, "Maria", False)
    assert last.before["threshold"] == 0.5
    fields, closed = undo_change(own, maria)
    assert ({*fields}, closed) == ({*wished}, 0)
    assert preferences_of_person(own, maria) == Preferences()
    again = last_change(own, maria)
    assert again is not None
    assert again.is_undo
    undo_change(own, maria)
    back = preferences_of_person(own, maria)
    assert (back.threshold, back.quiet_from, back.cover) == (0.7, time(20, 0), "ivo@example.com")


def test_taking_back_leaves_what_something_else_has_changed_since(tenant: Tenant) -> None:
    maria = tenant.add_user()
    own = as_person(tenant, maria)
    change_preferences(own, maria, {"threshold": 0.7, "frequency": "weekly"})
    change(tenant, UserPreference, UserPreference.user_id == maria, relevance_threshold=0.9)
    assert undo_change(own, maria)[0] == ["frequency"]
    assert preferences_of_person(own, maria).threshold == 0.9
    change_preferences(own, maria, {"frequency": "instant"})
    change(tenant, UserPreference, UserPreference.user_id == maria, notification_frequency=Frequency.WEEKLY)
    with pytest.raises(UserError, match="changed again"):
        undo_change(own, maria)


def test_taking_back_is_a_change_like_any_other(tenant: Tenant) -> None:
    acme = tenant.add_client()
    maria = tenant.add_user(clients=(acme,))
    own = as_person(tenant, maria)
    change_preferences(own, maria, {"threshold": 0.3}, now=NOW)
    add_event(tenant, acme, relevance=0.4)
    filter_batch(plan_for(tenant, deliver=True), 10)
    assert notes(tenant)[0].state is NotificationState.WAITING
    assert undo_change(own, maria, now=NOW) == (["threshold"], 1)
    assert notes(tenant)[0].reason is SkipReason.BELOW_THRESHOLD


def test_a_change_is_taken_back_by_the_person_or_an_admin_alone(tenant: Tenant) -> None:
    maria = tenant.add_user()
    change_preferences(as_person(tenant, maria), maria, {"threshold": 0.7})
    ivo = as_person(tenant, tenant.add_user("ivo@example.com"), Role.MANAGER)
    for call in (last_change, undo_change, colleagues):
        with pytest.raises(PermissionError):
            call(ivo, maria)
    admin = as_person(tenant, tenant.add_user("ada@example.com", user={"name": "Ada"}), Role.ADMIN)
    undo_change(admin, maria)
    last = last_change(as_person(tenant, maria), maria)
    assert last is not None
    assert last.by == "Ada"
    other = another_tenant()
    stranger = as_person(other, other.add_user("x@example.com"), Role.OWNER)
    for call in (last_change, undo_change, colleagues):
        with pytest.raises(UserError, match="no such person"):
            call(stranger, maria)


def test_a_cover_who_is_gone_by_then_stands_in_no_more(tenant: Tenant) -> None:
    maria, ivo = tenant.add_user(), tenant.add_user("ivo@example.com")
    own = as_person(tenant, maria)
    change_preferences(own, maria, {"cover": "ivo@example.com", "threshold": 0.6})
    change_preferences(own, maria, {"cover": ""})
    change(tenant, User, User.id == ivo, email="ivo.new@example.com")
    undo_change(own, maria)
    assert preferences_of_person(own, maria).cover == "ivo.new@example.com"
    assert all("example.com" not in str(row.details) for row in rows(tenant, AuditLog))


def test_colleagues_are_everybody_else_who_gets_mail(tenant: Tenant) -> None:
    maria = tenant.add_user()
    tenant.add_user("b@example.com", user={"name": "Bea"})
    tenant.add_user("a@example.com", user={"name": "Ada"})
    tenant.add_user("gone@example.com", user={"state": UserState.DEACTIVATED})
    assert [one.name for one in colleagues(as_person(tenant, maria), maria)] == ["Ada", "Bea"]


def test_the_page_has_the_clients_that_are_followed_and_those_with_exceptions(tenant: Tenant) -> None:
    mine, muted, other = tenant.add_client("Mine"), tenant.add_client("Muted"), tenant.add_client("Other")
    maria = tenant.add_user(clients=(mine,))
    own = as_person(tenant, maria)
    set_client_exception(own, maria, muted, {"muted": True})
    set_client_exception(own, maria, other, {"threshold": 0.9})
    set_client_exception(own, maria, other, {"threshold": None})
    page = preference_page(own, maria, now=NOW)
    assert [(one.client, one.muted, one.threshold) for one in page.clients] == [
        ("Mine", False, None),
        ("Muted", True, None),
    ]
    assert (page.is_own, page.tracks, page.blocked, page.stopped) == (True, False, "", frozenset())
    change_preferences(own, maria, {"assigned_clients_only": False})
    assert [one.client for one in preference_page(own, maria, now=NOW).clients] == ["Mine", "Muted", "Other"]
    admin = as_person(tenant, tenant.add_user("ada@example.com"), Role.ADMIN)
    assert not preference_page(admin, maria, now=NOW).is_own
    with pytest.raises(PermissionError):
        preference_page(own, admin.user_id, now=NOW)  # type: ignore[arg-type]


def test_the_page_says_what_keeps_mail_away(tenant: Tenant) -> None:
    maria = tenant.add_user()
    own = as_person(tenant, maria)
    stop(tenant.scope, "maria@example.com", [DeliveryKind.DIGEST], how="a link")
    assert preference_page(own, maria).stopped == {DeliveryKind.DIGEST}
    tenant.add(
        Suppression(business_id=tenant.business_id, recipient="maria@example.com", reason="hard_bounce")
    )
    assert preference_page(own, maria).blocked == "hard_bounce"
