"""Articles that turned out to belong to another story, while nobody was told of the one they were in.

A story is settled for good once a line of the notification ledger about it left the house (or is in a mail that may
have) or somebody gave feedback on it. Before that its events are drafts: when an article leaves, they are deleted with
the lines that waited, and what is left is judged again.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from models.engine import update_rows
from models.events import Event
from models.feedback import Feedback
from models.mail import Notification, NotificationState
from models.news import Article, ArticleClient, LinkState, Story
from models.scope import Scope
from tasks.dedupe.doc import Placement

__all__ = ["Overtaken", "rehome", "remove_empty", "unsettled"]

_STILL_OURS = (NotificationState.WAITING, NotificationState.SKIPPED)
_CHUNK = 500


class Overtaken(RuntimeError):
    """A story was mailed while its articles were being moved; the batch is rolled back and may be tried again."""


def unsettled(scope: Scope, session: Session, articles: Sequence[Article]) -> set[UUID]:
    """The stories, of those these articles are in, that may still change: nobody was told, and all of their articles
    are here."""
    here = Counter(a.story_id for a in articles if a.story_id is not None)
    whole = {
        story_id
        for part in _parts(here)
        for story_id, count in session.exec(
            select(Story.id, Story.article_count).where(col(Story.id).in_(part))
        )
        if count == here[story_id]
    }
    return whole - _told(session, whole)


def rehome(scope: Scope, session: Session, moved: Mapping[UUID, Placement]) -> set[UUID]:
    """Move these stored articles to the stories they were placed in, which exist; returns the stories they left.

    Raises Overtaken when one of those was mailed meanwhile.
    """
    left: set[UUID] = set()
    for part in _parts(moved):
        query = select(Article.story_id).where(col(Article.id).in_(part), col(Article.story_id).is_not(None))
        left.update(story_id for story_id in session.exec(query) if story_id is not None)
    # Whoever writes or mails lines about these events waits for us, or we for them, before we look what went out.
    for part in _parts(left):
        events = select(Event.id).where(col(Event.story_id).in_(part)).order_by(col(Event.id))
        ids = session.exec(events.with_for_update()).all()
        lines = (
            select(Notification.id).where(col(Notification.event_id).in_(ids)).order_by(col(Notification.id))
        )
        session.exec(lines.with_for_update()).all()
    if _told(session, left):
        raise Overtaken("a story was mailed while its articles were being moved")
    for part in _parts(left):
        of_stories = select(Article.id).where(col(Article.story_id).in_(part))
        links = update(ArticleClient).where(col(ArticleClient.article_id).in_(of_stories))
        session.exec(
            links.where(col(ArticleClient.state) == LinkState.MATCHED)
            .values(state=LinkState.CANDIDATE)
            .execution_options(synchronize_session=False)
        )
        # Also of links that a rule put back into the backlog: they name the event they were part of.
        session.exec(
            links.where(col(ArticleClient.event_id).is_not(None))
            .values(event_id=None)
            .execution_options(synchronize_session=False)
        )
        session.exec(
            delete(Event).where(col(Event.story_id).in_(part)).execution_options(synchronize_session=False)
        )
    rows = [{"id": article_id, "story_id": UUID(p.story)} for article_id, p in moved.items()]
    update_rows(session, Article, rows)
    return left


def remove_empty(session: Session, stories: Collection[UUID]) -> set[UUID]:
    """Delete those of these stories that have no article left."""
    gone: set[UUID] = set()
    for part in _parts(stories):
        kept = set(session.exec(select(Article.story_id).where(col(Article.story_id).in_(part)).distinct()))
        empty = set(part) - kept
        if empty:
            session.exec(
                delete(Story).where(col(Story.id).in_(empty)).execution_options(synchronize_session=False)
            )
            gone |= empty
    return gone


def _told(session: Session, stories: Collection[UUID]) -> set[UUID]:
    """Those of these stories that somebody was told of, or spoke of."""
    told: set[UUID] = set()
    for part in _parts(stories):
        told.update(
            session.exec(
                select(Event.story_id)
                .join(Notification, col(Notification.event_id) == col(Event.id))
                .where(col(Event.story_id).in_(part), col(Notification.state).not_in(_STILL_OURS))
                .distinct()
            )
        )
        told.update(
            session.exec(
                select(Event.story_id)
                .join(Feedback, col(Feedback.event_id) == col(Event.id))
                .where(col(Event.story_id).in_(part))
                .distinct()
            )
        )
    return told


def _parts(items: Collection[UUID]) -> list[list[UUID]]:
    """Sorted, so that two processes lock in the same order; small enough for one statement's parameters."""
    ordered = sorted(items)
    return [ordered[i : i + _CHUNK] for i in range(0, len(ordered), _CHUNK)]
