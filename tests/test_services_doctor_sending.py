"""What doctor says of holds, mails that wait for a word, signatures, and the providers of mail."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Tenant
from cryptography.hazmat.primitives.asymmetric import rsa
from fakes import NewsServer, Reply
from mailserver import Mailbox, smtp_server
from test_tasks_notify_outbox import Scripted, planned, send
from test_tasks_notify_signing import pem

from models.settings import Settings
from services import sending
from services.doctor import State
from services.doctor.checks import Check
from services.doctor.mail import check_mail
from services.doctor.sending import check_sending, check_signing
from tasks.notify.transports.transport import Result


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


def only(checks: list[Check]) -> Check:
    (check,) = checks
    return check


def test_a_hold_is_shown_with_its_reason_and_its_mend(tenant: Tenant) -> None:
    assert only(check_sending()).state is State.OK
    planned(tenant, people=2)
    sending.hold(tenant.scope, "wrong footer")
    check = only(check_sending())
    assert (check.state, check.mend) == (State.WARN, "client-monitor release --business test")
    assert "wrong footer" in check.message
    assert "2 mails wait" in check.message


def test_mails_that_need_a_person_are_counted(tenant: Tenant) -> None:
    planned(tenant, people=3)
    send(tenant, Scripted(Result.UNKNOWN, Result.PERMANENT, Result.UNKNOWN))
    assert [(check.state, check.message) for check in check_sending()] == [
        (State.WARN, "test: 2 mails unknown"),
        (State.WARN, "test: 1 mail failed"),
    ]


@pytest.mark.parametrize(("bits", "state"), [(1024, State.WARN), (2048, State.OK)])
def test_dkim_says_what_to_publish(tmp_path: Path, bits: int, state: State) -> None:
    key = tmp_path / "dkim.pem"
    key.write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=bits)))
    check = check_signing(settings(dkim_key=key, dkim_selector="cm", mail_from="x@News.example"))
    assert check.state is state
    assert "TXT cm._domainkey.news.example = v=DKIM1; k=rsa; p=MI" in check.message
    assert "PRIVATE" not in check.message


@pytest.mark.parametrize(
    ("values", "state", "says"),
    [
        ({}, State.OK, "not signed here"),
        ({"transport": "ses", "dkim_key": Path("nowhere")}, State.OK, "SES signs"),
        ({"dkim_key": Path("nowhere"), "dkim_selector": "cm"}, State.FAIL, "cannot be read"),
        ({"dkim_key": Path("nowhere")}, State.FAIL, "CM_DKIM_SELECTOR"),
    ],
)
def test_dkim_settings(values: dict[str, Any], state: State, says: str) -> None:
    check = check_signing(settings(**values))
    assert (check.state, says in check.message) == (state, True)


def as_json(body: object, status: int = 200) -> Reply:
    return Reply(json.dumps(body).encode(), status=status, media_type="application/json")


@pytest.mark.parametrize(
    ("reply", "more", "state", "says"),
    [
        (as_json({"scopes": ["mail.send", "x"]}), {}, State.OK, "takes the key"),
        (as_json({"scopes": ["mail.send"]}), {"sendgrid_sandbox": True}, State.WARN, "sandbox"),
        (as_json({"scopes": ["stats.read"]}), {}, State.FAIL, "may not send"),
        (as_json({"errors": []}, 401), {}, State.FAIL, "refused the key (401)"),
        (Reply(b"x", media_type="text/html"), {}, State.FAIL, "cannot be asked"),
    ],
)
def test_sendgrid(reply: Reply, more: dict[str, Any], state: State, says: str) -> None:
    with NewsServer() as news:
        news.serve("/v3/scopes", reply)
        values = {
            "transport": "sendgrid",
            "sendgrid_api_key": "SG.hunter2",
            "sendgrid_url": news.url("").rstrip("/"),
        }
        check = only(check_mail(settings(**values, **more), timeout=2))
    assert (check.state, says in check.message) == (state, True), check
    assert "hunter2" not in check.model_dump_json()


def test_sendgrid_without_a_key() -> None:
    assert only(check_mail(settings(transport="sendgrid"), timeout=1)).mend == "set CM_SENDGRID_API_KEY"


GOOD = {
    "SendingEnabled": True,
    "ProductionAccessEnabled": True,
    "SendQuota": {"MaxSendRate": 14.0, "Max24HourSend": 5e4},
}


@pytest.mark.parametrize(
    ("reply", "more", "state", "says"),
    [
        (as_json(GOOD), {"mails_per_second": 10}, State.OK, "50,000 mails a day, 14 a second"),
        (as_json(GOOD), {}, State.WARN, "14 a second"),
        (as_json(GOOD | {"ProductionAccessEnabled": False}), {}, State.WARN, "sandbox"),
        (as_json(GOOD | {"SendingEnabled": False}), {}, State.FAIL, "paused"),
        (as_json({"message": "no"}, 403), {}, State.FAIL, "ClientError"),
    ],
)
def test_ses(
    reply: Reply, more: dict[str, Any], state: State, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with NewsServer() as news:
        news.serve("/v2/email/account", reply)
        values = {
            "transport": "ses",
            "ses_region": "eu-west-1",
            "ses_access_key_id": "AKIAEXAMPLE",
            "ses_secret_access_key": "hunter2-secret",
            "ses_url": news.url("").rstrip("/"),
        }
        check = only(check_mail(settings(**values, **more), timeout=2))
    assert (check.state, says in check.message) == (state, True), check
    assert "hunter2" not in check.model_dump_json()


def test_no_token_for_xoauth2_is_told_with_its_mend() -> None:
    with NewsServer() as news, smtp_server(Mailbox(), auth_require_tls=False) as port:
        news.serve("/token", as_json({"error": "invalid_client"}, 401))
        values = {"smtp_port": port, "smtp_user": "me", "smtp_oauth_token_url": news.url("/token")}
        check = only(check_mail(settings(transport="smtp", smtp_security="none", **values), timeout=5))
    assert check.state is State.FAIL
    assert "401 invalid_client" in check.message
    assert "CM_SMTP_OAUTH_CLIENT_ID" in check.mend
