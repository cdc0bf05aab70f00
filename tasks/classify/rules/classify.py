"""The rules classifier: one text in, one verdict out, the same every time."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.classify.rules.categories import Category, Verdict
from tasks.classify.rules.language import detect_language, load_identifier
from tasks.classify.rules.languages import Language, Languages, builtin_languages
from tasks.classify.rules.patterns import Pattern, tenant_rules
from tasks.classify.rules.ruleset import Rule
from tasks.classify.rules.text import Text
from tasks.classify.rules.tone import certainty_of, risk_of, sentiment_of

# How much a match counts by where it stands. Measured on the development files; the order is what matters.
MAIN, SUBORDINATE, SNIPPET = 1.0, 0.8, 0.45
BACKGROUND = 0.65  # what is no event says less where it only explains: "… invests as Trump attacks …"
SECOND = 0.3  # a second, different pattern for the same category supports the first by this share
THRESHOLD = 1.5  # an event needs at least this score
TITLE_CHARACTERS = 400  # no headline is longer; a bound on the work
SNIPPET_CHARACTERS = 300  # the lead; later sentences wander off to other companies
LANGUAGE_CHARACTERS = 200  # of the snippet: enough to tell a language
PLAIN = 3.6  # the score of one plain statement at a title's start: as sure as rules can be
CLEAR, CLEAR_BY = 3.0, 1.0  # a title that scores so much, so far ahead, decides without its snippet
_EARLY = 0.12  # of two equal statements the earlier one is the news


@dataclass(frozen=True, slots=True)
class _Hit:
    rule: Rule
    score: float
    start: int
    end: int
    text: Text


def _hits(text: Text, rules: list[Rule], *, title: bool) -> list[_Hit]:
    start, end = text.reader.main_clause(text) if title else (0, 0)
    # Who is quoted makes no news of another kind: "… to build plant, president says" is no politics.
    quoted, quoted_end = text.reader.attribution(text) if title else (0, 0)
    length = len(text.canon)
    found = []
    for rule in rules:
        match = rule.phrase.search(text.canon)
        if match is None:
            continue
        at = match.start() + 1  # the match begins with the space before its first word
        if quoted < at < quoted_end and rule.category is Category.OTHER:
            continue
        if title:
            beside = BACKGROUND if rule.category is Category.OTHER else SUBORDINATE
            zone = MAIN if start <= at < end else beside
            zone *= 1 + _EARLY * (1 - at / length)
        else:
            zone = SNIPPET
        found.append(_Hit(rule, rule.weight * zone, at, match.end(), text))
    return found


def _candidates(text: Text, extra: tuple[Pattern, ...], language: Language) -> list[Rule]:
    rules = language.rules.candidates(text)
    return rules + tenant_rules(extra, language.code).candidates(text) if extra else rules


def classify_text(
    title: str,
    snippet: str | None = None,
    *,
    extra: Sequence[Pattern] = (),
    languages: Languages | None = None,
) -> Verdict:
    """Judge one item by its title and, with less weight, its lead. `extra`: a tenant's own patterns.

    `languages`: those to judge in, the ones that come with the program when None.

    Each category scores its strongest pattern and a share of the second; `other` competes with patterns of
    its own (market reports, advice, politics), so a trigger word inside those is not an event.
    """
    known = builtin_languages() if languages is None else languages
    code = detect_language(f"{title[:TITLE_CHARACTERS]} {(snippet or '')[:LANGUAGE_CHARACTERS]}", known)
    language = known.get(code)
    if language is None:
        return _unsupported(code)
    patterns = tuple(extra)
    head = language.reader.canonical(title[:TITLE_CHARACTERS])
    hits = _hits(head, _candidates(head, patterns, language), title=True)
    lead: Text | None = None
    if snippet and not _clear(hits):
        lead = language.reader.canonical(snippet[:SNIPPET_CHARACTERS])
        hits += _hits(lead, _candidates(lead, patterns, language), title=False)
    scores, best = _scores(hits)
    category, confidence = _decide(scores)
    hit = best.get(category)
    certainty = certainty_of(head, language.tone)
    if certainty != "stated":
        confidence *= 0.85
    texts = (head,) if lead is None else (head, lead)
    rule = hit.rule if hit else None
    evidence = hit.text.span(hit.start, hit.end) if hit else ""
    sentiment = sentiment_of(
        texts, category, rule.sentiment if rule else None, certainty=certainty, tone=language.tone
    )
    risk = risk_of(
        head,
        category,
        rule.risk if rule else None,
        sentiment=sentiment,
        certainty=certainty,
        tone=language.tone,
    )
    return Verdict(
        category=category,
        confidence=round(confidence, 3),
        sentiment=sentiment,
        risk=risk,
        language=code,
        language_supported=True,
        certainty=certainty,
        evidence=evidence,
        reason=f'{hit.rule.says}: "{evidence}".' if hit else "Names no event of the kinds we report.",
        parts={c.value: round(s, 3) for c, s in sorted(scores.items(), key=lambda item: -item[1])},
    )


def warm_up() -> None:
    """Load and compile everything now, for who is about to judge many texts or to measure the speed."""
    load_identifier()
    for language in builtin_languages().values():
        for phrase in (*(rule.phrase for rule in language.rules.rules), *language.tone.phrases):
            phrase.search("")


def _clear(hits: list[_Hit]) -> bool:
    ranked = sorted(_scores(hits)[0].values(), reverse=True)
    return bool(ranked) and ranked[0] >= CLEAR and (len(ranked) == 1 or ranked[0] - ranked[1] >= CLEAR_BY)


def _scores(hits: list[_Hit]) -> tuple[dict[Category, float], dict[Category, _Hit]]:
    by_category: dict[Category, list[_Hit]] = {}
    for hit in hits:
        by_category.setdefault(hit.rule.category, []).append(hit)
    scores: dict[Category, float] = {}
    best: dict[Category, _Hit] = {}
    for category, found in by_category.items():
        found.sort(key=lambda h: -h.score)
        first = best[category] = found[0]
        second = found[1].score if len(found) > 1 else 0.0
        scores[category] = first.score + SECOND * second
    return scores, best


def _decide(scores: dict[Category, float]) -> tuple[Category, float]:
    """The winner, and how sure: by its score and by its distance from the runner-up."""
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0].value))
    if not ranked or ranked[0][1] < THRESHOLD:
        return Category.OTHER, 0.6 if not ranked else 0.5
    category, score = ranked[0]
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    strength = min(1.0, score / PLAIN)
    margin = (score - second) / score
    return category, min(0.98, strength * (0.6 + 0.4 * margin))


def _unsupported(language: str) -> Verdict:
    return Verdict(
        category=Category.OTHER,
        confidence=0.0,
        sentiment=0.0,
        risk="none",
        language=language,
        language_supported=False,
        certainty="stated",
        evidence="",
        reason=f"The rules were not measured on this language ({language}), so they claim nothing.",
        parts={},
    )
