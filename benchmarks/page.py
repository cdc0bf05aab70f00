"""The figures as a table, and their place in ``docs/performance.md``."""

from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: written by `python -m benchmarks --write` -->", "<!-- end of figures -->"
STAGES = ("search", "dedupe", "enrich", "classify", "filter", "notify", "digests")


def rows(results: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: a figure a row, a size a column. Seconds are wall seconds with processor seconds in brackets."""
    runs = results["end_to_end"]
    heads = ["", *(f"{run['clients']:,} clients" for run in runs)]
    lines = [
        ["articles", *(f"{run['articles']:,}" for run in runs)],
        ["articles/s, end to end", *(f"{run['articles_per_second']:,.0f}" for run in runs)],
        ["articles per processor second", *(f"{run['articles_per_cpu_second']:,.0f}" for run in runs)],
        ["seconds (processor)", *(_seconds(run["seconds"], run["cpu"]) for run in runs)],
    ]
    for stage in STAGES:
        spent = [run["stages"].get(stage, {"wall": 0.0, "cpu": 0.0}) for run in runs]
        lines.append([f"  {stage}", *(_seconds(one["wall"], one["cpu"]) for one in spent)])
    lines += [
        ["peak memory, MB", *(f"{run['peak_mb']:,.0f}" for run in runs)],
        ["second run, nothing new", *(f"{run['again_share']:.1%} of the first" for run in runs)],
        [
            "stories, events, mails",
            *(f"{run['stories']:,}, {run['events']:,}, {run['mails']:,}" for run in runs),
        ],
    ]
    for one in results["prefect"]:
        adds = one["prefect_adds"]
        for words, name in (("with its start", "with_start"), ("inside the flow", "inside")):
            wall, cpu = adds[f"{name}_wall"], adds[f"{name}_cpu"]
            told = f"{wall['added_seconds']:+.1f} s, {wall['share']:+.0%} (processor {cpu['share']:+.0%})"
            lines.append(
                [f"Prefect adds, {one['clients']:,} clients, {words}", told, *[""] * (len(heads) - 2)]
            )
    if len(heads) == 1 and results["prefect"]:
        heads, lines = ["", "Prefect"], lines[-2 * len(results["prefect"]) :]
    return heads, lines


def _seconds(wall: float, cpu: float) -> str:
    return f"{wall:.1f} ({cpu:.1f})"


def render(results: dict[str, Any]) -> str:
    """The table and what it was measured on, as markdown."""
    machine = results["machine"]
    heads, lines = rows(results)
    load = f"{machine['load']}, at the end {machine.get('load_after', machine['load'])}"
    said = (
        f"{machine['date']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}; "
        f"load before the measurement {load}. "
        "Seconds are wall seconds, processor seconds in brackets."
    )
    return f"{said}\n\n{markdown(heads, lines)}"


def write(path: Path, results: dict[str, Any]) -> None:
    """Replace what stands between the page's two marks; a page without them gets them at its end."""
    put(path, BEGIN, END, render(results), "# Performance\n")


def put(path: Path, begin: str, end: str, text: str, new_page: str) -> None:
    """Replace what stands between two marks; a page without them gets them at its end, a missing page is begun."""
    page = path.read_text(encoding="utf-8") if path.exists() else new_page
    block = f"{begin}\n{text}\n{end}"
    if begin in page and end in page:
        before, _, rest = page.partition(begin)
        page = before + block + rest.partition(end)[2]
    else:
        page = f"{page.rstrip()}\n\n{block}\n"
    path.write_text(page, encoding="utf-8")


def markdown(heads: list[str], lines: list[list[str]]) -> str:
    """A table, its first column to the left and the others to the right."""
    table = [heads, ["---", *["---:"] * (len(heads) - 1)], *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in table)
