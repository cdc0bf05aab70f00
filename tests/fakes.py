"""Local stand-ins for the outside world: real sockets, no patches."""

import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server."""

    body: bytes = b""
    status: int = 200
    media_type: str | None = "application/rss+xml; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Announce the whole body, send so many bytes, hang up."""
    stall: bool = False
    """Send nothing until the client gives up or the server is closed."""
    reset_after: int | None = None
    """Announce the whole body, send so many bytes, and reset the connection: no orderly end, as of a crash."""
    drip: bool = False
    """Send the body a byte at a time, for as long as the client takes it."""
    drip_headers: bool = False
    """Send a header a byte at a time, without an end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


Answering = Callable[[Asked], Reply]
"""A reply that depends on what was asked."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The standard library's 5 overflow when a whole pool connects at once, and an overflowing queue drops
    # the connection: a time-out that no reply asked for.
    request_queue_size = 128


class NewsServer:
    """A loopback HTTP server: replies are queued for a path, the last one is repeated; requests are recorded."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self._scheme = "https" if tls else "http"
        self._replies: dict[str, deque[Reply | Answering]] = {}
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> "NewsServer":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def serve(self, path: str, *replies: Reply | Answering | bytes | str) -> str:
        """Answer ``path`` with these replies in turn, and go on with the last; returns the address."""
        made = [Reply(_bytes(reply)) if isinstance(reply, bytes | str) else reply for reply in replies]
        self._replies[path] = deque(made)
        return self.url(path)

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.asked)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        asked = Asked(handler.command, parts.path, parse_qs(parts.query), dict(handler.headers), body)
        self.asked.append(asked)
        queue = self._replies.get(parts.path)
        reply = Reply(status=404, media_type="text/html", body=b"<html>not here</html>")
        if queue:
            queued = queue.popleft() if len(queue) > 1 else queue[0]
            reply = queued if isinstance(queued, Reply) else queued(asked)
        if reply.stall:
            self._closing.wait(30)
            return
        try:
            if reply.drip_headers:
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                self._drip(handler, b"x" * 2_000)
                return
            handler.send_response(reply.status)
            if reply.media_type:
                handler.send_header("Content-Type", reply.media_type)
            for name, value in reply.headers.items():
                handler.send_header(name, value)
            if reply.status != 304:
                handler.send_header("Content-Length", str(len(reply.body)))
            handler.end_headers()
            if reply.drip:
                self._drip(handler, reply.body)
            elif reply.reset_after is not None:
                handler.wfile.write(reply.body[: reply.reset_after])
                _reset(handler)
            else:
                handler.wfile.write(reply.body[: reply.cut_after])
        except (BrokenPipeError, ConnectionResetError):
            pass
        handler.close_connection = True

    def _drip(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        for byte in body:
            handler.wfile.write(bytes([byte]))
            if self._closing.wait(0.02):
                raise BrokenPipeError


def _reset(handler: BaseHTTPRequestHandler) -> None:
    """Close at once, which with this option sends RST; closing in order would send FIN first."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.rfile.close()
    handler.connection.close()


def _bytes(body: bytes | str) -> bytes:
    return body if isinstance(body, bytes) else body.encode()


def rss(
    items: Iterable[Mapping[str, str]],
    *,
    title: str = "Example Business News",
    link: str = "https://news.example/",
) -> str:
    """An RSS 2.0 document; an item's keys are element names, ``source_url`` the source's attribute."""
    parts = []
    for item in items:
        fields = ""
        for name, value in item.items():
            if name == "source_url":
                continue
            attribute = (
                f" url={quoteattr(item['source_url'])}" if name == "source" and "source_url" in item else ""
            )
            fields += f"<{name}{attribute}>{escape(value)}</{name}>"
        parts.append(f"<item>{fields}</item>")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel>'
        f"<title>{escape(title)}</title><link>{link}</link><description>News</description>"
        f"<language>en-us</language>{''.join(parts)}</channel></rss>\n"
    )


def atom(entries: Sequence[Mapping[str, str]], *, title: str = "Example Newsroom") -> str:
    """An Atom document; keys: title, link, updated, summary."""
    parts = []
    for number, entry in enumerate(entries):
        link = f"<link rel='alternate' href={quoteattr(entry['link'])}/>" if "link" in entry else ""
        rest = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in entry.items() if k != "link")
        parts.append(f"<entry><id>tag:news.example,2026:{number}</id>{link}{rest}</entry>")
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{escape(title)}</title><id>urn:x</id><updated>2026-03-10T08:00:00Z</updated>{''.join(parts)}</feed>"
    )


def google_news(headlines: Sequence[tuple[str, str]], *, day: str = "Mon, 09 Mar 2026 07:00:00 GMT") -> str:
    """What Google News answers to a search: (headline, publisher) pairs as its RSS has them."""
    items = []
    for number, (headline, publisher) in enumerate(headlines):
        link = f"https://news.google.com/rss/articles/CBMi{number:04d}?oc=5"
        items.append(
            {
                "title": f"{headline} - {publisher}",
                "link": link,
                "guid": f"CBMi{number:04d}",
                "pubDate": day,
                "description": f'<a href="{link}" target="_blank">{headline}</a>&nbsp;&nbsp;'
                f'<font color="#6f6f6f">{publisher}</font>',
                "source": publisher,
                "source_url": f"https://{publisher.lower().replace(' ', '')}.example",
            }
        )
    return rss(items, title='"Acme" - Google News', link="https://news.google.com/search")


def jsonl(rows: Iterable[Any]) -> str:
    """Rows as JSON lines; a string goes in as it is (a broken line)."""
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
