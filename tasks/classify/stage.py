"""Classify, the ledger's side: candidates become events or are turned away, and every verdict is written down.

A link whose verdict a reader or a new rule called in question is a candidate again, with its event's id: its event is
then made anew from what is left, or withdrawn when nothing is.
"""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from models.engine import reading, writing
from models.events import Event
from models.jobs import heartbeat
from models.news import Article, ArticleClient, LinkState
from models.settings import get_settings
from tasks.classify.advice import advice_on
from tasks.classify.batch import Batch, read_batch
from tasks.classify.classifier import RulesClassifier
from tasks.classify.connect import crm_fields, in_force, make
from tasks.classify.judge import Judged, judge_batch
from tasks.classify.record import link_events, write_decisions, write_events, write_insights
from tasks.plan import RunPlan, StageReport


class Contended(RuntimeError):
    """Another run took some of the candidates or changed their stories; the batch is rolled back, to be tried again."""


def classify_batch(plan: RunPlan, limit: int | None = None) -> StageReport:
    """Judge up to ``limit`` candidates, oldest first. ``done`` 0: the backlog is empty.

    A classifier that the tenant switched on is asked between reading and writing; what it answered is not asked again
    when the batch is. Raises Contended when a concurrent run judged some of the candidates first or moved their
    articles; nothing of the batch is kept then.
    """
    scope = plan.scope
    with reading(scope) as session:
        config = in_force(scope, session)
        batch = read_batch(
            scope,
            session,
            plan,
            limit or get_settings().batch_size,
            with_rejected=config is not None,
            crm_fields=crm_fields(config),
        )
    if not batch.links:
        return StageReport(stage="classify")
    rules = RulesClassifier(batch.patterns)
    classifier = make(scope, config, plan.job_run_id) if config is not None else None
    judged = judge_batch(batch, rules, plan.as_of, classifier)
    advice = advice_on(judged.drafts, batch, classifier)
    with writing(scope) as session:
        _check(session, batch)
        _move(session, batch, judged)
        new, updated = write_events(session, batch, judged)
        write_decisions(session, plan, batch, judged, rules)
        link_events(session, batch, judged)
        write_insights(session, batch, judged, advice.found)
        heartbeat(scope, session, plan.job_run_id)
    about = len({link.id for link in judged.matched} & {link.id for link in batch.links})
    counts = {
        "judged": len(batch.links),
        "about_the_client": about,
        "turned_away": len(batch.links) - about,
        "events": new,
        "updates": updated,
    }
    if judged.withdrawn:
        counts["withdrawn"] = len(judged.withdrawn)
    counts |= judged.opinions.counts
    counts |= advice.counts
    unreadable = (f"own pattern {phrase!r} cannot be read" for phrase in batch.unreadable)
    degraded = (*unreadable, *(judged.opinions.degraded or advice.degraded))
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


def _move(session: Session, batch: Batch, judged: Judged) -> None:
    """Put the links into the states they were judged to, or raise Contended when somebody else moved one first."""
    matched = {link.id for link in judged.matched}
    moves: dict[tuple[LinkState, LinkState], list[UUID]] = defaultdict(list)
    for link in batch.links:
        to = LinkState.MATCHED if link.id in matched else LinkState.REJECTED
        moves[LinkState.CANDIDATE, to].append(link.id)
    in_batch = {link.id for link in batch.links}
    moves[LinkState.REJECTED, LinkState.MATCHED] = [k.id for k in judged.matched if k.id not in in_batch]
    moves[LinkState.MATCHED, LinkState.REJECTED] = [k.id for k in judged.dropped]
    for (was, to), ids in moves.items():
        if not ids:
            continue
        moved = session.exec(
            update(ArticleClient)
            .where(col(ArticleClient.id).in_(ids), col(ArticleClient.state) == was)
            .values(state=to)
            .returning(col(ArticleClient.id))
            .execution_options(synchronize_session=False)
        )
        if len(moved.all()) != len(ids):
            raise Contended("another run judged some of these candidates first")
