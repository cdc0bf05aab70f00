"""Many rows into a fresh database, as fast as it takes them: executemany on SQLite, COPY on PostgreSQL.

Foreign keys are not checked and a crash may cost the file: nothing but a benchmark's tenant is made like this.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import SQLModel

from models.engine import learn_statistics

CHUNK = 20_000
_EPOCH_MS = 1000

Row = Mapping[str, Any]


def id_at(at: datetime, number: int) -> UUID:
    """A UUIDv7 of that instant; ``number`` (below 2**62) tells those of one instant apart."""
    value = int(at.timestamp() * _EPOCH_MS) << 80
    return UUID(int=value | (0x7 << 76) | (0b10 << 62) | number)


def load(engine: Engine, model: type[SQLModel], rows: Iterable[Row]) -> int:
    """Insert the rows; columns they do not name have the model's defaults. How many there were."""
    table = model.__table__  # type: ignore[attr-defined]
    names = [column.name for column in table.columns]
    fill = _filler(model, names)
    binds = [
        column.type.dialect_impl(engine.dialect).bind_processor(engine.dialect) for column in table.columns
    ]
    bound = (
        tuple(bind(value) if bind else value for bind, value in zip(binds, fill(row), strict=True))
        for row in rows
    )
    raw = engine.raw_connection()
    try:
        connection: Any = raw.driver_connection
        if isinstance(connection, sqlite3.Connection):
            count = _into_sqlite(connection, table.name, names, bound)
        else:
            count = _into_postgres(connection, table.name, names, bound)
        raw.commit()
        return count
    finally:
        raw.invalidate()  # whoever comes next has foreign keys


def settle(engine: Engine) -> None:
    """What happens to a real database by itself: nightly on SQLite, by PostgreSQL's autovacuum within minutes."""
    learn_statistics(engine)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _filler(model: type[SQLModel], names: list[str]) -> Callable[[Row], list[Any]]:
    fixed: dict[str, Any] = {}
    made: list[tuple[str, Callable[[], Any]]] = []
    for name, field in model.model_fields.items():
        if field.default_factory is None:
            fixed[name] = field.get_default()
        else:
            made.append((name, cast(Callable[[], Any], field.default_factory)))

    def fill(row: Row) -> list[Any]:
        values = {**fixed, **row}
        for name, make in made:
            if name not in values:
                values[name] = make()
        return [values[name] for name in names]

    return fill


def _into_sqlite(
    connection: sqlite3.Connection, table: str, names: list[str], rows: Iterator[tuple[Any, ...]]
) -> int:
    for pragma in ("foreign_keys=OFF", "synchronous=OFF", "cache_size=-1000000"):
        connection.execute(f"PRAGMA {pragma}")
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    count = 0
    while chunk := list(islice(rows, CHUNK)):
        connection.execute("BEGIN")
        connection.executemany(statement, chunk)
        connection.execute("COMMIT")
        count += len(chunk)
    return count


def _into_postgres(connection: Any, table: str, names: list[str], rows: Iterator[tuple[Any, ...]]) -> int:
    count = 0
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
                count += 1
        cursor.execute("SET session_replication_role = DEFAULT")
    return count
