"""Which patterns of the rules fired in a text, and where."""

from collections.abc import Sequence

from pydantic import BaseModel

from tasks.classify.rules import Pattern, Verdict, builtin_languages
from tasks.classify.rules.classify import SNIPPET_CHARACTERS, TITLE_CHARACTERS
from tasks.classify.rules.patterns import tenant_rules


class Fired(BaseModel):
    """A pattern that matched: what it says, the words it matched, and how many votes it has by itself."""

    category: str
    says: str
    words: str
    pattern: str
    """The phrase as it is written in the patterns."""
    weight: float
    where: str
    own: bool
    """One of the tenant's own patterns."""


class CategoryJudgement(BaseModel):
    """The category with what spoke for it and against it."""

    category: str
    confidence: float
    certainty: str
    """stated, speculative or denied."""
    evidence: str
    reason: str
    scores: dict[str, float]
    """Votes by category, most first; where a pattern stands counts too, so they are not its weights."""
    runner_up: str
    fired: list[Fired]
    sentiment: float
    risk: str


def explain_category(
    verdict: Verdict, title: str, snippet: str | None, own: Sequence[Pattern] = ()
) -> CategoryJudgement:
    """A verdict of the rules with the patterns behind it; ``own`` are those it was reached with."""
    others = [name for name in verdict.parts if name != verdict.category.value]
    return CategoryJudgement(
        category=verdict.category.value,
        confidence=verdict.confidence,
        certainty=verdict.certainty,
        evidence=verdict.evidence,
        reason=verdict.reason,
        scores=dict(verdict.parts),
        runner_up=others[0] if others else "",
        fired=_fired(verdict, title, snippet, tuple(own)),
        sentiment=verdict.sentiment,
        risk=verdict.risk,
    )


def _fired(verdict: Verdict, title: str, snippet: str | None, own: tuple[Pattern, ...]) -> list[Fired]:
    language = builtin_languages().get(verdict.language)
    if language is None:
        return []
    places = [("headline", title[:TITLE_CHARACTERS])]
    if snippet:
        places.append(("lead", snippet[:SNIPPET_CHARACTERS]))
    found = []
    for where, raw in places:
        text = language.reader.canonical(raw)
        tried = [(rule, False) for rule in language.rules.candidates(text)]
        if own:
            tried += [(rule, True) for rule in tenant_rules(own, language.code).candidates(text)]
        for rule, is_own in tried:
            match = rule.phrase.search(text.canon)
            if match is not None:
                found.append(
                    Fired(
                        category=rule.category.value,
                        says=rule.says,
                        words=text.span(match.start() + 1, match.end()),
                        pattern=rule.phrase.text,
                        weight=rule.weight,
                        where=where,
                        own=is_own,
                    )
                )
    # Two phrases of a group may match the same words; to the reader that is one thing.
    found = list({fired.model_dump_json(exclude={"pattern"}): fired for fired in reversed(found)}.values())
    found.sort(key=lambda f: (f.category != verdict.category.value, -f.weight, f.where != "headline"))
    return found
