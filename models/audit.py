"""Who changed what, for the compliance officer."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, and_, or_
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, json_field, table_args, utc_field
from models.scope import Scope


class AuditLog(TenantRow, table=True):
    """Append-only. ``actor_id`` None is the machinery; details carry no secret and no message text."""

    __tablename__ = "audit_logs"
    __table_args__ = table_args(
        Index("ix_audit_logs_time", "business_id", "created_at"),
        Index("ix_audit_logs_subject", "business_id", "subject", "created_at", "id"),
    )

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


@dataclass(frozen=True, slots=True)
class AuditWanted:
    """Which lines of the audit log are meant; what is empty asks for nothing."""

    actor_id: UUID | None = None
    by_machinery: bool = False
    """Only what nobody in particular did."""
    families: Collection[str] = ()
    """First words of actions, such as ``client`` for ``client.created``."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""


def audit_lines(
    scope: Scope,
    session: Session,
    wanted: AuditWanted,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[AuditLog]:
    """The newest lines first; ``after`` is the last line of the page before."""
    query = select(AuditLog).order_by(col(AuditLog.created_at).desc(), col(AuditLog.id).desc()).limit(limit)
    if wanted.actor_id is not None:
        query = query.where(AuditLog.actor_id == wanted.actor_id)
    if wanted.by_machinery:
        query = query.where(col(AuditLog.actor_id).is_(None))
    if wanted.families:
        query = query.where(or_(*(col(AuditLog.action).startswith(f"{name}.") for name in wanted.families)))
    if wanted.since is not None:
        query = query.where(AuditLog.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditLog.created_at < wanted.until)
    if after is not None:
        at, line_id = after
        older = and_(col(AuditLog.created_at) == at, col(AuditLog.id) < line_id)
        # The first condition is implied, and lets the index begin at the right place.
        query = query.where(AuditLog.created_at <= at, or_(col(AuditLog.created_at) < at, older))
    return list(session.exec(query))


def newest_about(scope: Scope, session: Session, action: str, subject: str) -> AuditLog | None:
    """The newest line of this action about this subject."""
    query = select(AuditLog).where(AuditLog.subject == subject, AuditLog.action == action)
    return session.exec(
        query.order_by(col(AuditLog.created_at).desc(), col(AuditLog.id).desc()).limit(1)
    ).first()
