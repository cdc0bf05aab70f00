"""Queries of the client pages: what stands beside a client in many tables, for all clients at once or for one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from models.clients import Client, ClientAssignment, ClientMatchRule
from models.events import Category, Event
from models.feedback import CategoryMute, Feedback, FeedbackVerdict
from models.jobs import JobRun
from models.mail import Notification, NotificationState
from models.news import Article, SourceResult, Story
from models.scope import Scope


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The newest thing that happened at a client, as a table shows it."""

    id: UUID
    client_id: UUID
    at: datetime
    category: Category
    title: str
    language_supported: bool


def is_news() -> ColumnElement[bool]:
    """Events that tell something: neither withdrawn nor judged to be chatter (``other``)."""
    told = or_(col(Event.category) != Category.OTHER, col(Event.language_supported).is_(False))
    return col(Event.withdrawn_at).is_(None) & told


def last_events(scope: Scope, session: Session) -> dict[UUID, LastEvent]:
    """The newest event that is news (``is_news``) of each client that has one, by client id."""
    # A look-up a client in the index of its events: grouping would read every event there is.
    newest = (
        sa_select(col(Event.id))
        .where(
            col(Event.business_id) == col(Client.business_id),
            col(Event.client_id) == col(Client.id),
            is_news(),
        )
        .order_by(col(Event.happened_at).desc(), col(Event.id).desc())
        .limit(1)
        .correlate(Client)
        .scalar_subquery()
    )
    columns: tuple[Any, ...] = (
        *(Event.id, Event.client_id, Event.happened_at, Event.category, Event.title),
        col(Event.language_supported),
    )
    query = sa_select(*columns).where(col(Event.id).in_(sa_select(newest).select_from(Client)))
    return {row[1]: LastEvent(*row) for row in session.execute(query)}


def event_counts(scope: Scope, session: Session, since: datetime) -> dict[UUID, int]:
    """How many events that are news (``is_news``) each client had since then, by client id."""
    query = (
        select(Event.client_id, func.count())
        .where(col(Event.happened_at) >= since, is_news())
        .group_by(col(Event.client_id))
    )
    return dict(session.exec(query).all())


def latest_results(
    scope: Scope, session: Session, sources: Collection[str], client_id: UUID | None = None
) -> list[SourceResult]:
    """How each of these sources last answered about each client, or about one."""
    found: list[SourceResult] = []
    for source in sorted(sources):
        newest = (
            sa_select(col(SourceResult.id))
            .where(
                col(SourceResult.business_id) == col(Client.business_id),
                col(SourceResult.client_id) == col(Client.id),
                col(SourceResult.source_api) == source,
            )
            .order_by(col(SourceResult.created_at).desc(), col(SourceResult.id).desc())
            .limit(1)
            .correlate(Client)
            .scalar_subquery()
        )
        clients = sa_select(newest).select_from(Client)
        if client_id is not None:
            clients = clients.where(col(Client.id) == client_id)
        found += session.exec(select(SourceResult).where(col(SourceResult.id).in_(clients)))
    return found


def feed_results(scope: Scope, session: Session, job_run_id: UUID) -> list[SourceResult]:
    """What a run's feeds came to: the units that concern no single client."""
    query = select(SourceResult).where(
        SourceResult.job_run_id == job_run_id, col(SourceResult.client_id).is_(None)
    )
    return list(session.exec(query.order_by(col(SourceResult.source_api), col(SourceResult.unit))))


def assignments_of(scope: Scope, session: Session, client_id: UUID) -> list[ClientAssignment]:
    """Who looks after a client and who did, the open ones first, then the newest."""
    query = select(ClientAssignment).where(ClientAssignment.client_id == client_id)
    order = (col(ClientAssignment.ended_at).is_not(None), col(ClientAssignment.started_at).desc())
    return list(session.exec(query.order_by(*order, col(ClientAssignment.id))))


