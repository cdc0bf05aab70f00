"""Classify, the ledger's side: candidates become events or are turned away, and every verdict is written down.

A link whose verdict a reader or a new rule called in question is a candidate again, with its event's id: its event is
then made anew from what is left, or withdrawn when nothing is.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from models.engine import reading, writing
from models.events import Event
from models.jobs import heartbeat
from models.news import Article, ArticleClient, LinkState
from models.settings import get_settings
from tasks import registry
from tasks.classify.batch import Batch, read_batch
from tasks.classify.classifier import Classifier
from tasks.classify.judge import judge_batch
from tasks.classify.record import link_events, write_decisions, write_events, write_insights
from tasks.plan import RunPlan, StageReport


class Contended(RuntimeError):
    """Another run took some of the candidates or changed their stories; the batch is rolled back, to be tried again."""


def classify_batch(plan: RunPlan, limit: int | None = None) -> StageReport:
    """Judge up to ``limit`` candidates, oldest first. ``done`` 0: the backlog is empty.

    Raises Contended when a concurrent run judged some of them first or moved their articles; nothing of the batch is
    kept then.
    """
    scope = plan.scope
    with reading(scope) as session:
        batch = read_batch(scope, session, plan, limit or get_settings().batch_size)
    if not batch.links:
        return StageReport(stage="classify")
    classifier: Classifier = registry.load(registry.CLASSIFIERS, "rules")(batch.patterns)
    judged = judge_batch(batch, classifier, plan.as_of)
    with writing(scope) as session:
        _check(session, batch)
        _take(session, batch.links, {link.id for link in judged.matched})
        new, updated = write_events(session, batch, judged)
        write_decisions(session, plan, batch, judged, classifier)
        link_events(session, batch, judged)
        write_insights(session, batch, judged, classifier)
        heartbeat(scope, session, plan.job_run_id)
    counts = {
        "judged": len(batch.links),
        "about_the_client": len(judged.matched),
        "turned_away": len(batch.links) - len(judged.matched),
        "events": new,
        "updates": updated,
    }
    if judged.withdrawn:
        counts["withdrawn"] = len(judged.withdrawn)
    degraded = tuple(f"own pattern {phrase!r} cannot be read" for phrase in batch.unreadable)
    return StageReport(stage="classify", done=len(batch.links), counts=counts, degraded=degraded)


def _check(session: Session, batch: Batch) -> None:
    """Raise Contended when dedupe moved an article to another story, or dropped a draft event, since we read."""
    articles = select(Article.id, Article.story_id).where(col(Article.id).in_(batch.articles))
    homes = dict(session.exec(articles.order_by(col(Article.id)).with_for_update()).all())
    events = {event.id for event in batch.events.values()}
    known = select(Event.id).where(col(Event.id).in_(events)).order_by(col(Event.id)).with_for_update()
    stayed = all(homes.get(article.id) == article.story_id for article in batch.articles.values())
    if not stayed or (events and set(session.exec(known)) != events):
        raise Contended("some of these articles went to another story meanwhile")


def _take(session: Session, links: Sequence[ArticleClient], matched: set[UUID]) -> None:
    """Move the links out of the backlog, or raise Contended when somebody else moved one first."""
    moved = 0
    for state, ids in (
        (LinkState.MATCHED, [k.id for k in links if k.id in matched]),
        (LinkState.REJECTED, [k.id for k in links if k.id not in matched]),
    ):
        if ids:
            taken = session.exec(
                update(ArticleClient)
                .where(col(ArticleClient.id).in_(ids), col(ArticleClient.state) == LinkState.CANDIDATE)
                .values(state=state)
                .returning(col(ArticleClient.id))
                .execution_options(synchronize_session=False)
            )
            moved += len(taken.all())
    if moved != len(links):
        raise Contended("another run judged some of these candidates first")
