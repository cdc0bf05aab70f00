"""The figures as a table."""

from collections.abc import Mapping
from typing import Any

from benchmarks.page import markdown

Measured = Mapping[str, Mapping[str, Mapping[str, float]]]


def rows(measured: Measured) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: a page a row; for each database the median and its ratio to the empty page."""
    heads = ["page", *(f"{name}, {what}" for name in measured for what in ("ms", "ratio"))]
    pages = list(next(iter(measured.values())))
    lines = [
        [
            page,
            *(
                told
                for pages_of in measured.values()
                for told in (f"{pages_of[page]['ms']:,.0f}", f"{pages_of[page]['ratio']:.2f}")
            ),
        ]
        for page in pages
    ]
    return heads, lines


def render(results: Mapping[str, Any], measured: Measured) -> str:
    """The table and what it was measured on, as markdown."""
    machine, sizes = results["machine"], results["sizes"]
    said = (
        f"{machine['date']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}; load before "
        f"{machine['load']}, after {results['machine_after']['load']}. {sizes['clients']:,} clients, "
        f"{sizes['events']:,} events, {sizes['mails']:,} mails; median of {results['loads']} loads."
    )
    heads, lines = rows(measured)
    return f"{said}\n\n{markdown(heads, lines)}"
