"""How the command line speaks: results on stdout, everything else on stderr, and honest exit codes.

0 done (rows left out as bad are named), 1 failed, 2 nothing could be done with what was given.
"""

import json
import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

DONE, FAILED, BAD_INPUT = 0, 1, 2

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_CONTROL = {code: None for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


def clean(text: object) -> str:
    """``text`` without control characters: a headline must not steer the terminal it is printed on."""
    return str(text).translate(_CONTROL)


def say(text: object, *, style: str = "") -> None:
    """A line of the result on stdout, as it is: brackets are no markup and long lines are not cut."""
    out.print(Text(clean(text), style=style), soft_wrap=True)


def note(text: object) -> None:
    """A line about how it goes, on stderr."""
    err.print(Text(clean(text), style="dim"), soft_wrap=True)


def warn(text: object) -> None:
    """A line on stderr about something left out or not as it should be."""
    err.print(Text(clean(text), style="yellow"), soft_wrap=True)


def warn_all(lines: Iterable[object], *, at_most: int = 50) -> None:
    """Warnings, a line each; past ``at_most`` only their number."""
    kept = list(lines)
    for line in kept[:at_most]:
        warn(line)
    if len(kept) > at_most:
        warn(f"... and {len(kept) - at_most} more like these")


def fail(message: object, mend: object = "") -> None:
    """One red line of what happened, and one of how to mend it, on stderr. The caller exits."""
    err.print(Text(clean(message), style="bold red"), soft_wrap=True)
    if mend:
        err.print(Text(f"→ {clean(mend)}"), soft_wrap=True)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line of stdout, the last thing a command says there."""
    out.file.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    out.file.flush()


def progress(*, transient: bool = True) -> Progress:
    """A progress display on stderr; it shows nothing where stderr is not a terminal."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=transient,
        disable=not err.is_terminal,
    )


def debugging() -> bool:
    """Whether CM_DEBUG asks for tracebacks."""
    return os.environ.get("CM_DEBUG", "") not in ("", "0", "false", "no")


def report_failure(error: BaseException) -> int:
    """Print a failure in words (with its traceback under CM_DEBUG=1) and return the exit code it deserves."""
    from services.explain import explain

    if debugging():
        traceback.print_exception(error, file=sys.stderr)
    problem = explain(error)
    if problem is not None:
        fail(problem.message, problem.mend)
        return BAD_INPUT if problem.bad_input else FAILED
    first = (str(error).strip().splitlines() or [""])[0]
    fail(
        f"unexpected: {type(error).__name__}{': ' + first if first else ''}",
        "this is a bug: run it again with CM_DEBUG=1 and report what it prints",
    )
    return FAILED
