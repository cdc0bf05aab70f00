"""The HTTP client under both SDKs: it follows no redirect, and an answer is bounded in size and time."""

import time
from collections.abc import Iterator
from typing import Any

import httpx2

MAX_BYTES = 4_000_000
"""Answers to our questions have some thousand; a server one was led to may have no end of them."""
PATIENCE = 2
"""How many time-outs, each for one silence, a whole answer may take: a byte a minute trips none of them."""


class BoundedClient(httpx2.Client):
    """For ``http_client`` of an SDK. Proxies are taken from the environment, as the SDKs' own clients do."""

    def __init__(self, timeout: float) -> None:
        # A redirect could lead the prompt, or our network, anywhere.
        super().__init__(timeout=timeout, follow_redirects=False)
        self._seconds = PATIENCE * timeout

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """As the parent's; an answer that is too long or too slow is a TransportError."""
        deadline = time.monotonic() + self._seconds
        response = super().send(request, stream=True, **options)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Bounded(response.stream, deadline)
        if not stream:
            try:
                response.read()
            finally:
                response.close()
        return response


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, inside: httpx2.SyncByteStream, deadline: float) -> None:
        self._inside = inside
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inside:
            size += len(chunk)
            if size > MAX_BYTES:
                raise httpx2.ReadError(f"more than {MAX_BYTES:,} bytes")
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("too slow to finish")
            yield chunk

    def close(self) -> None:
        self._inside.close()
