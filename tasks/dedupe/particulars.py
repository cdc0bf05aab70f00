"""The particulars of an event that a text states: who, how many, how strong, how old, on which day."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from tasks.dedupe.features import rarity
from tasks.dedupe.text import NUMBER_WORDS, tokens

__all__ = ["Particulars", "particulars"]

Particulars = Mapping[str, frozenset[str]]
"""Kind -> what the text states of it: `name` anywhere, `subject` (names in the title), `number` (but for dates and
times), `date` ("may 3"), `weekday`, `month`, `year`, `age`, `magnitude` (in tenths)."""

_NOTHING: Final[Particulars] = {}
_WEEKDAYS: Final = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
_MONTHS: Final = {
    name: month[:3]
    for month in (
        "january february march april may june july august september october november december".split()
    )
    for name in (month, month[:3])
} | {"sept": "sep"}
_STATED: Final = re.compile(r"[A-Z][\w&’']+|\d+(?:[.,:]\d+)*")
_ASCII_STATED: Final = re.compile(_STATED.pattern, re.A)
_AGE: Final = re.compile(r"\b(\d{1,3})\s?-\s?years?\s?-\s?old\b|\baged (\d{1,3})\b", re.I)
_DECIMAL: Final = r"(\d)\s?\.\s?(\d)"
_MAGNITUDE: Final = re.compile(
    rf"\b{_DECIMAL}\s?-?\s?magnitude|magnitude\s?-?\s?(?:of\s)?{_DECIMAL}|{_DECIMAL}\s?(?:earth)?quake", re.I
)
_NUMBERS: Final = frozenset(NUMBER_WORDS)
_SHAKEN: Final = frozenset({"magnitude", "quake", "earthquake"})
_NAME_RARITY: Final = 4.0
"""A capitalised word is a name where English has it less than once in about 5,000 words; a headline in title case
capitalises all of them."""


def particulars(title: str, snippet: str, said: Sequence[str]) -> Particulars:
    """What an article states, from its cleaned title and snippet as written and their tokens."""
    found: dict[str, set[str]] = {}
    _scan(title, found)
    if "name" in found:
        found["subject"] = set(found["name"])
    if snippet:
        _scan(snippet, found)
    for word in _NUMBERS.intersection(said):
        found.setdefault("number", set()).add(NUMBER_WORDS[word])
    text = f"{title}. {snippet}"
    if "old" in said or "aged" in said:
        for match in _AGE.finditer(text):
            found.setdefault("age", set()).add(match.group(1) or match.group(2))
    if not _SHAKEN.isdisjoint(said):
        for match in _MAGNITUDE.finditer(text):
            tenths = int("".join(g for g in match.groups() if g))
            # First reports are revised: what is within two tenths is the same.
            found.setdefault("magnitude", set()).update(str(tenths + d) for d in (-1, 0, 1))
    return {kind: frozenset(values) for kind, values in found.items()} if found else _NOTHING


def _scan(text: str, found: dict[str, set[str]]) -> None:
    """Names, numbers and days."""
    month = ""
    for word in (_ASCII_STATED if text.isascii() else _STATED).findall(text):
        kind, value = _number(word, month) if word[0].isdigit() else _capitalised(word)
        month = value if kind == "month" else ""
        if value:
            found.setdefault(kind, set()).add(value)


@lru_cache(maxsize=100_000)
def _capitalised(word: str) -> tuple[str, str]:
    """What a capitalised word states; nothing when it is a common one."""
    low = word.lower().replace("’", "'").removesuffix("'s")
    if low in _MONTHS:
        return "month", _MONTHS[low]
    if low in _WEEKDAYS:
        return "weekday", low
    said = [low] if low.isascii() and low.isalpha() else tokens(word)
    return "name", said[0] if said and rarity(said[0]) >= _NAME_RARITY else ""


def _number(word: str, month: str) -> tuple[str, str]:
    if ":" in word:
        return "time", ""
    value = word.replace(",", "")
    if len(value) == 4 and value[:2] in {"19", "20"}:
        return "year", value
    return ("date", f"{month} {value}") if month and len(value) <= 2 else ("number", value)
