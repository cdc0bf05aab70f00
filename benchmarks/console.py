"""What all benchmarks share at the terminal: progress, a table, JSON last, and the arguments' types."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.machine import ROOT

PAGE = ROOT / "docs" / "quality.md"
DATA = ROOT.parent / "shared" / "data"
"""Where labelled files and archives lie beside a checkout, if they do. Nothing of them goes into the project."""

Step = Callable[[str], None]
"""Told what is done next; calling it ends the step before."""


@contextmanager
def steps(total: int) -> Iterator[Step]:
    """A bar at a terminal, a line a step elsewhere; both on stderr."""
    err = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("starting", total=total)
        begun = False

        def step(name: str) -> None:
            nonlocal begun
            bar.update(task, description=name, advance=1 if begun else 0)
            begun = True
            if not err.is_terminal:
                err.print(name, markup=False, highlight=False)

        yield step
        bar.update(task, description="done", completed=total)


def say(text: str) -> None:
    """A remark, on stderr."""
    print(text, file=sys.stderr)


def show(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """A table on stdout, its first column to the left and the others to the right."""
    table = Table(*heads, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def finish(results: dict[str, Any]) -> None:
    """The results as one JSON object, the last line."""
    print(json.dumps(results, default=str))


def sizes(text: str) -> list[int]:
    """Numbers with commas, for argparse."""
    try:
        found = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: numbers with commas, as in 10,100") from None
    if any(size < 1 for size in found):
        raise argparse.ArgumentTypeError(f"{text!r}: a size is at least 1")
    return found


def add_docs(parser: argparse.ArgumentParser) -> None:
    """The option that writes tables and plots into a page."""
    parser.add_argument(
        "--docs",
        nargs="?",
        type=Path,
        const=PAGE,
        metavar="PAGE",
        help="write the tables into this page (docs/quality.md) and the plots into images/ beside it",
    )
