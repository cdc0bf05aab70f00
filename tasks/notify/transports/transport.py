"""What a transport is. A plug-in imports this module and nothing else of ours.

It registers a callable that takes ``models.settings.Settings`` and returns a ``Transport`` under the entry point
group ``client_monitor.transports``.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from models.settings import Settings
from tasks.about import About, Field, KeyUse
from tasks.registry import TRANSPORTS, load

__all__ = [
    "DELIVERY_TAG",
    "About",
    "Envelope",
    "Field",
    "KeyUse",
    "Limits",
    "Outcome",
    "Result",
    "Transport",
    "one_line",
    "open_transport",
]

DELIVERY_TAG = "delivery_id"
"""The name under which a provider keeps our delivery's id, to give it back in its webhooks."""


class Result(StrEnum):
    """How an attempt ended, as far as anybody can know."""

    SENT = "sent"
    TEMPORARY = "temporary"
    """Surely not accepted; the same bytes may be tried again."""
    PERMANENT = "permanent"
    """Surely not accepted, and never will be."""
    UNKNOWN = "unknown"
    """The message was on its way and no clear answer came: it may have been accepted."""
    UNAVAILABLE = "unavailable"
    """Surely not accepted, through no fault of this mail: the next one would fare no better now."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One mail to one address, as final as it gets."""

    sender: str
    recipient: str
    """Where it goes, which a redirection may have set; the To header names whom it was written for."""
    message_id: str
    """With its angle brackets."""
    data: bytes = field(repr=False)
    """The message with CRLF line ends; the same bytes at every attempt."""
    delivery_id: str = ""
    """Our id of it, for a provider's ``DELIVERY_TAG``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    result: Result
    detail: str = ""
    """One line for the person who looks after mail, without secrets and without the message."""
    provider_id: str | None = None
    """What the other side calls the mail, at most 200 characters."""
    wait_seconds: float | None = None
    """How long the other side asks us to leave it alone."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast a transport may be used."""

    connections: int = 1
    """Threads that may call ``send`` at the same time."""
    per_second: float = 0.0
    """Mails, over all threads and processes; 0: no limit."""
    account: str = ""
    """Whose limit it is, such as host and user; no secret."""


@runtime_checkable
class Transport(Protocol):
    name: ClassVar[str]
    about: ClassVar[About]
    idempotent: ClassVar[bool]
    """Whether sending the same envelope twice leaves one mail. Only then is a cut-off attempt simply repeated."""
    verbatim: ClassVar[bool]
    """Whether the mail arrives as the bytes it was given, so that our own signature on it holds."""

    @property
    def limits(self) -> Limits: ...

    def send(self, envelope: Envelope) -> Outcome:
        """One attempt, never a second: a fault is an Outcome, not an exception."""
        ...

    def close(self) -> None:
        """Give up connections. The transport may be used again afterwards."""
        ...


def open_transport(name: str, settings: Settings) -> Transport:
    """The installed transport of this name; tasks.registry.UnknownProvider lists those there are."""
    transport: Transport = load(TRANSPORTS, name)(settings)
    return transport


def one_line(text: object, length: int = 300) -> str:
    """What another side said, fit for an Outcome's detail: one line without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())[:length]
