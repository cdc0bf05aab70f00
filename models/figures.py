"""Figures over months: everything is grouped where it lies, by UTC day, and no row of it is read.

Where ``clients`` is given, only what concerns those clients counts.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Date, case, distinct, func
from sqlalchemy import select as sa_select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session, col

from models.ai import AiSpend
from models.events import Category, Event
from models.feedback import Feedback, FeedbackVerdict
from models.mail import (
    Notification,
    NotificationState,
    Route,
    SkipReason,
)
from models.news import Article, SourceResult, SourceState
from models.portfolio import is_news
from models.scope import Scope

Clients = Collection[UUID] | None
LOW, HIGH = -0.2, 0.2
"""Sentiment below and above which an event is bad and good news."""


class utc_day(FunctionElement[date]):
    """The UTC date of an instant."""

    name = "utc_day"
    type = Date()
    inherit_cache = True


@compiles(utc_day, "sqlite")
def _sqlite_day(element: utc_day, compiler: SQLCompiler, **options: Any) -> str:
    # Stored as UTC in ISO form: its first ten characters are the date, and reading them is all there is to do.
    return f"substr({compiler.process(element.clauses, **options)}, 1, 10)"


@compiles(utc_day)
def _day(element: utc_day, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(timezone('UTC', {compiler.process(element.clauses, **options)}) AS DATE)"


class EventFigures(NamedTuple):
    """One UTC day's events of one kind."""

    day: date
    category: Category
    events: int
    sentiment: float
    """The sum of theirs."""
    bad: int
    good: int


def event_figures(
    scope: Scope, session: Session, since: datetime, clients: Clients = None
) -> list[EventFigures]:
    """Events that are news, by the day they happened and kind."""
    day, feeling = utc_day(col(Event.happened_at)), col(Event.sentiment)
    query = (
        sa_select(
            day,
            col(Event.category),
            func.count(),
            func.sum(feeling),
            func.count(case((feeling < LOW, 1))),
            func.count(case((feeling > HIGH, 1))),
        )
        .where(col(Event.happened_at) >= since, is_news(), *_of(col(Event.client_id), clients))
        .group_by(day, col(Event.category))
    )
    return [EventFigures(*row) for row in session.execute(query)]


def events_by_client(
    scope: Scope, session: Session, since: datetime, clients: Clients = None
) -> dict[UUID, int]:
    """How many events that are news each client had since then."""
    query = (
        sa_select(col(Event.client_id), func.count())
        .where(col(Event.happened_at) >= since, is_news(), *_of(col(Event.client_id), clients))
        .group_by(col(Event.client_id))
    )
    return dict(session.execute(query).tuples().all())


class VerdictFigures(NamedTuple):
    """What was said of one client's events on one UTC day."""

    day: date
    client_id: UUID
    verdict: FeedbackVerdict
    said: int


def verdict_figures(
    scope: Scope, session: Session, since: datetime, clients: Clients = None
) -> list[VerdictFigures]:
    """What was said and not taken back, by day and client."""
    what = (utc_day(col(Feedback.created_at)), col(Feedback.client_id), col(Feedback.verdict))
    query = (
        sa_select(*what, func.count())
        .where(
            col(Feedback.created_at) >= since,
            col(Feedback.undone_at).is_(None),
            *_of(col(Feedback.client_id), clients),
        )
        .group_by(*what)
    )
    return [VerdictFigures(*row) for row in session.execute(query)]


def articles_found(scope: Scope, session: Session, since: datetime) -> int:
    """How many articles came in since then, whomever they are about."""
    query = sa_select(func.count()).select_from(Article).where(col(Article.first_seen_at) >= since)
    return int(session.execute(query).scalar_one())


def stories_and_events(
    scope: Scope, session: Session, since: datetime, clients: Clients = None
) -> tuple[int, int]:
    """How many stories concern a client, and how many events those come to."""
    query = sa_select(func.count(distinct(col(Event.story_id))), func.count()).where(
        col(Event.happened_at) >= since, is_news(), *_of(col(Event.client_id), clients)
    )
    stories, events = session.execute(query).one()
    return int(stories), int(events)


class LedgerFigures(NamedTuple):
    """Lines of the ledger that ended, or stand, alike."""

    state: NotificationState
    route: Route | None
    reason: SkipReason | None
    lines: int


def ledger_figures(
    scope: Scope, session: Session, since: datetime, clients: Clients = None
) -> list[LedgerFigures]:
    """The ledger's lines since then by what became of them."""
    what = (col(Notification.state), col(Notification.route), col(Notification.reason))
    query = (
        sa_select(*what, func.count())
        .where(col(Notification.created_at) >= since, *_of(col(Notification.client_id), clients))
        .group_by(*what)
    )
    return [LedgerFigures(*row) for row in session.execute(query)]


def events_wanted_and_mailed(
    scope: Scope, session: Session, since: datetime, clients: Clients = None
) -> tuple[int, int]:
    """How many events somebody wanted, and how many somebody got by mail."""
    state, event = col(Notification.state), col(Notification.event_id)
    is_mailed = (state == NotificationState.DELIVERED) & (col(Notification.route) != Route.IN_APP)
    query = sa_select(func.count(distinct(event)), func.count(distinct(case((is_mailed, event))))).where(
        col(Notification.created_at) >= since,
        state != NotificationState.SKIPPED,
        *_of(col(Notification.client_id), clients),
    )
    wanted, mailed = session.execute(query).one()
    return int(wanted), int(mailed)


class SpendFigures(NamedTuple):
    """One UTC day's paid calls."""

    day: date
    calls: int
    usd: float


def spend_figures(scope: Scope, session: Session, since: datetime) -> list[SpendFigures]:
    """The paid calls of AI models, by day; days without any are absent."""
    day = utc_day(col(AiSpend.created_at))
    query = (
        sa_select(day, func.count(), func.sum(col(AiSpend.cost_usd)))
        .where(col(AiSpend.created_at) >= since)
        .group_by(day)
        .order_by(day)
    )
    return [SpendFigures(*row) for row in session.execute(query)]


class SourceFigures(NamedTuple):
    """How one source's fetches of one UTC day ended."""

    day: date
    source: str
    state: SourceState
    results: int


def source_figures(scope: Scope, session: Session, since: datetime) -> list[SourceFigures]:
    """The results of sources by day and state."""
    what = (utc_day(col(SourceResult.created_at)), col(SourceResult.source_api), col(SourceResult.state))
    query = sa_select(*what, func.count()).where(col(SourceResult.created_at) >= since).group_by(*what)
    return [SourceFigures(*row) for row in session.execute(query)]


def _of(column: Any, clients: Clients) -> list[ColumnElement[bool]]:
    return [] if clients is None else [column.in_(clients)]
