"""What an admin sees and changes of the tenant as a whole."""

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows

from models.accounts import Business, UserState
from models.audit import AuditLog
from models.scope import Role, Scope
from models.settings import get_settings
from services.business import change_silent_days, overview
from services.engagement import set_tracking
from services.errors import UserError


def test_the_overview_counts_the_people_who_are_there_and_who_agreed(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = another_tenant()
    other.add_user("eve@example.com", tracking_consent_at=NOW)
    tenant.add_user("ada@example.com", tracking_consent_at=NOW)
    tenant.add_user("bob@example.com")
    tenant.add_user("old@example.com", user={"state": UserState.DEACTIVATED}, tracking_consent_at=NOW)
    told = overview(tenant.scope)
    assert (told.name, told.slug, told.people, told.consented) == ("Test", "test", 2, 1)
    assert (told.tracking, told.can_track, told.silent_days) == (False, False, 3)
    monkeypatch.setenv("CM_PUBLIC_URL", "https://monitor.example.com")
    get_settings.cache_clear()
    set_tracking(tenant.scope, True)
    told = overview(tenant.scope)
    assert (told.tracking, told.can_track) == (True, True)
    assert not overview(other.scope).tracking


def test_silent_days_are_changed_once_and_written_down(tenant: Tenant) -> None:
    other = another_tenant()
    assert change_silent_days(tenant.scope, 7)
    assert not change_silent_days(tenant.scope, 7)
    assert overview(tenant.scope).silent_days == 7
    assert overview(other.scope).silent_days == 3
    [line] = rows(tenant, AuditLog)
    assert (line.action, line.details) == ("business.silence_changed", {"old": 3, "new": 7})


@pytest.mark.parametrize("days", [0, -1, 61, 10**9])
def test_days_out_of_bounds_are_refused(tenant: Tenant, days: int) -> None:
    with pytest.raises(UserError):
        change_silent_days(tenant.scope, days)
    assert [one.silent_days for one in rows(tenant, Business, id=tenant.business_id)] == [3]


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_the_tenants_settings_are_the_admins(tenant: Tenant, role: Role) -> None:
    scope = Scope(tenant.business_id, tenant.add_user(), role)
    for ask in (lambda: overview(scope), lambda: change_silent_days(scope, 9)):
        with pytest.raises(PermissionError):
            ask()
