"""The queries behind lists of events: which ones a reader asked for, in what order, and what a card shows of them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from models.accounts import ClientPreference
from models.clients import Client
from models.events import Category, Decision, Event, Insight, Stage
from models.feedback import Feedback
from models.mail import Channel, Delivery, Notification, NotificationState, Route
from models.marks import EventMark
from models.news import Article, Story
from models.scope import Scope


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a list shows to one reader. Withdrawn ones never; empty and None set no limit."""

    reader: UUID
    clients: Collection[UUID]
    """Only these; none means no event at all."""
    categories: Collection[Category] = ()
    since: datetime | None = None
    until: datetime | None = None
    """The first instant after it."""
    min_relevance: float = 0.0
    words: tuple[str, ...] = ()
    """Each in title or summary, in any case."""
    unread_since: datetime | None = None
    """Only what happened since then and bears no read mark."""
    starred: bool = False


class Place(NamedTuple):
    """Where an event stands in a list: what both orders sort by."""

    relevance: float
    happened_at: datetime
    id: UUID


def places(
    scope: Scope,
    session: Session,
    wanted: Wanted,
    *,
    by_relevance: bool = False,
    after: Place | None = None,
    limit: int,
) -> list[Place]:
    """The next events after a place: newest first, or most relevant first."""
    query = sa_select(col(Event.relevance), col(Event.happened_at), col(Event.id)).where(*_conditions(wanted))
    if after is not None:
        query = query.where(_behind(after, by_relevance))
    newest = (col(Event.happened_at).desc(), col(Event.id).desc())
    order: tuple[ColumnElement[Any], ...] = (col(Event.relevance).desc(), *newest) if by_relevance else newest
    return [Place(*row) for row in session.execute(query.order_by(*order).limit(limit))]


def event_ids(scope: Scope, session: Session, wanted: Wanted, *, limit: int) -> list[UUID]:
    """The ids of the events wanted, newest first."""
    query = select(Event.id).where(*_conditions(wanted))
    return list(
        session.exec(query.order_by(col(Event.happened_at).desc(), col(Event.id).desc()).limit(limit))
    )


class Counted(NamedTuple):
    """How many events there are of three kinds."""

    new: int
    unread: int
    important: int


def count_events(
    scope: Scope,
    session: Session,
    wanted: Wanted,
    *,
    new_since: datetime,
    important_since: datetime,
    important: float,
) -> Counted:
    """Of the events wanted: those since ``new_since``, those without a read mark, and those that matter since then."""
    happened = col(Event.happened_at)
    query = (
        sa_select(
            func.count(case((happened >= new_since, 1))),
            func.count(case((col(EventMark.read_at).is_(None), 1))),
            func.count(case((and_(happened >= important_since, col(Event.relevance) >= important), 1))),
        )
        .select_from(Event)
        .outerjoin(
            EventMark, and_(col(EventMark.event_id) == Event.id, col(EventMark.user_id) == wanted.reader)
        )
        .where(*_conditions(wanted))
    )
    return Counted(*session.execute(query).one())


class Shown(NamedTuple):
    """An event with the rows beside it that a card names."""

    event: Event
    article: Article
    client: Client
    outlet_count: int
    mark: EventMark | None


def shown_rows(
    scope: Scope, session: Session, event_ids: Collection[UUID], reader: UUID
) -> dict[UUID, Shown]:
    """These events with article, client, number of outlets and the reader's mark; withdrawn ones too."""
    query = (
        sa_select(Event, Article, Client, col(Story.outlet_count), EventMark)
        .join(Article, col(Article.id) == Event.article_id)
        .join(Client, col(Client.id) == Event.client_id)
        .join(Story, col(Story.id) == Event.story_id)
        .outerjoin(EventMark, and_(col(EventMark.event_id) == Event.id, col(EventMark.user_id) == reader))
        .where(col(Event.id).in_(event_ids))
    )
    return {row[0].id: Shown(*row) for row in session.execute(query)}


