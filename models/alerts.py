"""What an operator or admin must know about: opened once, closed when it is over."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Index, and_, or_, text
from sqlalchemy.orm import Mapped
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, enum_field, table_args, tenant_fk, utc_field
from models.scope import Scope

SECOND_LOOK = timedelta(minutes=2)
"""Ticks are five minutes apart; two at the same time are one look."""
_Moment = Mapped[datetime | None]


class AlertKind(StrEnum):
    SOURCE_DOWN = "source_down"
    SILENT_DAYS = "silent_days"
    OUTBOX_STUCK = "outbox_stuck"
    BUDGET_SPENT = "budget_spent"
    SCHEDULE_DISABLED = "schedule_disabled"
    RUNS_LATE = "runs_late"


class Alert(TenantRow, table=True):
    """One trouble, from when it was noticed until it was over. At most one is open a kind and subject."""

    __tablename__ = "alerts"
    __table_args__ = table_args(
        Index(
            "uq_alerts_open",
            "business_id",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_alerts_time", "business_id", "opened_at"),
        tenant_fk("owner_id", "users"),
    )

    kind: AlertKind = enum_field(AlertKind)
    subject: str = Field(default="", max_length=200, description="which source, schedule, budget ...")
    detail: str = ""
    owner_id: UUID | None = None
    """Whom it concerns; None: whoever administers the tenant."""
    opened_at: datetime = utc_field(nullable=False)
    seen_at: datetime = utc_field(nullable=False)
    """When it was last found to be so."""
    closed_at: datetime | None = utc_field()
    mailed_at: datetime | None = utc_field()
    """When its people were written to of its beginning, and below of its end: then they are not again."""
    end_mailed_at: datetime | None = utc_field()
    posted_at: datetime | None = utc_field()
    """When the operator's webhook took its beginning, and below its end."""
    end_posted_at: datetime | None = utc_field()
    post_error: str = Field(default="", max_length=500)
    """Why the webhook did not take it; "" once it did."""

    @property
    def is_certain(self) -> bool:
        """Whether a second look found it so too. Nobody is told before: what one look finds may be over with the next,
        as when a machine has just been switched on."""
        return self.seen_at - self.opened_at >= SECOND_LOOK


def open_alerts(scope: Scope, session: Session) -> list[Alert]:
    """What is wrong now, oldest first."""
    query = select(Alert).where(col(Alert.closed_at).is_(None))
    return list(session.exec(query.order_by(col(Alert.opened_at), col(Alert.id))))


def alerts_since(scope: Scope, session: Session, since: datetime) -> list[Alert]:
    """What is wrong now and what was over since then, newest first."""
    query = select(Alert).where(or_(col(Alert.closed_at).is_(None), col(Alert.closed_at) >= since))
    return list(session.exec(query.order_by(col(Alert.opened_at).desc(), col(Alert.id).desc())))


def unmailed(scope: Scope, session: Session) -> list[Alert]:
    """Alerts whose beginning or end is to be mailed, oldest first."""
    begun, ended = col(Alert.mailed_at), col(Alert.end_mailed_at)
    return _untold(session, begun, ended, col(Alert.closed_at).is_(None))


def unposted(scope: Scope, session: Session, since: datetime) -> list[Alert]:
    """Alerts whose beginning or end the webhook has not taken, oldest first; none that was over before ``since``."""
    lately = or_(col(Alert.closed_at).is_(None), col(Alert.closed_at) >= since)
    return _untold(session, col(Alert.posted_at), col(Alert.end_posted_at), lately)


def _untold(session: Session, begun: _Moment, ended: _Moment, worth: ColumnElement[bool]) -> list[Alert]:
    """Those that are worth telling the beginning of, or were told of it and not of their end."""
    over = and_(begun.is_not(None), ended.is_(None), col(Alert.closed_at).is_not(None))
    query = select(Alert).where(or_(and_(begun.is_(None), worth), over))
    found = session.exec(query.order_by(col(Alert.opened_at), col(Alert.id)))
    return [alert for alert in found if alert.is_certain]
