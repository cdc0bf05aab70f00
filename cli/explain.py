"""Why: what the judgements make of one text, and why two articles are one story or two."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli.business import BusinessOption, scope_for
from cli.output import clean, note, out, print_json, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.scope import Scope
    from services.judgement.category import CategoryJudgement
    from services.judgement.replay import Entry, PairLog, StoryLog
    from services.judgement.story import StoryJudgement
    from services.judgement.text import CompanyJudgement
    from services.judgement.whole import Judgement

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of a page.")]
_LABEL = 10


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("explain")(explain)
    app.command("story")(story)


def explain(
    title: Annotated[str, typer.Argument(help="A headline, in quotes.")],
    snippet: Annotated[str | None, typer.Option(help="Its lead or summary.")] = None,
    url: Annotated[str | None, typer.Option(help="Its address.")] = None,
    source: Annotated[str | None, typer.Option(help="Its outlet.")] = None,
    client: Annotated[
        list[str] | None,
        typer.Option(
            "--client", "-c", help="Only this client, named in the text or not; any name will do. Repeatable."
        ),
    ] = None,
    client_json: Annotated[
        str | None,
        typer.Option(help="A client by its fields, as JSON or a file of it; no database is looked at."),
    ] = None,
    business: BusinessOption = None,
    as_json: JsonOption = False,
) -> None:
    """What would become of a text, decision by decision, each with its evidence.

    Judges as the next run would: language, company, category, relevance, story, readers. Nothing is stored.
    Without a database the clients are those given by --client or --client-json.
    """
    from services.judgement.whole import client_from, judge, judge_alone

    given = [client_from(_client_fields(client_json))] if client_json else []
    scope = None if given else _tenant(business)
    if scope is None:
        given += [client_from({"name": name}) for name in client or ()]
        judged = judge_alone(title, snippet, url=url, source=source, clients=given)
    else:
        judged = judge(scope, title, snippet, url=url, source=source, names=client or ())
    if as_json:
        print_json(judged.model_dump(mode="json"))
    else:
        _show(judged)


def story(
    article: Annotated[
        str, typer.Argument(help="An article's address, its title or words of it, or its id.")
    ],
    other: Annotated[
        str | None, typer.Argument(help="Another one: why the two are one story, or two.")
    ] = None,
    business: BusinessOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why articles are one story or two: what was decided when they came, and the same worked out again."""
    from services.judgement.replay import pair_log, story_log

    scope = scope_for(business)
    told = story_log(scope, article) if other is None else pair_log(scope, article, other)
    if as_json:
        print_json(told.model_dump(mode="json"))
    else:
        _show_log(told)


def _show_log(told: "StoryLog | PairLog") -> None:
    from services.judgement.replay import StoryLog

    if isinstance(told, StoryLog):
        for entry in told.articles:
            _entry(entry)
        return
    _entry(told.left)
    _entry(told.right)
    pair = told.comparison
    _line("compared", pair["sentence"])
    shared = ", ".join(f"{one['word']} {one['weight']:.2f}" for one in pair["shared"])
    if shared:
        _more(f"shared: {shared}")
    for one in pair["particulars"]:
        agree = "agree on" if one["agree"] else "differ in"
        stated = " / ".join(", ".join(one[side]) for side in ("left", "right") if one[side])
        _more(f"{agree} {one['kind']}{': ' if stated else ''}{stated} (×{one['factor']:.2g})")
    if told.story:
        _line("story", told.story)
    say(f"→ {told.answer}")


def _entry(entry: "Entry") -> None:
    say(f"{entry.title}  ({entry.source}, {entry.at:%Y-%m-%d %H:%M})", style="bold")
    beside = f" {'to' if entry.joined else 'apart from'} “{entry.other}”" if entry.other else ""
    score = f", {entry.score:.2f} alike" if entry.score is not None and entry.other else ""
    _line("decided", f"{entry.verdict}{beside}: {_words(entry.reason_code)}{score}  [{entry.engine}]")
    if entry.now:
        differs = "" if entry.agrees else "  (the whole window decided otherwise)"
        _line("now", f"{entry.now}{differs}")


