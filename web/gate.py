"""What stands before the app's own pages: the way to the sign-in, headers, and no socket for other sites' pages."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.settings import Settings
from services.signin.cookie import cookie_name, is_encrypted, unseal
from tasks.notify.links import PREFIX

_NO_PAGES = ("/_stcore", "/static", "/media", "/component", "/app/static", "/auth", "/oauth2callback", PREFIX)
"""Where Streamlit and the web service answer with something else than the app's page."""


class Gate:
    """Wraps the app and the web service beside it; what is below ``PREFIX`` has a guard of its own."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._headers = headers_for(private=is_encrypted(settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        elif scope["type"] != "http" or _is_below(scope["path"], (PREFIX,)):
            await self._app(scope, receive, send)
        elif self._is_strangers(scope):
            await RedirectResponse(_sign_in_for(scope), 303)(scope, receive, self._with_headers(send))
        else:
            await self._app(scope, receive, self._with_headers(send))

    def _is_strangers(self, scope: Scope) -> bool:
        """Whether a browser asks for a page without a session. Whether one holds, the app asks the database."""
        headers = Headers(scope=scope)
        if self._settings.oidc_metadata_url or scope["method"] not in {"GET", "HEAD"}:
            return False
        if _is_below(scope["path"], _NO_PAGES) or "text/html" not in headers.get("accept", ""):
            return False
        sent = cookie_parser(headers.get("cookie", "")).get(cookie_name(self._settings))
        return sent is None or unseal(sent, self._settings) is None

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A socket carries the browser's cookie whatever page opens it: only our own may."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        known = {headers.get("host", "").lower(), urlsplit(self._settings.public_url).netloc.lower()}
        if origin is not None and urlsplit(origin).netloc.lower() not in known:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)

    def _with_headers(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if is_encrypted(self._settings):
                    _secure_cookies(message)
            await send(message)

        return sending


def headers_for(*, private: bool) -> dict[str, str]:
    """What the app's own answers carry. ``private``: it is reached by https.

    Streamlit's page has an inline script and styles and its charts are compiled in the browser, so scripts are held
    to this server, not to hashes; nothing is loaded from or told to anywhere else.
    """
    policy = "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'self' data: blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )
    headers: Mapping[str, str] = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "X-Robots-Tag": "noindex",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    return {**headers, "Strict-Transport-Security": "max-age=31536000"} if private else dict(headers)


def _is_below(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


def _sign_in_for(scope: Scope) -> str:
    wanted = quote(scope["path"]) + (
        f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    )
    return f"{PREFIX}/sign-in" + (f"?next={quote(wanted, safe='/')}" if wanted != "/" else "")


def _secure_cookies(message: Message) -> None:
    """Streamlit's own cookies are for the encrypted connection alone where there is one."""
    message["headers"] = [
        (name, value + b"; Secure")
        if name.lower() == b"set-cookie" and b"; secure" not in value.lower()
        else (name, value)
        for name, value in message["headers"]
    ]
