"""What an admin must know of a provider before switching it on. Providers carry one as ``about``."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any


class KeyUse(StrEnum):
    NONE = "none"
    OPTIONAL = "optional"
    """Works without a key, better with one."""
    REQUIRED = "required"


Read = Callable[[str], Any]
"""What was typed as it is stored; a ValueError says in words what would do."""


def text(typed: str) -> str:
    """One line, at most 500 characters."""
    if len(typed) > 500 or "\n" in typed:
        raise ValueError("one line of at most 500 characters")
    return typed.strip()


def words(typed: str) -> list[str]:
    """Words or addresses, separated by blanks or commas."""
    return list(dict.fromkeys(word for word in re.split(r"[,\s]+", typed) if word))


def whole(least: int, most: int) -> Read:
    """A whole number within these bounds."""

    def read(typed: str) -> int:
        if not re.fullmatch(r"\d{1,9}", typed.strip()) or not least <= int(typed) <= most:
            raise ValueError(f"a whole number from {least} to {most:,}")
        return int(typed)

    return read


def amount(least: float, most: float) -> Read:
    """A number within these bounds."""

    def read(typed: str) -> float:
        if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", typed.strip()) or not least <= float(typed) <= most:
            raise ValueError(f"a number from {least:g} to {most:g}, such as 2.50")
        return float(typed)

    return read


def letters(count: int, what: str) -> Read:
    """A code of so many letters, such as a language's."""

    def read(typed: str) -> str:
        if not re.fullmatch(rf"[A-Za-z]{{{count}}}", typed.strip()):
            raise ValueError(f"{count} letters: {what}")
        return typed.strip()

    return read


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to fill in."""

    name: str
    """As it is stored, and in the command line's NAME=VALUE."""
    label: str
    secret: bool = False
    required: bool = False
    help: str = ""
    setting: str = ""
    """The setting with the deployment's own value, in lower case and without ``CM_``; options only."""
    read: Read = text
    """Options only; a secret is kept as it is."""


@dataclass(frozen=True, slots=True)
class About:
    """Facts for people; none of them changes what the provider does."""

    title: str
    recipient: str
    """Who receives what is sent; empty: nothing leaves the house."""
    sends: str
    """What is sent, in words."""
    terms: str = ""
    """Address of the terms, or the catch in a sentence."""
    key: KeyUse = KeyUse.NONE
    key_setting: str = ""
    """The setting that holds the deployment's key, in lower case and without ``CM_``."""
    fields: tuple[Field, ...] = ()
    """What a tenant may fill in: keys and options."""
    usd_per_call: float = 0.0
    """As published in November 2026; 0: free, or by plan."""
    free_calls: int | None = None
    """A month, before anything is charged or refused; None: no such limit is published."""
    calls_per_client: int = 1
    """Requests that one run makes about one client, at the most common; 0: none depends on clients."""
    ends: date | None = None
    """When the provider shuts the service down."""

    @property
    def secrets(self) -> tuple[Field, ...]:
        """The fields that are kept sealed."""
        return tuple(field for field in self.fields if field.secret)

    @property
    def options(self) -> tuple[Field, ...]:
        """The fields that are no secret."""
        return tuple(field for field in self.fields if not field.secret)


def about_of(name: str, provider: type[Any]) -> About:
    """What a provider says of itself; of one that says nothing the worst is to be assumed."""
    about = getattr(provider, "about", None)
    if isinstance(about, About):
        return about
    return About(
        title=name,
        recipient="unknown: its package does not say",
        sends="unknown: take it that clients' names leave the house",
    )
