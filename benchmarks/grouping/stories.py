"""Our story grouping beside datasketch, rensa, scikit-learn, rapidfuzz and an online leader: quality and speed."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import page, plots, quality_page
from benchmarks.console import add_docs, finish, show, sizes, steps
from benchmarks.grouping import scale, sets, tables, trials
from benchmarks.grouping.labelled import Labelled
from benchmarks.grouping.methods import METHODS
from benchmarks.machine import facts

SCALE = "1000,2500,5000,10000"


def main(arguments: Sequence[str]) -> None:
    """Compare on every set, then measure speed and memory at several sizes."""
    asked = _asked(arguments)
    measured = sets.chosen(asked)
    results: dict[str, Any] = {"machine": facts(), "sets": [_told(one) for one in measured]}
    compared = [method for method in METHODS if not method.needs_clients]
    with steps(trials.count(measured) + len(compared) * len(asked.scale)) as step:
        rows = results["stories"] = trials.compare(measured, asked.repeats, step)
        settings = trials.chosen(rows, sets.INVENTED)
        results["scale"] = scale.measure(asked.scale, settings, step)
    for one in measured:
        show(*tables.stories(rows, one.name), title=_title(one))
    if asked.scale:
        show(*tables.scale(results["scale"]))
    if asked.docs is not None:
        _document(asked.docs, measured, results)
    finish(results)


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks stories", description=__doc__)
    sets.add_files(parser)
    parser.add_argument("--repeats", type=int, default=3, help="so often each is timed, the best counts")
    parser.add_argument(
        "--scale", type=sizes, default=None, help=f"numbers of invented articles to time; default {SCALE}"
    )
    add_docs(parser)
    asked = parser.parse_args(arguments)
    if asked.scale is None:
        asked.scale = [] if asked.quick else sizes(SCALE)
    return asked


def _told(one: Labelled) -> dict[str, Any]:
    return {
        "name": one.name,
        "articles": len(one.articles),
        "stories": one.stories,
        "diagnostic": one.diagnostic,
    }


def _title(one: Labelled) -> str:
    about = ", a diagnostic" if one.diagnostic else ""
    return f"{one.name}: {len(one.articles):,} articles, {one.stories} stories{about}"


def _document(target: Path, measured: Sequence[Labelled], results: dict[str, Any]) -> None:
    rows = results["stories"]
    plots.stories(quality_page.image(target, "stories"), rows)
    parts = [quality_page.plot("stories", "B-cubed F1 against articles a second, a panel a set")]
    for one in measured:
        parts += [f"**{_title(one)}**", page.markdown(*tables.stories(rows, one.name))]
    if results["scale"]:
        plots.scale(quality_page.image(target, "scale"), results["scale"])
        parts += [
            quality_page.plot("scale", "Articles a second and memory against the number of articles"),
            page.markdown(*tables.scale(results["scale"])),
        ]
    quality_page.write(target, "stories", results["machine"], parts)