def rules_of(scope: Scope, session: Session, client_id: UUID) -> list[ClientMatchRule]:
    """The rules people taught about a client, undone ones too, newest first."""
    query = select(ClientMatchRule).where(ClientMatchRule.client_id == client_id)
    return list(session.exec(query.order_by(col(ClientMatchRule.created_at).desc())))


def verdicts_on(
    scope: Scope, session: Session, client_id: UUID, verdicts: Sequence[FeedbackVerdict]
) -> list[tuple[Feedback, str]]:
    """What people said of a client's events and did not take back, with the event's title; newest first."""
    query = (
        select(Feedback, Event.title)
        .join(Event, col(Event.id) == Feedback.event_id)
        .where(
            Feedback.client_id == client_id,
            col(Feedback.undone_at).is_(None),
            col(Feedback.verdict).in_(verdicts),
        )
        .order_by(col(Feedback.created_at).desc(), col(Feedback.id).desc())
    )
    return [(said, title) for said, title in session.exec(query)]


def mutes_of(scope: Scope, session: Session, client_id: UUID) -> list[CategoryMute]:
    """The kinds of event that somebody wants no more of at a client, newest first."""
    query = select(CategoryMute).where(
        CategoryMute.client_id == client_id, col(CategoryMute.undone_at).is_(None)
    )
    return list(session.exec(query.order_by(col(CategoryMute.created_at).desc())))


def waiting_lines_of(
    scope: Scope, session: Session, client_ids: Collection[UUID]
) -> dict[tuple[UUID, UUID], int]:
    """How much of these clients' news waits to be mailed, by (client id, user id)."""
    query = (
        select(Notification.client_id, Notification.user_id, func.count())
        .where(
            Notification.state == NotificationState.WAITING,
            col(Notification.client_id).in_(client_ids),
        )
        .group_by(col(Notification.client_id), col(Notification.user_id))
    )
    return {(client, user): count for client, user, count in session.exec(query)}


def recent_articles(scope: Scope, session: Session, since: datetime, limit: int) -> list[Article]:
    """The newest articles first seen since then, whomever they are about."""
    query = select(Article).where(col(Article.first_seen_at) >= since)
    order: tuple[Any, ...] = (col(Article.first_seen_at).desc(), col(Article.id).desc())
    return list(session.exec(query.order_by(*order).limit(limit)))


def newest_search(scope: Scope, session: Session) -> UUID | None:
    """The newest run that fetched anything; None before the first."""
    fetched = sa_select(1).where(
        col(SourceResult.business_id) == col(JobRun.business_id),
        col(SourceResult.job_run_id) == col(JobRun.id),
    )
    query = select(JobRun.id).where(fetched.exists())
    order: tuple[Any, ...] = (col(JobRun.started_at).desc(), col(JobRun.id).desc())
    return session.exec(query.order_by(*order).limit(1)).first()


def tellers_of(scope: Scope, session: Session, event_ids: Collection[UUID]) -> dict[UUID, tuple[str, int]]:
    """Who tells of each event, and how many outlets do: event id → (the lead's publisher, outlets)."""
    columns: tuple[Any, ...] = (Event.id, Article.source, Article.publisher, Story.outlet_count)
    query = (
        sa_select(*columns)
        .join(Article, col(Article.id) == Event.article_id)
        .join(Story, col(Story.id) == Event.story_id)
        .where(col(Event.id).in_(event_ids))
    )
    return {row[0]: (row[1] or row[2] or "", max(row[3], 1)) for row in session.execute(query)}


def events_made_since(scope: Scope, session: Session, client_id: UUID, since: datetime) -> list[Event]:
    """A client's events that were made or told anew since then and are news, the most relevant first."""
    query = select(Event).where(Event.client_id == client_id, col(Event.updated_at) >= since, is_news())
    return list(session.exec(query.order_by(col(Event.relevance).desc(), col(Event.id))))
