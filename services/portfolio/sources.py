"""Which sources are asked about clients, and how they last answered about each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.accounts import Business
from models.clients import Client
from models.news import SourceResult, SourceState
from models.providers import ProviderConfig, ProviderKind
from models.scope import Scope
from models.settings import get_settings
from services.providers.catalogue import Provider, catalogue
from services.providers.listing import is_asked
from tasks.about import About, about_of
from tasks.registry import SOURCES, load
from tasks.search.source import Source, SourceKind
from tasks.search.units import MOCK, configs_of

_FAULTS = frozenset({SourceState.FAILED, SourceState.QUOTA})


class Answered(StrEnum):
    """How the sources that are asked about a client last answered, in a word; the order is that of worry."""

    DOWN = "down"
    """None of them answered."""
    TROUBLE = "trouble"
    """Some did not, or only in part."""
    WAITING = "waiting"
    """It was not searched yet."""
    CLOSED = "closed"
    """Confidential: nobody outside is asked about it."""
    NOBODY = "nobody"
    """No source that is asked about clients is switched on."""
    OK = "ok"


@dataclass(frozen=True, slots=True)
class SourceOn:
    """A source that runs use now."""

    name: str
    about: About
    made: type[Source]
    config: ProviderConfig | None

    @property
    def is_query(self) -> bool:
        """Whether it is asked about each client; a feed is read whole."""
        return self.made.kind is SourceKind.QUERY

    def asks_about(self, client: Client) -> bool:
        """Whether it may be asked about this client."""
        closed = bool(getattr(self.made, "third_party", True))
        return self.is_query and not (client.confidential and closed)


class SourcesNow(BaseModel):
    """How a client's sources stand, as a table shows it."""

    model_config = ConfigDict(frozen=True)

    state: Answered
    asked: int = 0
    """So many sources are asked about the client."""
    failing: tuple[str, ...] = ()
    """Titles of those that did not answer, or only in part."""
    at: datetime | None = None
    """When it was last searched."""


def sources_on(scope: Scope, session: Session) -> list[SourceOn]:
    """The sources that a run of this business uses now, by title; the demo has the invented one."""
    settings, configs = get_settings(), configs_of(scope, session)
    found = [
        _source(one, configs.get(one.name))
        for one in catalogue(ProviderKind.SOURCE)
        if is_asked(one.kind, one.name, configs.get(one.name), settings)
    ]
    if session.get_one(Business, scope.business).is_demo:
        invented = load(SOURCES, MOCK)
        found.append(SourceOn(MOCK, about_of(MOCK, invented), invented, None))
    return sorted(found, key=lambda one: one.about.title.casefold())


def _source(one: Provider, config: ProviderConfig | None) -> SourceOn:
    return SourceOn(one.name, one.about, load(SOURCES, one.name), config)


def summary(client: Client, sources: Sequence[SourceOn], results: Iterable[SourceResult]) -> SourcesNow:
    """The client's sources in one word; ``results`` are the newest of it, one a source."""
    queries = [one for one in sources if one.is_query]
    asked = {one.name: one.about.title for one in queries if one.asks_about(client)}
    if not asked:
        return SourcesNow(state=Answered.CLOSED if queries else Answered.NOBODY)
    newest: Mapping[str, SourceResult] = {row.source_api: row for row in results if row.source_api in asked}
    if not newest:
        return SourcesNow(state=Answered.WAITING, asked=len(asked))
    failed = [name for name, row in newest.items() if row.state in _FAULTS]
    partly = [name for name, row in newest.items() if row.state is SourceState.PARTIAL]
    state = Answered.OK
    if failed or partly:
        state = Answered.DOWN if len(failed) == len(newest) else Answered.TROUBLE
    return SourcesNow(
        state=state,
        asked=len(asked),
        failing=tuple(sorted(asked[name] for name in (*failed, *partly))),
        at=max(row.created_at for row in newest.values()),
    )
