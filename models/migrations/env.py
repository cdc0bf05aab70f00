"""Alembic's entry point: it gets its engine from ``models.schema``."""

from alembic import context
from sqlmodel import SQLModel

import models

engine = context.config.attributes["engine"]

with engine.connect() as connection:
    sqlite = connection.connection.driver_connection if connection.dialect.name == "sqlite" else None
    if sqlite is not None:
        # A change of a column copies its table and drops the old one, and with it, by ON DELETE CASCADE, the rows of
        # others that point there. The switch does nothing inside a transaction, so it is thrown before.
        sqlite.execute("PRAGMA foreign_keys=OFF")
    try:
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            render_as_batch=sqlite is not None,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if sqlite is not None and (stray := sqlite.execute("PRAGMA foreign_key_check").fetchone()):
            raise RuntimeError(f"the migration would leave a row of {stray[0]} without its {stray[2]}")
        connection.commit()
    finally:
        if sqlite is not None:
            connection.rollback()
            sqlite.execute("PRAGMA foreign_keys=ON")
