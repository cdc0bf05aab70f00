"""The tables of the story benchmarks, for the terminal and the page."""

from collections.abc import Sequence
from typing import Any

from benchmarks.grouping.methods import PEER

Table = tuple[list[str], list[list[str]]]


def stories(rows: Sequence[dict[str, Any]], name: str) -> Table:
    """The methods on one set, quality and speed side by side."""
    heads = [
        "method",
        "B³ precision",
        "recall",
        "F1",
        "pairs precision",
        "recall",
        "F1",
        "B³ F1, one threshold for all",
        "articles/s",
        "× scikit-learn",
        "MB added",
    ]
    lines = [
        [
            row["method"],
            *(
                f"{row[f'{kind}_{measure}']:.3f}"
                for kind in ("b3", "pairwise")
                for measure in ("precision", "recall", "f1")
            ),
            f"{row['b3_f1_one_threshold_for_all']:.3f}",
            f"{row['articles_per_second']:,.0f}",
            f"{row['times_peer']:.2f}",
            f"{row['added_mb']:,.0f}",
        ]
        for row in rows
        if row["set"] == name
    ]
    return heads, lines


def scale(rows: Sequence[dict[str, Any]]) -> Table:
    """Articles a second, times the peer's, and memory added, a method a line and a size a column."""
    sizes = sorted({row["articles"] for row in rows})
    cells = {(row["method"], row["articles"]): row for row in rows}
    methods = list(dict.fromkeys(row["method"] for row in rows))
    return (
        [f"articles/s (× {PEER}; MB added)", *(f"{size:,} articles" for size in sizes)],
        [[name, *(_scaled(cells[name, size]) for size in sizes)] for name in methods],
    )


def _scaled(row: dict[str, Any]) -> str:
    if row["articles_per_second"] is None:
        return f"left out: {row['why']}"
    times = "" if row["times_peer"] is None else f"{row['times_peer']:.2f}×; "
    return f"{row['articles_per_second']:,.0f} ({times}{row['added_mb']:,.0f} MB)"


def batches(rows: Sequence[dict[str, Any]]) -> Table:
    """B-cubed F1 by batch size, the mean of the orders and half their spread; a set and mode a line."""
    sizes = list(dict.fromkeys(row["batch"] for row in rows))
    cells = {(row["set"], row["mode"], row["batch"]): row for row in rows}
    lines = dict.fromkeys((row["set"], row["mode"]) for row in rows)
    heads = [
        "B³ F1 (articles/s)",
        "stories",
        *("all at once" if size is None else f"batches of {size}" for size in sizes),
    ]
    return heads, [
        [name, mode, *(_batched(cells[name, mode, size]) for size in sizes)] for name, mode in lines
    ]


def _batched(row: dict[str, Any]) -> str:
    spread = row["b3_f1_highest"] - row["b3_f1_lowest"]
    return f"{row['b3_f1']:.3f} ± {spread / 2:.3f} ({row['articles_per_second']:,.0f})"
