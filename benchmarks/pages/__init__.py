"""Each page of the app with 100 clients, 100,000 events and 1,000,000 mails, as a ratio to an empty Streamlit page.

The real app (``client-monitor serve``) and an empty one are served by a process each and loaded in turn by a headless
chromium, signed in as an owner who looks after a fifth of the clients. Time to interactive is from the navigation's
start until the script has ended, everything it asked for is drawn, and half a second without a long task began. The
browser's cache is warm, as for whoever comes back.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.console import finish, say, show, steps
from benchmarks.machine import ROOT, facts
from benchmarks.page import put

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- pages: written by `python -m benchmarks pages --docs` -->", "<!-- end of pages -->"
DATABASES = ("sqlite", "postgres")


def main(arguments: Sequence[str]) -> None:
    """Measure the pages on both databases."""
    from benchmarks.pages.data import Sizes, default_folder, prepared
    from benchmarks.pages.loads import measure
    from benchmarks.pages.table import render, rows

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks pages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--loads", type=int, default=5, help="loads of each page; the median counts")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--mails", type=int, default=1_000_000)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--pages", nargs="+", metavar="NAME", help="only these pages")
    parser.add_argument("--folder", type=Path, help="where the databases are kept for the next time")
    parser.add_argument(
        "--docs", nargs="?", type=Path, const=PAGE, metavar="PAGE", help="write the table into this page"
    )
    asked = parser.parse_args(arguments)
    sizes = Sizes(asked.clients, asked.events, asked.mails)
    folder = asked.folder or default_folder(sizes)
    say(f"the databases are kept in {folder}")
    results: dict[str, object] = {"machine": facts(), "sizes": vars(sizes), "loads": asked.loads}
    measured = {}
    with steps(2 * len(asked.databases)) as step:
        for database in asked.databases:
            step(f"a tenant on {database} (some minutes, once a day)")
            with prepared(folder, database, sizes) as place:
                step(f"pages on {database}")
                measured[database] = measure(place, loads=asked.loads, only=asked.pages)
    results["pages"] = measured
    results["machine_after"] = facts()
    show(*rows(measured), title="Time to interactive, ms, and as a ratio to an empty page")
    if asked.docs:
        put(asked.docs, BEGIN, END, render(results, measured), "# Performance\n")
    finish(results)
