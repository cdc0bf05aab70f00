"""SendGrid's event webhook: ECDSA over timestamp and raw body; a JSON list of events."""

import json
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from models.returns import ReturnKind
from services.engagement import Hit
from services.suppression import Report
from tasks.notify.transports.transport import DELIVERY_TAG
from web.hooks.reading import Reading, Unreadable, address_of, id_of, is_timely, moment, text_of

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
_NAME = "sendgrid"

_KINDS = {
    "delivered": ReturnKind.DELIVERED,
    "deferred": ReturnKind.DEFERRED,
    "spamreport": ReturnKind.COMPLAINT,
    "unsubscribe": ReturnKind.UNSUBSCRIBE,
    "group_unsubscribe": ReturnKind.UNSUBSCRIBE,
}
# "dropped": SendGrid did not even try, because of what it knows of the address.
_DROPPED = {
    "bounced address": ReturnKind.HARD_BOUNCE,
    "invalid": ReturnKind.HARD_BOUNCE,
    "spam reporting address": ReturnKind.COMPLAINT,
    "unsubscribed address": ReturnKind.UNSUBSCRIBE,
}


def is_genuine(public_key: str, signature: str, timestamp: str, body: bytes, now: datetime) -> bool:
    """Whether SendGrid signed this body, lately. ``public_key``: base64 of the key as SendGrid's settings show it."""
    try:
        signed_at = datetime.fromtimestamp(int(timestamp), now.tzinfo)
        key = load_der_public_key(b64decode(public_key))
        if not isinstance(key, ec.EllipticCurvePublicKey) or not is_timely(signed_at, now):
            return False
        key.verify(b64decode(signature), timestamp.encode() + body, ec.ECDSA(SHA256()))
    except (ValueError, OverflowError, OSError, InvalidSignature):
        return False
    return True


def read(body: bytes, now: datetime) -> Reading:
    """What the events say in our words; those of no concern to us are left out. Unreadable for no list of events."""
    try:
        events = json.loads(body)
    except ValueError:
        events = None
    if not isinstance(events, list):
        raise Unreadable("not a list of events")
    found = Reading()
    for event in events:
        if isinstance(event, dict):
            _read_event(event, now, found)
    return found


def _read_event(event: Mapping[str, Any], now: datetime, found: Reading) -> None:
    name, at = text_of(event.get("event")), moment(event.get("timestamp"), now)
    delivery_id = id_of(event.get(DELIVERY_TAG))
    if name in {"open", "click"}:
        if delivery_id is not None:
            found.hits.append((delivery_id, _hit(event, name, at)))
        return
    kind = _kind(event, name)
    event_id = text_of(event.get("sg_event_id"), 150)
    if kind is None or not event_id:
        return
    detail = text_of(event.get("reason") or event.get("response"))
    report = Report(
        kind=kind,
        source=_NAME,
        event_id=event_id,
        address=address_of(event.get("email")),
        at=at,
        delivery_id=delivery_id,
        # SendGrid's id of the message begins with the id it answered when it took the mail.
        provider_id=text_of(event.get("sg_message_id")).partition(".")[0],
        detail=detail,
    )
    found.reports.append(report)


def _kind(event: Mapping[str, Any], name: str) -> ReturnKind | None:
    if name == "bounce":
        # "blocked": the server would not have this mail now; a status of class 4 says the same (RFC 3463).
        passing = event.get("type") == "blocked" or text_of(event.get("status")).startswith("4")
        return ReturnKind.SOFT_BOUNCE if passing else ReturnKind.HARD_BOUNCE
    if name == "dropped":
        return _DROPPED.get(text_of(event.get("reason")).lower())
    return _KINDS.get(name)


def _hit(event: Mapping[str, Any], name: str, at: datetime) -> Hit:
    url = text_of(event.get("url"), 2000)
    return Hit(
        kind=ReturnKind(name),
        at=at,
        link=url or "pixel",
        source=_NAME,
        target=url,
        user_agent=text_of(event.get("useragent"), 500),
        address=text_of(event.get("ip")),
        told_machine=event.get("sg_machine_open") is True,
    )
