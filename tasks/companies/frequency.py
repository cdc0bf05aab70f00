"""What word frequencies tell about a word: is it a name, a common word, a verb?

No list of ambiguous names exists anywhere: that a name is also a word is read from these frequencies.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

from tasks.companies.lexicon import lexicon, past, third_person
from tasks.companies.lexicon import third_person as plural

_OTHER_LANGUAGES = ("de", "fr", "es", "it", "nl")
_SUFFIXES = ("ish", "less", "ness", "ful", "ous")
_STEM = 3.8
FOREIGN = 5.0
_RARE = 2.8
"""Below this the small word lists of the other languages end."""


@lru_cache(maxsize=8)
def _frequencies(language: str) -> dict[str, float]:
    # takes a third of a second, so not when this module is imported
    from wordfreq import get_frequency_dict  # noqa: PLC0415

    # the large lists of six languages would hold 240 MB; only English needs the rare words
    size = "best" if language == "en" else "small"
    table: dict[str, float] = get_frequency_dict(language, wordlist=size)
    return table


@lru_cache(maxsize=200_000)
def zipf(word: str, language: str = "en") -> float:
    """How common a word is on the Zipf scale: 3 is once in a million words, 6 in a thousand, 0 never."""
    frequency = _frequencies(language).get(word, 0.0)
    return round(math.log10(frequency) + 9, 2) if frequency > 0 else 0.0


def _ramp(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))


@lru_cache(maxsize=50_000)
def inflects(word: str) -> float:
    """How common the inflections of a word are for its own frequency, 0 to 1; names have none."""
    base = zipf(word)
    if base < 2.0:
        return 0.0
    shapes = {
        third_person(word),
        past(word) if len(word) > 1 else word,
        word + "ing",
        word + "er",
        word + "ly",
    }
    if word.endswith("e"):
        shapes |= {word[:-1] + "ing"}
    if word.endswith("s") and len(word) > 3 and zipf(word[:-1]) > base - 0.6:
        shapes |= {word[:-1]}
    if word.endswith("ly") or word.endswith("ed"):
        shapes |= {word[:-2], word[:-1]}
    inflected = max(zipf(shape) for shape in shapes if shape != word)
    return _ramp(inflected, 2.2, 3.5) * (1 - _ramp(base - inflected, 1.2, 2.0))


@lru_cache(maxsize=50_000)
def commonness(word: str) -> float:
    """How much a word is a common English word rather than a name: 0 (only a name) to 1 (only a word).

    Two signs, both from word frequencies. A common word has common inflections (targets, targeted), a name
    has none. A common English word is much rarer in other languages; a name is as frequent there.
    """
    base = zipf(word)
    if base < 2.0:
        return 0.0
    by_shape = max(inflects(word), 0.8 * _derived(word))
    elsewhere = [max(zipf(word, language), _RARE) for language in _OTHER_LANGUAGES]
    drop = base - sum(elsewhere) / len(elsewhere)
    by_language = _ramp(drop, 0.5, 1.5) * _ramp(base, 3.4, 4.2)
    return 1 - (1 - by_shape) * (1 - by_language)


def _derived(word: str) -> bool:
    """Whether a word is made from a common one: bull-ish, bound-less, fear-ful."""
    return any(word.endswith(end) and zipf(word[: -len(end)]) >= _STEM for end in _SUFFIXES)


@lru_cache(maxsize=50_000)
def ambiguity(words: tuple[str, ...]) -> float:
    """How easily a form means something else: 0 (nothing else is called so) to 1 (a plain word)."""
    lex = lexicon()
    if len(words) > 1:
        # two plain words together are rarely anything but the name
        scores = [commonness(w) if w not in lex["given_names"] else 0.5 for w in words if len(w) > 1]
        return 0.35 * min(scores, default=0.0)
    word = words[0]
    score = commonness(word)
    base = zipf(word)
    if base >= 3.4:
        score = max(score, 0.25)
    if word in lex["given_names"] or word in lex["always_capital"]:
        score = max(score, 0.55)
    if word in lex["weekdays"]:
        score = 1.0
    if word in lex["function_words"] or word in lex["auxiliaries"]:
        score = 1.0
    if len(word) <= 2:
        score = max(score, 0.5)
    if max(zipf(word, language) for language in _OTHER_LANGUAGES) >= max(FOREIGN, base + 1):
        # an everyday word of another language is half of many names there: "deutsche", "grande"
        score = max(score, 0.5)
    return score


def foreign(words: Iterable[str]) -> bool:
    """Whether a text of these words is not in English: most are at home in another language or in none."""
    judged = [w for w in words if len(w) > 1 and not w.isdigit()]
    away = sum(
        max(zipf(w, lang) for lang in _OTHER_LANGUAGES) > zipf(w) + 0.7 or zipf(w) < 1.0 for w in judged
    )
    return len(judged) > 1 and away > 0.5 * len(judged)


@lru_cache(maxsize=50_000)
def abroad(first: str, second: str) -> bool:
    """Whether two neighbours are words of one other language, the first more at home there than in English."""
    return any(
        zipf(first, lang) > zipf(first) + 0.7 and zipf(second, lang) >= max(_RARE + 0.4, zipf(second))
        for lang in _OTHER_LANGUAGES
    )


def singular(word: str) -> str:
    """The singular of a regular plural."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    return word.removesuffix("s")


