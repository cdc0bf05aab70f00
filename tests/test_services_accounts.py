"""Businesses and people."""

from datetime import time
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from models.accounts import Frequency, User, UserState, preferences_of, user_by_email, users
from models.audit import AuditLog
from models.engine import reading
from models.scope import Role, Scope
from services.accounts import (
    create_business,
    create_owner,
    default_business,
    every_business,
    find_business,
    goes_by_slug,
    has_owner,
    import_users,
    own_business,
    pick_business,
    rename_business,
)
from services.clients import create_client
from services.errors import UserError
from tests.conftest import Tenant


def actions(scope: Scope) -> list[str]:
    with reading(scope) as session:
        return [row.action for row in session.exec(select(AuditLog).order_by(AuditLog.id))]  # type: ignore[arg-type]


def people_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_business_is_made_once_and_audited(db: Engine) -> None:
    business = create_business("Acme-Corp", "  Acme   Corp ")
    assert (business.slug, business.name) == ("acme-corp", "Acme Corp")
    assert actions(Scope.system(business.id)) == ["business.created"]
    with pytest.raises(UserError, match="already"):
        create_business("acme-corp", "Other")
    for slug in ("", "a b", "-a", "a/b", "ä", "x" * 81):
        with pytest.raises(UserError):
            create_business(slug, "Name")
    with pytest.raises(UserError):
        create_business("empty", "  ")


def test_the_default_business_is_the_only_real_one_or_main(db: Engine) -> None:
    with pytest.raises(UserError, match="no business yet"):
        pick_business(None)
    create_business("demo", "Demo", is_demo=True)
    assert pick_business(None).slug == "demo"
    assert default_business().slug == "main"
    assert default_business().slug == pick_business(None).slug == "main"
    create_business("other", "Other")
    assert default_business().slug == "main"
    assert pick_business(" OTHER ").slug == "other"
    with pytest.raises(UserError, match="known: demo, main, other"):
        pick_business("nix")
    assert find_business("nix") is None


def test_only_an_import_makes_a_business_by_itself(db: Engine) -> None:
    create_business("demo", "Demo", is_demo=True)
    with pytest.raises(UserError, match="there is no business yet") as caught:
        own_business(None)
    assert "client-monitor init" in caught.value.mend
    assert [one.slug for one in every_business()] == ["demo"]
    assert own_business("demo").slug == "demo"
    assert default_business().id == own_business(None).id


def test_a_business_nobody_named_is_told_from_one_in_use(db: Engine) -> None:
    scope = Scope.system(default_business().id)
    assert goes_by_slug(scope)
    assert rename_business(scope, " The  Firm ").name == "The Firm"
    assert not goes_by_slug(scope)
    assert actions(scope) == ["business.created", "business.renamed"]
    rename_business(scope, "Main")
    create_client(scope, name="Acme")
    assert not goes_by_slug(scope)
    with pytest.raises(UserError, match="at most 200 characters"):
        rename_business(scope, " ")


def test_several_businesses_without_main_must_be_named(db: Engine) -> None:
    create_business("one", "One")
    create_business("two", "Two")
    with pytest.raises(UserError, match="several businesses: one, two"):
        default_business()


def test_owner(tenant: Tenant) -> None:
    assert not has_owner(tenant.scope)
    owner = create_owner(tenant.scope, "Boss@Example.com", timezone="europe/berlin")
    assert (owner.email, owner.role, owner.state) == ("boss@example.com", Role.OWNER, UserState.ACTIVE)
    assert (owner.name, owner.timezone) == ("Boss", "Europe/Berlin")
    assert has_owner(tenant.scope)
    create_owner(tenant.scope, "boss@example.com")
    with reading(tenant.scope) as session:
        assert len(users(tenant.scope, session)) == 1
    with pytest.raises(UserError, match="no e-mail address"):
        create_owner(tenant.scope, "boss")
    with pytest.raises(UserError, match="no time zone"):
        create_owner(tenant.scope, "boss@example.com", timezone="Mars")


def test_an_invited_person_who_becomes_owner_is_active_and_it_is_audited(tenant: Tenant) -> None:
    tenant.add_user("maria@example.com", user={"state": UserState.INVITED})
    create_owner(tenant.scope, "maria@example.com")
    assert {"user.role_changed", "user.activated"} <= set(actions(tenant.scope))


