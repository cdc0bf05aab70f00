"""From a rendered mail to the bytes that are stored and sent: headers of the deployment and of the list, and DKIM."""

from datetime import datetime

from models.mail import Channel, Delivery, DeliveryKind
from models.settings import Settings
from tasks.notify.links import Links, unsubscribe_headers
from tasks.notify.mime import build_mime
from tasks.notify.render import Rendered
from tasks.notify.signing import Signer

_LISTS = (DeliveryKind.EVENT, DeliveryKind.DIGEST)
"""Mail somebody may unsubscribe from; an invitation or an alert is no list."""


def final_bytes(
    rendered: Rendered,
    delivery: Delivery,
    *,
    settings: Settings,
    to_name: str,
    at: datetime,
    signer: Signer | None,
) -> bytes:
    """The message of a delivery that has its Message-ID, dated ``at``; equal input, equal bytes.

    Raises ValueError for an address or id that no mail can carry.
    """
    body = build_mime(
        rendered,
        mail_from=settings.mail_from,
        mail_to=delivery.recipient,
        to_name=to_name,
        message_id=delivery.message_id or "",
        date=at,
        reply_to=settings.mail_reply_to,
        headers=list_headers(delivery, settings),
    )
    return signer.sign(body, at) if signer is not None else body


def list_headers(delivery: Delivery, settings: Settings) -> dict[str, str]:
    """How a mail program unsubscribes its reader; nothing for mail that is no list, or is never sent."""
    if delivery.kind not in _LISTS or delivery.channel is Channel.FILE:
        return {}
    return unsubscribe_headers(Links.of(settings, delivery, tracking=False))
