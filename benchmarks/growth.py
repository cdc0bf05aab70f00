"""The load test: an archive's headlines and a portfolio of clients through the pipeline, and how cost grows.

Each size is a process and a database of its own, doing what ``client-monitor import-clients`` and ``client-monitor run
--plain --no-baseline --source archive:FILE`` do; as a script (``python -m benchmarks.growth ARCHIVE PORTFOLIO``) it is
that process. A size is the archive's first headlines: more of them cover more days, as they would.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from benchmarks import page, plots, quality_page
from benchmarks.console import DATA, add_docs, finish, say, show, sizes, steps
from benchmarks.end_to_end import run_archive
from benchmarks.machine import Stopwatch, facts, fresh_folder, measured, peak_mb

SIZES = "1000,5000,10000,20000,46000"
CLIENTS = 40
INVENTED = "invented"
"""In the place of a portfolio's path: the clients of ``benchmarks.tenant``."""


def main(arguments: Sequence[str]) -> None:
    """Measure each size, the smallest first."""
    asked = _asked(arguments)
    real = asked.archive.exists() and asked.portfolio.exists()
    if not real:
        say(f"{asked.archive.name} or {asked.portfolio.name} is not here: invented news and clients instead")
    results: dict[str, Any] = {"machine": facts(), "invented": not real, "growth": []}
    with steps(len(asked.sizes)) as step:
        for size in sorted(asked.sizes):
            step(f"{size:,} headlines")
            results["growth"].append(_measure(size, asked.archive if real else None, asked.portfolio))
    heads, lines = table(results["growth"])
    show(heads, lines)
    if asked.docs is not None:
        plots.growth(quality_page.image(asked.docs, "growth"), results["growth"])
        said = "Seconds and peak memory against the number of headlines"
        parts = [quality_page.plot("growth", said), page.markdown(heads, lines)]
        quality_page.write(asked.docs, "growth", results["machine"], parts)
    finish(results)


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=__doc__.splitlines()[0])
    parser.add_argument(
        "archive",
        nargs="?",
        type=Path,
        default=DATA / "news_headlines_2025-26.jsonl.gz",
        help="JSON lines, or gzipped",
    )
    parser.add_argument("--portfolio", type=Path, default=DATA / "portfolio.csv", help="the clients, as CSV")
    parser.add_argument(
        "--sizes", type=sizes, default=sizes(SIZES), help=f"numbers of headlines; default {SIZES}"
    )
    add_docs(parser)
    return parser.parse_args(arguments)


def _measure(size: int, archive: Path | None, portfolio: Path) -> dict[str, Any]:
    with fresh_folder() as (folder, env):
        part = folder / "headlines.jsonl"
        if archive is None:
            each = max(1, round(size / CLIENTS))
            # Made in another process, so that its memory is not counted.
            measured("benchmarks.news", str(CLIENTS), str(part), str(each), env=env)
            found = measured("benchmarks.growth", str(part), INVENTED, env=env)
        else:
            cut(archive, part, size)
            found = measured("benchmarks.growth", str(part), str(portfolio.resolve()), env=env)
        database = sum(path.stat().st_size for path in folder.glob("bench.db*"))
        return found | {"database_mb": database / 2**20}


def cut(archive: Path, part: Path, size: int) -> None:
    """Write the first ``size`` lines of an archive, gzipped or not, into ``part``."""
    with ExitStack() as files:
        opened = gzip.open if archive.suffix == ".gz" else open
        lines = files.enter_context(opened(archive, "rt", encoding="utf-8"))
        target = files.enter_context(part.open("w", encoding="utf-8"))
        target.writelines(islice(lines, size))


def work(archive: str, portfolio: str) -> dict[str, Any]:
    """Import the clients and run the archive once, cold, in this process."""
    from benchmarks.tenant import SLUG, prepare
    from models.scope import Scope
    from services.accounts import create_business
    from services.client_import import import_clients
    from services.setup import ensure_schema

    if portfolio == INVENTED:
        prepare(CLIENTS)
    else:
        ensure_schema()
        import_clients(Scope.system(create_business(SLUG, "Benchmark").id), Path(portfolio))
    watch = Stopwatch()
    counts = run_archive(archive, SLUG, watch)
    whole = watch.spent.pop("whole")
    return {
        "headlines": counts["search.found"],
        "seconds": whole.wall,
        "cpu": whole.cpu,
        "articles_per_second": counts["search.found"] / whole.wall,
        "peak_mb": peak_mb(),
        "candidates": counts.get("dedupe.candidates", 0),
        "stories": counts.get("dedupe.stories", 0),
        "events": counts.get("classify.events", 0),
        "stages": {name: asdict(spent) for name, spent in watch.spent.items()},
    }


def table(rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """A figure a line, a size a column. What further headlines cost is from one size to the next, which leaves out
    what a process costs once."""
    return (
        ["", *(f"{row['headlines']:,} headlines" for row in rows)],
        [
            ["seconds (processor)", *(f"{row['seconds']:.1f} ({row['cpu']:.1f})" for row in rows)],
            ["seconds for each further 1,000", "", *_further(rows, "seconds", 2)],
            ["articles/s", *(f"{row['articles_per_second']:,.0f}" for row in rows)],
            ["peak memory, MB", *(f"{row['peak_mb']:,.0f}" for row in rows)],
            ["MB for each further 1,000", "", *_further(rows, "peak_mb", 1)],
            ["database, MB", *(f"{row['database_mb']:,.1f}" for row in rows)],
            ["articles naming a client", *(f"{row['candidates']:,}" for row in rows)],
            ["stories", *(f"{row['stories']:,}" for row in rows)],
            ["events", *(f"{row['events']:,}" for row in rows)],
        ],
    )


def _further(rows: Sequence[dict[str, Any]], field: str, digits: int) -> list[str]:
    return [
        f"{1000 * (row[field] - last[field]) / (row['headlines'] - last['headlines']):.{digits}f}"
        for last, row in pairwise(rows)
    ]


if __name__ == "__main__":
    print(json.dumps(work(sys.argv[1], sys.argv[2])))
