"""What "not relevant" does: that kind of event at that client is muted for that reader, and can be had again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from models.clients import Client
from models.events import Event, Stage, events_of_client
from models.feedback import CategoryMute, Feedback, active_mute
from models.mail import NotificationState, SkipReason
from models.scope import Scope
from models.settings import get_settings
from tasks.filter.facts import load_people
from tasks.filter.known import reconsider
from tasks.filter.ledger import lines, skip
from tasks.filter.recheck import objections, recheck

REMEMBERED = timedelta(days=90)


def effect(event: Event, client: Client) -> str:
    """The rule as a sentence."""
    return f"no more {event.category.value.replace('_', ' ')} news of {client.name} for this reader"


def would_mute(scope: Scope, session: Session, event: Event, now: datetime) -> tuple[list[Event], int]:
    """The client's events of that kind in the last 90 days, and how many it had of any kind."""
    known = events_of_client(scope, session, event.client_id, now - REMEMBERED)
    return [one for one in known if one.category is event.category], len(known)


def apply(scope: Scope, session: Session, event: Event, said: Feedback, reader: UUID, now: datetime) -> None:
    """Mute, and take back what of that kind waits to be mailed to the reader."""
    mute = active_mute(scope, session, reader, event.client_id, event.category)
    if mute is None:
        mute = CategoryMute(
            business_id=scope.business, user_id=reader, client_id=event.client_id, category=event.category
        )
        session.add(mute)
        session.flush()
    said.mute_id = mute.id
    waiting = [
        line
        for line in lines(scope, session, user_ids=[reader])
        if line.client_id == event.client_id and line.event.category == event.category
    ]
    people = load_people(scope, session, only=[reader])
    verdicts = recheck(people, waiting, now=now, freshness_days=get_settings().freshness_days)
    skip(session, objections(verdicts), stage=Stage.FILTER, at=now)


def undo(scope: Scope, session: Session, said: Feedback, still: Sequence[Feedback], now: datetime) -> int:
    """Lift the mute and decide again about what it kept back; how many items wait to be mailed now."""
    if said.mute_id is None or any(other.mute_id == said.mute_id for other in still):
        return 0
    mute = session.get_one(CategoryMute, said.mute_id)
    mute.undone_at = now
    session.add(mute)
    session.flush()
    kept = lines(scope, session, states=(NotificationState.SKIPPED,), user_ids=[mute.user_id])
    back = [
        line
        for line in kept
        if line.reason is SkipReason.CATEGORY_MUTED
        and line.client_id == mute.client_id
        and line.event.category == mute.category
    ]
    people = load_people(scope, session, only=[mute.user_id])
    return reconsider(session, people, back, now=now)
