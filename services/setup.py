"""A database that is ready to use, whatever state it was found in."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, make_url, text

from models.engine import get_engine
from models.schema import MIGRATIONS, revisions, upgrade
from models.settings import get_settings
from services.errors import UserError

_LOCK = 0x436C4D6F  # "ClMo": any number, as long as every copy of us uses the same


class SchemaTooNew(UserError):
    """The database was written by a newer program than this one."""

    bad_input = False


def ensure_schema() -> bool:
    """Migrate the configured database when it needs it; True when it did. Two processes may call it at once.

    A database written by a newer program is refused: an older one must not guess at its tables.
    """
    engine = get_engine()
    current, newest = revisions(engine)
    if current == newest:
        return False
    if current is not None and not knows_revision(current):
        raise SchemaTooNew(
            f"the database is at revision {current}, which this program does not know",
            "a newer version wrote it: install that one",
        )
    with _alone(engine):
        if revisions(engine)[0] == newest:
            return False
        upgrade(engine)
    return True


def is_set_up() -> bool:
    """Whether there is a database with our tables; looking makes neither file nor folder."""
    address = make_url(get_settings().url)
    if address.get_backend_name() == "sqlite" and not (address.database and Path(address.database).is_file()):
        return False
    return revisions(get_engine())[0] is not None


def knows_revision(revision: str) -> bool:
    """Whether one of our migrations leads to this revision."""
    return any(script.revision == revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Only one process at a time: Alembic itself does not guard against a second one."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
        return
    database = engine.url.database
    try:
        fcntl = importlib.import_module("fcntl")
    except ImportError:  # not on this system: two first starts in the same second stay unguarded there
        fcntl = None
    if fcntl is None or not database or database == ":memory:":
        yield
        return
    with Path(f"{database}.migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
