"""Articles as sparse unit vectors: stemmed words and half-weight word pairs, weighted by how rare they are in
English at large (background IDF), and less where the window itself is full of them."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, chain
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import wordfreq

from tasks.dedupe.text import tokens

__all__ = ["COLUMNS", "Features", "Words", "analyse", "features", "rarity", "spell", "weigh"]

COLUMNS: Final = 1 << 22
"""Features are hashed into this many columns: memory stays flat, and two articles share a false feature about
once in four hundred pairs, with a weight that cannot join them."""

_WINDOW: Final = 100
"""Words a reader meets before a word counts as expected: idf = -log P(the word occurs in 100 words)."""
_RAREST: Final = 1e-6
_VOWELS: Final = frozenset("aeiouy")
_PAIR_WEIGHT: Final = 0.5
_NAME_SHARE: Final = 0.25
_TRUST: Final = 1000.0
_KEPT: Final = 0.6
_NEGLIGIBLE: Final = 0.15
_MIX_A: Final = np.uint64(0x9E3779B1)
_MIX_B: Final = np.uint64(0x85EBCA6B)
_INFLECTIONS: Final = ("s", "e", "es", "ed", "ing", "ly")


class Words(NamedTuple):
    """An article's tokens as term numbers, a segment (title, snippet) after the other."""

    terms: tuple[int, ...]
    weights: tuple[float, ...]
    breaks: tuple[int, ...]
    shared: tuple[bool, ...] = ()
    """Which terms are of a known name; empty for none."""


@lru_cache(maxsize=1)
def _frequencies() -> dict[str, float]:
    return wordfreq.get_frequency_dict("en", "best")


def _stem(word: str) -> str:
    """A word without its inflection. A full stemmer costs thirty times as much, on every new word, and groups no
    better."""
    if len(word) <= 3 or not word.isascii():
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word[-1] == "s" and word[-2] not in "suia'":
        word = word[:-1]
    for ending in ("ingly", "edly", "ing", "ed", "ly"):
        if word.endswith(ending):
            rest = word[: -len(ending)]
            if len(rest) >= 3 and not _VOWELS.isdisjoint(rest):
                word = rest[:-1] if rest[-1] == rest[-2] and rest[-1] not in "lsz" else rest
            break
    if len(word) > 3 and word[-1] == "e":
        return word[:-1]
    return word[:-1] + "i" if len(word) > 3 and word[-1] == "y" else word


@lru_cache(maxsize=200_000)
def _term(token: str) -> tuple[int, float]:
    """A token's number (31 bits, stable across processes) and background IDF."""
    if token[0].isdigit():
        stem, p = token, wordfreq.word_frequency(token, "en")
    else:
        stem = _stem(token)
        known = _frequencies()
        p = known.get(stem, 0.0)
        for ending in _INFLECTIONS:
            p += known.get(stem + ending, 0.0)
        p = max(p, known.get(token, 0.0))
    p = min(max(p, _RAREST), 0.5)
    return crc32(stem.encode()) & 0x7FFFFFFF, -math.log(1.0 - (1.0 - p) ** _WINDOW)


@lru_cache(maxsize=4096)
def _name_terms(names: tuple[str, ...]) -> frozenset[int]:
    return frozenset(_term(t)[0] for name in names for t in tokens(name))


def analyse(segments: Sequence[Sequence[str]], names: tuple[str, ...] = ()) -> Words:
    """The terms of an article's segments (the tokens of its title, of its snippet). Those of `names`, which the
    reader's other articles share too, count less."""
    found = [_term(token) for segment in segments for token in segment]
    terms, weights = zip(*found, strict=True) if found else ((), ())
    known = _name_terms(names) if names else frozenset()
    shared = tuple(n in known for n in terms) if known else ()
    return Words(terms, weights, tuple(accumulate(map(len, segments))), shared)


class Features(NamedTuple):
    """Rows of damped term frequencies (a word pair counts half a word) and, in the same places, background IDF."""

    frequency: sp.csr_array
    idf: npt.NDArray[np.float64]
    named: npt.NDArray[np.float64]
    """How far a cell is that of a known name: 1 for its words, a half for a pair with one."""


