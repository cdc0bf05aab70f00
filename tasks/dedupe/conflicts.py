"""What makes two articles in the same words tell different events: another quarter, version, phase, direction."""

from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["Marks", "contradiction", "marks"]

Marks = Mapping[str, frozenset[str]]
"""Kind of mark ("quarter", "version ios", "way staff") -> the values an article states."""

_NOTHING: Final[Marks] = {}
_NTH: Final = {"first": "1", "second": "2", "third": "3", "fourth": "4"}
_NTH_SHORT: Final = {"st": "1", "nd": "2", "rd": "3", "th": "4"}
_SERIES: Final = frozenset(
    "phase stage season episode round part chapter volume series week day game test lot unit plant flight form".split()
)
_ROMAN: Final = frozenset("i ii iii iv v vi vii viii".split())
_UNITS: Final = frozenset(
    "percent pct per million billion trillion m b k t bn mn tn x magnitude degrees points cents miles km years hours"
    " minutes seconds inches inch gb tb mbps ghz".split()
)
# A decimal after one of these counts or measures; after a noun it names a version.
_NOT_VERSIONED: Final = frozenset(
    "to by of at a an the about over under from than for and or nearly around only just up down with in on is are was"
    " magnitude reaches hits least most record us rs eur usd gbp score scores scored between increases decreases rises"
    " falls rose fell gains loses lost won adds jumps drops slips raises cuts worth some another as be were said says"
    " roughly almost approximately above below exceeds tops buys sells pays paid".split()
)
# Two ways of one axis: an article that goes one way is not one that goes the other. Prices and results are none: one
# outlet says that the buyer's shares fell, another that the target's rose.
_WAYS: Final = {
    word: (f"way {axis}", way)
    for axis, one, other in (
        (
            "staff",
            "hire hires hired hiring appoint appoints appointed",
            "fire fires fired sack sacks sacked oust ousts ousted",
        ),
        ("verdict", "acquit acquits acquitted cleared", "convict convicts convicted"),
        (
            "permit",
            "approve approves approved uphold upholds upheld",
            "reject rejects rejected block blocks blocked",
        ),
        ("rating", "upgrade upgrades upgraded", "downgrade downgrades downgraded"),
    )
    for way, words in (("one", one), ("other", other))
    for word in words.split()
}


def marks(title: Sequence[str], snippet: Sequence[str] = ()) -> Marks:
    """The marks in an article's tokens. Only quarter, half and fiscal year are read in the snippet too: a lead often
    tells both directions and mentions other parts."""
    found: dict[str, set[str]] = {}
    for i, word in enumerate(title):
        if word in _WAYS:
            axis, way = _WAYS[word]
            found.setdefault(axis, set()).add(way)
        elif i and (word[0].isdigit() or word in _ROMAN):
            _numbered(title, i, found)
    for words in (title, snippet):
        for i, word in enumerate(words):
            if word in {"quarter", "half", "q", "h", "fy", "fiscal"}:
                _period(words, i, found)
    if not found:
        return _NOTHING
    return {kind: frozenset(values) for kind, values in found.items()}


def contradiction(a: Marks, b: Marks) -> str | None:
    """The kind of the first mark that both state and none shares, or None."""
    for kind in sorted(a.keys() & b.keys()):
        if not a[kind] & b[kind]:
            return kind
    return None


def _numbered(words: Sequence[str], i: int, found: dict[str, set[str]]) -> None:
    """ "phase 3", "ios 26.1"."""
    before, word = words[i - 1], words[i]
    if before in _SERIES:
        found.setdefault(before, set()).add(word)
    elif "." in word and before.isalpha() and before not in _NOT_VERSIONED:
        after = words[i + 1] if i + 1 < len(words) else ""
        if after not in _UNITS:
            found.setdefault(f"version {before}", set()).add(word)


def _period(words: Sequence[str], i: int, found: dict[str, set[str]]) -> None:
    """ "third quarter", "q 3", "2 h", "fiscal 2026"; `tokens` parts letters from digits."""
    word = words[i]
    before = words[i - 1] if i else ""
    after = words[i + 1] if i + 1 < len(words) else ""
    if word in {"quarter", "half"}:
        if before == "fiscal" and i > 1:
            before = words[i - 2]
        number = _NTH.get(before, "")
        if before in _NTH_SHORT and i > 1 and words[i - 2] == _NTH_SHORT[before]:
            number = words[i - 2]
        if number:
            found.setdefault(word, set()).add(number)
    elif word in {"q", "h"}:
        for number in (after, before):
            if number in {"1", "2", "3", "4"}:
                found.setdefault("quarter" if word == "q" else "half", set()).add(number)
                return
    else:
        year = words[i + 2] if after == "year" and i + 2 < len(words) else after
        if year.isdigit() and len(year) in {2, 4}:
            found.setdefault("fiscal year", set()).add(year[-2:])
