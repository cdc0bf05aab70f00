"""A year of stories, articles, events and what was decided about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine

from benchmarks.pages.bulk import Row, id_at, load
from benchmarks.pages.large import HEADLINES, Tenant, common, outlet
from models.events import Category, Decision, Event, Insight, Stage
from models.feedback import Feedback, FeedbackVerdict
from models.marks import EventMark
from models.news import Article, ArticleClient, LinkState, Story

_ARTICLE, _STORY, _EVENT, _LINK, _DECISION = (number << 40 for number in range(1, 6))
_CATEGORIES = tuple(HEADLINES)
_WEIGHTS = (8, 7, 9, 14, 11, 12, 6, 6, 4, 7, 3, 4, 9)


@dataclass(frozen=True, slots=True)
class Happened:
    """One event as all tables need it."""

    number: int
    at: datetime
    client: int
    category: Category
    relevance: float
    title: str
    tellings: int

    @property
    def event_id(self) -> UUID:
        return id_at(self.at, _EVENT + self.number)

    @property
    def story_id(self) -> UUID:
        return id_at(self.at, _STORY + self.number)

    def article_id(self, telling: int = 0) -> UUID:
        return id_at(self.at, _ARTICLE + self.number * 8 + telling)


def events(tenant: Tenant) -> Iterator[Happened]:
    """The events, oldest first; every pass gives the same."""
    dice = tenant.dice("events")
    for number in range(tenant.sizes.events):
        client = min(int(dice.expovariate(3) * len(tenant.clients)), len(tenant.clients) - 1)
        category = dice.choices(_CATEGORIES, _WEIGHTS)[0]
        yield Happened(
            number=number,
            at=tenant.moment(number, tenant.sizes.events),
            client=client,
            category=category,
            relevance=round(dice.betavariate(3, 3), 2),
            title=HEADLINES[category].format(name=tenant.names[client], n=dice.randrange(2, 900)),
            tellings=1 + (dice.random() < 0.3) + (dice.random() < 0.2),
        )


def load_news(engine: Engine, tenant: Tenant) -> None:
    load(engine, Story, (_story(tenant, one) for one in events(tenant)))
    load(engine, Article, _articles(tenant))
    load(engine, Event, _events(tenant))
    load(engine, ArticleClient, _links(tenant))
    load(engine, Insight, _insights(tenant))
    load(engine, Decision, _decisions(tenant))
    load(engine, Feedback, _feedback(tenant))
    load(engine, EventMark, _marks(tenant))


def _story(tenant: Tenant, one: Happened) -> Row:
    return common(
        tenant,
        one.story_id,
        title=one.title,
        first_at=one.at,
        last_at=one.at + timedelta(hours=one.tellings - 1),
        article_count=one.tellings,
        outlet_count=one.tellings,
    )


def _articles(tenant: Tenant) -> Iterator[Row]:
    dice = tenant.dice("articles")
    for one in events(tenant):
        for telling in range(one.tellings):
            article, source = one.article_id(telling), outlet(dice)
            yield common(
                tenant,
                article,
                identity=article.hex,
                url=f"https://news.example/{article.hex}",
                title=one.title,
                snippet="The board has agreed, and more is to be said next month.",
                source=source,
                publisher=source.lower(),
                published_at=one.at,
                first_seen_at=one.at + timedelta(hours=telling),
                story_id=one.story_id,
            )


def _events(tenant: Tenant) -> Iterator[Row]:
    dice = tenant.dice("moods")
    for one in events(tenant):
        yield common(
            tenant,
            one.event_id,
            story_id=one.story_id,
            client_id=tenant.clients[one.client],
            article_id=one.article_id(),
            category=one.category,
            relevance=one.relevance,
            sentiment=round(dice.uniform(-1, 1), 2),
            confidence=0.9,
            risk="high" if dice.random() < 0.05 else "none",
            title=one.title,
            summary="The board has agreed.",
            reason="it is named in the headline",
            evidence=one.title,
            score_parts={"category": 0.4, "tier": 0.1},
            published_at=one.at,
            happened_at=one.at,
            needs_filter=False,
            withdrawn_at=one.at if dice.random() < 0.01 else None,
            created_at=one.at,
            updated_at=one.at,
        )


def _links(tenant: Tenant) -> Iterator[Row]:
    for one in events(tenant):
        for telling in range(one.tellings):
            yield common(
                tenant,
                id_at(one.at, _LINK + one.number * 8 + telling),
                article_id=one.article_id(telling),
                client_id=tenant.clients[one.client],
                state=LinkState.MATCHED,
                event_id=one.event_id,
            )


def _insights(tenant: Tenant) -> Iterator[Row]:
    for one in events(tenant):
        if one.relevance >= 0.7:
            yield {
                "business_id": tenant.business_id,
                "event_id": one.event_id,
                "meaning": "It may need more of what you offer.",
                "actions": ["Call before the quarter ends."],
                "created_at": one.at,
            }


def _decisions(tenant: Tenant) -> Iterator[Row]:
    for one in events(tenant):
        about = {
            "business_id": tenant.business_id,
            "article_id": one.article_id(),
            "client_id": tenant.clients[one.client],
            "event_id": one.event_id,
            "created_at": one.at,
        }
        steps: list[tuple[Stage, str, str, UUID | None]] = [
            (Stage.MATCH, "about", "named_in_title", None),
            (Stage.CLASSIFY, one.category.value, "rules", None),
        ]
        for reader in tenant.readers[one.client]:
            wanted = one.relevance >= 0.5
            said, why = ("digest", "wanted") if wanted else ("skipped", "below_threshold")
            steps.append((Stage.FILTER, said, why, tenant.people[reader]))
        for place, (stage, verdict, code, person) in enumerate(steps):
            yield about | {
                "id": id_at(one.at, _DECISION + one.number * 8 + place),
                "stage": stage,
                "verdict": verdict,
                "reason_code": code,
                "reason": f"relevance {one.relevance} against your threshold of 0.50",
                "user_id": person,
            }


def _feedback(tenant: Tenant) -> Iterator[Row]:
    dice = tenant.dice("feedback")
    for one in events(tenant):
        if dice.random() < 0.05:
            yield {
                "business_id": tenant.business_id,
                "event_id": one.event_id,
                "client_id": tenant.clients[one.client],
                "user_id": tenant.people[tenant.readers[one.client][0]],
                "verdict": dice.choices(list(FeedbackVerdict), (7, 2, 1))[0],
                "created_at": one.at + timedelta(hours=20),
            }


def _marks(tenant: Tenant) -> Iterator[Row]:
    for one in events(tenant):
        if one.number % 4 == 0:
            yield {
                "business_id": tenant.business_id,
                "event_id": one.event_id,
                "user_id": tenant.people[tenant.readers[one.client][0]],
                "read_at": one.at,
                "starred_at": one.at if one.number % 40 == 0 else None,
            }
