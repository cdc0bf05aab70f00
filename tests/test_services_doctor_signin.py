"""What doctor says of the way in."""

import pytest
from conftest import Tenant
from desk import another_tenant
from keyring import add_person
from sqlalchemy import Engine

from models.accounts import UserState
from models.scope import Role
from models.settings import get_settings
from services.doctor.checks import State
from services.doctor.signin import check_signin


def test_a_business_nobody_can_enter_is_named(tenant: Tenant) -> None:
    tenant.add_user("maria@example.com", user={"role": Role.OWNER})
    other = another_tenant()
    add_person(other, "paul@example.com", role=Role.OWNER)
    other.add_user("ann@example.com", user={"role": Role.OWNER})
    [check] = check_signin(get_settings())
    assert (check.state, check.mend) == (
        State.WARN,
        "client-monitor user password maria@example.com --business test",
    )
    assert check.message.startswith("test: no owner has a password")


def test_with_a_provider_nobody_needs_a_password(tenant: Tenant) -> None:
    tenant.add_user("maria@example.com", user={"role": Role.OWNER})
    metadata = "https://id.example/.well-known/openid-configuration"
    [check] = check_signin(get_settings().model_copy(update={"oidc_metadata_url": metadata}))
    assert (check.state, check.message) == (State.OK, "by password, or the organisation's accounts")


@pytest.mark.parametrize("state", [UserState.INVITED, UserState.DEACTIVATED])
def test_an_operator_who_is_nobody_is_named(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, state: UserState
) -> None:
    add_person(tenant, role=Role.OWNER)
    tenant.add_user("paul@example.com", user={"state": state})
    monkeypatch.setenv("CM_OPERATORS", "maria@example.com Paul@example.com eve@example.com")
    get_settings.cache_clear()
    [check] = check_signin(get_settings())
    assert check.state is State.WARN
    assert "eve@example.com, paul@example.com, whom" in check.message


def test_without_a_business_there_is_nothing_to_say(db: Engine) -> None:
    [check] = check_signin(get_settings())
    assert check.state is State.OK
