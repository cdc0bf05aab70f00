"""What a reader notes of the news for themselves: read, starred, a line of their own. Nobody else sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from models import marks as rows
from models.base import utc_now
from models.engine import reading, writing
from models.events import existing_events
from models.feed import event_ids
from models.scope import Scope
from services.errors import UserError
from services.feed import Filters, Marks, Order, wanted_of
from services.feed.assemble import marks_view
from services.feed.reader import feed_reader

MAX_NOTE = 2_000
_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class AllRead:
    """How many events were marked, and the moment by which that can be undone."""

    count: int
    at: datetime


def set_read(scope: Scope, ids: Sequence[UUID], read: bool, *, now: datetime | None = None) -> Marks:
    """Mark events as read, or as unread; how the first one's marks stand now.

    ``ids`` are one event and those of the same story for other clients. UserError when the first is gone.
    """
    at = now or utc_now()
    return _put(scope, ids, at, read_at=at if read else None)


def set_star(scope: Scope, event_id: UUID, starred: bool, *, now: datetime | None = None) -> Marks:
    """Star an event, or take the star away. UserError when it is gone."""
    at = now or utc_now()
    return _put(scope, [event_id], at, starred_at=at if starred else None)


def set_note(scope: Scope, event_id: UUID, note: str, *, now: datetime | None = None) -> Marks:
    """Keep a note on an event; an empty one takes it away. UserError when it is too long or the event is gone."""
    text = note.strip()
    if len(text) > MAX_NOTE:
        raise UserError(f"the note has {len(text):,} characters", f"shorten it to {MAX_NOTE:,}")
    return _put(scope, [event_id], now or utc_now(), note=text)


def read_all(scope: Scope, filters: Filters, *, now: datetime | None = None) -> AllRead:
    """Mark as read what of the reader's feed these filters show and is unread: at most 20,000 events at once."""
    at = now or utc_now()
    person = _person(scope)
    wanted = filters.model_copy(update={"unread": True, "order": Order.NEWEST})
    with writing(scope) as session:
        reader = feed_reader(scope, session, person, at)
        found = event_ids(scope, session, wanted_of(reader, scope, wanted), limit=_AT_ONCE)
        rows.put_marks(scope, session, person, found, at, read_at=at)
    return AllRead(len(found), at)


def undo_read_all(scope: Scope, at: datetime, *, now: datetime | None = None) -> int:
    """Take back what ``read_all`` did at that moment; how many events are unread again."""
    with writing(scope) as session:
        return rows.unread_again(scope, session, _person(scope), at, now or utc_now())


def marks(scope: Scope, event_id: UUID) -> Marks:
    """The scope's person's marks on an event; empty ones where there are none."""
    person = _person(scope)
    with reading(scope) as session:
        return marks_view(rows.marks_of(scope, session, person, [event_id]).get(event_id))


def _put(scope: Scope, ids: Sequence[UUID], at: datetime, **values: object) -> Marks:
    person = _person(scope)
    with writing(scope) as session:
        known = _known(scope, session, ids)
        rows.put_marks(scope, session, person, known, at, **values)
        return marks_view(rows.marks_of(scope, session, person, [ids[0]])[ids[0]])


def _known(scope: Scope, session: Session, ids: Sequence[UUID]) -> set[UUID]:
    known = existing_events(scope, session, ids)
    if ids[0] not in known:
        # Grouping is afresh with each run: an event nobody was told of yet may give way to another.
        raise UserError(
            "this item is not kept any more", "reload the page: its news may stand under another headline"
        )
    return known


def _person(scope: Scope) -> UUID:
    if scope.user_id is None:
        raise PermissionError("marks are a person's: say whose")
    return scope.user_id
