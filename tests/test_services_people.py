"""The people of a tenant: who is in, as what, and that who is out is out at once."""

from datetime import timedelta
from pathlib import Path

import pytest
from apptest import sign_in
from conftest import NOW, Tenant
from desk import another_tenant, rows
from keyring import PASSWORD, account_mails, add_person, links_to, person
from newsroom import add_event, plan_for, states

from models.accounts import Business, User, UserState
from models.audit import AuditLog
from models.clients import ClientAssignment
from models.engine import writing
from models.mail import Notification, NotificationState, SkipReason
from models.scope import Role, Scope
from models.signin import LinkPurpose
from services.accounts import import_users
from services.errors import UserError
from services.people import (
    change_role,
    deactivate,
    invite_person,
    list_people,
    reactivate,
)
from services.signin import viewer_of
from services.signin.attempt import check_password
from services.signin.links import held
from tasks.filter.stage import filter_batch


def as_role(tenant: Tenant, role: Role) -> Scope:
    user_id = add_person(tenant, f"{role.value}@example.com", role=role)
    return Scope(business_id=tenant.business_id, user_id=user_id, role=role)


def test_only_admins_change_people(tenant: Tenant) -> None:
    maria = add_person(tenant)
    for role in (Role.MANAGER, Role.VIEWER):
        scope = as_role(tenant, role)
        for act in (
            lambda scope=scope: list_people(scope),
            lambda scope=scope: invite_person(scope, "tom@example.com"),
            lambda scope=scope: change_role(scope, maria, Role.OWNER),
            lambda scope=scope: deactivate(scope, maria),
            lambda scope=scope: reactivate(scope, maria),
        ):
            with pytest.raises(PermissionError):
                act()
    assert {user.state for user in rows(tenant, User)} == {UserState.ACTIVE}
    assert account_mails(tenant) == []


def test_an_admin_is_no_owner_s_master(tenant: Tenant) -> None:
    owner, admin, maria = as_role(tenant, Role.OWNER), as_role(tenant, Role.ADMIN), add_person(tenant)
    assert owner.user_id is not None
    for act in (
        lambda: change_role(admin, maria, Role.OWNER),
        lambda: change_role(admin, owner.user_id, Role.VIEWER),
        lambda: deactivate(admin, owner.user_id),
        lambda: invite_person(admin, "tom@example.com", role=Role.OWNER),
    ):
        with pytest.raises(PermissionError):
            act()
    assert change_role(admin, maria, Role.ADMIN).role is Role.ADMIN
    assert change_role(owner, maria, Role.OWNER).role is Role.OWNER
    assert len(rows(tenant, User)) == 3


def test_an_admin_s_file_makes_no_owner_either(tenant: Tenant, tmp_path: Path) -> None:
    admin = as_role(tenant, Role.ADMIN)
    file = tmp_path / "people.csv"
    file.write_text("email,role\ntom@example.com,owner\nann@example.com,viewer\n")
    report = import_users(admin, file)
    assert report.created == ["ann@example.com"]
    assert "only an owner may make somebody an owner" in str(report.faults[0])


def test_the_last_owner_stays(tenant: Tenant) -> None:
    owner = as_role(tenant, Role.OWNER)
    assert owner.user_id is not None
    with pytest.raises(UserError, match="only owner"):
        change_role(tenant.scope, owner.user_id, Role.ADMIN)
    with pytest.raises(UserError, match="only owner"):
        deactivate(tenant.scope, owner.user_id)
    with pytest.raises(UserError, match="themselves"):
        deactivate(owner, owner.user_id)
    second = add_person(tenant, "second@example.com", role=Role.OWNER)
    assert deactivate(owner, second) == 0


def test_a_role_holds_from_the_next_look_on(tenant: Tenant) -> None:
    maria = add_person(tenant)
    token = sign_in(tenant, maria)
    change_role(tenant.scope, maria, Role.VIEWER)
    viewer = viewer_of(token)
    assert viewer is not None
    assert (viewer.role, viewer.scope.role, viewer.is_admin) == (Role.VIEWER, Role.VIEWER, False)


