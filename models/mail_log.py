"""The email log as people read it: newest first, a page at a time, whatever the filter.

Each filter comes to one or a few *branches*, each of which one index answers in the order of the page. So no page
counts, sorts or skips rows, and a million mails are as fast as a hundred. What no index can answer, words, is looked
for in the newest ``SCAN`` mails of the filter; where that stopped is told, so that the next page goes on from there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from models.audit import AuditLog
from models.clients import Client
from models.events import Category, Event
from models.mail import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    EmailEvent,
    Notification,
    NotificationState,
    SkipReason,
)
from models.scope import Scope

SCAN = 50_000
"""Mails that one page looks through for words."""

Place = tuple[datetime, UUID]
"""Where a mail stands in the log: when it was planned, and its id."""
Branch = tuple[ColumnElement[bool], ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a search."""

    text: str
    people: tuple[UUID, ...] = ()
    """Who goes by it."""
    is_part_of_id: bool = False
    """It may be part of an address or a Message-ID: looked for there too, which costs twice as much again."""


@dataclass(frozen=True, slots=True)
class MailsWanted:
    """Which mails are meant; what is empty asks for nothing."""

    states: Collection[DeliveryState] = ()
    kinds: Collection[DeliveryKind] = ()
    user_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    words: Sequence[Word] = ()
    """Each is in the subject or belongs to the reader, or see ``Word``."""


@dataclass(frozen=True, slots=True)
class MailPage:
    """Some mails, newest first. ``next`` is where the next page begins, None after the last."""

    mails: list[Delivery]
    next: Place | None = None
    stopped_at: datetime | None = None
    """How far back words were looked for, where the page is not full: there may be more before."""


def mail_page(
    scope: Scope, session: Session, wanted: MailsWanted, *, before: Place | None = None, limit: int
) -> MailPage:
    """The newest mails that are wanted, from ``before`` on."""
    within = [*_times(wanted), *([_older(before)] if before else [])]
    branches = _branches(wanted)
    horizon = _horizon(session, branches, within) if wanted.words else None
    if horizon is not None:
        within.append(_not_older(horizon))
    within += [_holds(word) for word in wanted.words]
    found: list[Delivery] = []
    for branch in branches:
        query = select(Delivery).where(*branch, *within).order_by(*_NEWEST_FIRST).limit(limit + 1)
        found += session.exec(query)
    found.sort(key=_place, reverse=True)
    if len(found) > limit:
        return MailPage(found[:limit], _place(found[limit - 1]))
    return MailPage(found, horizon, horizon[0] if horizon else None)


def count_up_to(scope: Scope, session: Session, wanted: MailsWanted, most: int) -> int:
    """How many mails are wanted, counted no further than ``most``; words are not looked at."""
    counted = 0
    for branch in _branches(wanted):
        some = select(Delivery.id).where(*branch, *_times(wanted)).limit(most - counted)
        counted += session.exec(select(func.count()).select_from(some.subquery())).one()
        if counted >= most:
            break
    return counted


def mail_by_id(scope: Scope, session: Session, delivery_id: UUID) -> Delivery | None:
    """The mail with this id."""
    return session.exec(select(Delivery).where(Delivery.id == delivery_id)).first()


def mails_by_message_id(scope: Scope, session: Session, message_ids: Collection[str]) -> list[Delivery]:
    """The mails with one of these Message-IDs, newest first."""
    # Sorted here: with an order of its own, SQLite would walk the log in it instead of looking the ids up.
    query = select(Delivery).where(col(Delivery.message_id).in_(message_ids))
    return sorted(session.exec(query), key=_place, reverse=True)


def returns_of(scope: Scope, session: Session, delivery_id: UUID, *, limit: int) -> list[EmailEvent]:
    """What came back for a mail, newest first."""
    order = (col(EmailEvent.created_at).desc(), col(EmailEvent.id).desc())
    query = select(EmailEvent).where(EmailEvent.delivery_id == delivery_id).order_by(*order).limit(limit)
    return list(session.exec(query))


def audit_of(scope: Scope, session: Session, subject: str, *, limit: int) -> list[AuditLog]:
    """What people did about one thing, newest first."""
    order = (col(AuditLog.created_at).desc(), col(AuditLog.id).desc())
    query = select(AuditLog).where(AuditLog.subject == subject).order_by(*order).limit(limit)
    return list(session.exec(query))


class LedgerItem(NamedTuple):
    """A line of the ledger that belongs to a mail, with its event."""

    event_id: UUID
    article_id: UUID
    client_id: UUID
    client: str
    title: str
    category: Category
    relevance: float
    happened_at: datetime
    state: NotificationState
    reason: SkipReason | None
    is_history: bool
    revision: int


