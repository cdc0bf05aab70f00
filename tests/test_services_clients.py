"""Clients and assignments: the app's functions."""

from uuid import uuid4

import pytest
from sqlmodel import select

from models.audit import AuditLog
from models.clients import Client, ClientAssignment, Tier, active_clients, open_assignments
from models.engine import reading
from models.scope import Role, Scope
from services.accounts import create_business
from services.clients import archive_client, assign_people, create_client, edit_client, restore_client
from services.errors import UserError
from tests.conftest import Tenant


def the_client(tenant: Tenant) -> Client:
    with reading(tenant.scope) as session:
        return session.exec(select(Client)).one()


def test_create_and_edit(tenant: Tenant) -> None:
    client_id = create_client(
        tenant.scope,
        name=" Acme  Corp ",
        aliases="Acme;ACME Inc",
        domain="https://www.acme.example.com/x",
        tier="Growth",
    )
    client = the_client(tenant)
    assert (client.id, client.name, client.aliases) == (client_id, "Acme Corp", ["Acme", "ACME Inc"])
    assert (client.domain, client.tier, client.ticker) == ("acme.example.com", Tier.GROWTH, None)
    assert edit_client(tenant.scope, client_id, ticker="acm", aliases=["Acme", "ACME Inc"]) == ["ticker"]
    assert edit_client(tenant.scope, client_id, name="Acme Corp") == []
    client = the_client(tenant)
    assert (client.ticker, client.domain) == ("ACM", "acme.example.com")
    with reading(tenant.scope) as session:
        lines = session.exec(select(AuditLog).order_by(AuditLog.id)).all()  # type: ignore[arg-type]
    assert [(line.action, line.details.get("fields")) for line in lines] == [
        ("client.created", None),
        ("client.updated", ["ticker"]),
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": " - "}, "name: a client needs a name"),
        ({"name": "x" * 201}, "name: string should have at most 200 characters"),
        ({"name": "B", "tier": "gold"}, "tier: 'gold' is no tier: use strategic, growth, standard"),
        ({"name": "B", "domain": "nonsense"}, "domain: 'nonsense' is no domain"),
        ({"name": "B", "aliases": ["x" * 201]}, "aliases: .*longer than 200"),
        ({"name": "ACME"}, "name: there is a client 'Acme' already"),
        ({"name": "B", "crm_id": "1"}, "crm_id: 'Acme' has 1 already"),
        ({"name": "B", "nonsense": 1}, "nonsense: extra inputs"),
    ],
)
def test_bad_fields_are_named(tenant: Tenant, fields: dict[str, object], message: str) -> None:
    create_client(tenant.scope, name="Acme", crm_id="1")
    with pytest.raises(UserError, match=message):
        create_client(tenant.scope, **fields)


def test_archive_ends_assignments_and_restore_begins_anew(tenant: Tenant) -> None:
    client_id = create_client(tenant.scope, name="Acme")
    maria = tenant.add_user("maria@example.com", clients=(client_id,))
    assert archive_client(tenant.scope, client_id)
    assert not archive_client(tenant.scope, client_id)
    with reading(tenant.scope) as session:
        assert active_clients(tenant.scope, session) == []
        assert open_assignments(tenant.scope, session) == {}
        assert session.exec(select(ClientAssignment)).one().user_id == maria
    assert restore_client(tenant.scope, client_id)
    assert not restore_client(tenant.scope, client_id)
    assert the_client(tenant).baseline_at is None


def test_assignments_keep_their_history(tenant: Tenant) -> None:
    client_id = create_client(tenant.scope, name="Acme")
    maria, tom = tenant.add_user("maria@example.com"), tenant.add_user("tom@example.com")
    assert assign_people(tenant.scope, client_id, [maria]) == (1, 0)
    assert assign_people(tenant.scope, client_id, [maria]) == (0, 0)
    assert assign_people(tenant.scope, client_id, [tom]) == (1, 1)
    assert assign_people(tenant.scope, client_id, [maria, tom]) == (1, 0)
    with reading(tenant.scope) as session:
        assert open_assignments(tenant.scope, session) == {client_id: {maria, tom}}
        rows = session.exec(select(ClientAssignment)).all()
    assert len(rows) == 3
    ended = [row for row in rows if row.ended_at is not None]
    assert [row.user_id for row in ended] == [maria]
    assert ended[0].ended_at is not None
    assert ended[0].ended_at >= ended[0].started_at
    with pytest.raises(UserError, match="belong"):
        assign_people(tenant.scope, client_id, [uuid4()])


def test_a_manager_may_not_and_nobody_reaches_another_business(tenant: Tenant) -> None:
    client_id = create_client(tenant.scope, name="Acme")
    maria = tenant.add_user("maria@example.com")
    with pytest.raises(PermissionError, match="manager may not"):
        edit_client(Scope(tenant.business_id, maria, Role.MANAGER), client_id, name="Other")
    with pytest.raises(UserError, match="no such client"):
        edit_client(Scope.system(create_business("other", "Other").id), client_id, name="Other")
