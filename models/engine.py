"""Engine, sessions and the tenant guard.

``reading(scope)`` and ``writing(scope)`` are the only ways in: each is one transaction. A writer on SQLite begins
IMMEDIATE, because a deferred transaction that reads and then writes fails at once when another wrote in between.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    bindparam,
    column,
    create_engine,
    event,
    make_url,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import ORMExecuteState, UOWTransaction, with_loader_criteria
from sqlmodel import Session, SQLModel

from models.base import TenantRow, new_id
from models.folders import private_folder
from models.scope import Role, Scope
from models.settings import get_settings

BUSY_TIMEOUT_MS = 30_000
_ROWS_LOOKED_AT = 100_000
"""Of each index, so that it takes seconds at most; fewer would make a tenant look small."""


def make_engine(url: str) -> Engine:
    """An engine for SQLite (WAL, foreign keys on) or PostgreSQL, with our transaction rules installed."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    engine = create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions behind our back
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "foreign_keys=ON",
            "synchronous=FULL",  # a commit before a mail must survive a power cut too
            "cache_size=-65536",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = "IMMEDIATE" if connection.get_execution_options().get("cm_write") else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


@lru_cache(maxsize=8)
def engine_for(url: str) -> Engine:
    """One engine an address a process."""
    return make_engine(url)


def get_engine() -> Engine:
    """The engine of the configured database; its folder is made, for its owner only, when it is a file."""
    settings = get_settings()
    address = make_url(settings.url)
    if address.get_backend_name() == "sqlite" and address.database:
        private_folder(settings.data_dir)
    return engine_for(settings.url)


@contextmanager
def reading(scope: Scope, engine: Engine | None = None) -> Iterator[Session]:
    """A session for queries. What it changes is rolled back."""
    with Session(engine or get_engine(), expire_on_commit=False) as session:
        session.info["scope"] = scope
        yield session
        session.expunge_all()  # a rollback would empty the rows the caller still holds
        session.rollback()


@contextmanager
def writing(scope: Scope, engine: Engine | None = None) -> Iterator[Session]:
    """A session whose work is committed at the end, whole or not at all. No network, rendering or AI inside."""
    bound = (engine or get_engine()).execution_options(cm_write=True)
    with Session(bound, expire_on_commit=False) as session:
        session.info["scope"] = scope
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise


def learn_statistics(engine: Engine | None = None) -> None:
    """Let SQLite look at what its indexes hold, so that it chooses well among them; PostgreSQL does so by itself.

    Without this it takes every index of a tenant for equally good, and walks a whole table to spare itself a sort.
    """
    engine = engine or get_engine()
    if engine.dialect.name != "sqlite":
        return
    with engine.execution_options(cm_write=True).begin() as connection:
        connection.exec_driver_sql(f"PRAGMA analysis_limit={_ROWS_LOOKED_AT}")
        connection.exec_driver_sql("ANALYZE")


def scope_of(session: Session) -> Scope:
    """The scope a session was opened with; PermissionError when it has none."""
    scope = session.info.get("scope")
    if not isinstance(scope, Scope):
        raise PermissionError("this session has no scope: open it with models.engine.reading or writing")
    return scope


_OWNER: ColumnElement[Any] = column("business_id")
"""Stands for the column of that name while SQLAlchemy looks at the filter before it knows the table."""


@lru_cache(maxsize=1024)
def _tenant_filter(business_id: UUID) -> Any:
    # One option for the base of all tenant tables: SQLAlchemy builds a cache key over every option of every
    # statement, and an option a table cost more than the query itself.
    return with_loader_criteria(
        TenantRow,
        lambda table: getattr(table, "business_id", _OWNER) == business_id,
        include_aliases=True,
        track_closure_variables=False,
    )


@event.listens_for(Session, "do_orm_execute")
def _filter_by_tenant(state: ORMExecuteState) -> None:
    session = state.session
    assert isinstance(session, Session)
    scope = scope_of(session)
    if scope.business_id is None:
        return
    if state.is_select or state.is_update or state.is_delete:
        state.statement = state.statement.options(_tenant_filter(scope.business_id))


@event.listens_for(Session, "before_flush")
def _refuse_foreign_rows(session: Session, _context: UOWTransaction, _instances: object) -> None:
    scope = scope_of(session)
    if scope.role is Role.OPERATOR:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, TenantRow) and row.business_id != scope.business_id:
            raise PermissionError(f"{type(row).__name__} {row.id} belongs to another business")


def insert_rows(
    session: Session,
    model: type[SQLModel],
    rows: Sequence[Mapping[str, Any]],
    *,
    ignore_conflicts: bool = False,
    returning: Sequence[str] = (),
) -> list[Mapping[str, Any]]:
    """Insert many rows in one statement; id and business_id are filled in from the scope.

    Every row must name the same columns. With ``ignore_conflicts`` a row whose unique key exists is left out;
    with ``returning`` the named columns of the rows really inserted come back.
    """
    if not rows:
        return []
    stamped: list[dict[str, Any]] = []
    business = scope_of(session).business if issubclass(model, TenantRow) else None
    for row in rows:
        values = dict(row)
        if business is not None:
            if values.setdefault("business_id", business) != business:
                raise PermissionError(f"a {model.__name__} of another business")
            if "id" not in values:
                values["id"] = new_id()
        stamped.append(values)
    table = model.__table__  # type: ignore[attr-defined]
    dialect = session.get_bind().dialect.name
    statement: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    if ignore_conflicts:
        statement = statement.on_conflict_do_nothing()
    connection = session.connection()
    if not returning:
        connection.execute(statement, stamped)
        return []
    statement = statement.returning(*(table.c[name] for name in returning))
    return [dict(row._mapping) for row in connection.execute(statement, stamped)]


def update_rows(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Update many rows by their ``id`` in one statement, within the scope's business.

    Every row must name the same columns.
    """
    if not rows:
        return
    table = model.__table__  # type: ignore[attr-defined]
    columns = [name for name in rows[0] if name != "id"]
    statement = update(table).where(table.c.id == bindparam("row_id"))
    if issubclass(model, TenantRow):
        statement = statement.where(table.c.business_id == scope_of(session).business)
    statement = statement.values({name: bindparam(f"new_{name}") for name in columns})
    changes = [{"row_id": row["id"], **{f"new_{name}": row[name] for name in columns}} for row in rows]
    session.connection().execute(statement, changes)
