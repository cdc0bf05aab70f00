"""Sign-in by OpenID Connect at the real service, with a provider of our own next door."""

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from conftest import Tenant
from cryptography.hazmat.primitives.asymmetric import rsa
from desk import rows
from pytest_httpserver import HTTPServer
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from test_web_serve import served
from werkzeug import Request, Response

from cli.asgi import secrets
from models.accounts import User, UserState
from models.settings import Settings, get_settings
from services.signin.oidc import viewer_by_claims

KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
CLIENT, SECRET = "client-monitor", "kept-between-us-and-the-provider"


class Provider:
    """Vouches for one address, as it is told to. Tokens are signed with RS256, as the standard's default."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.claims: dict[str, Any] = {"email": "maria@example.com", "email_verified": True}
        self.nonce = ""
        self.asked: dict[str, list[str]] = {}
        where = server.url_for("").rstrip("/")
        self.issuer = where
        metadata = {
            "issuer": where,
            "authorization_endpoint": f"{where}/authorize",
            "token_endpoint": f"{where}/token",
            "jwks_uri": f"{where}/keys",
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        server.expect_request("/.well-known/openid-configuration").respond_with_json(metadata)
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        server.expect_request("/keys").respond_with_json(
            {"keys": [public | {"kid": "1", "use": "sig", "alg": "RS256"}]}
        )
        server.expect_request("/authorize").respond_with_handler(self.authorize)
        server.expect_request("/token", method="POST").respond_with_handler(self.token)

    def authorize(self, request: Request) -> Response:
        asked = request.args
        self.nonce = asked["nonce"]
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT
        back = f"{asked['redirect_uri']}?code=once&state={asked['state']}"
        return Response(status=302, headers={"Location": back})

    def token(self, request: Request) -> Response:
        self.asked = parse_qs(request.get_data(as_text=True))
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "sub": "7",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "nonce": self.nonce,
        }
        signed = jwt.encode(said | self.claims, KEY, algorithm="RS256", headers={"kid": "1"})
        answer = {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": signed}
        return Response(json.dumps(answer), content_type="application/json")


@pytest.fixture
def provider(httpserver: HTTPServer, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Provider:
    provider = Provider(httpserver)
    monkeypatch.setenv("CM_OIDC_METADATA_URL", f"{provider.issuer}/.well-known/openid-configuration")
    monkeypatch.setenv("CM_OIDC_CLIENT_ID", CLIENT)
    monkeypatch.setenv("CM_OIDC_CLIENT_SECRET", SECRET)
    get_settings.cache_clear()
    return provider


def auth_of(settings: Settings) -> dict[str, Any]:
    section = secrets(settings)["auth"]
    assert isinstance(section, dict)
    return section


def pressed(settings: Settings) -> str:
    """What the app's sign-in button leads to."""
    payload = {"provider": "default", "exp": int(time.time()) + 120}
    return "/auth/login?provider=" + jwt.encode(
        payload, auth_of(settings)["cookie_secret"], algorithm="HS256"
    )


@pytest.mark.full
def test_a_provider_s_word_opens_the_app(
    provider: Provider, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant.add_user("maria@example.com", user={"state": UserState.INVITED})
    with (
        served() as (origin, told),
        httpx.Client(base_url=origin, headers={"Accept": "text/html"}) as browser,
    ):
        settings = get_settings().model_copy(update={"public_url": origin})
        assert browser.get("/").status_code == 200, "the app shows its own button"
        assert "Sign in with your organisation" in browser.get("/web/sign-in").text
        to_provider = browser.get(pressed(settings)).headers["location"]
        assert to_provider.startswith(f"{provider.issuer}/authorize?")
        assert parse_qs(urlsplit(to_provider).query)["redirect_uri"] == [f"{origin}/oauth2callback"]
        back = httpx.get(to_provider).headers["location"]
        assert browser.get(back).headers["location"] == "/"
        cookie = browser.cookies["_streamlit_user"]
        assert provider.asked["code"] == ["once"]
        assert "code_verifier" in provider.asked
        replayed = httpx.get(back)
        assert "_streamlit_user" not in replayed.cookies, "the answer is this browser's alone"
        out = browser.post("/web/sign-out", headers={"Sec-Fetch-Site": "same-origin"})
        assert "_streamlit_user" not in browser.cookies
        assert out.status_code == 303
    read = decode_signed_value(auth_of(settings)["cookie_secret"], "_streamlit_user", cookie)
    assert read is not None
    viewer = viewer_by_claims(json.loads(read))
    assert viewer is not None
    assert (viewer.email, viewer.business_slug) == ("maria@example.com", "test")
    assert [user.state for user in rows(tenant, User)] == [UserState.ACTIVE]
    for secret in (SECRET, auth_of(settings)["cookie_secret"], cookie):
        assert secret not in "".join(told)


def test_what_streamlit_is_told_of_the_provider(provider: Provider) -> None:
    settings = get_settings().model_copy(update={"public_url": "https://monitor.example/"})
    auth = auth_of(settings)
    assert auth["redirect_uri"] == "https://monitor.example/oauth2callback"
    assert (auth["client_id"], auth["client_secret"]) == (CLIENT, SECRET)
    assert len(auth["cookie_secret"]) == 64
    assert auth_of(settings)["cookie_secret"] == auth["cookie_secret"], "the same after a restart"
    assert SECRET not in repr(settings)


def test_without_a_provider_streamlit_is_told_nothing(tenant: Tenant) -> None:
    assert secrets(get_settings()) == {}


@pytest.mark.parametrize("missing", ["CM_OIDC_METADATA_URL", "CM_OIDC_CLIENT_ID", "CM_OIDC_CLIENT_SECRET"])
def test_half_a_provider_is_refused(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)
    with pytest.raises(ValueError, match="OpenID Connect needs"):
        Settings()


def test_a_provider_is_asked_over_https(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_OIDC_METADATA_URL", "http://id.example/.well-known/openid-configuration")
    with pytest.raises(ValueError, match="https"):
        Settings()
