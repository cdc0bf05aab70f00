"""What was found: raw items, articles, stories, and which article may concern which client."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, false, func, or_, text
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, enum_field, json_field, list_field, table_args, tenant_fk, utc_field
from models.scope import Scope


class SourceState(StrEnum):
    """How a fetch ended. Silence is never ambiguous: ``empty`` was asked and had nothing."""

    OK = "ok"
    EMPTY = "empty"
    PARTIAL = "partial"
    QUOTA = "quota"
    FAILED = "failed"


class RawItem(TenantRow, table=True):
    """An item as a source gave it. ``is_processed`` false is the backlog of *dedupe*."""

    __tablename__ = "event_raw_data"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "source_api", "unit", "content_hash"),
        tenant_fk("client_id", "clients"),
        Index(
            "ix_event_raw_data_backlog",
            "business_id",
            "first_seen_at",
            "id",
            sqlite_where=text("is_processed = 0"),
            postgresql_where=text("NOT is_processed"),
        ),
    )

    source_api: str = Field(max_length=60)
    unit: str = Field(max_length=500)
    client_id: UUID | None = None
    """The client a query source was asked about; a feed's item has none."""
    job_run_id: UUID | None = None
    raw_content: dict[str, Any] = json_field()
    content_hash: str = Field(max_length=64)
    is_processed: bool = False
    is_history: bool = False
    is_mock: bool = False
    published_at: datetime | None = utc_field()
    first_seen_at: datetime = utc_field(nullable=False)
    article_id: UUID | None = None


class SourceResult(TenantRow, table=True):
    """What one fetch of one unit came to."""

    __tablename__ = "source_results"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "job_run_id", "source_api", "unit"),
        tenant_fk("client_id", "clients", ondelete="CASCADE"),
        tenant_fk("job_run_id", "job_runs", ondelete="CASCADE"),
        Index("ix_source_results_client", "business_id", "client_id", "source_api", "created_at"),
        Index("ix_source_results_figures", "business_id", "created_at", "source_api", "state"),
    )

    job_run_id: UUID
    source_api: str = Field(max_length=60)
    unit: str = Field(max_length=500)
    client_id: UUID | None = None
    state: SourceState = enum_field(SourceState)
    found: int = 0
    new: int = 0
    error: str = ""
    problems: list[str] = list_field()
    created_at: datetime = utc_field(nullable=False)


class SourceCursor(TenantRow, table=True):
    """Where a unit's next fetch starts. It moves only in the transaction that keeps its items."""

    __tablename__ = "source_cursors"
    __table_args__ = table_args(UniqueConstraint("business_id", "source_api", "unit"))

    source_api: str = Field(max_length=60)
    unit: str = Field(max_length=500)
    cursor: dict[str, Any] = json_field()
    updated_at: datetime = utc_field(nullable=False)


class Story(TenantRow, table=True):
    """One event in the world as all its articles tell it."""

    __tablename__ = "stories"
    __table_args__ = table_args(Index("ix_stories_last_seen", "business_id", "last_at"))

    title: str
    first_at: datetime = utc_field(nullable=False)
    last_at: datetime = utc_field(nullable=False)
    article_count: int = 1
    outlet_count: int = 1
    related_story_id: UUID | None = None


class Article(TenantRow, table=True):
    """One document at one outlet; ``identity`` is its canonical address, or its content where it has none."""

    __tablename__ = "articles"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "identity"),
        tenant_fk("story_id", "stories"),
        Index("ix_articles_story", "business_id", "story_id"),
        Index("ix_articles_seen", "business_id", "first_seen_at"),
    )

    identity: str = Field(max_length=64)
    url: str | None = None
    title: str
    snippet: str | None = None
    source: str | None = Field(default=None, max_length=200)
    publisher: str = Field(default="", max_length=200)
    published_at: datetime | None = utc_field()
    first_seen_at: datetime = utc_field(nullable=False)
    is_mock: bool = False
    is_history: bool = False
    story_id: UUID | None = None

    @property
    def at(self) -> datetime:
        """When it was published, else first seen: for ordering and distances in time only."""
        return self.published_at or self.first_seen_at


