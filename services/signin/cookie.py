"""The cookie of a signed-in browser: 256 random bits, signed with the deployment's key. The database has their hash."""

import hashlib
import secrets

from itsdangerous import BadSignature, Signer

from models.settings import Settings
from models.tokens import signing_keys

_BYTES = 32


def new_secret() -> str:
    """A secret that nobody guesses: 256 bits, in letters, digits, "-" and "_"."""
    return secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> str:
    """What the database keeps of a secret. Without salt: 256 random bits need none."""
    return hashlib.sha256(secret.encode()).hexdigest()


def cookie_name(settings: Settings) -> str:
    """By https its prefix makes browsers refuse one that another host or an unencrypted page set (RFC 6265bis)."""
    return "__Host-cm_session" if is_encrypted(settings) else "cm_session"


def is_encrypted(settings: Settings) -> bool:
    """Whether people reach the deployment by https."""
    return settings.public_url.lower().startswith("https://")


def seal(secret: str, settings: Settings) -> str:
    """The cookie's value for a session's secret."""
    return _signer(settings).sign(secret).decode("ascii")


def unseal(value: str, settings: Settings) -> str | None:
    """The secret in a cookie's value; None unless one of the deployment's keys signed it."""
    try:
        return _signer(settings).unsign(value).decode("ascii")
    except (BadSignature, ValueError):
        return None


def _signer(settings: Settings) -> Signer:
    # itsdangerous signs with the last of its keys.
    keys = list(reversed(signing_keys(settings)))
    return Signer(keys, salt="client-monitor/session", key_derivation="hmac", digest_method=hashlib.sha256)
