"""Where mail providers report to. Nothing is believed that they did not sign; a report comes any number of times.

A provider whose key or topics are not set has no address here. What is not understood is no fault of the sender's: it
is answered as taken, or a provider would go on reporting it.
"""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import PlainTextResponse, Response

from services.suppression import take_report
from tasks.net.faults import FetchError
from web.hooks import sendgrid, ses, sns
from web.hooks.reading import Reading, Unreadable
from web.pages import gone
from web.routes import REFUSALS
from web.service import Service, TheService

router = APIRouter(prefix="/hooks")
_log = logging.getLogger(__name__)

_TEXT: dict[str, Any] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_ROUTE: dict[str, Any] = {
    "status_code": 204,
    "response_class": Response,
    "responses": {
        **REFUSALS,
        400: {"description": "Not what this provider sends", **_TEXT},
        403: {"description": "Not signed by this provider", **_TEXT},
        502: {"description": "What vouches for the signature cannot be fetched now", **_TEXT},
    },
    "openapi_extra": {"requestBody": {"content": {"application/json": {"schema": {}}}}},
}


async def _raw(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_raw)]


@router.post("/sendgrid", **_ROUTE)
def from_sendgrid(
    body: Body,
    service: TheService,
    signature: Annotated[str, Header(alias=sendgrid.SIGNATURE)] = "",
    timestamp: Annotated[str, Header(alias=sendgrid.TIMESTAMP)] = "",
) -> Response:
    """SendGrid's signed event webhook."""
    key = service.settings.sendgrid_webhook_key
    if not key:
        return gone()
    if not sendgrid.is_genuine(key, signature, timestamp, body, service.now):
        return _forged("sendgrid")
    try:
        return _take(service, sendgrid.read(body, service.now))
    except Unreadable:
        return PlainTextResponse("not a list of events\n", 400)


@router.post("/ses", **_ROUTE)
def from_ses(body: Body, service: TheService) -> Response:
    """Amazon SES through a topic of Amazon SNS."""
    if not service.settings.ses_topics:
        return gone()
    try:
        envelope = sns.open_envelope(body)
    except Unreadable:
        return _forged("ses")
    if envelope["TopicArn"] not in service.settings.ses_topics:
        return _forged("ses")
    try:
        if not service.sns.is_genuine(envelope, service.now):
            return _forged("ses")
        if envelope["Type"] == sns.SUBSCRIPTION:
            return Response(status_code=204) if service.sns.confirm(envelope) else _forged("ses")
    except FetchError as error:
        _log.warning("ses webhook: %s", error)
        return PlainTextResponse("try again\n", 502)
    try:
        return _take(service, ses.read(envelope["Message"], service.now))
    except Unreadable:
        return Response(status_code=204)


def _take(service: Service, found: Reading) -> Response:
    for report in found.reports:
        take_report(report, now=service.now)
    for delivery_id, hit in found.hits:
        service.engagement.take(delivery_id, hit)
    return Response(status_code=204)


def _forged(provider: str) -> Response:
    _log.warning("%s webhook: a report without a valid signature was refused", provider)
    return PlainTextResponse("not signed by this provider\n", 403)
