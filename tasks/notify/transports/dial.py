"""A connection to the configured SMTP server: encrypted as asked for, greeted, and logged in."""

import smtplib
import ssl

from models.settings import Settings
from tasks.notify.transports.oauth import Tokens

FAULTS = (smtplib.SMTPException, OSError)


def dial(settings: Settings, tokens: Tokens, *, timeout: float) -> smtplib.SMTP:
    """Ready for MAIL. Raises one of FAULTS, oauth.TokenRefused, or SMTPAuthenticationError for a refused login."""
    # A file that cannot be read raises OSError, which says so.
    tls = ssl.create_default_context(cafile=settings.smtp_ca_file)
    host, port = settings.smtp_host, settings.smtp_port
    connection: smtplib.SMTP
    if settings.smtp_security == "tls":
        connection = smtplib.SMTP_SSL(host, port, timeout=timeout, context=tls)
    else:
        connection = smtplib.SMTP(host, port, timeout=timeout)
    try:
        if settings.smtp_security == "starttls":
            connection.starttls(context=tls)
        connection.ehlo_or_helo_if_needed()
        _log_in(connection, settings, tokens)
    except BaseException:
        connection.close()
        raise
    return connection


def _log_in(connection: smtplib.SMTP, settings: Settings, tokens: Tokens) -> None:
    if not settings.smtp_user:
        return
    if settings.smtp_oauth_token_url:
        _xoauth2(connection, settings.smtp_user, tokens)
    elif settings.smtp_password is not None:
        connection.login(settings.smtp_user, settings.smtp_password.get_secret_value())


def _xoauth2(connection: smtplib.SMTP, user: str, tokens: Tokens) -> None:
    first = f"user={user}\x01auth=Bearer {tokens.get()}\x01\x01"
    try:
        # Asked again, the server has refused and told why; an empty answer ends the exchange with its 5xx.
        connection.auth("XOAUTH2", lambda challenge=None: first if challenge is None else "")
    except smtplib.SMTPAuthenticationError:
        # It may have been withdrawn before its time.
        tokens.forget()
        raise
