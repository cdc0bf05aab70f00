"""How a text reads beside its kind: stated, rumoured or denied; good or bad news; how risky."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tasks.classify.rules.categories import RISKS, Category, Certainty, Risk
from tasks.classify.rules.patterns import language_data, lists
from tasks.classify.rules.phrases import CompiledPhrase, compile_phrase
from tasks.classify.rules.text import Text


@dataclass(frozen=True, slots=True)
class _Tone:
    denied: tuple[CompiledPhrase, ...]
    speculative: tuple[CompiledPhrase, ...]
    words: Mapping[str, float]
    negators: frozenset[str]
    base_sentiment: Mapping[str, float]
    base_risk: Mapping[str, Risk]
    raises_risk: tuple[tuple[int, tuple[CompiledPhrase, ...]], ...]  # by index in RISKS


def _phrases(raw: object, language: str) -> tuple[CompiledPhrase, ...]:
    return tuple(compile_phrase(str(phrase), lists(language)) for phrase in _sequence(raw))


def _sequence(raw: object) -> Sequence[object]:
    assert isinstance(raw, list)
    return raw


@lru_cache
def _tone(language: str) -> _Tone:
    raw = language_data(language)["tone"]
    assert isinstance(raw, dict)
    words: dict[str, float] = {}
    for value, text in raw["words"].items():
        words |= dict.fromkeys(str(text).split(), float(value))
    return _Tone(
        denied=_phrases(raw["denied"], language),
        speculative=_phrases(raw["speculative"], language),
        words=words,
        negators=frozenset(str(raw["negators"]).split()),
        base_sentiment=raw["base_sentiment"],
        base_risk=raw["base_risk"],
        raises_risk=tuple(
            (level, _phrases(raw["risk"][risk], language))
            for level, risk in enumerate(RISKS)
            if risk in raw["risk"]
        ),
    )


def phrases_of(language: str) -> tuple[CompiledPhrase, ...]:
    """Every phrase of the tone section."""
    tone = _tone(language)
    return tone.denied + tone.speculative + tuple(p for _, found in tone.raises_risk for p in found)


def _any(phrases: Sequence[CompiledPhrase], text: Text) -> re.Match[str] | None:
    words = frozenset(text.words)
    for phrase in phrases:
        if not words.isdisjoint(phrase.triggers) and (not phrase.also or not words.isdisjoint(phrase.also)):
            match = phrase.search(text.canon)
            if match:
                return match
    return None


def certainty_of(title: Text, language: str) -> Certainty:
    """What the title commits itself to: a denial is found before a rumour, both before a plain statement."""
    tone = _tone(language)
    if _any(tone.denied, title):
        return "denied"
    if title.words and (_any(tone.speculative, title) or title.words[-1] == "?"):
        return "speculative"
    return "stated"


def sentiment_of(
    texts: Sequence[Text], category: Category, given: float | None, *, certainty: Certainty, language: str
) -> float:
    """-1..1: the category's usual tone, moved by the words of the title and, by half, of the lead."""
    tone = _tone(language)
    base = given if given is not None else tone.base_sentiment.get(category.value, 0.0)
    if certainty == "denied":
        base *= -0.3  # "denies job cuts" is mildly good news where job cuts are bad
    total, weight = 0.0, 0.0
    for text, share in zip(texts, (1.0, 0.5), strict=False):
        previous: tuple[str, ...] = ("", "")
        for word in text.words:
            value = tone.words.get(word)
            if value is not None:
                total += share * (-value if tone.negators.intersection(previous) else value)
                weight += share
            previous = (previous[1], word)
    moved = base + (total / (weight + 0.5)) * (1.0 if base == 0 else 0.6)
    return round(max(-1.0, min(1.0, moved)), 2)


def risk_of(
    title: Text,
    category: Category,
    given: Risk | None,
    *,
    sentiment: float,
    certainty: Certainty,
    language: str,
) -> Risk:
    """What the event may mean for the client's standing as a customer; one step lower when only rumoured."""
    if category is Category.OTHER:
        return "none"
    tone = _tone(language)
    level = RISKS.index(given or tone.base_risk.get(category.value, "none"))
    for found, phrases in tone.raises_risk:
        if found > level and _any(phrases, title):
            level = found
    if sentiment >= 0.35 and level < RISKS.index("high"):
        level = max(0, level - 1)
    if certainty != "stated" and level:
        level -= 1
    return RISKS[level]
