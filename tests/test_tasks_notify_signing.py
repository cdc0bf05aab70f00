"""DKIM over the bytes that leave: verified as a receiver does it, the same at every retry."""

import re
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import dkim
import pytest
from conftest import NOW, Tenant
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from desk import rows
from mailserver import Mailbox, smtp_server
from newsroom import mails
from test_tasks_notify_outbox import Scripted, planned, send

from models.accounts import User
from models.clock import FixedClock
from models.mail import Delivery, DeliveryKind, DeliveryState, EmailBody
from models.settings import Settings, get_settings
from tasks.notify.notices import post
from tasks.notify.render import Rendered
from tasks.notify.signing import BadKey, Signer, signer_for
from tasks.notify.transports.smtp import SmtpTransport
from tasks.notify.transports.transport import Result
from tasks.notify.wire import final_bytes

AT = datetime(2026, 3, 10, 8, tzinfo=UTC)


def pem(key: Any) -> bytes:
    return key.private_bytes(  # type: ignore[no-any-return]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "dkim.pem"
    path.write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    return path


def settings(key_file: Path, **more: Any) -> Settings:
    values = {
        "dkim_key": key_file,
        "dkim_selector": "cm2026",
        "mail_from": "Client Monitor <monitor@news.example>",
        "public_url": "https://monitor.example",
        **more,
    }
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


def signed(settings: Settings, kind: DeliveryKind = DeliveryKind.DIGEST) -> bytes:
    delivery = Delivery(
        id=UUID("0197f0a2-0000-7000-8000-000000000001"),
        recipient="maria@client.example",
        kind=kind,
        slot="daily:2026-03-10",
        message_id="<abc@news.example>",
        next_attempt_at=AT,
    )
    return final_bytes(
        Rendered(subject="Grüße", preheader="", text="Hello\n.\nüber\n", html="<p>Hello</p>"),
        delivery,
        settings=settings,
        to_name="Maria",
        at=AT,
        signer=signer_for(settings),
    )


def holds(message: bytes, signer: Signer) -> bool:
    """What a receiver finds, whose DNS has our record."""
    asked = []

    def txt(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return signer.record.encode()

    found = dkim.verify(message, dnsfunc=txt)
    assert asked == [f"{signer.record_name}.".encode()]
    return bool(found)


@pytest.fixture
def own(key_file: Path, tmp_path: Path) -> tuple[Settings, Signer]:
    made = settings(key_file, data_dir=tmp_path)
    signer = signer_for(made)
    assert signer is not None
    return made, signer


def test_a_receiver_verifies_it_with_the_record_we_say_to_publish(own: tuple[Settings, Signer]) -> None:
    made, signer = own
    message = signed(made)
    assert holds(message, signer)
    assert (signer.record_name, signer.bits) == ("cm2026._domainkey.news.example", 2048)
    for changed in (
        message.replace(b"Hello", b"Hallo"),
        message.replace(b"List-Unsubscribe-Post: ", b"List-Unsubscribe-Post: x"),
        re.sub(rb"List-Unsubscribe: <https", b"List-Unsubscribe: <http", message),
        message.replace(b"To: Maria", b"Reply-To: thief@x.example\r\nTo: Maria"),
    ):
        assert changed != message
        assert not holds(changed, signer)


def test_both_headers_of_one_click_are_signed(own: tuple[Settings, Signer]) -> None:
    header = signed(own[0]).partition(b"\r\nFrom: ")[0]
    covered = re.sub(rb"\s", b"", header)
    assert b"c=relaxed/relaxed" in covered
    assert b":list-unsubscribe:list-unsubscribe-post;" in covered


def test_equal_mails_have_equal_signatures_dated_by_the_mail(own: tuple[Settings, Signer]) -> None:
    assert signed(own[0]) == signed(own[0])
    assert f"t={int(AT.timestamp())};".encode() in signed(own[0])


def test_mail_that_is_no_list_has_no_unsubscribing(own: tuple[Settings, Signer]) -> None:
    message = signed(own[0], DeliveryKind.SYSTEM)
    assert b"\r\nList-Unsubscribe" not in message
    assert holds(message, own[1])


def test_over_http_there_is_no_one_click(key_file: Path, tmp_path: Path) -> None:
    message = signed(settings(key_file, data_dir=tmp_path, public_url="http://monitor.example"))
    assert b"\r\nList-Unsubscribe: <http://" in message.replace(b"\r\n ", b" ")
    assert b"\r\nList-Unsubscribe-Post:" not in message


@pytest.fixture
def signing(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CM_DKIM_KEY", str(key_file))
    monkeypatch.setenv("CM_DKIM_SELECTOR", "cm2026")
    monkeypatch.setenv("CM_MAIL_FROM", "Client Monitor <monitor@news.example>")
    get_settings.cache_clear()
    return key_file


@pytest.mark.usefixtures("signing")
def test_what_a_server_accepts_verifies(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(tenant)
    mailbox = Mailbox({"RCPT": ["451 later"]})
    with smtp_server(mailbox) as port:
        monkeypatch.setenv("CM_SMTP_PORT", str(port))
        monkeypatch.setenv("CM_SMTP_SECURITY", "none")
        get_settings.cache_clear()
        send(tenant, SmtpTransport(get_settings()))
        send(tenant, SmtpTransport(get_settings()), clock=FixedClock(NOW.replace(hour=20)))
    signer = signer_for(get_settings())
    assert signer is not None
    (got,) = mailbox.accepted
    assert isinstance(got.original_content, bytes)
    assert holds(got.original_content, signer)


@pytest.mark.usefixtures("signing")
def test_a_provider_that_writes_the_message_itself_gets_no_signature_of_ours(tenant: Tenant) -> None:
    planned(tenant)
    transport = Scripted()
    transport.verbatim = False
    send(tenant, transport)
    assert b"DKIM-Signature" not in transport.given[0].data


def test_a_key_that_cannot_be_read_keeps_the_mail_waiting(
    tenant: Tenant, signing: Path, monkeypatch: Any
) -> None:
    planned(tenant)
    monkeypatch.setenv("CM_DKIM_KEY", str(signing.with_name("gone.pem")))
    get_settings.cache_clear()
    transport = Scripted(Result.SENT)
    report = send(tenant, transport)
    assert (report.done, report.counts, transport.given) == (0, {"unavailable": 1}, [])
    assert "CM_DKIM_KEY: cannot be read" in report.degraded[0]
    assert mails(tenant)[0].state is DeliveryState.INTENT


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no key", "PEM"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "RSA"),
        (pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))[:300], "PEM"),
    ],
)
def test_keys_that_will_not_do(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(BadKey, match=says) as caught:
        signer_for(settings(path))
    assert "PRIVATE" not in str(caught.value)
    with pytest.raises(BadKey, match="CM_DKIM_SELECTOR"):
        signer_for(settings(path, dkim_selector=""))


def test_without_a_key_mail_is_not_signed() -> None:
    assert signer_for(Settings(_env_file=None)) is None  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("changes", "is_signed"),
    [({}, True), ({"TRANSPORT": "sendgrid"}, False), ({"DKIM_KEY": "/nowhere/dkim.pem"}, False)],
    ids=["signed", "the provider signs", "the key is gone"],
)
@pytest.mark.usefixtures("signing")
def test_a_notice_is_signed_where_that_holds_and_never_lost_for_a_key(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], is_signed: bool
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(f"CM_{name}", value)
    get_settings.cache_clear()
    tenant.add_user()
    [person] = rows(tenant, User)
    said = post(
        tenant.scope,
        person,
        DeliveryKind.ALERT,
        "alert:1",
        heading="Source down",
        body=("It does not answer.",),
        at=NOW,
    )
    assert said is not None
    data = zlib.decompress(rows(tenant, EmailBody)[0].mime)
    assert data.startswith(b"DKIM-Signature:") == is_signed
    if is_signed:
        signer = signer_for(get_settings())
        assert signer is not None
        assert holds(data, signer)
