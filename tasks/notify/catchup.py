"""After a pause: windows nobody was there for, and mail nobody could take."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, update
from sqlmodel import Session, col, select

from models.accounts import User
from models.engine import insert_rows
from models.mail import Channel, Delivery, DeliveryKind, DeliveryState, EmailBody, NotificationState, Route
from models.scope import Scope
from tasks.filter.ledger import lines, move
from tasks.notify.windows import Window

COALESCED_AT_MOST = 14
INSTANT_GOOD_FOR = timedelta(days=1)
"""An instant mail that could not go out for this long is no longer instant: its items go into the digest."""


def take_back_unsent(
    scope: Scope, session: Session, user_id: UUID, *, channel: Channel, now: datetime, at: datetime, but: UUID
) -> None:
    """Coalesce mail that still waits to be sent when its reader's next digest (``but``) is due.

    Nobody has accepted it, so its items may go into that one instead of arriving as a pile.
    """
    old_instant = col(Delivery.window_start) <= now - INSTANT_GOOD_FOR
    stuck = session.exec(
        update(Delivery)
        .where(
            col(Delivery.user_id) == user_id,
            col(Delivery.channel) == channel,
            col(Delivery.state) == DeliveryState.INTENT,
            col(Delivery.id) != but,
            or_(
                col(Delivery.kind) == DeliveryKind.DIGEST,
                (col(Delivery.kind) == DeliveryKind.EVENT) & old_instant,
            ),
        )
        .values(state=DeliveryState.COALESCED)
        .returning(col(Delivery.id))
        .execution_options(synchronize_session=False)
    ).all()
    for (delivery_id,) in stuck:
        held = lines(scope, session, states=(NotificationState.ATTACHED,), delivery_id=delivery_id)
        move(
            session,
            [line.id for line in held],
            states=(NotificationState.ATTACHED,),
            state=NotificationState.WAITING,
            delivery_id=None,
            route=Route.DIGEST,
            updated_at=at,
        )
        session.exec(delete(EmailBody).where(col(EmailBody.delivery_id) == delivery_id))


def close_missed(
    scope: Scope,
    session: Session,
    user: User,
    windows: Iterable[Window],
    *,
    channel: Channel,
    at: datetime,
    but: UUID,
) -> int:
    """Write down the windows that passed since this person's last digest, and return how many those were.

    ``windows`` are those due, the latest, which is delivery ``but``, first.
    """
    found = iter(windows)
    latest = next(found)
    last = session.exec(
        select(func.max(Delivery.window_start)).where(
            Delivery.user_id == user.id,
            Delivery.channel == channel,
            Delivery.kind == DeliveryKind.DIGEST,
            Delivery.id != but,
            col(Delivery.window_start) < latest.at,
        )
    ).one()
    if last is None:
        return 0
    missed = takewhile(lambda window: window.at > last, islice(found, COALESCED_AT_MOST))
    rows = [
        delivery_row(user, channel, DeliveryKind.DIGEST, window=window, at=at)
        | {"state": DeliveryState.COALESCED}
        for window in missed
    ]
    return len(insert_rows(session, Delivery, rows, ignore_conflicts=True, returning=("id",)))


def delivery_row(
    user: User, channel: Channel, kind: DeliveryKind, *, window: Window, at: datetime
) -> dict[str, Any]:
    """A planned delivery; it has every column, as ``insert_rows`` needs."""
    return {
        "user_id": user.id,
        "recipient": user.email,
        "channel": channel,
        "kind": kind,
        "slot": window.slot,
        "state": DeliveryState.INTENT,
        "transport": "",
        "subject": "",
        "item_count": 0,
        "more_count": 0,
        "retries": 0,
        "next_attempt_at": at,
        "last_error": "",
        "window_start": window.at,
        "window_end": window.at,
        "created_at": at,
    }
