"""What speaks for and against two articles telling the same event, beside the words they share.

Two texts in the same words that name other people, other numbers or another day tell two events more often than
their likeness says; two that agree on one tell the same more often. Tellings of an event come within a day, and one
outlet seldom tells the same twice; what it prints in the same words about other names is a column. Unlike the marks
of `conflicts` none of this decides alone: a report may be wrong, early or about something else as well.

Each factor is how much news the pairs with this evidence were the same event, compared with pairs equally alike, to
the power of about a fifth: ten times the odds are worth half as much similarity again.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.dedupe.particulars import Particulars
from tasks.dedupe.slots import NOBODY, Named, exchanged, spoken, strangers

__all__ = ["Evidence", "Stated", "evidence", "weight_pairs"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

AGREED: Final = {
    "age": 1.35, "date": 1.3, "event": 1.08, "month": 1.15, "number": 1.17, "subject": 1.1, "weekday": 1.1,
    "year": 1.08,
}  # fmt: skip
"""Both state a kind and share a value."""
DIFFERING: Final = {
    "age": 0.8, "event": 0.7, "magnitude": 0.5, "month": 0.85, "number": 0.85, "subject": 0.85, "weekday": 0.85,
    "year": 0.8,
}  # fmt: skip
"""Both state it and share none."""
_EXCHANGED: Final = 0.35
"""One sentence about other names, see `slots`; nearly all such pairs are two events."""
_STRANGERS: Final = 0.65
"""Other words about other names."""
_OUTLET: Final = 0.5
_COLUMN: Final = 0.3
"""Of the same outlet, and the titles are about other names or another weekday."""
_OF_A_COLUMN: Final = frozenset({"subject", "weekday"})
_SOON: Final = 1.2
"""Printed at the same time,"""
_A_DAY: Final = 0.3
"""less for each day between them,"""
_LATE: Final = 0.4
"""but no less than this."""


_HEARD: Final = 5000
"""Articles whose words are kept at hand while pairs are weighed."""
_KINDS: Final = tuple(sorted(AGREED.keys() | DIFFERING.keys()))


class Stated(NamedTuple):
    """An article's particulars, its outlet ("" if unknown), and its time in seconds (NaN if unknown)."""

    particulars: Particulars
    outlet: str
    at: float
    named: Named = NOBODY
    said: tuple[Sequence[str], Sequence[str]] = ((), ())
    """The tokens of its title and of its snippet."""


class Evidence(NamedTuple):
    """One thing that is known of both articles, and what their similarity is multiplied by for it."""

    kind: str
    agree: bool
    factor: float


def evidence(a: Stated, b: Stated) -> Iterator[Evidence]:
    """All that is known of a pair."""
    differs = False
    for kind in _KINDS:
        mine, theirs = a.particulars.get(kind), b.particulars.get(kind)
        if mine is None or theirs is None:
            continue
        agree = not _apart(kind, mine, theirs, a.particulars, b.particulars)
        differs = differs or (not agree and kind in _OF_A_COLUMN)
        factor = (AGREED if agree else DIFFERING).get(kind, 1.0)
        if factor != 1.0:
            yield Evidence(kind, agree, factor)
    factor = _names(a, b, spoken(a.named, a.said), spoken(b.named, b.said))
    if factor != 1.0:
        yield Evidence("name", False, factor)
    if a.outlet and a.outlet == b.outlet:
        yield Evidence("outlet", True, _OUTLET * (_COLUMN if differs else 1.0))
    apart = abs(a.at - b.at)
    if not np.isnan(apart):
        factor = float(_time(np.array(apart)))
        yield Evidence("time", factor >= 1.0, factor)


def weight_pairs(stated: Sequence[Stated], left: Ints, right: Ints) -> Floats:
    """The product of the factors of `evidence` for each pair of rows."""
    # Only the rows that are in a pair: a window of thousands may have got one article more.
    rows, places = np.unique(np.concatenate((left, right)), return_inverse=True)
    stated = [stated[row] for row in rows.tolist()]
    left, right = places[: len(left)], places[len(left) :]
    factors = np.ones(len(left))
    column = np.zeros(len(left), dtype=bool)
    for kind in _KINDS:
        values = [s.particulars.get(kind) for s in stated]
        states = np.fromiter((v is not None for v in values), dtype=bool, count=len(values))
        both = np.flatnonzero(states[left] & states[right])
        apart = np.zeros(len(both), dtype=bool)
        for k, (i, j) in enumerate(zip(left[both].tolist(), right[both].tolist(), strict=True)):
            mine, theirs = values[i], values[j]
            if mine and theirs and mine.isdisjoint(theirs):
                apart[k] = kind != "subject" or _apart(
                    kind, mine, theirs, stated[i].particulars, stated[j].particulars
                )
        factors[both] *= np.where(apart, DIFFERING.get(kind, 1.0), AGREED.get(kind, 1.0))
        if kind in _OF_A_COLUMN:
            column[both] |= apart
    names = np.fromiter((bool(s.named.runs) for s in stated), dtype=bool, count=len(stated))
    both = np.flatnonzero(names[left] & names[right])
    heard: dict[int, frozenset[str]] = {}
    for k, i, j in zip(both.tolist(), left[both].tolist(), right[both].tolist(), strict=True):
        if len(heard) > _HEARD:
            heard.clear()
        for row in (i, j):
            if row not in heard:
                heard[row] = spoken(stated[row].named, stated[row].said)
        factors[k] *= _names(stated[i], stated[j], heard[i], heard[j])
    codes: dict[str, int] = {"": -1}
    outlet = np.fromiter((codes.setdefault(s.outlet, len(codes)) for s in stated), np.int64, len(stated))
    same = (outlet[left] == outlet[right]) & (outlet[left] >= 0)
    factors[same] *= np.where(column[same], _OUTLET * _COLUMN, _OUTLET)
    at = np.fromiter((s.at for s in stated), np.float64, len(stated))
    between = np.abs(at[left] - at[right])
    known = ~np.isnan(between)
    factors[known] *= _time(between[known])
    return factors


def _apart(kind: str, mine: frozenset[str], theirs: frozenset[str], a: Particulars, b: Particulars) -> bool:
    """Whether two articles that state a kind share nothing of it. A name in one title may be in the other's lead."""
    if not mine.isdisjoint(theirs):
        return False
    return kind != "subject" or (mine.isdisjoint(b["name"]) and theirs.isdisjoint(a["name"]))


def _names(a: Stated, b: Stated, known_to_a: frozenset[str], known_to_b: frozenset[str]) -> float:
    if exchanged(a.named, b.named, known_to_a, known_to_b):
        return _EXCHANGED
    # A title alone does not show who is not concerned.
    if a.said[1] and b.said[1] and strangers(a.named, b.named, known_to_a, known_to_b):
        return _STRANGERS
    return 1.0


def _time(seconds: Floats) -> Floats:
    return np.maximum(_SOON - _A_DAY * seconds / 86_400.0, _LATE)
