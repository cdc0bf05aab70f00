"""Where the limits of a language model come from, and what a tenant may change of them."""

import pytest
from conftest import Tenant
from cryptography.fernet import Fernet
from desk import another_tenant

from models.base import new_id
from models.clock import SystemClock
from models.providers import ProviderKind
from models.scope import Role, Scope
from models.settings import get_settings
from services.budgets import change_limits, limits_of
from services.errors import UserError
from services.providers import disable, enable
from services.spend import spend

MODEL = ProviderKind.CLASSIFIER


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    monkeypatch.setenv("CM_OPENAI_API_KEY", "sk-of-the-house-000")
    monkeypatch.setenv("CM_AI_USD_PER_DAY", "1")
    monkeypatch.setenv("CM_SECRET_KEYS", Fernet.generate_key().decode())
    get_settings.cache_clear()


def limit(tenant: Tenant, name: str) -> tuple[float | None, float]:
    told = limits_of(tenant.scope)
    assert told is not None
    return next((one.own, one.in_force) for one in told.limits if one.field == name)


def test_without_a_model_there_is_no_limit_and_none_to_change(tenant: Tenant) -> None:
    assert limits_of(tenant.scope) is None
    with pytest.raises(UserError):
        change_limits(tenant.scope, {"usd_per_day": "1"})


def test_who_asks_at_the_houses_expense_may_only_lower_a_limit(tenant: Tenant) -> None:
    enable(tenant.scope, "openai", kind=MODEL)
    assert limit(tenant, "usd_per_day") == (None, 1)
    assert change_limits(tenant.scope, {"usd_per_day": "0.25"}) == ("usd_per_day",)
    assert limit(tenant, "usd_per_day") == (0.25, 0.25)
    assert change_limits(tenant.scope, {"usd_per_day": "7"}) == ("usd_per_day",)
    assert limit(tenant, "usd_per_day") == (7, 1)
    assert change_limits(tenant.scope, {"usd_per_day": ""}) == ("usd_per_day",)
    assert limit(tenant, "usd_per_day") == (None, 1)
    assert change_limits(tenant.scope, {"usd_per_day": ""}) == ()


def test_who_pays_itself_sets_its_own(tenant: Tenant) -> None:
    enable(tenant.scope, "openai", kind=MODEL, secrets={"key": "sk-of-our-own-11111"})
    change_limits(tenant.scope, {"usd_per_day": "7"})
    told = limits_of(tenant.scope)
    assert told is not None
    assert told.pays_itself
    assert limit(tenant, "usd_per_day") == (7, 7)


def test_what_is_told_is_what_spending_goes_by(tenant: Tenant) -> None:
    enable(tenant.scope, "openai", kind=MODEL)
    change_limits(tenant.scope, {"usd_per_month": "3", "calls_per_day": "12"})
    told = limits_of(tenant.scope)
    assert told is not None
    in_force = {(one.unit, one.period): one.in_force for one in told.limits if one.period != "run"}
    allowed = spend(tenant.scope, clock=SystemClock()).allowances
    assert {(one.unit, one.period): one.limit for one in allowed} == in_force


@pytest.mark.parametrize("change", [{"usd_per_day": "lots"}, {"usd_per_day": "-1"}, {"model": "gpt-6-sol"}])
def test_what_is_no_limit_is_refused(tenant: Tenant, change: dict[str, str]) -> None:
    enable(tenant.scope, "openai", kind=MODEL)
    with pytest.raises(UserError):
        change_limits(tenant.scope, change)
    assert limit(tenant, "usd_per_day") == (None, 1)


def test_limits_are_the_admins_and_of_one_tenant(tenant: Tenant) -> None:
    enable(tenant.scope, "openai", kind=MODEL)
    assert limits_of(another_tenant().scope) is None
    scope = Scope(tenant.business_id, new_id(), Role.MANAGER)
    for ask in (lambda: limits_of(scope), lambda: change_limits(scope, {"usd_per_day": "1"})):
        with pytest.raises(PermissionError):
            ask()
    disable(tenant.scope, "openai", kind=MODEL)
    assert limits_of(tenant.scope) is None
