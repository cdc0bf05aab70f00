"""The news of a time as it came to be known, for one person's replay."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_
from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from models.events import Event
from models.mail import NotificationState
from models.scope import Scope
from services.preview.replay import Arrival
from tasks.filter.facts import FACT_COLUMNS, event_facts
from tasks.filter.ledger import Line

_LOOKED_BACK = timedelta(days=60)
"""What happened longer before it was found is stale by any setting."""
_HOUR = timedelta(hours=1)
_COLUMNS: tuple[Any, ...] = (
    *FACT_COLUMNS,
    *(Event.revision, Event.story_id, Event.article_id, Event.title, Event.is_mock, Event.created_at),
)


def arrivals(
    scope: Scope,
    session: Session,
    user_id: UUID,
    clients: Collection[UUID],
    *,
    since: datetime,
    now: datetime,
    as_published: bool = False,
) -> list[Arrival]:
    """These clients' events that came in between ``since`` and ``now``, as the person's lines would stand.

    An event came when it was made. History (what the first poll of a client found) counts as found within the hour,
    and as news: else a client's first week would show nothing of what the wishes bring. With ``as_published`` so does
    everything: a demo's news is all made in one moment.
    """
    by_the_hour = and_(col(Event.is_history).is_(True), col(Event.happened_at) > since - _HOUR)
    as_made = and_(col(Event.created_at) > since, col(Event.created_at) <= now)
    came = col(Event.happened_at) > since - _HOUR if as_published else or_(by_the_hour, as_made)
    query = sa_select(*_COLUMNS).where(
        col(Event.client_id).in_(sorted(clients)),
        col(Event.happened_at) >= since - _LOOKED_BACK,
        col(Event.withdrawn_at).is_(None),
        came,
    )
    found = []
    for row in session.execute(query):
        at = _found_by_the_hour(row.happened_at) if as_published or row.is_history else row.created_at
        if since < at <= now:
            found.append(Arrival(_line(row, user_id), at, row.is_mock))
    return found


def _found_by_the_hour(happened_at: datetime) -> datetime:
    return happened_at.replace(minute=0, second=0, microsecond=0) + _HOUR


def _line(row: Any, user_id: UUID) -> Line:
    return Line(
        id=row.id,
        user_id=user_id,
        client_id=row.client_id,
        revision=row.revision,
        route=None,
        state=NotificationState.WAITING,
        reason=None,
        is_history=False,
        event=replace(event_facts(row), is_history=False),
        event_revision=row.revision,
        story_id=row.story_id,
        article_id=row.article_id,
        title=row.title,
    )
