"""The ledger's own promises: schema, tenants, transactions, leases, slots, budgets, time."""

import itertools
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conftest import Tenant
from desk import another_tenant
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Engine, exists, func, text, update
from sqlalchemy import select as sa_select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select

from models import leases
from models.accounts import Business, User
from models.base import new_id, utc_now
from models.clients import Client, ClientAssignment
from models.engine import insert_rows, make_engine, reading, writing
from models.leases import LeaseBusy, LeaseLost, acquire, lease, release, renew
from models.limits import (
    Budget,
    BudgetExhausted,
    Reservation,
    hold_back,
    lift_holds,
    longest_hold,
    reserve,
    settle,
    spent,
    take_slot,
)
from models.schema import revisions
from models.scope import Role, Scope
from models.settings import Settings, is_placeholder


def other_business() -> Tenant:
    with writing(Scope.operator()) as session:
        business = Business(slug="other", name="Other")
        session.add(business)
        session.flush()
        return Tenant(business.id)


def test_models_and_migrations_agree(db: Engine) -> None:
    with db.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    current, newest = revisions(db)
    assert current == newest


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [new_id() for _ in range(2_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_a_query_sees_its_own_tenant_only(tenant: Tenant) -> None:
    other = other_business()
    tenant.add_client("Ours")
    theirs = other.add_client("Theirs")
    with reading(tenant.scope) as session:
        assert [c.name for c in session.exec(select(Client))] == ["Ours"]
        assert list(session.exec(select(Client.name).where(Client.id == theirs))) == []
        assert session.get(Client, theirs) is None
        assert session.exec(select(func.count()).select_from(Client)).one() == 1
    with writing(tenant.scope) as session:
        session.execute(update(Client).values(industry="x"))
    with reading(Scope.operator()) as session:
        assert {c.name: c.industry for c in session.exec(select(Client))} == {"Ours": "x", "Theirs": None}


def test_a_session_without_a_scope_fails(tenant: Tenant, db: Engine) -> None:
    with Session(db) as session, pytest.raises(PermissionError):
        session.exec(select(Client)).all()


def test_a_row_of_another_tenant_cannot_be_written(tenant: Tenant) -> None:
    other = other_business()
    with pytest.raises(PermissionError), writing(tenant.scope) as session:
        session.add(Client(business_id=other.business_id, name="Stray"))
        session.flush()
    with pytest.raises(PermissionError), writing(tenant.scope) as session:
        insert_rows(session, Client, [{"business_id": other.business_id, "name": "Stray"}])


def test_a_foreign_key_cannot_cross_tenants(tenant: Tenant) -> None:
    other = other_business()
    theirs = other.add_client("Theirs")
    user = tenant.add_user("maria@example.com")
    with pytest.raises(IntegrityError):
        tenant.add(ClientAssignment(business_id=tenant.business_id, client_id=theirs, user_id=user))


def test_only_the_operator_goes_without_a_business() -> None:
    with pytest.raises(PermissionError):
        Scope(business_id=None, user_id=uuid4(), role=Role.OWNER)
    with pytest.raises(PermissionError):
        _ = Scope.operator().business


def test_writing_is_whole_or_not_at_all(tenant: Tenant) -> None:
    with pytest.raises(RuntimeError), writing(tenant.scope) as session:
        session.add(Client(business_id=tenant.business_id, name="Half"))
        session.flush()
        raise RuntimeError("in the middle")
    with reading(tenant.scope) as session:
        assert session.exec(select(Client)).all() == []


def test_what_a_reading_returned_stays_readable(tenant: Tenant) -> None:
    tenant.add_client("Ours", aliases=["Us"])
    with reading(tenant.scope) as session:
        client = session.exec(select(Client)).one()
    assert client.aliases == ["Us"]


def test_a_naive_time_is_refused(tenant: Tenant) -> None:
    with pytest.raises(Exception, match="naive"):
        tenant.add_client("Ours", created_at=datetime(2026, 1, 1))


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.timezones()))
def test_time_comes_back_as_the_same_instant_in_utc(moment: datetime) -> None:
    from sqlalchemy.dialects import sqlite

    from models.base import UtcDateTime

    kind, dialect = UtcDateTime(), sqlite.dialect()
    back = kind.process_result_value(kind.process_bind_param(moment, dialect), dialect)
    assert back == moment.astimezone(UTC)


