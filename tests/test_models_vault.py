"""Tenants' keys at rest: sealed, never shown, and re-sealed under a new key."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from models.settings import Settings
from models.vault import VaultClosed, new_key, reseal, seal, unseal

OLD, NEW = new_key(), new_key()


def settings(*keys: str) -> Settings:
    return Settings(_env_file=None, secret_keys=[SecretStr(key) for key in keys])


def test_what_is_sealed_shows_nothing_and_comes_back() -> None:
    sealed = seal(settings(OLD), {"key": "k-3f9a", "other": "ü"})
    assert b"k-3f9a" not in sealed
    opened = unseal(settings(OLD), sealed)
    assert {name: value.get_secret_value() for name, value in opened.items()} == {
        "key": "k-3f9a",
        "other": "ü",
    }
    assert "k-3f9a" not in repr(opened)
    assert unseal(settings(), None) == {}


def test_a_key_is_rotated_in_three_steps() -> None:
    sealed = seal(settings(OLD), {"key": "k"})
    both = settings(NEW, OLD)
    assert unseal(both, sealed)["key"].get_secret_value() == "k"
    again = reseal(both, sealed)
    assert unseal(settings(NEW), again)["key"].get_secret_value() == "k"
    with pytest.raises(VaultClosed, match="sealed with another key"):
        unseal(settings(NEW), sealed)
    with pytest.raises(VaultClosed, match="no longer has"):
        reseal(settings(NEW), sealed)


def test_without_a_key_it_says_how_to_get_one() -> None:
    with pytest.raises(VaultClosed, match="client-monitor new-key"):
        seal(settings(), {"key": "k"})


def test_a_key_that_is_none_is_refused_without_being_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CM_SECRET_KEYS", f"{OLD} not-a-key-7d1f")
    with pytest.raises(ValidationError, match="not a Fernet key"):
        Settings(_env_file=None)