def test_people_are_imported_with_their_preferences(tenant: Tenant, tmp_path: Path) -> None:
    path = people_file(
        tmp_path,
        "Email,Name,Role,Timezone,Frequency,Threshold,Digest time,Digest day,Categories,Quiet from\n"
        'Maria@example.com,Maria Lopez,admin,europe/madrid,INSTANT,"0,3",,,funding;Product launch,22:00\n'
        "tom@example.com,,,,weekly,,7:30,friday,all,\n"
        "plain@example.com,,,,,,,,,\n",
    )
    report = import_users(tenant.scope, path)
    assert report.created == ["maria@example.com", "tom@example.com", "plain@example.com"]
    assert (report.faults, report.notes) == ([], [])
    with reading(tenant.scope) as session:
        people = {user.email: user for user in users(tenant.scope, session)}
        wants = preferences_of(tenant.scope, session)
    maria, tom, plain = (people[f"{name}@example.com"] for name in ("maria", "tom", "plain"))
    assert (maria.name, maria.role, maria.timezone) == ("Maria Lopez", Role.ADMIN, "Europe/Madrid")
    assert wants[maria.id].notification_frequency is Frequency.INSTANT
    assert wants[maria.id].relevance_threshold == 0.3
    assert wants[maria.id].notification_categories == ["funding", "product_launch"]
    assert wants[maria.id].quiet_from == time(22, 0)
    assert (tom.name, tom.role, tom.timezone, tom.state) == ("Tom", Role.MANAGER, "UTC", UserState.INVITED)
    assert (wants[tom.id].digest_time, wants[tom.id].digest_day_of_week) == (time(7, 30), 4)
    assert wants[tom.id].notification_categories is None
    assert wants[plain.id].notification_frequency is Frequency.DAILY

    again = import_users(tenant.scope, path)
    assert (again.created, again.updated) == ([], [])
    assert len(again.unchanged) == 3


def test_bad_people_are_named_by_row_and_field_and_the_others_go_on(tenant: Tenant, tmp_path: Path) -> None:
    path = people_file(
        tmp_path,
        "email,role,timezone,frequency,threshold,digest_time,digest_day,categories,assigned_clients_only\n"
        "good@example.com,viewer,UTC,daily,0.5,08:00,0,award,yes\n"
        "nobody,,,,,,,,\n"
        "a@example.com,boss,,,,,,,\n"
        "b@example.com,system,,,,,,,\n"
        "c@example.com,,Mars/Base,,,,,,\n"
        "d@example.com,,,hourly,1.5,8am,someday,sports,perhaps\n"
        ",admin,,,,,,,\n"
        "GOOD@example.com,admin,,,,,,,\n",
    )
    report = import_users(tenant.scope, path)
    assert report.created == ["good@example.com"]
    assert [(fault.row, fault.field) for fault in report.faults] == [
        (3, "email"),
        (4, "role"),
        (5, "role"),
        (6, "timezone"),
        (7, "frequency"),
        (7, "threshold"),
        (7, "categories"),
        (7, "digest_time"),
        (7, "digest_day"),
        (7, "assigned_clients_only"),
        (8, "email"),
        (9, "email"),
    ]
    text = [str(fault) for fault in report.faults]
    assert text[0] == (
        "people.csv row 3, email: 'nobody' is no e-mail address: it needs a name, an @ and a domain"
    )
    assert text[-1] == "people.csv row 9, email: good@example.com stands in row 2 already"
    assert all(fault.message for fault in report.faults)


def test_an_update_changes_only_what_the_file_says_and_role_changes_are_audited(
    tenant: Tenant, tmp_path: Path
) -> None:
    tenant.add_user("maria@example.com", frequency=Frequency.WEEKLY, relevance_threshold=0.8)
    report = import_users(
        tenant.scope, people_file(tmp_path, "email,role,threshold\nmaria@example.com,admin,\n")
    )
    assert report.updated == ["maria@example.com"]
    with reading(tenant.scope) as session:
        user = user_by_email(tenant.scope, session, "maria@example.com")
        assert user is not None
        wants = preferences_of(tenant.scope, session)[user.id]
        lines = session.exec(select(AuditLog).where(AuditLog.action == "user.role_changed")).all()
    assert (user.role, user.name) == (Role.ADMIN, "Maria")
    assert (wants.notification_frequency, wants.relevance_threshold) == (Frequency.WEEKLY, 0.8)
    assert [line.details for line in lines] == [{"old": "manager", "new": "admin"}]


def test_the_only_owner_stays_owner(tenant: Tenant, tmp_path: Path) -> None:
    create_owner(tenant.scope, "boss@example.com")
    path = people_file(tmp_path, "email,role\nboss@example.com,viewer\nnew@example.com,viewer\n")
    report = import_users(tenant.scope, path)
    assert [str(fault) for fault in report.faults] == [
        "people.csv row 2, role: boss@example.com is the only owner: make somebody else owner first"
    ]
    assert report.created == ["new@example.com"]
    assert has_owner(tenant.scope)


def test_people_of_another_business_are_not_touched(tenant: Tenant, tmp_path: Path) -> None:
    other = Scope.system(create_business("other", "Other").id)
    path = people_file(tmp_path, "email,role\nmaria@example.com,admin\n")
    tenant.add_user("maria@example.com")
    assert import_users(other, path).created == ["maria@example.com"]
    with reading(tenant.scope) as session:
        user = session.exec(select(User)).one()
    assert user.role is Role.MANAGER


def test_only_admins_may(tenant: Tenant, tmp_path: Path) -> None:
    maria = tenant.add_user("maria@example.com")
    scope = Scope(tenant.business_id, maria, Role.MANAGER)
    with pytest.raises(PermissionError):
        import_users(scope, people_file(tmp_path, "email\na@example.com\n"))
