"""Taking a delivery in hand: recheck, render, then in one transaction the final bytes and the claim.

Rendering happens outside any transaction. The claim therefore looks at reader, tenant and items again under its lock:
when any of them changed in between, nothing is committed and the claim starts over.
"""

import hashlib
import zlib
from email.utils import parseaddr
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.accounts import Business
from models.engine import insert_rows, reading, writing
from models.events import Stage
from models.jobs import heartbeat
from models.mail import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    EmailBody,
    NotificationState,
)
from models.settings import Settings, get_settings
from tasks.filter.ledger import skip
from tasks.notify.compose import Standing, draft, standing
from tasks.notify.hold import on_hold
from tasks.notify.letter import Letter
from tasks.notify.render import render
from tasks.notify.selection import entries
from tasks.notify.sender import Claim, Sender, new_holder
from tasks.notify.transports.transport import Envelope
from tasks.notify.wire import final_bytes
from tasks.plan import StageReport

_TRIES = 3


class _Changed(Exception):
    """The items or their reader changed while the mail was rendered."""


class _Unwritten(Exception):
    """The mail could not be rendered; its cause says whether that is the mail's fault or ours."""


def message_id(slug: str, delivery: Delivery, mail_from: str) -> str:
    """The one Message-ID a slot can have: from the delivery's unique key, the same in any database."""
    key = "\n".join((slug, delivery.recipient, delivery.channel, delivery.kind, delivery.slot))
    domain = parseaddr(mail_from)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def stored_bytes(session: Session, delivery_id: UUID) -> bytes | None:
    """The final bytes of a mail, once they are fixed."""
    packed = session.exec(select(EmailBody.mime).where(EmailBody.delivery_id == delivery_id)).first()
    return None if packed is None else zlib.decompress(packed)


def envelope_for(delivery: Delivery, identity: str, body: bytes) -> Envelope:
    settings = get_settings()
    return Envelope(
        sender=parseaddr(settings.mail_from)[1],
        recipient=_recipient(settings, delivery.recipient),
        message_id=identity,
        data=body,
        delivery_id=str(delivery.id),
    )


def take(sender: Sender, delivery_id: UUID) -> tuple[Claim | None, StageReport]:
    """Claim a planned delivery. Without a claim the report says what came of it, if anything did."""
    nothing = StageReport(stage=Stage.NOTIFY.value)
    for _ in range(_TRIES):
        with reading(sender.scope) as session:
            delivery, body, slug = _planned(session, delivery_id)
            seen = draft(sender.scope, session, delivery, now=sender.now) if body is None else None
        if delivery.message_id is None:
            delivery.message_id = message_id(slug, delivery, get_settings().mail_from)
        if delivery.state is not DeliveryState.INTENT:
            return None, nothing
        if body is not None:
            return _take_stored(sender, delivery, body)
        assert seen is not None  # there are no bytes yet
        try:
            if seen.letter is None:
                return None, _close_empty(sender, delivery, seen.standing)
            delivery.subject, body = _write(sender, delivery, seen.letter)
            return _commit(sender, delivery, seen.standing, body), nothing
        except _Changed:
            continue
        except _Unwritten as error:
            return None, _put_off(sender, delivery, error.__cause__)
    return None, nothing


def _planned(session: Session, delivery_id: UUID) -> tuple[Delivery, bytes | None, str]:
    """A delivery, its final bytes once they are fixed, and its tenant's slug."""
    query = (
        select(Delivery, EmailBody.mime, Business.slug)
        .join(Business, col(Business.id) == col(Delivery.business_id))
        .outerjoin(EmailBody, col(EmailBody.delivery_id) == col(Delivery.id))
        .where(Delivery.id == delivery_id)
    )
    delivery, packed, slug = session.exec(query).one()
    return delivery, None if packed is None else zlib.decompress(packed), slug


def _take_stored(sender: Sender, delivery: Delivery, body: bytes) -> tuple[Claim | None, StageReport]:
    """Claim a mail whose bytes are fixed: nothing is to be written, so one look under the lock will do."""
    nothing = StageReport(stage=Stage.NOTIFY.value)
    claim = _claim_of(delivery, body)
    with writing(sender.scope) as session:
        if not _seize(sender, session, delivery, **_claimed(sender, delivery, claim)):
            return None, nothing
        seen = standing(sender.scope, session, delivery, now=sender.now)
        if seen.refusal is None and (
            seen.kept
            or not _has_items(delivery)
            # No item qualifies any more; what it says besides may still be worth its while.
            or draft(sender.scope, session, delivery, now=sender.now).letter is not None
        ):
            return claim, nothing
        idle = {"lease_holder": None, "lease_expires_at": None}
        ours = (DeliveryState.TRANSMITTING,)
        sender.change(session, delivery.id, claim.holder, ours, **_emptied(seen), **idle)
        _drop(sender, session, delivery, seen)
    return None, sender.report("empty")


