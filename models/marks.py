"""What a reader notes of an event for themselves: read, starred, a line of their own."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint, update
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, table_args, tenant_fk, utc_field
from models.engine import insert_rows
from models.scope import Scope

_CHUNK = 5_000


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


def put_marks(
    scope: Scope, session: Session, user_id: UUID, event_ids: Collection[UUID], at: datetime, **values: Any
) -> None:
    """Set these fields of a reader's marks on these events, which must exist; marks that are not there yet are made."""
    ids = sorted(event_ids)
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        empty = {"user_id": user_id, "read_at": None, "starred_at": None, "note": "", "updated_at": at}
        insert_rows(session, EventMark, [empty | {"event_id": one} for one in part], ignore_conflicts=True)
        session.exec(
            update(EventMark)
            .where(col(EventMark.user_id) == user_id, col(EventMark.event_id).in_(part))
            .values(**values, updated_at=at)
            .execution_options(synchronize_session=False)
        )


def unread_again(scope: Scope, session: Session, user_id: UUID, read_at: datetime, at: datetime) -> int:
    """Take away the read marks a reader set at that moment; how many."""
    changed = session.exec(
        update(EventMark)
        .where(col(EventMark.user_id) == user_id, col(EventMark.read_at) == read_at)
        .values(read_at=None, updated_at=at)
        .returning(col(EventMark.id))
        .execution_options(synchronize_session=False)
    )
    return len(changed.all())
