"""Articles a second from the archive to the mails, at several sizes, each in a fresh process and database.

The process runs the same functions as ``client-monitor run --plain``: search to notify, progress written after each
batch, then the digests. ``measure`` starts it; as a script (``python -m benchmarks.end_to_end ARCHIVE CLIENTS``) it is
that process.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from benchmarks.machine import Stopwatch, fresh_folder, measured, peak_mb


def measure(clients: int) -> dict[str, Any]:
    """One size: see ``work`` for what comes back."""
    with fresh_folder() as (folder, env):
        archive = folder / "news.jsonl"
        # Made in another process, so that its memory is not counted.
        measured("benchmarks.news", str(clients), str(archive), env=env)
        return measured("benchmarks.end_to_end", str(archive), str(clients), env=env)


def work(archive: str, clients: int) -> dict[str, Any]:
    """Run the archive twice in this process; figures of the first run, and the second's share of its time.

    ``load`` is the machine's while it ran: with others at work on it, trust ``cpu`` more than ``seconds``.
    """
    from benchmarks.tenant import SLUG, prepare
    from models.engine import reading
    from models.mail import Delivery
    from models.scope import Scope
    from services.accounts import pick_business

    prepare(clients)
    watch = Stopwatch()
    first = run_archive(archive, SLUG, watch)
    peak = peak_mb()
    again = Stopwatch()
    second = run_archive(archive, SLUG, again)
    whole, rest = watch.spent.pop("whole"), again.spent["whole"]
    scope = Scope.system(pick_business(None).id)
    with reading(scope) as session:
        from sqlmodel import func, select

        mails = session.exec(select(func.count()).select_from(Delivery)).one()
    found = first["search.found"]
    return {
        "clients": clients,
        "articles": found,
        "seconds": whole.wall,
        "cpu": whole.cpu,
        "articles_per_second": found / whole.wall,
        "articles_per_cpu_second": found / whole.cpu,
        "stages": {name: asdict(spent) for name, spent in watch.spent.items()},
        "peak_mb": peak,
        "again_seconds": rest.wall,
        "again_share": rest.wall / whole.wall,
        "again_new": sum(
            second.get(name, 0)
            for name in ("search.new", "dedupe.articles", "classify.judged", "filter.events")
        ),
        "stories": first["dedupe.stories"],
        "candidates": first["dedupe.candidates"],
        "events": first["classify.events"],
        "mails": mails,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def run_archive(archive: str, business: str, watch: Stopwatch) -> dict[str, int]:
    """One run and its digests, as ``client-monitor run --plain --no-baseline``; the counts of its stages.

    Time goes to the stages and to ``whole``.
    """
    from flows.pipeline import STAGES, Stages, run_pipeline
    from services.replay import replay_digests
    from services.runs import close_run, open_run, progress

    def timed(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            with watch.of(name):
                return step(*arguments)

        return run

    plain = Stages()
    stages = replace(plain, **{name: timed(name, getattr(plain, name)) for name in STAGES})
    with watch.of("whole"):
        plan = open_run(business, sources=[f"archive:{archive}"], baseline=False)
        reports = run_pipeline(plan, stages, lambda report: progress(plan, report))
        with watch.of("digests"):
            reports.append(replay_digests(plan))
        summary = close_run(plan, reports)
    if summary.degraded or summary.error:
        raise RuntimeError(f"the run is no measure: {summary.error or summary.degraded}")
    return summary.counts


if __name__ == "__main__":
    print(json.dumps(work(sys.argv[1], int(sys.argv[2]))))
