"""What an article means for a client, why we think so, and what to do about it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, enum_field, json_field, list_field, table_args, tenant_fk, utc_field
from models.news import Article
from models.scope import Scope


class Category(StrEnum):
    """The kind of event. ``other`` is a judgement ("not an event of ours"), never "could not read it"."""

    FUNDING = "funding"
    ACQUISITION = "acquisition"
    LEADERSHIP_CHANGE = "leadership_change"
    PRODUCT_LAUNCH = "product_launch"
    PARTNERSHIP = "partnership"
    FINANCIAL_RESULTS = "financial_results"
    REGULATORY = "regulatory"
    LITIGATION = "litigation"
    LAYOFFS = "layoffs"
    EXPANSION = "expansion"
    SECURITY_INCIDENT = "security_incident"
    AWARD = "award"
    OTHER = "other"


class Stage(StrEnum):
    SEARCH = "search"
    DEDUPE = "dedupe"
    ENRICH = "enrich"
    MATCH = "match"
    CLASSIFY = "classify"
    FILTER = "filter"
    NOTIFY = "notify"


class Event(TenantRow, table=True):
    """A story as it concerns one client. ``needs_filter`` is the backlog of *filter*."""

    __tablename__ = "events"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "story_id", "client_id"),
        tenant_fk("story_id", "stories"),
        tenant_fk("client_id", "clients", ondelete="CASCADE"),
        tenant_fk("article_id", "articles"),
        Index("ix_events_client", "business_id", "client_id", "happened_at"),
        Index("ix_events_time", "business_id", "happened_at", "id"),
        # Figures over months are read from this alone: see models.figures.
        Index(
            "ix_events_figures",
            "business_id",
            "happened_at",
            "category",
            "client_id",
            "sentiment",
            "story_id",
            "language_supported",
            "withdrawn_at",
        ),
        Index(
            "ix_events_backlog",
            "business_id",
            "id",
            sqlite_where=text("needs_filter = 1"),
            postgresql_where=text("needs_filter"),
        ),
    )

    story_id: UUID
    client_id: UUID
    article_id: UUID
    """The article that stands for the story."""
    category: Category = enum_field(Category)
    relevance: float = Field(ge=0, le=1)
    sentiment: float = Field(ge=-1, le=1)
    confidence: float = Field(ge=0, le=1)
    risk: str = Field(default="none", max_length=20)
    salience: str = Field(default="primary", max_length=20)
    certainty: str = Field(default="stated", max_length=20)
    language: str = Field(default="en", max_length=8)
    language_supported: bool = True
    """False: matched by company only; its category and score say nothing."""
    title: str
    summary: str = ""
    reason: str = ""
    evidence: str = ""
    score_parts: dict[str, Any] = json_field()
    revision: int = 1
    what_changed: str = ""
    is_history: bool = False
    is_mock: bool = False
    is_degraded: bool = False
    """An AI should have classified it and the rules did."""
    published_at: datetime | None = utc_field()
    happened_at: datetime = utc_field(nullable=False)
    """published_at, or when it was first seen: for ordering only."""
    decision_id: UUID | None = None
    needs_filter: bool = True
    withdrawn_at: datetime | None = utc_field()
    """Since when no article of the story counts as being about the client: shown and mailed to nobody."""
    created_at: datetime = utc_field(nullable=False)
    updated_at: datetime = utc_field(nullable=False)


class Insight(TenantRow, table=True):
    """What an event of relevance ≥ 0.7 means, and what one might do."""

    __tablename__ = "insights"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "event_id"), tenant_fk("event_id", "events", ondelete="CASCADE")
    )

    event_id: UUID
    meaning: str
    actions: list[str] = list_field()
    urgency: str = Field(default="normal", max_length=20)
    engine: str = Field(default="rules", max_length=60)
    created_at: datetime = utc_field(nullable=False)


OWN_ENGINES = frozenset({"rules", "company-rules", "feedback"})
"""Engines of the house: our rules, and what a reader said."""


def judged_by(engine: str) -> str:
    """The AI behind an engine's name, as a reader is told of it; empty for an engine of the house."""
    return "" if engine in OWN_ENGINES else f"AI, {engine}"


