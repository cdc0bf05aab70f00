"""From the ledger to a Letter: what one delivery says, read in one go and written by nobody here."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.accounts import Business
from models.clients import Client
from models.crm import CrmSnapshot, latest_snapshots
from models.events import Event, Insight, classified_by, judged_by
from models.jobs import JobRun, JobType
from models.mail import (
    Delivery,
    DeliveryKind,
    Notification,
    NotificationState,
    SkipReason,
    suppressed_addresses,
)
from models.news import Article, SourceResult, SourceState, Story
from models.scope import Scope
from models.settings import Settings, get_settings
from tasks.filter.facts import People, load_people
from tasks.filter.ledger import Line, lines
from tasks.filter.recheck import objections, recheck
from tasks.filter.rules import Verdict
from tasks.notify.letter import ClientSection, Item, ItemLinks, Letter
from tasks.notify.links import Links
from tasks.notify.look import business_and_look
from tasks.notify.selection import Entry, entries
from tasks.notify.silence import silence
from tasks.notify.trend import trend
from tasks.notify.windows import zone_of

_LATE_AFTER = {"instant": timedelta(days=1), "daily": timedelta(days=2), "weekly": timedelta(days=8)}
_NAMED_AT_MOST = 5
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TROUBLE = {
    SourceState.FAILED: "could not be read",
    SourceState.QUOTA: "reached its limit of calls",
    SourceState.PARTIAL: "was read in part",
}

LetterKind = Literal["instant", "daily", "weekly"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a delivery comes to at this moment. Two drafts are equal when their mails would be."""

    letter: Letter | None
    """None: nothing is left to say."""
    kept: tuple[Line, ...]
    dropped: tuple[tuple[Line, Verdict], ...]
    """Lines that no longer qualify."""
    refusal: Verdict | None = None
    """What keeps every mail from this person now."""


def draft(scope: Scope, session: Session, delivery: Delivery, *, now: datetime) -> Draft:
    """Recheck a delivery's items at ``now`` and say what the mail would be. Reads only."""
    settings = get_settings()
    held = lines(scope, session, states=(NotificationState.ATTACHED,), delivery_id=delivery.id)
    if delivery.user_id is None:
        return Draft(None, (), (), _address_refused(scope, session, delivery))
    people = load_people(scope, session, [delivery.user_id])
    refusal = people.unreachable(delivery.user_id, delivery.kind)
    verdicts = recheck(people, held, now=now, freshness_days=settings.freshness_days)
    if refusal is not None:
        # Nothing of a mail that may not go out is left behind in it.
        verdicts = {line: verdict if verdict.reason else refusal for line, verdict in verdicts.items()}
    dropped = tuple(objections(verdicts).items())
    kept = tuple(line for line, verdict in verdicts.items() if verdict.route)
    said = Notices()
    if delivery.kind is DeliveryKind.DIGEST:
        weekly = letter_kind(delivery) == "weekly"
        at = delivery.window_start or delivery.created_at
        said = notices(scope, session, people.followed(delivery.user_id), at, weekly=weekly)
    if refusal is not None or not (kept or said):
        return Draft(None, kept, dropped, refusal)
    letter = _letter(scope, session, delivery, people, kept)
    return Draft(letter.model_copy(update=said._asdict()), kept, dropped)


def _address_refused(scope: Scope, session: Session, delivery: Delivery) -> Verdict | None:
    if delivery.recipient.lower() not in suppressed_addresses(scope, session, delivery.kind):
        return None
    return Verdict(None, SkipReason.SUPPRESSED, "this address is suppressed")


def letter_kind(delivery: Delivery) -> LetterKind:
    """Which of the item mails a delivery is."""
    if delivery.kind is DeliveryKind.EVENT:
        return "instant"
    return "weekly" if delivery.slot.startswith("weekly:") else "daily"


