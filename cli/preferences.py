"""What a person asked for: preferences show, preferences set."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.business import BusinessOption, scope_for
from cli.output import note, print_json, say

if TYPE_CHECKING:
    from uuid import UUID

    from models.scope import Scope

PersonArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="Whose preferences.")]


def register(app: typer.Typer) -> None:
    """Add ``preferences`` and its commands."""
    group = typer.Typer(
        name="preferences", help="What a person wants mailed, when, and who stands in.", no_args_is_help=True
    )
    group.command("show")(show)
    group.command("set")(change)
    app.add_typer(group)


def show(
    person: PersonArgument,
    business: BusinessOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Everything the person asked for, defaults included."""
    from services.preferences import preferences_of_person

    wants = preferences_of_person(*_who(business, person)).model_dump(mode="json")
    if json:
        print_json(wants)
        return
    for name, value in wants.items():
        say(f"{name:<22} {_words(name, value)}")


def change(
    person: PersonArgument,
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="As `show` names them.")],
    business: BusinessOption = None,
) -> None:
    """Change them: what waits follows at once, what was mailed stays mailed."""
    from services.errors import UserError
    from services.preferences import Preferences, change_preferences

    given: dict[str, object] = {}
    for one in values:
        name, equals, value = one.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in Preferences.model_fields:
            known = ", ".join(Preferences.model_fields)
            raise UserError(f"{one!r} is no NAME=VALUE of a preference", f"the names are: {known}")
        given[name] = value
    changed, closed = change_preferences(*_who(business, person), given)
    say(f"changed: {', '.join(changed)}" if changed else "nothing changed")
    if closed:
        note(f"{closed} waiting items will not be mailed because of it")


def _who(business: str | None, email: str) -> "tuple[Scope, UUID]":
    """The machinery's scope, for whoever has a shell here may change anybody's, and the person's id."""
    found = scope_for(business, email).user_id
    if found is None:
        raise PermissionError("preferences belong to a person")
    return scope_for(business), found


def _words(name: str, value: object) -> str:
    """A value as it may be given to ``set``."""
    from services.fields import DAYS

    if name == "digest_day" and isinstance(value, int):
        return DAYS[value]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)
