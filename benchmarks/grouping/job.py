"""One method on one file of articles, in a process of its own.

``python -m benchmarks.grouping.job ARTICLES METHOD VARIANT THRESHOLD REPEATS`` prints the group of each article, the
best time of the repeats, and the memory: all of the process's, and what grouping added to it.
"""

import gc
import json
import sys
import time
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.grouping.labelled import Article, invented, load, save
from benchmarks.grouping.methods import Method, method
from benchmarks.machine import fresh_folder, held_mb, measured, peak_mb


def measure(
    one: Method, articles: Sequence[Article], setting: tuple[str, float], repeats: int = 1
) -> dict[str, Any]:
    """Start the process; see ``work`` for what comes back."""
    variant, threshold = setting
    with fresh_folder() as (folder, env):
        path = folder / "articles.json"
        save(path, articles)
        # One thread for everybody: some of the libraries would take all cores, others cannot.
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
        arguments = (str(path), one.name, variant, str(threshold), str(repeats))
        return measured("benchmarks.grouping.job", *arguments, env=env | one_thread)


def work(path: str, name: str, variant: str, threshold: float, repeats: int) -> dict[str, Any]:
    """Group the articles ``repeats`` times in this process; what is loaded on first use is loaded before."""
    one = method(name)
    articles = load(Path(path))
    one.group(one.read(invented(1, 10), variant), threshold)
    gc.collect()
    before = held_mb()
    seconds = []
    groups: Sequence[Hashable] = ()
    for _ in range(repeats):
        begin = time.perf_counter()
        groups = one.group(one.read(articles, variant), threshold)
        seconds.append(time.perf_counter() - begin)
    peak = peak_mb()
    return {
        "articles": len(articles),
        "seconds": min(seconds),
        "peak_mb": peak,
        "added_mb": max(0.0, peak - before),
        "groups": list(groups),
    }


if __name__ == "__main__":
    given = sys.argv[1:]
    print(json.dumps(work(given[0], given[1], given[2], float(given[3]), int(given[4]))))
