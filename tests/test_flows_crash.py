"""kill -9 anywhere, then a re-run: the same events and the same mails as if nothing had happened."""

import signal
from pathlib import Path
from typing import Any

import pytest
import undisturbed
from conftest import Tenant

from models.engine import reading
from models.jobs import RunState, recent_runs

MOMENTS = [
    f"{stage}:{moment}"
    for stage in (*undisturbed.STAGES, "digest")
    for moment in ("before", "inside", "after")
]
SOME = ("search:inside", "dedupe:inside", "classify:inside", "filter:after", "notify:inside", "digest:inside")


@pytest.fixture
def archive(tenant: Tenant, tmp_path: Path) -> Path:
    undisturbed.populate(tenant)
    return undisturbed.write_archive(tmp_path / "news.jsonl")


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """Filled by the first undisturbed run of the module; every other run must come to the same."""
    return {}


def outcome(tenant: Tenant) -> dict[str, Any]:
    return {**undisturbed.ledger(tenant.scope), "mails": undisturbed.mails()}


def undisturbed_outcome(tenant: Tenant, archive: Path, expected: dict[str, Any]) -> dict[str, Any]:
    """What a run without a crash comes to, worked out once, in a copy of the tenant's empty state."""
    if not expected:
        assert undisturbed.finish(undisturbed.start(archive)) == 0
        expected.update(outcome(tenant))
        assert expected["events"]
        assert expected["mails"]
        undisturbed.empty()
    return expected


def crash_and_compare(tenant: Tenant, archive: Path, expected: dict[str, Any], kill: str) -> None:
    wanted = undisturbed_outcome(tenant, archive, expected)
    assert undisturbed.finish(undisturbed.start(archive, kill)) == -signal.SIGKILL
    assert undisturbed.finish(undisturbed.start(archive)) == 0
    got = outcome(tenant)
    for part, value in wanted.items():
        assert got[part] == value, f"{part} differ after kill -9 {kill}"


@pytest.mark.parametrize("kill", SOME)
def test_a_killed_run_is_made_good_by_the_next(
    tenant: Tenant, archive: Path, expected: dict[str, Any], kill: str
) -> None:
    crash_and_compare(tenant, archive, expected, kill)


@pytest.mark.full
@pytest.mark.parametrize(
    "kill", [moment for moment in MOMENTS if moment not in SOME and moment != "enrich:inside"]
)
def test_a_run_killed_at_any_other_moment_is_made_good_by_the_next(
    tenant: Tenant, archive: Path, expected: dict[str, Any], kill: str
) -> None:
    crash_and_compare(tenant, archive, expected, kill)


def test_two_runs_at_once_double_nothing(tenant: Tenant, archive: Path, expected: dict[str, Any]) -> None:
    wanted = undisturbed_outcome(tenant, archive, expected)
    both = [undisturbed.start(archive), undisturbed.start(archive)]
    assert [undisturbed.finish(process) for process in both] == [0, 0]
    got = outcome(tenant)
    for part in ("articles", "stories", "events", "notifications", "mails"):
        assert got[part] == wanted[part], f"{part} differ after two runs at once"


def test_a_second_run_does_no_work_that_is_done(
    tenant: Tenant, archive: Path, expected: dict[str, Any]
) -> None:
    wanted = undisturbed_outcome(tenant, archive, expected)
    assert undisturbed.finish(undisturbed.start(archive)) == 0
    assert undisturbed.finish(undisturbed.start(archive)) == 0
    assert outcome(tenant) == wanted
    with reading(tenant.scope) as session:
        newest, first = recent_runs(tenant.scope, session, 2)
    assert first.counts["dedupe.items"] > 0
    assert newest.state is RunState.COMPLETED
    assert newest.counts.get("search.new", 0) == 0
    assert newest.counts.get("dedupe.items", 0) == 0
    assert newest.counts.get("classify.judged", 0) == 0
