"""The page Runs: the list and its pages, a run's own page, starting one, what only operators see."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from apptest import open_page, signed_in
from conftest import NOW, Tenant
from desk import another_tenant, rows
from newsroom import add_run
from streamlit.testing.v1 import AppTest

from models.base import utc_now
from models.jobs import JobRun, RunState
from models.news import SourceResult, SourceState
from models.scope import Role, Scope
from models.settings import get_settings
from services import run_start
from services.errors import UserError
from services.run_start import Started, Where
from services.run_views import counts_in_words, find_run, run_detail, runs_page
from ui.views.runs import page

HOSTILE = "<script>alert(1)</script> [x](https://evil.example)"


@pytest.fixture(autouse=True)
def without_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")


def look(monkeypatch: pytest.MonkeyPatch, tenant: Tenant, role: Role = Role.ADMIN, **query: str) -> AppTest:
    token, _ = signed_in(tenant, role)
    test = open_page(monkeypatch, token, page, **query).run()
    assert not test.exception
    return test


def text(test: AppTest) -> str:
    kinds = (test.title, test.markdown, test.caption, test.info, test.error, test.warning)
    return " ".join(str(one.value) for kind in kinds for one in kind).replace("\\", "").replace("\u2060", "")


def button(test: AppTest, key: str) -> Any:
    return next(one for one in test.button if one.key == key)


def keys(test: AppTest) -> set[str]:
    return {str(one.key) for one in test.button}


def opened(test: AppTest) -> set[UUID]:
    """The runs that the list names."""
    return {UUID(key[4:]) for key in keys(test) if key.startswith("run-")}


def ended(tenant: Tenant, state: RunState = RunState.COMPLETED, ago: int = 60, **fields: Any) -> UUID:
    """A run that began so many minutes ago and took two."""
    began = utc_now() - timedelta(minutes=ago)
    until = began + timedelta(minutes=2)
    times = {"started_at": began, "heartbeat_at": until, "finished_at": until}
    return add_run(tenant, state=state, **times | fields)


def a_story(tenant: Tenant) -> UUID:
    """A degraded run with stages, and a source of each fate."""
    began = utc_now() - timedelta(minutes=30)

    def at(seconds: int) -> str:
        return (began + timedelta(seconds=seconds)).isoformat()

    run_id = ended(
        tenant,
        RunState.DEGRADED,
        ago=30,
        flow_run_id="11111111-2222-3333-4444-555555555555",
        degraded=[f"gdelt: {HOSTILE}"],
        counts={"search.found": 12, "search.new": 3, "classify.events": 1, "notify.sent": 2},
        stages={
            "search": {"from": at(0), "until": at(90)},
            "classify": {"from": at(90), "until": at(100)},
        },
        costs={"ai_calls": 2, "ai_usd": 0.25},
    )
    acme = tenant.add_client("Acme")
    for number, state in enumerate(SourceState):
        tenant.add(
            SourceResult(
                business_id=tenant.business_id,
                job_run_id=run_id,
                source_api="gdelt",
                unit=f"unit-{number}",
                client_id=acme,
                state=state,
                error="no answer in 20 s" if state is SourceState.FAILED else "",
                problems=["line 3: no date"] if state is SourceState.PARTIAL else [],
            )
        )
    return run_id


def test_the_list_says_how_each_run_went_newest_first(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = ended(tenant, RunState.FAILED, ago=90, error="no source answered: gdelt: quota")
    new = ended(
        tenant, ago=10, trigger="scheduled", params={"schedule": "Mornings"}, counts={"search.found": 4}
    )
    assert [one.id for one in runs_page(tenant.scope).lines] == [new, old]
    said = text(look(monkeypatch, tenant))
    assert "on schedule (schedule Mornings) · took 2 min · 4 items found" in said
    assert "no source answered: gdelt: quota. Test the sources under Settings, Providers" in said


def test_an_empty_list_says_what_to_do(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing has run yet" in text(look(monkeypatch, tenant))


def test_each_run_is_on_one_page_of_the_list(tenant: Tenant) -> None:
    same = utc_now() - timedelta(minutes=5)
    made = {ended(tenant, ago=one) for one in range(20, 23)} | {
        ended(tenant, started_at=same) for _ in range(4)
    }
    seen: list[UUID] = []
    after = ""
    while True:
        found = runs_page(tenant.scope, after=after, limit=2)
        seen += [one.id for one in found.lines]
        if not found.next:
            break
        after = found.next
        ended(tenant, ago=0)  # what comes meanwhile moves nothing
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == made


def test_paging_turns_to_older_runs_and_back(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [ended(tenant, ago=one) for one in range(1, 24)]
    test = look(monkeypatch, tenant)
    assert opened(test) == set(made[:20])
    button(test, "runs-older").click()
    test.run()
    assert opened(test) == set(made[20:])
    button(test, "runs-newest").click()
    test.run()
    assert opened(test) == set(made[:20])


def test_a_place_that_was_cut_off_is_the_newest_page(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = ended(tenant)
    assert opened(look(monkeypatch, tenant, after="2026")) == {run_id}


def test_a_runs_page_tells_all_of_it(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = a_story(tenant)
    test = look(monkeypatch, tenant, id=str(run_id))
    said = text(test)
    assert "12 items found, 3 new, 1 event, 2 mails" in said
    assert "Search took longest: 1 min 30 s of 2 min" in said
    assert "**gdelt**, Acme, failed: no answer in 20 s" in said
    assert "quota used up" in said
    assert "line 3: no date" in said
    assert "1 answered, 1 nothing new, 1 answered in part, 1 quota used up, 1 failed" in said
    assert "2 calls" in said
    assert "0.2500 USD" in said
    tables = " ".join(one.value.to_string() for one in test.table)
    assert "found 12, new 3" in tables.replace("\\", "")
    assert "Mailed at once" in tables
    warning = test.warning[0].value
    assert "[x](" not in warning
    assert "<script>" not in warning


def test_back_leads_to_the_list(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = ended(tenant)
    test = look(monkeypatch, tenant)
    button(test, f"run-{run_id}").click()
    test.run()
    assert "runs-back" in keys(test)
    assert test.query_params["id"] == str(run_id)
    button(test, "runs-back").click()
    test.run()
    assert opened(test) == {run_id}


def test_stages_come_in_their_order_with_what_kept_no_time_behind(tenant: Tenant) -> None:
    detail = run_detail(tenant.scope, a_story(tenant))
    assert [(one.stage, one.seconds and round(one.seconds)) for one in detail.stages] == [
        ("search", 90),
        ("classify", 10),
        ("notify", None),
    ]
    assert [one.state for one in detail.sources][:3] == [
        SourceState.FAILED,
        SourceState.QUOTA,
        SourceState.PARTIAL,
    ]


def test_what_runs_is_shown_as_it_goes(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = {"search": {"from": NOW.isoformat(), "until": NOW.isoformat()}}
    now = utc_now()
    run_id = add_run(tenant, started_at=now, heartbeat_at=now, stages=stages, counts={"search.found": 5})
    assert find_run(tenant.scope, run_id).is_live
    assert "Running" in text(look(monkeypatch, tenant))
    said = text(look(monkeypatch, tenant, Role.MANAGER, id=str(run_id)))
    assert "So far: 5 items found" in said
    assert ":material/pending: Grouping articles" in said


def test_a_run_that_went_quiet_is_not_watched(tenant: Tenant) -> None:
    long_ago = utc_now() - timedelta(hours=2)
    line = find_run(tenant.scope, add_run(tenant, started_at=long_ago, heartbeat_at=long_ago))
    assert line.is_silent
    assert not line.is_live


def test_only_operators_are_led_to_prefect(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = a_story(tenant)
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example:4200/api")
    monkeypatch.setattr("ui.views.runs.one.flow_run_page", lambda one: f"http://prefect.example/{one}")
    assert not look(monkeypatch, tenant, id=str(run_id)).get("link_button")
    monkeypatch.setenv("CM_OPERATORS", "owner@example.com")
    get_settings.cache_clear()
    (link,) = look(monkeypatch, tenant, Role.OWNER, id=str(run_id)).get("link_button")
    assert link.proto.url.endswith("11111111-2222-3333-4444-555555555555")


def test_run_now_opens_the_page_of_what_it_started(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant.add_client("Acme")
    asked: list[tuple[Scope, object]] = []

    def start(scope: Scope, client_ids: object = None) -> Started:
        asked.append((scope, client_ids))
        now = utc_now()
        run_id = add_run(tenant, started_at=now, heartbeat_at=now)
        return Started(Where.HERE, "started on this machine", job_run_id=run_id)

    monkeypatch.setattr("ui.views.runs.start_run", start)
    test = look(monkeypatch, tenant, Role.MANAGER)
    button(test, "runs-now").click()
    test.run()
    assert asked[0][1] is None
    assert test.query_params["id"] == str(rows(tenant, JobRun)[0].id)


def test_one_that_waits_for_a_worker_can_be_left(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Started(Where.PREFECT, "started through Prefect", flow_run_id="not-yet")
    monkeypatch.setattr("ui.views.runs.start_run", lambda _scope: waiting)
    test = look(monkeypatch, tenant)
    button(test, "runs-now").click()
    test.run()
    assert "Started through Prefect: waiting for a worker" in text(test)
    button(test, "runs-do-not-wait").click()
    test.run()
    assert "waiting for a worker" not in text(test)


def test_what_keeps_a_run_from_starting_is_said(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    test = look(monkeypatch, tenant)
    button(test, "runs-now").click()
    test.run()
    assert "there is no client to look for" in text(test)
    assert not rows(tenant, JobRun)


def test_viewers_read_and_start_nothing(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = a_story(tenant)
    token, viewer = signed_in(tenant, Role.VIEWER)
    test = open_page(monkeypatch, token, page).run()
    assert opened(test) == {run_id}
    assert "runs-now" not in keys(test)
    with pytest.raises(PermissionError):
        run_start.start_run(viewer.scope)


def test_who_is_no_admin_sees_only_what_they_got(tenant: Tenant) -> None:
    run_id = a_story(tenant)
    _, manager = signed_in(tenant, Role.MANAGER)
    _, admin = signed_in(tenant, Role.ADMIN)
    assert [one.email for one in run_detail(manager.scope, run_id).people] == [manager.email]
    assert {one.email for one in run_detail(admin.scope, run_id).people} >= {manager.email, admin.email}


def test_another_tenants_run_is_not_there(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    other = another_tenant()
    foreign = a_story(other)
    for ask in (find_run, run_detail):
        for wanted in (foreign, "nonsense"):
            with pytest.raises(UserError, match="no such run"):
                ask(tenant.scope, wanted)
    assert runs_page(tenant.scope).lines == ()
    test = look(monkeypatch, tenant, id=str(foreign))
    assert "there is no such run here" in text(test)
    assert not test.title


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, ""),
        ({"search.found": 1, "search.new": 0}, "1 item found, 0 new"),
        ({"classify.events": 2, "classify.updates": 0}, "2 events"),
        ({"classify.events": 0, "classify.updates": 1}, "0 events, 1 event told anew"),
        ({"notify.sent": 1, "digests.sent": 2}, "3 mails"),
    ],
)
def test_counts_are_words(counts: dict[str, int], said: str) -> None:
    assert counts_in_words(counts) == said
