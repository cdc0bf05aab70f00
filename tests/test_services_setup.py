"""Migrating what is found, and refusing what is not ours."""

import os
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from models.engine import engine_for, get_engine
from models.folders import private_folder
from models.schema import revisions
from models.settings import get_settings
from services.errors import UserError
from services.setup import ensure_schema
from tasks.notify.transports.file import FileTransport
from tasks.notify.transports.transport import Envelope, Result


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


@pytest.mark.skipif(os.name != "posix", reason="folders have no such modes here")
def test_what_it_keeps_is_nobody_elses_to_read(empty: Path) -> None:
    before = os.umask(0o022)
    try:
        ensure_schema()
        outbox = get_settings().outbox_dir
        sent = FileTransport(get_settings()).send(
            Envelope(
                sender="a@example.com", recipient="b@example.com", message_id="<1@example.com>", data=b"x"
            )
        )
        assert (sent.result, outbox.stat().st_mode & 0o777) == (Result.SENT, 0o700)
        assert empty.stat().st_mode & 0o777 == 0o700
        empty.chmod(0o750)
        outbox.chmod(0o750)  # somebody let a group in: that is theirs to say
        get_engine()
        private_folder(outbox)
        assert [folder.stat().st_mode & 0o777 for folder in (empty, outbox)] == [0o750, 0o750]
    finally:
        os.umask(before)


@pytest.mark.skipif(os.name != "posix", reason="folders have no such modes here")
def test_the_way_to_a_private_folder_is_private_too(tmp_path: Path) -> None:
    private_folder(tmp_path / "a" / "b")
    assert [folder.stat().st_mode & 0o777 for folder in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700] * 2
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        private_folder(tmp_path / "file")


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
