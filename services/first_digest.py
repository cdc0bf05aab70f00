"""The digest that a person's first news will come in, before it goes out: what waits, as the mail it would be."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.base import utc_now
from models.engine import reading
from models.mail import Delivery, DeliveryKind, DeliveryState, Notification, NotificationState, SkipReason
from models.scope import Scope
from models.settings import get_settings
from services.mail_html import Inline, harmless
from services.next_digest import next_digest
from services.preferences import person_of
from services.preview.replay import WouldBeMail
from services.preview.writing import letter_for
from tasks.filter.facts import People, load_people
from tasks.filter.ledger import Line, lines
from tasks.filter.recheck import recheck
from tasks.notify.letter import Letter
from tasks.notify.look import business_and_look
from tasks.notify.planning import Reader
from tasks.notify.render import render
from tasks.notify.selection import choose
from tasks.notify.windows import zone_of


class FirstDigest(BaseModel):
    """What waits for a person, and when it goes out."""

    model_config = ConfigDict(frozen=True)

    due: datetime | None
    """The next window; None for an absence without an end."""
    subject: str = ""
    html: str = ""
    """The mail's page: loads nothing, leads nowhere. Empty when nothing waits."""
    stories: int = 0
    history: int = 0
    """Of those, from before a client was watched."""
    left_in_app: int = 0
    mails_sent: int = 0
    """Digests and instant mails the person has had already."""
    kept_back: dict[SkipReason, int] = {}
    """Why other news is not mailed, the most frequent reason first."""


def first_digest(scope: Scope, *, now: datetime | None = None) -> FirstDigest:
    """The digest that waits for the scope's person. Reads only. PermissionError for nobody."""
    if scope.user_id is None:
        raise PermissionError("a digest is a person's: say whose")
    at, me = now or utc_now(), scope.user_id
    with reading(scope) as session:
        person_of(scope, session, me)
        people = load_people(scope, session, [me])
        user, wants = people.users[me], people.preferences[me]
        zone = zone_of(user.timezone)
        reader = Reader(user, wants, zone, people.absences.get(me)) if zone else None
        due = next_digest(reader, at) if reader else None
        waiting = _qualified(people, lines(scope, session, user_ids=[me]), due or at)
        chosen = choose(
            waiting, max_items=wants.max_items_per_digest, max_per_client=wants.max_items_per_client
        )
        mail = WouldBeMail("daily", due or at, f"daily:{due or at:%Y-%m-%d}", chosen.shown, chosen.over)
        business, look = business_and_look(scope, session)
        letter = letter_for(scope, session, business, look, people, user, mail) if chosen.shown else None
        told = FirstDigest(
            due=due,
            stories=len(chosen.shown),
            history=sum(entry.lead.is_history for entry in chosen.shown),
            left_in_app=len(chosen.over),
            mails_sent=_sent(session, me),
            kept_back=_kept_back(session, me),
        )
    if letter is None:
        return told
    images = {look.logo.content_id: Inline(look.logo.media_type, look.logo.data)} if look.logo else {}
    return _with_page(told, letter, images)


def _with_page(told: FirstDigest, letter: Letter, images: dict[str, Inline]) -> FirstDigest:
    rendered = render(letter)
    page = harmless(rendered.html, images, str)
    return told.model_copy(update={"subject": rendered.subject, "html": page})


def _qualified(people: People, waiting: list[Line], at: datetime) -> list[Line]:
    verdicts = recheck(people, waiting, now=at, freshness_days=get_settings().freshness_days)
    return [line for line, verdict in verdicts.items() if verdict.route]


def _sent(session: Session, user_id: UUID) -> int:
    news = (DeliveryKind.DIGEST, DeliveryKind.EVENT)
    sent = select(Delivery.id).where(
        Delivery.user_id == user_id, Delivery.state == DeliveryState.SENT, col(Delivery.kind).in_(news)
    )
    return len(session.exec(sent.limit(100)).all())


def _kept_back(session: Session, user_id: UUID) -> dict[SkipReason, int]:
    skipped = (
        select(Notification.reason, func.count())
        .where(Notification.user_id == user_id, Notification.state == NotificationState.SKIPPED)
        .group_by(col(Notification.reason))
    )
    counts = Counter({SkipReason(reason): count for reason, count in session.exec(skipped) if reason})
    return dict(counts.most_common())