def _letter(
    scope: Scope,
    session: Session,
    delivery: Delivery,
    people: People,
    kept: Sequence[Line],
) -> Letter:
    assert delivery.user_id is not None  # mail to a bare address is no letter of items
    business, look = business_and_look(scope, session)
    settings, user = get_settings(), people.users[delivery.user_id]
    kind = letter_kind(delivery)
    at = delivery.window_start or delivery.created_at
    links = Links.of(settings, delivery, tracking=business.tracking_enabled)
    sections = _Sections(scope, session, settings, kind, at, kept, links, invented=business.is_demo)
    return Letter(
        kind=kind,
        business=business.name,
        recipient_name=user.name,
        recipient_email=user.email,
        timezone=user.timezone if zone_of(user.timezone) else "UTC",
        at=at,
        sections=sections.build(_left_in_app(session, delivery.id)),
        more=delivery.more_count,
        app_url=settings.public_url.rstrip("/"),
        preferences_url=links.preferences,
        unsubscribe_url=links.unsubscribe,
        pixel_url=links.pixel or "",
        look=look,
        trend=trend(scope, session, at, clients=people.followed(user.id)) if kind == "weekly" else (),
    )


class _Sections:
    """The sections of one letter, with everything they need read in a query a table."""

    def __init__(
        self,
        scope: Scope,
        session: Session,
        settings: Settings,
        kind: LetterKind,
        at: datetime,
        kept: Sequence[Line],
        links: Links,
        *,
        invented: bool,
    ) -> None:
        self._settings, self._kind, self._at, self._links = settings, kind, at, links
        self._entries = entries(kept)
        client_ids = sorted({line.client_id for line in kept})
        event_ids = [entry.lead.event.event_id for entry in self._entries]
        clients = session.exec(select(Client).where(col(Client.id).in_(client_ids)))
        self._clients = {row.id: row for row in clients}
        self._events = {
            row.id: row for row in session.exec(select(Event).where(col(Event.id).in_(event_ids)))
        }
        found = session.exec(select(Insight).where(col(Insight.event_id).in_(event_ids)))
        self._insights = {row.event_id: row for row in found}
        self._engines = classified_by(scope, session, event_ids)
        articles = [entry.lead.article_id for entry in self._entries]
        self._articles = {
            row.id: row for row in session.exec(select(Article).where(col(Article.id).in_(articles)))
        }
        stories = [entry.lead.story_id for entry in self._entries]
        self._stories = {row.id: row for row in session.exec(select(Story).where(col(Story.id).in_(stories)))}
        self._crm = latest_snapshots(scope, session, client_ids, invented=invented)

    def build(self, left: Counter[UUID]) -> tuple[ClientSection, ...]:
        """A section a leading client, the one with the most relevant item first."""
        by_client: dict[UUID, list[Entry]] = {}
        for entry in self._entries:
            by_client.setdefault(entry.lead.client_id, []).append(entry)
        return tuple(
            ClientSection(
                client=self._clients[client_id].name,
                crm_line=self._crm_line(client_id),
                items=tuple(self._item(entry) for entry in found),
                more=left[client_id],
            )
            for client_id, found in by_client.items()
        )

    def _crm_line(self, client_id: UUID) -> str:
        max_age = timedelta(hours=self._settings.crm_max_age_hours)
        return crm_line(self._crm.get(client_id), self._clients[client_id], at=self._at, max_age=max_age)

    def _item(self, entry: Entry) -> Item:
        lead = entry.lead
        event, article = self._events[lead.event.event_id], self._articles[lead.article_id]
        insight = self._insights.get(event.id)
        others = {self._clients[line.client_id].name for line in entry.lines[1:]}
        read = self._links.article(article.url)
        return Item(
            event_id=event.id,
            title=event.title,
            url=article.url,
            read_url=read if read != article.url else None,
            links=ItemLinks(
                useful=self._links.useful(event.id),
                not_relevant=self._links.not_relevant(event.id),
                wrong_company=self._links.wrong_company(event.id),
                mute=self._links.mute(lead.client_id),
            ),
            source=article.source or article.publisher or None,
            outlets=self._stories[lead.story_id].outlet_count,
            category=event.category.value,
            relevance=event.relevance,
            reason=event.reason,
            judged_by=judged_by(self._engines.get(event.id, "rules")),
            summary=event.summary,
            what_changed=event.what_changed if lead.revision > 1 else "",
            action=insight.actions[0] if insight and insight.actions else "",
            advised_by=judged_by(insight.engine) if insight else "",
            also_concerns=tuple(sorted(others - {self._clients[lead.client_id].name})),
            published_at=event.published_at,
            is_history=lead.is_history,
            is_mock=event.is_mock,
            is_late=not lead.is_history and self._at - event.happened_at > _LATE_AFTER[self._kind],
            sentiment=event.sentiment,
            risk=event.risk,
        )


