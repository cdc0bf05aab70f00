"""Which language a text is in. Conservative: an English headline full of names must come out as English."""

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Protocol

from tasks.classify.rules.languages import Languages, builtin_languages

# Languages business news is likely to arrive in. Fewer candidates, fewer blunders on short texts.
LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "hu", "ro", "tr", "el",
    "ru", "uk", "bg", "ar", "he", "fa", "hi", "th", "vi", "id", "ja", "ko", "zh",
)  # fmt: skip

DEFAULT = "en"  # what a text is taken for that does not say
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# How sure the model must be of a Latin-script language by the number of words. Measured: runs of names get
# .1 to .3, short foreign headlines .6 and more; of 46,000 English headlines two are mistaken.
_MINIMUM_WORDS = 3
_CONFIDENT_SHORT, _CONFIDENT = 0.9, 0.55


@lru_cache
def _foreign_words() -> dict[str, float]:
    """Words of languages that have no file of their own, with how telling each is."""
    raw = tomllib.loads(files(__package__).joinpath("foreign.toml").read_text(encoding="utf-8"))
    weak = set(raw["weak"].split())
    return {w: 0.5 if w in weak else 1.0 for w in raw["foreign"].split()}


class _Identifier(Protocol):
    def classify(self, text: str) -> tuple[str, float]: ...


@lru_cache
def load_identifier() -> _Identifier:
    """The statistical model, loaded on first use: it takes most of a second and is seldom needed."""
    from py3langid.langid import (  # noqa: PLC0415 - see above
        LanguageIdentifier,
    )

    identifier: _Identifier = LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True)
    identifier.set_languages(list(LANGUAGES))  # type: ignore[attr-defined]
    return identifier


def _latin(letters: str) -> bool:
    # Everything below U+0250 is Latin with its extensions.
    return sum(c < "\u0250" or "\u1e00" <= c <= "\u20cf" for c in letters) * 2 >= len(letters)


def detect_language(text: str, known: Languages | None = None) -> str:
    """The ISO 639-1 code of `text`'s language; "en" when there is too little to say.

    Frequent words decide first: those of the `known` languages (ours when None), then those of the others. The
    statistical model is asked only about texts in which they do not, and is believed about a Latin-script text
    only when it is sure and has a few words to go by: names are of every language, and a dropped headline costs
    more than a foreign one read as English.
    """
    languages = builtin_languages() if known is None else known
    words = _WORD.findall(text.replace("’", "'").lower())
    counts = {code: sum(map(one.frequent.__contains__, words)) for code, one in languages.items()}
    best = max(counts, key=lambda code: (counts[code], code == DEFAULT), default=DEFAULT)
    foreign_words = _foreign_words()
    foreign = (
        sum(foreign_words[w] for w in filter(foreign_words.__contains__, words)) if best == DEFAULT else 0
    )
    if counts.get(best, 0) >= 1 and counts[best] > foreign:
        return best
    if not words:
        return DEFAULT
    letters = "".join(words)
    latin = _latin(letters)
    if latin and len(words) < _MINIMUM_WORDS:
        return DEFAULT
    language, confidence = load_identifier().classify(text.lower() if text.isupper() else text)
    needed = 0.0 if not latin else _CONFIDENT if len(words) > _MINIMUM_WORDS else _CONFIDENT_SHORT
    return language if confidence >= needed else DEFAULT
