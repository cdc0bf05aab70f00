"""The week in numbers: how often a reader's clients were in the news, against the week before."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, func
from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from models.clients import Client
from models.events import Category, Event
from models.scope import Scope
from tasks.notify.letter import TrendRow

TOP = 8
_WEEK = timedelta(days=7)


def trend(
    scope: Scope, session: Session, at: datetime, *, clients: Collection[UUID] | None
) -> tuple[TrendRow, ...]:
    """The clients most in the news in the seven days before ``at``, at most ``TOP``, with the seven days before.

    Counted are stories that tell an event; ``clients`` are those the reader follows, None for all. What was found
    of the time before a client was watched is left out.
    """
    this_week = func.sum(case((col(Event.happened_at) >= at - _WEEK, 1), else_=0))
    last_week = func.sum(case((col(Event.happened_at) < at - _WEEK, 1), else_=0))
    query = (
        sa_select(col(Client.name), this_week, last_week)
        .join(Event, col(Event.client_id) == col(Client.id))
        .where(
            col(Event.happened_at) >= at - 2 * _WEEK,
            col(Event.happened_at) < at,
            col(Event.withdrawn_at).is_(None),
            col(Event.category) != Category.OTHER,
            col(Event.is_history).is_(False),
            col(Client.archived_at).is_(None),
        )
        .group_by(col(Client.id), col(Client.name))
        .having(this_week > 0)
        .order_by(this_week.desc(), last_week.desc(), col(Client.name))
        .limit(TOP)
    )
    if clients is not None:
        query = query.where(col(Client.id).in_(list(clients)))
    rows = session.execute(query)
    return tuple(TrendRow(client=name, this_week=now, last_week=before) for name, now, before in rows)
