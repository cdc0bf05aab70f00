"""The portfolio from the CRM: import-crm."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.business import BusinessOption
from cli.output import BAD_INPUT, clean, note, out, print_json, progress, say, warn, warn_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from services.crm_import import Line, Plan

_SHOWN = 200
"""Rows of the table; --json has them all."""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("import-crm")(import_crm)


def import_crm(
    crm: Annotated[
        str | None, typer.Option("--from", help="The CRM; not needed when one is switched on.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Carry it out; without this it is only shown.")
    ] = False,
    archive_missing: Annotated[
        bool, typer.Option("--archive-missing", help="Archive clients that came from this CRM and are gone.")
    ] = False,
    prefer_crm: Annotated[
        bool, typer.Option("--prefer-crm", help="Take the CRM's values where people have set others.")
    ] = False,
    tier: Annotated[
        list[str] | None, typer.Option(metavar="WORD=TIER", help="The CRM's word for a tier: Gold=strategic.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    business: BusinessOption = None,
) -> None:
    """Bring the portfolio in from the CRM: accounts become clients, their owners look after them.

    Without --apply nothing is written: the table shows each field before and after. What people have set here
    stands; aliases, excluded terms, keywords and the confidential flag are never touched. Nobody who was assigned
    by hand loses a client, and a client that is gone from the CRM is only named.
    """
    from models.scope import Scope
    from services import crm_import as portfolio
    from services.accounts import pick_business
    from services.setup import ensure_schema

    choices = portfolio.Choices(portfolio.translations(tier or []), prefer_crm, archive_missing)
    ensure_schema()
    scope = Scope.system(pick_business(business).id)
    with progress() as bar:
        task = bar.add_task("accounts read", total=None)
        provider, records = portfolio.read_portfolio(
            scope, crm, on_record=lambda count: bar.update(task, completed=count)
        )
        if apply:
            task = bar.add_task("accounts imported", total=len(records))
            plan = portfolio.apply(
                scope,
                provider,
                records,
                choices,
                on_batch=lambda done, of: bar.update(task, completed=done, total=of),
            )
        else:
            plan = portfolio.preview(scope, provider, records, choices)
    if as_json:
        print_json(plan.as_json())
    else:
        _show(plan, archive_missing=archive_missing)
    if plan.lines and plan.counts[portfolio.Outcome.REFUSED] == len(plan.lines):
        raise typer.Exit(BAD_INPUT)


def _show(plan: "Plan", *, archive_missing: bool) -> None:
    from rich.text import Text

    from services.crm_import import Outcome

    lines = sorted(plan.lines, key=lambda line: line.name.casefold())
    rows = [row for line in lines for row in _rows(line)]
    if rows:
        table = _table()
        for row in rows[:_SHOWN]:
            table.add_row(*(Text(clean(cell)) for cell in row))
        out.print(table)
        if len(rows) > _SHOWN:
            note(f"... and {len(rows) - _SHOWN} more changes; --json lists them all")
    warn_all(f"{line.name} ({line.crm_id}): {each}" for line in lines for each in line.notes)
    warn_all(
        f"refused: {line.name or 'an account'} ({line.crm_id}), {line.problem} → {line.mend}"
        for line in lines
        if line.outcome is Outcome.REFUSED
    )
    warn_all(f"gone from {plan.provider}: {one.name} ({one.crm_id})" for one in plan.gone)
    counts = ", ".join(f"{plan.counts[outcome]} {outcome}" for outcome in Outcome)
    say(f"{plan.provider}: {counts}{f', {len(plan.archived)} archived' if plan.archived else ''}")
    if plan.gone and not archive_missing:
        note(f"{len(plan.gone)} gone from the CRM stay clients; --archive-missing archives them")
    if not plan.applied and (rows or (plan.gone and archive_missing)):
        warn("nothing was written: this was a dry run; add --apply to carry it out")


def _table() -> "Table":
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    for title in ("", "client", "field", "now", "then"):
        table.add_column(title, overflow="fold")
    return table


def _rows(line: "Line") -> "Iterator[tuple[str, str, str, str, str]]":
    for number, change in enumerate(line.changes):
        first = (line.outcome.value, line.name) if number == 0 else ("", "")
        yield (*first, change.field, change.before or "", change.after or "")
