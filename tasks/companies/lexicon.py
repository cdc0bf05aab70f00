"""The knowledge of one language, read once from the TOML files of this package.

A second language is a second pair of files of the same shape; nothing else in the package holds words.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

VOWELS = frozenset("aeiou")
MIN_STEM = 4


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def third_person(base: str) -> str:
    """The third person singular of a regular verb, which is also the plural of a regular noun."""
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return base + "es"
    if base.endswith("y") and len(base) > 1 and base[-2] not in VOWELS:
        return base[:-1] + "ies"
    return base + "s"


def past(base: str) -> str:
    """The regular past of a verb: plan, planned; cite, cited; deny, denied."""
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and len(base) > 1 and base[-2] not in VOWELS:
        return base[:-1] + "ied"
    short = 3 <= len(base) <= MIN_STEM and base[-1] not in VOWELS | set("wxy")
    if short and base[-2] in VOWELS and base[-3] not in VOWELS:
        return base + base[-1] + "ed"
    return base + "ed"


def present(base: str) -> str:
    """The -ing form of a verb: plan, planning; cite, citing; see, seeing."""
    if base.endswith("e") and not base.endswith(("ee", "ye", "oe")):
        return base[:-1] + "ing"
    doubled = past(base).removesuffix("ed")
    return (doubled if len(doubled) > len(base) else base) + "ing"


@dataclass(frozen=True)
class Industry:
    """One industry: the words that name it in a profile, and the words of texts about it."""

    name: str
    triggers: frozenset[str]
    terms: frozenset[str]


@dataclass(frozen=True)
class Lexicon:
    """Word sets by their role in a headline; all words are lower-case."""

    words: dict[str, frozenset[str]]
    patterns: dict[str, tuple[re.Pattern[str], ...]]
    industries: tuple[Industry, ...]

    def function(self, word: str) -> bool:
        """Whether a word is grammar, not content."""
        return word in self.words["function"]

    def __getitem__(self, role: str) -> frozenset[str]:
        return self.words[role]


def _read(name: str) -> dict[str, dict[str, object]]:
    data: dict[str, dict[str, object]] = tomllib.loads(
        resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    )
    return data


@lru_cache(maxsize=4)
def lexicon(language: str = "en") -> Lexicon:
    """The lexicon of a language, loaded at first use.

    Raises FileNotFoundError for a language that has no data files.
    """
    data = _read(f"lexicon_{language}.toml")
    words: dict[str, frozenset[str]] = {}
    patterns: dict[str, tuple[re.Pattern[str], ...]] = {}
    for section in data.values():
        for key, value in section.items():
            if isinstance(value, str):
                words[key] = _words(value)
            elif key == "patterns" and isinstance(value, dict):
                for name, sources in value.items():
                    patterns[name] = tuple(re.compile(source, re.IGNORECASE) for source in sources)
    _inflect(words)
    grammar = ("function_words", "auxiliaries", "prepositions", "conjunctions")
    words["function"] = frozenset[str]().union(*(words[role] for role in grammar))
    industries = tuple(
        Industry(name, _words(str(entry["triggers"])), _words(str(entry["terms"])))
        for name, entry in _read(f"industries_{language}.toml").items()
    )
    return Lexicon(words=words, patterns=patterns, industries=industries)


def _forms(verb: str) -> tuple[str, ...]:
    return verb, third_person(verb), past(verb), present(verb)


def _inflect(words: dict[str, frozenset[str]]) -> None:
    """Add the verb sets that the data gives by their base forms."""
    company, weak, toward = words["company"], words["weak"], words["toward"]
    words["verbs"] = frozenset({third_person(v) for v in company} | {past(v) for v in company})
    words["verbs"] |= words["irregular"]
    words["verb_gerunds"] = frozenset(present(v) for v in company)
    words["base_gerunds"] = frozenset(present(v) for v in company | weak)
    words["company_bases"] = company
    words["verb_bases"] = company | weak
    words["weak_verbs"] = frozenset({third_person(v) for v in weak} | {past(v) for v in weak})
    words["weak_verbs"] |= words["auxiliaries"]
    gerunds = {present(v) for v in toward}
    for role in ("affects", "outdoes", "uses", "prosecutes", "product_verbs", "leaves"):
        words[role] = frozenset(form for verb in words[role] for form in _forms(verb)) | words[role]
    words["toward"] = toward | {third_person(v) for v in toward} | {past(v) for v in toward} | gerunds
    # unions that are asked for each name
    words["geographic"] = words["demonyms"] | words["places"] | words["always_capital"]
    words["news_of"] = words["after"] | words["events"] | words["affairs"]
    topics = words["topic_nouns"] | words["nouns_of"] | words["on_business"] | words["affairs"]
    words["topics"] = topics - words["takes_on"]
