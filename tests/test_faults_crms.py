"""Every fault of every CRM, through the real stage: the last snapshot stays, and the run says whose fault it was."""

import json
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from conftest import Tenant
from desk import change, rows
from fakes import Asked, NewsServer, Reply
from faults import FAULTS, Fault, Good, World, played, world
from faulttable import FaultTable, cell, everything, left_alone
from hubspot import KEY, HubSpot, answer
from hubspot import error as hubspot_error
from newsroom import plan_for
from salesforceorg import QUERY_PATH, FakeOrg, as_json
from salesforceorg import error as salesforce_error
from sqlalchemy import Engine
from test_tasks_enrich import in_the_news

from models.base import utc_now
from models.clients import Client
from models.crm import CrmSnapshot
from models.jobs import RunState
from models.providers import ProviderConfig, ProviderHealth, ProviderKind
from models.settings import get_settings
from models.vault import new_key, seal
from services.runs import close_run
from tasks.enrich.stage import enrich_batch
from tasks.net.http import Http

SECRETS = {
    "salesforce": {"refresh_token": "refresh-0", "client_secret": "s3cret-of-the-app"},
    "hubspot": {"key": KEY},
}
TITLES = {"salesforce": "Salesforce", "hubspot": "HubSpot"}
TABLE = FaultTable("crms", [fault.name for fault in FAULTS], TITLES)


class Prefixed:
    """A server as a provider sees it that stands below a path."""

    def __init__(self, server: NewsServer, prefix: str) -> None:
        self._server, self._prefix = server, prefix
        self.served: dict[str, Any] = {}

    def serve(self, path: str, *replies: Any) -> str:
        [self.served[path]] = replies
        return self._server.serve(self._prefix + path, *replies)


class Asking(NamedTuple):
    """Where a CRM is asked first about an account, and how it answers when all is well."""

    good: Good
    path: str
    more: int = 0
    """Further requests to that path when all is well."""


def _salesforce(server: Any) -> Asking:
    org = FakeOrg(server)
    acme = org.account(1, "Acme", Tier__c="Gold")
    found = {"attributes": {"type": "Account"}, "Id": acme, "Name": "Acme"}
    full = as_json({"totalSize": 1, "done": True, "records": [found]})
    empty = as_json({"totalSize": 0, "done": True, "records": []})
    spent = salesforce_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    return Asking(Good(full, empty, spent, live=server.served[QUERY_PATH]), QUERY_PATH, more=2)


def _hubspot(server: Any) -> Asking:
    hub = HubSpot(server)
    hub.add("companies", 1, name="Acme", plan="Gold")
    path = hub.path("companies", "batch/read")
    live: Callable[[Asked], Reply] = server.served[path]
    full = {
        "status": "COMPLETE",
        "results": [{"id": "1", "properties": {"name": "Acme", "hs_object_id": "1"}}],
    }
    spent = hubspot_error(429, "RATE_LIMITS", errorType="RATE_LIMIT", policyName="DAILY")
    return Asking(Good(answer(full), answer({"status": "COMPLETE", "results": []}), spent, live=live), path)


MADE: dict[str, Callable[[Any], Asking]] = {"salesforce": _salesforce, "hubspot": _hubspot}
OPTIONS = {
    "salesforce": {"client_id": "the-app", "tier_field": "Tier__c"},
    "hubspot": {"tier_property": "plan"},
}
CRM_IDS = {"salesforce": "001000000000001AAA", "hubspot": "1"}


@pytest.mark.parametrize("fault", played(FAULTS, short=True))
def test_the_last_snapshot_stays_and_the_run_is_degraded(
    fault: Fault,
    tenant: Tenant,
    db: Engine,
    pytestconfig: pytest.Config,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("CM_SECRET_KEYS", new_key())
    monkeypatch.setenv("CM_HTTP_TIMEOUT_SECONDS", "0.1" if fault.slow else "10")
    [client] = in_the_news(tenant, "Acme")
    told: list[Any] = []
    with world() as made:
        for name, value in made.environment(fault).items():
            monkeypatch.setenv(name, value)
        cells = {}
        for name in MADE:
            said = _play(tenant, client, name, fault, made, monkeypatch, told)
            if said is not None:
                cells[name] = said
        assert made.server.count("/inside") == 0
    places = (caplog.text, repr(told), everything(db))
    for secrets in SECRETS.values():
        assert not any(secret in place for secret in secrets.values() for place in places)
    TABLE.settle(fault.name, cells, write=pytestconfig.getoption("--write-fault-table"))


def _play(
    tenant: Tenant,
    client: Any,
    name: str,
    fault: Fault,
    made: World,
    monkeypatch: pytest.MonkeyPatch,
    told: list[Any],
) -> str | None:
    """One CRM's run; its cell of the table, or None where the fault does not exist."""
    asking = MADE[name](Prefixed(made.server, f"/{name}"))
    base = made.serve(fault, name, asking.path, asking.good)
    if base is None:
        return None
    monkeypatch.setenv("CM_SOURCE_URLS", json.dumps({name: base}))
    get_settings.cache_clear()
    change(tenant, ProviderConfig, is_enabled=False)
    tenant.add(
        ProviderConfig(
            business_id=tenant.business_id,
            kind=ProviderKind.CRM,
            name=name,
            is_enabled=True,
            options=OPTIONS[name],
            secret=seal(get_settings(), SECRETS[name]),
            changed_at=utc_now(),
        )
    )
    change(tenant, Client, crm_id=CRM_IDS[name])
    long_ago = utc_now().replace(year=2020)
    tenant.add(
        CrmSnapshot(business_id=tenant.business_id, client_id=client, provider=name, taken_at=long_ago)
    )
    plan = plan_for(tenant)
    with Http(get_settings(), sleep=lambda _: None, resolve=made.resolve) as http:
        report = enrich_batch(plan, http=http)
    summary = close_run(plan, [report])
    told += [report, summary]
    taken = [row for row in rows(tenant, CrmSnapshot, provider=name) if row.taken_at != long_ago]
    attempts = made.attempts(fault, name, asking.path)
    if report.degraded:
        [line] = report.degraded
        assert line.startswith(f"CRM {name}: ")
        assert "\n" not in line
        assert line.endswith("(1 client keeps its last snapshot)")
        assert (summary.state, taken) == (RunState.DEGRADED, [])
        # A quota is what leaves the provider alone until a time; its breaker counts it as no failure.
        spent = bool(left_alone(name))
        assert not (spent and any(health.failures for health in rows(tenant, ProviderHealth, name=name)))
        return cell("quota" if spent else "failed", attempts, name)
    assert summary.state is RunState.COMPLETED
    [snapshot] = taken
    known = snapshot.tier == "Gold"
    return cell("ok" if known else "empty", attempts - (asking.more if known else 0), name)


def test_every_fault_is_published() -> None:
    assert TABLE.is_complete
