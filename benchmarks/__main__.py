"""``python -m benchmarks [COMMAND]``: a table and, last, one JSON object.

Commands: pipeline (the default), stories, batches, growth, sending, pages; ``python -m benchmarks COMMAND --help``
lists the options of one. Nothing is written without ``--write`` or ``--docs``.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

from benchmarks.console import say
from benchmarks.machine import Failed

COMMANDS = {
    "pipeline": "benchmarks.pipeline",
    "stories": "benchmarks.grouping.stories",
    "batches": "benchmarks.grouping.batches",
    "growth": "benchmarks.growth",
    "sending": "benchmarks.sending",
    "pages": "benchmarks.pages",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 1 when a measured process failed, which is named on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in (["-h"], ["--help"]):
        print(__doc__)
        for name, module in COMMANDS.items():
            print(f"  {name:<10}{(import_module(module).__doc__ or '').splitlines()[0]}")
        return 0
    name = given.pop(0) if given and given[0] in COMMANDS else "pipeline"
    try:
        import_module(COMMANDS[name]).main(given)
    except Failed as error:
        say(f"benchmark {name}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
