"""What the rules know of each language. One file of `patterns/` a language, `en.toml` for English.

A language is added by adding its file: sections, and what they mean, as in `patterns/en.toml`. A file there
is a claim that the rules were measured on the language, so none is added without labelled headlines.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from tasks.classify.rules.groups import PatternProblem, PatternsError, phrase_at, read_groups
from tasks.classify.rules.phrases import PhraseError, Vocabulary, compile_phrase
from tasks.classify.rules.roles import RoleRule
from tasks.classify.rules.ruleset import Rule, RuleSet
from tasks.classify.rules.text import Reader
from tasks.classify.rules.tone import Tone


@dataclass(frozen=True, slots=True)
class Language:
    """One language's words, how its texts are read, its rules, its tone, and who does what in an event.

    `frequent`: words it uses all the time and other languages hardly ever.
    """

    code: str
    frequent: frozenset[str]
    vocabulary: Vocabulary
    reader: Reader
    rules: RuleSet
    tone: Tone
    roles: tuple[RoleRule, ...] = ()


Languages = Mapping[str, Language]
"""By ISO 639-1 code."""


def load_languages(directory: Traversable) -> Languages:
    """Every language that has a file in `directory`; PatternsError names file and row of what is wrong."""
    found = {}
    for file in sorted(directory.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            code = file.name.removesuffix(".toml")
            found[code] = _language(code, tomllib.loads(file.read_text(encoding="utf-8")))
    return found


@lru_cache
def builtin_languages() -> Languages:
    """The languages that come with the program, loaded on first use."""
    return load_languages(files(__package__).joinpath("patterns"))


def _language(code: str, data: dict[str, Any]) -> Language:
    try:
        vocabulary = Vocabulary.of(data)
        return Language(
            code=code,
            frequent=frozenset(data["detection"]["frequent"].split()),
            vocabulary=vocabulary,
            reader=Reader.of(data["text"]),
            rules=RuleSet(_rules(data["group"], vocabulary)),
            tone=Tone.of(data["tone"], vocabulary),
            roles=tuple(RoleRule.of(row, vocabulary) for row in data.get("role", ())),
        )
    except PatternsError as error:
        raise PatternsError([p._replace(where=f"{code}.toml, {p.where}") for p in error.problems]) from error
    except PhraseError as error:
        raise PatternsError([PatternProblem(f"{code}.toml", str(error))]) from error
    except KeyError as error:
        raise PatternsError([PatternProblem(f"{code}.toml", f"lacks {error}")]) from error


def _rules(raw: object, vocabulary: Vocabulary) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    problems: list[PatternProblem] = []
    for number, group in read_groups(raw):
        if isinstance(group, PatternProblem):
            problems.append(group)
            continue
        for at, phrase in enumerate(group.phrases, start=1):
            try:
                compiled = compile_phrase(phrase, vocabulary)
            except PhraseError as error:
                problems.append(PatternProblem(phrase_at(number, at), str(error)))
                continue
            rules.append(
                Rule(group.category, compiled, group.weight, group.says, group.sentiment, group.risk)
            )
    if problems:
        raise PatternsError(problems)
    return tuple(rules)
