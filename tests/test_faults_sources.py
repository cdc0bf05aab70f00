"""Every fault of every source that speaks HTTP, through the real stage: typed, named, and nobody else's loss."""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from apis import APIS, as_reply, result
from conftest import NOW, Tenant
from fakes import Reply, google_news, jsonl, rss
from faults import FAULTS, Fault, Good, Where, World, played, world
from faulttable import FaultTable, cell, everything
from newsroom import plan_for
from pydantic import SecretStr
from sqlalchemy import Engine

from models.clock import FixedClock
from models.engine import reading
from models.jobs import RunState
from models.news import SourceResult, SourceState, raw_backlog, source_results
from models.settings import Settings, get_settings
from services.runs import close_run
from tasks.net.http import Http
from tasks.plan import RunPlan, StageReport
from tasks.search.stage import Tools, plan_units, search_batch
from tasks.search.units import installed_source

SECRET = "s3cret-7d1f"


class Asked(NamedTuple):
    """A source and how it answers when all is well."""

    good: Good
    path: str = ""
    """What it asks for below its address."""
    before: Mapping[str, Reply] = {}
    """What it asks for first, and gets."""


def _good(full: Any, empty: Any, quota: Reply | None = None) -> Good:
    return Good(as_reply(full), as_reply(empty), quota)


def _whole(answer: Any) -> Any:
    """Without the mark that there is a next page."""
    return answer | {"queries": {}} if "queries" in answer else answer


def _said(body: Any, status: int) -> Reply:
    return replace(as_reply(body), status=status)


QUOTAS = {
    "newsapi": _said({"status": "error", "code": "apiKeyExhausted", "message": "x"}, 401),
    "serper": _said({"message": "Not enough credits", "statusCode": 400}, 400),
    "tavily": _said({"detail": {"error": "plan limit"}}, 432),
    "google_search": _said(
        {"error": {"status": "PERMISSION_DENIED", "errors": [{"reason": "dailyLimitExceeded"}]}}, 403
    ),
    "gdelt": Reply(b"Please limit requests to one every 5 seconds.", media_type="text/html"),
}
FEEDS = {
    "google_news": Good(
        Reply(google_news([("Acme grows", "Wire")]).encode()), Reply(google_news([]).encode())
    ),
    "rss": Good(
        Reply(rss([{"title": "Acme grows", "link": "https://n.example/1"}]).encode()), Reply(rss([]).encode())
    ),
}
SOURCES = {name: Asked(good) for name, good in FEEDS.items()} | {
    api.name: Asked(
        _good(_whole(api.answer([result(1)])), _whole(api.answer([])), QUOTAS.get(api.name)),
        api.path.removeprefix("/api"),
        {path.removeprefix("/api"): as_reply(body) for path, body in api.before.items()},
    )
    for api in APIS
}
TITLES = {
    "google_news": "Google News",
    "rss": "RSS, Atom",
    "tavily": "Tavily",
    "newsapi": "NewsAPI",
    "serper": "Serper",
    "brave": "Brave",
    "google_search": "Google Custom Search",
    "gdelt": "GDELT",
    "sec_edgar": "SEC EDGAR",
}
KEYED = ("tavily", "newsapi", "serper", "brave", "google_search")
TABLE = FaultTable("sources", [fault.name for fault in FAULTS], TITLES)


