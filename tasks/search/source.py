"""What a source is. A plug-in imports this module and nothing else of ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import SecretStr

from models.limits import fingerprint
from models.news import SourceState
from models.settings import Settings
from tasks.about import About, Field, KeyUse
from tasks.companies.names import Profile
from tasks.net.faults import FetchError
from tasks.net.http import Http
from tasks.net.pace import Cap, Pace

__all__ = [
    "About",
    "FeedSource",
    "FetchContext",
    "FetchError",
    "Field",
    "Found",
    "Http",
    "KeyUse",
    "Pace",
    "Page",
    "Profile",
    "QuerySource",
    "Source",
    "SourceError",
    "SourceKind",
    "SourceState",
    "feed_breaker",
    "is_archive",
    "is_mock",
    "is_third_party",
    "question_of",
]


class SourceError(ValueError):
    """A source was asked for something impossible, by a person: one line that says what to write instead."""


class SourceKind(StrEnum):
    FEED = "feed"
    """Fetched once for all clients; a unit is a feed's name."""
    QUERY = "query"
    """Asked once a client."""


@dataclass(frozen=True, slots=True)
class Found:
    """One item as the source gave it. HTML is stripped; nothing else is improved."""

    title: str
    url: str | None = None
    snippet: str | None = None
    source: str | None = None
    """The publisher's name, not the provider's."""
    published_at: datetime | None = None
    """Aware UTC; None when the source gave none or one that cannot be read. Never "now"."""
    first_seen_at: datetime | None = None
    """When an archive's keeper first saw it; None: when we did."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    approximate: bool = False
    """``published_at`` was counted back from an age ("4 hours ago"): asked again, it comes out differently."""


@dataclass(frozen=True, slots=True)
class Page:
    """Items and the cursor that moves with them: both are committed, or neither."""

    state: SourceState
    items: tuple[Found, ...] = ()
    cursor: Mapping[str, Any] | None = None
    """Where the next fetch of this unit starts; None leaves the stored one."""
    error: str = ""
    """For failed, quota and partial: one line a person can act on, without secrets."""
    problems: tuple[str, ...] = ()
    """What is wrong, each naming the row and field; rows left out make the page ``partial``."""


@dataclass(frozen=True, slots=True)
class FetchContext:
    """What a source may use. It opens no connection of its own and reads no clock."""

    http: Http
    settings: Settings
    as_of: datetime
    days_back: int
    arguments: tuple[str, ...] = ()
    """What stood behind the colon of every ``--source name:argument`` of this source."""
    keys: Mapping[str, SecretStr] = field(default_factory=dict)
    """API keys by source name: the tenant's own, else the deployment's."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the tenant filled in of the source's ``about.options``."""
    caps: tuple[Cap, ...] = ()
    """How many requests the tenant and the deployment allow this source."""
    locked: str = ""
    """Why the tenant's own key cannot be read; empty when it can, or there is none."""
    key_setting: str = ""
    """The setting with the deployment's key, as ``about`` names it."""

    def key(self, name: str) -> str | None:
        """The key of the source of this name; None: it is asked without one, or not at all.

        FetchError when the tenant has one that cannot be read: to ask without it would be another service.
        """
        if self.locked:
            raise FetchError(f"{name}: {self.locked}")
        held = self.keys.get(name)
        return held.get_secret_value() if held else None

    def pace(self, name: str, interval_seconds: float) -> Pace:
        """What to give ``http.fetch``: the distance between requests, the key they count for, and the caps."""
        return Pace(name, interval_seconds, self.key(name), self.caps)

    @property
    def language(self) -> str:
        """ISO 639-1, lower case."""
        return str(self.options.get("language") or self.settings.search_language).lower()

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2, upper case."""
        return str(self.options.get("country") or self.settings.search_country).upper()

    def most_results(self, default: int) -> int:
        """How many results about one client are wanted at the most."""
        return int(self.options.get("max_results") or default)

    @property
    def since(self) -> datetime:
        """Where the look-back window starts."""
        return self.as_of - timedelta(days=self.days_back)


@runtime_checkable
class FeedSource(Protocol):
    """A source whose documents concern all clients.

    Optional class attributes: ``about``, the facts people see before they switch it on; ``is_mock`` (default
    False): its items are invented and marked so; ``is_archive`` (default False): its items were first seen when
    their dates say, not when they were read.
    """

    name: ClassVar[str]
    kind: ClassVar[SourceKind]

    def units(self, argument: str | None, context: FetchContext) -> list[str]:
        """The feeds to fetch, by names that may be shown and stored (no credentials, 500 characters at most).

        ``argument`` is what stood behind the colon of ``--source name:argument``. SourceError when it makes
        no sense.
        """
        ...

    def fetch(self, unit: str, cursor: Mapping[str, Any] | None, context: FetchContext) -> Iterator[Page]:
        """A unit's pages, oldest cursor first. A fault is the last Page, or a FetchError raised."""
        ...


@runtime_checkable
class QuerySource(Protocol):
    """A source that is asked about each client.

    Optional class attributes: ``about``, the facts people see before they switch it on; ``is_mock`` (default
    False); and ``third_party`` (default True): a question leaves the house, so it is never asked about a
    confidential client.

    An optional method ``question(profile, context) -> str`` tells people what ``fetch`` would ask, and asks nobody.
    """

    name: ClassVar[str]
    kind: ClassVar[SourceKind]

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        """Pages about one client. A fault is the last Page (failed, quota), or a FetchError raised."""
        ...


Source = FeedSource | QuerySource


def feed_breaker(source: str, unit: str) -> str:
    """One feed's name for its breaker and its pace: addresses are too long, and not for everybody's eyes."""
    return f"{source[:30]}:{fingerprint(unit)[:24]}"


def is_mock(source: Source) -> bool:
    """Whether the source's items are invented."""
    return bool(getattr(source, "is_mock", False))


def is_archive(source: Source) -> bool:
    """Whether the source's items bring the time they were first seen."""
    return bool(getattr(source, "is_archive", False))


def is_third_party(source: Source) -> bool:
    """Whether asking this source tells somebody outside which clients we have."""
    return source.kind is SourceKind.QUERY and bool(getattr(source, "third_party", True))


def question_of(source: Source, profile: Profile, context: FetchContext) -> str:
    """What the source would ask about the client, for people; empty where it does not tell."""
    tell = getattr(source, "question", None)
    return str(tell(profile, context)) if callable(tell) else ""
