"""The HTTP client of sources and CRMs: bounded in time, size and attempts, typed in its failures.

Messages name the host and what to do; never a query string, a header or credentials.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import httpx

from models.base import utc_now
from models.settings import Settings
from tasks.net import guard
from tasks.net.faults import (
    FetchError,
    Refused,
    TooLarge,
    Unreachable,
    UnsafeAddress,
    WrongType,
    host_of,
    refusal,
    seconds_until,
)
from tasks.net.pace import Pace, leave_alone, take_turn
from tasks.net.patience import patiently

BACKOFF_CAP = 20.0
"""Seconds between two attempts at the most, where the host asks for nothing else."""
RETRY_AFTER_CAP = 30.0
"""Seconds a Retry-After may ask of us within a run; a longer one ends the unit as ``quota``."""
HOLD_AFTER_429 = 300.0
"""Seconds that a provider that said 429 without saying until when is left alone."""
MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_CHUNK = 65_536


Explain = Callable[[int, bytes], FetchError | None]
"""A provider's own reading of an error answer, from its status and body; None leaves it to the status."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete answer with status 2xx, or 304."""

    status: int
    url: str
    body: bytes
    media_type: str
    etag: str | None
    last_modified: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    """All of the answer's, found whatever the case of their names."""

    @property
    def not_modified(self) -> bool:
        return self.status == 304


@dataclass(frozen=True, slots=True)
class _Request:
    """What ``fetch`` was asked for; every attempt and every redirect starts from it."""

    url: str
    method: str
    headers: Mapping[str, str]
    json: Any
    form: Mapping[str, str] | None
    expect: Sequence[str]
    looks_right: Callable[[bytes], bool] | None
    allow_private: bool
    pace: Pace | None
    explain: Explain | None


class _Answer(NamedTuple):
    response: httpx.Response
    body: bytes


def user_agent(contact: str) -> str:
    """Who is calling, with an address they may write to."""
    return f"ClientMonitor/0.1 ({contact})" if contact else "ClientMonitor/0.1"