class LinkState(StrEnum):
    CANDIDATE = "candidate"
    MATCHED = "matched"
    REJECTED = "rejected"


class ArticleClient(TenantRow, table=True):
    """An article that may concern a client. ``candidate`` is the backlog of *classify*."""

    __tablename__ = "article_clients"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "article_id", "client_id"),
        tenant_fk("article_id", "articles", ondelete="CASCADE"),
        tenant_fk("client_id", "clients", ondelete="CASCADE"),
        tenant_fk("event_id", "events"),
        Index(
            "ix_article_clients_backlog",
            "business_id",
            "id",
            sqlite_where=text("state = 'candidate'"),
            postgresql_where=text("state = 'candidate'"),
        ),
        Index("ix_article_clients_event", "business_id", "event_id"),
    )

    article_id: UUID
    client_id: UUID
    state: LinkState = enum_field(LinkState, LinkState.CANDIDATE)
    asked_for: bool = False
    """A query source was asked about this client and gave this article."""
    is_history: bool = False
    event_id: UUID | None = None


def raw_backlog(scope: Scope, session: Session, limit: int) -> list[RawItem]:
    """The oldest items that *dedupe* has not taken up, in the order it must take them."""
    query = select(RawItem).where(col(RawItem.is_processed) == false())
    return list(session.exec(query.order_by(col(RawItem.first_seen_at), col(RawItem.id)).limit(limit)))


def raw_backlog_size(scope: Scope, session: Session) -> int:
    """How many items wait for *dedupe*."""
    return session.exec(
        select(func.count()).select_from(RawItem).where(col(RawItem.is_processed) == false())
    ).one()


def source_results(scope: Scope, session: Session, job_run_id: UUID) -> list[SourceResult]:
    """A run's results, by source and unit."""
    query = select(SourceResult).where(SourceResult.job_run_id == job_run_id)
    return list(session.exec(query.order_by(col(SourceResult.source_api), col(SourceResult.unit))))


def cursor_of(scope: Scope, session: Session, source_api: str, unit: str) -> dict[str, Any] | None:
    """Where the unit's last committed fetch ended, or None before the first."""
    query = select(SourceCursor).where(SourceCursor.source_api == source_api, SourceCursor.unit == unit)
    row = session.exec(query).first()
    return row.cursor if row else None


def article_by_id(scope: Scope, session: Session, article_id: UUID) -> Article | None:
    """The article with this id."""
    return session.exec(select(Article).where(Article.id == article_id)).first()


def article_at(scope: Scope, session: Session, addresses: Collection[str], tail: str) -> Article | None:
    """The article at one of these addresses, else one whose address holds ``tail``."""
    exact = session.exec(select(Article).where(col(Article.url).in_(addresses))).first()
    if exact is not None:
        return exact
    return session.exec(select(Article).where(col(Article.url).contains(tail, autoescape=True))).first()


def article_titled(scope: Scope, session: Session, words: str) -> Article | None:
    """The article with exactly this title, else the newest whose title holds these words in any case."""
    title = col(Article.title)
    query = select(Article).where(or_(title == words, title.icontains(words, autoescape=True)))
    return session.exec(query.order_by((title == words).desc(), col(Article.first_seen_at).desc())).first()


def articles_of_story(scope: Scope, session: Session, story_id: UUID) -> list[Article]:
    """A story's articles in the order in which they came."""
    query = select(Article).where(Article.story_id == story_id)
    return list(session.exec(query.order_by(col(Article.first_seen_at), col(Article.id))))


def placed_since(scope: Scope, session: Session, since: datetime) -> list[Article]:
    """Articles that are in a story, published (or else first seen) since then."""
    at = func.coalesce(Article.published_at, Article.first_seen_at)
    query = select(Article).where(col(Article.story_id).is_not(None), at >= since)
    return list(session.exec(query.order_by(col(Article.id))))


def articles_by_id(scope: Scope, session: Session, ids: Collection[UUID]) -> dict[UUID, Article]:
    """These articles by id."""
    return {article.id: article for article in session.exec(select(Article).where(col(Article.id).in_(ids)))}