class Decision(TenantRow, table=True):
    """Why, and why not. Append-only: no code updates or deletes a row before its retention ends."""

    __tablename__ = "decisions"
    __table_args__ = table_args(
        Index("ix_decisions_article", "business_id", "article_id"),
        Index("ix_decisions_event", "business_id", "event_id"),
        Index("ix_decisions_age", "business_id", "created_at"),
    )

    stage: Stage = enum_field(Stage)
    verdict: str = Field(max_length=40)
    reason_code: str = Field(max_length=60)
    reason: str = ""
    evidence: str = ""
    parts: dict[str, Any] = json_field()
    engine: str = Field(default="rules", max_length=60)
    engine_version: str = Field(default="", max_length=60)
    article_id: UUID | None = None
    client_id: UUID | None = None
    event_id: UUID | None = None
    user_id: UUID | None = None
    job_run_id: UUID | None = None
    created_at: datetime = utc_field(nullable=False)


def articles_of_events(scope: Scope, session: Session, since: datetime, *, limit: int) -> list[Article]:
    """The articles that stand for the events since then, newest first, each once; withdrawn events are left out."""
    query = (
        select(Article, Event.happened_at)
        .join(Event, col(Event.article_id) == Article.id)
        .where(col(Event.happened_at) >= since, col(Event.withdrawn_at).is_(None))
        .order_by(col(Event.happened_at).desc(), col(Event.id))
        .limit(limit)
    )
    return list({article.id: article for article, _ in session.exec(query)}.values())


def event_by_id(scope: Scope, session: Session, event_id: UUID) -> Event | None:
    """The event with this id, withdrawn or not."""
    return session.exec(select(Event).where(Event.id == event_id)).first()


def existing_events(scope: Scope, session: Session, event_ids: Collection[UUID]) -> set[UUID]:
    """Which of these ids are an event's, withdrawn or not."""
    return set(session.exec(select(Event.id).where(col(Event.id).in_(event_ids))))


def events_of_story(scope: Scope, session: Session, story_id: UUID) -> list[Event]:
    """A story's events, one a client it concerns."""
    return list(session.exec(select(Event).where(Event.story_id == story_id).order_by(col(Event.id))))


def events_of_client(scope: Scope, session: Session, client_id: UUID, since: datetime) -> list[Event]:
    """A client's events since then, newest first; withdrawn ones are left out."""
    query = select(Event).where(
        Event.client_id == client_id, col(Event.happened_at) >= since, col(Event.withdrawn_at).is_(None)
    )
    return list(session.exec(query.order_by(col(Event.happened_at).desc(), col(Event.id).desc())))


def events_of_stories(
    scope: Scope, session: Session, story_ids: Collection[UUID], client_ids: Collection[UUID]
) -> list[Event]:
    """The events of these stories for these clients, withdrawn or not."""
    query = select(Event).where(col(Event.story_id).in_(story_ids), col(Event.client_id).in_(client_ids))
    return list(session.exec(query))


def events_changed_since(scope: Scope, session: Session, since: datetime) -> list[Event]:
    """Events made or changed since then, the most relevant first; withdrawn ones are left out."""
    query = select(Event).where(col(Event.updated_at) >= since, col(Event.withdrawn_at).is_(None))
    return list(session.exec(query.order_by(col(Event.relevance).desc(), col(Event.id))))


def decisions_about(scope: Scope, session: Session, article_id: UUID) -> list[Decision]:
    """Everything decided about an article, in the order it was decided."""
    query = select(Decision).where(Decision.article_id == article_id)
    return list(session.exec(query.order_by(col(Decision.created_at), col(Decision.id))))


def classified_by(scope: Scope, session: Session, event_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The engine that last classified each event, where that is still on record."""
    query = select(Decision.event_id, Decision.engine).where(
        Decision.stage == Stage.CLASSIFY, col(Decision.event_id).in_(event_ids)
    )
    rows = session.exec(query.order_by(col(Decision.created_at), col(Decision.id)))
    return {event_id: engine for event_id, engine in rows if event_id is not None}


def decisions_for(scope: Scope, session: Session, event_id: UUID, user_id: UUID) -> list[Decision]:
    """What was decided about an event for one person, in the order it was decided."""
    query = select(Decision).where(Decision.event_id == event_id, Decision.user_id == user_id)
    return list(session.exec(query.order_by(col(Decision.created_at), col(Decision.id))))
