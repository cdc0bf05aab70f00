"""Tenants' keys at rest: sealed with Fernet, by keys that only the environment holds."""

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from models.settings import Settings


class VaultClosed(RuntimeError):
    """There is no key to seal or unseal with, or not the right one. The message says what to set."""


def new_key() -> str:
    """A fresh key for ``CM_SECRET_KEYS``."""
    return Fernet.generate_key().decode()


def seal(settings: Settings, values: Mapping[str, str]) -> bytes:
    """The values, readable only with one of ``CM_SECRET_KEYS``; the first of them seals."""
    return _vault(settings).encrypt(json.dumps(dict(values)).encode())


def unseal(settings: Settings, sealed: bytes | None) -> dict[str, SecretStr]:
    """What was sealed, each value wrapped so that no log or repr shows it; empty for None."""
    if sealed is None:
        return {}
    try:
        values = json.loads(_vault(settings).decrypt(sealed))
    except InvalidToken:
        raise VaultClosed(
            "a stored key was sealed with another key: add the old one to CM_SECRET_KEYS, or store it anew"
        ) from None
    return {name: SecretStr(value) for name, value in values.items()}


def reseal(settings: Settings, sealed: bytes) -> bytes:
    """The same content under the first of ``CM_SECRET_KEYS``, so that an older one may be retired."""
    try:
        return _vault(settings).rotate(sealed)
    except InvalidToken:
        raise VaultClosed("a stored key was sealed with a key that CM_SECRET_KEYS no longer has") from None


def _vault(settings: Settings) -> MultiFernet:
    if not settings.secret_keys:
        raise VaultClosed(
            "tenants' keys need CM_SECRET_KEYS to be kept: make one with client-monitor new-key"
        )
    return MultiFernet([Fernet(key.get_secret_value()) for key in settings.secret_keys])
