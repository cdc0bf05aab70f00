"""How speed and memory of each method change with the number of articles: invented news, a process a size."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.console import Step
from benchmarks.grouping import job
from benchmarks.grouping.labelled import invented
from benchmarks.grouping.methods import METHODS, PEER

EACH = 50
LONGEST = 120.0
"""Seconds; a method that would take longer by the square of the numbers is left out at that size."""
SHARE_OF_MEMORY = 0.5


def measure(
    sizes: Sequence[int], settings: Mapping[str, tuple[str, float]], step: Step
) -> list[dict[str, Any]]:
    """A row a method and size; ``articles_per_second`` is None where it was left out, ``why`` says so."""
    rows: list[dict[str, Any]] = []
    last: dict[str, dict[str, Any]] = {}
    for size in sorted(sizes):
        articles = invented(max(1, round(size / EACH)), EACH)
        for method in METHODS:
            if method.needs_clients:
                continue
            step(f"{len(articles):,} articles: {method.name}")
            row: dict[str, Any] = {"method": method.name, "articles": len(articles)}
            why = _too_much(last.get(method.name), len(articles))
            if why is None:
                run = job.measure(method, articles, settings[method.name])
                row["articles_per_second"] = len(articles) / run["seconds"]
                row |= {name: run[name] for name in ("seconds", "peak_mb", "added_mb")}
                last[method.name] = row
            else:
                row |= {"articles_per_second": None, "why": why}
            rows.append(row)
    peer = {row["articles"]: row["articles_per_second"] for row in rows if row["method"] == PEER}
    for row in rows:
        both = row["articles_per_second"] and peer[row["articles"]]
        row["times_peer"] = row["articles_per_second"] / peer[row["articles"]] if both else None
    return rows


def _too_much(before: dict[str, Any] | None, articles: int) -> str | None:
    import psutil  # type: ignore[import-untyped]

    if before is None:
        return None
    growth = (articles / before["articles"]) ** 2
    if before["seconds"] * growth > LONGEST:
        return f"more than {LONGEST:.0f} s"
    free = psutil.virtual_memory().available / 2**20
    # A few MB are the process's own unrest and do not grow by the square.
    if before["added_mb"] > 50 and before["added_mb"] * growth > SHARE_OF_MEMORY * free:
        return "more than half of the memory"
    return None
