"""Mail as its operator sees it: hold, release, and mail list, show, retry, resolve."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.business import BusinessOption, scope_for
from cli.output import note, say

if TYPE_CHECKING:
    from models.mail import Delivery, DeliveryState
    from models.scope import Scope

AllOption = Annotated[bool, typer.Option("--all", help="Every business of the deployment.")]
MailArgument = Annotated[str, typer.Argument(metavar="ID", help="Its id, or the end of it, from mail list.")]


def register(app: typer.Typer) -> None:
    """Add ``hold``, ``release`` and the group ``mail``."""
    app.command("hold")(hold)
    app.command("release")(release)
    group = typer.Typer(
        name="mail", help="The email log, and what only a person can decide.", no_args_is_help=True
    )
    group.command("list")(show_all)
    group.command("show")(show)
    group.command("retry")(retry)
    group.command("resolve")(resolve)
    app.add_typer(group)


def hold(
    business: BusinessOption = None,
    every: AllOption = False,
    reason: Annotated[str, typer.Option(help="Shown wherever the hold is.")] = "",
) -> None:
    """Stop all sending at once, until it is released. Runs go on; their mail waits."""
    from services.sending import hold as stop

    for slug, scope in _tenants(business, every=every):
        say(f"{slug}: {'sending is on hold' if stop(scope, reason) else 'sending was on hold already'}")


def release(business: BusinessOption = None, every: AllOption = False) -> None:
    """Resume sending: what waited goes out with the next tick."""
    from services.sending import release as resume
    from services.sending import waiting

    for slug, scope in _tenants(business, every=every):
        if not resume(scope):
            say(f"{slug}: sending was not on hold")
            continue
        count = waiting(scope)
        say(f"{slug}: sending is resumed; {count} mail{' waits' if count == 1 else 's wait'}")


def show_all(
    business: BusinessOption = None,
    state: Annotated[
        str | None,
        typer.Option(help="Only those: intent, transmitting, sent, failed, unknown, empty or coalesced."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
) -> None:
    """The newest mails, with the ids that the other commands take; "file" is one that a replay wrote as a file."""
    from services.sending import current_hold, mails
    from services.shortids import short

    scope = scope_for(business)
    found = mails(scope, states=_states(state), limit=limit)
    for mail in found:
        why = f"  ({mail.last_error})" if mail.last_error else ""
        what = mail.subject or mail.slot
        say(
            f"{short(mail.id)}  {mail.created_at:%Y-%m-%d %H:%M}  {mail.state.value:<12}  {mail.channel.value:<5}  "
            f"{mail.recipient}  {what}{why}"
        )
    if not found:
        say("no mail" if state is None else f"no mail is {state}")
    held = current_hold(scope)
    if held is not None:
        note(held.sentence)


def show(mail: MailArgument, business: BusinessOption = None) -> None:
    """All that is known of one mail, but for its text."""
    from services.sending import find_mail

    found = find_mail(scope_for(business), mail)
    for name, value in _facts(found):
        if value not in (None, ""):
            say(f"{name:<14}{value}")


def retry(mail: MailArgument, business: BusinessOption = None) -> None:
    """Send a failed mail after all, with the next tick."""
    from services.sending import retry as try_again

    found = try_again(scope_for(business), mail)
    say(f"to {found.recipient}: waits to be sent")


def resolve(
    mail: MailArgument,
    sent: Annotated[
        bool | None,
        typer.Option(
            "--sent/--not-sent", help="It arrived, or it did not and is to be sent.", show_default=False
        ),
    ] = None,
    business: BusinessOption = None,
) -> None:
    """Say how a mail of unknown fate ended. Ask its reader, or look its Message-ID up at the provider's, first."""
    from services.errors import UserError
    from services.sending import resolve as settle

    if sent is None:
        raise UserError("did it arrive?", "say --sent or --not-sent")
    found = settle(scope_for(business), mail, sent=sent)
    say(f"to {found.recipient}: {'closed as sent' if sent else 'waits to be sent'}")


def _facts(mail: "Delivery") -> list[tuple[str, object]]:
    return [
        ("id", mail.id),
        ("state", mail.state.value),
        ("why", mail.last_error),
        ("to", mail.recipient),
        ("subject", mail.subject),
        ("channel", mail.channel.value),
        ("kind", f"{mail.kind.value}, {mail.slot}"),
        ("items", mail.item_count),
        ("planned", f"{mail.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("sent", f"{mail.sent_at:%Y-%m-%d %H:%M:%S} UTC" if mail.sent_at else None),
        (
            "next attempt",
            f"{mail.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC" if mail.state.value == "intent" else None,
        ),
        ("attempts", f"{mail.retries} failed" if mail.retries else None),
        ("transport", mail.transport),
        ("Message-ID", mail.message_id),
        ("provider's id", mail.provider_id),
    ]


def _tenants(business: str | None, *, every: bool) -> "list[tuple[str, Scope]]":
    from models.scope import Scope
    from services.accounts import every_business, pick_business
    from services.errors import UserError
    from services.setup import ensure_schema

    if every and business is not None:
        raise UserError("--all and --business exclude each other", "give one of them")
    ensure_schema()
    chosen = every_business() if every else [pick_business(business)]
    return [(one.slug, Scope.system(one.id)) for one in chosen]


def _states(name: str | None) -> "tuple[DeliveryState, ...]":
    from models.mail import DeliveryState
    from services.errors import UserError

    if name is None:
        return ()
    if name not in set(DeliveryState):
        raise UserError(f"{name!r} is no state of a mail", f"use one of {', '.join(DeliveryState)}")
    return (DeliveryState(name),)