class House:
    """A tenant whose sources are all in one world, and an archive that never fails."""

    def __init__(self, tenant: Tenant, made: World, fault: Fault, tmp_path: Path) -> None:
        tenant.add_client("Acme", legal_name="Acme Corp.", ticker="ACM")
        archive = tmp_path / "good.jsonl"
        archive.write_text(jsonl([{"title": "Good news"}]))
        self.tenant, self.world, self.fault = tenant, made, fault
        self.archive = f"archive:{archive}"
        self.bases = {name: self._serve(name, source) for name, source in SOURCES.items()}
        self.names = [name for name, base in self.bases.items() if base]

    def _serve(self, name: str, source: Asked) -> str | None:
        for path, reply in source.before.items():
            self.world.server.serve(f"/{name}{path}", reply)
        return self.world.serve(self.fault, name, source.path, source.good)

    def settings(self) -> Settings:
        bases = {name: base for name, base in self.bases.items() if base}
        feed = bases.pop("rss", "")
        changes = {
            "google_news_url": bases.get("google_news", ""),
            "source_urls": bases,
            "feeds": [feed.replace("://", f"://maria:{SECRET}@") + f"?token={SECRET}"] if feed else [],
            "contact": "ops@monitor.example",
            "google_search_engine": "engine1",
            "http_timeout_seconds": 0.1 if self.fault.slow else 10.0,
            # SQLite has one writer: threads pay only where they wait for the network.
            "search_concurrency": 16 if self.fault.slow else 1,
            **{f"{name}_api_key": SecretStr(f"{SECRET}-{name}") for name in KEYED},
        }
        return get_settings().model_copy(update=changes)

    def run(self, *others: str) -> tuple[RunPlan, StageReport]:
        """Search all sources at once, beside these others."""
        plan = plan_for(self.tenant, sources=(*self.names, *others))
        settings = self.settings()
        with Http(settings, sleep=lambda _: None, resolve=self.world.resolve) as http:
            tools = Tools(settings, http, FixedClock(NOW), installed_source)
            return plan, search_batch(plan, plan_units(plan, tools=tools), tools=tools)

    def results(self, plan: RunPlan) -> dict[str, SourceResult]:
        with reading(plan.scope) as session:
            return {row.source_api: row for row in source_results(plan.scope, session, plan.job_run_id)}

    def titles(self) -> dict[str, list[str]]:
        """Headlines by source; none of them invented."""
        found: dict[str, list[str]] = {}
        with reading(self.tenant.scope) as session:
            for item in raw_backlog(self.tenant.scope, session, 100):
                assert not item.is_mock
                found.setdefault(item.source_api, []).append(item.raw_content["title"])
        return found


@pytest.mark.parametrize("fault", played(FAULTS))
def test_a_fault_is_typed_and_named_and_costs_nobody_else(
    fault: Fault,
    tenant: Tenant,
    db: Engine,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    with world() as made:
        for name, value in made.environment(fault).items():
            monkeypatch.setenv(name, value)
        house = House(tenant, made, fault, tmp_path)
        plan, report = house.run(house.archive)
        summary = close_run(plan, [report])
        results = house.results(plan)
        cells = {
            name: cell(results[name].state.value, made.attempts(fault, name, SOURCES[name].path), name)
            for name in house.names
        }
        assert made.server.count("/inside") == 0
        assert fault.where is not Where.SERVER or SECRET in repr(made.server.asked), (
            "there was a secret to keep"
        )
    titles = house.titles()
    assert titles.pop("archive") == ["Good news"]
    for name in house.names:
        row = results[name]
        bad = row.state not in (SourceState.OK, SourceState.EMPTY)
        assert bool(row.error) is bad, name
        if bad:
            assert re.search(fault.says or "!", row.error), f"{name}: {row.error}"
        assert "\n" not in row.error
        assert any(line.startswith(f"{name} ") for line in summary.degraded) is bad, name
        assert (name in titles) is (row.state in (SourceState.OK, SourceState.PARTIAL) and row.found > 0), (
            name
        )
    assert summary.state is (RunState.DEGRADED if summary.degraded else RunState.COMPLETED)
    stored = everything(db)
    assert "Good news" in stored
    for place in (caplog.text, repr(report), summary.model_dump_json(), repr(results), stored):
        assert SECRET not in place
    TABLE.settle(fault.name, cells, write=pytestconfig.getoption("--write-fault-table"))


def test_a_run_in_which_no_source_answers_failed(tenant: Tenant, db: Engine, tmp_path: Path) -> None:
    [refused] = [fault for fault in FAULTS if fault.name == "401"]
    with world() as made:
        house = House(tenant, made, refused, tmp_path)
        plan, report = house.run()
    summary = close_run(plan, [report])
    assert summary.state is RunState.FAILED
    assert summary.error.startswith("no source answered: ")
    assert len(summary.degraded) == len(SOURCES)
    assert house.titles() == {}


def test_every_fault_is_published() -> None:
    assert TABLE.is_complete
