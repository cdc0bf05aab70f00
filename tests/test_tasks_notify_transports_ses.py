"""Amazon SES: what its API is given, checked by boto3's own model of it, and what each of its answers means."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import SHARED
from fakes import NewsServer, Reply

from models.settings import Settings
from tasks.notify.transports.ses import SesTransport, request
from tasks.notify.transports.transport import Envelope, Outcome, Result, Transport

SPEC = SHARED / "specs" / "aws.sesv2.2019-09-27.service-2.json"
SEND = "/v2/email/outbound-emails"
DATA = b"From: Client Monitor <m@news.example>\r\nTo: maria@client.example\r\nSubject: x\r\n\r\nHello\r\n"
MAIL = Envelope("m@news.example", "maria@client.example", "<abc@news.example>", DATA, "0197f0a2-delivery")


def settings(**more: Any) -> Settings:
    values = {
        "ses_region": "eu-west-1",
        "ses_access_key_id": "AKIAEXAMPLE",
        "ses_secret_access_key": "hunter2-hunter2",
        "http_timeout_seconds": 2,
        **more,
    }
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> Iterator[NewsServer]:
    # The machine's own AWS files are nobody's business here.
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with NewsServer() as server:
        yield server


def send(news: NewsServer, reply: Reply, **more: Any) -> Outcome:
    news.serve(SEND, reply)
    transport = SesTransport(settings(ses_url=news.url("").rstrip("/"), **more))
    try:
        return transport.send(MAIL)
    finally:
        transport.close()


def accepted() -> Reply:
    return Reply(b'{"MessageId": "0102018f-example-000000"}', media_type="application/json")


def refusal(code: str, message: str = "no", status: int = 400) -> Reply:
    body = json.dumps({"message": message}).encode()
    headers = {"x-amzn-ErrorType": f"{code}:http://internal.amazon.com/"}
    return Reply(body, status=status, media_type="application/json", headers=headers)


def test_it_is_a_transport() -> None:
    assert isinstance(SesTransport(settings()), Transport)


def test_the_stored_bytes_go_out_tagged_with_our_id(news: NewsServer) -> None:
    outcome = send(news, accepted(), ses_configuration_set="monitor")
    assert outcome == Outcome(Result.SENT, provider_id="0102018f-example-000000")
    (asked,) = news.asked
    body = json.loads(asked.body)
    assert base64.b64decode(body["Content"]["Raw"]["Data"]) == DATA
    assert body["Destination"] == {"ToAddresses": ["maria@client.example"]}
    assert body["FromEmailAddress"] == "m@news.example"
    assert body["EmailTags"] == [{"Name": "delivery_id", "Value": "0197f0a2-delivery"}]
    assert body["ConfigurationSetName"] == "monitor"
    assert "AKIAEXAMPLE" in asked.headers["Authorization"]
    assert "hunter2" not in f"{asked.headers}{asked.body!r}"


def test_requests_follow_the_published_model() -> None:
    if not SPEC.is_file():
        pytest.skip(f"the model of SES is not on this machine ({SHARED.name}/specs/{SPEC.name})")
    shapes = json.loads(SPEC.read_text(encoding="utf-8"))["shapes"]
    asked = request(MAIL, "monitor")
    _follows(shapes, "SendEmailRequest", asked)
    with pytest.raises(AssertionError):
        _follows(shapes, "SendEmailRequest", {**asked, "Tags": []})


def _follows(shapes: dict[str, Any], name: str, value: Any) -> None:
    """Walk a value along the model: only members it knows, of the types it says, all that it requires."""
    shape = shapes[name]
    kinds = {"structure": dict, "list": list, "string": str, "blob": bytes}
    assert isinstance(value, kinds[shape["type"]]), name
    if shape["type"] == "structure":
        assert set(value) <= set(shape["members"]), name
        assert set(shape.get("required", ())) <= set(value), name
        for member, inner in value.items():
            _follows(shapes, shape["members"][member]["shape"], inner)
    elif shape["type"] == "list":
        for inner in value:
            _follows(shapes, shape["member"]["shape"], inner)


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (refusal("MessageRejected", "contains a virus"), Result.PERMANENT),
        (refusal("MessageRejected", "Email address is not verified: m@news.example"), Result.UNAVAILABLE),
        (refusal("BadRequestException", "Illegal address"), Result.PERMANENT),
        (refusal("TooManyRequestsException", status=429), Result.UNAVAILABLE),
        (refusal("LimitExceededException"), Result.UNAVAILABLE),
        (refusal("SendingPausedException"), Result.UNAVAILABLE),
        (refusal("AccountSuspendedException"), Result.UNAVAILABLE),
        (refusal("MailFromDomainNotVerifiedException"), Result.UNAVAILABLE),
        (refusal("NotFoundException", status=404), Result.UNAVAILABLE),
        (refusal("UnrecognizedClientException", "The security token is invalid", 403), Result.UNAVAILABLE),
        (refusal("InternalServiceErrorException", status=500), Result.UNKNOWN),
        (Reply(b"", status=503), Result.UNKNOWN),
        (Reply(b"x" * 10, reset_after=0), Result.UNKNOWN),
        (Reply(stall=True), Result.UNKNOWN),
    ],
)
def test_each_answer(news: NewsServer, reply: Reply, result: Result) -> None:
    outcome = send(news, reply)
    assert outcome.result is result, outcome
    assert outcome.detail.startswith("SES: ")
    assert "hunter2" not in outcome.detail
    assert len(news.asked) == 1, "the SDK repeats nothing"


def test_what_stops_a_request_before_it_leaves(news: NewsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    url = news.url("").rstrip("/")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    cases: list[dict[str, Any]] = [
        {"ses_access_key_id": "", "ses_secret_access_key": None, "ses_url": url},
        {"ses_region": ""},
        {"ses_profile": "nobody"},
        {"ses_url": "http://127.0.0.1:1"},
    ]
    for case in cases:
        outcome = SesTransport(settings(**case)).send(MAIL)
        assert outcome.result is Result.UNAVAILABLE, (case, outcome)
    assert news.asked == []
