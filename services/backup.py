"""A copy of the SQLite database while it is in use, and its way back: with all sending on hold.

An older database does not know what was sent since, and would send it again; so a copy is put on hold before it takes
the place of the present one, and a person releases it.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine, make_url

from models.accounts import businesses
from models.engine import make_engine, reading, writing
from models.schema import revisions, upgrade
from models.scope import Scope
from models.settings import get_settings
from services.errors import UserError
from services.setup import knows_revision
from tasks.notify.hold import set_hold

_PAGES_A_STEP = 2_000
"""Some 8 MB: writers get in between two steps."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restored copy came to."""

    businesses: tuple[str, ...]
    """All of them are on hold."""
    before: Path | None
    """The database that was there, kept; None when there was none."""


def back_up(target: Path) -> int:
    """Copy the database into a new file that only its owner may read, while others go on; its size in bytes.

    UserError on PostgreSQL, when the file exists, or when there is no database.
    """
    source = _database()
    if not source.is_file():
        raise UserError(f"there is no database at {source}", "client-monitor init makes one")
    if target.exists():
        raise UserError(f"{target} exists already", "give a new name: a backup overwrites nothing")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _draft(target) as draft:
        _copy(source, draft)
        _check(draft)
        draft.replace(target)
    return target.stat().st_size


def restore(source: Path, *, at: datetime) -> Restored:
    """Put a copy in the database's place, every business on hold. What was there is kept in a file beside it.

    Other processes may be open: the change comes to them as one transaction. UserError for a file that is none of our
    databases, and on PostgreSQL.
    """
    target = _database()
    if not source.is_file():
        raise UserError(f"{source} is no file", "give a file that client-monitor backup wrote")
    target.parent.mkdir(parents=True, exist_ok=True)
    before = target.with_name(f"{target.stem}.before-restore-{at:%Y%m%dT%H%M%S}{target.suffix}")
    with _draft(target) as draft:
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        _check(draft)
        held = _hold_everybody(draft, f"the backup {source.name} was restored")
        kept = back_up(before) if target.is_file() else 0
        _copy(draft, target)
    return Restored(held, before if kept else None)


def _database() -> Path:
    address = make_url(get_settings().url)
    if address.get_backend_name() != "sqlite" or not address.database:
        raise UserError(
            "the database is PostgreSQL, which has better tools for this",
            "pg_dump and pg_restore; after restoring: client-monitor hold --all --reason restored",
        )
    return Path(address.database)


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A file beside the target for its owner's eyes only, gone at the end unless it took the target's place."""
    draft = target.with_name(f".{target.name}.{uuid4().hex[:8]}.tmp")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield draft
    finally:
        for suffix in ("", "-wal", "-shm"):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(source, timeout=30)) as old,
        closing(sqlite3.connect(target, timeout=30)) as new,
    ):
        old.backup(new, pages=_PAGES_A_STEP)


def _check(path: Path) -> None:
    """UserError unless it is a sound database of ours that this program can read."""
    mend = "give a file that client-monitor backup wrote"
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise UserError(f"this is no SQLite database: {error}", mend) from None
    if found != "ok":
        raise UserError(f"the file is damaged: {found}", "take an older backup")
    with _engine(path) as engine:
        revision, _ = revisions(engine)
    if revision is None:
        raise UserError("the file has no tables of ours", mend)
    if not knows_revision(revision):
        raise UserError(
            f"the file is at revision {revision}, which this program does not know",
            "a newer version wrote it: install that one",
        )


@contextmanager
def _engine(path: Path) -> Iterator[Engine]:
    """An engine for this file, whose log is folded into it at the end."""
    engine = make_engine(f"sqlite:///{path}")
    try:
        yield engine
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        engine.dispose()


def _hold_everybody(path: Path, reason: str) -> tuple[str, ...]:
    """Bring the file up to date and stop every business's sending; their slugs."""
    with _engine(path) as engine:
        upgrade(engine)
        with reading(Scope.operator(), engine) as session:
            known = [(one.id, one.slug) for one in businesses(session)]
        for business_id, _ in known:
            scope = Scope.system(business_id)
            with writing(scope, engine) as session:
                set_hold(scope, session, held=True, reason=reason)
    return tuple(slug for _, slug in known)
