"""Addresses we must not write to: at once, after a series, by kind of mail; once a report; audited; and a way back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows
from newsroom import add_event, mails, notes, plan_for
from postbox import add_mail

from models.audit import AuditLog
from models.base import new_id
from models.engine import reading
from models.mail import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    EmailEvent,
    NotificationState,
    SkipReason,
    Suppression,
    suppressed_addresses,
)
from models.returns import ReturnKind
from models.scope import Role, Scope
from models.settings import get_settings
from services.errors import UserError
from services.subscriptions import stop
from services.suppression import SERIES, SERIES_TIME, Report, lift, listing, take_report
from tasks.filter.stage import filter_batch
from tasks.notify.stage import digest_batch
from tasks.notify.transports.file import FileTransport

MARIA = "maria@example.com"
HARD, SOFT, DELIVERED = ReturnKind.HARD_BOUNCE, ReturnKind.SOFT_BOUNCE, ReturnKind.DELIVERED


def report(kind: ReturnKind, mail: Delivery, **fields: Any) -> bool:
    values = {"address": mail.recipient, "at": NOW, "event_id": new_id().hex, "delivery_id": mail.id}
    return take_report(Report(kind=kind, source="test", **values | fields), now=fields.get("at", NOW))


def reasons(tenant: Tenant) -> list[str]:
    return [one.reason for one in listing(tenant.scope)]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(HARD, "hard_bounce"), (ReturnKind.COMPLAINT, "complaint"), (ReturnKind.UNSUBSCRIBE, "unsubscribed")],
)
def test_one_report_is_enough_and_is_taken_once(tenant: Tenant, kind: ReturnKind, reason: str) -> None:
    mail = add_mail(tenant, tenant.add_user())
    assert report(kind, mail, event_id="e1", detail="550 no such user")
    assert not report(kind, mail, event_id="e1")
    [row] = rows(tenant, Suppression)
    assert (row.recipient, row.topic, row.reason) == (MARIA, "all", reason)
    assert "550 no such user" in row.detail
    [event] = rows(tenant, EmailEvent)
    assert (event.kind, event.delivery_id, event.target) == (kind.value, mail.id, MARIA)
    [line] = rows(tenant, AuditLog)
    assert (line.action, line.subject) == ("suppression.added", str(row.id))


@pytest.mark.parametrize("kind", [DELIVERED, ReturnKind.DEFERRED])
def test_others_are_written_down_only(tenant: Tenant, kind: ReturnKind) -> None:
    assert report(kind, add_mail(tenant, tenant.add_user()))
    assert reasons(tenant) == []


def soft_bounces(tenant: Tenant, user: UUID, count: int, *, first: int = 0) -> None:
    for number in range(first, first + count):
        report(SOFT, add_mail(tenant, user), at=NOW + timedelta(days=number))


def test_soft_bounces_suppress_as_a_series(tenant: Tenant) -> None:
    user = tenant.add_user()
    soft_bounces(tenant, user, SERIES - 1)
    assert reasons(tenant) == []
    soft_bounces(tenant, user, 1, first=SERIES - 1)
    assert reasons(tenant) == ["soft_bounces"]


def test_a_delivery_in_between_begins_the_series_anew(tenant: Tenant) -> None:
    user = tenant.add_user()
    soft_bounces(tenant, user, SERIES - 1)
    report(DELIVERED, add_mail(tenant, user), at=NOW + timedelta(days=SERIES - 1, hours=-1))
    soft_bounces(tenant, user, SERIES - 1, first=SERIES)
    assert reasons(tenant) == []
    soft_bounces(tenant, user, 1, first=2 * SERIES)
    assert reasons(tenant) == ["soft_bounces"]


def test_a_series_is_of_mails_and_of_two_weeks(tenant: Tenant) -> None:
    user = tenant.add_user()
    mail = add_mail(tenant, user)
    for _ in range(SERIES + 1):
        report(SOFT, mail)
    assert reasons(tenant) == []
    soft_bounces(tenant, user, SERIES - 2)
    report(SOFT, add_mail(tenant, user), at=NOW + SERIES_TIME + timedelta(days=1))
    assert reasons(tenant) == []


def test_a_lifted_series_does_not_count_again(tenant: Tenant) -> None:
    user = tenant.add_user()
    soft_bounces(tenant, user, SERIES)
    lift(tenant.scope, MARIA, "the mailbox has room again", now=NOW + timedelta(days=5))
    soft_bounces(tenant, user, SERIES - 1, first=6)
    assert reasons(tenant) == []


def test_a_report_concerns_its_own_tenant_and_address(tenant: Tenant) -> None:
    other = another_tenant()
    mail = add_mail(tenant, tenant.add_user())
    add_mail(other, other.add_user())
    report(HARD, mail, address="trial@example.com")  # all mail went there: nobody's fault
    assert reasons(tenant) == []
    report(HARD, mail, address=MARIA.upper())
    assert reasons(tenant) == ["hard_bounce"]
    assert reasons(other) == []
    assert not report(HARD, mail, delivery_id=new_id())
    assert not report(HARD, mail, delivery_id=None)


def test_a_mail_is_found_by_the_providers_id_too(tenant: Tenant) -> None:
    mail = add_mail(tenant, tenant.add_user(), provider_id="abc-1")
    assert report(HARD, mail, delivery_id=None, provider_id="abc-1")
    assert reasons(tenant) == ["hard_bounce"]


def test_lifting_is_for_admins_takes_a_reason_and_is_audited(tenant: Tenant) -> None:
    user = tenant.add_user()
    report(HARD, add_mail(tenant, user))
    person = Scope(tenant.business_id, user, Role.MANAGER)
    for forbidden in (lambda: lift(person, MARIA, "please"), lambda: listing(person)):
        with pytest.raises(PermissionError):
            forbidden()
    with pytest.raises(UserError, match="for a reason"):
        lift(tenant.scope, MARIA, "  ")
    with pytest.raises(UserError, match="not suppressed"):
        lift(tenant.scope, "paul@example.com", "why not")
    [row] = listing(tenant.scope)
    admin = Scope(tenant.business_id, user, Role.ADMIN)
    [lifted] = lift(admin, row.id.hex[-8:], "a typing error at their side")
    assert lifted.lifted_at is not None
    assert listing(tenant.scope) == []
    assert len(listing(tenant.scope, lifted=True)) == 1
    *_, line = rows(tenant, AuditLog)
    assert (line.action, line.actor_id) == ("suppression.lifted", user)
    assert line.details["because"] == "a typing error at their side"


def test_topics_bar_their_own_kind(tenant: Tenant) -> None:
    stop(tenant.scope, MARIA, [DeliveryKind.DIGEST], how="test")
    report(HARD, add_mail(tenant, None, "paul@example.com"))
    with reading(tenant.scope) as session:
        assert suppressed_addresses(tenant.scope, session) == {"paul@example.com"}
        assert suppressed_addresses(tenant.scope, session, DeliveryKind.DIGEST) == {MARIA, "paul@example.com"}
        assert suppressed_addresses(tenant.scope, session, DeliveryKind.EVENT) == {"paul@example.com"}


@pytest.mark.parametrize("how", ["bounced", "unsubscribed"])
def test_a_mail_that_is_planned_is_not_sent_any_more(
    tenant: Tenant, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last moment: composed, attached, and then refused at the claim."""
    client = tenant.add_client()
    user = tenant.add_user(clients=(client,))
    add_event(tenant, client)
    filter_batch(plan_for(tenant), 10)
    transport = FileTransport(get_settings())
    from tasks.notify import stage

    def planned_then_refused(*args: Any, **kwargs: Any) -> Any:
        if how == "bounced":
            report(HARD, add_mail(tenant, user, slot="daily:2026-03-01"))
        else:
            stop(tenant.scope, MARIA, [DeliveryKind.DIGEST], how="test")
        return send_due(*args, **kwargs)

    send_due = stage.send_due
    monkeypatch.setattr(stage, "send_due", planned_then_refused)
    digest_batch(tenant.business_id, NOW, transport=transport)
    planned = [mail for mail in mails(tenant) if mail.slot != "daily:2026-03-01"]
    assert [mail.state for mail in planned] == [DeliveryState.EMPTY]
    [line] = notes(tenant)
    assert (line.state, line.reason) == (NotificationState.SKIPPED, SkipReason.SUPPRESSED)
    assert list(get_settings().outbox_dir.glob("*.eml")) == []
