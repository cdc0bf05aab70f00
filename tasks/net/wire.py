"""One exchange with one host: to the address that was checked, and no longer or larger than we let it be."""

import logging
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from models.settings import Settings
from tasks.net.faults import TooLarge, Unreachable, UnsafeAddress, WrongType, host_of
from tasks.net.watch import Watch

PATIENCE = 4
"""How many times ``http_timeout_seconds``, which is for one silence, a whole exchange may take."""

for _name in ("httpx", "httpcore"):
    # Below this they quote whole addresses and headers, and with them what feeds carry in their query.
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is sent. ``login``: whether the user name and password in the address go along."""

    method: str
    headers: Mapping[str, str]
    json: Any = None
    form: Mapping[str, str] | None = None
    login: bool = False


class Answer(NamedTuple):
    status: int
    headers: httpx.Headers
    body: bytes


class Wire:
    """Connections that serve one exchange each; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clients: dict[bool, httpx.Client] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Drop the connections; the wire may not be used afterwards."""
        for client in self._clients.values():
            client.close()

    def exchange(self, url: str, addresses: list[str], outgoing: Outgoing) -> Answer:
        """The complete answer of the first of these addresses that can be connected to; FetchError.

        Without addresses the deployment's proxy is asked to fetch ``url``.
        """
        host = host_of(url)
        for address in addresses or [""]:
            with Watch(PATIENCE * self._settings.http_timeout_seconds) as watch:
                try:
                    answer = self._send(url, address, outgoing, watch)
                except httpx.ConnectError as error:
                    _refuse_untrusted(host, error)
                    continue
                except httpx.ConnectTimeout:
                    continue
                except httpx.DecodingError:
                    raise WrongType(f"{host}: an answer that cannot be unpacked; check the address") from None
                except httpx.InvalidURL:
                    raise UnsafeAddress(f"{host}: an address that cannot be read; check it") from None
                except httpx.TransportError as error:
                    raise _broken(host, error, watch) from None
                if watch.expired:  # an answer that says no length ends like this, too
                    raise _too_slow(host)
                return answer
        raise Unreachable(f"{host}: cannot connect; check the address, or whether the host is up", retry=True)

    def _send(self, url: str, address: str, outgoing: Outgoing, watch: Watch) -> Answer:
        client = self._client(proxied=not address)
        built = _pinned(client, url, address, outgoing)
        built.extensions["trace"] = watch.trace
        response = client.send(built, stream=True)
        try:
            return Answer(response.status_code, response.headers, self._body(response, host_of(url)))
        finally:
            response.close()

    def _body(self, response: httpx.Response, host: str) -> bytes:
        limit = self._settings.http_max_bytes
        too_large = TooLarge(f"{host}: the answer is longer than {limit:,} bytes (CM_HTTP_MAX_BYTES)")
        announced = response.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            raise too_large
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > limit:
                raise too_large
        return bytes(body)

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


def _pinned(client: httpx.Client, url: str, address: str, outgoing: Outgoing) -> httpx.Request:
    """A request to the very address that was checked, so that a second look-up cannot lead elsewhere."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    headers = dict(outgoing.headers)
    if address:
        headers["Host"] = netloc
        literal = f"[{address}]" if ":" in address else address
        netloc = literal if parts.port is None else f"{literal}:{parts.port}"
    built = client.build_request(
        outgoing.method,
        urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")),
        headers=headers,
        json=outgoing.json,
        data=outgoing.form,
        extensions={"sni_hostname": parts.hostname} if address and parts.scheme == "https" else None,
    )
    if outgoing.login and parts.username is not None:
        login = httpx.BasicAuth(unquote(parts.username), unquote(parts.password or ""))
        built = next(login.auth_flow(built))
    return built


def _refuse_untrusted(host: str, error: BaseException) -> None:
    """Raise where the host answered, but not as one we may trust: trying again would end no better."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise Unreachable(f"{host}: its certificate is not trusted; check the address") from None
        if isinstance(cause, ssl.SSLError):
            raise Unreachable(f"{host}: no encrypted connection came about; check the address") from None
        cause = cause.__cause__ or cause.__context__


def _broken(host: str, error: httpx.TransportError, watch: Watch) -> Unreachable:
    if watch.expired:
        return _too_slow(host)
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"{host}: no answer in time; the next run tries again", retry=True)
    return Unreachable(f"{host}: cut off before the end of the answer", retry=True)


def _too_slow(host: str) -> Unreachable:
    return Unreachable(f"{host}: too slow to finish; the next run tries again", retry=True)
