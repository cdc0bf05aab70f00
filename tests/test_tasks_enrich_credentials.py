"""A tenant's CRM keys: sealed, merged, renewed by one at a time, and told to nobody."""

import pytest
from conftest import Tenant
from desk import another_tenant, change, rows

from models.providers import ProviderConfig, ProviderKind
from models.settings import get_settings
from models.vault import new_key, reseal, seal, unseal
from tasks.enrich.credentials import StoredCredentials
from tasks.enrich.crm import About, CrmError

ABOUT = About(title="Book", recipient="the book", sends="names")


@pytest.fixture
def keys(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> StoredCredentials:
    """Credentials with a refresh token and a client secret."""
    monkeypatch.setenv("CM_SECRET_KEYS", new_key())
    monkeypatch.setenv("CM_HTTP_TIMEOUT_SECONDS", "0.05")
    get_settings.cache_clear()
    tenant.add(
        ProviderConfig(
            business_id=tenant.business_id,
            kind=ProviderKind.CRM,
            name="book",
            secret=seal(get_settings(), {"refresh_token": "sesame-0", "client_secret": "mum's the word"}),
        )
    )
    return of(tenant)


def of(tenant: Tenant) -> StoredCredentials:
    return StoredCredentials(tenant.scope, "book", ABOUT, get_settings())


def plain(keys: StoredCredentials) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in keys.read().items()}


def test_what_is_stored_is_read_by_its_tenant_alone_and_never_shown(
    tenant: Tenant, keys: StoredCredentials
) -> None:
    assert plain(keys) == {"refresh_token": "sesame-0", "client_secret": "mum's the word"}
    assert plain(of(another_tenant())) == {}
    assert "sesame" not in repr(keys) + str(keys.read())
    [row] = rows(tenant, ProviderConfig)
    assert b"sesame" not in row.secret
    assert "sesame" not in repr(row)


def test_what_is_replaced_is_committed_beside_the_rest(tenant: Tenant, keys: StoredCredentials) -> None:
    with keys.exclusive():
        keys.read()
        keys.replace({"refresh_token": "sesame-1", "access_token": "a"})
        assert plain(of(tenant)) == {
            "refresh_token": "sesame-1",
            "client_secret": "mum's the word",
            "access_token": "a",
        }
    [row] = rows(tenant, ProviderConfig)
    assert set(unseal(get_settings(), row.secret)) == {"refresh_token", "client_secret", "access_token"}


def test_the_next_one_in_line_reads_what_the_first_stored(tenant: Tenant, keys: StoredCredentials) -> None:
    with keys.exclusive():
        keys.replace({"refresh_token": "sesame-1"})
    with of(tenant).exclusive():
        assert plain(of(tenant))["refresh_token"] == "sesame-1"


def test_who_outlived_the_lease_still_stores_the_only_living_token(
    tenant: Tenant, keys: StoredCredentials
) -> None:
    with keys.exclusive():
        keys.read()
        with of(tenant).exclusive():  # the first one's lease lasts half a second here
            pass
        keys.replace({"refresh_token": "sesame-1"})
    assert plain(keys)["refresh_token"] == "sesame-1"


def test_a_consent_that_an_admin_gave_meanwhile_stays(tenant: Tenant, keys: StoredCredentials) -> None:
    keys.read()
    consent = seal(get_settings(), {"refresh_token": "new consent", "client_secret": "mum's the word"})
    change(tenant, ProviderConfig, secret=consent)
    keys.replace({"refresh_token": "sesame-1", "access_token": "a"})
    assert plain(keys)["refresh_token"] == "new consent"


def test_a_row_that_was_resealed_meanwhile_takes_the_new_token(
    tenant: Tenant, keys: StoredCredentials
) -> None:
    [row] = rows(tenant, ProviderConfig)
    keys.read()
    change(tenant, ProviderConfig, secret=reseal(get_settings(), row.secret))
    keys.replace({"refresh_token": "sesame-1"})
    assert plain(keys)["refresh_token"] == "sesame-1"


def test_keys_that_cannot_be_unsealed_say_what_to_mend(
    tenant: Tenant, keys: StoredCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_SECRET_KEYS", new_key())
    get_settings.cache_clear()
    for act in (lambda: of(tenant).read(), lambda: of(tenant).replace({"refresh_token": "x"})):
        with pytest.raises(CrmError, match="add the old one to CM_SECRET_KEYS") as caught:
            act()
        assert "sesame" not in str(caught.value)


def test_keys_that_were_removed_are_not_made_again(tenant: Tenant, keys: StoredCredentials) -> None:
    with pytest.raises(CrmError, match="removed meanwhile"):
        of(another_tenant()).replace({"refresh_token": "x"})
    assert len(rows(tenant, ProviderConfig)) == 1
