"""What came back from mail: suppressions list and lift, tracking on and off, engagement."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.business import BusinessOption, scope_for
from cli.output import note, print_json, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.returns import Actor
    from services.engagement import Rate

AsUserOption = Annotated[
    str | None,
    typer.Option("--user", "-u", help="The address of the admin who does it; without one, the operator."),
]


def register(app: typer.Typer) -> None:
    """Add ``suppressions``, ``tracking`` and ``engagement``."""
    group = typer.Typer(
        name="suppressions", help="Addresses we do not write to, why, and the way back.", no_args_is_help=True
    )
    group.command("list")(show)
    group.command("lift")(lift)
    app.add_typer(group)
    app.command("tracking")(tracking)
    app.command("engagement")(engagement)


def show(
    business: BusinessOption = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that were lifted.")] = False,
) -> None:
    """Who gets no mail, or no mail of one kind: bounces, complaints, and people who unsubscribed."""
    from services.shortids import short
    from services.suppression import listing

    found = listing(scope_for(business, None), lifted=every)
    for one in found:
        lifted = f"  (lifted {one.lifted_at:%Y-%m-%d})" if one.lifted_at else ""
        topic = "all mail" if one.topic == "all" else one.topic.replace("_", " ")
        say(
            f"{short(one.id)}  {one.created_at:%Y-%m-%d}  {one.address}  {topic}: {_words(one.reason)}{lifted}"
        )
        if one.detail:
            say(f"    {one.detail}")
    if not found:
        say("nobody is suppressed")


def lift(
    address: Annotated[str, typer.Argument(help="The address, or the id (or its end) of one suppression.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it may be written to again; kept.")],
    business: BusinessOption = None,
    user: AsUserOption = None,
) -> None:
    """Write to an address again. What was not sent meanwhile stays unsent."""
    from services.suppression import lift as take_away

    for one in take_away(scope_for(business, user), address, reason):
        say(f"lifted: {one.address}, {_words(one.reason)} of {one.created_at:%Y-%m-%d}")


def tracking(
    state: Annotated[str, typer.Argument(metavar="on|off", help="on or off.")],
    business: BusinessOption = None,
    user: AsUserOption = None,
) -> None:
    """Count opens and clicks of a business's mail, or stop it. Off unless somebody turned it on.

    On: mails carry a pixel and links that pass through us. What is counted names nobody who did not agree.
    """
    from models.settings import get_settings
    from services.engagement import set_tracking
    from services.errors import UserError

    if state not in {"on", "off"}:
        raise UserError(f"{state!r} is neither on nor off", "client-monitor tracking on, or off")
    changed = set_tracking(scope_for(business, user), state == "on")
    say(f"tracking is {state}" if changed else f"tracking was {state} already")
    if state == "on" and not get_settings().public_url.startswith("https://"):
        note("nothing is tracked before CM_PUBLIC_URL is an https address")


def engagement(
    business: BusinessOption = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How far back.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """How often mails were opened and clicked: by people, by machines, and by who knows whom."""
    from services.engagement import rates

    found = rates(scope_for(business, None), days=days)
    if as_json:
        print_json({"days": days, "kinds": [one.model_dump(mode="json") for one in found]})
        return
    for one in found:
        say(
            f"{one.delivery_kind.value.replace('_', ' ')}: {one.mails} mails to {one.readers} people",
            style="bold",
        )
        if one.withheld:
            say("  too few readers to say anything that is not about a person")
            continue
        say(f"  opens   {_hits(one, one.opens)}")
        say(f"  clicks  {_hits(one, one.clicks)}")
    if not found:
        say("nothing was sent, or nothing is tracked")


def _hits(rate: "Rate", hits: "Mapping[Actor, int]") -> str:
    share = rate.share(hits, rate.mails)
    told = ", ".join(f"{hits[actor]} {actor.value}" for actor in hits)
    if share is None:
        return told
    low, high = share
    return f"{told}; {low:.2f} a mail" + (f", up to {high:.2f} with the unknown" if high > low else "")


def _words(reason: str) -> str:
    return reason.replace("_", " ")
