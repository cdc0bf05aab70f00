"""From the ledger to a Letter: what one delivery says, read in one go and written by nobody here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.accounts import User
from models.clients import Client
from models.crm import CrmSnapshot, latest_snapshots
from models.events import Event, Insight, classified_by, judged_by
from models.mail import (
    Delivery,
    DeliveryKind,
    Notification,
    NotificationState,
    SkipReason,
    suppressed_addresses,
)
from models.news import Article, Story
from models.scope import Scope
from models.settings import Settings, get_settings
from tasks.filter.facts import People, load_people
from tasks.filter.ledger import Line, lines
from tasks.filter.recheck import objections, recheck
from tasks.filter.rules import Verdict
from tasks.notify.letter import ClientSection, Item, ItemLinks, Letter, Look
from tasks.notify.links import Links
from tasks.notify.look import business_and_look
from tasks.notify.selection import Entry, entries
from tasks.notify.trend import trend
from tasks.notify.troubles import Notices, notices
from tasks.notify.windows import zone_of

_LATE_AFTER = {"instant": timedelta(days=1), "daily": timedelta(days=2), "weekly": timedelta(days=8)}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LetterKind = Literal["instant", "daily", "weekly"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a delivery may go out, and what of it: all that its reader, its tenant and its items decide. Two that are
    equal stand for the same mail, but for what the world did to the wording in between."""

    kept: tuple[Line, ...]
    """With what each line's event says now."""
    dropped: tuple[tuple[Line, Verdict], ...]
    """Lines that no longer qualify."""
    refusal: Verdict | None
    """What keeps every mail from this person now."""
    reader: tuple[str, ...] = ()
    """Name, address and zone."""
    tenant: tuple[str, bool] = ("", False)
    """Its name, and whether opens and clicks are counted."""
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a delivery comes to at this moment."""

    letter: Letter | None
    """None: nothing is left to say."""
    standing: Standing


def draft(scope: Scope, session: Session, delivery: Delivery, *, now: datetime) -> Draft:
    """Recheck a delivery's items at ``now`` and say what the mail would be. Reads only."""
    return _Desk(scope, session, delivery, now).draft()


def standing(scope: Scope, session: Session, delivery: Delivery, *, now: datetime) -> Standing:
    """Recheck a delivery at ``now`` without reading what its mail would say: a third of the cost of ``draft``."""
    return _Desk(scope, session, delivery, now).standing


class _Desk:
    """One delivery, looked at once."""

    def __init__(self, scope: Scope, session: Session, delivery: Delivery, now: datetime) -> None:
        self._scope, self._session, self._delivery = scope, session, delivery
        self._settings = get_settings()
        held = lines(scope, session, states=(NotificationState.ATTACHED,), delivery_id=delivery.id)
        self._people: People | None = None
        if delivery.user_id is None:
            self.standing = Standing((), (), _address_refused(scope, session, delivery))
            return
        self._people = people = load_people(scope, session, [delivery.user_id])
        self._business, look = business_and_look(scope, session)
        refusal = people.unreachable(delivery.user_id, delivery.kind)
        verdicts = recheck(people, held, now=now, freshness_days=self._settings.freshness_days)
        if refusal is not None:
            # Nothing of a mail that may not go out is left behind in it.
            verdicts = {line: verdict if verdict.reason else refusal for line, verdict in verdicts.items()}
        user = people.users[delivery.user_id]
        self.standing = Standing(
            kept=tuple(line for line, verdict in verdicts.items() if verdict.route),
            dropped=tuple(objections(verdicts).items()),
            refusal=refusal,
            reader=(user.name, user.email, user.timezone),
            tenant=(self._business.name, self._business.tracking_enabled),
            look=look,
        )

    def draft(self) -> Draft:
        found, people, delivery = self.standing, self._people, self._delivery
        if people is None or delivery.user_id is None or found.refusal is not None:
            return Draft(None, found)
        said = Notices()
        if delivery.kind is DeliveryKind.DIGEST:
            said = notices(
                self._scope,
                self._session,
                people.followed(delivery.user_id),
                delivery.window_start or delivery.created_at,
                weekly=letter_kind(delivery) == "weekly",
                silent_days=self._business.silent_days,
            )
        if not (found.kept or said):
            return Draft(None, found)
        return Draft(self._letter(people, people.users[delivery.user_id], said), found)

    def _letter(self, people: People, user: User, said: Notices) -> Letter:
        scope, session, delivery, settings = self._scope, self._session, self._delivery, self._settings
        kind = letter_kind(delivery)
        at = delivery.window_start or delivery.created_at
        links = Links.of(settings, delivery, tracking=self._business.tracking_enabled)
        invented = self._business.is_demo
        kept = self.standing.kept
        sections = _Sections(scope, session, settings, kind, at, kept, links, invented=invented)
        left = _left_in_app(session, delivery.id) if delivery.more_count else Counter()
        return Letter(
            kind=kind,
            business=self._business.name,
            recipient_name=user.name,
            recipient_email=user.email,
            timezone=user.timezone if zone_of(user.timezone) else "UTC",
            at=at,
            sections=sections.build(left),
            more=delivery.more_count,
            app_url=settings.public_url.rstrip("/"),
            preferences_url=links.preferences,
            unsubscribe_url=links.unsubscribe,
            pixel_url=links.pixel or "",
            look=self.standing.look or Look(),
            trend=trend(scope, session, at, clients=people.followed(user.id)) if kind == "weekly" else (),
            degraded=said.degraded,
            silence=said.silence,
        )


def _address_refused(scope: Scope, session: Session, delivery: Delivery) -> Verdict | None:
    if delivery.recipient.lower() not in suppressed_addresses(scope, session, delivery.kind):
        return None
    return Verdict(None, SkipReason.SUPPRESSED, "this address is suppressed")


def letter_kind(delivery: Delivery) -> LetterKind:
    """Which of the item mails a delivery is."""
    if delivery.kind is DeliveryKind.EVENT:
        return "instant"
    return "weekly" if delivery.slot.startswith("weekly:") else "daily"


def sections_of(
    scope: Scope,
    session: Session,
    delivery: Delivery,
    kept: Sequence[Line],
    links: Links,
    left: Counter[UUID],
    *,
    invented: bool,
) -> tuple[ClientSection, ...]:
    """What a mail with these lines says, for a delivery that may not be stored; ``left``: stories left out, by client.

    With ``invented`` the facts of an invented CRM count.
    """
    at = delivery.window_start or delivery.created_at
    kind = letter_kind(delivery)
    found = _Sections(scope, session, get_settings(), kind, at, kept, links, invented=invented)
    return found.build(left)


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
        told = session.exec(
            select(Event, Article, Story, Insight)
            .join(Article, col(Article.id) == col(Event.article_id))
            .join(Story, col(Story.id) == col(Event.story_id))
            .outerjoin(Insight, col(Insight.event_id) == col(Event.id))
            .where(col(Event.id).in_(event_ids))
        )
        self._told = {row[0].id: row for row in told}
        self._engines = classified_by(scope, session, event_ids)
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
        event, article, story, insight = self._told[lead.event.event_id]
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
            outlets=story.outlet_count,
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
