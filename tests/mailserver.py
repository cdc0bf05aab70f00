"""A real SMTP server on loopback that does what a test tells it to, and counts what it accepted."""

import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tasks.notify.transports.parts import take_apart


@dataclass
class Mailbox:
    """The server's handler. ``says`` holds what it answers at "MAIL", "RCPT", "DATA" or "END"; the word "cut" breaks
    the connection, "kill" ends the process ``victim``. Answers in a list are used up one by one, then it agrees."""

    says: dict[str, list[str]] = field(default_factory=dict)
    accepted: list[Envelope] = field(default_factory=list)
    connections: int = 0
    victim: int | None = None

    def _answer(self, server: SMTP, step: str) -> str | None:
        answers = self.says.get(step)
        answer = answers.pop(0) if answers else None
        if answer == "cut":
            server.transport.abort()
            return "421 cut"
        if answer == "kill":
            assert self.victim is not None
            os.kill(self.victim, signal.SIGKILL)
            return None
        return answer

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        self._answer(server, "EHLO")
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self._answer(server, "MAIL"):
            return refusal
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self._answer(server, "RCPT"):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called when the message is complete: "DATA" refuses it, "END" happens after it was accepted."""
        if refusal := self._answer(server, "DATA"):
            return refusal
        self.accepted.append(envelope)
        return self._answer(server, "END") or f"250 OK queued as M{len(self.accepted)}"


_TOKEN = re.compile(r"(/web(?:/[a-z-]+)+/)[\w-]+\.[\w-]+")


def as_read(data: bytes) -> tuple[object, ...]:
    """A mail's parts without the tokens of its links, which name one row of one database and so differ in another."""
    parts = take_apart(data)
    told = repr([(one.name, getattr(parts, one.name)) for one in fields(parts)])
    return (_TOKEN.sub(r"\1TOKEN", told), *re.findall(rb"(?m)^[A-Za-z-]+:", data))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def smtp_server(
    mailbox: Mailbox,
    *,
    port: int | None = None,
    login: Callable[[str, str], bool] | None = None,
    **options: Any,
) -> Iterator[int]:
    """Serve ``mailbox`` and yield the port. ``options`` are aiosmtpd's: ssl_context, tls_context and so on."""
    port = port or free_port()
    if login is not None:

        def authenticate(_server: Any, _session: Any, _envelope: Any, _how: str, given: Any) -> AuthResult:
            # "Not handled" leaves the refusal, 535, to the server.
            return AuthResult(success=login(given.login.decode(), given.password.decode()), handled=False)

        options |= {"authenticator": authenticate, "auth_require_tls": False}
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
