"""Migrating what is found, and refusing what is not ours."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from models.engine import engine_for, get_engine
from models.schema import revisions
from models.settings import get_settings
from services.errors import UserError
from services.setup import ensure_schema


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment nobody has started yet, on SQLite."""
    monkeypatch.delenv("CM_DATABASE_URL", raising=False)
    monkeypatch.setenv("CM_DATA_DIR", str(tmp_path / "new"))
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield tmp_path / "new"  # type: ignore[misc]
    get_engine().dispose()
    engine_for.cache_clear()
    get_settings.cache_clear()


def test_a_new_folder_is_migrated_once(empty: Path) -> None:
    assert ensure_schema() is True
    assert ensure_schema() is False
    current, newest = revisions(get_engine())
    assert current == newest
    assert (empty / "client-monitor.db").is_file()


def test_first_starts_at_once_do_not_trip_over_each_other(empty: Path) -> None:
    results: list[bool | Exception] = []

    def start() -> None:
        try:
            results.append(ensure_schema())
        except Exception as error:
            results.append(error)

    starts = [threading.Thread(target=start) for _ in range(4)]
    for one in starts:
        one.start()
    for one in starts:
        one.join()
    assert sorted(results, key=str) == [False, False, False, True]


def test_a_database_of_a_newer_program_is_refused(db: Engine) -> None:
    with db.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UserError, match="9999, which this program does not know"):
        ensure_schema()
