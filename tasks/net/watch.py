"""An end to an exchange as a whole, however its bytes trickle in."""

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


class Watch:
    """Breaks the connection when an exchange takes too long as a whole.

    Give ``trace`` to the request as its extension of that name; the connection must be made for this exchange.
    A server that sends a byte now and then, of its headers or its body, never trips a time-out for reading.
    """

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> "Watch":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, _event: str, info: Mapping[str, Any]) -> None:
        """httpcore's account of its steps: connecting, and encrypting, each end with a new stream."""
        extra = getattr(info.get("return_value"), "get_extra_info", None)
        if extra is None:
            return
        with self._lock:
            self._socket = extra("socket")
            if self.expired:
                self._break()

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            self._break()

    def _break(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                # The plain socket's method: an encrypted one's would take its state away from under the reader.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