def features(articles: Sequence[Words]) -> Features:
    """One row an article, `COLUMNS` columns."""
    sizes = np.array([len(a.terms) for a in articles], dtype=np.int64)
    total = int(sizes.sum())
    rows = np.repeat(np.arange(len(articles), dtype=np.int64), sizes)
    terms = np.fromiter(chain.from_iterable(a.terms for a in articles), dtype=np.uint64, count=total)
    weights = np.fromiter(chain.from_iterable(a.weights for a in articles), dtype=np.float64, count=total)
    shared = chain.from_iterable(a.shared or (False,) * len(a.terms) for a in articles)
    named = np.fromiter(shared, dtype=np.float64, count=total)
    starts = np.cumsum(sizes) - sizes
    last = np.zeros(total + 1, dtype=bool)
    last[[start + end for start, a in zip(starts.tolist(), articles, strict=True) for end in a.breaks]] = True
    follows = np.flatnonzero(~last[1:total]) if total else np.zeros(0, dtype=np.int64)
    pairs = terms[follows] * _MIX_A + terms[follows + 1] * _MIX_B + np.uint64(1)
    rows = np.concatenate((rows, rows[follows]))
    columns = np.concatenate((_column(terms * _MIX_A), _column(pairs * _MIX_B)))
    weights = np.concatenate((weights, (weights[follows] + weights[follows + 1]) / 2))
    named = np.concatenate((named, (named[follows] + named[follows + 1]) / 2))
    parts = np.concatenate((np.ones(total), np.full(len(follows), _PAIR_WEIGHT)))
    # Sort once: equal cells become neighbours and are summed in place.
    order = np.argsort(rows * COLUMNS + columns, kind="stable")
    rows, columns, weights, parts = rows[order], columns[order], weights[order], parts[order]
    fresh = np.ones(len(rows), dtype=bool)
    fresh[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
    cells = np.flatnonzero(fresh)
    counts = np.diff(np.append(cells, len(rows)))
    values = parts[cells] * (1.0 + 0.5 * np.log(counts))
    ends = np.searchsorted(rows[cells], np.arange(len(articles) + 1))
    frequency = sp.csr_array((values, columns[cells], ends), shape=(len(articles), COLUMNS))
    return Features(frequency, weights[cells], named[order][cells])


def weigh(found: Features, known: npt.NDArray[np.int32], articles: int) -> sp.csr_array:
    """Rows of length 1 (0 for an article without words), float32.

    `known[c]` of the window's `articles` have the term of column c. A term that is more frequent here than in
    English at large counts less, as if `_TRUST` articles had been seen of English; but never less than `_KEPT` of
    its background weight, for a term may be frequent because its story is.
    """
    idf = found.idf
    here = np.maximum(known[found.frequency.indices].astype(np.float64) - 1.0, 0.0)
    local = -np.log((here + _TRUST * np.exp(-idf)) / (articles + _TRUST))
    values = found.frequency.data * np.maximum(np.clip(local, 0.0, idf), _KEPT * idf)
    values[values < _NEGLIGIBLE] = 0.0
    # A known name joins little, and does not thin out the other words: who is concerned is what `Doc.parties` says.
    shown = values * (1.0 - found.named * (1.0 - _NAME_SHARE))
    rows = np.repeat(np.arange(found.frequency.shape[0]), np.diff(found.frequency.indptr))
    lengths = np.sqrt(np.bincount(rows, weights=shown * shown, minlength=found.frequency.shape[0]))
    lengths[lengths == 0.0] = 1.0
    result = sp.csr_array(
        ((shown / lengths[rows]).astype(np.float32), found.frequency.indices, found.frequency.indptr),
        shape=found.frequency.shape,
    )
    result.eliminate_zeros()
    return result


def spell(segments: Sequence[Sequence[str]]) -> dict[int, str]:
    """Column -> the word, or the pair of words, of these tokens that counts there."""
    found: dict[int, str] = {}
    for words in segments:
        terms = np.array([_term(word)[0] for word in words], dtype=np.uint64)
        pairs = terms[:-1] * _MIX_A + terms[1:] * _MIX_B + np.uint64(1)
        for column, i in zip(_column(pairs * _MIX_B).tolist(), range(len(words) - 1), strict=True):
            found.setdefault(column, f"{words[i]} {words[i + 1]}")
        for column, word in zip(_column(terms * _MIX_A).tolist(), words, strict=True):
            found[column] = word
    return found


def _column(hashed: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    hashed = (hashed ^ (hashed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return ((hashed >> np.uint64(32)) & np.uint64(COLUMNS - 1)).astype(np.int64)


def rarity(token: str) -> float:
    """A token's background IDF: 0 for a word in every text, 9.2 for one that English does not know."""
    return _term(token)[1]
