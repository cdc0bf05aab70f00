"""How far a tenant is with its first steps, and who is led through them."""

from datetime import timedelta

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows
from hypothesis import given
from hypothesis import strategies as st
from newsroom import add_run
from sqlalchemy import event

from models.accounts import Business
from models.audit import AuditLog
from models.clients import Client, ClientAssignment
from models.engine import get_engine, writing
from models.jobs import RunState
from models.scope import Role, Scope
from services.clients import archive_client
from services.errors import UserError
from services.first_steps import (
    AT_WORK_AFTER,
    FirstSteps,
    first_steps,
    is_new,
    look_after_orphans,
    want_first_steps,
)
from services.preferences import change_preferences
from services.providers import disable, enable
from services.typed_clients import MOST, add_typed, read_lines


def owner(tenant: Tenant) -> Scope:
    user_id = tenant.add_user("ada@example.com", user={"role": Role.OWNER})
    return Scope(tenant.business_id, user_id, Role.OWNER)


def test_a_tenant_is_led_until_it_has_been_at_work_for_a_day(tenant: Tenant) -> None:
    assert is_new(tenant.scope, now=NOW)
    add_run(tenant, state=RunState.FAILED, started_at=NOW - timedelta(days=9))
    assert is_new(tenant.scope, now=NOW), "no run was any good"
    add_run(tenant, state=RunState.DEGRADED, started_at=NOW)
    assert is_new(tenant.scope, now=NOW + AT_WORK_AFTER), "the first digest is still to be seen"
    assert not is_new(tenant.scope, now=NOW + AT_WORK_AFTER + timedelta(seconds=1))


def test_an_admin_ends_the_first_steps_and_takes_them_up_again(tenant: Tenant) -> None:
    scope = owner(tenant)
    assert want_first_steps(scope, False)
    assert not is_new(scope, now=NOW)
    assert not want_first_steps(scope, False)
    add_run(tenant, state=RunState.COMPLETED, started_at=NOW - timedelta(days=9))
    assert want_first_steps(scope, True)
    assert is_new(scope, now=NOW), "though it is at work"
    assert [line.action for line in rows(tenant, AuditLog)] == ["first_steps.ended", "first_steps.resumed"]


def test_the_demo_needs_no_first_steps_and_tenants_have_their_own(tenant: Tenant) -> None:
    other = another_tenant()
    with writing(Scope.operator()) as session:
        session.get_one(Business, other.business_id).is_demo = True
    add_run(other, state=RunState.COMPLETED, started_at=NOW - timedelta(days=9))
    assert not is_new(other.scope, now=NOW)
    assert want_first_steps(other.scope, False)
    assert is_new(tenant.scope, now=NOW)


def test_asking_is_one_query(tenant: Tenant) -> None:
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    event.listen(get_engine(), "before_cursor_execute", note)
    is_new(tenant.scope)
    event.remove(get_engine(), "before_cursor_execute", note)
    assert len([one for one in asked if one.startswith("SELECT")]) == 1


def test_each_step_is_done_when_the_database_says_so(tenant: Tenant) -> None:
    scope = owner(tenant)
    assert scope.user_id
    empty = FirstSteps(clients=0, mine=0, orphans=0, sources=[], has_set_mail=False)
    assert first_steps(scope) == empty
    assert empty.done == (False, False, False, False)

    client_id = tenant.add_client("Acme")
    tenant.add_client("Bolt")
    tenant.add(ClientAssignment(business_id=tenant.business_id, client_id=client_id, user_id=scope.user_id))
    enable(scope, "google_news")
    change_preferences(scope, scope.user_id, {"digest_time": "07:00"})
    run = add_run(tenant, state=RunState.FAILED)
    steps = first_steps(scope)
    assert (steps.clients, steps.mine, steps.orphans, steps.sources) == (2, 1, 1, ["google_news"])
    assert steps.done == (True, True, True, False)
    assert (steps.run_id, steps.run_state) == (run, RunState.FAILED)

    better = add_run(tenant, state=RunState.COMPLETED)
    assert first_steps(scope).run_id == better
    assert all(first_steps(scope).done)

    archive_client(scope, client_id)
    disable(scope, "google_news")
    steps = first_steps(scope)
    assert (steps.clients, steps.mine, steps.sources) == (1, 0, [])


