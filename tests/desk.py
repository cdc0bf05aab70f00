"""Raw items as *search* leaves them, candidates as *dedupe* leaves them, and the stages that take them up."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from conftest import NOW, Tenant
from sqlalchemy import event, update
from sqlmodel import Session, SQLModel, col, select

from flows.pipeline import drain
from models.accounts import Business
from models.base import new_id
from models.engine import reading, writing
from models.leases import Held, Lease, acquire, lease
from models.news import Article, ArticleClient, RawItem, Story
from models.scope import Scope
from tasks.classify.stage import classify_batch
from tasks.dedupe.stage import LEASE, dedupe_batch
from tasks.plan import RunPlan, StageReport

EARLIER = NOW - timedelta(hours=6)


def add_raw(
    tenant: Tenant,
    title: str,
    *,
    snippet: str | None = None,
    url: str | None = None,
    source: str | None = None,
    at: datetime | None = EARLIER,
    seen: datetime | None = None,
    asked_for: UUID | None = None,
    unit: str = "",
    **fields: Any,
) -> UUID:
    """An item waiting for *dedupe*: of a feed, or of the question about the client ``asked_for``."""
    content = {"title": title, "url": url, "snippet": snippet, "source": source}
    return tenant.add(
        RawItem(
            business_id=tenant.business_id,
            source_api="query" if asked_for else "feed",
            unit=unit or str(asked_for or "the-feed"),
            client_id=asked_for,
            raw_content={name: value for name, value in content.items() if value is not None},
            content_hash=new_id().hex,
            published_at=at,
            first_seen_at=seen or at or NOW,
            **fields,
        )
    )


def dedupe(plan: RunPlan, limit: int | None = None) -> StageReport:
    """The whole backlog under a lease of its own, as a run does it."""
    with lease(plan.scope, LEASE, seconds=60, wait_seconds=0) as held:
        return drain("dedupe", lambda: dedupe_batch(plan, held, limit), lambda _report: None)


def classify(plan: RunPlan, limit: int | None = None) -> StageReport:
    """The whole backlog, tried again where another run was first."""
    return drain("classify", lambda: classify_batch(plan, limit), lambda _report: None)


def take_lease(tenant: Tenant, *, by_force: bool = False) -> Held:
    """The lease of the stories; ``by_force`` as when its holder was silent for too long."""
    with writing(tenant.scope) as session:
        if by_force:
            past = update(Lease).values(expires_at=NOW - timedelta(days=900))
            session.exec(past.execution_options(synchronize_session=False))
        held = acquire(tenant.scope, session, LEASE, seconds=60)
    assert held is not None
    return held


def another_tenant(slug: str = "other") -> Tenant:
    """A second, empty business in the same database."""
    with writing(Scope.operator()) as session:
        business = Business(slug=slug, name=slug.title())
        session.add(business)
        session.flush()
        return Tenant(business.id)


class Cut(RuntimeError):
    """The commit that did not happen."""


@contextmanager
def cut_before_commit() -> Iterator[None]:
    """The first commit inside fails, and with it all that its transaction wrote."""

    def strike(_session: Session) -> None:
        event.remove(Session, "before_commit", strike)
        raise Cut

    event.listen(Session, "before_commit", strike)
    yield
    assert not event.contains(Session, "before_commit", strike), "nothing was committed inside"


def rows(tenant: Tenant, table: type[SQLModel], **where: Any) -> list[Any]:
    """A table's rows, oldest first."""
    query = select(table).order_by(col(table.id))  # type: ignore[attr-defined]
    for name, value in where.items():
        query = query.where(getattr(table, name) == value)
    with reading(tenant.scope) as session:
        return list(session.exec(query))


def change(tenant: Tenant, table: type[SQLModel], where: Any = True, **values: Any) -> None:
    """Set columns of the rows that ``where`` selects."""
    with writing(tenant.scope) as session:
        session.exec(update(table).where(where).values(**values).execution_options(synchronize_session=False))


def tellings(tenant: Tenant) -> set[frozenset[str]]:
    """The stories as sets of their articles' titles; what is in no story is left out."""
    by_story: dict[UUID, set[str]] = {}
    for article in rows(tenant, Article):
        if article.story_id is not None:
            by_story.setdefault(article.story_id, set()).add(article.title)
    return {frozenset(titles) for titles in by_story.values()}


def add_candidate(
    tenant: Tenant,
    story_id: UUID,
    title: str,
    *clients: UUID,
    snippet: str | None = None,
    source: str = "The Example",
    at: datetime = EARLIER,
    is_history: bool = False,
    is_mock: bool = False,
) -> UUID:
    """An article of the story that may concern these clients, waiting for *classify*; returns its id."""
    article = tenant.add(
        Article(
            business_id=tenant.business_id,
            identity=f"{title}|{source}"[:64],
            url=f"https://{source.lower().replace(' ', '')}.example/{new_id().hex}",
            title=title,
            snippet=snippet,
            source=source,
            publisher=source.lower(),
            published_at=at,
            first_seen_at=at,
            is_mock=is_mock,
            story_id=story_id,
        )
    )
    for client in clients:
        tenant.add(
            ArticleClient(
                business_id=tenant.business_id, article_id=article, client_id=client, is_history=is_history
            )
        )
    return article


def counts(tenant: Tenant, *tables: type[SQLModel]) -> dict[str, int]:
    return {str(table.__tablename__): len(rows(tenant, table)) for table in tables}


def story_of(tenant: Tenant, title: str) -> Story:
    """The story that an article of this title tells."""
    [article] = rows(tenant, Article, title=title)
    [story] = rows(tenant, Story, id=article.story_id)
    return story  # type: ignore[no-any-return]
