"""A tenant's logo in its mails: beside the page, by every transport, the same bytes at every attempt."""

import base64
import json
import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows
from fakes import NewsServer, Reply
from jsonschema import Draft202012Validator
from mailserver import Mailbox, smtp_server
from pictures import drawn, encoded, logo_file
from PIL import Image
from test_services_mailview import Page
from test_tasks_notify_outbox import (
    Scripted,
    kill_at,
    planned,
    ready,
    run_again,
    send,
    undo_everything,
)
from test_tasks_notify_render import HOSTILE, a_letter, an_item, mime_of, parsed
from test_tasks_notify_signing import holds, key_file, signing  # noqa: F401
from test_tasks_notify_transports_sendgrid import contract

from models.accounts import User
from models.clock import FixedClock
from models.mail import DeliveryKind
from models.settings import Settings, get_settings
from services.appearance import remove_logo, set_logo
from services.mailview import view
from tasks.notify import claim
from tasks.notify.letter import Kind, Look
from tasks.notify.logo import Logo
from tasks.notify.notices import post
from tasks.notify.render import MAX_HTML, render
from tasks.notify.signing import signer_for
from tasks.notify.transports.file import FileTransport
from tasks.notify.transports.parts import take_apart
from tasks.notify.transports.sendgrid import SendGridTransport, payload
from tasks.notify.transports.ses import SesTransport
from tasks.notify.transports.smtp import SmtpTransport
from tasks.notify.transports.transport import Envelope, Result

LOGO = Logo(media_type="image/png", data=b"\x89PNG\r\n\x1a\n" + bytes(range(256)), width=120, height=40)
WITH = Look(logo=LOGO)
KINDS: tuple[Kind, ...] = ("instant", "daily", "weekly", "alert", "system")


