"""A tenant's own patterns: read from TOML or JSON, checked row by row, compiled once for each set of them."""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tasks.classify.rules.categories import Category, Risk
from tasks.classify.rules.groups import (
    OWN,
    Group,
    PatternProblem,
    PatternsError,
    mapping,
    phrase_at,
    read_groups,
)
from tasks.classify.rules.languages import builtin_languages
from tasks.classify.rules.phrases import PhraseError, compile_phrase, read_lists
from tasks.classify.rules.ruleset import Rule, RuleSet

MAX_PHRASES = 500  # of a tenant; a tenth of that is many, and each is tried on each of its texts
MAX_PHRASE = 600  # characters as written
_MAX_FILLED = 6_000  # characters with the tenant's own lists filled in


class Pattern(BaseModel):
    """One phrase that speaks for a category; tenants add their own of the same kind as ours.

    `weight` is in votes: about 1.5 is the least that makes an event alone, 3 is a plain statement of it,
    above 5 overrules the other categories; of the category `other`, 6 silences what our patterns find.
    `says` completes a sentence for the reader ("Names a deal"). `sentiment` and `risk`, when given, replace
    the category's usual ones. `language` is that of the texts the phrase is for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Category
    phrase: str = Field(min_length=1, max_length=_MAX_FILLED)
    weight: float = Field(default=3.0, gt=0, le=10)
    says: str = Field(default=OWN, max_length=200)
    sentiment: float | None = Field(default=None, ge=-1, le=1)
    risk: Risk | None = None
    language: str = "en"

    @model_validator(mode="after")
    def _readable(self) -> "Pattern":
        language = builtin_languages().get(self.language)
        if language is None:
            raise ValueError(f"there are no rules for the language {self.language!r}")
        compile_phrase(self.phrase, language.vocabulary)
        return self


def load_patterns(source: str | Mapping[str, object]) -> tuple[Pattern, ...]:
    """A tenant's patterns from TOML text, or from the same as a mapping, in the form of `patterns/en.toml`.

    `group` is a list of `{category, phrases, weight?, says?, sentiment?, risk?, language?}`; `lists` may name
    words to be used as `<name>` in the phrases. Raises PatternsError naming every faulty row; all or nothing.
    """
    data = _parsed(source) if isinstance(source, str) else source
    if unknown := sorted(set(data) - {"group", "lists"}):
        raise PatternsError([PatternProblem(str(key), "is neither group nor lists") for key in unknown])
    own = _own_lists(data.get("lists", {}))
    patterns: list[Pattern] = []
    problems: list[PatternProblem] = []
    for number, group in read_groups(data.get("group", [])):
        if isinstance(group, PatternProblem):
            problems.append(group)
            continue
        for at, phrase in enumerate(group.phrases, start=1):
            try:
                patterns.append(_pattern(group, phrase, own))
            except ValidationError as error:
                message = "; ".join(_message(detail["msg"]) for detail in error.errors())
                problems.append(PatternProblem(phrase_at(number, at), message))
            except PhraseError as error:
                problems.append(PatternProblem(phrase_at(number, at), str(error)))
    if len(patterns) > MAX_PHRASES:
        problems.append(PatternProblem("group", f"holds {len(patterns)} phrases; {MAX_PHRASES} are the most"))
    if problems:
        raise PatternsError(problems)
    return tuple(patterns)


def _parsed(text: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PatternsError([PatternProblem("the text", f"is not TOML: {error}")]) from error
    except RecursionError as error:
        raise PatternsError([PatternProblem("the text", "is nested too deeply")]) from error


def _own_lists(raw: object) -> Mapping[str, tuple[str, ...]]:
    own: dict[str, tuple[str, ...]] = {}
    problems = []
    for name, words in mapping(raw, "lists").items():
        try:
            if not isinstance(words, str):
                raise PhraseError("is words with blanks between, in one string")
            own = read_lists({name: words}, own)
        except PhraseError as error:
            problems.append(PatternProblem(f"lists, {name}", str(error)))
    if problems:
        raise PatternsError(problems)
    return own


def _pattern(group: Group, phrase: str, own: Mapping[str, tuple[str, ...]]) -> Pattern:
    if len(phrase) > MAX_PHRASE:
        raise PhraseError(f"has {len(phrase)} characters; {MAX_PHRASE} are the most")
    # Filled in here, so that a pattern stands for itself wherever it is kept.
    filled = re.sub(r"<([^<>]+)>", lambda m: "|".join(own[m[1]]) if own.get(m[1]) else m[0], phrase)
    fields = group.model_dump(exclude={"phrases"})
    return Pattern(phrase=filled, **fields)


def _message(text: str) -> str:
    return text.removeprefix("Value error, ")


@lru_cache(maxsize=256)
def tenant_rules(patterns: tuple[Pattern, ...], language: str) -> RuleSet:
    """The patterns for texts in `language`, compiled once for each set of them."""
    vocabulary = builtin_languages()[language].vocabulary
    return RuleSet(
        tuple(
            Rule(p.category, compile_phrase(p.phrase, vocabulary), p.weight, p.says, p.sentiment, p.risk)
            for p in patterns
            if p.language == language
        )
    )
