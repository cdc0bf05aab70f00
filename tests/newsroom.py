"""Stories, articles and events as the stages before *filter* leave them, for tests of what follows."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from conftest import NOW, Tenant
from sqlmodel import col, select

from models.base import new_id
from models.engine import insert_rows, reading, writing
from models.events import Category, Event
from models.jobs import JobRun, JobType
from models.mail import Delivery, Notification, NotificationState
from models.news import Article, Story
from tasks.plan import RunPlan


def add_run(tenant: Tenant, **fields: Any) -> UUID:
    """A monitoring run to hang plans on."""
    fields.setdefault("as_of", NOW)
    return tenant.add(JobRun(business_id=tenant.business_id, job_type=JobType.CLIENT_MONITORING, **fields))


def plan_for(tenant: Tenant, **fields: Any) -> RunPlan:
    fields.setdefault("as_of", NOW)
    run = fields.pop("job_run_id", None) or add_run(tenant, as_of=fields["as_of"])
    return RunPlan(business_id=tenant.business_id, job_run_id=run, **fields)


def add_story(
    tenant: Tenant, title: str, *, at: datetime = NOW - timedelta(hours=2), outlets: int = 1
) -> UUID:
    return tenant.add(
        Story(business_id=tenant.business_id, title=title, first_at=at, last_at=at, outlet_count=outlets)
    )


def add_event(
    tenant: Tenant, client_id: UUID, title: str = "Acme wins", *, story_id: UUID | None = None, **fields: Any
) -> UUID:
    """An event waiting for *filter*, with its story and article."""
    at = fields.pop("at", NOW - timedelta(hours=2))
    outlets = fields.pop("outlets", 1)
    story_id = story_id or add_story(tenant, title, at=at, outlets=outlets)
    article_id = tenant.add(
        Article(
            business_id=tenant.business_id,
            identity=new_id().hex,
            url="https://news.example/" + title.replace(" ", "-").lower(),
            title=title,
            source="The Example",
            published_at=at,
            first_seen_at=at,
            story_id=story_id,
        )
    )
    values: dict[str, Any] = {
        "category": Category.FUNDING,
        "relevance": 0.8,
        "sentiment": 0.2,
        "confidence": 0.9,
        "reason": "It names the client in its headline.",
        "published_at": at,
        "happened_at": at,
    }
    return tenant.add(
        Event(
            business_id=tenant.business_id,
            story_id=story_id,
            client_id=client_id,
            article_id=article_id,
            title=title,
            **values | fields,
        )
    )


def add_many_events(tenant: Tenant, client_ids: list[UUID], count: int) -> None:
    """``count`` events over the clients, in a few statements."""
    at = NOW - timedelta(hours=2)
    with writing(tenant.scope) as session:
        stories = [
            {
                "id": new_id(),
                "title": f"Story {i}",
                "first_at": at,
                "last_at": at,
                "article_count": 1,
                "outlet_count": 1,
            }
            for i in range(count)
        ]
        insert_rows(session, Story, stories)
        articles = [
            {
                "id": new_id(),
                "identity": f"{i:064d}",
                "title": f"Story {i}",
                "publisher": "",
                "first_seen_at": at,
                "is_mock": False,
                "is_history": False,
                "story_id": story["id"],
            }
            for i, story in enumerate(stories)
        ]
        insert_rows(session, Article, articles)
        session.add_all(
            Event(
                business_id=tenant.business_id,
                story_id=story["id"],
                client_id=client_ids[i % len(client_ids)],
                article_id=article["id"],
                category=Category.OTHER,
                relevance=(i % 100) / 100,
                sentiment=0,
                confidence=0.5,
                title=f"Story {i}",
                happened_at=at,
            )
            for i, (story, article) in enumerate(zip(stories, articles, strict=True))
        )


def notes(tenant: Tenant, **where: Any) -> list[Notification]:
    """The ledger's lines, oldest first."""
    query = select(Notification).order_by(col(Notification.id))
    for name, value in where.items():
        query = query.where(getattr(Notification, name) == value)
    with reading(tenant.scope) as session:
        return list(session.exec(query))


def mails(tenant: Tenant, **where: Any) -> list[Delivery]:
    """Deliveries, by recipient and slot."""
    query = select(Delivery).order_by(col(Delivery.recipient), col(Delivery.slot))
    for name, value in where.items():
        query = query.where(getattr(Delivery, name) == value)
    with reading(tenant.scope) as session:
        return list(session.exec(query))


def states(tenant: Tenant) -> list[NotificationState]:
    return [note.state for note in notes(tenant)]
