"""A tenant whose search stage works with sources and settings of the test's own."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from conftest import NOW, Tenant
from sqlmodel import col, delete, select

from models.clients import Client
from models.clock import FixedClock
from models.engine import reading, writing
from models.jobs import JobRun, JobType
from models.news import RawItem, SourceResult, SourceState, cursor_of, raw_backlog, source_results
from models.providers import ProviderConfig, ProviderKind
from models.settings import get_settings
from tasks.net.http import Http
from tasks.plan import RunPlan
from tasks.registry import UnknownProvider
from tasks.search.source import FetchContext, Found, Page, Source, SourceKind
from tasks.search.sources.archive import ArchiveSource
from tasks.search.sources.google_news import GoogleNewsSource
from tasks.search.sources.mock import MockSource
from tasks.search.sources.rss import RssSource
from tasks.search.stage import Tools, Unit, plan_units, search_batch

OURS: dict[str, Callable[[], Source]] = {
    "archive": ArchiveSource,
    "rss": RssSource,
    "google_news": GoogleNewsSource,
    "mock": MockSource,
}


class House:
    """A tenant with tools and runs."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.scope = tenant.scope
        self.sources = dict(OURS)
        self.settings: dict[str, Any] = {"google_news_interval_seconds": 0.0}
        self.now: datetime = NOW + timedelta(seconds=5)
        self.switch("google_news")
        self.plan = self.run()

    def switch(self, name: str, *, on: bool = True, **fields: Any) -> None:
        """What an admin did about a source; again for the same name: anew."""
        with writing(self.scope) as session:
            session.exec(delete(ProviderConfig).where(col(ProviderConfig.name) == name))
        self.tenant.add(
            ProviderConfig(
                business_id=self.tenant.business_id,
                kind=ProviderKind.SOURCE,
                name=name,
                is_enabled=on,
                **fields,
            )
        )

    def run(self, **fields: Any) -> RunPlan:
        as_of = fields.pop("as_of", NOW)
        business = self.tenant.business_id
        job = self.tenant.add(JobRun(business_id=business, job_type=JobType.SEARCH_ONLY, as_of=as_of))
        self.plan = RunPlan(business_id=business, job_run_id=job, as_of=as_of, **fields)
        return self.plan

    def tools(self) -> Tools:
        settings = get_settings().model_copy(update=self.settings)
        http = Http(settings, sleep=lambda _: None)
        return Tools(settings, http, FixedClock(self.now), self._source)

    def _source(self, name: str) -> Source:
        if name not in self.sources:
            raise UnknownProvider(
                f"no source is called {name!r}; installed: {', '.join(sorted(self.sources))}"
            )
        return self.sources[name]()

    def units(self) -> list[Unit]:
        return plan_units(self.plan, tools=self.tools())

    def search(self) -> Any:
        return search_batch(self.plan, self.units(), tools=self.tools())

    def items(self) -> list[RawItem]:
        with reading(self.scope) as session:
            return raw_backlog(self.scope, session, 10_000)

    def titles(self) -> list[str]:
        return [item.raw_content["title"] for item in self.items()]

    def results(self) -> dict[str, SourceResult]:
        with reading(self.scope) as session:
            return {row.unit: row for row in source_results(self.scope, session, self.plan.job_run_id)}

    def result(self) -> SourceResult:
        [row] = self.results().values()
        return row

    def cursor(self, source: str, unit: str) -> dict[str, Any] | None:
        with reading(self.scope) as session:
            return cursor_of(self.scope, session, source, unit)

    def client(self, client_id: UUID) -> Client:
        with reading(self.scope) as session:
            return session.exec(select(Client).where(Client.id == client_id)).one()


class Scripted:
    """A feed of pages that a test wrote; an exception among them is raised."""

    name: ClassVar[str] = "scripted"
    kind: ClassVar[SourceKind] = SourceKind.FEED

    def __init__(self, *pages: Page | Exception) -> None:
        self.pages = pages
        self.cursors: list[Mapping[str, Any] | None] = []

    def units(self, argument: str | None, context: FetchContext) -> list[str]:
        return [argument or "one"]

    def fetch(self, unit: str, cursor: Mapping[str, Any] | None, context: FetchContext) -> Iterator[Page]:
        self.cursors.append(cursor)
        for page in self.pages:
            if isinstance(page, Exception):
                raise page
            yield page


def script(house: House, *pages: Page | Exception) -> Scripted:
    source = Scripted(*pages)
    house.sources["scripted"] = lambda: source
    return source


def page(*names: str, cursor: Mapping[str, Any] | None = None, **fields: Any) -> Page:
    return Page(fields.pop("state", SourceState.OK), tuple(Found(n) for n in names), cursor, **fields)
