"""Dedupe, the ledger's side: raw items become articles, articles become stories, and each names its candidates.

One batch is one transaction under the business's fenced lease. The story index lives in the process between batches
and is rebuilt from the database whenever the lease changed hands, so the database alone decides what is true.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, update
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from models.base import new_id, utc_now
from models.engine import insert_rows, reading, writing
from models.events import Decision, Stage
from models.jobs import heartbeat
from models.leases import Held, renew
from models.news import Article, ArticleClient, LinkState, RawItem, Story, raw_backlog
from models.scope import Scope
from models.settings import get_settings
from tasks.companies.index import Hit
from tasks.dedupe.stories import Doc, Placement, StoryConfig, StoryIndex
from tasks.dedupe.text import content_key
from tasks.dedupe.urls import canonical_url, publisher
from tasks.plan import RunPlan, StageReport
from tasks.profiles import Portfolio, portfolio

ENGINE = "stories"
ENGINE_VERSION = "1"
LEASE = "stories"


@dataclass(slots=True)
class _Draft:
    """An article of this batch before it is written."""

    id: UUID
    row: dict[str, Any]
    candidates: dict[UUID, bool] = field(default_factory=dict)
    """Client id → whether a source was asked about it."""
    names: tuple[str, ...] = ()
    parties: frozenset[str] = frozenset()
    is_history: bool = True
    first_poll: frozenset[UUID] = frozenset()
    """Candidates whose first poll this is: to them the article is history, however fresh."""
    is_new: bool = True
    story_id: UUID | None = None


@dataclass(slots=True)
class _Seat:
    """The story index of one business, good as long as the fence it was built under."""

    fence: int
    since: datetime
    """The index knows every placed article from here on."""
    index: StoryIndex


_seats: dict[UUID, _Seat] = {}


def leave(plan: RunPlan) -> None:
    """Forget the business's story index: its lease goes back, and the next holder reads the database."""
    _seats.pop(plan.business_id, None)


def identity_of(url: str | None, title: str, snippet: str | None, source: str | None) -> str:
    """What makes two items the same document: its canonical address, or content and publisher without one."""
    address = canonical_url(url) if url else None
    parts = (
        ("url", address)
        if address
        else ("text", content_key(title, snippet, source), publisher(None, source))
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def dedupe_batch(plan: RunPlan, held: Held, limit: int | None = None) -> StageReport:
    """Take up to ``limit`` raw items off the backlog, oldest first. ``done`` 0: the backlog is empty.

    Raises LeaseLost when another run took over; nothing of the batch is kept then.
    """
    scope = plan.scope
    with reading(scope) as session:
        backlog = raw_backlog(scope, session, limit or get_settings().batch_size)
        if not backlog:
            return StageReport(stage="dedupe")
        clients = portfolio(scope, session)
        drafts, of_raw = _drafts(scope, session, plan, backlog, clients)
        to_place = [d for d in drafts.values() if d.candidates and d.story_id is None]
        index = _story_index(scope, session, held, to_place)
    try:
        placements = {UUID(p.key): p for p in index.add([_doc(d) for d in to_place])}
        stories = _seat_stories(to_place, placements)
        with writing(scope) as session:
            renew(scope, session, held)
            _write(scope, session, plan, drafts, stories, placements)
            _mark_processed(session, {raw.id: drafts[of_raw[raw.id]].id for raw in backlog})
            heartbeat(scope, session, plan.job_run_id)
    except BaseException:
        # The index already holds placements that were rolled back.
        _seats.pop(scope.business, None)
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
            "stories": len(stories),
        },
    )


def _drafts(
    scope: Scope, session: Session, plan: RunPlan, backlog: Sequence[RawItem], clients: Portfolio
) -> tuple[dict[str, _Draft], dict[UUID, str]]:
    of_raw = {
        raw.id: identity_of(c.get("url"), c["title"], c.get("snippet"), c.get("source"))
        for raw in backlog
        for c in (raw.raw_content,)
    }
    known = {
        article.identity: article
        for article in session.exec(select(Article).where(col(Article.identity).in_(set(of_raw.values()))))
    }
    first_poll = {c.id for c in clients.clients.values() if c.baseline_at is None} if plan.baseline else set()
    drafts: dict[str, _Draft] = {}
    for raw in backlog:
        identity = of_raw[raw.id]
        draft = drafts.get(identity)
        if draft is None:
            draft = drafts[identity] = _draft(raw, identity, known.get(identity), clients)
        draft.is_history = draft.is_history and raw.is_history
        if raw.client_id is not None and raw.client_id in clients.clients:
            draft.candidates[raw.client_id] = True
    for draft in drafts.values():
        draft.row["is_history"] = draft.is_history
        draft.first_poll = frozenset(draft.candidates) & first_poll
    return drafts, of_raw


def _draft(raw: RawItem, identity: str, article: Article | None, clients: Portfolio) -> _Draft:
    content = raw.raw_content
    title, snippet, url = content["title"], content.get("snippet"), content.get("url")
    hits = clients.index.candidates(title, snippet, url)
    row = {
        "identity": identity,
        "url": url,
        "title": title,
        "snippet": snippet,
        "source": content.get("source"),
        "publisher": publisher(url, content.get("source")),
        "published_at": raw.published_at,
        "first_seen_at": raw.first_seen_at,
        "is_mock": raw.is_mock,
    }
    draft = _Draft(
        id=article.id if article else new_id(),
        row=row,
        candidates={UUID(key): False for key in hits},
        is_new=article is None,
    )
    draft.names, draft.parties = _named(hits, title, content.get("source"))
    if article is not None:
        draft.story_id = article.story_id
        draft.row["published_at"], draft.row["first_seen_at"] = article.published_at, article.first_seen_at
    return draft


