"""Whether mail can leave, who it says it is from, and where its links lead. No mail is sent."""

from email.utils import parseaddr
from urllib.parse import urlsplit

from models.settings import Settings
from services.doctor.checks import Check
from services.doctor.transports import LOOKS, LOOPBACK
from services.fields import email_address
from tasks.registry import TRANSPORTS, installed


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
    """The transport, looked at as far as it can be without sending; and where a setting leads all mail."""
    redirect = _check_redirect(settings)
    look = LOOKS.get(settings.transport)
    if look is not None:
        return [*look(settings, timeout), *redirect]
    known = sorted({*LOOKS, *installed(TRANSPORTS)})
    if settings.transport in known:
        return [Check.ok("mail", f"transport {settings.transport} is installed"), *redirect]
    message = f"CM_TRANSPORT: no transport is called {settings.transport!r}"
    return [
        Check.failed("mail", message, f"choose one of {', '.join(known)}, or install its package"),
        *redirect,
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