@lru_cache(maxsize=50_000)
def verbish(word: str) -> bool:
    """Whether a word is also the base form of a verb: it has a common past and a common -ing form."""
    stem = word[:-1] if word.endswith("e") else word
    doubled = word + word[-1] if word else word
    ing = max(zipf(stem + "ing"), zipf(doubled + "ing"))
    return len(word) > 1 and zipf(past(word)) >= 2.6 and ing >= 2.5 and zipf(word) >= 2.6


@lru_cache(maxsize=50_000)
def countable(word: str) -> bool:
    """Whether a noun is counted: its plural is nearly as common as itself ("target", not "energy")."""
    return zipf(plural(word)) >= zipf(word) - 1.3


@lru_cache(maxsize=50_000)
def adverb(word: str) -> bool:
    """Whether a word is an adverb of manner or time: a listed one, or an adjective with -ly."""
    if word in lexicon()["adverbs"]:
        return True
    if len(word) < 6 or not word.endswith("ly"):
        return False
    # "quick-ly", "heavi-ly", "terrib-ly"; but "family" and "assembly" have no adjective inside
    return any(zipf(stem) >= 2.8 for stem in (word[:-2], word[:-3] + "y", word[:-1] + "e"))


@lru_cache(maxsize=50_000)
def adjectival(word: str) -> bool:
    """Whether a word is an adjective before it is anything else: "global", "progressive", "American"."""
    lex = lexicon()
    if word in lex["demonyms"] or word in lex["adjectives"] or _derived(word):
        return True
    return zipf(word + "ly") >= 2.9 and not verbish(word)


@lru_cache(maxsize=50_000)
def third_person_verb(word: str) -> bool:
    """Whether a word in -s is a verb rather than a plural: its past is the more common form."""
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return False
    stems = [word[:-1]] + ([word[:-2]] if word.endswith("es") else [])
    stems += [word[:-3] + "y"] if word.endswith("ies") else []
    return any(
        third_person(stem) == word and verbish(stem) and zipf(past(stem)) >= zipf(word) + 0.2
        for stem in stems
    )


@lru_cache(maxsize=50_000)
def gerund(word: str) -> bool:
    """Whether a word in -ing is the form of a common verb, not a surname or a noun."""
    stem = word[:-3]
    if not word.endswith("ing") or len(stem) < 2:
        return False
    # irregular verbs have no regular past to be known by
    if word in lexicon()["base_gerunds"]:
        return True
    return any(verbish(s) for s in (stem, stem + "e", stem[:-1]) if len(s) > 1)
