"""SendGrid: requests that its published contract accepts, and what each of its answers means."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from conftest import SHARED
from fakes import NewsServer, Reply
from mailserver import free_port

from models.settings import Settings
from tasks.notify.mime import build_mime
from tasks.notify.render import Rendered
from tasks.notify.transports.parts import take_apart
from tasks.notify.transports.sendgrid import SendGridTransport, payload
from tasks.notify.transports.transport import Envelope, Outcome, Result, Transport

SPEC = SHARED / "specs" / "sendgrid.tsg_mail_v3.json"
SEND = "/v3/mail/send"
KEY = "SG.hunter2-hunter2"
UNSUBSCRIBE = f"<https://monitor.example/web/unsubscribe/{'t' * 120}.{'s' * 40}>"


def stored() -> bytes:
    return build_mime(
        Rendered(
            subject="Acme raises €40 million",
            preheader="",
            text="Guten Tag\n\nGrüße\n",
            html="<p>Grüße &amp; more</p>",
        ),
        mail_from="Client Monitor <monitor@news.example>",
        mail_to="maria@client.example",
        to_name="María Núñez",
        message_id="<abc@news.example>",
        date=datetime(2026, 3, 10, 8, tzinfo=UTC),
        reply_to="desk@news.example",
        headers={
            "List-Unsubscribe": UNSUBSCRIBE,
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )


def envelope(recipient: str = "maria@client.example") -> Envelope:
    return Envelope("monitor@news.example", recipient, "<abc@news.example>", stored(), "0197-delivery")


def settings(**more: Any) -> Settings:
    return Settings(_env_file=None, sendgrid_api_key=KEY, http_timeout_seconds=2, **more)  # type: ignore[call-arg]


@pytest.fixture
def news() -> Iterator[NewsServer]:
    with NewsServer() as server:
        yield server


def send(
    news: NewsServer, *replies: Reply, mail: Envelope | None = None, now: float = 0, **more: Any
) -> Outcome:
    news.serve(SEND, *replies)
    transport = SendGridTransport(settings(sendgrid_url=news.url("").rstrip("/"), **more), now=lambda: now)
    try:
        return transport.send(mail or envelope())
    finally:
        transport.close()


def accepted(identity: str = "14c5d75ce93") -> Reply:
    return Reply(status=202, media_type=None, headers={"X-Message-Id": identity})


def refusal(status: int, message: str = "no", field: str | None = None, **headers: str) -> Reply:
    body = json.dumps({"errors": [{"message": message, "field": field, "help": None}]}).encode()
    return Reply(body, status=status, media_type="application/json", headers=headers)


def test_it_is_a_transport() -> None:
    assert isinstance(SendGridTransport(settings()), Transport)


def test_the_reader_gets_the_stored_mail_and_sendgrid_nothing_else(news: NewsServer) -> None:
    outcome = send(news, accepted())
    assert outcome == Outcome(Result.SENT, provider_id="14c5d75ce93")
    (asked,) = news.asked
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    body = json.loads(asked.body)
    parts = take_apart(stored())
    assert body["subject"] == parts.subject == "Acme raises €40 million"
    assert body["content"] == [
        {"type": "text/plain", "value": parts.text},
        {"type": "text/html", "value": parts.html},
    ]
    assert parts.text.startswith("Guten Tag\n\nGrüße")
    assert body["personalizations"] == [
        {
            "to": [{"email": "maria@client.example", "name": "María Núñez"}],
            "custom_args": {"delivery_id": "0197-delivery"},
        }
    ]
    assert body["from"] == {"email": "monitor@news.example", "name": "Client Monitor"}
    assert body["reply_to"] == {"email": "desk@news.example"}
    assert body["headers"]["List-Unsubscribe"] == UNSUBSCRIBE
    assert body["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert body["headers"]["Auto-Submitted"] == "auto-generated"
    assert body["headers"]["Message-ID"] == "<abc@news.example>"
    assert not any(one["enable"] for one in body["tracking_settings"].values()), "tracking is ours to decide"
    assert "mail_settings" not in body


def contract() -> dict[str, Any]:
    """The request body's schema of the published contract, references resolved in its own document."""
    if not SPEC.is_file():
        pytest.skip(f"SendGrid's contract is not on this machine ({SHARED.name}/specs/{SPEC.name})")
    document = json.loads(SPEC.read_text(encoding="utf-8"))
    schema = document["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]
    return {**schema, "components": document["components"]}


@pytest.mark.parametrize("recipient", ["maria@client.example", "trial@house.example"])
@pytest.mark.parametrize("sandbox", [False, True])
def test_requests_follow_the_published_contract(recipient: str, sandbox: bool) -> None:
    body = payload(envelope(recipient), take_apart(stored()), sandbox=sandbox)
    schema = contract()
    jsonschema.Draft202012Validator(schema).validate(body)
    known = set(schema["properties"])
    assert set(body) <= known
    forbidden = {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
    }
    forbidden |= {"to", "from", "subject", "reply-to", "cc", "bcc"}
    assert not forbidden & {name.lower() for name in body["headers"]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({**body, "subject": ""})


def test_a_redirected_mail_says_whom_it_was_for(news: NewsServer) -> None:
    send(news, accepted(), mail=envelope("trial@house.example"))
    (to,) = json.loads(news.asked[0].body)["personalizations"][0]["to"]
    assert to == {"email": "trial@house.example", "name": "for maria@client.example"}


def test_the_sandbox_is_asked_for(news: NewsServer) -> None:
    outcome = send(news, Reply(status=200, media_type=None), sendgrid_sandbox=True)
    assert outcome.result is Result.SENT
    assert json.loads(news.asked[0].body)["mail_settings"] == {"sandbox_mode": {"enable": True}}


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (refusal(400, "does not contain a valid address", "personalizations.0.to.0.email"), Result.PERMANENT),
        (refusal(400, "does not match a verified Sender", "from.email"), Result.UNAVAILABLE),
        (refusal(401, "authorization required"), Result.UNAVAILABLE),
        (refusal(403, "not a verified Sender Identity", "from"), Result.UNAVAILABLE),
        (refusal(404), Result.UNAVAILABLE),
        (refusal(408), Result.TEMPORARY),
        (refusal(413, "too large"), Result.PERMANENT),
        (refusal(500), Result.UNKNOWN),
        (Reply(b"<html>busy</html>", status=503, media_type="text/html"), Result.UNKNOWN),
        (Reply(status=200, media_type=None), Result.UNKNOWN),
        (Reply(status=302, headers={"Location": "https://elsewhere.example/"}), Result.UNAVAILABLE),
        (Reply(b"x" * 10, reset_after=0), Result.UNKNOWN),
        (Reply(stall=True), Result.UNKNOWN),
    ],
)
def test_each_answer(news: NewsServer, reply: Reply, result: Result) -> None:
    outcome = send(news, reply)
    assert outcome.result is result, outcome
    assert outcome.detail
    assert "hunter2" not in outcome.detail
    assert "maria" not in outcome.detail
    assert len(news.asked) == 1, "one attempt, whatever comes of it"


@pytest.mark.parametrize(
    ("reset", "wait"), [("1090", 90.0), ("10", 1.0), ("99999999", 3600.0), ("soon", None)]
)
def test_too_many_requests_wait_until_the_reset(news: NewsServer, reset: str, wait: float | None) -> None:
    outcome = send(news, refusal(429, **{"X-RateLimit-Reset": reset}), now=1000)
    assert (outcome.result, outcome.wait_seconds) == (Result.UNAVAILABLE, wait)


def test_nothing_listens() -> None:
    transport = SendGridTransport(settings(sendgrid_url=f"http://127.0.0.1:{free_port()}"))
    outcome = transport.send(envelope())
    assert (outcome.result, "cannot connect" in outcome.detail) == (Result.UNAVAILABLE, True)


def test_without_a_key_nothing_is_tried() -> None:
    outcome = SendGridTransport(Settings(_env_file=None)).send(envelope())  # type: ignore[call-arg]
    assert (outcome.result, "CM_SENDGRID_API_KEY" in outcome.detail) == (Result.UNAVAILABLE, True)