def items_of(scope: Scope, session: Session, delivery_id: UUID, *, limit: int) -> list[LedgerItem]:
    """What is in a mail and what it left out, what is in it first, the most relevant first."""
    columns: tuple[Any, ...] = (
        *(Event.id, Event.article_id, Event.client_id, Client.name, Event.title, Event.category),
        *(Event.relevance, Event.happened_at, Notification.state, Notification.reason),
        *(Notification.is_history, Notification.revision),
    )
    query = (
        sa_select(*columns)
        .select_from(Notification)
        .join(Event, col(Event.id) == col(Notification.event_id))
        .join(Client, col(Client.id) == col(Event.client_id))
        .where(col(Notification.delivery_id) == delivery_id)
        .order_by(col(Notification.reason).is_not(None), col(Event.relevance).desc(), col(Event.id))
        .limit(limit)
    )
    return [LedgerItem(*row) for row in session.execute(query)]


def hits_of(
    scope: Scope, session: Session, delivery_ids: Collection[UUID], kinds: Collection[str]
) -> list[tuple[UUID | None, str, str, int]]:
    """(mail, kind, actor, count) of what is kept of these mails' hits."""
    what: tuple[Any, ...] = (EmailEvent.delivery_id, EmailEvent.kind, EmailEvent.actor)
    query = (
        sa_select(*what, func.count())
        .where(col(EmailEvent.delivery_id).in_(delivery_ids), col(EmailEvent.kind).in_(kinds))
        .group_by(*what)
    )
    return [(mail, kind, actor, count) for mail, kind, actor, count in session.execute(query)]


_NEWEST_FIRST = (col(Delivery.created_at).desc(), col(Delivery.id).desc())


def _place(mail: Delivery) -> Place:
    return mail.created_at, mail.id


def _branches(wanted: MailsWanted) -> list[Branch]:
    """Conditions that one index answers in the page's order; together they are the filter, and no two overlap."""
    if wanted.user_id is not None:
        # One reader's mails are few enough to look at them one by one.
        return [
            (
                col(Delivery.user_id) == wanted.user_id,
                *([col(Delivery.state).in_(wanted.states)] if wanted.states else []),
                *([col(Delivery.kind).in_(wanted.kinds)] if wanted.kinds else []),
            )
        ]
    if not wanted.states and not wanted.kinds:
        return [()]
    pairs = product(wanted.states or DeliveryState, wanted.kinds or DeliveryKind)
    return [(col(Delivery.state) == state, col(Delivery.kind) == kind) for state, kind in pairs]


def _times(wanted: MailsWanted) -> list[ColumnElement[bool]]:
    times: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        times.append(col(Delivery.created_at) >= wanted.since)
    if wanted.until is not None:
        times.append(col(Delivery.created_at) < wanted.until)
    return times


def _older(place: Place) -> ColumnElement[bool]:
    # The first condition is implied, and lets the index begin at the right place.
    at, mail_id = place
    created = col(Delivery.created_at)
    return and_(created <= at, or_(created < at, col(Delivery.id) < mail_id))


def _not_older(place: Place) -> ColumnElement[bool]:
    at, mail_id = place
    created = col(Delivery.created_at)
    return and_(created >= at, or_(created > at, col(Delivery.id) >= mail_id))


def _horizon(
    session: Session, branches: Sequence[Branch], within: Sequence[ColumnElement[bool]]
) -> Place | None:
    """The oldest place that a search of these branches looks at; None when it can look at all."""
    each = SCAN // len(branches)
    ends: list[Place] = []
    for branch in branches:
        query = select(Delivery.created_at, Delivery.id).where(*branch, *within).order_by(*_NEWEST_FIRST)
        ends += [(at, mail_id) for at, mail_id in session.exec(query.offset(each - 1).limit(1))]
    return max(ends, default=None)


def _holds(word: Word) -> ColumnElement[bool]:
    text = word.text
    # SQLite folds the case of ASCII letters only: other spellings are asked for by name.
    spellings = {text} if text.isascii() else {text, text.lower(), text.upper(), text.capitalize()}
    ids = (col(Delivery.recipient), col(Delivery.message_id)) if word.is_part_of_id else ()
    columns: tuple[Any, ...] = (col(Delivery.subject), *ids)
    told = [column.icontains(one, autoescape=True) for one in sorted(spellings) for column in columns]
    return or_(*told, *([col(Delivery.user_id).in_(word.people)] if word.people else []))
