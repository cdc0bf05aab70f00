"""A copy of the database and its way back: backup, restore."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import note, say


def register(app: typer.Typer) -> None:
    """Add ``backup`` and ``restore``."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")]) -> None:
    """Copy the SQLite database into a file, while everything goes on. It holds people's addresses and mail."""
    from services.backup import back_up

    size = back_up(file)
    say(f"{file}: {size / 1e6:,.1f} MB")


def restore(file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that backup wrote.")]) -> None:
    """Put a backup in the database's place. All sending is on hold afterwards: it does not know what was sent since."""
    from models.clock import SystemClock
    from services.backup import restore as put_back

    done = put_back(file, at=SystemClock().now())
    if done.before is not None:
        say(f"the database that was there: {done.before}")
    say(f"restored, and on hold: {', '.join(done.businesses) or 'no business'}")
    note(
        "look at client-monitor mail list --state intent: what was sent since the backup would go out again;"
    )
    note("close it with client-monitor mail resolve ID --sent, then client-monitor release --all")