def _at(row: dict[str, Any]) -> datetime:
    at: datetime = row["published_at"] or row["first_seen_at"]
    return at


def _doc(draft: _Draft) -> Doc:
    row = draft.row
    return Doc(
        key=str(draft.id),
        title=row["title"],
        snippet=row["snippet"],
        source=row["source"],
        url=row["url"],
        at=_at(row),
        names=draft.names,
        parties=draft.parties,
    )


def _named(
    hits: Mapping[str, Sequence[Hit]], title: str, source: str | None
) -> tuple[tuple[str, ...], frozenset[str]]:
    """The clients' names as an article writes them, and which clients they are; its outlet's own name is none."""
    end = len(title) - len(source) if source and title.endswith(source) else len(title)
    told = {
        key: [hit for hit in found if hit.field == "snippet" or (hit.field == "title" and hit.start < end)]
        for key, found in hits.items()
    }
    names = {hit.surface for found in told.values() for hit in found}
    return tuple(sorted(names)), frozenset(key for key, found in told.items() if found)


def _story_index(scope: Scope, session: Session, held: Held, to_place: Sequence[_Draft]) -> StoryIndex:
    """The index to place into: this process's own while its lease held without a break, else one from the database."""
    window = timedelta(days=get_settings().story_window_days)
    earliest = min((_at(d.row) for d in to_place), default=utc_now()) - window
    seat = _seats.get(scope.business)
    if seat is None or seat.fence != held.fence or earliest < seat.since:
        seat = _Seat(held.fence, earliest, StoryIndex(StoryConfig(window=window)))
        seat.index.seed(_placed_since(scope, session, earliest))
        _seats[scope.business] = seat
    elif to_place:
        seat.index.evict(earliest)
        seat.since = earliest
    return seat.index


def _placed_since(scope: Scope, session: Session, since: datetime) -> Iterable[tuple[Doc, str]]:
    clients = portfolio(scope, session)
    at = func.coalesce(Article.published_at, Article.first_seen_at)
    query = select(Article).where(col(Article.story_id).is_not(None), at >= since).order_by(col(Article.id))
    for article in session.exec(query):
        hits = clients.index.candidates(article.title, article.snippet, article.url)
        names, parties = _named(hits, article.title, article.source)
        yield (
            Doc(
                key=str(article.id),
                title=article.title,
                snippet=article.snippet,
                source=article.source,
                url=article.url,
                at=article.published_at or article.first_seen_at,
                names=names,
                parties=parties,
            ),
            str(article.story_id),
        )


def _seat_stories(placed: Sequence[_Draft], placements: dict[UUID, Placement]) -> dict[UUID, dict[str, Any]]:
    """Give every placed draft its story's id; returns the rows of the stories that are new.

    A new story takes the id of the article that founded it, which is what the index calls it.
    """
    stories: dict[UUID, dict[str, Any]] = {}
    for draft in placed:
        placement = placements[draft.id]
        draft.story_id = UUID(placement.story)
        if draft.story_id == draft.id:
            at = _at(draft.row)
            stories[draft.id] = {"id": draft.id, "title": draft.row["title"], "first_at": at, "last_at": at}
    return stories


def _write(
    scope: Scope,
    session: Session,
    plan: RunPlan,
    drafts: dict[str, _Draft],
    stories: dict[UUID, dict[str, Any]],
    placements: dict[UUID, Placement],
) -> None:
    now = utc_now()
    insert_rows(session, Story, [{**row, "article_count": 1, "outlet_count": 1} for row in stories.values()])
    new = [d for d in drafts.values() if d.is_new]
    insert_rows(session, Article, [{"id": d.id, **d.row, "story_id": d.story_id} for d in new])
    late = [
        {"row": d.id, "story": d.story_id} for d in drafts.values() if not d.is_new and d.id in placements
    ]
    if late:
        session.connection().execute(
            update(Article).where(col(Article.id) == bindparam("row")).values(story_id=bindparam("story")),
            late,
        )
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
    insert_rows(session, Decision, [_decision(plan, p, now) for p in placements.values()])
    _recount(session, {d.story_id for d in drafts.values() if d.id in placements and d.story_id is not None})


def _decision(plan: RunPlan, placement: Placement, now: datetime) -> dict[str, Any]:
    founded = placement.joined_to is None
    return {
        "stage": Stage.DEDUPE,
        "verdict": "founded" if founded else "joined",
        "reason_code": str(placement.reason),
        "reason": "First article of its story." if founded else "Tells a story we already have.",
        "evidence": placement.joined_to or "",
        "parts": {"score": round(placement.score, 4), **placement.parts},
        "engine": ENGINE,
        "engine_version": ENGINE_VERSION,
        "article_id": UUID(placement.key),
        "job_run_id": plan.job_run_id,
        "created_at": now,
    }


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
        {"story": story, "articles": articles, "outlets": outlets, "first": first, "last": last}
        for story, articles, outlets, first, last in counted
    ]
    session.connection().execute(
        update(Story)
        .where(col(Story.id) == bindparam("story"))
        .values(
            article_count=bindparam("articles"),
            outlet_count=bindparam("outlets"),
            first_at=bindparam("first"),
            last_at=bindparam("last"),
        ),
        rows,
    )


def _mark_processed(session: Session, article_of: dict[UUID, UUID]) -> None:
    session.connection().execute(
        update(RawItem)
        .where(col(RawItem.id) == bindparam("row"))
        .values(is_processed=True, article_id=bindparam("article")),
        [{"row": raw, "article": article} for raw, article in article_of.items()],
    )
