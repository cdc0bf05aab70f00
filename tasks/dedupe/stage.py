"""Dedupe, the ledger's side: raw items become articles, articles become stories, and each names its candidates.

One batch is one transaction under the business's fenced lease. The story index lives in the process between batches
and is rebuilt from the database whenever the lease changed hands, so the database alone decides what is true.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from models.base import utc_now
from models.engine import insert_rows, reading, update_rows, writing
from models.events import Decision, Stage
from models.jobs import heartbeat
from models.leases import Held, renew
from models.news import Article, ArticleClient, LinkState, RawItem, Story, raw_backlog
from models.settings import get_settings
from tasks.dedupe.doc import Placement
from tasks.dedupe.drafts import Draft, drafts_of, identity_of
from tasks.dedupe.moves import Overtaken, rehome, remove_empty
from tasks.dedupe.seats import give_up, index_for
from tasks.plan import RunPlan, StageReport
from tasks.profiles import portfolio

__all__ = ["ENGINE", "ENGINE_VERSION", "LEASE", "dedupe_batch", "identity_of", "leave"]

ENGINE = "stories"
ENGINE_VERSION = "3"
LEASE = "stories"
_TRIES: Final = 3


def leave(plan: RunPlan) -> None:
    """Forget the business's story index: its lease goes back, and the next holder reads the database."""
    give_up(plan.business_id)


def dedupe_batch(plan: RunPlan, held: Held, limit: int | None = None) -> StageReport:
    """Take up to ``limit`` raw items off the backlog, oldest first. ``done`` 0: the backlog is empty.

    Raises LeaseLost when another run took over; nothing of the batch is kept then.
    """
    for _ in range(_TRIES - 1):
        try:
            return _batch(plan, held, limit)
        except Overtaken:
            continue
    return _batch(plan, held, limit)


def _batch(plan: RunPlan, held: Held, limit: int | None) -> StageReport:
    scope = plan.scope
    with reading(scope) as session:
        backlog = raw_backlog(scope, session, limit or get_settings().batch_size)
        if not backlog:
            return StageReport(stage="dedupe")
        clients = portfolio(scope, session)
        drafts, of_raw = drafts_of(scope, session, plan, backlog, clients)
        to_place = [d for d in drafts.values() if d.candidates and d.story_id is None]
        index = index_for(scope, session, held, to_place, clients)
    try:
        placements = {UUID(p.key): p for p in index.add([d.doc() for d in to_place])}
        moved = {UUID(p.key): p for p in index.moved}
        for draft in to_place:
            draft.story_id = UUID(placements[draft.id].story)
        with writing(scope) as session:
            renew(scope, session, held)
            founded = _found_stories(session, drafts.values(), [*placements.values(), *moved.values()])
            _write_articles(session, drafts, placements)
            left = rehome(scope, session, moved) if moved else set()
            _write_links(session, drafts)
            insert_rows(session, Decision, _decisions(plan, placements.values(), moved.values()))
            _point(session, index.related)
            gone = remove_empty(session, left)
            joined = {UUID(p.story) for p in (*placements.values(), *moved.values())}
            _recount(session, (joined | left) - gone)
            _mark_processed(session, {raw.id: drafts[of_raw[raw.id]].id for raw in backlog})
            heartbeat(scope, session, plan.job_run_id)
    except BaseException:
        # The index already holds placements that were rolled back.
        give_up(scope.business)
        raise
    new = [d for d in drafts.values() if d.is_new]
    return StageReport(
        stage="dedupe",
        done=len(backlog),
        counts={
            "items": len(backlog),
            "articles": len(new),
            "copies": len(backlog) - len(new),
            "candidates": sum(len(d.candidates) for d in drafts.values()),
            "stories": founded - len(gone),
            **({"moved": len(moved)} if moved else {}),
        },
    )


