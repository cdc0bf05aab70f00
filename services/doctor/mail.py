"""Whether mail can leave, who it says it is from, and where its links lead. No mail is sent."""

import os
import smtplib
import ssl
import tempfile
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from models.settings import Settings
from services.doctor.checks import Check
from services.fields import email_address
from tasks.registry import TRANSPORTS, installed

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def check_sender(settings: Settings) -> Check:
    """Whether CM_MAIL_FROM is an address that other servers will accept mail from."""
    _, address = parseaddr(settings.mail_from)
    mend = (
        'set CM_MAIL_FROM, such as "Client Monitor <monitor@your-company>", to an address of a domain you own'
    )
    if "@" not in address or "\n" in settings.mail_from:
        return Check.failed("sender", f"CM_MAIL_FROM: {settings.mail_from!r} holds no address", mend)
    if address.endswith("@localhost"):
        message = f"mail comes from {address}, which no other server accepts"
        if settings.transport == "file" and settings.environment == "development":
            return Check.ok("sender", f"{address}: good enough for files")
        return Check.failed("sender", message, mend)
    try:
        email_address(address)
    except ValueError as error:
        return Check.failed("sender", f"CM_MAIL_FROM: {error}", mend)
    return Check.ok("sender", address)


def check_mail(settings: Settings, *, timeout: float) -> list[Check]:
    """The transport: a folder for ``file``, a greeting (and login) for ``smtp``, or a plug-in."""
    checks = _check_redirect(settings)
    if settings.transport == "file":
        return [_check_folder(settings), *checks]
    if settings.transport == "smtp":
        return [*_check_smtp(settings, timeout), *checks]
    known = sorted({"file", "smtp", *installed(TRANSPORTS)})
    if settings.transport in known:
        return [Check.ok("mail", f"transport {settings.transport} is installed"), *checks]
    message = f"CM_TRANSPORT: no transport is called {settings.transport!r}"
    return [
        Check.failed("mail", message, f"choose one of {', '.join(known)}, or install its package"),
        *checks,
    ]


def _check_redirect(settings: Settings) -> list[Check]:
    if settings.redirect_all_mail_to is None:
        return []
    message = f"all mail goes to {settings.redirect_all_mail_to}"
    try:
        email_address(settings.redirect_all_mail_to)
    except ValueError as error:
        return [Check.failed("mail", f"CM_REDIRECT_ALL_MAIL_TO: {error}", "correct it or leave it out")]
    if settings.environment == "production":
        return [Check.warning("mail", message, "leave CM_REDIRECT_ALL_MAIL_TO out when trials are over")]
    return [Check.ok("mail", message)]


def _check_folder(settings: Settings) -> Check:
    folder = settings.outbox_dir.absolute()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        mend = "give it to the user who runs this, or set CM_DATA_DIR"
        return Check.failed("mail", f"{existing} cannot be written: {error.strerror}", mend)
    message = f"mail is written to {os.path.relpath(folder, Path.cwd())}, not sent"
    if settings.environment == "production":
        return Check.warning("mail", message, "set CM_TRANSPORT=smtp and CM_SMTP_HOST")
    return Check.ok("mail", message)


def _check_smtp(settings: Settings, timeout: float) -> list[Check]:
    place = f"{settings.smtp_host}:{settings.smtp_port}"
    checks = []
    if settings.smtp_security == "none" and settings.smtp_host not in LOOPBACK:
        mend = "set CM_SMTP_SECURITY to starttls or tls"
        checks.append(Check.warning("mail", f"mail travels to {place} unencrypted", mend))
    try:
        return [Check.ok("mail", f"{place} {_greet(settings, timeout)}"), *checks]
    except smtplib.SMTPAuthenticationError as error:
        mend = "check CM_SMTP_USER and CM_SMTP_PASSWORD"
        return [Check.failed("mail", f"{place} refused the user or password ({error.smtp_code})", mend)]
    except smtplib.SMTPNotSupportedError as error:
        mend = "check CM_SMTP_PORT and CM_SMTP_SECURITY (587 starttls, 465 tls), and whether it wants a login"
        return [Check.failed("mail", f"{place}: {error}", mend)]
    except ssl.SSLError as error:
        mend = "check CM_SMTP_SECURITY (587 starttls, 465 tls) and the name in CM_SMTP_HOST"
        return [Check.failed("mail", f"{place}: no encrypted connection: {error.reason or error}", mend)]
    except (OSError, smtplib.SMTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        mend = "check CM_SMTP_HOST and CM_SMTP_PORT, and that this machine may connect to it"
        return [Check.failed("mail", f"{place} cannot be reached: {reason}", mend)]


def _greet(settings: Settings, timeout: float) -> str:
    """Connect, greet, encrypt and log in as a delivery would; says what was done."""
    context = ssl.create_default_context()
    host, port = settings.smtp_host, settings.smtp_port
    if settings.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=timeout, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=timeout)
    with server:
        server.ehlo()
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
            server.ehlo()
        if settings.smtp_user and settings.smtp_password:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            return f"answers and accepts {settings.smtp_user}"
    return "answers"


def check_public_url(settings: Settings) -> Check:
    """Whether the links in mail can be opened by who reads it."""
    address = settings.public_url
    parts = urlsplit(address)
    mend = "set CM_PUBLIC_URL to the address people reach the app at, such as https://monitor.your-company"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return Check.failed("links", f"CM_PUBLIC_URL: {address!r} is no web address", mend)
    real = settings.transport != "file" or settings.environment == "production"
    if parts.hostname in LOOPBACK:
        message = f"links in mail lead to {address}"
        return (
            Check.warning("links", f"{message}: they open on this machine only", mend)
            if real
            else Check.ok("links", message)
        )
    if parts.scheme == "http":
        return Check.warning("links", f"{address} is unencrypted", mend)
    return Check.ok("links", address)