def _client_fields(given: str) -> "Mapping[str, Any]":
    from services.errors import UserError

    path = Path(given)
    inline = given.lstrip().startswith("{")
    try:
        fields = json.loads(given if inline else path.read_text(encoding="utf-8"))
    except ValueError as error:
        where = "--client-json" if inline else path.name
        raise UserError(f"{where} is no JSON: {error}", """write it as '{"name": "Acme"}'""") from None
    if not isinstance(fields, dict):
        raise UserError("--client-json takes one JSON object", """write it as '{"name": "Acme"}'""")
    return fields


def _tenant(business: str | None) -> "Scope | None":
    """The tenant meant; None where there is no database, or no business in it."""
    from models.scope import Scope
    from services.accounts import every_business, pick_business
    from services.setup import ensure_schema, is_set_up

    if business is None and not is_set_up():
        return None
    ensure_schema()
    if business is None and not every_business():
        return None
    return Scope.system(pick_business(business).id)


def _show(judged: "Judgement") -> None:
    text = judged.text
    say(text.title, style="bold")
    language = text.language
    supported = "" if language.supported else ": not a language the rules judge, so by company only"
    _line("language", f"{language.code}{supported}")
    for company in text.companies:
        _company(company)
    if not text.companies:
        _line("company", "names no client")
    if language.supported:
        _category(text.category)
    for one in text.companies:
        if one.relevance is not None:
            _line("relevance", f"{one.relevance.score:.2f} for {one.client}: {_parts(one.relevance.parts)}")
    if judged.story is not None:
        _story(judged.story)
    for reader in judged.readers:
        how = f"by {reader.route}" if reader.gets_it else f"not mailed ({reader.reason_code})"
        _line("reader", f"{reader.person} [{reader.client}] {how}: {reader.sentence}")
    for sentence in judged.notes:
        note(sentence)


def _company(company: "CompanyJudgement") -> None:
    verdict = "about" if company.about else "not about"
    evidence = f" “{company.evidence}”" if company.evidence else ""
    _line(
        "company",
        f"{verdict} {company.client}: {_words(company.reason_code)}{evidence}"
        f"  ({company.confidence:.0%} sure, {company.salience})",
    )
    if company.parts:
        _more(_parts(company.parts))
    for rule in company.rules:
        _more(f"taught: {rule}")


def _category(category: "CategoryJudgement") -> None:
    second = category.runner_up
    runner_up = f"; next {_words(second)} {category.scores[second]:g}" if second else ""
    score = category.scores.get(category.category)
    votes = f" {score:g}" if score is not None else ""
    _line(
        "category",
        f"{_words(category.category)}{votes}: {category.reason}  ({category.confidence:.0%} sure{runner_up})",
    )
    for fired in category.fired:
        own = ", your own pattern" if fired.own else ""
        _more(
            f"{_words(fired.category)} +{fired.weight:g} {fired.says} “{fired.words}” in the {fired.where}{own}"
        )
    if category.certainty != "stated":
        said = "a rumour or a plan" if category.certainty == "speculative" else "denied or negated"
        _line("certainty", f"{category.certainty}: {said}, not a statement of fact")
    _line("tone", f"sentiment {category.sentiment:+.2f}, risk {category.risk}")


def _story(story: "StoryJudgement") -> None:
    if not story.story_id:
        _line("story", story.sentence)
        return
    joins = "would join" if story.joined else "would stay apart from"
    _line("story", f"{joins} “{story.nearest}” ({story.articles} articles): {_words(story.reason_code)}")
    _more(story.sentence)


def _line(label: str, text: str) -> None:
    out.print(Text(f"  {label:<{_LABEL}} ", style="cyan"), Text(clean(text)), sep="", soft_wrap=True)


def _more(text: str) -> None:
    out.print(Text(f"  {'':<{_LABEL}}   {clean(text)}", style="dim"), soft_wrap=True)


def _words(code: str) -> str:
    return code.replace("_", " ")


def _parts(parts: "Mapping[str, float]", at_most: int = 9) -> str:
    """The parts that are not nothing, largest first."""
    told: Sequence[tuple[str, float]] = sorted(parts.items(), key=lambda part: -abs(part[1]))
    return ", ".join(f"{_words(name)} {value:+.2f}" for name, value in told[:at_most] if value)
