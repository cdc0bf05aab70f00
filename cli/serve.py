"""``serve``: the app and the web service on one port."""

import logging
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import note, say, warn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PORT = 8501
"""The port CM_PUBLIC_URL names unless it is set."""
_SLOWEST = 10
"""Seconds that requests under way may take when the service is stopped."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = PORT,
    no_app: Annotated[
        bool, typer.Option("--no-app", help="Only what mails link to and providers report to.")
    ] = False,
) -> None:
    """Serve the app, and what mails link to: unsubscribe, feedback, tracking where a tenant has it, webhooks, health.

    Put a proxy with TLS before it, name it in CM_TRUSTED_PROXIES, and its address in CM_PUBLIC_URL.
    """
    import uvicorn

    from models.settings import get_settings
    from services.setup import ensure_schema
    from tasks.notify.links import PREFIX

    ensure_schema()
    settings = get_settings()
    shown = f"[{host}]" if ":" in host else host
    if not no_app:
        say(f"the app:        {settings.public_url.rstrip('/')}/ → http://{shown}:{port}/")
    say(f"links in mails: {settings.public_url.rstrip('/')}{PREFIX}/ → http://{shown}:{port}{PREFIX}/")
    note(f"alive: http://{shown}:{port}{PREFIX}/healthz, ready: {PREFIX}/readyz; Ctrl-C stops it")
    if not settings.public_url.startswith("https://"):
        warn("CM_PUBLIC_URL is not https: no one-click unsubscribing and no tracking")
    served = _application(no_app)
    # A line for each request would keep the tokens of all links; Streamlit turns on what access_log turns off.
    logging.getLogger("uvicorn.access").addFilter(lambda _record: False)
    uvicorn.run(
        served,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        # Whom to believe about addresses is CM_TRUSTED_PROXIES' to say.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_SLOWEST,
    )


def _application(no_app: bool) -> "ASGIApp":
    if no_app:
        from web.app import standalone

        return standalone()
    from cli.asgi import application
    from services.schedules.recurrence import load_ahead

    served = application()
    threading.Thread(target=load_ahead, name="load-ahead", daemon=True).start()
    return served
