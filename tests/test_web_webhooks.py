"""Reports of SendGrid and SES: believed when signed and timely, taken once, turned into suppressions."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Tenant
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from desk import rows
from postbox import CHROME, Door, add_mail, settings_with

from models.mail import Delivery, EmailEvent, Suppression
from models.returns import EngagementCount
from services.engagement import set_tracking
from tasks.net.faults import Unreachable
from web.hooks import sns
from web.hooks.reading import REPLAY_WINDOW

MARIA = "maria@example.com"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-events"
CERTIFICATE_AT = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem"
CONFIRM_AT = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"


@pytest.fixture
def mail(tenant: Tenant) -> Delivery:
    return add_mail(tenant, tenant.add_user(), provider_id="message-1")


def kinds(tenant: Tenant) -> list[str]:
    return [row.kind for row in rows(tenant, EmailEvent)]


def reasons(tenant: Tenant) -> list[str]:
    return [row.reason for row in rows(tenant, Suppression)]


class SendGrid:
    """Signs as SendGrid does."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.door = Door.open(settings_with(sendgrid_webhook_key=b64encode(public).decode()))

    def post(self, events: Any, *, at: datetime | None = None, **headers: str) -> int:
        body = events if isinstance(events, bytes) else json.dumps(events).encode()
        timestamp = str(int((at or self.door.clock.at).timestamp()))
        signature = self.key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        sent = {
            "X-Twilio-Email-Event-Webhook-Signature": b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        } | headers
        answer = self.door.client.post("/web/hooks/sendgrid", content=body, headers=sent)
        return int(answer.status_code)


@pytest.fixture
def sendgrid(tenant: Tenant) -> SendGrid:
    return SendGrid()


def event(mail: Delivery, name: str, **fields: Any) -> dict[str, Any]:
    return {
        "email": MARIA,
        "event": name,
        "timestamp": int(datetime.now(UTC).timestamp()),
        "sg_event_id": f"{name}-1",
        "sg_message_id": "other.filter0001",
        "delivery_id": str(mail.id),
    } | fields


def test_sendgrids_events_in_our_words(tenant: Tenant, sendgrid: SendGrid, mail: Delivery) -> None:
    events = [
        event(mail, "processed"),
        event(mail, "deferred", response="421 later"),
        event(mail, "delivered", response="250 OK"),
        event(mail, "bounce", type="blocked", reason="554 not now"),
        event(mail, "bounce", type="bounce", status="4.2.2", sg_event_id="full"),
        event(mail, "group_unsubscribe"),
        event(mail, "spamreport"),
        event(mail, "dropped", reason="Invalid SMTPAPI header"),
        event(mail, "bounce", type="bounce", status="5.1.1", reason="550 unknown user", sg_event_id="gone"),
        event(mail, "something new"),
        "nonsense",
        {"event": "bounce"},
    ]
    for _ in range(2):
        assert sendgrid.post(events) == 204
    assert kinds(tenant) == [
        "deferred",
        "delivered",
        "soft_bounce",
        "soft_bounce",
        "unsubscribe",
        "complaint",
        "hard_bounce",
    ]
    assert sorted(reasons(tenant)) == ["complaint", "hard_bounce", "unsubscribed"]
    assert rows(tenant, EngagementCount) == []


def test_a_mail_is_known_by_sendgrids_id_too(tenant: Tenant, sendgrid: SendGrid, mail: Delivery) -> None:
    bounce = event(mail, "bounce", sg_message_id="message-1.recvd-0")
    del bounce["delivery_id"]
    stranger = event(mail, "spamreport", delivery_id="another system's", sg_message_id="x.y")
    assert sendgrid.post([bounce, stranger]) == 204
    assert reasons(tenant) == ["hard_bounce"]


def test_a_report_nobody_signed_is_refused(tenant: Tenant, sendgrid: SendGrid, mail: Delivery) -> None:
    body = json.dumps([event(mail, "bounce")]).encode()
    signature, timestamp = (
        "X-Twilio-Email-Event-Webhook-Signature",
        "X-Twilio-Email-Event-Webhook-Timestamp",
    )
    other = SendGrid().key.sign(b"0" + body, ec.ECDSA(hashes.SHA256()))
    for headers in (
        {signature: ""},
        {signature: "not base64"},
        {signature: b64encode(other).decode()},
        {timestamp: ""},
        {timestamp: "9" * 30},
        {timestamp: str(int(datetime.now(UTC).timestamp()) + 1)},
    ):
        assert sendgrid.post(body, **headers) == 403
    now = sendgrid.door.clock.at
    assert sendgrid.post(body, at=now - REPLAY_WINDOW - timedelta(seconds=2)) == 403
    assert sendgrid.post(body, at=now + timedelta(hours=1)) == 403
    assert kinds(tenant) == []
    assert sendgrid.post(b"{}") == 400
    assert sendgrid.post(body) == 204