class Http:
    """Fetches documents; safe to share between threads. ``sleep`` and the clocks are injected."""

    def __init__(
        self,
        settings: Settings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        resolve: guard.Resolve = guard.resolve,
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._now = now
        self._monotonic = monotonic
        self._resolve = resolve
        self._clients: dict[bool, httpx.Client] = {}
        self._lock = threading.Lock()
        self._agent = user_agent(settings.contact)

    def close(self) -> None:
        """Drop the connections; the client may not be used afterwards."""
        for client in self._clients.values():
            client.close()

    def __enter__(self) -> "Http":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def leave_alone(self, pace: Pace, seconds: float | None = None) -> None:
        """Nobody asks this provider with this key for so long: it said so in words of its own."""
        leave_alone(pace, HOLD_AFTER_429 if seconds is None else seconds, now=self._now())

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        expect: Sequence[str] = (),
        looks_right: Callable[[bytes], bool] | None = None,
        allow_private: bool = False,
        pace: Pace | None = None,
        explain: Explain | None = None,
        attempts: int | None = None,
    ) -> Fetched:
        """The document at ``url``, or a FetchError.

        ``expect`` lists the media types that will do; another is WrongType unless ``looks_right`` knows the
        body. ``allow_private`` is for addresses the operator configured: the first host may be private or
        loopback, and when it is, so may its redirects. ``pace`` books a rate slot before every request.
        ``explain`` reads the body of an error answer: some providers say in words alone that a quota is spent.
        ``json`` or ``form`` is sent as the body. ``attempts`` replaces the deployment's number of them: 1 for
        what must not be sent twice.
        """
        request = _Request(
            url, method, headers or {}, json, form, expect, looks_right, allow_private, pace, explain
        )
        return patiently(
            lambda: self._attempt(request),
            attempts=attempts or self._settings.http_attempts,
            longest=BACKOFF_CAP,
            sleep=self._sleep,
        )

    def _attempt(self, request: _Request) -> Fetched:
        if request.pace is not None:
            take_turn(request.pace, host_of(request.url), now=self._now, sleep=self._sleep)
        url = request.url
        private_ok = request.allow_private
        for _ in range(MAX_REDIRECTS + 1):
            same_host = host_of(url) == host_of(request.url)
            addresses, is_private = self._addresses(url, private_ok)
            # A public host must not lead us inside: only one that is itself inside may point there.
            private_ok = private_ok and is_private
            answer = self._exchange(request, url, addresses, same_host)
            target = answer.response.headers.get("location")
            if answer.response.status_code in _REDIRECTS and target and request.method == "GET":
                url = urljoin(url, target)
                continue
            return self._judge(request, url, answer)
        raise Refused(
            f"{host_of(request.url)}: redirects in a circle; check the address",
            status=answer.response.status_code,
        )

    def _addresses(self, url: str, private_ok: bool) -> tuple[list[str], bool]:
        """Where to connect, and whether that is inside; empty when a proxy will decide."""
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise UnsafeAddress("an address that cannot be read; check it") from None
        host = parts.hostname
        if parts.scheme not in ("http", "https") or not host:
            raise UnsafeAddress(f"{host or 'an address'}: only http and https addresses are fetched")
        if guard.goes_through_proxy(parts.scheme, host) and not guard.is_literal(host):
            return [], False
        try:
            addresses = list(self._resolve(host, port))
        except (OSError, UnicodeError):
            raise Unreachable(
                f"{host}: this name has no address; check it, or the network", retry=True
            ) from None
        private = not all(guard.is_public(address) for address in addresses)
        if private and not private_ok:
            raise UnsafeAddress(
                f"{host}: a private address, which only feeds in CM_FEEDS may use; if it is yours, add it"
            )
        return addresses, private

    def _client(self, proxied: bool) -> httpx.Client:
        with self._lock:
            if proxied not in self._clients:
                # A connection is used once: pinned by address, it must not serve another host on the same
                # address.
                self._clients[proxied] = httpx.Client(
                    timeout=self._settings.http_timeout_seconds,
                    trust_env=proxied,
                    limits=httpx.Limits(max_keepalive_connections=0),
                )
            return self._clients[proxied]

    def _exchange(self, request: _Request, url: str, addresses: list[str], same_host: bool) -> _Answer:
        host = host_of(url)
        for address in addresses or [""]:
            try:
                return self._read(self._prepare(request, url, address, same_host), host, proxied=not address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except httpx.TimeoutException:
                raise Unreachable(
                    f"{host}: no answer in time; the next run tries again", retry=True
                ) from None
            except httpx.DecodingError:
                raise WrongType(f"{host}: an answer that cannot be unpacked; check the address") from None
            except httpx.TransportError:
                raise Unreachable(f"{host}: cut off before the end of the answer", retry=True) from None
            except httpx.InvalidURL:
                raise UnsafeAddress(f"{host}: an address that cannot be read; check it") from None
        raise Unreachable(f"{host}: cannot connect; check the address, or whether the host is up", retry=True)

    def _prepare(self, request: _Request, url: str, address: str, same_host: bool) -> httpx.Request:
        """A request to the very address that was checked, so that a second look-up cannot lead elsewhere."""
        parts = urlsplit(url)
        netloc = parts.netloc.rpartition("@")[2]
        headers = {"User-Agent": self._agent, "Accept": ", ".join((*request.expect, "*/*;q=0.1"))}
        if same_host:
            headers |= request.headers
        client = self._client(proxied=not address)
        if address:
            headers["Host"] = netloc
            literal = f"[{address}]" if ":" in address else address
            netloc = literal if parts.port is None else f"{literal}:{parts.port}"
        built = client.build_request(
            request.method,
            urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")),
            headers=headers,
            json=request.json if same_host else None,
            data=request.form if same_host else None,
            extensions={"sni_hostname": parts.hostname} if address and parts.scheme == "https" else None,
        )
        if same_host and parts.username is not None:
            login = httpx.BasicAuth(unquote(parts.username), unquote(parts.password or ""))
            built = next(login.auth_flow(built))
        return built

    def _read(self, built: httpx.Request, host: str, *, proxied: bool) -> _Answer:
        limit = self._settings.http_max_bytes
        # A server that drips a byte a second never trips the read timeout; this does.
        deadline = self._monotonic() + 4 * self._settings.http_timeout_seconds
        too_large = TooLarge(f"{host}: the answer is longer than {limit:,} bytes (CM_HTTP_MAX_BYTES)")
        response = self._client(proxied).send(built, stream=True)
        try:
            body = bytearray()
            announced = response.headers.get("content-length", "")
            if announced.isdigit() and int(announced) > limit:
                raise too_large
            for chunk in response.iter_bytes(_CHUNK):
                body += chunk
                if len(body) > limit:
                    raise too_large
                if self._monotonic() > deadline:
                    raise Unreachable(f"{host}: too slow to finish; the next run tries again", retry=True)
            return _Answer(response, bytes(body))
        finally:
            response.close()

    def _judge(self, request: _Request, url: str, answer: _Answer) -> Fetched:
        response, body = answer
        host, status = host_of(url), response.status_code
        if not (200 <= status < 300 or status == 304):
            raise self._fault(request, host, answer)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        expected = not request.expect or not media_type or media_type in request.expect
        if status != 304 and not expected and not (request.looks_right and request.looks_right(body)):
            raise WrongType(
                f"{host}: answered {media_type[:60]}, which is not what was asked for; check the address"
            )
        return Fetched(
            status=status,
            url=urlunsplit(urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2])),
            body=body,
            media_type=media_type,
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
            headers=response.headers,
        )

    def _fault(self, request: _Request, host: str, answer: _Answer) -> FetchError:
        status = answer.response.status_code
        after = seconds_until(answer.response.headers.get("retry-after"), self._now())
        said = request.explain(status, answer.body) if request.explain else None
        if said is not None and said.after is not None:
            after = max(said.after, after or 0.0)
        if request.pace is not None and (status == 429 or after is not None):
            self.leave_alone(request.pace, after)
        if said is not None:
            return said
        # Held back by 429 without a time, the next attempt would only find the slot closed.
        again = after <= RETRY_AFTER_CAP if after is not None else status != 429 or request.pace is None
        return refusal(host, status, after, again=again)
