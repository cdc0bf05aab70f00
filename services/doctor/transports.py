"""Each of our transports, tried as far as it goes without sending a mail."""

import os
import smtplib
import ssl
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from models.settings import Settings
from services.doctor.checks import Check
from tasks.notify.transports import sendgrid
from tasks.notify.transports.dial import dial
from tasks.notify.transports.oauth import TokenRefused, Tokens
from tasks.notify.transports.transport import one_line

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def _file(settings: Settings, _timeout: float) -> list[Check]:
    folder = settings.outbox_dir.absolute()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        mend = "give it to the user who runs this, or set CM_DATA_DIR"
        return [Check.failed("mail", f"{existing} cannot be written: {error.strerror}", mend)]
    message = f"mail is written to {os.path.relpath(folder, Path.cwd())}, not sent"
    if settings.environment == "production":
        return [Check.warning("mail", message, "set CM_TRANSPORT=smtp and CM_SMTP_HOST")]
    return [Check.ok("mail", message)]


def _smtp(settings: Settings, timeout: float) -> list[Check]:
    place = f"{settings.smtp_host}:{settings.smtp_port}"
    checks = []
    if settings.smtp_security == "none" and settings.smtp_host not in LOOPBACK:
        mend = "set CM_SMTP_SECURITY to starttls or tls"
        checks.append(Check.warning("mail", f"mail travels to {place} unencrypted", mend))
    try:
        with dial(settings, Tokens(settings), timeout=timeout):
            pass
    except smtplib.SMTPAuthenticationError as error:
        mend = "check CM_SMTP_USER and CM_SMTP_PASSWORD, or the CM_SMTP_OAUTH settings"
        return [Check.failed("mail", f"{place} refused the user or password ({error.smtp_code})", mend)]
    except TokenRefused as error:
        said, _, mend = str(error).partition("; ")
        return [Check.failed("mail", said, mend)]
    except smtplib.SMTPNotSupportedError as error:
        mend = "check CM_SMTP_PORT and CM_SMTP_SECURITY (587 starttls, 465 tls), and whether it wants a login"
        return [Check.failed("mail", f"{place}: {error}", mend)]
    except ssl.SSLError as error:
        mend = "check CM_SMTP_SECURITY (587 starttls, 465 tls), the name in CM_SMTP_HOST, and CM_SMTP_CA_FILE"
        return [Check.failed("mail", f"{place}: no encrypted connection: {error.reason or error}", mend)]
    except (OSError, smtplib.SMTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        mend = "check CM_SMTP_HOST and CM_SMTP_PORT, and that this machine may connect to it"
        return [Check.failed("mail", f"{place} cannot be reached: {reason}", mend)]
    login = bool(settings.smtp_user and (settings.smtp_password or settings.smtp_oauth_token_url))
    return [
        Check.ok("mail", f"{place} answers{f' and accepts {settings.smtp_user}' if login else ''}"),
        *checks,
    ]


def _sendgrid(settings: Settings, timeout: float) -> list[Check]:
    if settings.sendgrid_api_key is None:
        return [Check.failed("mail", "SendGrid: there is no key", "set CM_SENDGRID_API_KEY")]
    try:
        with sendgrid.connect(settings, timeout) as client:
            answer = client.get("/v3/scopes")
            scopes = answer.json().get("scopes", []) if answer.status_code == 200 else []
    except (httpx.HTTPError, ValueError, AttributeError) as error:
        mend = "check CM_SENDGRID_URL, and that this machine may connect to it"
        return [Check.failed("mail", f"SendGrid: cannot be asked: {type(error).__name__}", mend)]
    if answer.status_code != 200:
        return [
            Check.failed(
                "mail", f"SendGrid refused the key ({answer.status_code})", "check CM_SENDGRID_API_KEY"
            )
        ]
    if "mail.send" not in scopes:
        mend = "make a key with the permission Mail Send"
        return [Check.failed("mail", "SendGrid: the key may not send mail", mend)]
    if settings.sendgrid_sandbox:
        mend = "leave CM_SENDGRID_SANDBOX out to deliver"
        return [Check.warning("mail", "SendGrid checks mail and delivers none: the sandbox is on", mend)]
    return [Check.ok("mail", "SendGrid takes the key")]


def _ses(settings: Settings, timeout: float) -> list[Check]:
    # Here: boto3 takes a second to import, and most deployments have no use for it.
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # noqa: PLC0415

    from tasks.notify.transports import ses  # noqa: PLC0415

    try:
        account: Mapping[str, Any] = ses.connect(settings, timeout).get_account()
    except (BotoCoreError, ClientError, ValueError) as error:
        mend = "check CM_SES_REGION and the AWS credentials, which need ses:GetAccount and ses:SendRawEmail"
        return [Check.failed("mail", f"SES: {type(error).__name__}: {one_line(error, 200)}", mend)]
    if not account.get("SendingEnabled", False):
        return [Check.failed("mail", "SES: sending is paused for this account", "see the SES console")]
    if not account.get("ProductionAccessEnabled", False):
        mend = "ask AWS for production access: until then only verified addresses get mail"
        return [Check.warning("mail", "SES: the account is in the sandbox", mend)]
    quota = account.get("SendQuota", {})
    rate, day = quota.get("MaxSendRate", 0), quota.get("Max24HourSend", 0)
    message = f"SES takes {day:,.0f} mails a day, {rate:g} a second"
    if rate > 0 and (settings.mails_per_second or float("inf")) > rate:
        mend = f"set CM_MAILS_PER_SECOND={rate:g}: faster mail is refused and waits for the next tick"
        return [Check.warning("mail", message, mend)]
    return [Check.ok("mail", message)]


LOOKS: Mapping[str, Callable[[Settings, float], list[Check]]] = {
    "file": _file,
    "smtp": _smtp,
    "sendgrid": _sendgrid,
    "ses": _ses,
}
"""By the name in CM_TRANSPORT; what is looked at within so many seconds."""
