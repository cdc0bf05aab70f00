"""Patterns: a phrase, the category it speaks for, and how strongly. A language's are in its TOML file."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tasks.classify.rules.categories import Category, Risk
from tasks.classify.rules.phrases import CompiledPhrase, compile_phrase

MEASURED_LANGUAGES = ("en",)


class Pattern(BaseModel):
    """One phrase that speaks for a category; tenants add their own of the same kind.

    `weight` is in votes: about 1.5 is the least that makes an event alone, 3 is a plain statement of it,
    above 5 overrules the other categories. `says` completes a sentence for the reader ("Names a deal").
    `sentiment` and `risk`, when given, replace the category's usual ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Category
    phrase: str = Field(min_length=1, max_length=600)
    weight: float = Field(default=3.0, gt=0, le=10)
    says: str = "Matches one of your own patterns"
    sentiment: float | None = Field(default=None, ge=-1, le=1)
    risk: Risk | None = None

    @field_validator("phrase")
    @classmethod
    def _readable(cls, phrase: str) -> str:
        compile_phrase(phrase, lists())
        return phrase


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern ready to be tried."""

    category: Category
    phrase: CompiledPhrase
    weight: float
    says: str
    sentiment: float | None = None
    risk: Risk | None = None


@dataclass(slots=True)
class RuleSet:
    """Rules found by their trigger words, so that a text is tried against a few dozen, not hundreds."""

    rules: tuple[Rule, ...]
    _by_word: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _exact: dict[str, list[int]] = field(default_factory=dict)
    _prefixes: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, rule in enumerate(self.rules):
            for trigger in rule.phrase.triggers:
                if trigger.endswith("*"):
                    self._prefixes.append((trigger[:-1], number))
                else:
                    self._exact.setdefault(trigger, []).append(number)

    def candidates(self, words: frozenset[str]) -> list[Rule]:
        """The rules that may match a text of these words, in file order."""
        numbers: set[int] = set()
        for word in words:
            found = self._by_word.get(word)
            if found is None:
                found = tuple(self._exact.get(word, ())) + tuple(
                    n for prefix, n in self._prefixes if word.startswith(prefix)
                )
                if (
                    len(self._by_word) < 200_000
                ):  # a bound on memory; beyond it words are merely looked up again
                    self._by_word[word] = found
            numbers.update(found)
        rules = [self.rules[n] for n in sorted(numbers)]
        return [r for r in rules if not r.phrase.also or not words.isdisjoint(r.phrase.also)]


@lru_cache
def language_data(language: str) -> Mapping[str, object]:
    """The parsed pattern file of a measured language."""
    text = files(__package__).joinpath("patterns", f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@lru_cache
def lists(language: str = "en") -> Mapping[str, tuple[str, ...]]:
    """The named word lists of a language's file, nested ones filled in."""
    raw = language_data(language)["lists"]
    assert isinstance(raw, dict)
    done: dict[str, tuple[str, ...]] = {}
    for name, text in raw.items():
        words: list[str] = []
        for word in str(text).split():
            words.extend(done[word[1:-1]] if word.startswith("<") else (word,))
        done[name] = tuple(words)
    return done


class _Group(BaseModel):
    """Phrases of one category and weight, as they stand in the file."""

    model_config = ConfigDict(extra="forbid")

    category: Category
    weight: float = Field(gt=0, le=10)
    says: str
    sentiment: float | None = None
    risk: Risk | None = None
    phrases: list[str]


def _rules(groups: Sequence[_Group], named: Mapping[str, Sequence[str]]) -> tuple[Rule, ...]:
    return tuple(
        Rule(g.category, compile_phrase(phrase, named), g.weight, g.says, g.sentiment, g.risk)
        for g in groups
        for phrase in g.phrases
    )


@lru_cache
def rule_set(language: str = "en") -> RuleSet:
    """The rules of a measured language, compiled on first use."""
    raw = language_data(language)["group"]
    assert isinstance(raw, list)
    return RuleSet(_rules([_Group.model_validate(group) for group in raw], lists(language)))


@lru_cache(maxsize=256)
def tenant_rules(patterns: tuple[Pattern, ...]) -> RuleSet:
    """A tenant's own patterns, compiled once for each set of them."""
    return RuleSet(
        tuple(
            Rule(p.category, compile_phrase(p.phrase, lists()), p.weight, p.says, p.sentiment, p.risk)
            for p in patterns
        )
    )
