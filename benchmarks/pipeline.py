"""The pipeline's speed on invented news, and what Prefect adds; ``--write PAGE`` puts the table into a page."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import end_to_end, page, prefect_share
from benchmarks.console import finish, show, sizes, steps
from benchmarks.machine import facts

SIZES = "10,100,1000"


def main(arguments: Sequence[str]) -> None:
    """Run what was asked, each size in a process of its own."""
    asked = _asked(arguments)
    jobs: list[tuple[str, str, Callable[[], dict[str, Any]]]] = [
        ("end_to_end", f"{size:,} clients, plain", lambda size=size: end_to_end.measure(size))  # type: ignore[misc]
        for size in asked.sizes
    ]
    jobs += [
        (
            "prefect",
            f"{size:,} clients, with Prefect and without",
            lambda size=size: prefect_share.measure(size, asked.repeats),  # type: ignore[misc]
        )
        for size in asked.prefect_sizes
    ]
    results: dict[str, Any] = {"machine": facts(), "end_to_end": [], "prefect": []}
    with steps(len(jobs)) as step:
        for kind, name, job in jobs:
            step(name)
            results[kind].append(job())
    if hasattr(os, "getloadavg"):
        results["machine"]["load_after"] = round(os.getloadavg()[0], 1)
    show(*page.rows(results))
    if asked.write is not None:
        page.write(asked.write, results)
    finish(results)


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks pipeline", description=__doc__)
    parser.add_argument("--sizes", type=sizes, default=None, help=f"numbers of clients; default {SIZES}")
    parser.add_argument("--prefect-sizes", type=sizes, default=None, help="default 100; empty for none")
    parser.add_argument("--repeats", type=int, default=1, help="Prefect: so often, the best counts")
    parser.add_argument("--quick", action="store_true", help="10 clients, and Prefect at 10")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    asked = parser.parse_args(arguments)
    if asked.sizes is None:
        asked.sizes = [10] if asked.quick else sizes(SIZES)
    if asked.prefect_sizes is None:
        asked.prefect_sizes = [10] if asked.quick else [100]
    return asked
