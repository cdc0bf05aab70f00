"""The work list of a run: which source is asked for what."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr
from sqlmodel import Session

from models.clients import active_clients
from models.clock import Clock, SystemClock
from models.scope import Scope
from models.settings import Settings, get_settings
from tasks import registry
from tasks.net.http import Http
from tasks.plan import RunPlan
from tasks.search.source import FeedSource, FetchContext, Source, SourceError, is_third_party

MOCK = "mock"


class Unit(BaseModel):
    """One thing to fetch: a feed, or a query source's question about one client."""

    model_config = ConfigDict(frozen=True)

    source: str
    unit: str
    client_id: UUID | None = None


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


def specs_of(plan: RunPlan, settings: Settings) -> list[Spec]:
    """The sources of a plan; without any, what the settings make available. The mock only when asked for."""
    if plan.force_mock:
        return [Spec(MOCK, None)]
    if not plan.sources:
        return [*([Spec("rss", None)] if settings.feeds else []), Spec("google_news", None)]
    specs = []
    for text in plan.sources:
        name, _, argument = text.partition(":")
        specs.append(Spec(name.strip(), argument.strip() or None))
    return list(dict.fromkeys(specs))


def deployment_keys(settings: Settings) -> dict[str, SecretStr]:
    """The keys that the settings hold, by source."""
    keys = {
        "tavily": settings.tavily_api_key,
        "newsapi": settings.newsapi_api_key,
        "serper": settings.serper_api_key,
        "brave": settings.brave_api_key,
        "google_search": settings.google_search_api_key,
    }
    return {name: key for name, key in keys.items() if key is not None}


def context_for(plan: RunPlan, name: str, tools: Tools) -> FetchContext:
    """What the source of this name may use in this run."""
    specs = specs_of(plan, tools.settings)
    return FetchContext(
        http=tools.http,
        settings=tools.settings,
        as_of=plan.as_of,
        days_back=plan.days_back,
        keys=deployment_keys(tools.settings),
        arguments=tuple(spec.argument for spec in specs if spec.name == name and spec.argument),
    )


def units_of(scope: Scope, session: Session, plan: RunPlan, tools: Tools) -> list[Unit]:
    """The work list, feeds first. No question about a confidential client goes to a third party.

    UnknownProvider for a source that is not installed, SourceError for an argument that makes no sense.
    """
    feeds: list[Unit] = []
    queries: list[Unit] = []
    clients = active_clients(scope, session, None if plan.client_ids is None else list(plan.client_ids))
    for spec in specs_of(plan, tools.settings):
        source = tools.source(spec.name)
        if isinstance(source, FeedSource):
            context = context_for(plan, spec.name, tools)
            feeds += [Unit(source=spec.name, unit=unit) for unit in source.units(spec.argument, context)]
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
