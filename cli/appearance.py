"""How a tenant's mails look: appearance show, set, logo, reset, preview."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.business import BusinessOption, scope_for
from cli.output import print_json, say

ValuesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=VALUE...", help="accent, background, subject, subject_prefix, intro, footer."
    ),
]


def register(app: typer.Typer) -> None:
    """Add ``appearance`` and its commands."""
    group = typer.Typer(name="appearance", help="How your mails look and sound.", no_args_is_help=True)
    group.command("show")(show)
    group.command("set")(change)
    group.command("logo")(logo)
    group.command("reset")(reset)
    group.command("preview")(preview)
    app.add_typer(group)


def show(business: BusinessOption = None) -> None:
    """The look in force, as one JSON object."""
    from services.appearance import logo_of, look_of

    scope = scope_for(business)
    picture = logo_of(scope)
    facts = (
        {
            "type": picture.media_type,
            "bytes": len(picture.data),
            "width": picture.width,
            "height": picture.height,
        }
        if picture
        else None
    )
    print_json(look_of(scope).model_dump() | {"logo": facts})


def change(values: ValuesArgument, business: BusinessOption = None) -> None:
    """Change it; an empty value is the product's own."""
    from services.appearance import change_look
    from services.errors import UserError

    pairs = [one.partition("=") for one in values]
    if not all(equals for _, equals, _ in pairs):
        raise UserError("give NAME=VALUE", "such as accent=#0a5394 intro='Good morning.'")
    changes = {name.strip().replace("-", "_"): value for name, _, value in pairs}
    print_json(change_look(scope_for(business), changes).model_dump())


def logo(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A PNG or JPEG of at most 64 kB and 600 x 200 dots.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="The business's name in its place again.")] = False,
    business: BusinessOption = None,
) -> None:
    """Put a logo at the head of your mails, or take it away. It travels in each mail and is loaded from nowhere."""
    from services.appearance import remove_logo, set_logo
    from services.errors import UserError
    from services.logos import MAX_BYTES

    if remove == (file is not None):
        raise UserError("give a file or --remove", "such as client-monitor appearance logo logo.png")
    scope = scope_for(business)
    if file is None:
        say("the logo is gone" if remove_logo(scope) else "there was no logo")
        return
    with file.open("rb") as opened:
        # One byte more than allowed says that it is too large, however large it is.
        picture = set_logo(scope, opened.read(MAX_BYTES + 1))
    say(f"the mails written from now on bear it, {picture.width} x {picture.height} points large")


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
