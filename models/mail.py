"""The ledger of notifications, the outbox that is also the email log, and what came back."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, LargeBinary, UniqueConstraint, func
from sqlalchemy import select as sa_select
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, enum_field, table_args, tenant_fk, utc_field
from models.events import Event
from models.scope import Scope


class Channel(StrEnum):
    EMAIL = "email"
    IN_APP = "in_app"
    FILE = "file"
    """Mail of a run that may not deliver (archives, dry runs): written as files, whatever transport is configured.
    A channel of its own, so that no later tick can mail it and it uses no slot of real mail."""


def channel_of(deliver: bool) -> Channel:
    """Where a run's mail goes: one that may not deliver has a channel of its own."""
    return Channel.EMAIL if deliver else Channel.FILE


class Route(StrEnum):
    """How an event reaches a person: never both ways."""

    INSTANT = "instant"
    DIGEST = "digest"
    IN_APP = "in_app"
    """The person switched e-mail off: it is shown where they look."""


class NotificationState(StrEnum):
    WAITING = "waiting"
    ATTACHED = "attached"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class SkipReason(StrEnum):
    """Every way an event can fail to reach a person. The values are shown to people; they never change."""

    NOT_ASSIGNED = "not_assigned"
    NOTIFICATIONS_OFF = "notifications_off"
    EMAIL_OFF = "email_off"
    BELOW_THRESHOLD = "below_threshold"
    CATEGORY_NOT_WANTED = "category_not_wanted"
    CLIENT_MUTED = "client_muted"
    STALE = "stale"
    HISTORY = "history"
    SUPPRESSED = "suppressed"
    DEACTIVATED = "deactivated"
    SUPERSEDED = "superseded"
    LANGUAGE_UNSUPPORTED = "language_unsupported"
    INVENTED = "invented"
    """Mock news on its way to a real mailbox: it stops here whatever let it through."""
    OVER_LIMIT = "over_limit"
    CATEGORY_MUTED = "category_muted"
    """The person said that events of this kind at this client are not relevant to them."""
    WRONG_COMPANY = "wrong_company"
    """The event is not about the client after all: somebody said so, or a rule that was taught since."""


class Notification(TenantRow, table=True):
    """That one revision of an event reaches one person on one channel, or why it does not."""

    __tablename__ = "notifications"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "event_id", "revision", "user_id", "channel"),
        tenant_fk("event_id", "events", ondelete="CASCADE"),
        tenant_fk("user_id", "users", ondelete="CASCADE"),
        tenant_fk("delivery_id", "email_logs"),
        Index("ix_notifications_person", "business_id", "user_id", "state", "route"),
        Index("ix_notifications_delivery", "business_id", "delivery_id"),
        # Figures over months are read from this alone: see models.figures.
        Index(
            "ix_notifications_figures",
            "business_id",
            "created_at",
            "state",
            "route",
            "reason",
            "client_id",
            "event_id",
        ),
    )

    event_id: UUID
    revision: int = 1
    user_id: UUID
    client_id: UUID
    channel: Channel = enum_field(Channel, Channel.EMAIL)
    route: Route | None = enum_field(Route, None, nullable=True)
    state: NotificationState = enum_field(NotificationState, NotificationState.WAITING)
    reason: SkipReason | None = enum_field(SkipReason, None, nullable=True)
    is_history: bool = False
    delivery_id: UUID | None = None
    created_at: datetime = utc_field(nullable=False)
    updated_at: datetime = utc_field(nullable=False)


class DeliveryKind(StrEnum):
    EVENT = "event_notification"
    DIGEST = "digest"
    ALERT = "alert"
    SYSTEM = "system"


class DeliveryState(StrEnum):
    INTENT = "intent"
    TRANSMITTING = "transmitting"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EMPTY = "empty"
    """Composed and found to have nothing to say: the slot is used, no mail goes out."""
    COALESCED = "coalesced"
    """A window that passed while we were down; a later one carries its items."""


class Delivery(TenantRow, table=True):
    """One mail to one person for one slot: the outbox entry and the email log's line are the same row."""

    __tablename__ = "email_logs"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "recipient", "channel", "kind", "slot"),
        tenant_fk("user_id", "users"),
        Index("ix_email_logs_outbox", "business_id", "state", "next_attempt_at"),
        Index("ix_email_logs_time", "business_id", "created_at", "id"),
        Index("ix_email_logs_person", "business_id", "user_id", "created_at", "id"),
        # Webhooks know no tenant; whoever has one needs both columns, or SQLite walks the tenant's mails.
        Index("ix_email_logs_message_id", "message_id", "business_id"),
        # Each filter of the log is a part of this, in the log's order: see models.mail_log.
        Index("ix_email_logs_filter", "business_id", "state", "kind", "created_at", "id", "user_id"),
    )

    user_id: UUID | None = None
    recipient: str = Field(max_length=320)
    channel: Channel = enum_field(Channel, Channel.EMAIL)
    kind: DeliveryKind = enum_field(DeliveryKind)
    slot: str = Field(max_length=80)
    state: DeliveryState = enum_field(DeliveryState, DeliveryState.INTENT)
    transport: str = Field(default="", max_length=40)
    subject: str = ""
    message_id: str | None = Field(default=None, max_length=200)
    provider_id: str | None = Field(default=None, max_length=200)
    item_count: int = 0
    more_count: int = 0
    """Items that wait in the app because of the digest's limits."""
    retries: int = 0
    next_attempt_at: datetime = utc_field(nullable=False)
    lease_holder: str | None = Field(default=None, max_length=200)
    lease_expires_at: datetime | None = utc_field()
    last_error: str = ""
    window_start: datetime | None = utc_field()
    window_end: datetime | None = utc_field()
    created_at: datetime = utc_field(nullable=False)
    sent_at: datetime | None = utc_field()


