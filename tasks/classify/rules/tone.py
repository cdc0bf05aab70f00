"""How a text reads beside its kind: stated, rumoured or denied; good or bad news; how risky."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.classify.rules.categories import RISKS, Category, Certainty, Risk
from tasks.classify.rules.phrases import CompiledPhrase, Vocabulary, compile_phrase
from tasks.classify.rules.text import Text


@dataclass(frozen=True, slots=True)
class Tone:
    """A language's words of mood, rumour, denial and danger."""

    denied: tuple[CompiledPhrase, ...]
    speculative: tuple[CompiledPhrase, ...]
    reported: tuple[CompiledPhrase, ...]
    words: Mapping[str, float]
    negators: frozenset[str]
    base_sentiment: Mapping[str, float]
    base_risk: Mapping[str, Risk]
    raises_risk: tuple[tuple[int, tuple[CompiledPhrase, ...]], ...]  # by index in RISKS

    @classmethod
    def of(cls, data: Mapping[str, Any], vocabulary: Vocabulary) -> "Tone":
        """From the `tone` section of a language's file."""

        def phrases(raw: Sequence[str]) -> tuple[CompiledPhrase, ...]:
            return tuple(compile_phrase(phrase, vocabulary) for phrase in raw)

        words: dict[str, float] = {}
        for value, text in data["words"].items():
            words |= dict.fromkeys(text.split(), float(value))
        return cls(
            denied=phrases(data["denied"]),
            speculative=phrases(data["speculative"]),
            reported=phrases(data["reported"]),
            words=words,
            negators=frozenset(data["negators"].split()),
            base_sentiment=data["base_sentiment"],
            base_risk=data["base_risk"],
            raises_risk=tuple(
                (level, phrases(data["risk"][risk]))
                for level, risk in enumerate(RISKS)
                if risk in data["risk"]
            ),
        )

    @property
    def phrases(self) -> tuple[CompiledPhrase, ...]:
        """Every phrase of it."""
        said = self.denied + self.speculative + self.reported
        return said + tuple(p for _, found in self.raises_risk for p in found)


def _any(phrases: Sequence[CompiledPhrase], text: Text) -> re.Match[str] | None:
    words = text.word_set
    for phrase in phrases:
        if not words.isdisjoint(phrase.triggers) and (not phrase.also or not words.isdisjoint(phrase.also)):
            match = phrase.search(text.canon)
            if match:
                return match
    return None


def certainty_of(title: Text, tone: Tone) -> Certainty:
    """What the title commits itself to: a denial is found before a rumour, both before a plain statement.

    Words of doubt count in the clause that makes the statement only: what may follow from it is no rumour.
    """
    if _any(tone.denied, title):
        return "denied"
    doubt = _any(tone.speculative, title)
    start, end = title.reader.main_clause(title) if doubt else (0, 0)
    if doubt and start <= doubt.start() + 1 < end:
        return "speculative"
    if title.words and (title.words[-1] == "?" or _any(tone.reported, title)):
        return "speculative"
    return "stated"


def sentiment_of(
    texts: Sequence[Text], category: Category, given: float | None, *, certainty: Certainty, tone: Tone
) -> float:
    """-1..1: the category's usual tone, moved by the words of the title and, by half, of the lead."""
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
    tone: Tone,
) -> Risk:
    """What the event may mean for the client's standing as a customer; one step lower when only rumoured."""
    if category is Category.OTHER:
        return "none"
    level = RISKS.index(given or tone.base_risk.get(category.value, "none"))
    for found, phrases in tone.raises_risk:
        if found > level and _any(phrases, title):
            level = found
    if sentiment >= 0.35 and level < RISKS.index("high"):
        level = max(0, level - 1)
    if certainty != "stated" and level:
        level -= 1
    return RISKS[level]