def _write(sender: Sender, delivery: Delivery, letter: Letter) -> tuple[str, bytes]:
    """Subject and final bytes; _Unwritten for whatever goes wrong."""
    try:
        rendered = render(letter)
        body = final_bytes(
            rendered,
            delivery,
            settings=get_settings(),
            to_name=letter.recipient_name,
            at=letter.at,
            signer=sender.signer,
        )
    except Exception as error:
        # One mail that breaks the templates must not keep all others from being sent.
        raise _Unwritten from error
    return rendered.subject, body


def _commit(sender: Sender, delivery: Delivery, seen: Standing, body: bytes) -> Claim | None:
    """Store the bytes and claim the mail, in one transaction; _Changed when it would be another by now."""
    claim = _claim_of(delivery, body)
    values = _claimed(sender, delivery, claim) | {"item_count": len(entries(seen.kept))}
    with writing(sender.scope) as session:
        if not _lock(sender, session, delivery, seen, **values):
            return None
        _drop(sender, session, delivery, seen)
        row = {"delivery_id": delivery.id, "mime": zlib.compress(body), "created_at": sender.clock.now()}
        insert_rows(session, EmailBody, [row])
    return claim


def _claim_of(delivery: Delivery, body: bytes) -> Claim:
    envelope = envelope_for(delivery, delivery.message_id or "", body)
    return Claim(delivery.id, new_holder(), delivery.retries, envelope)


def _claimed(sender: Sender, delivery: Delivery, claim: Claim) -> dict[str, Any]:
    """What a claim makes of a delivery's row."""
    return {
        "state": DeliveryState.TRANSMITTING,
        "lease_holder": claim.holder,
        "lease_expires_at": sender.lease_end(),
        "message_id": delivery.message_id,
        "subject": delivery.subject,
        "transport": sender.transport.name,
    }


def _seize(sender: Sender, session: Session, delivery: Delivery, **values: Any) -> bool:
    """Take the delivery if nobody did and sending is not stopped."""
    if on_hold(sender.scope, session):
        return False
    if not sender.change(session, delivery.id, None, (DeliveryState.INTENT,), **values):
        return False
    if sender.job_run_id is not None:
        heartbeat(sender.scope, session, sender.job_run_id)
    return True


def _lock(sender: Sender, session: Session, delivery: Delivery, seen: Standing, **values: Any) -> bool:
    """Seize the delivery; _Changed when its mail would be another by now."""
    if not _seize(sender, session, delivery, **values):
        return False
    if standing(sender.scope, session, delivery, now=sender.now) != seen:
        raise _Changed
    return True


def _close_empty(sender: Sender, delivery: Delivery, seen: Standing) -> StageReport:
    """Nothing is left to say, or nobody to say it to."""
    with writing(sender.scope) as session:
        if not _lock(sender, session, delivery, seen, **_emptied(seen)):
            return StageReport(stage=Stage.NOTIFY.value)
        _drop(sender, session, delivery, seen)
    return sender.report("empty")


def _emptied(seen: Standing) -> dict[str, Any]:
    detail = seen.refusal.sentence if seen.refusal else ""
    return {"state": DeliveryState.EMPTY, "item_count": 0, "last_error": detail}


def _drop(sender: Sender, session: Session, delivery: Delivery, seen: Standing) -> None:
    """Close the lines that no longer qualify; each names the mail that left it out."""
    skip(
        session,
        seen.dropped,
        stage=Stage.NOTIFY,
        at=sender.clock.now(),
        job_run_id=sender.job_run_id,
        delivery_id=delivery.id,
        states=(NotificationState.ATTACHED,),
    )


def _put_off(sender: Sender, delivery: Delivery, error: BaseException | None) -> StageReport:
    """Nothing was handed to anybody. An address no mail can carry fails; what is our own fault is tried again."""
    said = f"{type(error).__name__}: {error}"[:300]
    retries = delivery.retries + 1
    hopeless = isinstance(error, ValueError) or retries >= get_settings().send_attempts
    values: dict[str, Any] = {"last_error": said, "retries": retries}
    if hopeless:
        values["state"] = DeliveryState.FAILED
    else:
        values["next_attempt_at"] = sender.next_attempt(delivery.retries)
    with writing(sender.scope) as session:
        if not sender.change(session, delivery.id, None, (DeliveryState.INTENT,), **values):
            return StageReport(stage=Stage.NOTIFY.value)
        sender.note_attempt(session, delivery.id, said)
        if hopeless:
            sender.move_items(session, delivery.id, NotificationState.FAILED)
    return sender.report("failed" if hopeless else "retry", f"mail to {delivery.recipient}: {said}")


def _has_items(delivery: Delivery) -> bool:
    return delivery.kind in (DeliveryKind.EVENT, DeliveryKind.DIGEST)


def _recipient(settings: Settings, address: str) -> str:
    """Outside production a setting may lead every mail to one address."""
    if settings.environment != "production" and settings.redirect_all_mail_to:
        return settings.redirect_all_mail_to
    return address
