"""The web service: what comes back from mails, and the way in. An ASGI app without global state.

Mounted at ``tasks.notify.links.PREFIX`` of the address people reach us at, alone (``standalone``) or beside the
app: ``st.App(…, routes=[Mount(PREFIX, create_app())])``.
"""

import logging
import time
from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount

from models.clock import Clock, SystemClock
from models.settings import Settings, get_settings
from services.engagement import Engagement
from tasks.net.http import Http
from tasks.notify.links import PREFIX
from web import health, links, notsent, reactions, signin, signin_links, tracking, webhooks
from web.hooks.sns import Fetch, Verifier
from web.pages import Page, answer, gone
from web.security import ClientAddress, Guard, SlidingWindow
from web.service import Service

_log = logging.getLogger(__name__)

_UNREADABLE = Page(
    "This cannot be read", lead=("What was sent is not what the page sends. Nothing was changed.",)
)
_AWAY = Page(
    "Not now, please",
    lead=("Client Monitor cannot reach its database. Nothing was changed; try again in a few minutes.",),
)


def create_app(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    fetch: Fetch | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The service, with routes relative to where it is mounted. ``fetch`` gets what SNS refers to."""
    settings = settings or get_settings()
    app = FastAPI(
        title="Client Monitor: links in mails",
        description="Sign-in; unsubscribe, feedback and tracking by mail; webhooks of mail providers; health.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    http = Http(settings)
    address_of = ClientAddress(settings.trusted_proxies)
    window = SlidingWindow(monotonic)
    app.state.service = Service(
        settings=settings,
        clock=clock or SystemClock(),
        engagement=Engagement(settings.scanner_networks),
        sns=Verifier(fetch or (lambda url: http.fetch(url).body)),
        client_address=address_of,
        window=window,
    )
    for part in (health, links, notsent, tracking, webhooks, reactions, signin, signin_links):
        app.include_router(part.router)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(RequestValidationError, lambda _request, _error: gone())
    app.add_exception_handler(DBAPIError, _no_database)
    app.add_middleware(
        Guard,
        client_address=address_of,
        private=settings.public_url.startswith("https://"),
        window=window,
    )
    return app


def standalone() -> Starlette:
    """The service alone on a port, under the same addresses as beside the app."""
    return Starlette(routes=[Mount(PREFIX, create_app())])


def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return gone()
    page = answer(_UNREADABLE, error.status_code)
    page.headers.update(error.headers or {})
    return page


def _no_database(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)
    # The statement's parameters are people's data.
    _log.error("the database said %s", type(error.orig).__name__)
    page = answer(_AWAY, 503)
    page.headers["Retry-After"] = "60"
    return page