def test_a_held_lease_is_not_given_twice_and_an_expired_one_is(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = tenant.scope
    with writing(scope) as session:
        first = acquire(scope, session, "x", seconds=60)
    assert first is not None
    with writing(scope) as session:
        assert acquire(scope, session, "x", seconds=60) is None
    monkeypatch.setattr(leases, "utc_now", lambda: utc_now() + timedelta(seconds=61))
    with writing(scope) as session:
        second = acquire(scope, session, "x", seconds=60)
    assert second is not None
    assert second.fence == first.fence + 1
    with pytest.raises(LeaseLost), writing(scope) as session:
        renew(scope, session, first)
    with writing(scope) as session:
        renew(scope, session, second)
        release(scope, session, first)  # a lost lease gives nothing back
    with writing(scope) as session:
        assert acquire(scope, session, "x", seconds=60) is None


def test_a_lease_of_a_process_that_died_here_is_free_at_once(tenant: Tenant) -> None:
    import socket
    import subprocess

    gone = subprocess.Popen(["true"])
    gone.wait()
    scope = tenant.scope
    with writing(scope) as session:
        held = acquire(scope, session, "x", seconds=600)
        session.execute(update(leases.Lease).values(holder=f"{socket.gethostname()}:{gone.pid}"))
    with writing(scope) as session:
        taken = acquire(scope, session, "x", seconds=600)
    assert held is not None
    assert taken is not None
    assert taken.fence > held.fence


def test_waiting_for_a_lease_ends_with_a_clear_word(tenant: Tenant) -> None:
    with (
        lease(tenant.scope, "x", seconds=60, wait_seconds=0),
        pytest.raises(LeaseBusy, match="run again later"),
        lease(tenant.scope, "x", seconds=60, wait_seconds=0),
    ):
        pass
    with lease(tenant.scope, "x", seconds=60, wait_seconds=0) as held:
        assert held.fence == 2


def test_slots_of_many_threads_are_an_interval_apart(tenant: Tenant) -> None:
    got: list[datetime] = []

    def book() -> None:
        for _ in range(5):
            with writing(Scope.operator()) as session:
                got.append(take_slot(session, "news", "secret-key", 2.0))

    threads = [threading.Thread(target=book) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = sorted(got)
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(ordered)]
    assert len(ordered) == 20
    assert all(gap >= 1.999 for gap in gaps)


def test_a_key_never_reaches_the_slots_table(tenant: Tenant) -> None:
    with writing(Scope.operator()) as session:
        take_slot(session, "news", "secret-key", 2.0)
    with reading(Scope.operator()) as session:
        rows = session.execute(text("SELECT provider, credential FROM rate_slots")).all()
    assert "secret-key" not in str(rows)


def test_holding_back_never_shortens_a_wait(tenant: Tenant) -> None:
    later = utc_now() + timedelta(hours=2)
    with writing(Scope.operator()) as session:
        hold_back(session, "news", None, later)
        hold_back(session, "news", None, later - timedelta(hours=1))
        assert take_slot(session, "news", None, 1.0) == later


def test_a_hold_is_lifted_for_the_keys_at_hand_and_all_parts_of_a_provider(tenant: Tenant) -> None:
    later = utc_now() + timedelta(hours=2)
    held = [("a_b", "key"), ("a_b-search", "key"), ("a_b:feed", None), ("a_b", "other"), ("axb:1", None)]
    with writing(Scope.operator()) as session:
        for name, key in held:
            hold_back(session, name, key, later)
        assert longest_hold(session, "a_b", ["key"]) == later
        lift_holds(session, "a_b", [None, "key"])
        assert longest_hold(session, "a_b", [None, "key"]) is None
        assert longest_hold(session, "a_b", ["other"]) == later
        assert longest_hold(session, "axb", [None]) == later


def test_a_budget_is_never_passed_and_lapsed_reservations_return(tenant: Tenant) -> None:
    with writing(Scope.operator()) as session:
        first = reserve(session, "ai", 6.0, limit=10.0)
    with pytest.raises(BudgetExhausted), writing(Scope.operator()) as session:
        reserve(session, "ai", 6.0, limit=10.0)
    with writing(Scope.operator()) as session:
        settle(session, first, 2.0)
        assert spent(session, "ai") == 2.0
        reserve(session, "ai", 6.0, limit=10.0)
    with writing(Scope.operator()) as session:
        session.execute(update(Reservation).values(expires_at=utc_now() - timedelta(seconds=1)))
    with writing(Scope.operator()) as session:
        reserve(session, "ai", 8.0, limit=10.0)


def test_a_call_that_outlived_its_reservation_is_paid_for_all_the_same(tenant: Tenant) -> None:
    with writing(Scope.operator()) as session:
        late = reserve(session, "ai", 6.0, limit=10.0, seconds=-1)
    with writing(Scope.operator()) as session:
        other = reserve(session, "ai", 6.0, limit=10.0)  # the first one's money went back
        settle(session, late, 5.0)
        settle(session, other, 1.0)
        assert spent(session, "ai") == 6.0
        [budget] = session.exec(select(Budget))
        assert budget.reserved == 0.0


def test_two_reservations_at_once_cannot_both_have_the_last_money(tenant: Tenant) -> None:
    won: list[bool] = []

    def try_it() -> None:
        try:
            with writing(Scope.operator()) as session:
                reserve(session, "ai", 6.0, limit=10.0)
            won.append(True)
        except BudgetExhausted:
            won.append(False)

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, False, False, True]


