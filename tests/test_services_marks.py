"""Marks: read, starred, noted, each by one person for themselves, and all of a list at once with a way back."""

from datetime import timedelta
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows
from newsroom import add_event, add_many_events

from models.base import new_id
from models.events import Category
from models.marks import EventMark
from models.scope import Role, Scope
from services.errors import UserError
from services.feed import Filters
from services.marks import MAX_NOTE, marks, read_all, set_note, set_read, set_star, undo_read_all

LATER = NOW + timedelta(minutes=5)


def reader(tenant: Tenant, *clients: UUID, role: Role = Role.VIEWER, email: str = "vi@example.com") -> Scope:
    return Scope(tenant.business_id, tenant.add_user(email, clients=clients, user={"role": role}), role)


def test_each_mark_is_set_and_taken_away_and_leaves_the_others(tenant: Tenant) -> None:
    event = add_event(tenant, tenant.add_client())
    scope = reader(tenant)
    assert set_read(scope, [event], True, now=NOW).read_at == NOW
    assert set_star(scope, event, True, now=LATER).starred_at == LATER
    found = set_note(scope, event, "  Call Anna\nabout it ", now=LATER)
    assert (found.read_at, found.starred_at, found.note) == (NOW, LATER, "Call Anna\nabout it")
    assert marks(scope, event) == found
    assert set_star(scope, event, False, now=LATER).starred_at is None
    assert set_note(scope, event, "", now=LATER).note == ""
    last = set_read(scope, [event], False, now=LATER)
    assert (last.read_at, last.starred_at, last.note, last.updated_at) == (None, None, "", LATER)
    assert len(rows(tenant, EventMark)) == 1


def test_marks_are_ones_own(tenant: Tenant) -> None:
    event = add_event(tenant, tenant.add_client())
    one, other = reader(tenant), reader(tenant, role=Role.OWNER, email="owner@example.com")
    set_note(one, event, "mine", now=NOW)
    assert marks(other, event).note == ""
    set_read(other, [event], True, now=NOW)
    assert marks(one, event).read_at is None
    with pytest.raises(PermissionError, match="a person's"):
        set_read(tenant.scope, [event], True)


def test_a_story_read_is_read_for_all_its_clients(tenant: Tenant) -> None:
    first, second = add_event(tenant, tenant.add_client("A")), add_event(tenant, tenant.add_client("B"))
    scope = reader(tenant)
    set_read(scope, [first, second, new_id()], True, now=NOW)
    assert {row.event_id for row in rows(tenant, EventMark)} == {first, second}


def test_what_is_gone_or_another_tenants_cannot_be_marked(tenant: Tenant) -> None:
    other = another_tenant()
    theirs = add_event(other, other.add_client("Theirs"))
    scope = reader(tenant)
    for event in (new_id(), theirs):
        with pytest.raises(UserError, match="not kept any more"):
            set_read(scope, [event], True)
        with pytest.raises(UserError, match="not kept any more"):
            set_star(scope, event, True)
        with pytest.raises(UserError, match="not kept any more"):
            set_note(scope, event, "x")
        assert marks(scope, event).note == ""
    assert rows(tenant, EventMark) == rows(other, EventMark) == []


def test_a_note_has_an_end_and_the_old_one_stays(tenant: Tenant) -> None:
    event = add_event(tenant, tenant.add_client())
    scope = reader(tenant)
    set_note(scope, event, "x" * MAX_NOTE, now=NOW)
    with pytest.raises(UserError, match="2,001 characters"):
        set_note(scope, event, "x" * (MAX_NOTE + 1))
    assert len(marks(scope, event).note) == MAX_NOTE


def test_all_read_is_what_the_filters_show_and_can_be_taken_back(tenant: Tenant) -> None:
    acme, other = tenant.add_client("Acme"), tenant.add_client("Other")
    scope = reader(tenant, acme)
    wanted = add_event(tenant, acme, "award", category=Category.AWARD)
    before = add_event(tenant, acme, "read before", category=Category.AWARD)
    set_read(scope, [before], True, now=NOW - timedelta(hours=1))
    for title, client, fields in (
        ("another kind", acme, {"category": Category.FUNDING}),
        ("not mine", other, {"category": Category.AWARD}),
        ("too old to count", acme, {"category": Category.AWARD, "at": NOW - timedelta(days=31)}),
    ):
        add_event(tenant, client, title, **fields)
    done = read_all(scope, Filters(categories=(Category.AWARD,)), now=NOW)
    assert (done.count, done.at) == (1, NOW)
    assert {row.event_id for row in rows(tenant, EventMark) if row.read_at} == {wanted, before}
    assert undo_read_all(scope, done.at, now=LATER) == 1
    assert {row.event_id for row in rows(tenant, EventMark) if row.read_at} == {before}
    assert undo_read_all(scope, done.at, now=LATER) == 0


def test_all_read_is_for_oneself_and_follows_the_feeds_rights(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope, other = reader(tenant, acme), reader(tenant, acme, email="other@example.com")
    add_event(tenant, acme)
    with pytest.raises(PermissionError):
        read_all(scope, Filters(everyone=True), now=NOW)
    read_all(scope, Filters(), now=NOW)
    assert {row.user_id for row in rows(tenant, EventMark)} == {scope.user_id}
    assert undo_read_all(other, NOW) == 0


def test_thousands_at_once(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    add_many_events(tenant, [acme], 6_000)
    assert read_all(scope, Filters(), now=NOW).count == 6_000
    assert read_all(scope, Filters(), now=LATER).count == 0
    assert undo_read_all(scope, NOW, now=LATER) == 6_000
