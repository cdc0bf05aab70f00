"""Sends through SendGrid's v3 Mail Send API: one request a mail, never repeated here (it has no idempotency key).

SendGrid takes the parts and writes the message itself, so it signs itself too: our own DKIM signature would not hold.
Its tracking is switched off: what is tracked, with whose consent, is decided by us (promise 13).
"""

import time
from base64 import b64encode
from collections.abc import Callable
from threading import Lock
from typing import Any, ClassVar

import httpx

from models.limits import fingerprint
from models.settings import Settings
from tasks.notify.transports.parts import Parts, take_apart
from tasks.notify.transports.transport import (
    DELIVERY_TAG,
    About,
    Envelope,
    KeyUse,
    Limits,
    Outcome,
    Result,
    one_line,
)

_OUR_FAULT = {301, 302, 303, 307, 308, 401, 403, 404, 405, 406, 415}
"""Address, key, sender or rights: every other mail would be refused alike."""
_UNTRIED = {408}
"""The request did not arrive whole."""
_OUR_FIELDS = ("from", "reply_to", "mail_settings", "tracking_settings")
_TRACKING_OFF = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
}
_LONGEST_WAIT = 3600.0


class SendGridTransport:
    """Connections are kept between mails; a plan's limit is announced by 429 and its reset."""

    name: ClassVar[str] = "sendgrid"
    about: ClassVar[About] = About(
        title="SendGrid",
        recipient="Twilio Inc. (USA; in the EU with CM_SENDGRID_URL=https://api.eu.sendgrid.com)",
        sends="each mail, whole, with its reader's name and address",
        terms="https://www.twilio.com/legal/tos",
        key=KeyUse.REQUIRED,
        key_setting="sendgrid_api_key",
    )
    idempotent: ClassVar[bool] = False
    verbatim: ClassVar[bool] = False

    def __init__(self, settings: Settings, *, now: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._now = now
        self._lock = Lock()
        self._client: httpx.Client | None = None

    @property
    def limits(self) -> Limits:
        settings = self._settings
        key = settings.sendgrid_api_key
        return Limits(
            connections=settings.mail_connections,
            per_second=settings.mails_per_second,
            account=fingerprint(key.get_secret_value() if key else None),
        )

    def send(self, envelope: Envelope) -> Outcome:
        if self._settings.sendgrid_api_key is None:
            return Outcome(Result.UNAVAILABLE, "SendGrid: there is no key; set CM_SENDGRID_API_KEY")
        body = payload(envelope, take_apart(envelope.data), sandbox=self._settings.sendgrid_sandbox)
        try:
            response = self._connected().post("/v3/mail/send", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout) as error:
            return Outcome(Result.UNAVAILABLE, f"SendGrid: cannot connect: {type(error).__name__}")
        except httpx.InvalidURL:
            return Outcome(Result.UNAVAILABLE, "SendGrid: CM_SENDGRID_URL is no address")
        except httpx.HTTPError as error:
            # The request was on its way.
            return Outcome(Result.UNKNOWN, f"SendGrid: no answer: {type(error).__name__}")
        return self._meaning(response)

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = connect(self._settings, self._settings.http_timeout_seconds)
            return self._client

    def _meaning(self, response: httpx.Response) -> Outcome:
        status = response.status_code
        if status == 202 or (status == 200 and self._settings.sendgrid_sandbox):
            found = one_line(response.headers.get("X-Message-Id", ""), 200)
            return Outcome(Result.SENT, provider_id=found or None)
        said, field = _complaint(response)
        detail = f"SendGrid: answered {status}{f': {said}' if said else ''}"
        if status == 429:
            return Outcome(Result.UNAVAILABLE, detail, wait_seconds=self._until_reset(response))
        if status in _OUR_FAULT or (status == 400 and field.startswith(_OUR_FIELDS)):
            return Outcome(Result.UNAVAILABLE, detail)
        if status in _UNTRIED:
            return Outcome(Result.TEMPORARY, detail)
        if 400 <= status < 500:
            return Outcome(Result.PERMANENT, detail)
        # A fault behind its door, or an answer from something on the way: it may have taken the mail.
        return Outcome(Result.UNKNOWN, detail)

    def _until_reset(self, response: httpx.Response) -> float | None:
        reset = response.headers.get("X-RateLimit-Reset", "")
        if not reset.isdecimal():
            return None
        return min(max(int(reset) - self._now(), 1.0), _LONGEST_WAIT)


def connect(settings: Settings, timeout: float) -> httpx.Client:
    """A client of SendGrid's API that carries the key and follows no redirect."""
    key = settings.sendgrid_api_key
    return httpx.Client(
        base_url=settings.sendgrid_url,
        headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
        timeout=timeout,
        limits=httpx.Limits(max_keepalive_connections=settings.mail_connections),
    )


def payload(envelope: Envelope, parts: Parts, *, sandbox: bool) -> dict[str, Any]:
    """The request: the stored mail's own subject, bodies and headers; beyond them only our id of it."""
    to: dict[str, Any] = {"to": [_recipient(envelope, parts)]}
    if envelope.delivery_id:
        # Here an object by the published contract; at the request's top level that calls it a string.
        to["custom_args"] = {DELIVERY_TAG: envelope.delivery_id}
    body: dict[str, Any] = {
        "personalizations": [to],
        "from": _person(parts.sender, parts.sender_name),
        "subject": parts.subject,
        "content": [
            {"type": kind, "value": value}
            for kind, value in (("text/plain", parts.text), ("text/html", parts.html))
            if value
        ],
        "headers": dict(parts.headers),
        "tracking_settings": _TRACKING_OFF,
    }
    if parts.images:
        body["attachments"] = [
            {
                "content": b64encode(image.data).decode("ascii"),
                "type": image.media_type,
                "filename": image.file_name,
                "disposition": "inline",
                "content_id": image.content_id,
            }
            for image in parts.images
        ]
    if parts.reply_to:
        body["reply_to"] = {"email": parts.reply_to}
    if sandbox:
        body["mail_settings"] = {"sandbox_mode": {"enable": True}}
    return body


def _recipient(envelope: Envelope, parts: Parts) -> dict[str, str]:
    if envelope.recipient.lower() == parts.recipient.lower():
        return _person(envelope.recipient, parts.recipient_name)
    # Led elsewhere by a setting: SendGrid writes the To header, so its name must say whom the mail was for.
    return _person(envelope.recipient, f"for {parts.recipient}" if parts.recipient else "")


def _person(address: str, name: str) -> dict[str, str]:
    return {"email": address, "name": name} if name else {"email": address}


def _complaint(response: httpx.Response) -> tuple[str, str]:
    """The first thing it objects to, and the field that is about; both empty where it does not say."""
    try:
        first = response.json()["errors"][0]
        return one_line(first.get("message") or ""), str(first.get("field") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", ""
