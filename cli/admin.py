"""Setting up and looking after a deployment: init, import-clients, import-users, doctor."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.business import BusinessOption
from cli.output import BAD_INPUT, FAILED, err, fail, note, out, print_json, progress, say, warn, warn_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from models.accounts import Business
    from services.csvfiles import Fault
    from services.doctor import Check

CsvArgument = Annotated[Path, typer.Argument(metavar="FILE.csv", help="A CSV file with column names.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("init")(init)
    app.command("import-clients")(import_clients)
    app.command("import-users")(import_users)
    app.command("doctor")(doctor)


def init(
    business: Annotated[str, typer.Option("--business", "-b", help="The first business's slug.")] = "main",
    name: Annotated[str | None, typer.Option(help="Its name.")] = None,
    rename: Annotated[
        bool, typer.Option("--rename", help="Give a business that is in use the name of --name.")
    ] = False,
    owner_email: Annotated[str | None, typer.Option(help="Who owns it; asked for on a terminal.")] = None,
    owner_name: Annotated[str | None, typer.Option(help="The owner's name.")] = None,
    timezone: Annotated[str | None, typer.Option(help="The owner's time zone, such as Europe/Paris.")] = None,
) -> None:
    """Bring the database up to date and make the first business and its owner. Safe to run again."""
    from models.scope import Scope
    from models.settings import get_settings
    from services.accounts import (
        create_business,
        create_owner,
        find_business,
        goes_by_slug,
        has_owner,
        name_of_slug,
        rename_business,
    )
    from services.setup import ensure_schema

    migrated = ensure_schema()
    address = get_settings().url
    where = address.removeprefix("sqlite:///") if address.startswith("sqlite") else "PostgreSQL"
    say(f"database {'migrated' if migrated else 'up to date'}: {where}")
    found = find_business(business)
    if found is None:
        found = create_business(business, name or name_of_slug(business))
        scope = Scope.system(found.id)
        say(f"business {found.slug} ({found.name}) created")
    else:
        scope = Scope.system(found.id)
        say(f"business {found.slug} ({found.name}) is there already")
        if name is not None and " ".join(name.split()) != found.name:
            if rename or goes_by_slug(scope):
                found = rename_business(scope, name)
                say(f"it is called {found.name} now")
            else:
                warn(f"it keeps its name, {found.name}; to change it, run this again with --rename")
    if owner_email is None and not has_owner(scope) and sys.stdin.isatty():
        owner_email = typer.prompt(
            "The owner's e-mail address (empty: later)", default="", show_default=False
        )
    if owner_email:
        user = create_owner(scope, owner_email, name=owner_name, timezone=timezone)
        say(f"{user.email} owns {found.slug}")
        note(f"to sign in: client-monitor user password {user.email}, then client-monitor serve")
    elif not has_owner(scope):
        warn("no owner yet: client-monitor init --owner-email you@your-company")
    note(
        "next: client-monitor import-clients FILE.csv; client-monitor providers list and enable a source, "
        "such as google_news; then client-monitor run"
    )


def import_clients(file: CsvArgument, business: BusinessOption = None) -> None:
    """Add and update client companies from a CSV file, with who looks after them.

    Columns: name (required), legal_name, aliases, domain, ticker, excluded_terms, keywords, industry,
    tier (strategic, growth, standard), crm_id, confidential, assigned_to. Lists are separated by semicolons.
    A row with a fault is left out and named; importing a file again changes nothing.
    """
    from models.scope import Scope
    from services.client_import import import_clients as run_import

    tenant = _business(business)
    with progress() as bar:
        task = bar.add_task("clients", total=None)
        report = run_import(
            Scope.system(tenant.id),
            file,
            on_row=lambda done, of: bar.update(task, completed=done, total=of),
        )
    say(_summary(f"{tenant.slug}: clients", report.created, report.updated, report.unchanged, report.faults))
    if report.assignments_started or report.assignments_ended:
        say(f"assignments: {report.assignments_started} started, {report.assignments_ended} ended")
    if report.invited:
        say(f"invited {len(report.invited)}: {', '.join(report.invited)}")
    _finish(file, report.usable, report.faults, report.notes)


def import_users(file: CsvArgument, business: BusinessOption = None) -> None:
    """Add and update people from a CSV file.

    Columns: email (required), name, role (owner, admin, manager, viewer), timezone, frequency (instant,
    daily, weekly), threshold (0 to 1), categories, digest_time, digest_day, quiet_from, quiet_until,
    assigned_clients_only. An empty cell leaves what is stored; nobody is removed.
    """
    from models.scope import Scope
    from services.accounts import import_users as run_import

    tenant = _business(business)
    report = run_import(Scope.system(tenant.id), file)
    say(_summary(f"{tenant.slug}: people", report.created, report.updated, report.unchanged, report.faults))
    _finish(file, report.usable, report.faults, report.notes)


def _business(slug: str | None) -> "Business":
    from services.accounts import default_business, pick_business
    from services.setup import ensure_schema

    ensure_schema()
    return default_business() if slug is None else pick_business(slug)


def _summary(
    what: str,
    created: "Sequence[str]",
    updated: "Sequence[str]",
    unchanged: "Sequence[str]",
    faults: "Sequence[Fault]",
) -> str:
    line = f"{what}: {len(created)} created, {len(updated)} updated, {len(unchanged)} unchanged"
    rows = len({fault.row for fault in faults})
    return f"{line}, {rows} refused" if rows else line


def _finish(file: Path, usable: bool, faults: "Sequence[Fault]", notes: "Sequence[str]") -> None:
    warn_all(notes)
    warn_all(faults)
    if faults and usable:
        warn("the other rows went in; mend these and import the file again")
    elif not usable:
        fail(
            f"nothing of {file.name} could be imported" if faults else f"{file.name} has no rows",
            "mend the rows named above" if faults else "it needs at least one row below the column names",
        )
        raise typer.Exit(BAD_INPUT)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Check settings, database, Prefect and mail, and say how to mend what is wrong. Sends no mail."""
    from services.doctor import State, examine, worst

    with err.status("looking around ...") if err.is_terminal and not as_json else _nothing():
        checks = examine()
    state = worst(checks)
    if as_json:
        print_json({"state": state, "checks": [check.model_dump(mode="json") for check in checks]})
    else:
        _show(checks)
    if state is State.FAIL:
        raise typer.Exit(FAILED)


def _nothing() -> "AbstractContextManager[None]":
    from contextlib import nullcontext

    return nullcontext()


def _show(checks: "Sequence[Check]") -> None:
    from rich.text import Text

    from cli.output import clean

    styles = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark = Text(f"{check.state.value:<5}", style=styles[check.state.value])
        out.print(mark, Text(f"{check.name:<{width}}  {clean(check.message)}"), soft_wrap=True)
        if check.mend:
            out.print(Text(f"{'':<6}{'':<{width}}  → {clean(check.mend)}", style="dim"), soft_wrap=True)
    counts = {state: sum(check.state.value == state for check in checks) for state in styles}
    say(f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed")