class EmailBody(TenantRow, table=True):
    """The final bytes of a mail, zlib-compressed, kept by a retention of their own."""

    __tablename__ = "email_bodies"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "delivery_id"),
        tenant_fk("delivery_id", "email_logs", ondelete="CASCADE"),
    )

    delivery_id: UUID
    mime: bytes = Field(sa_type=LargeBinary, nullable=False)
    created_at: datetime = utc_field(nullable=False)


class EmailEvent(TenantRow, table=True):
    """What came back: opens, clicks, bounces, complaints."""

    __tablename__ = "email_events"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "provider_event_id"),
        tenant_fk("delivery_id", "email_logs", ondelete="CASCADE"),
        Index("ix_email_events_delivery", "business_id", "delivery_id"),
    )

    delivery_id: UUID | None = None
    kind: str = Field(max_length=40)
    source: str = Field(default="", max_length=40)
    actor: str = Field(default="unknown", max_length=20)
    provider_event_id: str = Field(max_length=200)
    target: str = Field(default="", max_length=500, description="a click's destination, a bounce's address")
    user_agent: str = Field(default="", max_length=300)
    detail: str = ""
    created_at: datetime = utc_field(nullable=False)


class Suppression(TenantRow, table=True):
    """An address we do not write to, why, and whether that was lifted."""

    __tablename__ = "suppressions"
    __table_args__ = table_args(Index("ix_suppressions_recipient", "business_id", "recipient"))

    recipient: str = Field(max_length=320)
    topic: str = Field(default="all", max_length=40, description="which list: all, or a kind of mail")
    reason: str = Field(max_length=40)
    detail: str = ""
    created_by: UUID | None = None
    created_at: datetime = utc_field(nullable=False)
    lifted_by: UUID | None = None
    lifted_at: datetime | None = utc_field()


EVERY_TOPIC = "all"
"""The topic of a suppression that keeps every mail from an address; others are the value of a DeliveryKind."""


def suppressed_topics(
    scope: Scope, session: Session, addresses: Collection[str] | None = None
) -> dict[str, frozenset[str]]:
    """Address in lower case → the topics we must not write to it about now; with ``addresses`` (in lower case) of those
    alone."""
    topics: dict[str, set[str]] = {}
    query = select(Suppression.recipient, Suppression.topic).where(col(Suppression.lifted_at).is_(None))
    if addresses is not None:
        query = query.where(func.lower(Suppression.recipient).in_(addresses))
    for address, topic in session.exec(query):
        topics.setdefault(address.lower(), set()).add(topic)
    return {address: frozenset(found) for address, found in topics.items()}


def suppressed_addresses(scope: Scope, session: Session, kind: DeliveryKind | None = None) -> set[str]:
    """Addresses, in lower case, that we must not write to now; with ``kind`` also those that want no such mail."""
    barred = {EVERY_TOPIC} if kind is None else {EVERY_TOPIC, kind.value}
    return {
        address
        for address, topics in suppressed_topics(scope, session).items()
        if not topics.isdisjoint(barred)
    }


def deliveries(scope: Scope, session: Session, *, limit: int = 100) -> list[Delivery]:
    """The newest lines of the email log."""
    order = (col(Delivery.created_at).desc(), col(Delivery.id).desc())
    return list(session.exec(select(Delivery).order_by(*order).limit(limit)))


def newest_line(scope: Scope, session: Session, event_id: UUID, user_id: UUID) -> Notification | None:
    """A person's line of an event's newest revision that has one."""
    query = select(Notification).where(Notification.event_id == event_id, Notification.user_id == user_id)
    return session.exec(query.order_by(col(Notification.revision).desc())).first()


def mails_sent_since(scope: Scope, session: Session, since: datetime) -> int:
    """How many mails left since then."""
    query = select(func.count()).select_from(Delivery)
    return session.exec(
        query.where(Delivery.state == DeliveryState.SENT, col(Delivery.sent_at) >= since)
    ).one()


LineCount = tuple[UUID, NotificationState, SkipReason | None, DeliveryKind | None, int]


def line_counts_since(scope: Scope, session: Session, since: datetime) -> list[LineCount]:
    """The ledger's lines changed since then, counted by person, state, reason and the kind of mail they are in."""
    what = (col(Notification.user_id), col(Notification.state), col(Notification.reason), col(Delivery.kind))
    rows = session.execute(
        sa_select(*what, func.count())
        .join(Delivery, col(Delivery.id) == Notification.delivery_id, isouter=True)
        .where(col(Notification.updated_at) >= since)
        .group_by(*what)
    )
    return [tuple(row) for row in rows]


def waiting_lines(scope: Scope, session: Session) -> dict[UUID, int]:
    """How many of the ledger's lines wait for a mail now, by person; who has none is absent."""
    query = select(Notification.user_id, func.count()).where(Notification.state == NotificationState.WAITING)
    return dict(session.exec(query.group_by(col(Notification.user_id))).all())


def told_lately(
    scope: Scope, session: Session, client_ids: Collection[UUID], since: datetime, channel: Channel
) -> list[tuple[UUID, UUID, str]]:
    """(client, story, title) of events that happened since then and that somebody got on this channel."""
    query = (
        select(Event.client_id, Event.story_id, Event.title)
        .join(Notification, col(Notification.event_id) == col(Event.id))
        .where(
            col(Event.client_id).in_(client_ids),
            col(Event.happened_at) >= since,
            Notification.channel == channel,
            Notification.state == NotificationState.DELIVERED,
        )
        .distinct()
    )
    return [(client, story, title) for client, story, title in session.exec(query)]
