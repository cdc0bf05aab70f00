"""The email log's lines as doors show them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.accounts import stored_preference, users
from models.mail import Channel, Delivery, DeliveryKind, DeliveryState
from models.mail_log import hits_of
from models.returns import Actor, ReturnKind
from models.scope import Scope
from services.engagement import tracks

HITS = (ReturnKind.OPEN, ReturnKind.CLICK)


class Met(BaseModel):
    """How often its reader's program opened a mail and followed its links, by who seems to have done it."""

    model_config = ConfigDict(frozen=True)

    opens: Mapping[Actor, int]
    clicks: Mapping[Actor, int]


class MailLine(BaseModel):
    """One mail of the log."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    planned_at: datetime
    state: DeliveryState
    kind: DeliveryKind
    channel: Channel
    recipient: str
    person: str
    """The reader's name; empty where it is nobody of the tenant any more."""
    user_id: UUID | None
    is_own: bool
    subject: str
    """Empty until the mail is written."""
    items: int
    more: int
    """Items that the mail only counts, because of its reader's limits."""
    retries: int
    last_error: str
    next_attempt_at: datetime | None
    """None for a mail that is not going to be tried by itself."""
    sent_at: datetime | None
    transport: str
    message_id: str
    provider_id: str
    slot: str
    met: Met | None = None
    """For the reader alone, and where they agreed to it."""


def lines_of(scope: Scope, session: Session, mails: Collection[Delivery]) -> list[MailLine]:
    """The mails as lines, in their order."""
    own = [mail.id for mail in mails if is_own(scope, mail)]
    met = met_of(scope, session, own)
    names = _names(scope, session, mails)
    return [_line(scope, mail, names, met.get(mail.id)) for mail in mails]


def is_own(scope: Scope, mail: Delivery) -> bool:
    """Whether the mail was for whoever asks."""
    return scope.user_id is not None and mail.user_id == scope.user_id


def met_of(scope: Scope, session: Session, own: Collection[UUID]) -> dict[UUID, Met]:
    """What is kept of a person's own mails, by mail; empty unless the tenant tracks and the person agreed to it."""
    if not own or not agrees(scope, session) or not tracks(scope, session):
        return {}
    counted: dict[UUID, dict[ReturnKind, dict[Actor, int]]] = {}
    for mail_id, kind, actor, count in hits_of(scope, session, own, [hit.value for hit in HITS]):
        if mail_id is not None:
            counted.setdefault(mail_id, {}).setdefault(ReturnKind(kind), {})[Actor(actor)] = count
    return {
        mail_id: Met(
            **{
                name: {actor: counted.get(mail_id, {}).get(hit, {}).get(actor, 0) for actor in Actor}
                for name, hit in zip(("opens", "clicks"), HITS, strict=True)
            }
        )
        for mail_id in own
    }


def agrees(scope: Scope, session: Session) -> bool:
    """Whether who asks agreed to opens and clicks under their name."""
    wants = stored_preference(scope, session, scope.user_id) if scope.user_id else None
    return wants is not None and wants.tracking_consent_at is not None


def _names(scope: Scope, session: Session, mails: Collection[Delivery]) -> dict[UUID, str]:
    if not any(mail.user_id for mail in mails):
        return {}
    return {user.id: user.name for user in users(scope, session)}


def _line(scope: Scope, mail: Delivery, names: Mapping[UUID, str], met: Met | None) -> MailLine:
    waits = mail.state is DeliveryState.INTENT
    return MailLine(
        id=mail.id,
        planned_at=mail.created_at,
        state=mail.state,
        kind=mail.kind,
        channel=mail.channel,
        recipient=mail.recipient,
        person=names.get(mail.user_id, "") if mail.user_id else "",
        user_id=mail.user_id,
        is_own=is_own(scope, mail),
        subject=mail.subject,
        items=mail.item_count,
        more=mail.more_count,
        retries=mail.retries,
        last_error=mail.last_error,
        next_attempt_at=mail.next_attempt_at if waits else None,
        sent_at=mail.sent_at,
        transport=mail.transport,
        message_id=mail.message_id or "",
        provider_id=mail.provider_id or "",
        slot=mail.slot,
        met=met,
    )
