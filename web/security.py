"""What every answer has in common: small bodies only, not too often, and headers that allow nothing.

An ASGI middleware around the app. Its memory is bounded and its own; behind several processes each counts for itself.
"""

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Lock

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.pages import Page, answer, style_hash

_log = logging.getLogger(__name__)

WINDOW = 60.0
"""Seconds that requests are counted over."""
PER_ADDRESS = 300
"""An office behind one address opens its morning digests at the same time."""
PER_LINK = 30
PER_REPORTER = 1200
"""Providers report every mail."""
SMALL_BODY = 4_096
"""Bytes; the longest form has two fields."""
REPORT_BODY = 1_000_000
_KEYS = 20_000
_SIGNATURE = 40
"""Characters at the end of a link that no two links share."""

_TOO_LARGE = Page("Too much at once", lead=("What was sent is larger than anything this page takes.",))
_TOO_OFTEN = Page(
    "Too many requests", ("Please wait a minute, then open the link again. Nothing was changed.",)
)
_BROKEN = Page("That went wrong", lead=("It is our fault, and it is written down. Please try again later.",))


class SlidingWindow:
    """How often each key was seen in the last ``WINDOW`` seconds; of the ``_KEYS`` keys seen last."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def allows(self, key: str, limit: int) -> bool:
        """Whether this one is within the limit; only what is counts."""
        now = self._monotonic()
        with self._lock:
            times = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            if len(self._seen) > _KEYS:
                self._seen.popitem(last=False)
            while times and times[0] <= now - WINDOW:
                times.popleft()
            if len(times) >= limit:
                return False
            times.append(now)
            return True


class ClientAddress:
    """Whose request it is. X-Forwarded-For is believed only from the proxies the deployment named."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted: Sequence[IPv4Network | IPv6Network] = [ip_network(text) for text in trusted]

    def __call__(self, scope: Scope) -> str:
        """The address of the nearest hop that is no proxy of ours; empty where there is none to be had."""
        peer = scope.get("client")
        address = str(peer[0]) if peer else ""
        forwarded = Headers(scope=scope).getlist("x-forwarded-for")
        hops = [hop.strip() for line in forwarded for hop in line.split(",")]
        while hops and self._is_trusted(address):
            address = hops.pop()
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._trusted)


class _TooLarge(Exception):
    """The body went on past its limit."""


class _Exchange:
    """One request and its answer: stops a body at its limit, and adds the headers to whatever is answered."""

    def __init__(self, receive: Receive, send: Send, headers: Mapping[str, str], limit: int) -> None:
        self._receive, self._send, self._headers = receive, send, headers
        self.limit = limit
        self.is_overrun = False
        self._taken = 0
        self.has_begun = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken > self.limit:
            self.is_overrun = True
            raise _TooLarge
        return message

    async def send(self, message: Message) -> None:
        if self.is_overrun and not self.has_begun:
            return  # who parsed the body made an answer of their own of our refusal
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def finish(self, scope: Scope) -> None:
        """Answer for a body that was too large, unless something was answered already."""
        if self.is_overrun and not self.has_begun:
            self.is_overrun = False
            await answer(_TOO_LARGE, 413)(scope, self._receive, self.send)


class Guard:
    """Wraps the app."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        client_address: ClientAddress,
        private: bool,
        window: SlidingWindow,
    ) -> None:
        self._app = app
        self._client_address = client_address
        self._window = window
        self._headers = headers_for(private)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_report = "/hooks/" in scope["path"]
        exchange = _Exchange(receive, send, self._headers, REPORT_BODY if is_report else SMALL_BODY)
        if not self._is_welcome(scope, is_report):
            refusal = answer(_TOO_OFTEN, 429)
            refusal.headers["Retry-After"] = f"{WINDOW:.0f}"
            await refusal(scope, receive, exchange.send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > exchange.limit:
            exchange.is_overrun = True
        else:
            await self._run(scope, exchange)
        await exchange.finish(scope)

    async def _run(self, scope: Scope, exchange: _Exchange) -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except _TooLarge:
            return
        except Exception:
            if exchange.has_begun:
                raise
            _log.exception("a request broke the service")
            await answer(_BROKEN, 500)(scope, exchange.receive, exchange.send)

    def _is_welcome(self, scope: Scope, is_report: bool) -> bool:
        network = network_of(self._client_address(scope))
        if is_report:
            return self._window.allows(f"reports {network}", PER_REPORTER)
        # Tokens, and nothing else here, have a dot; they end in their signature, which tells them apart.
        link = scope["path"][-_SIGNATURE:] if "." in scope["path"] else ""
        by_address = self._window.allows(f"address {network}", PER_ADDRESS)
        return by_address and (not link or self._window.allows(f"link {link}", PER_LINK))


def headers_for(private: bool) -> dict[str, str]:
    """What every answer carries, unless its route says otherwise; ``private``: the service is reached by https."""
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{style_hash()}'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if private:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def network_of(address: str) -> str:
    """Whom to count: an IPv4 address, or the /64 an IPv6 customer has for themselves."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    return str(ip_network((ip, 64), strict=False)) if isinstance(ip, IPv6Address) else str(ip)
