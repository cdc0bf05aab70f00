"""What AI cost: every paid call is in one line of each cut, and a budget's rest is what may still be reserved."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from conftest import Tenant
from desk import another_tenant

from models.ai import AiSpend
from models.base import utc_now
from models.clock import FixedClock
from models.engine import writing
from models.limits import reserve, settle
from models.providers import ProviderConfig, ProviderKind
from models.scope import Scope
from services.spend import By, Sum, spend

TODAY = datetime(2026, 11, 22, 15, tzinfo=UTC)
CLOCK = FixedClock(TODAY)
RUN = UUID("00000000-0000-7000-8000-0000abcd1234")


def paid(tenant: Tenant, days_ago: float = 0, **fields: Any) -> None:
    known: dict[str, Any] = {
        "provider": "openai",
        "model": "gpt-6-luna",
        "input_tokens": 100,
        "cached_tokens": 30,
        "output_tokens": 10,
        "cost_usd": 0.25,
        "created_at": TODAY - timedelta(days=days_ago),
    }
    tenant.add(AiSpend(business_id=tenant.business_id, **(known | fields)))


def switch_on(tenant: Tenant, name: str = "openai", **options: Any) -> None:
    tenant.add(
        ProviderConfig(
            business_id=tenant.business_id,
            kind=ProviderKind.CLASSIFIER,
            name=name,
            is_enabled=True,
            options=options,
            changed_at=TODAY,
        )
    )


def test_nothing_spent_is_nothing(tenant: Tenant) -> None:
    found = spend(tenant.scope, clock=CLOCK)
    assert (found.total, found.lines, found.classifier, found.allowances) == (Sum(), {}, "", [])


@pytest.mark.parametrize("by", list(By))
def test_every_call_is_in_one_line(tenant: Tenant, by: By) -> None:
    paid(tenant)
    paid(tenant, 2, provider="anthropic", model="claude-haiku-5-5", purpose="insight", job_run_id=RUN)
    paid(tenant, 2, model="gpt-6-sol", cost_usd=1.0)
    found = spend(tenant.scope, days=3, by=by, clock=CLOCK)
    assert found.total == Sum(3, 300, 90, 30, 1.5)
    assert sum(line.calls for line in found.lines.values()) == 3
    assert sum(line.cost_usd for line in found.lines.values()) == 1.5
    shown = {
        By.DAY: ["2026-11-20", "2026-11-21", "2026-11-22"],
        By.MODEL: ["openai gpt-6-sol", "anthropic claude-haiku-5-5", "openai gpt-6-luna"],
        By.RUN: ["outside of runs", "abcd1234"],
        By.PURPOSE: ["classify", "insight"],
    }
    assert list(found.lines) == shown[by]


def test_days_are_utc_days_and_older_ones_and_other_tenants_are_left_out(tenant: Tenant) -> None:
    paid(tenant, created_at=datetime(2026, 11, 21, 0, 0, tzinfo=UTC))
    paid(tenant, created_at=datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC))
    paid(another_tenant())
    found = spend(tenant.scope, days=2, clock=CLOCK)
    assert {day: line.calls for day, line in found.lines.items()} == {"2026-11-21": 1, "2026-11-22": 0}


def test_what_is_left_is_what_may_still_be_reserved(tenant: Tenant) -> None:
    switch_on(tenant, usd_per_day=0.5, calls_per_month=7)
    now = utc_now()
    name = f"ai-usd/{tenant.business_id}/day/{now:%Y-%m-%d}"
    with writing(Scope.operator()) as session:
        settle(session, reserve(session, name, 0.2, limit=0.5), 0.125)
        reserve(session, name, 0.25, limit=0.5)
        reserve(session, name, 0.1, limit=0.5, seconds=-1)  # of a process that was killed
        reserve(session, f"ai-usd/{uuid4()}/day/{now:%Y-%m-%d}", 0.4, limit=0.5)
    found = spend(tenant.scope, clock=FixedClock(now))
    assert found.classifier == "openai"
    left = {(one.unit, one.period): one.left for one in found.allowances}
    assert left["usd", "day"] == pytest.approx(0.125)
    assert left["calls", "month"] == 7
    assert left.keys() == {("usd", "day"), ("usd", "month"), ("calls", "day"), ("calls", "month")}