def test_who_is_deactivated_is_out_at_once(tenant: Tenant) -> None:
    acme = tenant.add_client()
    maria = add_person(tenant)
    tenant.add(ClientAssignment(business_id=tenant.business_id, client_id=acme, user_id=maria))
    add_event(tenant, acme)
    filter_batch(plan_for(tenant), 100)
    assert states(tenant) == [NotificationState.WAITING]
    token = sign_in(tenant, maria)
    assert deactivate(tenant.scope, maria, now=NOW) == 1
    assert viewer_of(token) is None
    assert check_password("maria@example.com", PASSWORD, now=NOW) == []
    [line] = rows(tenant, Notification)
    assert (line.state, line.reason) == (NotificationState.SKIPPED, SkipReason.DEACTIVATED)
    assert deactivate(tenant.scope, maria, now=NOW) == 0, "twice is once"
    [told] = [row for row in rows(tenant, AuditLog) if row.action == "user.deactivated"]
    assert told.details == {"sessions_ended": 1, "items_closed": 1}
    assert reactivate(tenant.scope, maria).state is UserState.ACTIVE
    assert viewer_of(token) is None, "a session that was ended stays so"
    assert check_password("maria@example.com", PASSWORD, now=NOW)


def test_who_comes_back_without_a_password_is_invited(tenant: Tenant) -> None:
    maria = tenant.add_user()
    deactivate(tenant.scope, maria)
    with pytest.raises(UserError, match="reactivate"):
        invite_person(tenant.scope, "maria@example.com")
    assert reactivate(tenant.scope, maria).state is UserState.INVITED
    with pytest.raises(UserError):
        reactivate(tenant.scope, maria)


def test_an_invitation_names_who_invites(tenant: Tenant) -> None:
    admin = as_role(tenant, Role.ADMIN)
    user = invite_person(admin, "Tom@Example.com", role=Role.VIEWER, name="Tom", timezone="Europe/Paris")
    stored = person(tenant, user.id)
    assert (stored.email, stored.role, stored.state) == ("tom@example.com", Role.VIEWER, UserState.INVITED)
    [(_to, _subject, text)] = account_mails(tenant)
    assert "Admin has invited you to Test's Client Monitor" in text
    for address in ("nonsense", "admin@example.com"):
        with pytest.raises(UserError):
            invite_person(admin, address)


def test_deactivating_voids_an_invitation(tenant: Tenant) -> None:
    user = invite_person(tenant.scope, "tom@example.com", now=NOW)
    secret = links_to(tenant, LinkPurpose.INVITATION)[-1]
    deactivate(tenant.scope, user.id, now=NOW)
    reactivate(tenant.scope, user.id)
    assert held(LinkPurpose.INVITATION, secret, NOW + timedelta(minutes=1)) is None


def test_the_list_says_how_everybody_stands(tenant: Tenant) -> None:
    maria = add_person(tenant)
    sign_in(tenant, maria)
    invite_person(tenant.scope, "tom@example.com", now=NOW)
    listed = {one.email: one for one in list_people(tenant.scope)}
    first, second = listed["maria@example.com"], listed["tom@example.com"]
    assert (first.has_password, first.seen_at is not None, first.invited_until) == (True, True, None)
    assert (second.has_password, second.seen_at) == (False, None)
    assert second.invited_until == NOW + timedelta(days=14)


def test_another_tenant_s_people_are_nobody_here(tenant: Tenant) -> None:
    maria = add_person(tenant)
    there = another_tenant()
    for act in (
        lambda: deactivate(there.scope, maria),
        lambda: reactivate(there.scope, maria),
        lambda: change_role(there.scope, maria, Role.OWNER),
    ):
        with pytest.raises(UserError, match="no such person"):
            act()
    assert list_people(there.scope) == []
    assert person(tenant, maria).state is UserState.ACTIVE


def test_the_demo_mails_nobody(tenant: Tenant) -> None:
    with writing(Scope.operator()) as session:
        session.get_one(Business, tenant.business_id).is_demo = True
    with pytest.raises(UserError, match="demo"):
        invite_person(tenant.scope, "tom@example.com")
    assert account_mails(tenant) == []
