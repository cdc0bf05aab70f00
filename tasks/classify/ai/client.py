"""The HTTP client under both SDKs: it follows no redirect, and an answer is bounded in size and time."""

from collections.abc import Iterator, Sequence
from typing import Any

import httpx2

from tasks.classify.ai.model import PATIENCE
from tasks.net.watch import Watch

MAX_BYTES = 4_000_000
"""Answers to our questions have some thousand; a server one was led to may have no end of them."""

_NOT_CONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout)


def was_sent(error: BaseException) -> bool:
    """Whether a request may have reached the server, by the SDK's error about its connection."""
    return not isinstance(error.__cause__, _NOT_CONNECTED)


class BoundedClient(httpx2.Client):
    """For ``http_client`` of an SDK.

    With ``addresses``, IP addresses that were checked, it connects to the first of them that answers and to nothing
    else: a second look-up of the name could lead elsewhere. Without, proxies are taken from the environment, as the
    SDKs' own clients do.
    """

    def __init__(self, timeout: float, addresses: Sequence[str] = ()) -> None:
        # A redirect could lead the prompt, or our network, anywhere. A connection is used once: the watch sees it
        # being made.
        super().__init__(
            timeout=timeout,
            follow_redirects=False,
            trust_env=not addresses,
            limits=httpx2.Limits(max_keepalive_connections=0),
        )
        self._seconds = PATIENCE * timeout
        self._addresses = tuple(addresses)

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """As the parent's, always read to its end; an answer too long or too slow is a TransportError."""
        with Watch(self._seconds) as watch:
            try:
                response = self._first(request, watch, options)
                response.read()
            except httpx2.TransportError:
                if watch.expired:
                    raise _too_slow() from None
                raise
            if watch.expired:  # an answer that says no length ends like this, too
                raise _too_slow()
            return response

    def _first(self, request: httpx2.Request, watch: Watch, options: dict[str, Any]) -> httpx2.Response:
        """The answer of the first address that can be connected to, its body still to come."""
        request.extensions = {**request.extensions, "trace": watch.trace}
        last: Exception | None = None
        for address in self._addresses:
            try:
                return self._begun(_pinned(request, address), options)
            except _NOT_CONNECTED as error:
                last = error
        if last is not None:
            raise last
        return self._begun(request, options)

    def _begun(self, request: httpx2.Request, options: dict[str, Any]) -> httpx2.Response:
        response = super().send(request, stream=True, **options)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Bounded(response.stream)
        return response


def _too_slow() -> httpx2.ReadTimeout:
    return httpx2.ReadTimeout("too slow to finish")


def _pinned(request: httpx2.Request, address: str) -> httpx2.Request:
    """The same request, to this IP address; its ``Host`` and its certificate stay those of the name."""
    extensions = {**request.extensions, "sni_hostname": request.url.host}
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        content=request.read(),
        extensions=extensions if request.url.scheme == "https" else request.extensions,
    )


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, inside: httpx2.SyncByteStream) -> None:
        self._inside = inside

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inside:
            size += len(chunk)
            if size > MAX_BYTES:
                raise httpx2.ReadError(f"more than {MAX_BYTES:,} bytes")
            yield chunk

    def close(self) -> None:
        self._inside.close()
