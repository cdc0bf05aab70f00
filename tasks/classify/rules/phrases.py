"""The phrase language: how a pattern is written, and its translation into a regular expression.

Phrases, not regular expressions, because a tenant writes some of them: they are readable, and none can be
made that takes exponential time. The language is described at the top of `patterns/en.toml`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_GAP = 12
# Gaps and optional words multiply the ways to try; this many at each place of a text is still quick.
MAX_WAYS = 5_000
_WORD = re.compile(r"[^\s|_<>~!^*]+\*?")
_CLASSES = {
    "money": (
        r"(?:(?:[^ \d]{0,3}[$€£¥₹]\d[^ ]*|(?:rs|usd|eur|gbp|inr|sek|chf|aed|sar|cad|aud) \d[^ ]*)"
        r"(?: (?:million|billion|trillion|mln|bln|bn|mn|tn|m|b|crore|crores|lakh|thousand|k))?"
        r"|\d[\d.,]* ?(?:million|billion|trillion|mln|bln|bn|mn|crore|crores)"
        r"(?: (?:dollars?|euros?|pounds?|yen|yuan|won|rupees|francs|riyals|dirhams|reais|pesos))?) "
    ),
    "number": (
        r"(?:#?\d[^ ]*(?: (?:million|billion|percent|pct|per cent|%))?"
        r"|one|two|three|four|five|six|seven|eight|nine|ten|half(?: of)?|a third of|a quarter of"
        r"|(?:dozens|hundreds|thousands|tens of thousands|scores)(?: of)?|a dozen) "
    ),
    "percent": r"(?:[+]?\d[\d.,]*(?:%| (?:percent|pct|per cent|%))|double digits) ",
    "year": r"(?:19|20)\d\d ",
}
_GAP_WORD = r"(?:[^ |:?]+ )"


class PhraseError(ValueError):
    """A phrase that cannot be read; the message names it and what is wrong with it."""


@dataclass(slots=True)
class CompiledPhrase:
    """A phrase ready to be tried, and which texts are worth the try.

    `triggers`: words (a trailing `*` marks a prefix) of which a text must hold one. `also`: whole words of
    which it must hold one too; empty when the phrase requires no second element.
    """

    source: str
    triggers: frozenset[str]
    also: frozenset[str]
    _regex: re.Pattern[str] | None = None

    def search(self, canon: str) -> re.Match[str] | None:
        """The first match in a canonical text, from the space before its first word to the one after its last.

        The expression is compiled when it is first needed: a process that judges one text need not wait for all.
        """
        if self._regex is None:
            self._regex = re.compile(self.source)
        return self._regex.search(canon)


@dataclass(frozen=True, slots=True)
class _Element:
    regex: str
    triggers: frozenset[str] | None  # None: it holds a class such as <money>, which no single word announces


def _element(body: str, lists: Mapping[str, Sequence[str]], phrase: str) -> _Element:
    """One element (`a|b_c|<list>`) as a regular expression that ends with the space after it."""
    literals: list[str] = []
    classes: list[str] = []
    for part in body.split("|"):
        name = part[1:-1] if part.startswith("<") and part.endswith(">") else ""
        if name in _CLASSES:
            classes.append(f"(?:{_CLASSES[name]})")
        elif name and name in lists:
            literals.extend(word.replace("_", " ") for word in lists[name])
        elif name:
            raise PhraseError(f"{phrase!r}: there is no list <{name}>")
        elif not all(_WORD.fullmatch(word) for word in part.split("_")):
            raise PhraseError(f"{phrase!r}: {part!r} is not a word")
        else:
            literals.append(part.replace("_", " "))
    # Longest first, so that "chief executive officer" is tried before "chief executive".
    ordered = sorted(dict.fromkeys(literals), key=lambda a: (-len(a), a))
    if ordered:
        classes.append("(?:" + "|".join(map(_literal, ordered)) + ") ")
    return _Element(
        "(?:" + "|".join(classes) + ")",
        None if len(classes) > bool(ordered) else frozenset(a.split()[0] for a in ordered),
    )


def _literal(alternative: str) -> str:
    return re.escape(alternative).replace(r"\ ", " ").replace(r"\*", "[^ ]*")


def compile_phrase(phrase: str, lists: Mapping[str, Sequence[str]]) -> CompiledPhrase:
    """Compile one phrase, or raise PhraseError."""
    # Starting with the space before the first word lets the engine skip to it; a lookbehind would not.
    pattern = [" "]
    required: list[frozenset[str]] = []
    ways = 1
    for body in phrase.lower().split():
        if body == "^":
            pattern = ["^ "]
        elif body == "$":
            pattern.append(r"(?=\||\?|$)")
        elif body in (":", "?"):
            pattern.append(re.escape(body) + " ")
        elif body.startswith("~"):
            if not body[1:].isdigit() or not 0 < int(body[1:]) <= MAX_GAP:
                raise PhraseError(f"{phrase!r}: a gap is ~1 to ~{MAX_GAP}")
            pattern.append(_GAP_WORD + f"{{0,{body[1:]}}}?")
            ways *= int(body[1:]) + 1
        elif body.startswith("!"):
            pattern.append(f"(?!{_element(body[1:], lists, phrase).regex})")
        elif body.endswith("?"):
            pattern.append(f"{_element(body[:-1], lists, phrase).regex}?")
            ways *= 2
        else:
            element = _element(body, lists, phrase)
            pattern.append(element.regex)
            if element.triggers:
                required.append(element.triggers)
    if ways > MAX_WAYS:
        raise PhraseError(f"{phrase!r}: fewer or smaller gaps, please")
    if not required:
        raise PhraseError(f"{phrase!r}: at least one word must be required")
    required.sort(key=_rarity, reverse=True)
    whole = [words for words in required[1:] if not any(w.endswith("*") for w in words)]
    return CompiledPhrase("".join(pattern), required[0], whole[0] if whole else frozenset())


# Words that stand in most texts make poor triggers: the phrase would be tried nearly always.
_COMMON = frozenset(
    "a an the to of in on for with at by from and or as is are was be its it new up out over after into than "
    "will has have had not no us company says said".split()
)


def _rarity(words: frozenset[str]) -> float:
    """Higher for the better trigger: few words, none of them common."""
    return -sum(12.0 if w in _COMMON else 1.0 for w in words)
