"""What every answer has in common: headers, limits, health, and a schema that holds."""

import re
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from conftest import Tenant
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from newsroom import add_event
from postbox import Door, add_mail, links_of, settings_with
from sqlalchemy import Engine
from starlette.testclient import TestClient

from models.settings import get_settings
from models.tokens import KEY_FILE
from web.app import create_app
from web.pages import style_hash
from web.security import (
    PER_ADDRESS,
    PER_LINK,
    REPORT_BODY,
    SMALL_BODY,
    WINDOW,
    ClientAddress,
    Guard,
    SlidingWindow,
)


@pytest.fixture
def door(tenant: Tenant) -> Door:
    return Door.open()


def test_headers_allow_nothing(door: Door) -> None:
    for path in ("/web/healthz", "/web/unsubscribe/nothing.here", "/web/nowhere"):
        headers = door.client.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith(f"default-src 'none'; style-src '{style_hash()}'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert (headers["referrer-policy"], headers["x-content-type-options"]) == ("no-referrer", "nosniff")
        assert (headers["cache-control"], headers["x-frame-options"]) == ("no-store", "DENY")
        assert "max-age" in headers["strict-transport-security"]
        assert not {"set-cookie", "access-control-allow-origin"} & set(headers)
    assert (
        "strict-transport-security"
        not in Door.open(settings_with(public_url="http://x")).client.get("/").headers
    )


def test_the_pages_style_is_the_one_the_policy_knows(door: Door) -> None:
    from base64 import b64encode
    from hashlib import sha256

    page = door.client.get("/web/unsubscribe/nothing.here").text
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert f"sha256-{b64encode(sha256(style.encode()).digest()).decode()}" == style_hash()
    assert not re.search(r"<script|<link|<img|style=|https?://", page)


def test_bodies_are_small_announced_or_not(door: Door) -> None:
    at_most = {"/web/unsubscribe/x.y": SMALL_BODY, "/web/hooks/sendgrid": REPORT_BODY}
    for path, limit in at_most.items():
        assert door.client.post(path, content=b"x" * limit).status_code == 404
        assert door.client.post(path, content=b"x" * (limit + 1)).status_code == 413

        def dripped(size: int = limit) -> Any:
            for _ in range(size // 1_000 + 2):
                yield b"x" * 1_000

        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert door.client.post(path, content=dripped(), headers=form).status_code == 413


def test_one_link_and_one_address_are_asked_only_so_often(tenant: Tenant) -> None:
    moment = [0.0]
    mail = add_mail(tenant, tenant.add_user())
    door = Door.open(monotonic=lambda: moment[0])
    link = links_of(mail).unsubscribe
    with door.client:  # one event loop for all requests
        assert {door.head(link).status_code for _ in range(PER_LINK)} == {200}
        refused = door.get(link)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert "content-security-policy" in refused.headers
        assert door.head(links_of(mail).preferences).status_code == 200
        moment[0] = WINDOW
        assert door.head(link).status_code == 200
        for _ in range(PER_ADDRESS - 1):
            door.client.head("/web/healthz")
        assert door.client.head("/web/healthz").status_code == 429


def test_the_window_forgets_and_stays_small() -> None:
    moment = [0.0]
    window = SlidingWindow(lambda: moment[0])
    assert [window.allows("a", 2) for _ in range(3)] == [True, True, False]
    moment[0] = WINDOW
    assert window.allows("a", 2)
    for number in range(30_000):
        window.allows(str(number), 1)
    assert len(window._seen) <= 20_000


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "address"),
    [
        ([], "198.51.100.1", ["203.0.113.9"], "198.51.100.1"),
        (["10.0.0.0/8"], "198.51.100.1", ["203.0.113.9"], "198.51.100.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        (["10.0.0.0/8"], "10.0.0.1", ["1.2.3.4, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (["10.0.0.0/8"], "10.0.0.1", ["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
        (["10.0.0.0/8"], "10.0.0.1", ["nonsense"], "nonsense"),
        (["10.0.0.0/8"], "10.0.0.1", [], "10.0.0.1"),
        (["::1/128"], "::1", ["2001:db8::7"], "2001:db8::7"),
    ],
)
def test_forwarded_addresses_are_believed_from_our_proxies_alone(
    trusted: list[str], peer: str, forwarded: list[str], address: str
) -> None:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    scope = {"type": "http", "client": (peer, 1), "headers": headers}
    assert ClientAddress(trusted)(scope) == address


def test_alive_and_ready_say_the_truth(tenant: Tenant, db: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door.open()
    assert door.client.get("/web/healthz").json() == {"state": "alive"}
    ready = door.client.get("/web/readyz")
    assert (ready.status_code, ready.json()) == (200, {"state": "ready", "database": "ok", "schema": "ok"})
    with db.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    behind = door.client.get("/web/readyz")
    assert (behind.status_code, behind.json()) == (
        503,
        {"state": "not ready", "database": "ok", "schema": "fail"},
    )
    away = Door.open(settings_with(database_url="postgresql://nobody:hunter2@127.0.0.1:1/none"))
    gone = away.client.get("/web/readyz")
    assert (gone.status_code, gone.json()["database"]) == (503, "fail")
    assert "hunter2" not in gone.text
    assert away.client.get("/web/healthz").status_code == 200


def test_a_service_that_looks_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    door = Door.open(settings_with(data_dir=tmp_path / "var", database_url=""))
    assert door.client.get("/web/readyz").status_code == 503
    assert door.client.get("/web/healthz").status_code == 200
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_ours_is_a_page_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("surprise")

    guarded = Guard(broken, client_address=ClientAddress([]), private=True, window=SlidingWindow())
    answer = TestClient(guarded).get("/")
    assert (answer.status_code, "our fault" in answer.text, "surprise" in answer.text) == (500, True, False)
    assert answer.headers["x-frame-options"] == "DENY"
    assert "surprise" in caplog.text


def test_two_apps_share_nothing(tenant: Tenant) -> None:
    one, other = create_app(settings_with()), create_app(settings_with())
    assert one.state.service is not other.state.service
    assert not (get_settings().data_dir / KEY_FILE).exists()


def test_the_schema_holds_and_no_request_breaks_the_service(tenant: Tenant) -> None:
    import schemathesis  # slow to import, and wanted here alone
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    client = tenant.add_client()
    user = tenant.add_user(clients=(client,))
    event = add_event(tenant, client)
    made = links_of(add_mail(tenant, user), tracking=True)
    genuine = [made.unsubscribe, made.preferences, made.useful(event), made.mute(client), made.pixel or ""]
    tokens = [link.rpartition("/")[2].removesuffix(".gif") for link in genuine]
    # Each request in a minute of its own: the limits have a test of their own.
    moments = (number * WINDOW for number in count())
    app = create_app(
        settings_with(sendgrid_webhook_key="AAAA", ses_topics=["arn:aws:sns:eu-west-1:1:ours"]),
        monotonic=lambda: next(moments),
    )
    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.app = app
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 14
    for operation in operations:

        @given(case=operation.as_strategy(), token=st.sampled_from([None, *tokens]))
        @hypothesis_settings(
            max_examples=6,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def holds(case: schemathesis.Case, token: str | None) -> None:
            if token is not None and "token" in case.path_parameters:
                case.path_parameters["token"] = token
            # A form of any length is valid, and refused when it is too long: no schema says how long.
            case.headers["Sec-Fetch-Site"] = "same-origin"
            case.call_and_validate(excluded_checks=[positive_data_acceptance], allow_redirects=False)

        holds()


def test_long_lived_links_outlive_others(door: Door, tenant: Tenant) -> None:
    links = links_of(add_mail(tenant, tenant.add_user()))
    door.clock.at += timedelta(days=120)
    assert door.get(links.preferences).status_code == 404
    assert door.get(links.unsubscribe).status_code == 200
