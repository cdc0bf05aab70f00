"""What a transport is. A plug-in imports this module and nothing else of ours.

It registers a callable that takes ``models.settings.Settings`` and returns a ``Transport`` under the entry point
group ``client_monitor.transports``.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from models.settings import Settings
from tasks.registry import TRANSPORTS, load

__all__ = ["Envelope", "Outcome", "Result", "Transport", "open_transport"]


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
    message_id: str
    """With its angle brackets."""
    data: bytes = field(repr=False)
    """The message with CRLF line ends; the same bytes at every attempt."""


@dataclass(frozen=True, slots=True)
class Outcome:
    result: Result
    detail: str = ""
    """One line for the person who looks after mail, without secrets and without the message."""
    provider_id: str | None = None
    """What the other side calls the mail."""


@runtime_checkable
class Transport(Protocol):
    name: ClassVar[str]
    idempotent: ClassVar[bool]
    """Whether sending the same envelope twice leaves one mail. Only then is a cut-off attempt simply repeated."""

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
