"""The pixel of an open and the redirect of a click, in mails of tenants that have them counted (promise 13).

Destinations are part of the signed token: there is no open redirect, and no database between a reader and an article.
What is counted, after the answer went out, is a raw hit and nothing else.
"""

import logging
from base64 import b64decode

from fastapi import APIRouter, Request
from sqlalchemy.exc import DBAPIError
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from models.returns import ReturnKind
from models.tokens import Purpose
from services.engagement import Hit
from tasks.notify.safe import safe_url
from web.pages import gone
from web.routes import REFUSALS, look
from web.service import Service, TheService

router = APIRouter()
_log = logging.getLogger(__name__)

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A GIF of one transparent point."""
_IMAGE = {"content": {"image/gif": {}}, "description": "One transparent point"}
# Webmail shows the image on a page of its own origin.
_SHOWN_ANYWHERE = {"Cross-Origin-Resource-Policy": "cross-origin"}


@look(
    router,
    f"/{Purpose.OPEN}/{{token}}.gif",
    response_class=Response,
    responses={**REFUSALS, 200: _IMAGE},
)
def opened(token: str, request: Request, service: TheService) -> Response:
    """The pixel."""
    if service.tokens.read(Purpose.OPEN, token, service.now) is None:
        return gone()
    hit = _hit(service, request, ReturnKind.OPEN, link="pixel")
    counted = BackgroundTask(_count, service, Purpose.OPEN, token, hit)
    return Response(PIXEL, media_type="image/gif", headers=_SHOWN_ANYWHERE, background=counted)


@look(
    router,
    f"/{Purpose.READ}/{{token}}",
    status_code=302,
    response_class=RedirectResponse,
    responses=REFUSALS,
)
def read(token: str, request: Request, service: TheService) -> Response:
    """On to the article."""
    grant = service.tokens.read(Purpose.READ, token, service.now)
    destination = safe_url(grant.about.decode("ascii", "replace")) if grant else None
    if destination is None:
        return gone()
    hit = _hit(service, request, ReturnKind.CLICK, link=destination)
    counted = BackgroundTask(_count, service, Purpose.READ, token, hit)
    return RedirectResponse(destination, 302, background=counted)


def _hit(service: Service, request: Request, kind: ReturnKind, *, link: str) -> Hit:
    headers = request.headers
    announced = " ".join(
        headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")
    ).lower()
    return Hit(
        kind=kind,
        at=service.now,
        link=link,
        target=link if kind is ReturnKind.CLICK else "",
        user_agent=headers.get("user-agent", "")[:500],
        address=service.client_address(request.scope),
        is_head=request.method == "HEAD",
        is_prefetch=any(word in announced for word in ("prefetch", "prerender", "preview")),
    )


def _count(service: Service, purpose: Purpose, token: str, hit: Hit) -> None:
    try:
        visit = service.visit(purpose, token)
        if visit is not None:
            service.engagement.take(visit.delivery.id, hit)
    except DBAPIError as error:
        # The reader has their article; a figure that is one too low is the lesser harm.
        _log.warning("a hit was not counted: the database said %s", type(error.orig).__name__)
