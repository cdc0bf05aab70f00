"""What makes two articles in the same words tell different events: another quarter, version, phase, direction."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from tasks.dedupe.text import clean, tokens

__all__ = ["Marks", "contradiction", "marks"]

Marks = Mapping[str, frozenset[str]]
"""Kind of mark ("quarter", "version ios", "way demand") -> the values an article states."""

_NTH: Final = {"first": "1", "second": "2", "third": "3", "fourth": "4", "1st": "1", "2nd": "2", "3rd": "3", "4th": "4"}
_QUARTER: Final = re.compile(
    r"\b(?:q([1-4])|([1-4])q|(first|second|third|fourth|1st|2nd|3rd|4th)[ -](?:fiscal[ -])?quarter)\b", re.I
)
_HALF: Final = re.compile(r"\b(?:h([12])|(first|second)[ -]half)\b", re.I)
_FISCAL: Final = re.compile(r"\b(?:fy ?|fiscal (?:year )?)'?(20)?(\d\d)\b", re.I)
_NUMBERED: Final = re.compile(
    r"\b(phase|stage|season|episode|round|part|chapter|volume|series|week|day|game|test|lot|unit|plant|flight|form)"
    r" (\d{1,4}(?:-[a-z])?|[a-h]|i{1,3}|iv|vi{0,3})\b",
    re.I,
)
_VERSION: Final = re.compile(r"\b([A-Za-z]{2,}) v?(\d{1,3}\.\d{1,2}(?:\.\d+)?)\b(?! ?(?:%|per ?cent|[mb]illion|[mbt]n\b|trillion|[a-z]*-?magnitude|pct|[mb]\b|x\b))")
_NOT_VERSIONED: Final = frozenset(
    "to by of at a an the about over under from than for and or nearly around only just up down with in on is are was"
    " magnitude reaches hits least most record us rs eur usd gbp scores scored between increases decreases".split()
)
# Two ways of one axis, as word beginnings: an article that goes one way is not one that goes the other.
_WAYS: Final = tuple(
    (axis, re.compile(rf"\b(?:{one})\b", re.I), re.compile(rf"\b(?:{other})\b", re.I))
    for axis, one, other in (
        ("staff", r"hires?|hired|hiring|appoint(?:s|ed)?|names|named", r"fires?|fired|sacks?|sacked|ousts?|ousted|resigns?|resigned|steps? down"),
        ("verdict", r"acquit(?:s|ted)?|not guilty|cleared", r"convict(?:s|ed)?|found guilty"),
        ("permit", r"approv(?:es|ed|al)|clears|upholds?|upheld", r"rejects?|rejected|blocks?|blocked|overturns?|overturned|strikes? down|struck down"),
        ("rating", r"upgrad(?:es|ed)", r"downgrad(?:es|ed)"),
        ("results", r"beats?|tops?|topped|exceeds?", r"miss(?:es|ed)?|falls? short"),
        ("market", r"rises?|rose|rall(?:y|ies|ied)|surges?|surged|jumps?|jumped|soars?|soared|climbs?|climbed|gains?", r"falls?|fell|drops?|dropped|plunges?|plunged|slides?|slid|tumbles?|tumbled|sinks?|sank|slumps?|slumped"),
    )
)


@lru_cache(maxsize=65_536)
def marks(title: str, snippet: str | None = None) -> Marks:
    """The marks an article states. Directions are read in the title alone: a lead often tells both."""
    title = clean(title)
    text = f"{title} {clean(snippet)}"
    found: dict[str, set[str]] = {}
    for match in _QUARTER.finditer(text):
        value = match.group(1) or match.group(2) or _NTH[match.group(3).lower()]
        found.setdefault("quarter", set()).add(value)
    for match in _HALF.finditer(text):
        found.setdefault("half", set()).add(match.group(1) or _NTH[match.group(2).lower()])
    for match in _FISCAL.finditer(text):
        found.setdefault("fiscal year", set()).add(match.group(2))
    for match in _NUMBERED.finditer(title):
        found.setdefault(match.group(1).lower(), set()).add(match.group(2).lower())
    for match in _VERSION.finditer(title):
        if match.group(1).lower() not in _NOT_VERSIONED:
            found.setdefault(f"version {match.group(1).lower()}", set()).add(match.group(2))
    for axis, one, other in _WAYS:
        ways = {w for w, pattern in (("one", one), ("other", other)) if pattern.search(title)}
        if ways:
            found.setdefault(f"way {axis}", set()).update(ways)
    return {kind: frozenset(values) for kind, values in found.items()}


def contradiction(a: Marks, b: Marks) -> str | None:
    """The kind of the first mark that both state and none shares, or None."""
    for kind in sorted(a.keys() & b.keys()):
        if not a[kind] & b[kind]:
            return kind
    return None
