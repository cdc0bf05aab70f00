"""The demo beside a tenant of one's own: who may load it, and that it stays apart."""

from dataclasses import replace

import pytest
from apptest import signed_in
from conftest import Tenant
from desk import rows

from models.clients import Client
from models.scope import Role, Scope
from models.settings import get_settings
from services import demo_start
from services.accounts import find_business
from services.demo_start import may_start_demo, start_demo
from services.run_start import Started, Where


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Scope, bool]]:
    """What was started, in place of a run in a process of its own."""
    calls: list[tuple[Scope, bool]] = []

    def start(scope: Scope, *, force_mock: bool = False) -> Started:
        calls.append((scope, force_mock))
        return Started(Where.HERE, "started")

    monkeypatch.setattr(demo_start, "start_run", start)
    return calls


def test_an_owner_at_the_machine_loads_the_demo_apart_from_their_own(
    tenant: Tenant, started: list[tuple[Scope, bool]]
) -> None:
    tenant.add_client("Acme")
    _, viewer = signed_in(tenant, Role.OWNER)
    assert start_demo(viewer, is_here=True) is not None
    demo = find_business("demo")
    assert demo is not None
    assert demo.is_demo
    assert started == [(Scope.system(demo.id), True)]
    assert [client.name for client in rows(tenant, Client)] == ["Acme"]
    assert len(rows(Tenant(demo.id), Client)) == 12


def test_nobody_else_does(
    tenant: Tenant, started: list[tuple[Scope, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, owner = signed_in(tenant, Role.OWNER)
    _, admin = signed_in(tenant, Role.ADMIN)
    assert may_start_demo(owner, is_here=True)
    assert may_start_demo(replace(admin, is_operator=True), is_here=True)
    refused = [(owner, False), (admin, True), (replace(owner, is_demo=True), True)]
    for viewer, is_here in refused:
        assert not may_start_demo(viewer, is_here=is_here)
        with pytest.raises(PermissionError):
            start_demo(viewer, is_here=is_here)
    monkeypatch.setenv("CM_ENVIRONMENT", "production")
    monkeypatch.setenv("CM_SIGNING_KEYS", "k" * 40)
    get_settings.cache_clear()
    assert not may_start_demo(owner, is_here=True)
    assert find_business("demo") is None
    assert started == []


def test_a_demo_that_has_news_gets_no_second_run(
    tenant: Tenant, started: list[tuple[Scope, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, viewer = signed_in(tenant, Role.OWNER)
    start_demo(viewer, is_here=True)
    monkeypatch.setattr(demo_start, "recent_runs", lambda *_a, **_k: [object()])
    assert start_demo(viewer, is_here=True) is None
    assert len(started) == 1