def crm_line(snapshot: CrmSnapshot | None, client: Client, *, at: datetime, max_age: timedelta) -> str:
    """Tier, health unless it is good, open pipeline, renewal and owner in one line, with the age of old data."""
    tier = (snapshot.tier if snapshot else None) or (client.tier.value if client.tier else None)
    parts = [f"{tier[:1].upper()}{tier[1:]} tier"] if tier else []
    if snapshot:
        facts = []
        if snapshot.health and snapshot.health.casefold() != "healthy":
            facts.append(f"health: {snapshot.health}")
        if snapshot.open_pipeline is not None:
            facts.append(f"open pipeline {snapshot.open_pipeline:,.0f} {snapshot.currency or ''}".rstrip())
        if snapshot.renewal_on:
            day = snapshot.renewal_on
            facts.append(f"renewal {day.day} {_MONTHS[day.month - 1]} {day.year}")
        if snapshot.owner_name:
            facts.append(f"owner {snapshot.owner_name}")
        age = at - snapshot.taken_at
        if age > max_age and (facts or snapshot.tier):
            days = max(1, age.days)
            facts.append(f"CRM data {days} day{'s' if days > 1 else ''} old")
        parts += facts
    return " · ".join(parts)


def _left_in_app(session: Session, delivery_id: UUID) -> Counter[UUID]:
    """How many stories of each client this delivery's limits left out."""
    query = (
        select(Notification.client_id, func.count(func.distinct(col(Event.story_id))))
        .join(Event, col(Event.id) == col(Notification.event_id))
        .where(Notification.delivery_id == delivery_id, Notification.reason == SkipReason.OVER_LIMIT)
        .group_by(col(Notification.client_id))
    )
    return Counter(dict(session.exec(query).all()))


class Notices(NamedTuple):
    """What a digest says besides news; false when there is nothing to say."""

    degraded: tuple[str, ...] = ()
    silence: str = ""

    def __bool__(self) -> bool:
        return any(self)


def notices(
    scope: Scope, session: Session, followed: Collection[UUID] | None, at: datetime, *, weekly: bool
) -> Notices:
    """Sources that could not be read, and days without anything, at ``at``.

    ``followed`` are the reader's clients, None for all.
    """
    days = session.exec(select(Business.silent_days).where(Business.id == scope.business)).one()
    return Notices(
        degraded_sources(scope, session, followed),
        silence(scope, session, at, clients=followed, silent_days=days, weekly=weekly),
    )


def degraded_sources(scope: Scope, session: Session, followed: Collection[UUID] | None) -> tuple[str, ...]:
    """What the newest run could not read of what this reader follows (None: all), each in words.

    A feed concerns everybody; of a source asked client by client only the reader's own clients are named.
    """
    run = session.exec(
        select(JobRun.id)
        .where(col(JobRun.job_type).in_((JobType.CLIENT_MONITORING, JobType.SEARCH_ONLY)))
        .order_by(col(JobRun.started_at).desc(), col(JobRun.id).desc())
        .limit(1)
    ).first()
    if run is None:
        return ()
    bad = session.exec(
        select(SourceResult, Client.name)
        .outerjoin(Client, col(Client.id) == col(SourceResult.client_id))
        .where(SourceResult.job_run_id == run, col(SourceResult.state).in_(tuple(_TROUBLE)))
        .order_by(col(SourceResult.source_api), col(SourceResult.unit))
    ).all()
    if not bad:
        return ()
    said: list[str] = []
    of_clients: dict[tuple[str, SourceState], list[str]] = {}
    for result, client in bad:
        if result.client_id is None:
            said.append(f"{result.source_api} ({_unit_name(result.unit)}) {_TROUBLE[result.state]}")
        elif followed is None or result.client_id in followed:
            of_clients.setdefault((result.source_api, result.state), []).append(client)
    for (source, state), names in of_clients.items():
        said.append(f"{source} {_TROUBLE[state]} for {_some(sorted(names))}")
    return tuple(said)


def _unit_name(unit: str) -> str:
    """A feed's host or a file's name: an address may carry a key in its path or query."""
    parts = urlsplit(unit)
    return parts.hostname or PurePath(unit).name or "feed"


def _some(names: Sequence[str]) -> str:
    if len(names) <= _NAMED_AT_MOST:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED_AT_MOST])} and {len(names) - _NAMED_AT_MOST} more"
