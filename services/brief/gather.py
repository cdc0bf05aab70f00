"""A brief's contents, read in one transaction."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import fmean
from uuid import UUID

from sqlmodel import Session

from models.accounts import Business, User
from models.base import utc_now
from models.crm import INVENTED, latest_snapshots
from models.engine import reading
from models.events import Category, Event, Insight, events_of_client
from models.feed import insights_of
from models.portfolio import tellers_of
from models.scope import Scope
from services.brief.questions import questions
from services.brief.sheet import Brief, BriefItem, Mood, Step
from services.errors import UserError
from services.portfolio.page import known_client
from services.portfolio.standing import standing_of
from services.portfolio.table import people_by_client
from tasks.notify.safe import clean
from tasks.notify.wording import local, zone_of

DAYS = 90
MOST_DAYS = 366
ITEMS = 6
"""Events with a paragraph of their own: what one page holds."""
STEPS = 4
"""Opportunities and cautions together, at the most: half of each where there are both."""
GOOD, BAD = 0.3, -0.3
"""Sentiment from which news is good, or bad."""
_CHANCES = frozenset(
    {
        Category.FUNDING,
        Category.ACQUISITION,
        Category.PRODUCT_LAUNCH,
        Category.PARTNERSHIP,
        Category.EXPANSION,
        Category.AWARD,
    }
)
_HOPEFUL = 0.2
"""Sentiment from which such news is a chance: a business that is sold, or a launch that went wrong, is none."""
_WEEK = timedelta(days=7)


def brief_of(
    scope: Scope,
    client_id: UUID,
    *,
    days: int = DAYS,
    timezone: str | None = None,
    now: datetime | None = None,
) -> Brief:
    """What to know before meeting the client. Anybody of the business may ask; the page says for whom it was made.

    ``timezone`` names an IANA zone; without it the asker's holds, or UTC. UserError when there is no such client.
    """
    if not 7 <= days <= MOST_DAYS:
        raise UserError(f"{days} days cannot be told on a page", f"ask for 7 to {MOST_DAYS}")
    at = now or utc_now()
    since = at - timedelta(days=days)
    with reading(scope) as session:
        client = known_client(scope, session, client_id)
        business = session.get_one(Business, scope.business)
        asker = session.get(User, scope.user_id) if scope.user_id is not None else None
        every = events_of_client(scope, session, client_id, since - timedelta(days=days))
        told = [event for event in every if _is_news(event) and event.happened_at <= at]
        recent = [event for event in told if event.happened_at >= since]
        ranked = sorted(recent, key=lambda one: (-one.relevance, -one.happened_at.timestamp(), one.title))
        insights = insights_of(scope, session, [event.id for event in ranked])
        items = _items(scope, session, ranked[:ITEMS], insights)
        snapshot = latest_snapshots(scope, session, [client_id], invented=business.is_demo).get(client_id)
        people = people_by_client(scope, session, client_id).get(client_id, ())
    chances, cautions = _shared(
        _steps(ranked, insights, chances=True), _steps(ranked, insights, chances=False)
    )
    zone = timezone or (asker.timezone if asker is not None else "UTC")
    standing = standing_of(snapshot) if snapshot is not None else None
    here = local(at, zone_of(zone)[0]) or at
    return Brief(
        client_id=client.id,
        client=client.name,
        legal_name=client.legal_name or "",
        domain=client.domain or "",
        ticker=client.ticker or "",
        industry=client.industry or "",
        tier=client.tier,
        confidential=client.confidential,
        business=business.name,
        prepared_for=asker.name if asker is not None else "",
        timezone=zone,
        at=at,
        days=days,
        people=tuple(person.name for person in people),
        standing=standing if standing is not None and not standing.is_empty else None,
        events=len(recent),
        weekly=_weekly(recent, at, days),
        items=items,
        mood=_mood(ranked, [event for event in told if event.happened_at < since]),
        opportunities=chances,
        cautions=cautions,
        questions=questions(items, standing, here.date()),
        is_invented=any(item.is_mock for item in items)
        or (snapshot is not None and snapshot.provider == INVENTED),
    )


def _is_news(event: Event) -> bool:
    return event.category is not Category.OTHER or not event.language_supported


def _items(
    scope: Scope, session: Session, events: Sequence[Event], insights: dict[UUID, Insight]
) -> tuple[BriefItem, ...]:
    tellers = tellers_of(scope, session, [event.id for event in events])
    return tuple(
        BriefItem(
            event_id=event.id,
            title=clean(event.title, 140),
            category=event.category if event.language_supported else None,
            happened_at=event.happened_at,
            source=clean(tellers[event.id][0], 60),
            outlets=tellers[event.id][1],
            relevance=event.relevance,
            sentiment=event.sentiment,
            risk=event.risk,
            meaning=clean(insights[event.id].meaning if event.id in insights else event.summary, 210),
            is_unconfirmed=event.certainty != "stated",
            is_mock=event.is_mock,
        )
        for event in events
    )


def _weekly(events: Sequence[Event], at: datetime, days: int) -> tuple[int, ...]:
    weeks = -(-days // 7)
    ages = Counter(int((at - event.happened_at) / _WEEK) for event in events)
    return tuple(ages[age] for age in range(weeks - 1, -1, -1))


def _mood(recent: Sequence[Event], before: Sequence[Event]) -> Mood:
    judged = [event for event in recent if event.language_supported]
    earlier = [event.sentiment for event in before if event.language_supported]
    good = sum(event.sentiment >= GOOD for event in judged)
    bad = sum(event.sentiment <= BAD for event in judged)
    return Mood(
        good=good,
        bad=bad,
        neutral=len(judged) - good - bad,
        mean=round(fmean(event.sentiment for event in judged), 2) if judged else None,
        before=round(fmean(earlier), 2) if earlier else None,
        high_risks=tuple(clean(event.title, 70) for event in judged if event.risk == "high"),
    )


def _steps(events: Sequence[Event], insights: dict[UUID, Insight], *, chances: bool) -> tuple[Step, ...]:
    """The first step of each event, the most relevant first, each step once."""
    found: dict[str, Step] = {}
    for event in events:
        insight = insights.get(event.id)
        is_chance = event.category in _CHANCES and event.sentiment >= _HOPEFUL
        if insight is not None and is_chance is chances:
            new = (text for action in insight.actions if (text := clean(action, 90)) and text not in found)
            for text in new:
                found[text] = Step(text=text, about=clean(event.title, 80))
                break
    return tuple(found.values())


def _shared(
    chances: tuple[Step, ...], cautions: tuple[Step, ...]
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """As many of both as fit: what one leaves the other may have."""
    half = STEPS // 2
    kept = chances[: max(half, STEPS - len(cautions))]
    return kept, cautions[: STEPS - len(kept)]
