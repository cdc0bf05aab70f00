"""How long what is kept, and that the broom takes nothing else."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows
from newsroom import add_event, add_run
from sqlalchemy import Engine
from sqlalchemy.event import listen
from sqlmodel import SQLModel

from models.ai import AiCache, AiSpend
from models.alerts import Alert, AlertKind
from models.base import new_id, utc_now
from models.crm import CrmSnapshot
from models.engine import insert_rows, reading, writing
from models.events import Decision, Event, Stage, decisions_for
from models.jobs import JobRun, RunState
from models.mail import Channel, Delivery, DeliveryKind, EmailBody, EmailEvent
from models.news import Article, RawItem, SourceResult, SourceState, Story
from models.scope import Role, Scope
from models.settings import get_settings
from models.signin import AccountLink, LinkPurpose, SignInSession
from services.retention import due, kept, policy, prune

AGEING: tuple[type[SQLModel], ...] = (
    EmailEvent,
    EmailBody,
    RawItem,
    Decision,
    AiCache,
    AiSpend,
    Alert,
    SignInSession,
    AccountLink,
    SourceResult,
    JobRun,
)
"""What goes by its age alone; of the CRM's snapshots the newest stays."""
DAYS = {
    "email_events": "keep_decisions_days",
    "email_bodies": "keep_bodies_days",
    "event_raw_data": "keep_raw_days",
    "decisions": "keep_decisions_days",
    "ai_cache": "keep_raw_days",
    "ai_spend": "keep_decisions_days",
    "alerts": "keep_runs_days",
    "sign_in_sessions": "keep_runs_days",
    "account_links": "keep_runs_days",
    "source_results": "keep_runs_days",
    "job_runs": "keep_runs_days",
}


def put(tenant: Tenant, age: timedelta, **raw: Any) -> UUID:
    """One row of everything that ages, of this age; returns the run's id."""
    at = NOW - age
    run = add_run(tenant, state=RunState.COMPLETED, started_at=at, heartbeat_at=at)
    business = tenant.business_id
    tenant.add(
        RawItem(
            business_id=business,
            source_api="feed",
            unit="u",
            job_run_id=run,
            raw_content={"title": "x"},
            content_hash=new_id().hex,
            first_seen_at=at,
            **{"is_processed": True, **raw},
        )
    )
    tenant.add(
        Decision(business_id=business, stage=Stage.MATCH, verdict="about", reason_code="x", created_at=at)
    )
    tenant.add(AiCache(business_id=business, key=new_id().hex, model="m", created_at=at))
    tenant.add(AiSpend(business_id=business, provider="p", model="m", created_at=at))
    result = SourceResult(
        business_id=business, job_run_id=run, source_api="feed", unit="u", state=SourceState.OK, created_at=at
    )
    tenant.add(result)
    over = {"kind": AlertKind.RUNS_LATE, "opened_at": at, "seen_at": at, "closed_at": at}
    tenant.add(Alert(business_id=business, **over))
    ended = {"business_id": business, "token_hash": new_id().hex, "expires_at": at}
    user = tenant.add_user(f"{new_id().hex}@example.com")
    tenant.add(SignInSession(user_id=user, **ended))
    tenant.add(AccountLink(user_id=user, purpose=LinkPurpose.RESET, **ended))
    mail = Delivery(
        business_id=business,
        recipient="maria@example.com",
        channel=Channel.FILE,
        kind=DeliveryKind.DIGEST,
        slot=new_id().hex,
        next_attempt_at=at,
        created_at=at,
    )
    tenant.add(EmailBody(business_id=business, delivery_id=tenant.add(mail), mime=b"x", created_at=at))
    tenant.add(
        EmailEvent(business_id=business, kind="delivered", provider_event_id=new_id().hex, created_at=at)
    )
    return run


def by_age(**how: Any) -> dict[str, int]:
    """What ``prune`` removed of the tables that go by age alone."""
    return {table: count for table, count in prune(**how).items() if table in DAYS}


def left(tenant: Tenant) -> dict[str, int]:
    return {str(table.__tablename__): len(rows(tenant, table)) for table in AGEING}


def all_of(number: int) -> dict[str, int]:
    return dict.fromkeys(DAYS, number)


def test_the_policy_names_each_table_that_ages_once() -> None:
    ageing = [str(table.__tablename__) for table, _ in policy(NOW)]
    assert [table for table in ageing if table != "crm_snapshots"] == list(DAYS)
    assert ageing.count("crm_snapshots") == 1


def test_what_is_past_its_time_goes_and_what_is_not_stays(tenant: Tenant) -> None:
    put(tenant, timedelta(days=400))
    put(tenant, timedelta(days=1))
    assert by_age(now=NOW) == all_of(1)
    assert left(tenant) == all_of(1)
    assert all(row.created_at > NOW - timedelta(days=2) for row in rows(tenant, Decision))
    assert by_age(now=NOW) == all_of(0)


