"""Sends over SMTP, one attempt a mail, and says exactly how far it got.

Written against smtplib's single commands: ``sendmail`` does not say whether a connection broke before DATA, when
trying again is safe, or after it, when the mail may have been accepted.
"""

import re
import smtplib
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import ClassVar

from models.settings import Settings
from tasks.notify.transports.dial import FAULTS, dial
from tasks.notify.transports.oauth import TokenRefused, Tokens
from tasks.notify.transports.transport import About, Envelope, Limits, Outcome, Result, one_line

_LEADING_DOT = re.compile(rb"(?m)^\.")
_GOING_AWAY = 421
"""RFC 5321: the server closes the connection, and nothing that was said on it counts."""


@dataclass(slots=True)
class _Line:
    """An open connection and how many mails it has carried."""

    connection: smtplib.SMTP
    mails: int = 0


class _Refused(Exception):
    """The mail goes no further; its outcome says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


class SmtpTransport:
    """Keeps its connections for the next mail, as many as there are threads that send at the same time."""

    name: ClassVar[str] = "smtp"
    about: ClassVar[About] = About(
        title="SMTP server",
        recipient="the mail server in CM_SMTP_HOST",
        sends="each mail, whole, with its reader's address",
    )
    idempotent: ClassVar[bool] = False
    verbatim: ClassVar[bool] = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tokens = Tokens(settings)
        self._lock = Lock()
        self._idle: list[_Line] = []

    @property
    def limits(self) -> Limits:
        settings = self._settings
        return Limits(
            connections=settings.mail_connections,
            per_second=settings.mails_per_second,
            account=f"{settings.smtp_host}:{settings.smtp_port} {settings.smtp_user or ''}",
        )

    def send(self, envelope: Envelope) -> Outcome:
        try:
            line = self._begin(envelope)
        except _Refused as refused:
            return refused.outcome
        try:
            refusal = self._offer(line.connection, envelope)
        except FAULTS as error:
            line.connection.close()
            return Outcome(Result.TEMPORARY, f"{self._where}: connection lost before DATA: {_said(error)}")
        outcome = refusal or self._transmit(line.connection, envelope)
        line.mails += 1
        self._put_back(line, outcome)
        return outcome

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            _hang_up(line)

    @property
    def _where(self) -> str:
        return f"SMTP {self._settings.smtp_host}:{self._settings.smtp_port}"

    def _begin(self, envelope: Envelope) -> _Line:
        """A connection whose server has agreed to MAIL: one we have, or a new one."""
        while (kept := self._take()) is not None:
            # A server may have closed it meanwhile; before MAIL nothing is lost by starting anew.
            with suppress(*FAULTS):
                code, text = self._mail_from(kept.connection, envelope)
                if code != _GOING_AWAY:
                    return self._agreed_to_sender(kept, code, text)
            kept.connection.close()
        line = _Line(self._dial())
        try:
            code, text = self._mail_from(line.connection, envelope)
        except FAULTS as error:
            line.connection.close()
            lost = f"{self._where}: connection lost before DATA: {_said(error)}"
            raise _Refused(Outcome(Result.TEMPORARY, lost)) from None
        return self._agreed_to_sender(line, code, text)

    def _dial(self) -> smtplib.SMTP:
        try:
            return dial(self._settings, self._tokens, timeout=self._settings.smtp_timeout_seconds)
        except smtplib.SMTPAuthenticationError as error:
            detail = f"{self._where}: login refused ({error.smtp_code})"
        except TokenRefused as error:
            detail = str(error)
        except FAULTS as error:
            detail = f"{self._where}: {_said(error)}"
        raise _Refused(Outcome(Result.UNAVAILABLE, detail))

    def _mail_from(self, connection: smtplib.SMTP, envelope: Envelope) -> tuple[int, bytes]:
        options = []
        if not envelope.data.isascii():
            options.append(self._needs(connection, "8bitmime", "BODY=8BITMIME", "mail that is not all ASCII"))
        if not (envelope.sender.isascii() and envelope.recipient.isascii()):
            options.append(self._needs(connection, "smtputf8", "SMTPUTF8", "addresses outside ASCII"))
        return connection.mail(envelope.sender, options)

    def _needs(self, connection: smtplib.SMTP, extension: str, option: str, what: str) -> str:
        if not connection.has_extn(extension):
            connection.close()
            raise _Refused(Outcome(Result.PERMANENT, f"{self._where}: takes no {what}"))
        return option

    def _agreed_to_sender(self, line: _Line, code: int, text: bytes) -> _Line:
        if _agreed(code):
            return line
        refused = f"{self._where}: sender refused: {_reply(code, text)}"
        # The sender is the same for every mail: this one is not at fault.
        outcome = Outcome(Result.UNAVAILABLE, refused)
        self._put_back(line, outcome)
        raise _Refused(outcome)

    def _offer(self, connection: smtplib.SMTP, envelope: Envelope) -> Outcome | None:
        """RCPT and the DATA command: the refusal, or None when the server asks for the message."""
        code, text = connection.rcpt(envelope.recipient)
        if not _agreed(code):
            return _refusal(code, f"{self._where}: recipient refused: {_reply(code, text)}")
        code, text = connection.docmd("DATA")
        if code != 354:
            return _refusal(code, f"{self._where}: DATA refused: {_reply(code, text)}")
        return None

    def _transmit(self, connection: smtplib.SMTP, envelope: Envelope) -> Outcome:
        """The message and the answer to it. From here on a silence is not a no."""
        body = _LEADING_DOT.sub(b"..", envelope.data)
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        try:
            connection.send(body + b".\r\n")
            code, text = connection.getreply()
        except FAULTS as error:
            return Outcome(Result.UNKNOWN, f"{self._where}: no answer after DATA: {_said(error)}")
        if _agreed(code):
            return Outcome(Result.SENT, provider_id=_text(text)[:200])
        if 400 <= code < 600:
            return _refusal(code, f"{self._where}: message refused: {_reply(code, text)}")
        return Outcome(Result.UNKNOWN, f"{self._where}: unclear answer after DATA: {_reply(code, text)}")

    def _take(self) -> _Line | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _put_back(self, line: _Line, outcome: Outcome) -> None:
        """Keep a connection that stands where MAIL may follow; hang up all others."""
        if outcome.result is Result.UNKNOWN:
            line.connection.close()
            return
        if outcome.result is not Result.SENT:
            try:
                line.connection.rset()
            except FAULTS:
                line.connection.close()
                return
        if line.mails >= self._settings.smtp_mails_per_connection:
            _hang_up(line)
            return
        with self._lock:
            self._idle.append(line)


def _hang_up(line: _Line) -> None:
    with suppress(*FAULTS):
        line.connection.quit()
    line.connection.close()


def _agreed(code: int) -> bool:
    return 200 <= code < 300


def _refusal(code: int, detail: str) -> Outcome:
    return Outcome(Result.PERMANENT if 500 <= code < 600 else Result.TEMPORARY, detail)


def _reply(code: int, text: bytes) -> str:
    return f"{code} {_text(text)}".strip()


def _text(text: bytes) -> str:
    return one_line(text.decode("utf-8", "replace"))


def _said(error: BaseException) -> str:
    """An error in one line. A refusal's own text is left out: a login's may repeat what it was given."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return one_line(error, 200) or type(error).__name__
