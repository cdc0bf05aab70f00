"""What language models cost, and what the budgets still allow: spend."""

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.bar import Bar
from rich.table import Table

from cli.business import BusinessOption
from cli.output import clean, note, out, print_json, say

if TYPE_CHECKING:
    from services.spend import Allowance, Spend

_BAR_WIDTH = 24


class Cut(StrEnum):
    """``services.spend.By``, which is not imported before it is needed."""

    DAY = "day"
    MODEL = "model"
    RUN = "run"
    PURPOSE = "purpose"


def register(app: typer.Typer) -> None:
    """Add ``spend``."""
    app.command("spend")(spend)


def spend(
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days back, today included (UTC).")] = 14,
    by: Annotated[Cut, typer.Option(help="What the calls are summed by.")] = Cut.DAY,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
    business: BusinessOption = None,
) -> None:
    """What language models cost, in calls, tokens and US dollars, and what the budgets still allow."""
    from models.scope import Scope
    from services.accounts import pick_business
    from services.setup import ensure_schema
    from services.spend import By
    from services.spend import spend as summed

    ensure_schema()
    tenant = pick_business(business)
    found = summed(Scope.system(tenant.id), days=days, by=By(by))
    if json:
        print_json(_figures(tenant.slug, found))
        return
    total = found.total
    tokens = (
        f"{total.input_tokens + total.cached_tokens:,} tokens in ({total.cached_tokens:,} of them cached)"
    )
    say(
        f"{tenant.slug}: {total.cost_usd:.4f} USD for {_calls(total.calls)} in {days} days, "
        f"{tokens}, {total.output_tokens:,} out"
    )
    if found.lines:
        out.print(_plot(found))
    if not found.classifier:
        note("no language model is switched on: client-monitor providers list shows what there is")
    for period in dict.fromkeys(allowance.period for allowance in found.allowances):
        parts = [_left(one) for one in found.allowances if one.period == period]
        when = "today" if period == "day" else f"this {period}"
        say(f"{found.classifier} may still spend {when}: {', '.join(parts)}")


def _plot(found: "Spend") -> Table:
    """A bar a line, as long as its part of the dearest one."""
    table = Table.grid(padding=(0, 2, 0, 0))
    dearest = max(line.cost_usd for line in found.lines.values())
    for name, line in found.lines.items():
        bar = Bar(dearest or 1.0, 0, line.cost_usd, width=_BAR_WIDTH, color="cyan")
        table.add_row(clean(name), bar, f"{line.cost_usd:.4f} USD", _calls(line.calls))
    for column in table.columns[2:]:
        column.justify = "right"
    return table


def _calls(count: int) -> str:
    return f"{count:,} call" if count == 1 else f"{count:,} calls"


def _left(one: "Allowance") -> str:
    if one.unit == "usd":
        return f"{one.left:.4f} of {one.limit:g} USD"
    return f"{one.left:,.0f} of {one.limit:,.0f} calls"


def _figures(slug: str, found: "Spend") -> dict[str, object]:
    return {
        "business": slug,
        "days": found.days,
        "by": found.by,
        "total": asdict(found.total),
        "lines": [{found.by.value: name, **asdict(line)} for name, line in found.lines.items()],
        "classifier": found.classifier or "rules",
        "budgets": [{**asdict(one), "left": one.left} for one in found.allowances],
    }