def test_a_provider_that_is_not_set_up_has_no_address(tenant: Tenant) -> None:
    door = Door.open()
    for path in ("/web/hooks/sendgrid", "/web/hooks/ses"):
        assert door.client.post(path, content=b"[]").status_code == 404
    broken = Door.open(settings_with(sendgrid_webhook_key="no key"))
    assert broken.client.post("/web/hooks/sendgrid", content=b"[]").status_code == 403


def test_sendgrids_opens_count_where_tracking_is_on(
    tenant: Tenant, sendgrid: SendGrid, mail: Delivery
) -> None:
    hits = [
        event(mail, "open", useragent=CHROME, sg_machine_open=True),
        event(
            mail,
            "click",
            useragent=CHROME,
            url="https://a.example/",
            timestamp=int(sendgrid.door.clock.at.timestamp()) - 60,
        ),
    ]
    assert sendgrid.post(hits) == 204
    assert rows(tenant, EngagementCount) == []
    set_tracking(tenant.scope, True)
    for _ in range(2):
        assert sendgrid.post(hits) == 204
    counted = {(row.kind.value, row.actor.value): row.hits for row in rows(tenant, EngagementCount)}
    assert counted == {("open", "machine"): 1, ("click", "human"): 1}


class Amazon:
    """Signs as SNS does, and serves its certificate."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = self.issue(datetime.now(UTC) - timedelta(days=1))
        self.asked: list[str] = []
        self.away = False
        self.door = Door.open(settings_with(ses_topics=[TOPIC]), fetch=self.serve)

    def issue(self, start: datetime) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        )
        made = made.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=300))
        return made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def serve(self, url: str) -> bytes:
        if self.away:
            raise Unreachable("sns.eu-west-1.amazonaws.com: cannot connect")
        self.asked.append(url)
        return self.certificate if url.endswith(".pem") else b"<ConfirmSubscriptionResponse/>"

    def envelope(self, message: Any, *, version: str = "2", **fields: str) -> dict[str, str]:
        made = {
            "Type": "Notification",
            "MessageId": "m-1",
            "TopicArn": TOPIC,
            "Message": message if isinstance(message, str) else json.dumps(message),
            "Timestamp": f"{self.door.clock.at:%Y-%m-%dT%H:%M:%S.000Z}",
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE_AT,
        } | fields
        signed = sns._SIGNED.get(made["Type"], ())
        text = "".join(f"{name}\n{made[name]}\n" for name in signed if name in made).encode()
        digest = hashes.SHA256() if version == "2" else hashes.SHA1()
        return made | {"Signature": b64encode(self.key.sign(text, padding.PKCS1v15(), digest)).decode()}

    def post(self, envelope: Any) -> int:
        body = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
        headers = {"Content-Type": "text/plain; charset=UTF-8"}
        return int(self.door.client.post("/web/hooks/ses", content=body, headers=headers).status_code)


@pytest.fixture
def amazon(tenant: Tenant) -> Amazon:
    return Amazon()


def notification(
    mail: Delivery, name: str, part: dict[str, Any], *, published: bool = False
) -> dict[str, Any]:
    header = {"messageId": "message-1", "tags": {"delivery_id": [str(mail.id)]} if published else {}}
    key = name[:1].lower() + name[1:]
    return {"eventType" if published else "notificationType": name, "mail": header, key: part}


def bounce(kind: str, feedback: str, address: str = MARIA) -> dict[str, Any]:
    one = {"emailAddress": address, "diagnosticCode": "smtp; 550 5.1.1 unknown"}
    return {"bounceType": kind, "feedbackId": feedback, "bouncedRecipients": [one]}


def test_the_notifications_of_ses_in_our_words(tenant: Tenant, amazon: Amazon, mail: Delivery) -> None:
    complained = {"complainedRecipients": [{"emailAddress": f"Maria <{MARIA}>"}]}
    messages = [
        notification(mail, "Delivery", {"recipients": [MARIA], "smtpResponse": "250 ok"}),
        notification(mail, "Bounce", bounce("Transient", "f1")),
        notification(mail, "Bounce", bounce("Permanent", "f2"), published=True),
        notification(mail, "DeliveryDelay", {"delayedRecipients": [{"emailAddress": MARIA}]}, published=True),
        notification(
            mail, "Complaint", complained | {"feedbackId": "f3", "complaintFeedbackType": "not-spam"}
        ),
        notification(mail, "Complaint", complained | {"feedbackId": "f4"}),
        notification(mail, "Send", {}),
        "not a notification at all",
        {"mail": []},
    ]
    for _ in range(2):
        for message in messages:
            assert amazon.post(amazon.envelope(message)) == 204
    assert sorted(kinds(tenant)) == ["complaint", "deferred", "delivered", "hard_bounce", "soft_bounce"]
    assert sorted(reasons(tenant)) == ["complaint", "hard_bounce"]
    assert amazon.asked == [CERTIFICATE_AT]


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_the_signature_hold(
    tenant: Tenant, amazon: Amazon, mail: Delivery, version: str
) -> None:
    message = notification(mail, "Bounce", bounce("Permanent", "f1"))
    assert amazon.post(amazon.envelope(message, version=version, Subject="Amazon SES")) == 204
    assert reasons(tenant) == ["hard_bounce"]


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://s3.eu-west-1.amazonaws.com/bucket/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.exe?b.pem",
        "https://sns.evil.amazonaws.com/a.pem",
        "https://[sns.eu-west-1.amazonaws.com/a.pem",
        "",
    ],
)
def test_certificates_come_from_amazons_own_hosts(url: str) -> None:
    assert sns.is_amazons(CERTIFICATE_AT, ".pem")
    assert sns.is_amazons("https://sns.us-gov-west-1.amazonaws.com/a.pem", ".pem")
    assert sns.is_amazons("https://sns.cn-north-1.amazonaws.com.cn/a.pem", ".pem")
    assert not sns.is_amazons(url, ".pem")


def test_what_amazon_did_not_sign_for_our_topic_is_refused(
    tenant: Tenant, amazon: Amazon, mail: Delivery
) -> None:
    message = notification(mail, "Bounce", bounce("Permanent", "f1"))
    genuine = amazon.envelope(message)
    late = f"{amazon.door.clock.at - REPLAY_WINDOW - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    for forged in (
        genuine | {"Message": json.dumps(notification(mail, "Bounce", bounce("Permanent", "f9")))},
        genuine | {"Signature": ""},
        genuine | {"SignatureVersion": "3"},
        genuine | {"SigningCertURL": "https://evil.example/a.pem"},
        amazon.envelope(message, TopicArn="arn:aws:sns:eu-west-1:123456789012:another"),
        amazon.envelope(message, Timestamp=late),
        amazon.envelope(message, Type="UnsubscribeConfirmation"),
        [],
        b"\xff",
    ):
        assert amazon.post(forged) == 403
    assert kinds(tenant) == []
    assert all(url == CERTIFICATE_AT for url in amazon.asked)


def test_an_expired_certificate_vouches_for_nothing(tenant: Tenant, mail: Delivery) -> None:
    amazon = Amazon()
    amazon.certificate = amazon.issue(datetime.now(UTC) - timedelta(days=400))
    assert amazon.post(amazon.envelope(notification(mail, "Bounce", bounce("Permanent", "f1")))) == 403


def test_a_certificate_out_of_reach_is_asked_for_again(
    tenant: Tenant, amazon: Amazon, mail: Delivery
) -> None:
    amazon.away = True
    envelope = amazon.envelope(notification(mail, "Bounce", bounce("Permanent", "f1")))
    assert amazon.post(envelope) == 502
    amazon.away = False
    assert amazon.post(envelope) == 204
    assert reasons(tenant) == ["hard_bounce"]


def test_a_topic_that_asks_is_answered_at_amazons_address_alone(tenant: Tenant, amazon: Amazon) -> None:
    asks = {"Type": "SubscriptionConfirmation", "Token": "t"}
    assert (
        amazon.post(amazon.envelope("You have chosen to subscribe", SubscribeURL=CONFIRM_AT, **asks)) == 204
    )
    assert amazon.asked == [CERTIFICATE_AT, CONFIRM_AT]
    elsewhere = amazon.envelope("You have chosen", SubscribeURL="https://169.254.169.254/", **asks)
    assert amazon.post(elsewhere) == 403
    assert amazon.asked == [CERTIFICATE_AT, CONFIRM_AT]


def test_the_opens_of_ses_count_where_tracking_is_on(tenant: Tenant, amazon: Amazon, mail: Delivery) -> None:
    set_tracking(tenant.scope, True)
    opened = {"userAgent": CHROME, "ipAddress": "203.0.113.1", "timestamp": "2026-01-01T00:00:00Z"}
    assert amazon.post(amazon.envelope(notification(mail, "Open", opened, published=True))) == 204
    [row] = rows(tenant, EngagementCount)
    assert (row.kind.value, row.actor.value) == ("open", "machine")  # before it was sent