def outlets_of(scope: Scope, session: Session, story_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Who told each story, in the order in which they did, each once."""
    what = (col(Article.story_id), col(Article.source), col(Article.publisher))
    query = sa_select(*what, col(Article.first_seen_at), col(Article.id))
    # Put in order here: asked to, SQLite walks through every article by the time it was seen.
    rows = session.execute(query.where(col(Article.story_id).in_(story_ids))).all()
    names: dict[UUID, dict[str, str]] = {}
    for story_id, source, publisher, *_ in sorted(rows, key=lambda row: (row[3], row[4])):
        if source or publisher:
            names.setdefault(story_id, {}).setdefault(publisher or source, source or publisher)
    return {story_id: list(found.values()) for story_id, found in names.items()}


class Sibling(NamedTuple):
    """The event of the same story for another client."""

    story_id: UUID
    event_id: UUID
    client_id: UUID
    client: str


def siblings_of(
    scope: Scope, session: Session, story_ids: Collection[UUID], client_ids: Collection[UUID]
) -> list[Sibling]:
    """The events of these stories for these clients, by the client's name; withdrawn ones are left out."""
    query = (
        sa_select(col(Event.story_id), col(Event.id), col(Event.client_id), col(Client.name))
        .join(Client, col(Client.id) == Event.client_id)
        .where(
            col(Event.story_id).in_(story_ids),
            col(Event.client_id).in_(client_ids),
            col(Event.withdrawn_at).is_(None),
        )
    )
    return [Sibling(*row) for row in session.execute(query.order_by(col(Client.name), col(Event.id)))]


def insights_of(scope: Scope, session: Session, event_ids: Collection[UUID]) -> dict[UUID, Insight]:
    """What these events mean, where that was worked out."""
    return {
        row.event_id: row for row in session.exec(select(Insight).where(col(Insight.event_id).in_(event_ids)))
    }


class LedgerLine(NamedTuple):
    """A reader's line of an event, and the mail it is in."""

    line: Notification
    delivery: Delivery | None


def lines_of(
    scope: Scope, session: Session, event_ids: Collection[UUID], reader: UUID
) -> dict[UUID, LedgerLine]:
    """The reader's line of each event: the newest revision's, and of those a real one before a dry run's."""
    query = (
        sa_select(Notification, Delivery)
        .outerjoin(Delivery, col(Delivery.id) == Notification.delivery_id)
        .where(
            col(Notification.event_id).in_(event_ids),
            # Said in a way no index answers: by the person's index SQLite would read everything they ever got.
            (col(Notification.user_id) == reader).is_(True),
        )
    )
    found = [LedgerLine(*row) for row in session.execute(query)]
    found.sort(key=lambda one: (one.line.revision, one.line.channel is not Channel.FILE))
    return {one.line.event_id: one for one in found}


def last_reasons(
    scope: Scope, session: Session, event_ids: Collection[UUID], reader: UUID
) -> dict[UUID, str]:
    """The sentence of the newest decision about each event for the reader."""
    query = (
        sa_select(col(Decision.event_id), col(Decision.reason))
        .where(
            col(Decision.event_id).in_(event_ids),
            col(Decision.user_id) == reader,
            col(Decision.stage).in_((Stage.FILTER, Stage.NOTIFY)),
        )
        .order_by(col(Decision.created_at), col(Decision.id))
    )
    return {event_id: reason for event_id, reason in session.execute(query) if reason}


def said_of(
    scope: Scope, session: Session, event_ids: Collection[UUID], reader: UUID
) -> dict[UUID, list[Feedback]]:
    """What the reader said of each event and did not take back, oldest first."""
    query = select(Feedback).where(
        col(Feedback.event_id).in_(event_ids), Feedback.user_id == reader, col(Feedback.undone_at).is_(None)
    )
    said: dict[UUID, list[Feedback]] = {}
    for row in session.exec(query.order_by(col(Feedback.created_at), col(Feedback.id))):
        said.setdefault(row.event_id, []).append(row)
    return said


def said_lately(
    scope: Scope, session: Session, reader: UUID, since: datetime, *, limit: int
) -> list[tuple[Feedback, str, str]]:
    """What the reader said since then and did not take back, newest first: with the event's title and the client."""
    query = (
        sa_select(Feedback, col(Event.title), col(Client.name))
        .join(Event, col(Event.id) == Feedback.event_id)
        .join(Client, col(Client.id) == Feedback.client_id)
        .where(
            col(Feedback.user_id) == reader,
            col(Feedback.undone_at).is_(None),
            col(Feedback.created_at) >= since,
        )
        .order_by(col(Feedback.created_at).desc(), col(Feedback.id).desc())
        .limit(limit)
    )
    return [(said, title, client) for said, title, client in session.execute(query)]


def muted_clients(scope: Scope, session: Session, reader: UUID) -> set[UUID]:
    """The clients a reader has muted."""
    query = select(ClientPreference.client_id).where(
        ClientPreference.user_id == reader, col(ClientPreference.muted).is_(True)
    )
    return set(session.exec(query))


def watched_names(scope: Scope, session: Session) -> dict[UUID, str]:
    """Every client that is watched, by name."""
    query = sa_select(col(Client.id), col(Client.name)).where(col(Client.archived_at).is_(None))
    return dict(session.execute(query.order_by(col(Client.name))).tuples().all())


def count_in_app(scope: Scope, session: Session, reader: UUID, since: datetime) -> int:
    """How many events since then were brought to the reader in the app alone, and bear no read mark."""
    query = (
        sa_select(func.count(func.distinct(col(Notification.event_id))))
        .join(Event, col(Event.id) == Notification.event_id)
        .outerjoin(EventMark, and_(col(EventMark.event_id) == Event.id, col(EventMark.user_id) == reader))
        .where(
            col(Notification.user_id) == reader,
            col(Notification.state) == NotificationState.DELIVERED,
            col(Notification.route) == Route.IN_APP,
            col(Event.happened_at) >= since,
            col(Event.withdrawn_at).is_(None),
            col(EventMark.read_at).is_(None),
        )
    )
    return int(session.execute(query).scalar_one())


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        col(Event.client_id).in_(sorted(wanted.clients)),
        col(Event.withdrawn_at).is_(None),
    ]
    if wanted.categories:
        found.append(col(Event.category).in_(sorted(wanted.categories)))
    if wanted.since is not None:
        found.append(col(Event.happened_at) >= wanted.since)
    if wanted.until is not None:
        found.append(col(Event.happened_at) < wanted.until)
    if wanted.min_relevance > 0:
        found.append(col(Event.relevance) >= wanted.min_relevance)
    found += [_holds(word) for word in wanted.words]
    if wanted.starred:
        starred = _marks(wanted.reader).where(col(EventMark.starred_at).is_not(None))
        found.append(col(Event.id).in_(starred))
    if wanted.unread_since is not None:
        found.append(col(Event.happened_at) >= wanted.unread_since)
        read = _marks(wanted.reader).where(
            col(EventMark.read_at).is_not(None), col(EventMark.event_id) == Event.id
        )
        found.append(~read.correlate(Event).exists())
    return found


def _marks(reader: UUID) -> Select[Any]:
    return sa_select(col(EventMark.event_id)).where(col(EventMark.user_id) == reader)


def _holds(word: str) -> ColumnElement[bool]:
    # SQLite folds the case of ASCII letters only: other spellings are asked for by name.
    spellings: Iterable[str] = {word, word.lower(), word.upper(), word.capitalize()}
    if word.isascii():
        spellings = (word,)
    columns = (col(Event.title), col(Event.summary))
    return or_(*(column.icontains(one, autoescape=True) for one in sorted(spellings) for column in columns))


def _behind(after: Place, by_relevance: bool) -> ColumnElement[bool]:
    relevance, happened = col(Event.relevance), col(Event.happened_at)
    later = or_(happened < after.happened_at, col(Event.id) < after.id)
    same_time = and_(happened <= after.happened_at, later)
    if not by_relevance:
        return same_time
    return and_(relevance <= after.relevance, or_(relevance < after.relevance, same_time))