def test_clients_that_nobody_looks_after_are_taken_over_and_no_others(tenant: Tenant) -> None:
    scope = owner(tenant)
    tenant.add_client("Gone", archived_at=NOW)
    tom = tenant.add_user("tom@example.com", clients=(tenant.add_client("Bolt"),))
    acme = tenant.add_client("Acme")
    assert look_after_orphans(scope) == 1
    assert {(row.client_id, row.user_id) for row in rows(tenant, ClientAssignment) if row.user_id != tom} == {
        (acme, scope.user_id)
    }
    assert look_after_orphans(scope) == 0
    assert first_steps(scope).orphans == 0


def test_what_an_admin_set_for_somebody_else_is_not_their_own_mail(tenant: Tenant) -> None:
    scope = owner(tenant)
    change_preferences(scope, tenant.add_user("tom@example.com"), {"digest_time": "07:00"})
    assert not first_steps(scope).has_set_mail


def test_feeds_of_the_deployment_are_a_source_unless_they_are_switched_off(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.settings import get_settings

    monkeypatch.setenv("CM_FEEDS", "https://feeds.example.com/a.xml")
    get_settings.cache_clear()
    scope = owner(tenant)
    assert first_steps(scope).sources == ["rss"]
    disable(scope, "rss")
    assert first_steps(scope).sources == []


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_only_admins_take_the_steps(tenant: Tenant, role: Role) -> None:
    scope = Scope(tenant.business_id, tenant.add_user(), role)
    for step in (
        lambda: first_steps(scope),
        lambda: want_first_steps(scope, False),
        lambda: look_after_orphans(scope),
        lambda: add_typed(scope, "Acme"),
    ):
        with pytest.raises(PermissionError):
            step()
    assert is_new(scope), "everybody may know"
    assert rows(tenant, Client) == []


def test_clients_are_typed_a_line_each(tenant: Tenant) -> None:
    scope = owner(tenant)
    typed = (
        "Acme Robotics, acme.com\n\n  Bolt Energy https://www.bolt.example/about\nmonday.com\nÅngström AB;\n"
    )
    done = add_typed(scope, typed)
    assert done.added == ["Acme Robotics", "Bolt Energy", "monday.com", "Ångström AB"]
    assert (done.known, done.faults) == ([], [])
    assert {client.name: client.domain for client in rows(tenant, Client)} == {
        "Acme Robotics": "acme.com",
        "Bolt Energy": "bolt.example",
        "monday.com": None,
        "Ångström AB": None,
    }
    assert first_steps(scope).mine == 4


def test_typing_again_changes_nothing_and_adds_who_looks_after_them(tenant: Tenant) -> None:
    scope = owner(tenant)
    tom = tenant.add_user("tom@example.com", clients=(tenant.add_client("Acme", domain="acme.com"),))
    done = add_typed(scope, "ACME, other.example\nacme", mine=False)
    assert (done.added, done.known) == ([], ["Acme", "Acme"])
    assert [row.user_id for row in rows(tenant, ClientAssignment)] == [tom]
    add_typed(scope, "acme")
    add_typed(scope, "acme")
    assert [row.user_id for row in rows(tenant, ClientAssignment)] == [tom, scope.user_id]
    assert [client.domain for client in rows(tenant, Client)] == ["acme.com"]


def test_a_bad_line_is_named_and_the_others_go_in(tenant: Tenant) -> None:
    scope = owner(tenant)
    archive_client(scope, tenant.add_client("Old"))
    done = add_typed(scope, "Acme, not a domain\n!!!\nBolt, bolt.com, Berlin\nOld\nFine")
    assert done.added == ["Fine"]
    assert [fault.partition(":")[0] for fault in done.faults] == [f"line {n}" for n in (1, 2, 3, 4)]
    assert "is no domain" in done.faults[0]


@pytest.mark.parametrize("text", ["", " \n\t\n", "a1\n" * (MOST + 1)])
def test_nothing_and_too_much_are_refused(tenant: Tenant, text: str) -> None:
    with pytest.raises(UserError):
        add_typed(tenant.scope, text)
    assert rows(tenant, Client) == []


@given(st.text(max_size=80))
def test_every_line_is_a_client_or_a_fault(text: str) -> None:
    numbers = [number for number, _ in read_lines(text)]
    assert numbers == [n for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
