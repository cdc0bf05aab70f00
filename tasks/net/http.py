"""The HTTP client of sources and CRMs: bounded in time, size and attempts, typed in its failures.

Messages name the host and what to do; never a query string, a header or credentials.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from models.base import utc_now
from models.settings import Settings
from tasks.net import guard
from tasks.net.faults import (
    FetchError,
    Refused,
    WrongType,
    host_of,
    refusal,
    seconds_until,
)
from tasks.net.pace import Pace, leave_alone, take_turn
from tasks.net.patience import patiently
from tasks.net.wire import Answer, Outgoing, Wire

BACKOFF_CAP = 20.0
"""Seconds between two attempts at the most, where the host asks for nothing else."""
RETRY_AFTER_CAP = 30.0
"""Seconds a Retry-After may ask of us within a run; a longer one ends the unit as ``quota``."""
HOLD_AFTER_429 = 300.0
"""Seconds that a provider that said 429 without saying until when is left alone."""
MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}

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


def meant_for_too(url: str, target: str) -> bool:
    """Whether what was meant for ``url`` may go on to ``target``: the same host, and not less encrypted."""
    before, after = urlsplit(url), urlsplit(target)
    return host_of(url) == host_of(target) and after.scheme in (before.scheme, "https")


def user_agent(contact: str) -> str:
    """Who is calling, with an address they may write to."""
    return f"ClientMonitor/0.1 ({contact})" if contact else "ClientMonitor/0.1"


class Http:
    """Fetches documents; safe to share between threads. ``sleep`` and the clock are injected."""

    def __init__(
        self,
        settings: Settings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = utc_now,
        resolve: guard.Resolve = guard.resolve,
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._now = now
        self._resolve = resolve
        self._wire = Wire(settings)
        self._agent = user_agent(settings.contact)

    def close(self) -> None:
        """Drop the connections; the client may not be used afterwards."""
        self._wire.close()

    def __enter__(self) -> "Http":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def now(self) -> datetime:
        """The clock by which holds are reckoned: a provider's reset is to be told in seconds from here."""
        return self._now()

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
            addresses, is_private = guard.reach(url, self._resolve, private_ok=private_ok)
            # A public host must not lead us inside: only one that is itself inside may point there.
            private_ok = private_ok and is_private
            answer = self._wire.exchange(url, addresses, self._outgoing(request, url))
            target = answer.headers.get("location")
            if answer.status in _REDIRECTS and target and request.method == "GET":
                url = urljoin(url, target)
                continue
            return self._judge(request, url, answer)
        raise Refused(
            f"{host_of(request.url)}: redirects in a circle; check the address",
            status=answer.status,
        )

    def _outgoing(self, request: _Request, url: str) -> Outgoing:
        """What goes to ``url``: keys, bodies and logins only to whom they are meant for."""
        headers = {"User-Agent": self._agent, "Accept": ", ".join((*request.expect, "*/*;q=0.1"))}
        if not meant_for_too(request.url, url):
            return Outgoing(request.method, headers)
        return Outgoing(
            request.method, headers | dict(request.headers), request.json, request.form, login=True
        )

    def _judge(self, request: _Request, url: str, answer: Answer) -> Fetched:
        status, headers, body = answer
        host = host_of(url)
        if not (200 <= status < 300 or status == 304):
            raise self._fault(request, host, answer)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
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
            etag=headers.get("etag"),
            last_modified=headers.get("last-modified"),
            headers=headers,
        )

    def _fault(self, request: _Request, host: str, answer: Answer) -> FetchError:
        status = answer.status
        after = seconds_until(answer.headers.get("retry-after"), self._now())
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
