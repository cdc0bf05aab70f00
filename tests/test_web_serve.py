"""The service as a process of its own, the commands beside it, and what doctor says of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from conftest import Tenant
from desk import rows
from keyring import PASSWORD, add_person
from postbox import add_mail, links_of, settings_with
from typer.testing import CliRunner

from cli.main import app
from models.audit import AuditLog
from models.base import new_id
from models.mail import Suppression
from models.returns import ReturnKind
from models.settings import get_settings
from models.tokens import KEY_FILE
from services.doctor.checks import State
from services.doctor.web import check_web
from services.signin import viewer_of
from services.suppression import Report, take_report

ROOT = Path(__file__).resolve().parent.parent


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(*options: str, **settings: str) -> Iterator[tuple[str, list[str]]]:
    """The service on a port of its own: its address, and, once it is stopped, what it said."""
    port, told = free_port(), []  # type: ignore[var-annotated]
    origin = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "serve", "--port", str(port), *options],
        cwd=ROOT,
        env=os.environ | {"CM_PUBLIC_URL": origin, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                if httpx.get(f"{origin}/web/readyz", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield origin, told
    finally:
        process.send_signal(signal.SIGINT)
        told.extend(process.communicate(timeout=60))


def test_a_reader_unsubscribes_at_the_real_service(tenant: Tenant) -> None:
    with served("--no-app") as (origin, told):
        settings = settings_with(public_url=origin)
        link = links_of(add_mail(tenant, tenant.add_user()), settings=settings).unsubscribe
        page = httpx.get(link)
        assert (page.status_code, "Stop digests?" in page.text) == (200, True)
        assert "server" not in page.headers
        assert httpx.head(link).status_code == 200
        assert httpx.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert httpx.post(link, content=b"x" * 10_000).status_code == 413
        assert httpx.get(f"{origin}/").status_code == 404, "no app"
    assert [row.topic for row in rows(tenant, Suppression)] == ["digest"]
    assert "not https: no one-click" in told[1]
    assert link.rpartition("/")[2] not in "".join(told)


@pytest.mark.full
def test_the_app_is_served_beside_it_to_who_signed_in(tenant: Tenant) -> None:
    add_person(tenant)
    page, own = {"Accept": "text/html"}, {"Sec-Fetch-Site": "same-origin"}
    with served() as (origin, told), httpx.Client(base_url=origin, headers=page) as browser:
        assert browser.get("/clients").headers["location"] == "/web/sign-in?next=/clients"
        form = {"email": "maria@example.com", "password": PASSWORD, "next": "/clients"}
        answer = browser.post("/web/sign-in", data=form, headers=own)
        assert (answer.status_code, answer.headers["location"]) == (303, "/clients")
        shown = browser.get("/clients")
        assert (shown.status_code, '<div id="root">' in shown.text) == (200, True)
        assert "frame-ancestors 'self'" in shown.headers["content-security-policy"]
        assert browser.get("/_stcore/health").text == "ok"
        link = "/web/reset/a-secret-that-stands-in-no-log"
        assert browser.get(link).status_code == 404
        token = browser.cookies["cm_session"]
        assert viewer_of(token) is not None
        browser.post("/web/sign-out", headers=own)
        assert browser.get("/clients").status_code == 303
    said = "".join(told)
    assert f"the app:        {origin}/" in said
    for secret in (PASSWORD, token, "a-secret-that-stands-in-no-log", "GET /"):
        assert secret not in said


def bounce(tenant: Tenant) -> None:
    mail = add_mail(tenant, tenant.add_user())
    take_report(
        Report(
            ReturnKind.HARD_BOUNCE,
            "test",
            new_id().hex,
            mail.recipient,
            mail.created_at,
            mail.id,
            detail="550 x",
        )
    )


def test_suppressions_are_listed_and_lifted_for_a_reason(tenant: Tenant) -> None:
    assert run("suppressions", "list").stdout.strip() == "nobody is suppressed"
    bounce(tenant)
    listed = run("suppressions", "list").stdout
    assert "maria@example.com  all mail: hard bounce" in listed
    assert "550 x" in listed
    assert run("suppressions", "lift", "maria@example.com").exit_code == 2
    assert run("suppressions", "lift", "paul@example.com", "--reason", "x").exit_code == 2
    forbidden = run(
        "suppressions", "lift", "maria@example.com", "--reason", "mine", "--user", "maria@example.com"
    )
    assert forbidden.exit_code == 2
    lifted = run("suppressions", "lift", "maria@example.com", "--reason", "they mended it")
    assert lifted.stdout.startswith("lifted: maria@example.com, hard bounce of ")
    assert run("suppressions", "list").stdout.strip() == "nobody is suppressed"
    assert "(lifted " in run("suppressions", "list", "--all").stdout
    assert [row.action for row in rows(tenant, AuditLog)] == ["suppression.added", "suppression.lifted"]


def test_tracking_is_turned_on_by_somebody(tenant: Tenant) -> None:
    assert "nothing was sent" in run("engagement").stdout
    add_mail(tenant, tenant.add_user())
    assert run("tracking", "perhaps").exit_code == 2
    told = run("tracking", "on")
    assert (told.stdout.strip(), "https" in told.stderr) == ("tracking is on", True)
    assert run("tracking", "on").stdout.strip() == "tracking was on already"
    assert "too few readers" in run("engagement").stdout
    [kind] = json.loads(run("engagement", "--json").stdout)["kinds"]
    assert (kind["delivery_kind"], kind["mails"], kind["withheld"]) == ("digest", 1, True)


def test_engagement_says_what_it_does_not_know(tenant: Tenant) -> None:
    from models.engine import writing
    from models.mail import DeliveryKind
    from models.returns import Actor, count_hits

    for number in range(5):
        mail = add_mail(tenant, tenant.add_user(f"p{number}@example.com"), f"p{number}@example.com")
    assert mail.sent_at is not None
    with writing(tenant.scope) as session:
        for actor, hits in ((Actor.HUMAN, 2), (Actor.UNKNOWN, 1), (Actor.MACHINE, 7)):
            day = mail.sent_at.date()
            what: dict[str, Any] = {"delivery_kind": DeliveryKind.DIGEST, "kind": ReturnKind.CLICK}
            count_hits(tenant.scope, session, day=day, actor=actor, hits=hits, **what)
    told = run("engagement").stdout
    assert "digest: 5 mails to 5 people" in told
    assert "clicks  2 human, 7 machine, 1 unknown; 0.40 a mail, up to 0.60 with the unknown" in told


def by_mend(**changes: Any) -> list[tuple[State, str]]:
    found = check_web(settings_with(**changes))
    return [(check.state, f"{check.message} {check.mend}") for check in found]


def test_doctor_names_what_keeps_links_from_holding(tenant: Tenant) -> None:
    from services.engagement import set_tracking

    assert [state for state, _ in by_mend()] == [State.OK]
    [(state, told)] = by_mend(environment="production")
    assert (state, "CM_SIGNING_KEYS" in told) == (State.WARN, True)
    folder = get_settings().data_dir
    links_of(add_mail(tenant, tenant.add_user()))
    (folder / KEY_FILE).chmod(0o644)
    [(state, told)] = by_mend()
    assert (state, "chmod 600" in told) == (State.WARN, True)
    (folder / KEY_FILE).chmod(0o600)
    set_tracking(tenant.scope, True)
    [_, (state, told)] = by_mend(public_url="http://monitor.example")
    assert (state, "test: tracking is on and does nothing" in told) == (State.WARN, True)
    set_tracking(tenant.scope, False)
    [_, (state, told)] = by_mend(public_url="http://monitor.example", transport="smtp")
    assert (state, "RFC 8058" in told) == (State.WARN, True)


@pytest.mark.parametrize(
    ("transport", "is_set"),
    [("sendgrid", {"sendgrid_webhook_key": "AAAA"}), ("ses", {"ses_topics": ["arn:x"]})],
)
def test_doctor_asks_who_tells_of_bounces(tenant: Tenant, transport: str, is_set: dict[str, Any]) -> None:
    [_, (state, told)] = by_mend(transport=transport)
    assert (state, f"https://monitor.example/web/hooks/{transport}" in told) == (State.WARN, True)
    [_, (state, _)] = by_mend(transport=transport, **is_set)
    assert state is State.OK
