"""Whether our stories depend on the order articles come in and on how many come at once.

Every set is grouped in batches of several sizes and in several orders: at random, and by date where there are dates.
Twice: with stories that may still change, as until they are mailed, and with every story mailed after its batch, the
worst case, where what was put together or kept apart too early stays so.
"""

import argparse
import random
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import page, plots, quality_page
from benchmarks.console import add_docs, finish, show, sizes, steps
from benchmarks.grouping import ours, sets, tables
from benchmarks.grouping.labelled import Article, Labelled
from benchmarks.grouping.measures import scores
from benchmarks.machine import facts
from tasks.dedupe.stories import StoryIndex

SIZES = "1,10,50"
MODES = ("not mailed yet", "mailed after each batch")
_SEED = 11


def main(arguments: Sequence[str]) -> None:
    """Measure each set, batch size and mode over all orders."""
    asked = _asked(arguments)
    measured = [one for one in sets.chosen(asked) if not one.diagnostic or one.name == sets.INVENTED]
    results: dict[str, Any] = {"machine": facts(), "batches": []}
    batches = [*asked.sizes, None]
    ours.group(ours.read(measured[-1].articles[:10]))
    with steps(len(measured) * len(batches) * len(MODES)) as step:
        for one in measured:
            for mode in MODES:
                for size in batches:
                    step(f"{one.name}, {mode}, batches of {size or 'all'}")
                    results["batches"].append(_measure(one, size, mode, asked.orders))
    heads, lines = tables.batches(results["batches"])
    show(heads, lines)
    if asked.docs is not None:
        plots.batches(quality_page.image(asked.docs, "batches"), results["batches"])
        parts = [
            quality_page.plot("batches", "B-cubed F1 against the size of batches"),
            page.markdown(heads, lines),
        ]
        quality_page.write(asked.docs, "batches", results["machine"], parts)
    finish(results)


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks batches", description=about)
    sets.add_files(parser)
    parser.add_argument(
        "--sizes", type=sizes, default=sizes(SIZES), help=f"articles a batch; default {SIZES}"
    )
    parser.add_argument("--orders", type=int, default=3, help="in how many orders articles come")
    add_docs(parser)
    return parser.parse_args(arguments)


def orders(articles: Sequence[Article], count: int) -> list[list[Article]]:
    """``count`` orders, always the same: the first by date if all have one, the others at random."""
    found = [sorted(articles, key=lambda one: one.at or "")] if all(one.at for one in articles) else []
    rng = random.Random(_SEED)
    while len(found) < count:
        found.append(rng.sample(list(articles), len(articles)))
    return found[:count]


def grouped(articles: Sequence[Article], size: int | None, *, mailed: bool) -> list[str]:
    """The stories of the articles when they come ``size`` at a time; None: all at once."""
    docs = ours.read_with_clients(articles)
    index = StoryIndex()
    stories: dict[str, str] = {}
    for first in range(0, len(docs), size or len(docs)):
        placed = index.add(docs[first : first + (size or len(docs))])
        stories |= {one.key: one.story for one in [*index.moved, *placed]}
        if mailed:
            index.settle({one.story for one in placed})
    return [stories[doc.key] for doc in docs]


def _measure(one: Labelled, size: int | None, mode: str, count: int) -> dict[str, Any]:
    found, seconds = [], 0.0
    for arriving in orders(one.articles, count):
        begin = time.perf_counter()
        stories = grouped(arriving, size, mailed=mode == MODES[1])
        seconds += time.perf_counter() - begin
        found.append(scores([article.story for article in arriving], stories).b3_f1)
    return {
        "set": one.name,
        "mode": mode,
        "batch": size,
        "b3_f1": sum(found) / len(found),
        "b3_f1_lowest": min(found),
        "b3_f1_highest": max(found),
        "articles_per_second": count * len(one.articles) / seconds,
    }