@pytest.mark.parametrize(
    "secret", ["changeme", "<your key>", "sk-your-key", "xxxx", "your_api_key", "test-key", "TODO"]
)
def test_a_placeholder_is_no_key(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_placeholder(secret)
    monkeypatch.setenv("CM_OPENAI_API_KEY", secret)
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None)
    assert "placeholder" in str(refused.value)


def test_a_secret_shows_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_SMTP_PASSWORD", "hunter2-real-9f1c")
    settings = Settings(_env_file=None)
    assert "hunter2-real-9f1c" not in f"{settings!r} {settings.model_dump_json()}"


def test_a_password_is_not_sent_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_SMTP_PASSWORD", "hunter2-real-9f1c")
    monkeypatch.setenv("CM_SMTP_SECURITY", "none")
    monkeypatch.setenv("CM_SMTP_HOST", "mail.example.com")
    with pytest.raises(ValidationError, match="in clear"):
        Settings(_env_file=None)


def test_rows_whose_key_exists_are_left_out(tenant: Tenant) -> None:
    rows = [{"name": "Acme", "aliases": [], "excluded_terms": [], "keywords": [], "confidential": False,
             "created_at": utc_now()}]  # fmt: skip
    with writing(tenant.scope) as session:
        first = insert_rows(session, Client, rows, ignore_conflicts=True, returning=("id", "name"))
        again = insert_rows(session, Client, rows, ignore_conflicts=True, returning=("id", "name"))
        assert [row["name"] for row in first] == ["Acme"]
        assert again == []
        assert (
            session.exec(select(func.count()).select_from(Client).where(col(Client.name) == "Acme")).one()
            == 1
        )


