"""Which labelled sets are measured: the files given or those beside the checkout, and an invented one, always."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.console import DATA, say
from benchmarks.grouping.labelled import INVENTED_CLIENTS, Labelled, invented, read, titles_only

INVENTED = "invented news"
FEWEST = 4
"""Stories: two look-alikes for each half."""
_NAMES = {"stories_ecbplus": "ECB+", "stories_uci_dev": "UCI"}
_DIAGNOSTIC = {"stories_uci_dev"}
"""Broad topics, not events: a threshold that suits them joins events that are not the same."""


def add_files(parser: argparse.ArgumentParser) -> None:
    """The arguments that ``chosen`` reads."""
    known = [DATA / f"{stem}.jsonl" for stem in _NAMES]
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        default=known,
        metavar="FILE.jsonl",
        help=f"labelled files, as `client-monitor evaluate stories` takes them; default {' and '.join(_NAMES)}",
    )
    parser.add_argument("--quick", action="store_true", help="only a few invented articles")


def chosen(asked: argparse.Namespace) -> list[Labelled]:
    """The sets; a file that is not there is named and skipped. A file with text is measured a second time by titles."""
    if asked.quick:
        return [Labelled(INVENTED, tuple(invented(3, 20)), diagnostic=True)]
    return [*_of(asked.files), Labelled(INVENTED, tuple(invented(INVENTED_CLIENTS)), diagnostic=True)]


def _of(files: Sequence[Path]) -> list[Labelled]:
    found = []
    for path in files:
        if not path.exists():
            say(f"{path.name} is not here: skipped")
            continue
        try:
            articles = tuple(read(path))
        except ValueError as error:
            say(f"{error}: skipped")
            continue
        if len({article.story for article in articles}) < FEWEST:
            say(f"{path.name} has fewer than {FEWEST} stories: skipped")
            continue
        name, diagnostic = _NAMES.get(path.stem, path.stem), path.stem in _DIAGNOSTIC
        if any(article.snippet for article in articles):
            found.append(Labelled(f"{name}, title and lead", articles, diagnostic))
        found.append(Labelled(f"{name}, titles only", titles_only(articles), diagnostic))
    return found
