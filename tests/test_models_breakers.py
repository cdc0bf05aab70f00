"""Circuit breakers: when they open, for how long, and who may try first; over threads and processes."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Tenant

from models.breakers import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    OK_EVERY,
    PROBE_LASTS,
    BreakerState,
    admit,
    all_health,
    failed,
    pause_after,
    reset,
    state_of,
    succeeded,
    undecided,
)
from models.engine import writing
from models.providers import ProviderHealth, ProviderKind
from models.scope import Scope
from models.settings import get_settings

KIND = ProviderKind.SOURCE
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parent.parent
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def three(monkeypatch: pytest.MonkeyPatch, db: object) -> Iterator[None]:
    monkeypatch.setenv("CM_BREAKER_FAILURES", "3")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def health(scope: Scope, name: str = "news") -> ProviderHealth:
    return all_health(scope)[(KIND, name)]


def fail(scope: Scope, times: int, now: datetime = NOW) -> None:
    for _ in range(times):
        failed(scope, KIND, "news", "news.example: answered 503", now=now)


def test_it_is_asked_until_it_failed_three_times_in_a_row(tenant: Tenant) -> None:
    scope = tenant.scope
    assert admit(scope, KIND, "news", now=NOW).may_ask
    fail(scope, 2)
    assert admit(scope, KIND, "news", now=NOW).may_ask
    succeeded(scope, KIND, "news", now=NOW)
    fail(scope, 2)
    assert admit(scope, KIND, "news", now=NOW).may_ask
    fail(scope, 1)
    refused = admit(scope, KIND, "news", now=NOW)
    assert not refused.may_ask
    assert refused.refusal == (
        "not asked since 2026-11-22 12:00 UTC, after 3 failures in a row (the last: news.example: answered 503); "
        "asked again after 2026-11-22 12:05 UTC"
    )


def test_what_was_under_way_when_it_opened_counts_no_more(tenant: Tenant) -> None:
    fail(tenant.scope, 8)
    assert health(tenant.scope).failures == 3
    assert health(tenant.scope).open_until == NOW + FIRST_PAUSE


def test_one_probe_and_its_success_closes(tenant: Tenant) -> None:
    scope, later = tenant.scope, NOW + FIRST_PAUSE
    fail(scope, 3)
    assert not admit(scope, KIND, "news", now=later - SECOND).may_ask
    probe = admit(scope, KIND, "news", now=later)
    assert (probe.may_ask, probe.is_probe) == (True, True)
    assert "another run is trying it now" in admit(scope, KIND, "news", now=later).refusal
    succeeded(scope, KIND, "news", now=later)
    assert admit(scope, KIND, "news", now=later).may_ask
    assert state_of(health(scope), later) is BreakerState.CLOSED


def test_a_failed_probe_doubles_the_pause_up_to_a_cap(tenant: Tenant) -> None:
    scope, now = tenant.scope, NOW
    fail(scope, 3)
    pauses = []
    for _ in range(9):
        until = health(scope).open_until
        assert until is not None
        pauses.append(until - now)
        now = until
        assert admit(scope, KIND, "news", now=now).is_probe
        fail(scope, 1, now)
    assert pauses == [min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(9)]
    assert pause_after(10_000, 3) == LONGEST_PAUSE


def test_a_killed_prober_blocks_nobody_for_ever(tenant: Tenant) -> None:
    scope, later = tenant.scope, NOW + FIRST_PAUSE
    fail(scope, 3)
    assert admit(scope, KIND, "news", now=later).is_probe
    assert not admit(scope, KIND, "news", now=later + PROBE_LASTS - SECOND).may_ask
    assert admit(scope, KIND, "news", now=later + PROBE_LASTS).is_probe


def test_a_probe_that_decided_nothing_is_given_back(tenant: Tenant) -> None:
    scope, later = tenant.scope, NOW + FIRST_PAUSE
    fail(scope, 3)
    probe = admit(scope, KIND, "news", now=later)
    assert probe.is_probe
    undecided(scope, KIND, "news", probe)
    assert admit(scope, KIND, "news", now=later).is_probe
    assert health(scope).failures == 3


def test_nobody_gives_back_anothers_probe(tenant: Tenant) -> None:
    scope, later = tenant.scope, NOW + FIRST_PAUSE
    before = admit(scope, KIND, "news", now=NOW)
    fail(scope, 3)
    lapsed = admit(scope, KIND, "news", now=later)
    much_later = later + PROBE_LASTS
    assert admit(scope, KIND, "news", now=much_later).is_probe
    undecided(scope, KIND, "news", before)  # a call that was under way since before it opened
    undecided(scope, KIND, "news", lapsed)  # a probe that took too long
    assert not admit(scope, KIND, "news", now=much_later).may_ask


def test_it_is_of_one_tenant_kind_and_name(tenant: Tenant) -> None:
    from desk import another_tenant

    fail(tenant.scope, 3)
    assert admit(another_tenant().scope, KIND, "news", now=NOW).may_ask
    assert admit(tenant.scope, ProviderKind.CRM, "news", now=NOW).may_ask
    assert admit(tenant.scope, KIND, "other", now=NOW).may_ask


def test_reset_asks_at_once(tenant: Tenant) -> None:
    fail(tenant.scope, 3)
    reset(tenant.scope, KIND, "news")
    assert admit(tenant.scope, KIND, "news", now=NOW).may_ask


def test_success_after_success_is_not_written_each_time(tenant: Tenant) -> None:
    scope = tenant.scope
    succeeded(scope, KIND, "news", now=NOW)
    succeeded(scope, KIND, "news", now=NOW + SECOND)
    assert health(scope).last_ok_at == NOW
    succeeded(scope, KIND, "news", now=NOW + OK_EVERY)
    assert health(scope).last_ok_at == NOW + OK_EVERY


def test_failures_of_many_threads_are_all_counted(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_BREAKER_FAILURES", "100")
    get_settings.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: fail(tenant.scope, 1), range(24)))
    assert health(tenant.scope).failures == 24


def test_one_of_many_threads_gets_the_probe(tenant: Tenant) -> None:
    fail(tenant.scope, 3)
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda _: admit(tenant.scope, KIND, "news", now=NOW + FIRST_PAUSE), range(16)))
    assert sum(admission.may_ask for admission in asked) == 1


PROBER = """
import sys, uuid
from models.breakers import admit
from models.providers import ProviderKind
from models.scope import Scope
scope = Scope.system(uuid.UUID(sys.argv[1]))
admit(scope, ProviderKind.SOURCE, "warm up")
print("ready", flush=True)
sys.stdin.readline()
print(admit(scope, ProviderKind.SOURCE, "news").may_ask, flush=True)
"""


def test_one_of_many_processes_gets_the_probe(tenant: Tenant) -> None:
    with writing(tenant.scope) as session:
        session.add(
            ProviderHealth(
                business_id=tenant.business_id,
                kind=KIND,
                name="news",
                failures=3,
                open_until=NOW - timedelta(days=300),
            )
        )
    probers = [
        subprocess.Popen(
            [sys.executable, "-c", PROBER, str(tenant.business_id)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for prober in probers:
        assert prober.stdout is not None
        assert prober.stdout.readline() == "ready\n"
    for prober in probers:
        assert prober.stdin is not None
        prober.stdin.write("go\n")
        prober.stdin.flush()
    said = [prober.communicate(timeout=60)[0].strip() for prober in probers]
    assert sorted(said) == ["False", "False", "False", "True"]
