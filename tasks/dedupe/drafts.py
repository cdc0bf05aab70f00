"""Raw items on their way to becoming articles: what they are, whom they may concern, and what is known of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.base import new_id
from models.news import Article, RawItem
from models.scope import Scope
from tasks.companies.index import Hit
from tasks.dedupe.doc import Doc
from tasks.dedupe.text import content_key
from tasks.dedupe.urls import canonical_url, publisher
from tasks.plan import RunPlan
from tasks.profiles import Portfolio

__all__ = ["Draft", "doc_of", "drafts_of", "identity_of", "plain_doc"]


@dataclass(slots=True)
class Draft:
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

    @property
    def at(self) -> datetime:
        at: datetime = self.row["published_at"] or self.row["first_seen_at"]
        return at

    def doc(self) -> Doc:
        row = self.row
        return Doc(
            key=str(self.id),
            title=row["title"],
            snippet=row["snippet"],
            source=row["source"],
            url=row["url"],
            at=self.at,
            names=self.names,
            parties=self.parties,
        )


def identity_of(url: str | None, title: str, snippet: str | None, source: str | None) -> str:
    """What makes two items the same document: its canonical address, or content and publisher without one."""
    address = canonical_url(url) if url else None
    parts = (
        ("url", address)
        if address
        else ("text", content_key(title, snippet, source), publisher(None, source))
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def drafts_of(
    scope: Scope, session: Session, plan: RunPlan, backlog: Sequence[RawItem], clients: Portfolio
) -> tuple[dict[str, Draft], dict[UUID, str]]:
    """The articles these items are, by identity, and each item's identity."""
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
    drafts: dict[str, Draft] = {}
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


def plain_doc(article: Article) -> Doc:
    """A stored article as the story engine sees it, without the clients it names."""
    return Doc(
        key=str(article.id),
        title=article.title,
        snippet=article.snippet,
        source=article.source,
        url=article.url,
        at=article.at,
    )


def doc_of(article: Article, clients: Portfolio) -> Doc:
    """A stored article as the story engine sees it."""
    hits = clients.index.candidates(article.title, article.snippet, article.url)
    names, parties = _named(hits, article.title, article.source)
    return replace(plain_doc(article), names=names, parties=parties)


def _draft(raw: RawItem, identity: str, article: Article | None, clients: Portfolio) -> Draft:
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
    draft = Draft(
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
