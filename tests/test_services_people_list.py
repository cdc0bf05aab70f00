"""The list of people as admins see it: what they get, and whom they look after."""

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, change
from sqlmodel import col

from models.accounts import Frequency
from models.base import new_id
from models.clients import ClientAssignment
from models.scope import Role, Scope
from services.clients import archive_client
from services.people import list_people, looked_after_by


def test_the_list_says_what_people_get_and_how_many_clients_they_have(tenant: Tenant) -> None:
    acme, bolt, gone = (tenant.add_client(name) for name in ("Acme", "Bolt", "Gone"))
    ada = tenant.add_user("ada@example.com", clients=(bolt, acme, gone), frequency=Frequency.WEEKLY)
    bob = tenant.add_user("bob@example.com", clients=(bolt,))
    change(
        tenant,
        ClientAssignment,
        (col(ClientAssignment.user_id) == bob) & (col(ClientAssignment.client_id) == bolt),
        ended_at=NOW,
    )
    archive_client(tenant.scope, gone)
    told = {one.email: (one.clients, one.frequency) for one in list_people(tenant.scope)}
    assert told == {"ada@example.com": (2, Frequency.WEEKLY), "bob@example.com": (0, Frequency.DAILY)}
    assert list(looked_after_by(tenant.scope, ada).items()) == [(acme, "Acme"), (bolt, "Bolt")]
    assert looked_after_by(tenant.scope, bob) == {}


def test_whom_somebody_looks_after_is_theirs_and_the_admins(tenant: Tenant) -> None:
    ada = tenant.add_user("ada@example.com", clients=(tenant.add_client("Acme"),))
    assert list(looked_after_by(Scope(tenant.business_id, ada, Role.VIEWER), ada).values()) == ["Acme"]
    with pytest.raises(PermissionError):
        looked_after_by(Scope(tenant.business_id, new_id(), Role.MANAGER), ada)
    assert looked_after_by(another_tenant().scope, ada) == {}
