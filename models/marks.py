"""What a reader notes of an event for themselves: read, starred, a line of their own."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, table_args, tenant_fk, utc_field
from models.scope import Scope


class EventMark(TenantRow, table=True):
    __tablename__ = "event_marks"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "user_id", "event_id"),
        tenant_fk("user_id", "users", ondelete="CASCADE"),
        tenant_fk("event_id", "events", ondelete="CASCADE"),
    )

    user_id: UUID
    event_id: UUID
    read_at: datetime | None = utc_field()
    starred_at: datetime | None = utc_field()
    note: str = Field(default="", max_length=2000)
    updated_at: datetime = utc_field(nullable=False)


def marks_of(
    scope: Scope, session: Session, user_id: UUID, event_ids: Collection[UUID]
) -> dict[UUID, EventMark]:
    """A reader's marks on these events, by event id."""
    query = select(EventMark).where(EventMark.user_id == user_id, col(EventMark.event_id).in_(event_ids))
    return {mark.event_id: mark for mark in session.exec(query)}
