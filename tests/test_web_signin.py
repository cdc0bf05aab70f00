"""The way in and out: what a browser gets for the right and the wrong thing, and what it may not be led to."""

import re
from datetime import timedelta
from typing import Any

import pytest
from apptest import sign_in
from conftest import Tenant
from desk import another_tenant, change, counts, rows
from hypothesis import given
from hypothesis import strategies as st
from keyring import OTHER, PASSWORD, add_person
from postbox import ORIGIN, Door, settings_with
from starlette.testclient import TestClient

from models.accounts import Business, User, UserState
from models.audit import AuditLog
from models.base import utc_now
from models.engine import writing
from models.scope import Role, Scope
from models.settings import get_settings
from models.signin import AccountLink, Credential, SignInMethod, SignInSession
from services.signin import viewer_of
from services.signin.sessions import LIFETIME, begin
from web.app import standalone
from web.service import PER_DOOR
from web.signin import own_path

COOKIE = "__Host-cm_session"
OWN = {"Sec-Fetch-Site": "same-origin"}
MARIA = {"email": "maria@example.com", "password": PASSWORD}
CHANGING = (AuditLog, Credential, SignInSession, AccountLink)


@pytest.fixture
def door(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("CM_PUBLIC_URL", ORIGIN)
    get_settings.cache_clear()
    door = Door.open()
    door.client.headers.update(OWN)
    return door


def enter(door: Door, **form: str) -> Any:
    return door.client.post("/web/sign-in", data=MARIA | form)


def held(door: Door) -> str | None:
    return door.client.cookies.get(COOKIE)


def test_the_right_password_opens_the_app(door: Door, tenant: Tenant) -> None:
    user_id = add_person(tenant)
    shown = door.client.get("/web/sign-in?next=/clients")
    assert shown.status_code == 200
    assert 'name="next" value="/clients"' in shown.text
    assert "set-cookie" not in shown.headers
    answer = enter(door, next="/clients?tier=growth")
    assert (answer.status_code, answer.headers["location"]) == (303, "/clients?tier=growth")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", f"Max-Age={14 * 86_400}"):
        assert attribute in cookie
    assert "domain" not in cookie.lower()
    viewer = viewer_of(held(door))
    assert viewer is not None
    assert (viewer.user_id, viewer.method) == (user_id, SignInMethod.PASSWORD)
    [row] = rows(tenant, SignInSession)
    assert row.user_agent.startswith("Mozilla/5.0")
    assert door.client.get("/web/sign-in?next=/runs").headers["location"] == "/runs", "who is in goes on"


def test_without_https_the_cookie_has_no_prefix(tenant: Tenant) -> None:
    add_person(tenant)
    client = TestClient(standalone(), base_url="http://127.0.0.1:8501", follow_redirects=False, headers=OWN)
    cookie = client.post("/web/sign-in", data=MARIA).headers["set-cookie"]
    assert cookie.startswith("cm_session=")
    assert "HttpOnly" in cookie
    assert "secure" not in cookie.lower()


def test_every_refusal_is_the_same(door: Door, tenant: Tenant) -> None:
    add_person(tenant)
    add_person(tenant, "gone@example.com")
    change(tenant, User, User.email == "gone@example.com", state=UserState.DEACTIVATED)
    tenant.add_user("keyless@example.com")
    add_person(tenant, "resting@example.com")
    change(tenant, Credential, locked_until=utc_now() + timedelta(hours=1))
    seen = set()
    for email, password in (
        ("maria@example.com", OTHER),
        ("nobody@example.com", PASSWORD),
        ("gone@example.com", PASSWORD),
        ("keyless@example.com", PASSWORD),
        ("resting@example.com", PASSWORD),
        ("nonsense", ""),
        ("", ""),
    ):
        answer = door.client.post("/web/sign-in", data={"email": email, "password": password})
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        body = answer.text.replace(f'value="{email}"', 'value=""').replace(" autofocus", "")
        seen.add((answer.status_code, re.sub(r"\s+", " ", body), tuple(sorted(headers.items()))))
        assert "set-cookie" not in answer.headers
        assert PASSWORD not in answer.text
    assert len(seen) == 1
    assert {status for status, _body, _headers in seen} == {401}
    assert rows(tenant, SignInSession) == []


def test_one_address_can_only_try_so_often(tenant: Tenant) -> None:
    door = Door.open(monotonic=lambda: 0.0)
    door.client.headers.update(OWN)
    tried = [
        door.client.post("/web/sign-in", data=MARIA | {"email": f"p{n}@example.com"}) for n in range(PER_DOOR)
    ]
    assert {answer.status_code for answer in tried} == {401}
    for path in ("/web/sign-in", "/web/forgot"):
        refused = door.client.post(path, data=MARIA)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert door.client.get("/web/sign-in").status_code == 200


def test_a_session_that_was_there_before_is_not_taken_over(door: Door, tenant: Tenant) -> None:
    add_person(tenant)
    there = another_tenant()
    planted = sign_in(there, add_person(there, "eve@example.com"))
    door.client.cookies.set(COOKIE, planted, domain="monitor.example")
    enter(door)
    mine = [value for value in (cookie.value for cookie in door.client.cookies.jar) if value != planted]
    assert len(mine) == 1
    viewer = viewer_of(mine[0])
    assert viewer is not None
    assert viewer.email == "maria@example.com"
    assert viewer_of(planted) is None, "the browser's old session ends"


def test_signing_in_again_leaves_no_old_session_behind(door: Door, tenant: Tenant) -> None:
    add_person(tenant)
    enter(door)
    first = held(door)
    enter(door)
    assert viewer_of(first) is None
    assert viewer_of(held(door)) is not None


def test_signing_out_ends_the_session(door: Door, tenant: Tenant) -> None:
    add_person(tenant)
    enter(door)
    token = held(door)
    page = door.client.get("/web/sign-out")
    assert "You are Maria, at Test." in page.text
    assert viewer_of(token) is not None, "a look changes nothing"
    door.client.cookies.set("_streamlit_user", "x", domain="monitor.example")
    answer = door.client.post("/web/sign-out")
    assert answer.headers["location"] == "/web/sign-in?said=out"
    assert "You are signed out." in door.client.get(answer.headers["location"]).text
    assert viewer_of(token) is None
    gone = answer.headers.get_list("set-cookie")
    assert [cookie.split("=")[0] for cookie in gone] == [COOKIE, "_streamlit_user"]
    assert all("Max-Age=0" in cookie for cookie in gone)
    assert door.client.post("/web/sign-out").status_code == 303, "twice is once"


def test_no_get_and_no_head_changes_anything(door: Door, tenant: Tenant) -> None:
    add_person(tenant)
    token = sign_in(tenant, rows(tenant, User)[0].id)
    before = counts(tenant, *CHANGING)
    for cookies in ({}, {COOKIE: token}):
        door.client.cookies.update(cookies)
        for path in ("sign-in", "sign-in?next=/x&said=out", "sign-out", "demo", "forgot"):
            for method in ("GET", "HEAD"):
                answer = door.client.request(method, f"/web/{path}")
                assert answer.status_code < 500
                assert "set-cookie" not in answer.headers
    assert counts(tenant, *CHANGING) == before
    assert viewer_of(token) is not None


@pytest.mark.parametrize(
    "path", ["sign-in", "sign-out", "demo", "forgot", "reset/x", "join/x", "new-address/x"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
        {"Origin": "https://evil.example"},
        {"Origin": "https://monitor.example.evil.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_forms_of_other_sites_are_refused(tenant: Tenant, path: str, headers: dict[str, str]) -> None:
    add_person(tenant)
    answer = Door.open().client.post(f"/web/{path}", data=MARIA, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert rows(tenant, SignInSession) == []


@pytest.mark.parametrize("origin", [ORIGIN, "http://monitor.example", "https://MONITOR.example"])
def test_a_browser_that_only_says_its_origin_is_let_in(tenant: Tenant, origin: str) -> None:
    add_person(tenant)
    assert Door.open().client.post("/web/sign-in", data=MARIA, headers={"Origin": origin}).status_code == 303


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        " /x",
        "///evil.example",
        "evil.example",
        "/web/sign-out",
        "/web",
        "",
        "/" + "a" * 2_000,
        "/ü",
    ],
)
def test_nobody_is_led_elsewhere(door: Door, tenant: Tenant, wanted: str) -> None:
    add_person(tenant)
    assert enter(door, next=wanted).headers["location"] == "/"
    assert own_path(wanted) == "/"


@given(st.text(max_size=40) | st.from_regex(r"[/\\:.@a-z?#%\t\n ]{1,20}", fullmatch=True))
def test_where_one_is_led_is_always_a_path_of_ours(wanted: str) -> None:
    led = own_path(wanted)
    assert led in {"/", wanted}
    assert re.match(r"/(?![/\\])", led)
    assert not re.search(r"[\\\s\x00-\x1f]", led)
    assert not led.startswith("/web/")


def test_the_same_address_in_two_businesses_chooses(door: Door, tenant: Tenant) -> None:
    here, there = add_person(tenant), another_tenant()
    over_there = add_person(there)
    page = enter(door, next="/runs")
    assert (page.status_code, "Where to?" in page.text, held(door)) == (200, True, None)
    form = dict(re.findall(r'name="(ticket|next)" value="([^"]+)"', page.text))
    assert form["next"] == "/runs"
    stranger = add_person(there, "paul@example.com")
    for chosen in (str(stranger), "", "nonsense"):
        assert door.client.post("/web/sign-in", data=form | {"do": chosen}).status_code == 401
    assert held(door) is None
    answer = door.client.post("/web/sign-in", data=form | {"do": str(over_there)})
    assert answer.headers["location"] == "/runs"
    viewer = viewer_of(held(door))
    assert viewer is not None
    assert (viewer.business_slug, viewer.user_id) == ("other", over_there)
    assert here != over_there
    door.clock.at += timedelta(minutes=6)
    assert door.client.post("/web/sign-in", data=form | {"do": str(here)}).status_code == 401


def test_what_is_typed_is_text(door: Door, tenant: Tenant) -> None:
    answer = door.client.post("/web/sign-in", data={"email": '"><script>alert(1)</script>', "password": "x"})
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


# The demo ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def demo(tenant: Tenant) -> TestClient:
    with writing(Scope.operator()) as session:
        session.get_one(Business, tenant.business_id).is_demo = True
    tenant.add_user("ines@example.com", user={"role": Role.OWNER})
    return here()


def here(peer: str = "127.0.0.1", base: str = "http://127.0.0.1:8501") -> TestClient:
    return TestClient(standalone(), base_url=base, follow_redirects=False, headers=OWN, client=(peer, 50_000))


def test_the_demo_is_one_click_on_this_machine(demo: TestClient, tenant: Tenant) -> None:
    assert "Look around in the demo" in demo.get("/web/sign-in").text
    answer = demo.post("/web/demo")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    viewer = viewer_of(demo.cookies["cm_session"])
    assert viewer is not None
    assert (viewer.is_demo, viewer.role, viewer.method, viewer.is_operator) == (
        True,
        Role.OWNER,
        SignInMethod.DEMO,
        False,
    )


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        ({"peer": "192.0.2.7"}, {}),
        ({"base": "http://monitor.example"}, {}),
        ({"base": "http://evil.example:8501"}, {}),
        ({}, {"X-Forwarded-For": "127.0.0.1"}),
        ({}, {"Forwarded": "for=127.0.0.1"}),
        ({}, {"X-Real-IP": "127.0.0.1"}),
        ({}, {"Origin": "http://monitor.example"}),
    ],
)
def test_the_demo_is_for_nobody_else(
    demo: TestClient, tenant: Tenant, client: dict[str, str], headers: dict[str, str]
) -> None:
    other = here(**client)
    assert "in the demo" not in other.get("/web/sign-in", headers=headers).text
    answer = other.post("/web/demo", headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (404, False)
    assert rows(tenant, SignInSession) == []


@pytest.mark.parametrize(
    ("name", "value"), [("CM_PUBLIC_URL", "https://monitor.example"), ("CM_ENVIRONMENT", "production")]
)
def test_a_deployment_for_others_has_no_demo_door(
    demo: TestClient, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    assert here().post("/web/demo").status_code == 404


def test_a_business_that_is_no_demo_has_no_such_door(tenant: Tenant) -> None:
    add_person(tenant, role=Role.OWNER)
    assert here().post("/web/demo").status_code == 404
    assert "in the demo" not in here().get("/web/sign-in").text


def test_a_session_is_over_after_its_time(door: Door, tenant: Tenant) -> None:
    token = begin(tenant.scope, add_person(tenant), SignInMethod.PASSWORD, now=door.clock.at)
    door.client.cookies.set(COOKIE, token, domain="monitor.example")
    assert door.client.get("/web/sign-in").status_code == 303
    door.clock.at += LIFETIME
    assert door.client.get("/web/sign-in").status_code == 200


def test_the_way_by_a_provider_is_shown_where_there_is_one(tenant: Tenant) -> None:
    assert "organisation" not in Door.open().client.get("/web/sign-in").text
    settings = settings_with(oidc_metadata_url="https://id.example/.well-known/openid-configuration")
    page = Door.open(settings).client.get("/web/sign-in?next=/runs").text
    assert '<a href="/runs">Sign in with your organisation</a>' in page
