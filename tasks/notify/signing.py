"""DKIM (RFC 6376): a signature over the final bytes, made once, before they are stored.

It bears the mail's own date, not the clock's: a mail that is written again after a crash has the same bytes.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from typing import Any

import dkim  # type: ignore[import-untyped]
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from models.settings import Settings

SHORTEST_KEY = 1024
"""Bits: RFC 8301 has receivers refuse less. 2048 is what it asks of signers."""
_SIGNED = (
    *(b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"reply-to"),
    # dkimpy's own list leaves out the second, without which RFC 8058 lets no program unsubscribe with one click.
    *(b"list-unsubscribe", b"list-unsubscribe-post"),
)
"""One that a mail lacks is signed too: nobody can add it on the way."""


class BadKey(Exception):
    """The DKIM settings cannot sign; one line that says which and how to mend it, without the key."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one domain and selector."""

    domain: str
    selector: str
    bits: int
    public_key: str
    """As the DNS record holds it: base64 of the SubjectPublicKeyInfo."""
    _pem: bytes = field(repr=False)

    @property
    def record_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The TXT record to publish under ``record_name``."""
        return f"v=DKIM1; k=rsa; p={self.public_key}"

    def sign(self, message: bytes, at: datetime) -> bytes:
        """The message with its DKIM-Signature in front, dated ``at``; equal input, equal bytes."""
        dated = _Dated(message, at)
        header: bytes = dated.sign(
            self.selector.encode(),
            self.domain.encode(),
            self._pem,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=list(_SIGNED),
        )
        return header + message


class _Dated(dkim.DKIM):  # type: ignore[misc]
    """dkimpy dates a signature by the machine's clock; this one by the mail."""

    def __init__(self, message: bytes, at: datetime) -> None:
        super().__init__(message, linesep=b"\r\n")
        self._stamp = str(int(at.timestamp())).encode()

    def gen_header(self, fields: list[tuple[bytes, bytes]], *rest: Any, **more: Any) -> Any:
        dated = [(tag, self._stamp if tag == b"t" else value) for tag, value in fields]
        return super().gen_header(dated, *rest, **more)


def signer_for(settings: Settings) -> Signer | None:
    """The deployment's signer; None where mail is not signed. BadKey when the settings cannot work."""
    if settings.dkim_key is None:
        return None
    if not settings.dkim_selector:
        raise BadKey("CM_DKIM_SELECTOR is missing: the name under which the key is published")
    domain = settings.dkim_domain or parseaddr(settings.mail_from)[1].rpartition("@")[2]
    try:
        return _load(
            settings.dkim_key, settings.dkim_key.stat().st_mtime_ns, settings.dkim_selector, domain.lower()
        )
    except OSError as error:
        raise BadKey(f"CM_DKIM_KEY: cannot be read: {error.strerror or type(error).__name__}") from None


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int, selector: str, domain: str) -> Signer:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        raise BadKey("CM_DKIM_KEY: no private key in PEM form without a password") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BadKey("CM_DKIM_KEY: not an RSA key, the only kind that every receiver checks")
    if key.key_size < SHORTEST_KEY:
        raise BadKey(
            f"CM_DKIM_KEY: {key.key_size} bits are too short: receivers refuse them; make one of 2048"
        )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return Signer(domain, selector, key.key_size, b64encode(public).decode(), pem)
