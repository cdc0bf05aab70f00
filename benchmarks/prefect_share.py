"""What Prefect adds: the same plan as a flow with its ephemeral server, and as plain functions.

Both work an equal archive in a fresh process and database, from ``open_run`` to ``close_run`` (search to notify; the
digests of a replay come after the flow and are left out). *With start* counts the whole process: imports, the server's
start and end, and the server's own processor time. *Inside* counts from the run's first row to its last. As a script
(``python -m benchmarks.prefect_share flow|plain ARCHIVE``) it is such a process; ``measure`` starts both.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import fresh_folder, measured, peak_mb

KINDS = ("plain", "flow")


def measure(clients: int, repeats: int = 1) -> dict[str, Any]:
    """Both kinds at one size, the better of ``repeats`` by the processor time of the whole process."""
    best: dict[str, dict[str, Any]] = {}
    for _ in range(repeats):
        # In turns, so that a change in the machine's load meets both.
        for kind in KINDS:
            with fresh_folder() as (folder, env):
                archive = folder / "news.jsonl"
                measured("benchmarks.news", str(clients), str(archive), env=env)
                measured("benchmarks.tenant", str(clients), env=env)
                found = measured("benchmarks.prefect_share", kind, str(archive), env=env)
            if kind not in best or found["process_cpu"] < best[kind]["process_cpu"]:
                best[kind] = found
    return {"clients": clients, "articles": best["plain"]["articles"], **best, **_shares(best)}


def _shares(best: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Seconds that Prefect adds, and their ratio to the plain run's; wall and processor time."""
    plain, flow = best["plain"], best["flow"]
    added: dict[str, Any] = {}
    for name, key in (
        ("with_start_wall", "process_wall"),
        ("with_start_cpu", "process_cpu"),
        ("inside_wall", "inside_wall"),
        ("inside_cpu", "inside_cpu"),
    ):
        more = flow[key] - plain[key]
        added[name] = {"added_seconds": more, "share": more / plain[key]}
    return {"prefect_adds": added}


def work(kind: str, archive: str) -> dict[str, Any]:
    """One run in this process. ``inside_cpu`` leaves out the server, which is a process of its own."""
    from benchmarks.tenant import SLUG
    from services import runs

    marks: dict[str, tuple[float, float]] = {}
    opened, closed = runs.open_run, runs.close_run

    def mark(name: str) -> None:
        marks[name] = (time.perf_counter(), time.process_time())

    def open_run(*arguments: Any, **options: Any) -> Any:
        mark("open")
        return opened(*arguments, **options)

    def close_run(*arguments: Any, **options: Any) -> Any:
        summary = closed(*arguments, **options)
        mark("close")
        return summary

    # The flow module takes these names when it is imported, so they must be ours before.
    runs.open_run, runs.close_run = open_run, close_run
    sources = [f"archive:{archive}"]
    if kind == "flow":
        from flows.monitor_clients import monitor_clients

        state = monitor_clients(SLUG, sources=sources, baseline=False, return_state=True)
        if not state.is_completed() or state.name == "Degraded":
            raise RuntimeError(f"the flow is no measure: it ended {state.name}: {state.message}")
    else:
        from flows.pipeline import Stages, run_pipeline

        plan = open_run(SLUG, sources=sources, baseline=False)
        close_run(plan, run_pipeline(plan, Stages(), lambda report: runs.progress(plan, report)))
    (wall, cpu), (wall_end, cpu_end) = marks["open"], marks["close"]
    articles = len(Path(archive).read_text(encoding="utf-8").splitlines())
    return {
        "articles": articles,
        "inside_wall": wall_end - wall,
        "inside_cpu": cpu_end - cpu,
        "peak_mb": peak_mb(),
    }


if __name__ == "__main__":
    print(json.dumps(work(sys.argv[1], sys.argv[2])))
