"""Tokens in the links of mails: what one mail lets its reader do, signed, dated, and telling strangers nothing.

A token holds ids, never an address or a name: the mail's id, a keyed fingerprint of its recipient, and what it is
about (an id, or the address a link leads to). Its date is that of the mail's id, a UUIDv7, so a mail that is written
again carries the same links. A token for one purpose is worth nothing for another: each has its own salt.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.signer import HMACAlgorithm

from models.folders import private_folder
from models.settings import Settings

KEY_FILE = "signing.key"
_ID = 16
_MARK = 6
"""Bytes of the recipient's fingerprint: it only has to tell the readers of one mail apart."""
_MAC = 16
"""Bytes of the signature: HMAC-SHA-256 cut to 128 bits, as RFC 4868 does, for links that are not broken in two."""


class Purpose(StrEnum):
    """What a token lets its bearer do. The values are the paths of the links."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    USEFUL = "feedback/useful"
    NOT_RELEVANT = "feedback/not-relevant"
    WRONG_COMPANY = "feedback/wrong-company"
    MUTE = "mute"
    READ = "read"
    OPEN = "open"


_ACTING = timedelta(days=90)
# Who looks through old mail still has to reach the article, and to get rid of us: those links outlive the rest.
_LASTING = timedelta(days=2 * 365)
LIFETIME = dict.fromkeys(Purpose, _ACTING) | {Purpose.UNSUBSCRIBE: _LASTING, Purpose.READ: _LASTING}
_AHEAD = timedelta(hours=1)
"""How far the clock that wrote a mail may run before ours."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token that holds says. ``about`` is an id's 16 bytes, an address in ASCII, or nothing."""

    purpose: Purpose
    delivery_id: UUID
    recipient_mark: bytes
    about: bytes

    @property
    def subject(self) -> UUID:
        """The id it is about; ValueError when it is about none."""
        return UUID(bytes=self.about)


class _Mac(HMACAlgorithm):
    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return super().get_signature(key, value)[:_MAC]


class Tokens:
    """Writes and reads tokens. The first key signs; all verify, so that keys can be changed one by one."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("no key to sign links with")
        self._keys = tuple(keys)
        # itsdangerous signs with the last of its keys.
        newest_last = list(reversed(self._keys))
        self._signers = {
            purpose: Signer(
                newest_last,
                salt=f"client-monitor/mail/{purpose.value}",
                key_derivation="hmac",
                digest_method=hashlib.sha256,
                algorithm=_Mac(hashlib.sha256),
            )
            for purpose in Purpose
        }

    def issue(self, purpose: Purpose, delivery_id: UUID, recipient: str, about: bytes = b"") -> str:
        """The token for the reader of one mail: letters, digits, "-", "_" and one "."."""
        payload = delivery_id.bytes + self._mark(self._keys[0], recipient) + about
        return self._signers[purpose].sign(base64_encode(payload)).decode("ascii")

    def read(self, purpose: Purpose, token: str, now: datetime) -> Grant | None:
        """What the token grants; None for any that does not hold: forged, cut short, for another purpose, expired."""
        try:
            payload = base64_decode(self._signers[purpose].unsign(token))
            delivery_id = UUID(bytes=payload[:_ID])
            age = now - made_at(delivery_id)
        except (BadData, ValueError):
            return None
        if not -_AHEAD <= age <= LIFETIME[purpose]:
            return None
        return Grant(purpose, delivery_id, payload[_ID : _ID + _MARK], payload[_ID + _MARK :])

    def is_for(self, grant: Grant, recipient: str) -> bool:
        """Whether the token was written for this recipient: an erased or changed address is nobody's any more."""
        return any(
            hmac.compare_digest(self._mark(key, recipient), grant.recipient_mark) for key in self._keys
        )

    def _mark(self, key: bytes, recipient: str) -> bytes:
        return hmac.digest(key, b"recipient\n" + recipient.strip().lower().encode(), "sha256")[:_MARK]


def made_at(row_id: UUID) -> datetime:
    """When an id of ours was made (UUIDv7: its first 48 bits are milliseconds since 1970)."""
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)


def tokens_of(settings: Settings) -> Tokens:
    """The deployment's."""
    return Tokens(signing_keys(settings))


def signing_keys(settings: Settings) -> list[bytes]:
    """The deployment's, the one that signs first: CM_SIGNING_KEYS, else one in the data folder, made when needed."""
    keys = [key.get_secret_value().encode() for key in settings.signing_keys]
    return keys or [_kept_key(settings.data_dir / KEY_FILE)]


def _kept_key(path: Path) -> bytes:
    """The key in this file. Of processes that make it at the same moment one wins, and all read the winner's."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        private_folder(path.parent)
    mine = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_urlsafe(48).encode())
            file.flush()
            os.fsync(file.fileno())
        with suppress(
            FileExistsError
        ):  # somebody was first; linked, not written, so nobody ever reads half a key
            os.link(mine, path)
    finally:
        mine.unlink()
    return path.read_bytes()
