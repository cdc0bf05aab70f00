"""The phrase language: how a pattern is written, and its translation into a regular expression.

Phrases, not regular expressions, because a tenant writes some of them: they are readable, and none can be
made that takes exponential time. The language is described at the top of `patterns/en.toml`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_GAP = 12
_WORD = re.compile(r"[^\W_][\w'.&+,%$€£]*\*?|,")
_CLASSES = {
    "money": (
        r"(?:(?:[^ \d]{0,3}[$€£¥₹]\d[^ ]*|(?:rs|usd|eur|gbp|inr|sek|chf|aed|sar|cad|aud) \d[^ ]*)"
        r"(?: (?:million|billion|trillion|mln|bln|bn|mn|tn|m|b|crore|crores|lakh|thousand|k))?"
        r"|\d[\d.,]* ?(?:million|billion|trillion|mln|bln|bn|mn|crore|crores)"
        r"(?: (?:dollars?|euros?|pounds?|yen|yuan|won|rupees|francs|riyals|dirhams|reais|pesos))?) "
    ),
    "number": (
        r"(?:#?\d[^ ]*(?: (?:million|billion|percent|pct|per cent|%))?|one|two|three|four|five|six|seven|eight|nine"
        r"|ten|dozens(?: of)?|hundreds(?: of)?|thousands(?: of)?|tens of thousands(?: of)?|scores of|a dozen"
        r"|half(?: of)?|a third of|a quarter of) "
    ),
    "percent": r"(?:[+]?\d[\d.,]*(?:%| (?:percent|pct|per cent|%))|double digits) ",
    "year": r"(?:19|20)\d\d ",
}
_GAP_WORD = r"(?:[^ |:?]+ )"


class PhraseError(ValueError):
    """A phrase that cannot be read; the message names it and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class CompiledPhrase:
    """`triggers`: words (a trailing `*` marks a prefix) of which a text must hold one to be tried at all."""

    regex: re.Pattern[str]
    triggers: frozenset[str]


def _alternatives(element: str, lists: Mapping[str, Sequence[str]], phrase: str) -> list[str]:
    """The literal alternatives of one element, lists filled in, `_` turned into spaces."""
    found: list[str] = []
    for part in element.split("|"):
        if part.startswith("<") and part.endswith(">"):
            name = part[1:-1]
            if name not in lists:
                raise PhraseError(f"{phrase!r}: there is no list <{name}>")
            found.extend(word.replace("_", " ") for word in lists[name])
        else:
            words = part.split("_")
            if not all(_WORD.fullmatch(word) for word in words):
                raise PhraseError(f"{phrase!r}: {part!r} is not a word")
            found.append(" ".join(words))
    return found


def _literal(alternative: str) -> str:
    return re.escape(alternative).replace(r"\ ", " ").replace(r"\*", "[^ ]*")


def _group(alternatives: Sequence[str]) -> str:
    # Longest first, so that "chief executive officer" is tried before "chief executive".
    ordered = sorted(dict.fromkeys(alternatives), key=lambda a: (-len(a), a))
    return "(?:" + "|".join(map(_literal, ordered)) + ") "


def compile_phrase(phrase: str, lists: Mapping[str, Sequence[str]]) -> CompiledPhrase:
    """Compile one phrase, or raise PhraseError."""
    pattern = ["(?<= )"]
    triggers: frozenset[str] | None = None
    for element in phrase.lower().split():
        optional = element.endswith("?") and len(element) > 1
        body = element[:-1] if optional else element
        if body == "^":
            pattern = ["^ "]
            continue
        if body == "$":
            pattern.append(r"(?=\||\?|$)")
            continue
        if body.startswith("~"):
            if not body[1:].isdigit() or not 0 < int(body[1:]) <= MAX_GAP:
                raise PhraseError(f"{phrase!r}: a gap is ~1 to ~{MAX_GAP}")
            pattern.append(_GAP_WORD + f"{{0,{body[1:]}}}?")
            continue
        if body in (":", "?"):
            pattern.append(re.escape(body) + " ")
            continue
        name = body[1:-1] if body.startswith("<") and body.endswith(">") else ""
        if name in _CLASSES:
            pattern.append(f"(?:{_CLASSES[name]})" + ("?" if optional else ""))
            continue
        negated = body.startswith("!")
        alternatives = _alternatives(body[1:] if negated else body, lists, phrase)
        if negated:
            pattern.append(f"(?!{_group(alternatives)})")
            continue
        pattern.append(f"(?:{_group(alternatives)})?" if optional else _group(alternatives))
        if not optional:
            firsts = frozenset(a.split()[0] for a in alternatives)
            if triggers is None or _rarity(firsts) > _rarity(triggers):
                triggers = firsts
    if triggers is None:
        raise PhraseError(f"{phrase!r}: at least one word must be required")
    return CompiledPhrase(re.compile("".join(pattern)), triggers)


# Words that stand in most texts make poor triggers: the phrase would be tried nearly always.
_COMMON = frozenset(
    "a an the to of in on for with at by from and or as is are was be its it new up out over after into than"
    " will has have had not no us company says said".split()
)


def _rarity(words: frozenset[str]) -> float:
    """Higher for the better trigger: few words, none of them common."""
    return -sum(12.0 if w in _COMMON else 1.0 for w in words)
