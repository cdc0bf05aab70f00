"""Where the time goes: ``python -m benchmarks.profiling CLIENTS`` prints each stage's costliest functions.

cProfile makes calls dearer than they are: read it for proportions, and take times from ``benchmarks.end_to_end``.
"""

import cProfile
import os
import pstats
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, fresh_folder

TOP = 14


def report(clients: int, top: int = TOP) -> None:
    """Profile one run of so many clients and print, for each stage, functions by own and by cumulative time."""
    from benchmarks.news import write_archive

    with fresh_folder() as (folder, env):
        os.environ.update(env)
        archive = folder / "news.jsonl"
        write_archive(archive, clients)
        for name, profile in _profiles(str(archive), clients).items():
            stats = pstats.Stats(profile)
            print(f"\n== {name}: {stats.total_tt:.2f} s\n")  # type: ignore[attr-defined]
            for order in ("tottime", "cumtime"):
                _table(stats, order, top)


def _profiles(archive: str, clients: int) -> dict[str, cProfile.Profile]:
    from benchmarks.tenant import SLUG, prepare
    from flows.pipeline import STAGES, Stages, run_pipeline
    from services.replay import replay_digests
    from services.runs import close_run, open_run, progress
    from tasks.search import stage as search_stage

    prepare(clients)
    search_stage.ThreadPoolExecutor = _Here  # type: ignore[assignment, attr-defined]
    profiles = {name: cProfile.Profile() for name in (*STAGES, "digests")}

    def profiled(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            return profiles[name].runcall(step, *arguments)

        return run

    plain = Stages()
    plan = open_run(SLUG, sources=[f"archive:{archive}"], baseline=False)
    stages = replace(plain, **{name: profiled(name, getattr(plain, name)) for name in STAGES})
    reports = run_pipeline(plan, stages, lambda one: progress(plan, one))
    reports.append(profiled("digests", replay_digests)(plan))
    close_run(plan, reports)
    return profiles


class _Here:
    """A pool without threads: a profiler sees only its own."""

    def __init__(self, *_arguments: Any, **_options: Any) -> None: ...

    def __enter__(self) -> "_Here":
        return self

    def __exit__(self, *_error: object) -> None: ...

    def map(self, step: Callable[[Any], Any], items: Iterable[Any]) -> Iterable[Any]:
        return map(step, items)


def _table(stats: pstats.Stats, order: str, top: int) -> None:
    column = 2 if order == "tottime" else 3
    rows = sorted(stats.stats.items(), key=lambda row: -row[1][column])[:top]  # type: ignore[attr-defined]
    print(f"  {'own':>7} {'total':>7} {'calls':>9}  by {order}")
    for (file, line, name), (_, calls, own, total, _) in rows:
        path = Path(file)
        where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-2:])
        print(f"  {own:7.2f} {total:7.2f} {calls:9d}  {where}:{line} {name}")


if __name__ == "__main__":
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