def test_the_second_schema_keeps_what_the_first_holds(tmp_path: Path) -> None:
    """Down to the first revision and up again, with rows in every table that changes."""
    from alembic import command

    from models.schema import _config

    engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    command.upgrade(_config(engine), "0001")
    ids = {name: new_id() for name in ("business", "user", "client", "story", "article", "event", "feedback")}
    columns = {key: value.hex for key, value in ids.items()} | {"now": "2026-03-10 09:00:00"}
    statements = (
        "INSERT INTO businesses (id, slug, name, is_demo, sending_on_hold, appearance, created_at)"
        " VALUES (:business, 'b', 'B', 0, 0, '{}', :now)",
        "INSERT INTO users (id, business_id, email, name, role, state, timezone, created_at)"
        " VALUES (:user, :business, 'm@example.com', 'M', 'manager', 'active', 'UTC', :now)",
        "INSERT INTO clients (id, business_id, name, aliases, excluded_terms, keywords, confidential, created_at)"
        " VALUES (:client, :business, 'Acme', '[]', '[]', '[]', 0, :now)",
        "INSERT INTO stories (id, business_id, title, first_at, last_at, article_count, outlet_count)"
        " VALUES (:story, :business, 'T', :now, :now, 1, 1)",
        "INSERT INTO articles (id, business_id, identity, title, publisher, first_seen_at, is_mock, is_history,"
        " story_id) VALUES (:article, :business, 'i', 'T', '', :now, 0, 0, :story)",
        "INSERT INTO events (id, business_id, story_id, client_id, article_id, category, relevance, sentiment,"
        " confidence, risk, salience, certainty, language, language_supported, title, summary, reason, evidence,"
        " score_parts, revision, what_changed, is_history, is_mock, is_degraded, happened_at, needs_filter,"
        " created_at, updated_at) VALUES (:event, :business, :story, :client, :article, 'funding', 0.5, 0, 1,"
        " 'none', 'primary', 'stated', 'en', 1, 'T', '', '', '', '{}', 1, '', 0, 0, 0, :now, 0, :now, :now)",
        "INSERT INTO feedback (id, business_id, event_id, client_id, user_id, verdict, note, effect, created_at)"
        " VALUES (:feedback, :business, :event, :client, :user, 'useful', 'n', '', :now)",
    )
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), columns)
    for target in ("head", "0001", "head"):
        (command.downgrade if target == "0001" else command.upgrade)(_config(engine), target)
        with engine.connect() as connection:
            for table in ("events", "feedback", "users", "clients"):
                count = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
                assert count == 1, (target, table)
    engine.dispose()


def test_the_guard_follows_the_scope_whatever_was_compiled_before(db: Engine) -> None:
    """SQLAlchemy keeps compiled statements: the tenant must be a parameter of them, never a part."""
    tenants = [another_tenant(f"t{number}") for number in range(3)]
    for number, tenant in enumerate(tenants):
        for client in range(number + 1):
            tenant.add_user(f"u{client}@example.com", clients=(tenant.add_client(f"C{client}"),))
    other = aliased(Client)
    looked_after = exists().where(col(ClientAssignment.user_id) == col(User.id))
    counted = sa_select(Client.id.label("id")).group_by(Client.id).subquery()
    statements: list[Any] = [
        select(Client),
        sa_select(other.name),
        sa_select(Client.name, User.email)
        .join(ClientAssignment, col(ClientAssignment.client_id) == col(Client.id))
        .join(User, col(User.id) == col(ClientAssignment.user_id)),
        select(User).where(looked_after),
        select(Client).where(col(Client.id).in_(select(ClientAssignment.client_id))),
        sa_select(counted.c.id),
        update(Client)
        .values(industry="x")
        .returning(col(Client.id))
        .execution_options(synchronize_session=False),
    ]
    for statement in statements:
        for number in (0, 2, 1, 0):
            with writing(tenants[number].scope) as session:
                assert len(session.execute(statement).all()) == number + 1, statement
