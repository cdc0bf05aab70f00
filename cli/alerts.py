"""What is wrong with a business's monitoring: alerts."""

from typing import Annotated

import typer

from cli.business import BusinessOption, scope_for
from cli.output import print_json, say


def register(app: typer.Typer) -> None:
    """Add ``alerts``."""
    app.command("alerts")(alerts)


def alerts(
    business: BusinessOption = None,
    days: Annotated[int, typer.Option(min=0, max=3650, help="Also what was over within so many days.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """What is wrong now, since when, and what to do about it. Every tick looks anew."""
    from services.alerts import list_alerts

    found = list_alerts(scope_for(business), days=days)
    if json:
        print_json({"alerts": [one.model_dump(mode="json") for one in found]})
        return
    for one in found:
        until = f" until {one.until:%Y-%m-%d %H:%M}" if one.until else ""
        say(f"{one.headline}  since {one.since:%Y-%m-%d %H:%M}{until} UTC", style="bold")
        say(f"    {one.detail}")
        if one.until is None:
            say(f"    {one.mend}")
            say(f"    more: {one.runbook}")
        if one.not_posted:
            say(f"    not posted: {one.not_posted}")
    if not found:
        say("nothing is wrong")
