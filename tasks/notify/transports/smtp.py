"""Sends over SMTP, one attempt a mail, and says exactly how far it got.

Written against smtplib's single commands: ``sendmail`` does not say whether a connection broke before DATA, when
trying again is safe, or after it, when the mail may have been accepted.
"""

import re
import smtplib
import ssl
from contextlib import suppress
from typing import ClassVar

from models.settings import Settings
from tasks.notify.transports.transport import Envelope, Outcome, Result

_FAULTS = (smtplib.SMTPException, OSError)
_BLANK = re.compile(r"[\x00-\x20\x7f-\xa0]+")


class SmtpTransport:
    """A connection is opened with the first mail of a batch, checked before each further one, and then closed."""

    name: ClassVar[str] = "smtp"
    idempotent: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: smtplib.SMTP | None = None

    def send(self, envelope: Envelope) -> Outcome:
        try:
            connection = self._ready()
        except smtplib.SMTPAuthenticationError as error:
            return Outcome(Result.UNAVAILABLE, f"{self._where}: login refused ({error.smtp_code})")
        except _FAULTS as error:
            return Outcome(Result.UNAVAILABLE, f"{self._where}: {_said(error)}")
        try:
            refused = self._offer(connection, envelope)
        except _FAULTS as error:
            self._drop()
            return Outcome(Result.TEMPORARY, f"{self._where}: connection lost before DATA: {_said(error)}")
        if refused is not None:
            self._reset(connection)
            return refused
        return self._transmit(connection, envelope)

    def close(self) -> None:
        if self._connection is not None:
            with suppress(*_FAULTS):
                self._connection.quit()
            self._drop()

    @property
    def _where(self) -> str:
        return f"SMTP {self._settings.smtp_host}:{self._settings.smtp_port}"

    def _ready(self) -> smtplib.SMTP:
        """A connection that answers: the one we have, or a new one."""
        if self._connection is not None:
            with suppress(*_FAULTS):
                if self._connection.noop()[0] == 250:
                    return self._connection
            self._drop()
        self._connection = self._connect()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        tls = ssl.create_default_context()
        host, port, timeout = settings.smtp_host, settings.smtp_port, settings.smtp_timeout_seconds
        connection: smtplib.SMTP
        if settings.smtp_security == "tls":
            connection = smtplib.SMTP_SSL(host, port, timeout=timeout, context=tls)
        else:
            connection = smtplib.SMTP(host, port, timeout=timeout)
        try:
            if settings.smtp_security == "starttls":
                connection.starttls(context=tls)
            if settings.smtp_user and settings.smtp_password:
                connection.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            connection.ehlo_or_helo_if_needed()
        except BaseException:
            connection.close()
            raise
        return connection

    def _offer(self, connection: smtplib.SMTP, envelope: Envelope) -> Outcome | None:
        """MAIL, RCPT and the DATA command: the refusal, or None when the server asks for the message."""
        options = [] if envelope.data.isascii() else ["BODY=8BITMIME"]
        if not (envelope.sender.isascii() and envelope.recipient.isascii()):
            if not connection.has_extn("smtputf8"):
                return Outcome(Result.PERMANENT, f"{self._where}: takes no addresses outside ASCII")
            options.append("SMTPUTF8")
        code, text = connection.mail(envelope.sender, options)
        if not _agreed(code):
            # The sender is the same for every mail: this one is not at fault.
            return Outcome(Result.UNAVAILABLE, f"{self._where}: sender refused: {_reply(code, text)}")
        code, text = connection.rcpt(envelope.recipient)
        if not _agreed(code):
            return _refusal(code, f"{self._where}: recipient refused: {_reply(code, text)}")
        code, text = connection.docmd("DATA")
        if code != 354:
            return _refusal(code, f"{self._where}: DATA refused: {_reply(code, text)}")
        return None

    def _transmit(self, connection: smtplib.SMTP, envelope: Envelope) -> Outcome:
        """The message and the answer to it. From here on a silence is not a no."""
        body = re.sub(rb"(?m)^\.", b"..", envelope.data)
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        try:
            connection.send(body + b".\r\n")
            code, text = connection.getreply()
        except _FAULTS as error:
            self._drop()
            return Outcome(Result.UNKNOWN, f"{self._where}: no answer after DATA: {_said(error)}")
        if _agreed(code):
            return Outcome(Result.SENT, provider_id=_line(text)[:200])
        if 400 <= code < 600:
            self._reset(connection)
            return _refusal(code, f"{self._where}: message refused: {_reply(code, text)}")
        self._drop()
        return Outcome(Result.UNKNOWN, f"{self._where}: unclear answer after DATA: {_reply(code, text)}")

    def _reset(self, connection: smtplib.SMTP) -> None:
        try:
            connection.rset()
        except _FAULTS:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _agreed(code: int) -> bool:
    return 200 <= code < 300


def _refusal(code: int, detail: str) -> Outcome:
    return Outcome(Result.PERMANENT if 500 <= code < 600 else Result.TEMPORARY, detail)


def _reply(code: int, text: bytes) -> str:
    return f"{code} {_line(text)}".strip()


def _line(text: bytes) -> str:
    return _BLANK.sub(" ", text.decode("utf-8", "replace")).strip()[:300]


def _said(error: BaseException) -> str:
    """An error in one line. A refusal's own text is left out: a login's may repeat what it was given."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return _BLANK.sub(" ", str(error)).strip()[:200] or type(error).__name__
