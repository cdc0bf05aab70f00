"""What Amazon SES says in a notification: feedback notifications and event publishing alike."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from models.returns import ReturnKind
from services.engagement import Hit
from services.suppression import Report
from tasks.notify.transports.transport import DELIVERY_TAG
from web.hooks.reading import Reading, Unreadable, address_of, id_of, moment, text_of

_NAME = "ses"
_PART = {
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Delivery": "delivery",
    "DeliveryDelay": "deliveryDelay",
}
_RECIPIENTS = {
    "Bounce": "bouncedRecipients",
    "Complaint": "complainedRecipients",
    "Delivery": "recipients",
    "DeliveryDelay": "delayedRecipients",
}
_HITS = {"Open": (ReturnKind.OPEN, "open"), "Click": (ReturnKind.CLICK, "click")}


def read(message: str, now: datetime) -> Reading:
    """What one notification says in our words; those of no concern to us say nothing. Unreadable for none."""
    try:
        said = json.loads(message)
    except ValueError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("mail"), dict):
        raise Unreadable("not a notification of SES")
    name = text_of(said.get("eventType") or said.get("notificationType"))
    found = Reading()
    if name in _HITS:
        _read_hit(said, name, now, found)
    elif name in _PART:
        found.reports.extend(_reports(said, name, now))
    return found


def _reports(said: Mapping[str, Any], name: str, now: datetime) -> Iterator[Report]:
    part, mail = _dict(said.get(_PART[name])), said["mail"]
    kind = _kind(name, part)
    recipients = part.get(_RECIPIENTS[name])
    if kind is None or not isinstance(recipients, list):
        return
    provider_id = text_of(mail.get("messageId"))
    report_id = text_of(part.get("feedbackId")) or f"{name}:{provider_id}:{text_of(part.get('timestamp'))}"
    for recipient in recipients:
        one = recipient if isinstance(recipient, dict) else {"emailAddress": recipient}
        address = address_of(one.get("emailAddress"))
        detail = one.get("diagnosticCode") or part.get("smtpResponse") or part.get("complaintFeedbackType")
        yield Report(
            kind=kind,
            source=_NAME,
            event_id=f"{report_id[:120]}:{address[:60]}",
            address=address,
            at=moment(part.get("timestamp"), now),
            delivery_id=_delivery_id(mail),
            provider_id=provider_id,
            detail=text_of(detail),
        )


def _kind(name: str, part: Mapping[str, Any]) -> ReturnKind | None:
    match name:
        case "Bounce":
            hard = part.get("bounceType") == "Permanent"
            return ReturnKind.HARD_BOUNCE if hard else ReturnKind.SOFT_BOUNCE
        case "Complaint":
            # Somebody who takes a mail out of the spam folder is reported by the same message.
            return None if part.get("complaintFeedbackType") == "not-spam" else ReturnKind.COMPLAINT
        case "Delivery":
            return ReturnKind.DELIVERED
        case _:
            return ReturnKind.DEFERRED


def _read_hit(said: Mapping[str, Any], name: str, now: datetime, found: Reading) -> None:
    kind, key = _HITS[name]
    part, delivery_id = _dict(said.get(key)), _delivery_id(said["mail"])
    if delivery_id is None:
        return
    url = text_of(part.get("link"), 2000)
    hit = Hit(
        kind=kind,
        at=moment(part.get("timestamp"), now),
        link=url or "pixel",
        source=_NAME,
        target=url,
        user_agent=text_of(part.get("userAgent"), 500),
        address=text_of(part.get("ipAddress")),
    )
    found.hits.append((delivery_id, hit))


def _delivery_id(mail: Mapping[str, Any]) -> Any:
    values = _dict(mail.get("tags")).get(DELIVERY_TAG)
    return id_of(values[0]) if isinstance(values, list) and values else None


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
