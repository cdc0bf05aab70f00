"""What comes back from mail: what providers report of addresses, and how often mails are opened and clicked.

Reports of a provider name their mail. Opens and clicks are counted in ``engagement_counts``, which knows tenant, day
and kind of mail and no person; only who agreed to it has them in ``email_events`` too, under the mail they got.
"""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import UniqueConstraint, delete, func, update
from sqlmodel import Session, col, select

from models.base import TenantRow, enum_field, table_args
from models.engine import insert_rows
from models.mail import Delivery, DeliveryKind, DeliveryState, EmailEvent, Suppression
from models.scope import Scope


class ReturnKind(StrEnum):
    """Values of ``EmailEvent.kind``."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    """The provider tries again by itself."""
    SOFT_BOUNCE = "soft_bounce"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    """By a link of the provider's own."""
    OPEN = "open"
    CLICK = "click"
    ATTEMPT = "attempt"
    """One of ours that did not get the mail away; ``detail`` says why."""


class Actor(StrEnum):
    """Who caused a raw hit, as far as it can be told. Values of ``EmailEvent.actor``."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class SuppressionReason(StrEnum):
    """Values of ``Suppression.reason``."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"


class EngagementCount(TenantRow, table=True):
    """How many opens or clicks one kind of mail had on one UTC day, by whom they were caused. No person in it."""

    __tablename__ = "engagement_counts"
    __table_args__ = table_args(UniqueConstraint("business_id", "day", "delivery_kind", "kind", "actor"))

    day: date
    delivery_kind: DeliveryKind = enum_field(DeliveryKind)
    kind: ReturnKind = enum_field(ReturnKind)
    actor: Actor = enum_field(Actor)
    hits: int = 0


def count_hits(
    scope: Scope,
    session: Session,
    *,
    day: date,
    delivery_kind: DeliveryKind,
    kind: ReturnKind,
    actor: Actor,
    hits: int,
) -> None:
    """Add ``hits`` (negative where one was counted under the wrong actor) to a day's count."""
    key = {"day": day, "delivery_kind": delivery_kind, "kind": kind, "actor": actor}
    insert_rows(session, EngagementCount, [{**key, "hits": 0}], ignore_conflicts=True)
    session.exec(
        update(EngagementCount)
        .where(*(getattr(EngagementCount, name) == value for name, value in key.items()))
        .values(hits=col(EngagementCount.hits) + hits)
        .execution_options(synchronize_session=False)
    )


def counts_between(scope: Scope, session: Session, first: date, last: date) -> list[EngagementCount]:
    """The counts of these days, both included."""
    return list(
        session.exec(
            select(EngagementCount).where(col(EngagementCount.day) >= first, col(EngagementCount.day) <= last)
        )
    )


def mails_and_readers(
    scope: Scope, session: Session, start: datetime, end: datetime, user_id: UUID | None = None
) -> dict[DeliveryKind, tuple[int, int]]:
    """How many mails of each kind that were planned in this time were sent, and to how many people; with ``user_id``
    those to one person."""
    query = select(col(Delivery.kind), func.count(), func.count(func.distinct(col(Delivery.user_id)))).where(
        Delivery.state == DeliveryState.SENT,
        # All there are: named, they let one index answer without looking at a mail.
        col(Delivery.kind).in_(DeliveryKind),
        col(Delivery.created_at) >= start,
        col(Delivery.created_at) < end,
    )
    if user_id is not None:
        query = query.where(Delivery.user_id == user_id)
    return {
        kind: (mails, readers) for kind, mails, readers in session.exec(query.group_by(col(Delivery.kind)))
    }


def forget_hits(scope: Scope, session: Session, user_id: UUID) -> None:
    """Take away what is kept of a person's own opens and clicks."""
    theirs = select(Delivery.id).where(Delivery.user_id == user_id)
    hits = (ReturnKind.OPEN.value, ReturnKind.CLICK.value)
    session.exec(
        delete(EmailEvent)
        .where(col(EmailEvent.delivery_id).in_(theirs), col(EmailEvent.kind).in_(hits))
        .execution_options(synchronize_session=False)
    )


def bounces_in_a_row(scope: Scope, session: Session, address: str, since: datetime) -> int:
    """How many of the mails to this address came back for now since then, with none delivered after the first."""
    kinds = (ReturnKind.SOFT_BOUNCE.value, ReturnKind.DELIVERED.value)
    query = (
        select(EmailEvent.kind, EmailEvent.delivery_id)
        .join(Delivery, col(Delivery.id) == col(EmailEvent.delivery_id))
        .where(
            func.lower(Delivery.recipient) == address.lower(),
            col(EmailEvent.kind).in_(kinds),
            col(EmailEvent.created_at) >= since,
        )
        .order_by(col(EmailEvent.created_at).desc(), col(EmailEvent.id).desc())
    )
    mails: set[UUID | None] = set()
    for kind, delivery_id in session.exec(query):
        if kind == ReturnKind.DELIVERED.value:
            break
        mails.add(delivery_id)
    return len(mails)


def suppressions(
    scope: Scope, session: Session, *, recipient: str | None = None, lifted: bool = False
) -> list[Suppression]:
    """Suppressions in force, newest first; of one address, and with ``lifted`` also those of the past."""
    query = select(Suppression).order_by(col(Suppression.created_at).desc(), col(Suppression.id).desc())
    if recipient is not None:
        query = query.where(func.lower(Suppression.recipient) == recipient.lower())
    return list(session.exec(query if lifted else query.where(col(Suppression.lifted_at).is_(None))))
