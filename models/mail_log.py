"""The email log as people read it: newest first, a page at a time, whatever the filter.

Each filter comes to one or a few *branches*, each of which one index answers in the order of the page. So no page counts,
sorts or skips rows, and a million mails are as fast as a hundred. What no index can answer, words, is looked for in
the newest ``SCAN`` mails of the filter; where that stopped is told, so that the next page goes on from there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from models.mail import Delivery, DeliveryKind, DeliveryState, EmailEvent
from models.scope import Scope

SCAN = 50_000
"""Mails that one page looks through for words."""

Place = tuple[datetime, UUID]
"""Where a mail stands in the log: when it was planned, and its id."""
Branch = tuple[ColumnElement[bool], ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a search, and the people who go by it."""

    text: str
    people: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class MailsWanted:
    """Which mails are meant; what is empty asks for nothing."""

    states: Collection[DeliveryState] = ()
    kinds: Collection[DeliveryKind] = ()
    user_id: UUID | None = None
    recipient: str = ""
    """Exactly this address, in lower case."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    words: Sequence[Word] = ()
    """Each is in the subject, the address or the Message-ID, or belongs to the reader."""


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
    query = select(Delivery).where(col(Delivery.message_id).in_(message_ids)).order_by(*_NEWEST_FIRST)
    return list(session.exec(query))


def returns_of(scope: Scope, session: Session, delivery_id: UUID, *, limit: int) -> list[EmailEvent]:
    """What came back for a mail, newest first."""
    order = (col(EmailEvent.created_at).desc(), col(EmailEvent.id).desc())
    query = select(EmailEvent).where(EmailEvent.delivery_id == delivery_id).order_by(*order).limit(limit)
    return list(session.exec(query))


def hits_of(
    scope: Scope, session: Session, delivery_ids: Collection[UUID], kinds: Collection[str]
) -> list[tuple[UUID | None, str, str, int]]:
    """(mail, kind, actor, count) of what is kept of these mails' hits."""
    what = (EmailEvent.delivery_id, EmailEvent.kind, EmailEvent.actor)
    query = (
        select(*what, func.count())
        .where(col(EmailEvent.delivery_id).in_(delivery_ids), col(EmailEvent.kind).in_(kinds))
        .group_by(*(col(one) for one in what))
    )
    return [(mail, kind, actor, count) for mail, kind, actor, count in session.exec(query)]


_NEWEST_FIRST = (col(Delivery.created_at).desc(), col(Delivery.id).desc())


def _place(mail: Delivery) -> Place:
    return mail.created_at, mail.id


def _branches(wanted: MailsWanted) -> list[Branch]:
    """Conditions that one index answers in the page's order; together they are the filter, and no two overlap."""
    chosen: list[ColumnElement[bool]] = []
    if wanted.recipient:
        chosen.append(col(Delivery.recipient) == wanted.recipient)
    if wanted.user_id is not None:
        chosen.append(col(Delivery.user_id) == wanted.user_id)
    if chosen:
        # One reader's mails are few enough to look at them one by one.
        if wanted.states:
            chosen.append(col(Delivery.state).in_(wanted.states))
        if wanted.kinds:
            chosen.append(col(Delivery.kind).in_(wanted.kinds))
        return [tuple(chosen)]
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
    columns = (col(Delivery.subject), col(Delivery.recipient), col(Delivery.message_id))
    told = [column.icontains(word.text, autoescape=True) for column in columns]
    return or_(*told, *([col(Delivery.user_id).in_(word.people)] if word.people else []))
