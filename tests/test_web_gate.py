"""What stands before the app's own pages: the way to the sign-in, headers, and no socket for other sites."""

from typing import Any

import pytest
from apptest import sign_in
from conftest import Tenant
from postbox import ORIGIN, settings_with
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.signin.cookie import cookie_name
from tasks.notify.links import PREFIX
from web.app import create_app
from web.gate import Gate

PAGE = {"Accept": "text/html,application/xhtml+xml"}


async def behind(_request: Any) -> PlainTextResponse:
    response = PlainTextResponse("the app")
    response.set_cookie("_streamlit_user", "x", httponly=True)
    return response


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("the app")
    await websocket.close()


def gate(**changes: Any) -> TestClient:
    settings = settings_with(**changes)
    app = Starlette(
        routes=[
            Mount(PREFIX, create_app(settings)),
            WebSocketRoute("/_stcore/stream", socket),
            Route("/{path:path}", behind, methods=["GET", "POST"]),
        ],
        middleware=[Middleware(Gate, settings=settings)],
    )
    return TestClient(app, base_url=settings.public_url, follow_redirects=False)


@pytest.mark.parametrize(
    ("path", "led"),
    [
        ("/", "/web/sign-in"),
        ("/clients", "/web/sign-in?next=/clients"),
        ("/client?id=7&tab=a b", "/web/sign-in?next=/client%3Fid%3D7%26tab%3Da%2520b"),
        ("/websites", "/web/sign-in?next=/websites"),
    ],
)
def test_a_stranger_is_led_to_the_sign_in(tenant: Tenant, path: str, led: str) -> None:
    answer = gate().get(path, headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, led)
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]


def test_who_holds_a_session_is_let_through(tenant: Tenant) -> None:
    client = gate()
    client.cookies.set(cookie_name(settings_with()), sign_in(tenant, tenant.add_user()))
    assert client.get("/clients", headers=PAGE).text == "the app"


@pytest.mark.parametrize("value", ["", "x", "forged.signature", "a" * 3_000])
def test_a_forged_cookie_is_none(tenant: Tenant, value: str) -> None:
    client = gate()
    client.cookies.set(cookie_name(settings_with()), value)
    assert client.get("/clients", headers=PAGE).status_code == 303


def test_what_is_no_page_is_not_led_anywhere(tenant: Tenant) -> None:
    client = gate()
    for path in ("/_stcore/health", "/static/js/index.js", "/media/x", "/component/x", "/oauth2callback"):
        assert client.get(path, headers=PAGE).text == "the app"
    assert client.get("/clients", headers={"Accept": "application/json"}).text == "the app"
    assert client.post("/clients", headers=PAGE).text == "the app"
    assert client.get("/web/healthz", headers=PAGE).json() == {"state": "alive"}


def test_with_a_provider_the_app_asks_itself(tenant: Tenant) -> None:
    client = gate(oidc_metadata_url="https://id.example/.well-known/openid-configuration")
    assert client.get("/clients", headers=PAGE).text == "the app"


def test_the_app_has_headers_and_the_web_service_stricter_ones(tenant: Tenant) -> None:
    client = gate()
    app, web = client.get("/_stcore/health").headers, client.get("/web/healthz").headers
    assert (app["x-content-type-options"], app["referrer-policy"]) == ("nosniff", "same-origin")
    assert (app["x-frame-options"], web["x-frame-options"]) == ("SAMEORIGIN", "DENY")
    assert "max-age" in app["strict-transport-security"]
    for rule in ("default-src 'self'", "connect-src 'self'", "object-src 'none'", "form-action 'self'"):
        assert rule in app["content-security-policy"]
    assert web["content-security-policy"].startswith("default-src 'none'")
    assert "; Secure" in app["set-cookie"]
    plain = gate(public_url="http://127.0.0.1:8501").get("/_stcore/health").headers
    assert "strict-transport-security" not in plain
    assert "Secure" not in plain["set-cookie"]


@pytest.mark.parametrize("origin", [ORIGIN, "https://Monitor.example", None])
def test_our_own_pages_open_a_socket(tenant: Tenant, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    with gate().websocket_connect("/_stcore/stream", headers=headers) as connection:
        assert connection.receive_text() == "the app"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://monitor.example.evil.example"])
def test_other_sites_pages_open_none(tenant: Tenant, origin: str) -> None:
    client = gate()
    client.cookies.set(cookie_name(settings_with()), sign_in(tenant, tenant.add_user()))
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("/_stcore/stream", headers={"Origin": origin}),
    ):
        pass
    assert refused.value.code == 1008
