"""What a person asked for: preferences show, preferences set, preferences client."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.business import BusinessOption, scope_for
from cli.output import note, print_json, say

if TYPE_CHECKING:
    from collections.abc import Collection
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
    group.command("client")(change_client)
    app.add_typer(group)


def show(
    person: PersonArgument,
    business: BusinessOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Everything the person asked for, defaults included, and their exceptions for single clients."""
    from services.muting import client_exceptions
    from services.preferences import preferences_of_person
    from services.teaching.threshold import threshold_hint

    scope, user_id = _who(business, person)
    wants = preferences_of_person(scope, user_id).model_dump(mode="json")
    exceptions = [
        {"client": one.client, "muted": one.muted, "threshold": one.threshold}
        for one in client_exceptions(scope, user_id)
    ]
    if json:
        print_json({**wants, "clients": exceptions})
        return
    for name, value in wants.items():
        say(f"{name:<22} {_words(name, value)}")
    for one in exceptions:
        said = " ".join(f"{name}={_words(name, one[name])}" for name in ("muted", "threshold"))
        say(f"{'client':<22} {one['client']}: {said}")
    hint = threshold_hint(scope, user_id)
    if hint is not None:
        note(f"{hint.sentence}: client-monitor preferences set {person} threshold={hint.threshold:g}")


def change(
    person: PersonArgument,
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="As `show` names them.")],
    business: BusinessOption = None,
) -> None:
    """Change them: what waits follows at once, what was mailed stays mailed."""
    from services.preferences import Preferences, change_preferences

    given = _given(values, Preferences.model_fields)
    changed, closed = change_preferences(*_who(business, person), given)
    say(f"changed: {', '.join(changed)}" if changed else "nothing changed")
    if closed:
        note(f"{closed} waiting items will not be mailed because of it")


def change_client(
    person: PersonArgument,
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="The client's name or id.")],
    values: Annotated[
        list[str], typer.Argument(metavar="NAME=VALUE...", help="muted=yes|no, threshold=0.8 (empty: none).")
    ],
    business: BusinessOption = None,
) -> None:
    """Make an exception for one client: mute it, or give it a threshold of its own. What waits follows at once."""
    from services.muting import Exceptional, set_client_exception
    from services.runs import find_clients

    scope, user_id = _who(business, person)
    given = _given(values, Exceptional.model_fields)
    done = set_client_exception(scope, user_id, find_clients(scope, [client])[0], given)
    say(f"changed: {', '.join(done.fields)}" if done.fields else "nothing changed")
    if done.closed:
        note(f"{done.closed} waiting items will not be mailed because of it")
    if done.reopened:
        note(f"{done.reopened} items that were kept back wait again")


def _given(values: "Collection[str]", known: "Collection[str]") -> dict[str, object]:
    """NAME=VALUE words as a dict; UserError for a name that is not known."""
    from services.errors import UserError

    given: dict[str, object] = {}
    for one in values:
        name, equals, value = one.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in known:
            raise UserError(f"{one!r} is no NAME=VALUE of a preference", f"the names are: {', '.join(known)}")
        given[name] = value
    return given


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
