"""Who is looking at the app: the holder of a session that holds, and nobody else."""

from datetime import timedelta

import pytest
from apptest import open_page, sign_in, signed_in
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from sqlmodel import col

from models.accounts import Business, User, UserState
from models.base import utc_now
from models.engine import writing
from models.scope import Role, Scope
from models.settings import get_settings
from models.signin import SignInMethod, SignInSession
from services.signin import Viewer, viewer_of
from services.signin.oidc import viewer_by_claims
from services.signin.sessions import IDLE, LIFETIME, begin


def who(viewer: Viewer) -> None:
    import streamlit as st

    st.write(f"{viewer.name}, {viewer.role.value}")


def shown(test) -> str:  # type: ignore[no-untyped-def]
    test.run()
    assert not test.exception
    return " ".join(element.value for element in test.markdown)


def test_a_page_knows_who_is_looking(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    token, viewer = signed_in(tenant, Role.VIEWER, "maria@example.com")
    assert shown(open_page(monkeypatch, token, who)) == "Maria, viewer"
    assert (viewer.scope.business_id, viewer.role, viewer.is_admin) == (
        tenant.business_id,
        Role.VIEWER,
        False,
    )
    assert (viewer.business_name, viewer.business_slug, viewer.is_demo) == ("Test", "test", False)


@pytest.mark.parametrize("token", [None, "", "x", "forged.signature", "é.ü", "a" * 5_000])
def test_nobody_is_let_in_by_what_is_no_session(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    assert viewer_of(token) is None
    assert "sign in" in shown(open_page(monkeypatch, token, who))


def test_a_session_ends_by_itself(tenant: Tenant) -> None:
    token = begin(tenant.scope, tenant.add_user(), SignInMethod.PASSWORD, now=NOW)
    assert viewer_of(token, now=NOW + IDLE - timedelta(seconds=1)) is not None
    assert viewer_of(token, now=NOW + IDLE + timedelta(hours=1)) is not None, "a visit keeps it"
    assert viewer_of(token, now=NOW + 2 * IDLE + timedelta(hours=2)) is None, "nobody came"
    lasting = begin(tenant.scope, rows(tenant, User)[0].id, SignInMethod.PASSWORD, now=NOW)
    step = timedelta(0)
    while step < LIFETIME:
        assert viewer_of(lasting, now=NOW + step) is not None
        step += timedelta(days=2)
    assert viewer_of(lasting, now=NOW + LIFETIME) is None, "whatever happens"


def test_a_visit_is_written_down_at_most_every_few_minutes(tenant: Tenant) -> None:
    token = begin(tenant.scope, tenant.add_user(), SignInMethod.PASSWORD, now=NOW)
    seen = []
    for minutes in (1, 4, 6, 8, 12):
        assert viewer_of(token, now=NOW + timedelta(minutes=minutes)) is not None
        seen.append((rows(tenant, SignInSession)[0].seen_at - NOW) / timedelta(minutes=1))
    assert seen == [0, 0, 6, 6, 12]


def test_a_revoked_session_and_a_deactivated_person_are_out_at_once(tenant: Tenant) -> None:
    user_id = tenant.add_user()
    kept, lost = sign_in(tenant, user_id), sign_in(tenant, user_id)
    lost_id = viewer_of(lost).session_id  # type: ignore[union-attr]
    change(tenant, SignInSession, col(SignInSession.id) == lost_id, revoked_at=NOW)
    assert (viewer_of(lost), viewer_of(kept) is not None) == (None, True)
    for state in (UserState.DEACTIVATED, UserState.INVITED):
        change(tenant, User, state=state)
        assert viewer_of(kept) is None


def test_another_deployments_key_signs_nothing_here(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    token = sign_in(tenant, tenant.add_user())
    monkeypatch.setenv("CM_SIGNING_KEYS", "k" * 40)
    get_settings.cache_clear()
    assert viewer_of(token) is None


def test_what_the_database_keeps_is_no_way_in(tenant: Tenant) -> None:
    token = sign_in(tenant, tenant.add_user())
    [row] = rows(tenant, SignInSession)
    assert token not in repr(row)
    assert row.token_hash not in repr(row)
    assert viewer_of(row.token_hash) is None
    assert token.partition(".")[0] not in row.model_dump_json()


def test_a_demo_session_ends_with_the_demo(tenant: Tenant) -> None:
    token = sign_in(tenant, tenant.add_user(), SignInMethod.DEMO)
    assert viewer_of(token) is None
    with writing(Scope.operator()) as session:
        session.get_one(Business, tenant.business_id).is_demo = True
    viewer = viewer_of(token)
    assert viewer is not None
    assert viewer.is_demo


def test_operators_are_named_by_the_deployment(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    token, viewer = signed_in(tenant, Role.MANAGER, "maria@example.com")
    assert not viewer.is_operator
    monkeypatch.setenv("CM_OPERATORS", "Maria@example.com other@example.com")
    get_settings.cache_clear()
    again = viewer_of(token)
    assert again is not None
    assert again.is_operator


def test_a_database_that_fails_lets_nobody_in(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    token = sign_in(tenant, tenant.add_user())

    def broken(_token: str | None) -> Viewer | None:
        raise OSError("no database")

    monkeypatch.setattr("ui.session.viewer_of", broken)
    assert "sign in" in shown(open_page(monkeypatch, token, who))


CLAIMS = {
    "is_logged_in": True,
    "email": "Maria@example.com",
    "email_verified": True,
    "iat": utc_now().timestamp() - 60,
}
LONG_AGO = utc_now().timestamp() - LIFETIME.total_seconds()


@pytest.fixture
def with_oidc(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> Tenant:
    monkeypatch.setenv("CM_OIDC_METADATA_URL", "https://id.example/.well-known/openid-configuration")
    monkeypatch.setenv("CM_OIDC_CLIENT_ID", "client-monitor")
    monkeypatch.setenv("CM_OIDC_CLIENT_SECRET", "s3cr3t-of-the-provider")
    get_settings.cache_clear()
    return tenant


def test_a_provider_vouches_for_an_address(with_oidc: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with_oidc.add_user("maria@example.com", user={"state": UserState.INVITED})
    test = open_page(monkeypatch, None, who)
    test.user = dict(CLAIMS)
    assert shown(test) == "Maria, manager"
    assert rows(with_oidc, User)[0].state is UserState.ACTIVE


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"is_logged_in": False},
        CLAIMS | {"is_logged_in": False},
        CLAIMS | {"is_logged_in": "yes"},
        CLAIMS | {"email_verified": False},
        CLAIMS | {"email_verified": "true"},
        CLAIMS | {"email_verified": None},
        {"is_logged_in": True, "email": "maria@example.com", "iat": CLAIMS["iat"]},
        CLAIMS | {"email": "paul@example.com"},
        CLAIMS | {"email": ""},
        CLAIMS | {"email": None},
        CLAIMS | {"email": "%"},
        CLAIMS | {"email": ["maria@example.com"]},
        CLAIMS | {"iat": LONG_AGO},
        CLAIMS | {"iat": utc_now().timestamp() + 3_600},
        CLAIMS | {"iat": None},
        CLAIMS | {"iat": True},
    ],
)
def test_claims_that_prove_nothing_let_nobody_in(
    with_oidc: Tenant, monkeypatch: pytest.MonkeyPatch, claims: dict[str, object]
) -> None:
    with_oidc.add_user("maria@example.com", user={"state": UserState.INVITED})
    test = open_page(monkeypatch, None, who)
    test.user = dict(claims)
    assert "sign in" in shown(test)
    people = rows(with_oidc, User)
    assert [person.state for person in people] == [UserState.INVITED], "nobody is made or changed"


def test_claims_mean_nothing_without_a_provider(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant.add_user("maria@example.com")
    test = open_page(monkeypatch, None, who)
    test.user = dict(CLAIMS)
    assert "sign in" in shown(test)


def test_who_is_deactivated_is_out_with_a_provider_too(
    with_oidc: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_oidc.add_user("maria@example.com", user={"state": UserState.DEACTIVATED})
    test = open_page(monkeypatch, None, who)
    test.user = dict(CLAIMS)
    assert "sign in" in shown(test)
    assert rows(with_oidc, User)[0].state is UserState.DEACTIVATED


def test_what_one_person_left_in_the_browser_is_not_shown_to_the_next(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [signed_in(tenant, role)[0] for role in (Role.OWNER, Role.VIEWER)]
    test = open_page(monkeypatch, tokens[0], who)
    test.run()
    test.session_state["draft"] = "for the owner's eyes"
    test.run()
    assert test.session_state["draft"] == "for the owner's eyes"
    monkeypatch.setattr("ui.session.cookie_token", lambda: tokens[1])
    assert "viewer" in shown(test)
    assert "draft" not in test.session_state
    test.session_state["draft"] = "mine"
    monkeypatch.setattr("ui.session.cookie_token", lambda: None)
    assert "sign in" in shown(test)
    assert "draft" not in test.session_state


def test_an_address_of_several_businesses_goes_where_it_is_active(with_oidc: Tenant) -> None:
    with_oidc.add_user("maria@example.com")
    earlier = another_tenant("a-first")
    earlier.add_user("maria@example.com", user={"state": UserState.INVITED})
    found = viewer_by_claims(CLAIMS)
    assert found is not None
    assert (found.business_slug, found.method, found.session_id) == ("test", SignInMethod.OIDC, None)
    change(with_oidc, User, state=UserState.DEACTIVATED)
    found = viewer_by_claims(CLAIMS)
    assert found is not None
    assert found.business_slug == "a-first"
