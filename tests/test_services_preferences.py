"""Preferences: read and changed by who may, with every field checked, and what waits follows."""

from datetime import date, time
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from newsroom import add_event, notes, plan_for

from models.accounts import Frequency
from models.engine import reading
from models.mail import NotificationState, SkipReason
from models.scope import Role, Scope
from services.errors import UserError
from services.preferences import Preferences, change_preferences, preferences_of_person
from tasks.filter.facts import load_people
from tasks.filter.stage import filter_batch


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
