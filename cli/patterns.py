"""A tenant's own category patterns: patterns list, check, add, remove."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.business import BusinessOption, scope_for
from cli.output import note, say, warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.patterns import Trial
    from tasks.classify.rules import Pattern

FileArgument = Annotated[
    Path | None, typer.Argument(metavar="[FILE.toml]", help="Patterns in the form of the rules' own file.")
]
CategoryOption = Annotated[str | None, typer.Option(help="One pattern: its category.")]
PhraseOption = Annotated[
    str | None, typer.Option(help="One pattern: its phrase, such as 'commissions ~2 plant|mill'.")
]
WeightOption = Annotated[
    float | None,
    typer.Option(
        min=0.1, max=10, help="Its votes: 3 is a plain statement, above 5 overrules the rules' own."
    ),
]
SaysOption = Annotated[str | None, typer.Option(help="What it says of a text that matches.")]
_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add ``patterns`` and its commands."""
    group = typer.Typer(
        name="patterns", help="Your own phrases that speak for a category.", no_args_is_help=True
    )
    group.command("list")(show)
    group.command("check")(check)
    group.command("add")(add)
    group.command("remove")(remove)
    app.add_typer(group)


def show(business: BusinessOption = None) -> None:
    """The patterns in force, with the ids that remove them."""
    from services.patterns import list_patterns
    from services.shortids import short

    stored = list_patterns(scope_for(business))
    for one in stored:
        extra = "".join(
            f", {name} {value}"
            for name, value in (("sentiment", one.sentiment), ("risk", one.risk))
            if value is not None
        )
        dead = "" if one.readable else "  (cannot be read any more: it has no effect)"
        say(f"{short(one.id)}  {one.category} +{one.weight:g}  {one.phrase}  [{one.says}{extra}]{dead}")
    if not stored:
        say("no patterns of your own; add one with: client-monitor patterns add")


def check(
    file: FileArgument = None,
    category: CategoryOption = None,
    phrase: PhraseOption = None,
    weight: WeightOption = None,
    says: SaysOption = None,
    business: BusinessOption = None,
) -> None:
    """Whether patterns can be read, and which events of the last 90 days they would put elsewhere. Stores nothing."""
    from services.patterns import try_patterns

    patterns = _given(file, category, phrase, weight, says)
    _show_trial(try_patterns(scope_for(business), patterns))


def add(
    file: FileArgument = None,
    category: CategoryOption = None,
    phrase: PhraseOption = None,
    weight: WeightOption = None,
    says: SaysOption = None,
    business: BusinessOption = None,
) -> None:
    """Add patterns from a file, or one by --category and --phrase. The next run uses them."""
    from services.patterns import add_patterns, try_patterns
    from services.shortids import short

    patterns = _given(file, category, phrase, weight, says)
    scope = scope_for(business)
    trial = try_patterns(scope, patterns)
    added = add_patterns(scope, patterns)
    for one in added:
        say(f"{short(one.id)}  {one.category} +{one.weight:g}  {one.phrase}")
    say(f"{len(added)} added, {len(patterns) - len(added)} there already")
    _show_trial(trial)


def remove(
    pattern: Annotated[str, typer.Argument(help="Its id, or the end of it, from patterns list.")],
    business: BusinessOption = None,
) -> None:
    """Remove a pattern. The next run does without it; what it decided stays."""
    from services.patterns import remove_pattern

    gone = remove_pattern(scope_for(business), pattern)
    say(f"removed: {gone.category} +{gone.weight:g}  {gone.phrase}")


def _given(
    file: Path | None, category: str | None, phrase: str | None, weight: float | None, says: str | None
) -> "tuple[Pattern, ...]":
    from services.errors import UserError
    from services.patterns import read_patterns

    if (file is None) == (phrase is None):
        raise UserError(
            "give either a file or one pattern", "one pattern: --category expansion --phrase 'opens ~2 plant'"
        )
    if file is not None:
        return read_patterns(file.read_text(encoding="utf-8"))
    group: Mapping[str, object] = {
        name: value
        for name, value in (("category", category), ("weight", weight), ("says", says))
        if value is not None
    }
    return read_patterns({"group": [{**group, "phrases": [phrase]}]})


def _show_trial(trial: "Trial") -> None:
    for change in trial.changes[:_SHOWN]:
        say(f"  {change.before} → {change.after}: {change.title}  “{change.evidence}”")
    if len(trial.changes) > _SHOWN:
        note(f"... and {len(trial.changes) - _SHOWN} more")
    if trial.tried:
        say(
            f"of {trial.tried} events of the last {trial.days} days {len(trial.changes)} would be put elsewhere"
        )
    else:
        warn(f"no events in the last {trial.days} days to try them on")
