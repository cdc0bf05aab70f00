"""One process, one port: the app, and the web service beside it."""

import hmac
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import streamlit

    from models.settings import Settings


def application(settings: "Settings | None" = None) -> "streamlit.App":
    """The whole as one ASGI app. A process can have one: Streamlit's own settings are the process's."""
    from starlette.middleware import Middleware
    from starlette.routing import Mount

    import ui
    from models.settings import get_settings
    from tasks.notify.links import PREFIX
    from web.app import create_app
    from web.gate import Gate

    settings = settings or get_settings()
    _tell_streamlit(settings)
    import streamlit as st

    return st.App(
        Path(str(ui.__file__)).with_name("app.py"),
        routes=[Mount(PREFIX, create_app(settings))],
        middleware=[Middleware(Gate, settings=settings)],
        secrets=secrets(settings),
    )


def secrets(settings: "Settings") -> dict[str, Any]:
    """What ``st.login`` needs to know; nothing where no identity provider is set."""
    if not settings.oidc_metadata_url or settings.oidc_client_secret is None:
        return {}
    from models.tokens import signing_keys

    return {
        "auth": {
            "redirect_uri": f"{settings.public_url.rstrip('/')}/oauth2callback",
            # Streamlit signs its cookie with a key of its own, so that neither can be taken for the other.
            "cookie_secret": hmac.digest(
                signing_keys(settings)[0], b"client-monitor/streamlit", "sha256"
            ).hex(),
            "client_id": settings.oidc_client_id,
            "client_secret": settings.oidc_client_secret.get_secret_value(),
            "server_metadata_url": settings.oidc_metadata_url,
        }
    }


def _tell_streamlit(settings: "Settings") -> None:
    """Streamlit reads its settings from ui/.streamlit/config.toml and the environment, once.

    The public address is whom its socket may be opened by; without one Streamlit asks the internet for ours.
    """
    host = urlsplit(settings.public_url).hostname
    if host:
        os.environ.setdefault("STREAMLIT_BROWSER_SERVER_ADDRESS", host)
    os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")
    os.environ.setdefault("STREAMLIT_LOGGER_LEVEL", "warning")
