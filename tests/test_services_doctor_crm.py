"""Doctor on CRMs: what is switched on can be asked, or it says what is missing."""

import pytest
from conftest import Tenant
from desk import another_tenant, change

from models.providers import ProviderConfig, ProviderKind
from models.settings import get_settings
from models.vault import new_key, seal
from services.doctor.checks import State
from services.doctor.crm import check_crm


def test_a_crm_that_is_on_is_looked_at_for_each_tenant(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_SECRET_KEYS", new_key())
    get_settings.cache_clear()
    for one in (tenant, another_tenant()):
        one.add(
            ProviderConfig(
                business_id=one.business_id,
                kind=ProviderKind.CRM,
                name="salesforce",
                is_enabled=True,
                options={"client_id": "the-app"},
            )
        )
    change(tenant, ProviderConfig, secret=seal(get_settings(), {"refresh_token": "sesame"}))
    other, ours = check_crm(get_settings())
    assert (ours.state, ours.message) == (State.OK, "test: salesforce is set up")
    assert other.state is State.FAIL
    assert other.message.startswith("other: Salesforce: no key is stored: it needs refresh_token or")
    assert "client-monitor providers enable salesforce --business other" in other.mend


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (
            "salesforce",
            {"client_id": "x", "api_version": "59.0"},
            "api_version: Value error, must be 65.0 or newer",
        ),
        (
            "salesforce",
            {"client_id": "x", "login_url": "https://evil.example"},
            "not an https address of Salesforce",
        ),
        ("hubspot", {}, "key"),
        ("nix", {}, "no crm is called 'nix'"),
    ],
)
def test_what_would_stop_it_is_said(tenant: Tenant, name: str, options: dict[str, str], words: str) -> None:
    tenant.add(
        ProviderConfig(
            business_id=tenant.business_id,
            kind=ProviderKind.CRM,
            name=name,
            is_enabled=True,
            options=options,
        )
    )
    [check] = check_crm(get_settings())
    assert check.state is State.FAIL
    assert words in check.message
    change(tenant, ProviderConfig, is_enabled=False)
    assert check_crm(get_settings()) == []
