"""What an operator or admin must know about: opened once, closed when it is over."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, enum_field, table_args, tenant_fk, utc_field
from models.scope import Scope


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


def open_alerts(scope: Scope, session: Session) -> list[Alert]:
    """What is wrong now, oldest first."""
    query = select(Alert).where(col(Alert.closed_at).is_(None))
    return list(session.exec(query.order_by(col(Alert.opened_at), col(Alert.id))))
