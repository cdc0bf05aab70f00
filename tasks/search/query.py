"""The question about one client, in the operators of a search engine and within its limits."""

from dataclasses import dataclass
from functools import lru_cache

from tasks.search.source import Profile

_COMMON_ZIPF = 4.0
"""wordfreq: a word read more than ten times in a million words is a word first and a name second."""
_MOST_KEYWORDS = 5
ASKS = "The client's name, legal name, aliases and excluded terms; for everyday names also its keywords."
"""What ``boolean_query`` tells a search engine, for people."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """How an engine writes "both" and "not", and how much it reads; what follows is ignored or refused."""

    both: str = " "
    exclude: str = " -{}"
    max_words: int = 28
    max_chars: int = 2_000
    plain_words: bool = True
    """Whether single words go without quotes: an engine that stems would otherwise read "Targets" too."""


def boolean_query(profile: Profile, syntax: Syntax) -> str:
    """The client's names, any of them, without its excluded terms.

    Keywords narrow the search only where the name is an everyday word ("Target"), which alone would fill the
    answer with something else; elsewhere they would lose news. Names and exclusions that no longer fit are
    left out, last first; the name itself always stays.
    """
    keywords = [phrase for phrase in map(phrase_of, profile.keywords) if phrase]
    narrow = ""
    if keywords and is_everyday(profile.name):
        terms = (_term(keyword, syntax) for keyword in keywords[:_MOST_KEYWORDS])
        narrow = f"{syntax.both}({' OR '.join(terms)})"
    names = _fitting_names(profile, syntax, len(narrow))
    text = " OR ".join(names)
    text = f"({text}){narrow}" if narrow or len(names) > 1 else text
    for phrase in map(phrase_of, profile.excluded_terms):
        more = text + syntax.exclude.format(_term(phrase, syntax))
        if phrase and len(more) <= syntax.max_chars and len(more.split()) <= syntax.max_words:
            text = more
    return text


def _fitting_names(profile: Profile, syntax: Syntax, taken: int) -> list[str]:
    """Names in quotes, in at most half of the words and the characters that are left."""
    chosen: list[str] = []
    words = 0
    for phrase in names_of(profile):
        words += len(phrase.split()) + bool(chosen)
        length = len(" OR ".join((*chosen, f'"{phrase}"'))) + 2 + taken
        if chosen and (words > syntax.max_words // 2 or length > syntax.max_chars):
            break
        chosen.append(f'"{phrase}"')
    return chosen


def names_of(profile: Profile) -> list[str]:
    """The name, the legal name and the aliases, each once and without operators; too short ones are left out."""
    names: list[str] = []
    for name in (profile.name, profile.legal_name or "", *profile.aliases):
        phrase = phrase_of(name)
        if len(phrase) >= 3 and phrase.casefold() not in (known.casefold() for known in names):
            names.append(phrase)
    return names or [phrase_of(profile.name)]


def phrase_of(text: str) -> str:
    """Words that carry no operator: quotes, colons and parentheses would change what is asked."""
    kept = "".join(c if c.isalnum() or c in "&'’.-+" else " " for c in text)
    return " ".join(word.lstrip("-+") for word in kept.split() if word.strip("-+.&'’"))


def _term(phrase: str, syntax: Syntax) -> str:
    return phrase if syntax.plain_words and " " not in phrase else f'"{phrase}"'


@lru_cache(maxsize=20_000)
def is_everyday(name: str) -> bool:
    """Whether a one-word name is also a word that people use every day."""
    from wordfreq import zipf_frequency  # noqa: PLC0415  (half a second to load, and only this needs it)

    return name.isalpha() and zipf_frequency(name.lower(), "en") >= _COMMON_ZIPF
