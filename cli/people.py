"""Who may sign in: user list, password, invite, role, deactivate, reactivate, sessions."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.business import BusinessOption, scope_for
from cli.output import BAD_INPUT, fail, note, out, print_json, say

if TYPE_CHECKING:
    from uuid import UUID

    from models.scope import Role, Scope

PersonArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")]


def register(app: typer.Typer) -> None:
    """Add ``user`` and its commands."""
    group = typer.Typer(name="user", help="Who may sign in, and as what.", no_args_is_help=True)
    group.command("list")(list_users)
    group.command("password")(password)
    group.command("invite")(invite)
    group.command("role")(role)
    group.command("deactivate")(deactivate)
    group.command("reactivate")(reactivate)
    group.command("sessions")(sessions)
    app.add_typer(group)


def list_users(
    business: BusinessOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Everybody of the business: role, state, last visit."""
    from services.people import list_people

    people = list_people(scope_for(business))
    if as_json:
        wanted = ("email", "name", "role", "state", "has_password", "seen_at", "invited_until")
        print_json({"people": [{name: getattr(one, name) for name in wanted} for one in people]})
        return
    width = max((len(one.email) for one in people), default=0)
    for one in people:
        seen = f"seen {one.seen_at:%Y-%m-%d %H:%M} UTC" if one.seen_at else "never here"
        how = "" if one.has_password else ", no password"
        say(f"{one.email:<{width}}  {one.role.value:<8} {one.state.value:<12} {seen}{how}")
    if not people:
        note("nobody yet: client-monitor init --owner-email you@your-company")


def password(
    person: PersonArgument,
    business: BusinessOption = None,
    from_stdin: Annotated[
        bool, typer.Option("--stdin", help="Read it from standard input, one line, instead of asking.")
    ] = False,
) -> None:
    """Set a password: how the first owner gets in. Their browsers are signed out, and they are told by mail."""
    from services.signin.credentials import set_password

    scope, user_id = _who(business, person)
    set_password(scope, user_id, _asked_for(from_stdin))
    say(f"{person.strip().lower()} can sign in with it now")


def invite(
    person: PersonArgument,
    business: BusinessOption = None,
    role: Annotated[str, typer.Option(help="owner, admin, manager or viewer.")] = "manager",
    name: Annotated[str, typer.Option(help="Their name.")] = "",
    timezone: Annotated[str, typer.Option(help="Their time zone, such as Europe/Paris.")] = "",
) -> None:
    """Ask somebody in by mail. Doing it again sends a new link, and the old one opens nothing any more."""
    from models.base import utc_now
    from services.people import invite_person, send_now

    scope = scope_for(business)
    user = invite_person(scope, person, role=_role(role), name=name, timezone=timezone)
    send_now(scope, utc_now())
    say(f"{user.email} is invited as {user.role.value}")
    note("client-monitor mail list shows whether the mail went out")


def role(
    person: PersonArgument,
    to: Annotated[str, typer.Argument(metavar="ROLE", help="owner, admin, manager or viewer.")],
    business: BusinessOption = None,
) -> None:
    """Give somebody another role."""
    from services.people import change_role

    user = change_role(*_who(business, person), _role(to))
    say(f"{user.email} is {user.role.value} now")


def deactivate(person: PersonArgument, business: BusinessOption = None) -> None:
    """End somebody's sessions and mail at once. What they did and got stays in the records."""
    from services.people import deactivate as end

    closed = end(*_who(business, person))
    say(f"{person.strip().lower()} is deactivated")
    if closed:
        note(f"{closed} waiting items will not be mailed because of it")


def reactivate(person: PersonArgument, business: BusinessOption = None) -> None:
    """Let somebody back in."""
    from models.accounts import UserState
    from services.people import reactivate as let_back

    user = let_back(*_who(business, person))
    say(f"{user.email} is {user.state.value}")
    if user.state is UserState.INVITED:
        note(f"they have no password: client-monitor user invite {user.email}")


def sessions(
    person: PersonArgument,
    business: BusinessOption = None,
    end: Annotated[bool, typer.Option("--end", help="Sign all of them out.")] = False,
) -> None:
    """Where somebody is signed in."""
    from services.signin.sessions import end_sessions, open_sessions

    scope, user_id = _who(business, person)
    for row in open_sessions(scope, user_id):
        out.print(
            f"since {row.created_at:%Y-%m-%d %H:%M} UTC", f"seen {row.seen_at:%Y-%m-%d %H:%M} UTC", end="  "
        )
        say(row.user_agent or "an unnamed browser")
    if end:
        say(f"{end_sessions(scope, user_id)} signed out")


def _who(business: str | None, email: str) -> "tuple[Scope, UUID]":
    """The machinery's scope, for whoever has a shell here may change anybody, and the person's id, in any state."""
    from services.people import find_person

    scope = scope_for(business)
    return scope, find_person(scope, email)


def _role(word: str) -> "Role":
    from services.accounts import role_of
    from services.errors import UserError

    try:
        return role_of(word)
    except ValueError as error:
        raise UserError(str(error), "name one of those") from None


def _asked_for(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        fail("there is no terminal to ask for the password on", "give it by standard input, with --stdin")
        raise typer.Exit(BAD_INPUT)
    given: str = typer.prompt(
        "New password (15 characters or more)", hide_input=True, confirmation_prompt=True
    )
    return given
