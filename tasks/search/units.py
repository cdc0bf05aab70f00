"""The work list of a run: which source is asked for what."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.clients import Client
from models.clock import Clock, SystemClock
from models.providers import ProviderConfig, ProviderKind, provider_configs
from models.scope import Scope
from models.settings import Settings, get_settings
from tasks import registry
from tasks.about import about_of
from tasks.crashes import crashed
from tasks.net.http import Http
from tasks.plan import RunPlan
from tasks.search.access import context_of
from tasks.search.source import (
    FeedSource,
    FetchContext,
    FetchError,
    Page,
    Source,
    SourceError,
    SourceKind,
    is_third_party,
)

MOCK = "mock"
RSS = "rss"
NO_UNIT = "all clients"
"""The unit of a source that cannot say what there is to fetch."""


class NothingOn(SourceError):
    """The run names no source, and none is switched on."""

    mend = (
        "switch one on, such as: client-monitor providers enable google_news (or name one: run --source NAME)"
    )


class Unit(BaseModel):
    """One thing to fetch: a feed, or a query source's question about one client."""

    model_config = ConfigDict(frozen=True)

    source: str
    unit: str
    client_id: UUID | None = None
    fault: str = ""
    """Why the source could not say what to fetch: this stands in its place, and fails."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the stage works with; tests bring their own."""

    settings: Settings
    http: Http
    clock: Clock
    source: Callable[[str], Source]
    """A provider by name; raises ``tasks.registry.UnknownProvider``."""

    @classmethod
    def real(cls) -> "Tools":
        """The configured deployment's; close ``http`` when done."""
        settings = get_settings()
        return cls(settings=settings, http=Http(settings), clock=SystemClock(), source=installed_source)


def installed_source(name: str) -> Source:
    """A provider from the entry points."""
    source: Source = registry.load(registry.SOURCES, name)()
    return source


class Spec(NamedTuple):
    """A source as a person names it: ``archive:news.jsonl``."""

    name: str
    argument: str | None


def specs_of(
    plan: RunPlan, settings: Settings, configs: Mapping[str, ProviderConfig] | None = None
) -> list[Spec]:
    """The sources of a plan; without any, those that the tenant switched on. The mock only when asked for.

    Feeds that are configured are read unless somebody switched them off: that tells nobody about clients.
    """
    if plan.force_mock:
        return [Spec(MOCK, None)]
    if not plan.sources:
        configs = configs or {}
        names = [name for name, config in configs.items() if config.is_enabled and name != RSS]
        if settings.feeds and (RSS not in configs or configs[RSS].is_enabled):
            names.insert(0, RSS)
        return [Spec(name, None) for name in names]
    specs = []
    for text in plan.sources:
        name, _, argument = text.partition(":")
        specs.append(Spec(name.strip(), argument.strip() or None))
    return list(dict.fromkeys(specs))


class Missing:
    """Stands for a source that is switched on and cannot be made: it fails, the others go on."""

    name: ClassVar[str] = "missing"
    kind: ClassVar[SourceKind] = SourceKind.FEED

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def units(self, argument: str | None, context: FetchContext) -> list[str]:
        return [NO_UNIT]

    def fetch(self, unit: str, cursor: Mapping[str, Any] | None, context: FetchContext) -> Iterator[Page]:
        raise FetchError(self._reason)


def source_of(plan: RunPlan, name: str, tools: Tools) -> Source:
    """The source of this name. Where somebody wrote it into the plan, UnknownProvider, ImportError or SourceError."""
    try:
        return tools.source(name)
    except (registry.UnknownProvider, ImportError) as error:
        if plan.sources:
            raise
        return Missing(f"is switched on but cannot be used ({error}); install it, or switch it off")
    except Exception as error:  # somebody's package is broken: the other sources are asked all the same
        said = crashed("source", name, error)
        if plan.sources:
            raise SourceError(f"{name} cannot be used: {said}") from None
        return Missing(f"is switched on but cannot be used: {said}")


def configs_of(scope: Scope, session: Session) -> dict[str, ProviderConfig]:
    """What the tenant said about sources, by name."""
    return {row.name: row for row in provider_configs(scope, session, ProviderKind.SOURCE)}


def context_for(
    plan: RunPlan, name: str, source: Source, tools: Tools, configs: Mapping[str, ProviderConfig]
) -> FetchContext:
    """What the source of this name may use in this run."""
    specs = specs_of(plan, tools.settings, configs)
    return context_of(
        plan.business_id,
        name,
        about_of(name, type(source)),
        configs.get(name),
        http=tools.http,
        settings=tools.settings,
        as_of=plan.as_of,
        days_back=plan.days_back,
        arguments=tuple(spec.argument for spec in specs if spec.name == name and spec.argument),
    )


def units_of(
    plan: RunPlan, tools: Tools, configs: Mapping[str, ProviderConfig], clients: Sequence[Client]
) -> list[Unit]:
    """The work list, feeds first. No question about a confidential client goes to a third party.

    Called outside any transaction: a source may ask over the network which feeds it has. One that fails at it gets a
    unit that fails. UnknownProvider for a source that is not installed, SourceError for an argument that makes no
    sense, NothingOn when there is no source to ask.
    """
    specs = specs_of(plan, tools.settings, configs)
    if not specs:
        raise NothingOn("no source is switched on, and CM_FEEDS names no feed: there is nothing to search")
    feeds: list[Unit] = []
    queries: list[Unit] = []
    for spec in specs:
        source = source_of(plan, spec.name, tools)
        if isinstance(source, FeedSource):
            feeds += _feeds(plan, spec, source, context_for(plan, spec.name, source, tools, configs))
            continue
        if spec.argument:
            raise SourceError(
                f"{spec.name} takes no argument ({spec.name}:{spec.argument}); it asks about each client"
            )
        closed = is_third_party(source)
        queries += [
            Unit(source=spec.name, unit=str(client.id), client_id=client.id)
            for client in clients
            if not (client.confidential and closed)
        ]
    return list(dict.fromkeys((*feeds, *queries)))


def _feeds(plan: RunPlan, spec: Spec, source: FeedSource, context: FetchContext) -> list[Unit]:
    try:
        return [Unit(source=spec.name, unit=unit) for unit in source.units(spec.argument, context)]
    except SourceError as error:
        if plan.sources:
            raise
        fault = str(error)
    except FetchError as error:
        fault = str(error)
    except Exception as error:
        fault = crashed("source", spec.name, error)
    return [Unit(source=spec.name, unit=NO_UNIT, fault=fault)]
