"""The one writer of the schema: Alembic, run from code."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

MIGRATIONS = Path(__file__).parent / "migrations"


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest revision; nothing happens when it is there."""
    command.upgrade(_config(engine), "head")


def revisions(engine: Engine) -> tuple[str | None, str | None]:
    """(the database's revision, the newest there is)."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current, ScriptDirectory(str(MIGRATIONS)).get_current_head()


def revise(engine: Engine, message: str) -> None:
    """Write a new migration from the difference between models and database (for developers)."""
    command.revision(_config(engine), message=message, autogenerate=True)


if __name__ == "__main__":
    import sys

    from models.engine import get_engine

    revise(get_engine(), sys.argv[1])