@pytest.mark.parametrize("table", DAYS)
def test_each_table_has_its_own_time_to_the_second(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    for setting in set(DAYS.values()):
        monkeypatch.setenv(f"CM_{setting.upper()}", "1000")
    monkeypatch.setenv(f"CM_{DAYS[table].upper()}", "10")
    get_settings.cache_clear()
    put(tenant, timedelta(days=10))
    assert not any(by_age(now=NOW).values())
    gone = by_age(now=NOW + timedelta(seconds=1))
    assert gone == {name: int(DAYS[name] == DAYS[table]) for name in DAYS}


def test_an_item_that_waits_is_never_too_old(tenant: Tenant) -> None:
    put(tenant, timedelta(days=4_000), is_processed=False)
    assert by_age(now=NOW)["event_raw_data"] == 0
    assert len(rows(tenant, RawItem)) == 1


def test_what_is_wrong_now_is_kept_however_long_it_lasts(tenant: Tenant) -> None:
    at = NOW - timedelta(days=4_000)
    tenant.add(Alert(business_id=tenant.business_id, kind=AlertKind.RUNS_LATE, opened_at=at, seen_at=NOW))
    assert by_age(now=NOW)["alerts"] == 0


def test_a_run_that_works_keeps_its_line(tenant: Tenant) -> None:
    at = NOW - timedelta(days=400)
    run = add_run(tenant, started_at=at, heartbeat_at=utc_now())
    assert by_age(now=NOW)["job_runs"] == 0
    assert [one.id for one in rows(tenant, JobRun)] == [run]


def test_a_run_that_fell_silent_is_marked_crashed(tenant: Tenant) -> None:
    add_run(tenant, started_at=NOW, heartbeat_at=utc_now() - timedelta(hours=1))
    by_age(dry_run=True)
    assert [one.state for one in rows(tenant, JobRun)] == [RunState.RUNNING]
    by_age(now=NOW)
    assert [one.state for one in rows(tenant, JobRun)] == [RunState.CRASHED]


def test_a_dry_run_says_the_same_and_changes_nothing(tenant: Tenant) -> None:
    put(tenant, timedelta(days=400))
    put(tenant, timedelta(days=400), is_processed=False)
    would = by_age(dry_run=True, now=NOW)
    assert would == {**all_of(2), "event_raw_data": 1}
    assert left(tenant) == all_of(2)
    assert by_age(now=NOW) == would


def test_every_tenant_is_swept_and_none_through_another(tenant: Tenant) -> None:
    other, young = another_tenant("other"), another_tenant("young")
    for house, age in ((tenant, 400), (other, 400), (young, 1)):
        put(house, timedelta(days=age))
    assert by_age(dry_run=True, now=NOW) == all_of(2)
    assert by_age(now=NOW) == all_of(2)
    assert (left(tenant), left(other), left(young)) == (all_of(0), all_of(0), all_of(1))


def test_news_events_and_the_mail_log_outlive_what_they_came_from(tenant: Tenant) -> None:
    acme = tenant.add_client()
    at: datetime = NOW - timedelta(days=4_000)
    add_event(tenant, acme, at=at)
    put(tenant, timedelta(days=4_000))
    by_age(now=NOW)
    kept = {table: len(rows(tenant, table)) for table in (Article, Story, Event, Delivery)}
    assert kept == {Article: 1, Story: 1, Event: 1, Delivery: 1}


def test_what_the_crm_said_last_stays_however_old(tenant: Tenant) -> None:
    acme, bolt = tenant.add_client("Acme"), tenant.add_client("Bolt")
    for client, days in ((acme, 900), (acme, 400), (bolt, 500), (bolt, 1)):
        tenant.add(
            CrmSnapshot(
                business_id=tenant.business_id,
                client_id=client,
                provider="salesforce",
                taken_at=NOW - timedelta(days=days),
            )
        )
    assert prune(now=NOW)["crm_snapshots"] == 2
    assert {(one.client_id, (NOW - one.taken_at).days) for one in rows(tenant, CrmSnapshot)} == {
        (acme, 400),
        (bolt, 1),
    }


def test_what_is_kept_how_long_is_told_of_every_table_that_ages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_KEEP_RAW_DAYS", "12")
    get_settings.cache_clear()
    told = {one.table: one for one in kept()}
    assert {one.table for one in told.values() if one.days is not None} == {*DAYS, "crm_snapshots"}
    assert {table: told[table].setting for table in DAYS} == {
        table: f"CM_{setting.upper()}" for table, setting in DAYS.items()
    }
    assert told["event_raw_data"].days == 12
    assert told["audit_logs"].days is None


def test_a_tenant_sees_what_would_go_of_its_own(tenant: Tenant) -> None:
    other = another_tenant("other")
    put(tenant, timedelta(days=400))
    put(tenant, timedelta(days=1))
    for _ in range(3):
        put(other, timedelta(days=400))
    assert due(tenant.scope, now=NOW) == {**all_of(1), "crm_snapshots": 0}
    assert left(tenant) == all_of(2)
    for role in (Role.MANAGER, Role.VIEWER):
        with pytest.raises(PermissionError):
            due(Scope(tenant.business_id, new_id(), role))


def test_the_nightly_sweep_tells_sqlite_what_its_indexes_hold(tenant: Tenant, db: Engine) -> None:
    with writing(tenant.scope) as session:
        blank = {"stage": Stage.FILTER, "verdict": "digest", "reason_code": "wanted", "parts": {}}
        texts = dict.fromkeys(("reason", "evidence", "engine", "engine_version"), "")
        made = {"created_at": utc_now(), **blank, **texts}
        insert_rows(session, Decision, [{"event_id": new_id(), **made} for _ in range(400)])
    prune()
    if db.dialect.name != "sqlite":
        return
    asked: list[tuple[str, Any]] = []
    listen(db, "before_cursor_execute", lambda *seen: asked.append((seen[2], seen[3])))
    with reading(tenant.scope) as session:
        decisions_for(tenant.scope, session, new_id(), new_id())
        statement, values = asked[-1]
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert "ix_decisions_event" in str(plan), "and not every decision of the tenant, to spare a sort"
