"""The plots of ``docs/quality.md``: light background, labelled axes, ours in colour and the others told apart in
grey by their marks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.grouping.methods import METHODS, OURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

INK, FAINT, GRID = "#1f2933", "#52606d", "#e4e7eb"
OWN = "#c2410c"
COLOURS = ("#c2410c", "#f0a35e", "#1d4ed8", "#60a5fa", "#15803d", "#7cb342", "#7c3aed", "#64748b")
MARKS = ("*", "P", "o", "s", "^", "v", "D", "X")


def stories(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Quality against speed, a panel a set."""
    names = list(dict.fromkeys(row["set"] for row in rows))
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    with _figure(path, lines, columns, height=3.4) as (figure, panels):
        for panel, name in zip(panels, names, strict=False):
            for row in (row for row in rows if row["set"] == name):
                panel.scatter(
                    row["articles_per_second"], row["b3_f1"], label=row["method"], **_mark(row["method"])
                )
            panel.set(title=name, xlabel="articles a second (log)", ylabel="B³ F1", xscale="log")
            panel.set_ylim(min(row["b3_f1"] for row in rows if row["set"] == name) - 0.03, 1.02)
            _plain_log(panel.xaxis)
        for panel in panels[len(names) :]:
            panel.set_visible(False)
        _legend(figure, panels[: len(names)])


def scale(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Speed and added memory against the number of articles, a line a method."""
    timed = [row for row in rows if row["articles_per_second"] is not None]
    with _figure(path, 1, 2, height=3.8) as (figure, panels):
        for panel, field, label in (
            (panels[0], "articles_per_second", "articles a second (log)"),
            (panels[1], "added_mb", "memory added, MB (log)"),
        ):
            for name in dict.fromkeys(row["method"] for row in timed):
                mine = [row for row in timed if row["method"] == name]
                panel.plot(
                    [row["articles"] for row in mine],
                    [max(row[field], 0.1) for row in mine],
                    label=name,
                    **_line(name),
                )
            panel.set(xlabel="articles (log)", ylabel=label, xscale="log", yscale="log")
            panel.set_xticks(
                sizes := sorted({row["articles"] for row in timed}), [f"{size:,}" for size in sizes]
            )
            panel.minorticks_off()
            _plain_log(panel.yaxis)
        _legend(figure, panels)


def growth(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Seconds and peak memory against the number of headlines; dashed: straight on from the first two sizes."""
    counts = [row["headlines"] for row in rows]
    with _figure(path, 1, 2, height=3.6) as (figure, panels):
        for panel, field, label in (
            (panels[0], "seconds", "seconds"),
            (panels[1], "peak_mb", "peak memory, MB"),
        ):
            values = [row[field] for row in rows]
            panel.plot(counts, values, color=OWN, marker="o", linewidth=2, label="measured", zorder=3)
            if field == "seconds":
                spent = [row["cpu"] for row in rows]
                panel.plot(
                    counts, spent, color=OWN, marker=".", linewidth=1, alpha=0.5, label="of the processor"
                )
            if len(rows) > 1:
                slope = (values[1] - values[0]) / (counts[1] - counts[0])
                straight = [values[0] + slope * (count - counts[0]) for count in counts]
                panel.plot(
                    counts,
                    straight,
                    color=FAINT,
                    linestyle="--",
                    linewidth=1,
                    label="straight on from the first two",
                )
            panel.set(xlabel="headlines", ylabel=label)
            panel.set_ylim(bottom=0)
            panel.locator_params(axis="x", nbins=6)
            panel.xaxis.set_major_formatter("{x:,.0f}")
        _legend(figure, panels[:1])


def batches(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Quality against batch size, a line a set and a panel a mode; bars span the orders tried."""
    sizes = list(dict.fromkeys(row["batch"] for row in rows))
    modes = list(dict.fromkeys(row["mode"] for row in rows))
    names = list(dict.fromkeys(row["set"] for row in rows))
    lowest = min(row["b3_f1_lowest"] for row in rows)
    with _figure(path, 1, len(modes), height=3.8) as (figure, panels):
        for panel, mode in zip(panels, modes, strict=True):
            for name, colour, mark in zip(names, cycle(COLOURS[::2]), cycle(MARKS[2:])):
                mine = [row for row in rows if (row["set"], row["mode"]) == (name, mode)]
                middle = [row["b3_f1"] for row in mine]
                below = [row["b3_f1"] - row["b3_f1_lowest"] for row in mine]
                above = [row["b3_f1_highest"] - row["b3_f1"] for row in mine]
                panel.errorbar(
                    range(len(mine)),
                    middle,
                    yerr=[below, above],
                    color=colour,
                    marker=mark,
                    capsize=3,
                    label=name,
                )
            panel.set(title=f"Stories {mode}", xlabel="articles a batch", ylabel="B³ F1")
            panel.set_ylim(lowest - 0.03, 1.0)
            panel.set_xticks(range(len(sizes)), ["all" if size is None else f"{size}" for size in sizes])
        _legend(figure, panels)


@contextmanager
def _figure(path: Path, lines: int, columns: int, height: float) -> "Iterator[tuple[Figure, list[Axes]]]":
    """A figure with its panels in a row; saved on the way out."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    looks: dict[Any, Any] = {
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "text.color": INK,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "legend.frameon": False,
    }
    with mpl.rc_context(looks):
        figure, panels = pyplot.subplots(
            lines,
            columns,
            figsize=(4.6 * max(columns, 1.5), height * lines),
            squeeze=False,
            layout="constrained",
        )
        figure.set_facecolor("white")
        yield figure, list(panels.flat)
        # Without the date and version, the same figures give the same file.
        figure.savefig(path, dpi=150, metadata={"Software": None})
        pyplot.close(figure)


def _legend(figure: "Figure", panels: "Sequence[Axes]") -> None:
    """One legend for all panels, below them."""
    shown: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            shown.setdefault(label, handle)
    figure.legend(list(shown.values()), list(shown), loc="outside lower center", ncols=min(4, len(shown)))


def _plain_log(axis: "Axis") -> None:
    """1, 2 and 5 of each power of ten, written out."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_formatter(NullFormatter())


def _place(method: str) -> int:
    return [one.name for one in METHODS].index(method)


def _mark(method: str) -> dict[str, Any]:
    place = _place(method)
    return {"color": COLOURS[place], "marker": MARKS[place], "s": 170 if method == OURS else 55, "zorder": 3}


def _line(method: str) -> dict[str, Any]:
    place = _place(method)
    wide = 2.4 if method == OURS else 1.2
    return {
        "color": COLOURS[place],
        "marker": MARKS[place],
        "linewidth": wide,
        "zorder": 3 if method == OURS else 2,
    }
