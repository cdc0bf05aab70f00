"""``serve``: the web service on one port, for links in mails and providers' webhooks."""

from typing import Annotated

import typer

from cli.output import note, say, warn

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
) -> None:
    """Serve what mails link to: unsubscribe, feedback, tracking where a tenant has it, webhooks, health.

    Put a proxy with TLS before it, name it in CM_TRUSTED_PROXIES, and its address in CM_PUBLIC_URL.
    """
    import uvicorn

    from models.settings import get_settings
    from services.setup import ensure_schema
    from tasks.notify.links import PREFIX
    from web.app import standalone

    ensure_schema()
    settings = get_settings()
    shown = f"[{host}]" if ":" in host else host
    say(f"links in mails: {settings.public_url.rstrip('/')}{PREFIX}/ → http://{shown}:{port}{PREFIX}/")
    note(f"alive: http://{shown}:{port}{PREFIX}/healthz, ready: {PREFIX}/readyz; Ctrl-C stops it")
    if not settings.public_url.startswith("https://"):
        warn("CM_PUBLIC_URL is not https: no one-click unsubscribing and no tracking")
    uvicorn.run(
        standalone(),
        host=host,
        port=port,
        log_level="warning",
        # A line for each request would keep the tokens of all links.
        access_log=False,
        # Whom to believe about addresses is CM_TRUSTED_PROXIES' to say.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_SLOWEST,
    )
