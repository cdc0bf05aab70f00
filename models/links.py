"""Queries on ``ArticleClient``: which article may concern which client, and what was judged of it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from models.news import Article, ArticleClient, LinkState
from models.scope import Scope


def candidates(
    scope: Scope, session: Session, client_ids: Collection[UUID] | None, limit: int
) -> list[ArticleClient]:
    """The oldest links in the backlog of *classify*, of all clients or of these."""
    query = select(ArticleClient).where(ArticleClient.state == LinkState.CANDIDATE)
    if client_ids is not None:
        query = query.where(col(ArticleClient.client_id).in_(client_ids))
    return list(session.exec(query.order_by(col(ArticleClient.id)).limit(limit)))


def candidates_of_events(scope: Scope, session: Session, event_ids: Collection[UUID]) -> list[ArticleClient]:
    """Links of these events that are to be judged again."""
    query = select(ArticleClient).where(
        ArticleClient.state == LinkState.CANDIDATE, col(ArticleClient.event_id).in_(event_ids)
    )
    return list(session.exec(query.order_by(col(ArticleClient.id))))


def matched_of_events(
    scope: Scope, session: Session, event_ids: Collection[UUID]
) -> list[tuple[ArticleClient, Article]]:
    """The links that make these events, with their articles."""
    query = (
        select(ArticleClient, Article)
        .join(Article, col(Article.id) == ArticleClient.article_id)
        .where(col(ArticleClient.event_id).in_(event_ids), ArticleClient.state == LinkState.MATCHED)
        .order_by(col(ArticleClient.id))
    )
    return [(link, article) for link, article in session.exec(query)]


def rejected_of_stories(
    scope: Scope, session: Session, story_ids: Collection[UUID], client_ids: Collection[UUID]
) -> list[tuple[ArticleClient, Article]]:
    """Links of these stories' articles to these clients that were turned away, with the articles."""
    query = (
        select(ArticleClient, Article)
        .join(Article, col(Article.id) == ArticleClient.article_id)
        .where(
            col(Article.story_id).in_(story_ids),
            col(ArticleClient.client_id).in_(client_ids),
            ArticleClient.state == LinkState.REJECTED,
        )
        .order_by(col(ArticleClient.id))
    )
    return [(link, article) for link, article in session.exec(query)]


def found_after(scope: Scope, session: Session, link_id: UUID) -> dict[UUID, int]:
    """How many articles were found for each client after an id was made: ids sort by time."""
    query = select(ArticleClient.client_id, func.count()).where(col(ArticleClient.id) > link_id)
    return dict(session.exec(query.group_by(col(ArticleClient.client_id))).all())


def links_of(scope: Scope, session: Session, article_id: UUID) -> list[ArticleClient]:
    """The clients an article may concern."""
    return list(session.exec(select(ArticleClient).where(ArticleClient.article_id == article_id)))


def links_of_story(
    scope: Scope, session: Session, story_id: UUID, client_id: UUID
) -> list[tuple[ArticleClient, Article]]:
    """A story's articles that were found for a client, with their links whatever became of them, as they came."""
    query = (
        select(ArticleClient, Article)
        .join(Article, col(Article.id) == ArticleClient.article_id)
        .where(Article.story_id == story_id, ArticleClient.client_id == client_id)
        .order_by(col(ArticleClient.id))
    )
    return [(link, article) for link, article in session.exec(query)]


def judge_again(scope: Scope, session: Session, link_ids: Collection[UUID]) -> int:
    """Put links that were judged back into the backlog of *classify*; how many were."""
    changed = session.exec(
        update(ArticleClient)
        .where(col(ArticleClient.id).in_(link_ids), col(ArticleClient.state) != LinkState.CANDIDATE)
        .values(state=LinkState.CANDIDATE)
        .returning(col(ArticleClient.id))
        .execution_options(synchronize_session=False)
    )
    return len(changed.all())


def links_of_client(
    scope: Scope, session: Session, client_id: UUID, since: datetime, states: Collection[LinkState]
) -> list[tuple[ArticleClient, Article]]:
    """A client's links in these states with their articles, first seen since then; newest first."""
    query = (
        select(ArticleClient, Article)
        .join(Article, col(Article.id) == ArticleClient.article_id)
        .where(
            ArticleClient.client_id == client_id,
            col(ArticleClient.state).in_(states),
            col(Article.first_seen_at) >= since,
        )
        .order_by(col(Article.first_seen_at).desc(), col(Article.id).desc())
    )
    return [(link, article) for link, article in session.exec(query)]
