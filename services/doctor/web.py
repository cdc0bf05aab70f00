"""Whether the links in mails hold: who signs them, and who can be told what came back."""

import stat

from sqlmodel import Session, select

from models.accounts import Business
from models.settings import Settings
from models.tokens import KEY_FILE
from services.doctor.checks import Check
from services.doctor.database import from_ledger

_KEYS = 'set CM_SIGNING_KEYS, for workers and web alike: python -c "import secrets; print(secrets.token_urlsafe(48))"'
_HTTPS = "set CM_PUBLIC_URL to an https address"


def check_web(settings: Settings) -> list[Check]:
    """The signing key, https, the webhooks of the transport, and the proxies before us."""
    return [_check_key(settings), *_check_https(settings), *_check_webhooks(settings)]


def _check_key(settings: Settings) -> Check:
    if settings.signing_keys:
        return Check.ok("mail links", f"signed with CM_SIGNING_KEYS ({len(settings.signing_keys)})")
    path = settings.data_dir / KEY_FILE
    if settings.environment == "production":
        message = (
            f"links are signed with a key in {settings.data_dir}: workers on other machines would use another"
        )
        return Check.warning("mail links", message, _KEYS)
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Check.warning("mail links", f"other users can read {path}", f"chmod 600 {path}")
    return Check.ok("mail links", f"signed with a key kept in {settings.data_dir}")


def _check_https(settings: Settings) -> list[Check]:
    """Without https there is no one-click unsubscribing, which large mail providers ask for, and no tracking."""
    if settings.public_url.startswith("https://"):
        return []
    checks = from_ledger(settings, _tracking)
    if settings.transport != "file" or settings.environment == "production":
        message = "mails carry no one-click unsubscribing (RFC 8058), which Gmail and Yahoo ask of senders"
        checks.append(Check.warning("mail links", message, _HTTPS))
    return checks


def _check_webhooks(settings: Settings) -> list[Check]:
    """A transport that reports bounces to an address we do not answer at keeps us writing to dead mailboxes."""
    wanted = {
        "sendgrid": (bool(settings.sendgrid_webhook_key), "CM_SENDGRID_WEBHOOK_KEY", "hooks/sendgrid"),
        "ses": (bool(settings.ses_topics), "CM_SES_TOPICS", "hooks/ses"),
    }
    if settings.transport not in wanted:
        return []
    is_set, name, path = wanted[settings.transport]
    if is_set:
        return [Check.ok("mail links", f"{settings.transport} may report bounces and complaints")]
    message = f"nobody tells us of bounces and complaints: {name} is not set"
    mend = f"let {settings.transport} report to {settings.public_url.rstrip('/')}/web/{path} and set {name}"
    return [Check.warning("mail links", message, mend)]


def _tracking(session: Session) -> list[Check]:
    slugs = sorted(session.exec(select(Business.slug).where(Business.tracking_enabled)))
    if not slugs:
        return []
    message = f"{', '.join(slugs)}: tracking is on and does nothing, because CM_PUBLIC_URL is not https"
    return [Check.warning("mail links", message, f"{_HTTPS}, or client-monitor tracking off")]
