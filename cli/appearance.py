"""How a tenant's mails look: appearance show, set, reset, preview."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.business import BusinessOption, scope_for
from cli.output import print_json, say

if TYPE_CHECKING:
    pass

ValuesArgument = Annotated[
    list[str], typer.Argument(metavar="NAME=VALUE...", help="accent, subject_prefix, intro, footer.")
]


def register(app: typer.Typer) -> None:
    """Add ``appearance`` and its commands."""
    group = typer.Typer(name="appearance", help="How your mails look and sound.", no_args_is_help=True)
    group.command("show")(show)
    group.command("set")(change)
    group.command("reset")(reset)
    group.command("preview")(preview)
    app.add_typer(group)


def show(business: BusinessOption = None) -> None:
    """The look in force, as one JSON object."""
    from services.appearance import look_of

    print_json(look_of(scope_for(business)).model_dump())


def change(values: ValuesArgument, business: BusinessOption = None) -> None:
    """Change it; an empty value is the product's own."""
    from services.appearance import change_look
    from services.errors import UserError

    pairs = [one.partition("=") for one in values]
    if not all(equals for _, equals, _ in pairs):
        raise UserError("give NAME=VALUE", "such as accent=#0a5394 intro='Good morning.'")
    changes = {name.strip().replace("-", "_"): value for name, _, value in pairs}
    print_json(change_look(scope_for(business), changes).model_dump())


def reset(business: BusinessOption = None) -> None:
    """The product's own look again."""
    from services.appearance import reset_look

    reset_look(scope_for(business))
    say("the mails look as they come")


def preview(
    to: Annotated[Path, typer.Argument(metavar="FILE.html", help="Where to write the page.")],
    kind: Annotated[
        Literal["instant", "daily", "weekly", "alert", "system"], typer.Option(help="Which mail.")
    ] = "daily",
    business: BusinessOption = None,
) -> None:
    """A mail of invented news in your look, as a page to open in a browser."""
    from services.appearance import preview as rendered_preview

    rendered = rendered_preview(scope_for(business), kind)
    to.write_text(rendered.html, encoding="utf-8")
    say(f"subject: {rendered.subject}")
    say(f"written: {to}")