def _found_stories(session: Session, drafts: Iterable[Draft], placements: Sequence[Placement]) -> int:
    """Make the stories that do not exist yet; how many. A story takes id and title of the article that founded it."""
    named = {UUID(p.story) for p in placements}
    known = set(session.exec(select(Story.id).where(col(Story.id).in_(named))))
    told = {d.id: (d.row["title"], d.at) for d in drafts}
    older = named - known - told.keys()
    for article in session.exec(select(Article).where(col(Article.id).in_(older))) if older else ():
        told[article.id] = article.title, article.at
    fresh = sorted(named - known)
    insert_rows(
        session,
        Story,
        [
            {
                "id": story,
                "title": told[story][0],
                "first_at": told[story][1],
                "last_at": told[story][1],
                "article_count": 1,
                "outlet_count": 1,
            }
            for story in fresh
        ],
    )
    return len(fresh)


def _write_articles(session: Session, drafts: dict[str, Draft], placements: Mapping[UUID, Placement]) -> None:
    new = [d for d in drafts.values() if d.is_new]
    insert_rows(session, Article, [{"id": d.id, **d.row, "story_id": d.story_id} for d in new])
    late = [d for d in drafts.values() if not d.is_new and d.id in placements]
    update_rows(session, Article, [{"id": d.id, "story_id": d.story_id} for d in late])


def _write_links(session: Session, drafts: dict[str, Draft]) -> None:
    insert_rows(
        session,
        ArticleClient,
        [
            {
                "article_id": draft.id,
                "client_id": client_id,
                "state": LinkState.CANDIDATE,
                "asked_for": asked_for,
                "is_history": draft.is_history or client_id in draft.first_poll,
            }
            for draft in drafts.values()
            for client_id, asked_for in sorted(draft.candidates.items())
        ],
        ignore_conflicts=True,
    )


def _decisions(
    plan: RunPlan, placed: Iterable[Placement], moved: Iterable[Placement]
) -> list[dict[str, Any]]:
    now = utc_now()
    return [
        *(_decision(plan, p, now, "founded" if p.joined_to is None else "joined") for p in placed),
        *(_decision(plan, p, now, "founded" if p.joined_to is None else "moved") for p in moved),
    ]


_SENTENCES: Final = {
    "founded": "First article of its story.",
    "joined": "Tells a story we already have.",
    "moved": "Belongs to another story than we thought, which nobody had been told of.",
}


def _decision(plan: RunPlan, placement: Placement, now: datetime, verdict: str) -> dict[str, Any]:
    return {
        "stage": Stage.DEDUPE,
        "verdict": verdict,
        "reason_code": placement.reason,
        "reason": _SENTENCES[verdict],
        # Joined: the article it is most like; kept apart: the one it is alike and yet another story's.
        "evidence": placement.joined_to or placement.nearest or "",
        "parts": {"score": round(placement.score, 4), **placement.parts, "story_id": placement.story},
        "engine": ENGINE,
        "engine_version": ENGINE_VERSION,
        "article_id": UUID(placement.key),
        "job_run_id": plan.job_run_id,
        "created_at": now,
    }


def _point(session: Session, related: Mapping[str, str]) -> None:
    """Stories that were mailed never merge: they point at each other."""
    rows = [
        {"id": UUID(a), "related_story_id": UUID(b)}
        for one, two in related.items()
        for a, b in ((two, one), (one, two))
    ]
    update_rows(session, Story, rows)


def _recount(session: Session, touched: set[UUID]) -> None:
    """Bring the counts of these stories in step with their articles."""
    if not touched:
        return
    at = func.coalesce(Article.published_at, Article.first_seen_at)
    counted = session.execute(
        sa_select(
            col(Article.story_id),
            func.count(),
            func.count(func.distinct(Article.publisher)),
            func.min(at),
            func.max(at),
        )
        .where(col(Article.story_id).in_(touched))
        .group_by(col(Article.story_id))
    )
    rows = [
        {
            "id": story,
            "article_count": articles,
            "outlet_count": outlets,
            "first_at": first,
            "last_at": last,
        }
        for story, articles, outlets, first, last in counted
    ]
    update_rows(session, Story, rows)


def _mark_processed(session: Session, article_of: dict[UUID, UUID]) -> None:
    rows = [{"id": raw, "is_processed": True, "article_id": article} for raw, article in article_of.items()]
    update_rows(session, RawItem, rows)
