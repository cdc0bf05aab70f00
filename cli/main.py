"""The command line's front door: the commands, and one boundary where every failure becomes a sentence."""

from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from cli import (
    admin,
    alerts,
    appearance,
    backup,
    evaluate,
    explain,
    feedback,
    patterns,
    people,
    portfolio,
    preferences,
    providers,
    returns,
    run,
    schedules,
    sending,
    serve,
    spend,
    up,
)
from cli.output import report_failure, say


class Boundary(TyperGroup):
    """Turns what a command raises into one line and an exit code, for the shell and for tests alike."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (TyperException, typer.Exit, typer.Abort, BrokenPipeError):
            raise  # typer's own: usage errors, deliberate exits, a reader that went away
        except Exception as error:
            raise typer.Exit(report_failure(error)) from None


app = typer.Typer(
    name="client-monitor",
    cls=Boundary,
    help="News about your clients: found, folded, checked, classified, and mailed once.",
    epilog="Results go to stdout, all else to stderr. Exit codes: 0 done, 1 failed, 2 nothing usable given.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"client-monitor {version('client-monitor')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Needed for --version; the help text stands on the app."""


PARTS = (
    run,
    admin,
    people,
    preferences,
    appearance,
    providers,
    portfolio,
    up,
    explain,
    feedback,
    patterns,
    schedules,
    evaluate,
    spend,
    sending,
    alerts,
    backup,
    returns,
    serve,
)

for part in PARTS:
    part.register(app)


def main() -> None:
    """The ``client-monitor`` command."""
    app()


if __name__ == "__main__":
    main()
