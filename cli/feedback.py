"""What readers say of events, and what that teaches: feedback give, list, undo."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.business import BusinessOption, scope_for
from cli.output import note, say

if TYPE_CHECKING:
    from models.feedback import FeedbackVerdict
    from services.feedback import Preview

UserOption = Annotated[str, typer.Option("--user", "-u", help="The address of the person who says so.")]
_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add ``feedback`` and its commands."""
    group = typer.Typer(
        name="feedback",
        help="Readers' verdicts on events, which teach the next run and can be undone.",
        no_args_is_help=True,
    )
    group.command("give")(give)
    group.command("list")(show)
    group.command("undo")(undo)
    app.add_typer(group)


def give(
    event: Annotated[
        str, typer.Argument(help="An article's address or title, a few words of it, or an event's id.")
    ],
    verdict: Annotated[str, typer.Argument(help="not-relevant, wrong-company or useful.")],
    user: UserOption,
    client: Annotated[
        str | None, typer.Option("--client", "-c", help="The client meant, where it concerns several.")
    ] = None,
    phrase: Annotated[
        str | None,
        typer.Option(
            help="Wrong company: the words of the text that tell it, instead of those we would pick."
        ),
    ] = None,
    remark: Annotated[str, typer.Option("--note", help="A remark to keep with it.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what it would do, and to what of the last 90 days.")
    ] = False,
    business: BusinessOption = None,
) -> None:
    """Say that an event is not relevant to you, is about another company, or is useful.

    Wrong company: the event is withdrawn, what of it waits to be mailed is taken back, and a rule that can be read
    keeps its like away from the next run on. Not relevant: that kind of event at that client is muted for you.
    """
    from services.feedback import give as say_it
    from services.feedback import preview
    from services.shortids import short
    from services.teaching.threshold import threshold_hint

    scope, kind = scope_for(business, user), _verdict(verdict)
    told = preview(scope, event, kind, client=client, phrase=phrase)
    _show_preview(told)
    if dry_run:
        note("nothing was changed; without --dry-run it is")
        return
    said = say_it(scope, event, kind, client=client, phrase=phrase, note=remark)
    say(f"said, and undone by: client-monitor feedback undo {short(said.id)} --user {user}")
    hint = threshold_hint(scope, scope.user_id) if scope.user_id else None
    if hint is not None:
        note(f"{hint.sentence}: client-monitor preferences set {user} threshold={hint.threshold:g}")


def show(
    business: BusinessOption = None,
    every: Annotated[bool, typer.Option("--all", help="Also what was taken back.")] = False,
) -> None:
    """What was said, newest first, and the rule that came of it."""
    from services.feedback import listing
    from services.shortids import short

    told = listing(scope_for(business), undone=every)
    for said in told:
        undone = f"  (undone {said.undone_at:%Y-%m-%d})" if said.undone_at else ""
        who = said.person or "somebody who has left"
        say(
            f"{short(said.id)}  {said.created_at:%Y-%m-%d}  {said.verdict.replace('_', ' ')} [{said.client}]{undone}"
        )
        say(f"    {said.title}")
        say(f"    → {said.effect}  ({who}{f': {said.note}' if said.note else ''})")
    if not told:
        say("nobody has said anything yet")


def undo(
    feedback: Annotated[str, typer.Argument(help="Its id, or the end of it, from feedback list.")],
    user: UserOption,
    business: BusinessOption = None,
) -> None:
    """Take a verdict back: its rule goes, and the next run judges again what the rule kept away."""
    from services.feedback import undo as take_back

    said, again = take_back(scope_for(business, user), feedback)
    say(f"undone: {said.effect}")
    what = "mailed after all" if said.verdict == "not_relevant" else "judged again by the next run"
    say(f"{again} items {what}" if again != 1 else f"1 item {what}")


def _verdict(given: str) -> "FeedbackVerdict":
    from models.feedback import FeedbackVerdict
    from services.errors import UserError

    word = given.strip().lower().replace("-", "_").replace(" ", "_")
    if word not in set(FeedbackVerdict):
        names = ", ".join(v.value.replace("_", "-") for v in FeedbackVerdict)
        raise UserError(f"{given!r} is no verdict", f"use one of {names}")
    return FeedbackVerdict(word)


def _show_preview(told: "Preview") -> None:
    say(told.title, style="bold")
    say(f"  {told.verdict.replace('_', ' ')} [{told.client}]: {told.effect}")
    if told.why:
        say(f"  because {told.why}")
    if told.verdict == "useful":
        return
    say(f"  of the last 90 days it would have kept away {len(told.removes)} of {told.of} others")
    for one in told.removes[:_SHOWN]:
        source = f"  ({one.source})" if one.source else ""
        say(f"    {one.at:%Y-%m-%d}  {one.title}{source}")
    if len(told.removes) > _SHOWN:
        note(f"    ... and {len(told.removes) - _SHOWN} more")
