"""Mail that is about the product and not about news: alerts, invitations and the like. Once a cause and person.

Its words are fixed when it is posted; the outbox then sends those bytes, as it does with every mail it claimed once.
"""

import zlib
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlmodel import select

from models.accounts import Business, User
from models.base import new_id
from models.engine import insert_rows, reading, writing
from models.mail import Channel, Delivery, DeliveryKind, EmailBody
from models.scope import Scope
from models.settings import Settings, get_settings
from tasks.notify.catchup import delivery_row
from tasks.notify.claim import message_id
from tasks.notify.letter import Letter
from tasks.notify.look import business_and_look
from tasks.notify.render import render
from tasks.notify.signing import BadKey, Signer, signer_for
from tasks.notify.transports.transport import open_transport
from tasks.notify.windows import Window
from tasks.notify.wire import final_bytes
from tasks.registry import UnknownProvider


def post(
    scope: Scope,
    person: User,
    kind: Literal[DeliveryKind.ALERT, DeliveryKind.SYSTEM],
    cause: str,
    *,
    heading: str,
    body: tuple[str, ...],
    at: datetime,
    action: tuple[str, str] | None = None,
    recipient: str = "",
) -> UUID | None:
    """Put a notice into the outbox; the delivery's id, or None when this cause was posted to them before.

    ``cause`` names what it is about (at most 80 characters): one mail a cause, kind and address. ``body`` is
    paragraphs of plain text; ``action`` is the words and address of a button that stands for the one to the app.
    ``recipient`` is another address of the person's than the one they go by.
    """
    with reading(scope) as session:
        business, look = business_and_look(scope, session)
    letter = _letter(get_settings().public_url.rstrip("/"), business, person, kind, heading, body, at)
    letter = letter.model_copy(update={"look": look, "action": action})
    return post_letter(scope, person, kind, cause, letter, at=at, recipient=recipient)


def post_letter(
    scope: Scope,
    person: User,
    kind: Literal[DeliveryKind.ALERT, DeliveryKind.SYSTEM],
    cause: str,
    letter: Letter,
    *,
    at: datetime,
    recipient: str = "",
) -> UUID | None:
    """Put a letter that somebody else wrote into the outbox, as ``post`` does with its own."""
    settings = get_settings()
    with reading(scope) as session:
        slug = session.exec(select(Business.slug).where(Business.id == scope.business)).one()
    row = delivery_row(person, Channel.EMAIL, kind, window=Window(cause, at), at=at) | {"id": new_id()}
    row |= {"recipient": recipient or person.email}
    delivery = Delivery(business_id=scope.business, **row)
    delivery.message_id = message_id(slug, delivery, settings.mail_from)
    rendered = render(letter.model_copy(update={"recipient_email": row["recipient"]}))
    data = final_bytes(
        rendered, delivery, settings=settings, to_name=person.name, at=at, signer=_signer(settings)
    )
    written = row | {"subject": rendered.subject, "message_id": delivery.message_id}
    with writing(scope) as session:
        made = insert_rows(session, Delivery, [written], ignore_conflicts=True, returning=("id",))
        if not made:
            return None
        stored = {"delivery_id": delivery.id, "mime": zlib.compress(data), "created_at": at}
        insert_rows(session, EmailBody, [stored])
    return delivery.id


def _signer(settings: Settings) -> Signer | None:
    """The deployment's signer, where the mail will leave as it is stored. Without a key that works a notice is stored
    unsigned: it may be the one that says so."""
    try:
        verbatim = open_transport(settings.transport, settings).verbatim
        return signer_for(settings) if verbatim else None
    except (BadKey, UnknownProvider):
        return None


def _letter(
    app_url: str,
    business: Business,
    person: User,
    kind: DeliveryKind,
    heading: str,
    body: tuple[str, ...],
    at: datetime,
) -> Letter:
    return Letter(
        kind="alert" if kind is DeliveryKind.ALERT else "system",
        business=business.name,
        recipient_name=person.name,
        recipient_email=person.email,
        timezone=person.timezone,
        at=at,
        app_url=app_url,
        preferences_url=f"{app_url}/preferences",
        heading=heading,
        body=body,
    )
