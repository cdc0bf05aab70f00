"""A sample of one's own mail: once a click, seldom, marked as one, and nothing in it acts."""

from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import change, rows
from newsroom import add_event

from models.accounts import Business
from models.engine import reading
from models.mail import Channel, Delivery, DeliveryKind, DeliveryState, Notification, Suppression
from models.scope import Role, Scope
from services.errors import UserError
from services.sample_mail import A_DAY, send_sample
from services.sending import hold
from tasks.notify.claim import stored_bytes
from tasks.notify.outbox import send_due
from tasks.notify.stage import transport_for


def person(tenant: Tenant, *clients: UUID, **fields: Any) -> Scope:
    return Scope(tenant.business_id, tenant.add_user(clients=clients, **fields), Role.MANAGER)


def samples(tenant: Tenant) -> list[Delivery]:
    return [mail for mail in rows(tenant, Delivery) if mail.kind is DeliveryKind.SYSTEM]


def text_of(tenant: Tenant, mail: Delivery) -> tuple[str, str]:
    with reading(tenant.scope) as session:
        data = stored_bytes(session, mail.id)
    assert data is not None
    message = message_from_bytes(data, policy=policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    return str(message["Subject"]), str(body.get_content())


def test_it_is_the_mail_of_the_preview_marked_as_a_sample_and_says_nothing_in_ones_name(
    tenant: Tenant,
) -> None:
    acme = tenant.add_client("Acme")
    scope = person(tenant, acme)
    add_event(tenant, acme, "Acme sued", at=NOW - timedelta(days=1), created_at=NOW - timedelta(days=1))
    sent = send_sample(scope, now=NOW)
    assert (sent.recipient, sent.is_invented, sent.is_held) == ("maria@example.com", False, False)
    [mail] = samples(tenant)
    assert (mail.user_id, mail.state) == (scope.user_id, DeliveryState.INTENT)
    subject, text = text_of(tenant, mail)
    assert subject.startswith("[Sample] ")
    assert "Acme sued" in text
    assert "https://news.example/acme-sued" in text
    for acting in ("Not relevant", "Wrong company", "nsubscribe", "/not-sent"):
        assert acting not in text, acting
    assert rows(tenant, Notification) == []


def test_without_news_its_news_is_invented_and_says_so(tenant: Tenant) -> None:
    scope = person(tenant)
    assert send_sample(scope, now=NOW).is_invented
    subject, text = text_of(tenant, samples(tenant)[0])
    assert subject.startswith("[Sample] ")
    assert "Nordwind Energy" in text


def test_it_really_goes_out_once(tenant: Tenant) -> None:
    scope = person(tenant)
    send_sample(scope, now=NOW)
    transport = transport_for(Channel.EMAIL)
    send_due(tenant.scope, NOW, transport, limit=10)
    send_due(tenant.scope, NOW, transport, limit=10)
    assert [mail.state for mail in samples(tenant)] == [DeliveryState.SENT]


def test_twice_in_a_minute_is_once_and_a_day_has_an_end(tenant: Tenant) -> None:
    scope = person(tenant)
    for n in range(A_DAY):
        for second in (0, 30):
            send_sample(scope, now=NOW + timedelta(minutes=n, seconds=second))
    assert len(samples(tenant)) == A_DAY
    with pytest.raises(UserError, match="5 samples"):
        send_sample(scope, now=NOW + timedelta(hours=1))
    other = Scope(tenant.business_id, tenant.add_user("other@example.com"), Role.VIEWER)
    send_sample(other, now=NOW)
    send_sample(scope, now=NOW + timedelta(days=1, minutes=10))
    assert len(samples(tenant)) == A_DAY + 2


def test_who_must_not_be_written_to_gets_none(tenant: Tenant) -> None:
    scope = person(tenant)
    tenant.add(
        Suppression(business_id=tenant.business_id, recipient="maria@example.com", reason="hard_bounce")
    )
    with pytest.raises(UserError, match="no mail may go to you"):
        send_sample(scope, now=NOW)
    assert samples(tenant) == []


def test_a_demo_mails_nobody_and_nobody_gets_no_sample(tenant: Tenant) -> None:
    scope = person(tenant)
    change(tenant, Business, Business.id == tenant.business_id, is_demo=True)
    with pytest.raises(UserError, match="demo"):
        send_sample(scope, now=NOW)
    with pytest.raises(PermissionError):
        send_sample(tenant.scope, now=NOW)
    assert samples(tenant) == []


def test_on_hold_it_waits_and_says_so(tenant: Tenant) -> None:
    scope = person(tenant)
    hold(tenant.scope, "a test")
    assert send_sample(scope, now=NOW).is_held
