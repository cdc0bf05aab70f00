"""A mail that nobody gets, as the letter it would be."""

from collections import Counter

from sqlmodel import Session

from models.accounts import Business, User
from models.mail import Channel, Delivery, DeliveryKind
from models.scope import Scope
from models.settings import get_settings
from services.preview.replay import WouldBeMail
from tasks.filter.facts import People
from tasks.notify.compose import sections_of
from tasks.notify.letter import Letter, Look
from tasks.notify.links import Links
from tasks.notify.trend import trend
from tasks.notify.windows import zone_of


def letter_for(
    scope: Scope,
    session: Session,
    business: Business,
    look: Look,
    people: People,
    user: User,
    mail: WouldBeMail,
) -> Letter:
    """The mail's letter. Its links are those of mail that is never sent: they do nothing."""
    settings = get_settings()
    delivery = Delivery(
        business_id=business.id,
        user_id=user.id,
        recipient=user.email,
        channel=Channel.FILE,
        kind=DeliveryKind.EVENT if mail.kind == "instant" else DeliveryKind.DIGEST,
        slot=mail.slot,
        window_start=mail.at,
        created_at=mail.at,
    )
    kept = [line for entry in mail.shown for line in entry.lines]
    links = Links.of(settings, delivery, tracking=False)
    left = Counter(entry.lead.client_id for entry in mail.over)
    weekly = mail.kind == "weekly"
    return Letter(
        kind=mail.kind,
        business=business.name,
        recipient_name=user.name,
        recipient_email=user.email,
        timezone=user.timezone if zone_of(user.timezone) else "UTC",
        at=mail.at,
        sections=sections_of(scope, session, delivery, kept, links, left, invented=business.is_demo),
        more=len(mail.over),
        app_url=settings.public_url.rstrip("/"),
        preferences_url=links.preferences,
        unsubscribe_url=links.unsubscribe,
        look=look,
        trend=trend(scope, session, mail.at, clients=people.followed(user.id)) if weekly else (),
    )
