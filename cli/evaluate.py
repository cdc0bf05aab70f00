"""Measuring the judgements on labelled files: each command prints one JSON object, last."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel

from cli.output import BAD_INPUT, err, fail, note, print_json, say, warn, warn_all

if TYPE_CHECKING:
    from services.evaluation.ai import MeasuredAi
    from tasks.classify.rules import Verdict

RULES = "rules"
BUDGET_USD = 0.25
"""Some thousand headlines with a small model of November 2026."""

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE.jsonl", help="A labelled file: one JSON object a line.")
]
ErrorsOption = Annotated[
    bool, typer.Option("--errors", help="Print the misjudged items first, to learn from them.")
]
ClassifierOption = Annotated[
    str,
    typer.Option(help="rules needs no key; openai, anthropic and openai_compatible use the deployment's."),
]
BudgetOption = Annotated[
    float, typer.Option(min=0, help="US dollars a language model may cost; the rules judge what is left.")
]
AtMostOption = Annotated[int, typer.Option(min=1, help="How many misjudged items --errors prints.")]


class StoryCut(StrEnum):
    TEXT = "text"
    BATCH = "batch"


# One at a time, about an hour's news, about a day's.
_BATCHES = (1, 10, 50)


class CompanyCut(StrEnum):
    COMPANY = "company"


class CategoryCut(StrEnum):
    CATEGORY = "category"


def register(app: typer.Typer) -> None:
    """Add ``evaluate`` and its three commands."""
    group = typer.Typer(
        name="evaluate", help="Measure the judgements on a labelled file.", no_args_is_help=True
    )
    group.command("stories")(stories)
    group.command("companies")(companies)
    group.command("categories")(categories)
    app.add_typer(group)


def stories(
    file: FileArgument,
    errors: ErrorsOption = False,
    by: Annotated[StoryCut | None, typer.Option(help="Cut the figures by this, printed first.")] = None,
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Articles come in so many at a time, by date; all at once if not given."),
    ] = None,
    shuffle: Annotated[
        int | None, typer.Option(help="With --batch: they come in no order, drawn from this seed.")
    ] = None,
    at_most: AtMostOption = 50,
) -> None:
    """How well articles are grouped into stories.

    A line: {id, title, snippet?, url?, source?, published_at?, story}.
    """
    from services.evaluation import stories as evaluation

    if shuffle is not None and batch is None:
        raise typer.BadParameter("--shuffle needs --batch: all at once has no order")
    with _working("grouping"):
        report = evaluation.evaluate_stories(file, batch=batch, seed=shuffle)
    if errors:
        _show_misjudged(evaluation.misjudged_pairs(file, limit=at_most), at_most)
    if by is StoryCut.TEXT:
        titles = evaluation.evaluate_stories(file, text=False, batch=batch, seed=shuffle)
        _show_cuts({"titles only": _figures(titles), "with text": _figures(report)})
    elif by is StoryCut.BATCH:
        cuts = {
            f"{size} at a time": evaluation.evaluate_stories(file, batch=size, seed=shuffle)
            for size in _BATCHES
        }
        _show_cuts({name: _figures(cut) for name, cut in cuts.items()} | {"asked for": _figures(report)})
    _finish(file, report, empty=not report.articles)


def companies(
    file: FileArgument,
    errors: ErrorsOption = False,
    by: Annotated[CompanyCut | None, typer.Option(help="Cut the figures by this, printed first.")] = None,
    classifier: ClassifierOption = RULES,
    budget: BudgetOption = BUDGET_USD,
    at_most: AtMostOption = 50,
) -> None:
    """How well it is told whether a text is about a client.

    A line: {client: {name, aliases?, ...}, title, snippet?, about}.
    """
    from services.evaluation import companies as evaluation

    ai = _ai(classifier, budget)
    with _working("matching"):
        report = evaluation.evaluate_companies(file, ai.judge if ai else None)
    if errors:
        _show_misjudged(evaluation.misjudged(report), at_most)
    if by is not None:
        _show_cuts({name: _figures(cut) for name, cut in evaluation.by_company(report).items()})
    _finish(file, report, empty=not report.judged, ai=ai)


def categories(
    file: FileArgument,
    errors: ErrorsOption = False,
    by: Annotated[CategoryCut | None, typer.Option(help="Cut the figures by this, printed first.")] = None,
    classifier: ClassifierOption = RULES,
    budget: BudgetOption = BUDGET_USD,
    patterns: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Your own patterns, beside those of the rules.")
    ] = None,
    at_most: AtMostOption = 50,
) -> None:
    """How well texts are put into categories.

    A line: {title, snippet?, category, alt?}.
    """
    from services.evaluation import categories as evaluation

    ai = _ai(classifier, budget)
    classify = _rules_with(patterns) if patterns is not None else None
    with _working("classifying"):
        report = evaluation.evaluate_categories(file, classify, ai.judge if ai else None)
    if errors:
        _show_misjudged(evaluation.misjudged(report), at_most)
    if by is not None:
        _show_cuts(_figures(report)["per_category"])
    _finish(file, report, empty=not _figures(report)["per_category"], ai=ai)


def _rules_with(patterns: Path) -> Callable[[str, str | None], "Verdict"]:
    from services.patterns import read_patterns
    from tasks.classify.classifier import RulesClassifier, Text

    rules = RulesClassifier(read_patterns(patterns.read_text(encoding="utf-8")))
    return lambda title, snippet: rules.classify([Text(title=title, snippet=snippet)])[0]


def _ai(name: str, budget: float) -> "MeasuredAi | None":
    """The language model to measure; None for the rules alone."""
    if name == RULES:
        return None
    from services.evaluation.ai import measured

    return measured(name, budget)


def _working(what: str) -> Any:
    from contextlib import nullcontext

    return err.status(f"{what} ...") if err.is_terminal else nullcontext()


def _figures(report: BaseModel | Mapping[str, Any]) -> dict[str, Any]:
    return report.model_dump(mode="json") if isinstance(report, BaseModel) else dict(report)


def _show_misjudged(items: Sequence[Any], at_most: int) -> None:
    """A block an item, what was expected beside what was said."""
    for item in items[:at_most]:
        fields = _figures(item)
        for name in [name for name in fields if name.endswith("title")]:
            say(str(fields.pop(name)), style="bold")
        said = (
            f"{name.replace('_', ' ')} {value}" for name, value in fields.items() if value not in (None, "")
        )
        say(f"    {' · '.join(said)}")
    shown = min(at_most, len(items))
    note(f"{shown} of {len(items)} misjudged items shown")


def _show_cuts(cuts: Mapping[str, Mapping[str, Any]]) -> None:
    for name, figures in cuts.items():
        said = (f"{key} {value}" for key, value in figures.items() if not key.endswith("per_second"))
        say(f"{name}: {', '.join(said)}")


def _finish(file: Path, report: Any, *, empty: bool, ai: "MeasuredAi | None" = None) -> None:
    problems = list(getattr(report, "errors", ()))
    warn_all(f"{file.name} {problem}" for problem in problems)
    if empty:
        fail(
            f"{file.name} has no line that can be measured",
            "a line is a JSON object: see --help for its fields",
        )
        raise typer.Exit(BAD_INPUT)
    if problems:
        left_out = len({str(problem).partition(":")[0] for problem in problems})  # a line may have two faults
        warn("1 line was left out" if left_out == 1 else f"{left_out} lines were left out")
    if ai is not None and ai.trouble:
        warn(ai.trouble)
    print_json(_figures(report) | ({"ai": ai.figures} if ai is not None else {}))
