"""What the figures were measured on, and processes of their own to measure in."""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def facts() -> dict[str, Any]:
    """Cores, Python, load and date; neither paths nor host names."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(load, 1),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def peak_mb() -> float:
    """The most memory this process has held, in MB."""
    # Linux hands ru_maxrss on from the process that started this one; VmHWM begins anew.
    held = _status_mb("VmHWM")
    if held is not None:
        return held
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1024 * 1024 if sys.platform == "darwin" else 1024)


def held_mb() -> float:
    """The memory this process holds now, in MB."""
    import psutil  # type: ignore[import-untyped]

    return float(psutil.Process().memory_info().rss / (1024 * 1024))


def _status_mb(field: str) -> float | None:
    """A size from Linux's status of this process; None elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:")), None)


@dataclass(frozen=True, slots=True)
class Spent:
    """Wall and processor seconds."""

    wall: float
    cpu: float


class Stopwatch:
    """Adds up wall and processor time of this process (all its threads) under names."""

    def __init__(self) -> None:
        self.spent: dict[str, Spent] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            known = self.spent.get(name, Spent(0, 0))
            self.spent[name] = Spent(
                known.wall + time.perf_counter() - wall, known.cpu + time.process_time() - cpu
            )


class Failed(RuntimeError):
    """A measured process did not come through; the message is the end of what it said."""


def measured(module: str, *arguments: str, env: dict[str, str]) -> dict[str, Any]:
    """Run a module of ours in a fresh process; the JSON object it printed last, with its ``process_wall`` and
    ``process_cpu`` seconds, those of its own children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        # A database's complaint may bring all its rows along.
        said = "\n".join(line[:300] for line in done.stderr.splitlines()[-25:])
        raise Failed(f"{module} ended with {done.returncode}:\n{said}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found | {"process_wall": wall, "process_cpu": cpu}


@contextmanager
def fresh_folder() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder of its own, and the environment that makes it the place of database, mail and Prefect's server."""
    with tempfile.TemporaryDirectory(prefix="cm-bench-") as name:
        folder = Path(name)
        # Whatever the machine's own settings say, nothing but the folder is touched and no mail leaves.
        settings = {
            "CM_DATA_DIR": str(folder / "var"),
            "CM_DATABASE_URL": f"sqlite:///{folder / 'bench.db'}",
            "CM_TRANSPORT": "file",
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": "",
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        }
        yield folder, settings