def shape(message: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in message.walk()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_holds_its_logo_beside_its_page(kind: Kind) -> None:
    message = parsed(mime_of(render(a_letter(an_item(), kind=kind, heading="x", look=WITH))))
    assert shape(message) == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    related = message.get_payload()[1]  # type: ignore[index]
    assert related.get_param("type") == "text/html"  # type: ignore[union-attr]
    *_, image = message.walk()
    assert image.get_payload(decode=True) == LOGO.data
    assert image["Content-ID"] == f"<{LOGO.content_id}>"
    assert image.get_content_disposition() == "inline"
    page = Page(message.get_body(("html",)).get_content())  # type: ignore[union-attr]
    assert page.sources == [f"cid:{LOGO.content_id}"]


def test_it_stands_in_points_with_the_businesss_name() -> None:
    html = render(a_letter(an_item(), look=WITH, business='Hale & "Sons"')).html
    [image] = re.findall(r"<img[^>]*>", html)
    assert 'width="120"' in image
    assert 'height="40"' in image
    assert "display:block" in image
    assert 'alt="Hale &amp; &#34;Sons&#34;"' in image


def test_without_a_logo_the_mail_is_as_it_was() -> None:
    message = parsed(mime_of(render(a_letter(an_item()))))
    assert shape(message) == ["multipart/alternative", "text/plain", "text/html"]
    assert "<img" not in message.get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_plain_text_is_the_same_with_and_without() -> None:
    assert render(a_letter(an_item(), look=WITH)).text == render(a_letter(an_item())).text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_cannot_leave_the_alt_text(text: str) -> None:
    innocent = Page(render(a_letter(an_item(), look=WITH)).html)
    page = Page(render(a_letter(an_item(), look=WITH).model_copy(update={"business": text})).html)
    assert (page.tags, page.attributes, page.sources) == (
        innocent.tags,
        innocent.attributes,
        innocent.sources,
    )


def test_the_page_stays_below_gmails_clipping_size_whatever_the_logo() -> None:
    large = LOGO.model_copy(update={"data": b"x" * 64_000})
    assert len(render(a_letter(*[an_item("x " * 400)] * 10, look=Look(logo=large))).html.encode()) <= MAX_HTML


def test_the_bytes_are_ascii_in_short_lines_and_the_same_every_time() -> None:
    data = mime_of(render(a_letter(an_item(), look=WITH)))
    assert data == mime_of(render(a_letter(an_item(), look=WITH)))
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 998
    boundaries = re.findall(rb'boundary="([^"]+)"', data.replace(b"\r\n ", b" "))
    assert len(set(boundaries)) == 2
    assert not boundaries[0].startswith(boundaries[1])


# Each transport


def stored(tenant: Tenant) -> bytes:
    """A planned digest in the tenant's look, as its first attempt fixed it."""
    set_logo(tenant.scope, logo_file())
    planned(tenant)
    transport = Scripted()
    send(tenant, transport)
    return transport.given[0].data


def the_logo(data: bytes) -> bytes:
    message = message_from_bytes(data, policy=policy.default)
    [image] = [part for part in message.walk() if part.get_content_maintype() == "image"]
    picture = image.get_payload(decode=True)
    assert isinstance(picture, bytes)
    assert Image.open(BytesIO(picture)).size == (256, 96)
    return picture


def test_a_retry_sends_the_same_bytes_whatever_became_of_the_logo(tenant: Tenant) -> None:
    set_logo(tenant.scope, logo_file())
    planned(tenant)
    transport = Scripted(Result.TEMPORARY, Result.TEMPORARY)
    send(tenant, transport)
    set_logo(tenant.scope, encoded(drawn(200, 50, mode="RGB", ink="red")))
    send(tenant, transport, clock=FixedClock(NOW + timedelta(hours=2)))
    remove_logo(tenant.scope)
    send(tenant, transport, clock=FixedClock(NOW + timedelta(hours=6)))
    assert len({one.data for one in transport.given}) == 1
    assert len(transport.given) == 3
    the_logo(transport.given[0].data)


def test_a_logo_that_changes_while_a_mail_is_written_is_in_it(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(tenant)
    real = claim.final_bytes

    def late(*arguments: object, **more: object) -> bytes:
        monkeypatch.setattr(claim, "final_bytes", real)
        set_logo(tenant.scope, logo_file())
        return real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(claim, "final_bytes", late)
    transport = Scripted()
    send(tenant, transport)
    [mail] = transport.given
    the_logo(mail.data)


def test_as_a_file_it_is_the_stored_mail(tenant: Tenant) -> None:
    set_logo(tenant.scope, logo_file())
    planned(tenant)
    send(tenant, FileTransport(get_settings()))
    [path] = get_settings().outbox_dir.glob("*.eml")
    the_logo(path.read_bytes())


def test_killed_half_way_the_file_is_that_of_an_undisturbed_run(tenant: Tenant) -> None:
    set_logo(tenant.scope, logo_file())
    ready(tenant)
    run_again(tenant, FileTransport(get_settings()))
    [path] = get_settings().outbox_dir.glob("*.eml")
    undisturbed = the_logo(path.read_bytes())
    undo_everything(tenant)
    kill_at(tenant, "half a file", "file")
    remove_logo(tenant.scope)
    run_again(tenant, FileTransport(get_settings()))
    assert the_logo(path.read_bytes()) == undisturbed


@pytest.mark.usefixtures("signing")
def test_over_smtp_it_arrives_whole_and_signed(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    set_logo(tenant.scope, logo_file())
    planned(tenant)
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        monkeypatch.setenv("CM_SMTP_PORT", str(port))
        monkeypatch.setenv("CM_SMTP_SECURITY", "none")
        get_settings.cache_clear()
        send(tenant, SmtpTransport(get_settings()))
    [got] = mailbox.accepted
    data = got.original_content
    assert isinstance(data, bytes)
    picture = the_logo(data)
    signer = signer_for(get_settings())
    assert signer is not None
    assert holds(data, signer)
    inside = base64.b64encode(picture)[20:60]
    assert inside in data
    assert not holds(data.replace(inside, inside[::-1]), signer), "the signature covers the picture"


def test_ses_gets_the_stored_bytes(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    data = stored(tenant)
    with NewsServer() as news:
        news.serve("/v2/email/outbound-emails", Reply(b'{"MessageId": "1"}', media_type="application/json"))
        transport = SesTransport(
            Settings(
                _env_file=None,  # type: ignore[call-arg]
                ses_region="eu-west-1",
                ses_access_key_id="AKIAEXAMPLE",
                ses_secret_access_key="hunter2-hunter2",
                ses_url=news.url("").rstrip("/"),
            )
        )
        assert (
            transport.send(Envelope("m@x.example", "u@x.example", "<a@x.example>", data)).result
            is Result.SENT
        )
        transport.close()
    raw = base64.b64decode(json.loads(news.asked[0].body)["Content"]["Raw"]["Data"])
    assert raw == data
    the_logo(raw)


def test_sendgrid_gets_it_as_an_inline_attachment_the_page_calls(tenant: Tenant) -> None:
    data = stored(tenant)
    with NewsServer() as news:
        news.serve("/v3/mail/send", Reply(status=202, media_type=None, headers={"X-Message-Id": "1"}))
        transport = SendGridTransport(
            Settings(
                _env_file=None,  # type: ignore[call-arg]
                sendgrid_api_key="SG.hunter2-hunter2",
                sendgrid_url=news.url("").rstrip("/"),
            )
        )
        assert (
            transport.send(Envelope("m@x.example", "u@x.example", "<a@x.example>", data)).result
            is Result.SENT
        )
        transport.close()
    body = json.loads(news.asked[0].body)
    [attached] = body["attachments"]
    assert base64.b64decode(attached["content"]) == the_logo(data)
    assert {name: attached[name] for name in ("type", "filename", "disposition")} == {
        "type": "image/png",
        "filename": "logo.png",
        "disposition": "inline",
    }
    assert f"cid:{attached['content_id']}" in body["content"][1]["value"]
    assert [one["type"] for one in body["content"]] == ["text/plain", "text/html"]


def test_sendgrids_contract_allows_it() -> None:
    data = mime_of(render(a_letter(an_item(), look=WITH)))
    mail = Envelope("m@x.example", "u@x.example", "<a@x.example>", data)
    body = payload(mail, take_apart(data), sandbox=False)
    Draft202012Validator(contract()).validate(body)
    assert "attachments" not in payload(mail, take_apart(mime_of(render(a_letter(an_item())))), sandbox=False)


# Where it shows


def test_an_invitation_bears_it_too(tenant: Tenant) -> None:
    set_logo(tenant.scope, logo_file())
    tenant.add_user()
    [person] = rows(tenant, User)
    mail_id = post(
        tenant.scope, person, DeliveryKind.SYSTEM, "x", heading="You are invited", body=("Come in.",), at=NOW
    )
    assert mail_id is not None
    found = view(tenant.scope, mail_id)
    assert found is not None
    [source] = Page(found.html).sources
    assert source.startswith("data:image/png;base64,")
    assert 'alt="Test"' in found.html
    the_logo(found.eml)


def test_one_tenants_logo_is_not_anothers(tenant: Tenant) -> None:
    set_logo(another_tenant().scope, logo_file())
    planned(tenant)
    transport = Scripted()
    send(tenant, transport)
    assert b"multipart/related" not in transport.given[0].data
