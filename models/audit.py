"""Who changed what, for the compliance officer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, Session

from models.base import TenantRow, json_field, table_args, utc_field
from models.scope import Scope


class AuditLog(TenantRow, table=True):
    """Append-only. ``actor_id`` None is the machinery; details carry no secret and no message text."""

    __tablename__ = "audit_logs"
    __table_args__ = table_args(Index("ix_audit_logs_time", "business_id", "created_at"))

    actor_id: UUID | None = None
    action: str = Field(max_length=80)
    subject: str = Field(default="", max_length=200)
    details: dict[str, Any] = json_field()
    created_at: datetime = utc_field(nullable=False)


def record(scope: Scope, session: Session, action: str, subject: str = "", **details: Any) -> None:
    """Append a line to the audit log, in the caller's transaction."""
    session.add(
        AuditLog(
            business_id=scope.business,
            actor_id=scope.user_id,
            action=action,
            subject=subject,
            details=details,
        )
    )
