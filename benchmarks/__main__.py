"""``python -m benchmarks``: a table and, last, one JSON object. Nothing is written without ``--write``."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import end_to_end, page, prefect_share
from benchmarks.machine import Failed, facts

SIZES = "10,100,1000"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked; 1 when a measured process failed, which is named on stderr."""
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
    err = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("starting", total=len(jobs))
        for kind, name, job in jobs:
            bar.update(task, description=name)
            if not err.is_terminal:
                err.print(name)
            try:
                results[kind].append(job())
            except Failed as error:
                bar.stop()
                print(f"benchmark {name}: {error}", file=sys.stderr)
                return 1
            bar.advance(task)
    if hasattr(os, "getloadavg"):
        results["machine"]["load_after"] = round(os.getloadavg()[0], 1)
    Console(width=None if sys.stdout.isatty() else 120).print(_table(results))
    if asked.write is not None:
        page.write(asked.write, results)
    print(json.dumps(results, default=str))
    return 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=_sizes, default=None, help=f"numbers of clients; default {SIZES}")
    parser.add_argument("--prefect-sizes", type=_sizes, default=None, help="default 100; empty for none")
    parser.add_argument("--repeats", type=int, default=1, help="Prefect: so often, the best counts")
    parser.add_argument("--quick", action="store_true", help="10 clients, and Prefect at 10")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    asked = parser.parse_args(arguments)
    if asked.sizes is None:
        asked.sizes = [10] if asked.quick else _sizes(SIZES)
    if asked.prefect_sizes is None:
        asked.prefect_sizes = [10] if asked.quick else [100]
    return asked


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: numbers with commas, as in 10,100") from None
    if any(size < 1 for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r}: at least one client")
    return sizes


def _table(results: dict[str, Any]) -> Table:
    heads, rows = page.rows(results)
    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    return table


if __name__ == "__main__":
    sys.exit(main())
