"""What a source is. A plug-in imports this module and nothing else of ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol, runtime_checkable

from models.news import SourceState
from models.settings import Settings
from tasks.companies.match import Profile
from tasks.search.http import Http

__all__ = [
    "FeedSource",
    "FetchContext",
    "Found",
    "Page",
    "Profile",
    "QuerySource",
    "SourceKind",
    "SourceState",
]


class SourceKind(StrEnum):
    FEED = "feed"
    """Fetched once for all clients; a unit is a feed's address."""
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
    """Rows left out, each naming the row and field; the good ones go on."""


@dataclass(frozen=True, slots=True)
class FetchContext:
    """What a source may use. It opens no connection of its own and reads no clock."""

    http: Http
    settings: Settings
    as_of: datetime
    days_back: int

    @property
    def since(self) -> datetime:
        """Where the look-back window starts."""
        return self.as_of - timedelta(days=self.days_back)


@runtime_checkable
class FeedSource(Protocol):
    name: ClassVar[str]
    kind: ClassVar[SourceKind]

    def units(self, argument: str | None, context: FetchContext) -> list[str]:
        """The feeds to fetch; ``argument`` is what stood behind the colon of ``--source name:argument``."""
        ...

    def fetch(self, unit: str, cursor: Mapping[str, Any] | None, context: FetchContext) -> Iterator[Page]:
        """A unit's pages, oldest cursor first. A fault is a Page of state failed, quota or partial, never raised."""
        ...


@runtime_checkable
class QuerySource(Protocol):
    name: ClassVar[str]
    kind: ClassVar[SourceKind]

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        """Pages about one client. A fault is a Page of state failed, quota or partial, never raised."""
        ...
