"""Which articles are alike: the pairs above a floor without comparing all with all, and what their neighbours say."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

__all__ = ["Pairs", "only", "similar_pairs", "smooth"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_CHUNK: Final = 1024
_COMMON_SHARE: Final = 0.02
_COMMON_AT_LEAST: Final = 400
_COMMON_AT_MOST: Final = 800
_PAIRS_AT_MOST: Final = 1_800_000
_NEAREST_AT_LEAST: Final = 30


class Pairs(NamedTuple):
    """Pairs of rows left[k] < right[k], each once, in order, with their similarity."""

    left: Ints
    right: Ints
    similarity: Floats


def only(pairs: Pairs, keep: npt.NDArray[np.bool_]) -> Pairs:
    """Some of the pairs."""
    return Pairs(pairs.left[keep], pairs.right[keep], pairs.similarity[keep])


def similar_pairs(
    rows: sp.csr_array, first_new: int, at: Floats, window: float, floor: float, nearest: int
) -> Pairs:
    """The pairs with a row from `first_new` on, a cosine of `floor` or more and at most `window` seconds between
    them (an unknown time, NaN, is near to all), as far as one is among the `nearest` of the other (fewer where tens
    of thousands are in reach, so that the pairs do not outgrow the memory).

    Candidates share a term that is not common among these rows (an inverted index over the rarer terms); the common
    terms count in the similarity of the candidates all the same.
    """
    columns, compact = np.unique(rows.indices, return_inverse=True)
    size = rows.shape[0]
    frequency = np.bincount(compact, minlength=len(columns))
    common = (frequency > np.clip(_COMMON_SHARE * size, _COMMON_AT_LEAST, _COMMON_AT_MOST))[compact]
    whole = sp.csr_array((rows.data, compact, rows.indptr), shape=(size, len(columns)))
    rare = _select(whole, ~common)
    frequent = _select(whole, common) if common.any() else None
    lefts, rights, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for start in range(first_new, size, _CHUNK):
        stop = min(start + _CHUNK, size)
        times = at[start:stop]
        known = times[~np.isnan(times)]
        reach = np.arange(size)
        if len(known) == len(times):
            reach = np.flatnonzero(~(at < known.min() - window) & ~(at > known.max() + window))
        count = min(nearest, max(_NEAREST_AT_LEAST, _PAIRS_AT_MOST // len(reach)))
        product = rare[start:stop] @ rare[reach].T
        mine = np.repeat(np.arange(start, stop), np.diff(product.indptr))
        other = reach[product.indices]
        value = product.data.astype(np.float64)
        keep = (value >= (floor if frequent is None else floor / 2)) & (mine != other)
        mine, other, value = mine[keep], other[keep], value[keep]
        near = ~(np.abs(at[mine] - at[other]) > window)
        mine, other, value = mine[near], other[near], value[near]
        if frequent is not None and len(mine):
            keep = _nearest(mine - start, value, stop - start, 3 * count)
            mine, other, value = mine[keep], other[keep], value[keep]
            value += np.asarray(frequent[mine].multiply(frequent[other]).sum(axis=1)).ravel()
            keep = value >= floor
            mine, other, value = mine[keep], other[keep], value[keep]
        keep = _nearest(mine - start, value, stop - start, count)
        lefts.append(np.minimum(mine[keep], other[keep]))
        rights.append(np.maximum(mine[keep], other[keep]))
        values.append(value[keep])
    left, right, value = np.concatenate(lefts), np.concatenate(rights), np.concatenate(values)
    _, once = np.unique(left * size + right, return_index=True)
    return Pairs(left[once], right[once], np.minimum(value[once], 1.0))


def smooth(
    pairs: Pairs,
    rows: Ints,
    size: int,
    at: Floats,
    window: float,
    floor: float,
    neighbours: int,
    share: float,
) -> Pairs:
    """The similarities among `rows` (sorted) after each article took up `share` of its nearest `neighbours`, in
    proportion to their likeness: two tellings that share few words meet in a third. Window and floor hold again.
    """
    loops = np.arange(size)
    known = sp.csr_array(
        (
            np.concatenate((pairs.similarity, pairs.similarity, np.ones(size))),
            (
                np.concatenate((pairs.left, pairs.right, loops)),
                np.concatenate((pairs.right, pairs.left, loops)),
            ),
        ),
        shape=(size, size),
    )
    known.sort_indices()
    some = known[rows]
    mine = np.repeat(np.arange(len(rows)), np.diff(some.indptr))
    other, value = some.indices.astype(np.int64), some.data
    apart = (rows[mine] != other) & (value >= _LIKE)
    mine, other, value = mine[apart], other[apart], value[apart]
    keep = _nearest(mine, value, len(rows), neighbours)
    mixing = sp.csr_array(
        (
            np.concatenate((share * value[keep], np.ones(len(rows)))),
            (np.concatenate((mine[keep], np.arange(len(rows)))), np.concatenate((other[keep], rows))),
        ),
        shape=(len(rows), size),
    )
    spread = sp.csr_array(mixing @ known)
    lengths = np.sqrt(np.asarray(spread.multiply(mixing).sum(axis=1)).ravel())
    spread.data[spread.data < floor * _HEARD] = 0.0
    spread.eliminate_zeros()
    back = mixing.T.tocsr()
    # What two articles took up of each other says nothing about the pair: only third ones may.
    taken = sp.csr_array((share * value[keep], (mine[keep], other[keep])), shape=(len(rows), size))[:, rows]
    returned = taken.T.tocsr()
    own = taken + returned + taken.multiply(returned).multiply(some[:, rows])
    lefts, rights, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for start in range(0, len(rows), _CHUNK):
        product = sp.csr_array(spread[start : start + _CHUNK] @ back - own[start : start + _CHUNK])
        left = np.repeat(np.arange(start, start + product.shape[0]), np.diff(product.indptr))
        right = product.indices.astype(np.int64)
        upper = left < right
        left, right, value = left[upper], right[upper], product.data[upper]
        value = value / (lengths[left] * lengths[right])
        keep = value >= floor
        left, right, value = rows[left[keep]], rows[right[keep]], value[keep]
        near = ~(np.abs(at[left] - at[right]) > window)
        lefts.append(left[near])
        rights.append(right[near])
        values.append(value[near])
    left, right = np.concatenate(lefts), np.concatenate(rights)
    order = np.argsort(left * size + right)
    return Pairs(left[order], right[order], np.minimum(np.concatenate(values)[order], 1.0))


_HEARD: Final = 0.4
"""Of the floor: what reaches an article through its neighbours with less than this is dropped on the way."""
_LIKE: Final = 0.15
"""Neighbours less alike than this say nothing."""


def _nearest(mine: Ints, value: Floats, size: int, count: int) -> Ints:
    """Of entries grouped by `mine`, in order, the places of the `count` highest values of each."""
    starts = np.searchsorted(mine, np.arange(size + 1))
    crowded = np.diff(starts) > count
    if not crowded.any():
        return np.arange(len(mine))
    keep = ~np.repeat(crowded, np.diff(starts))
    for row in np.flatnonzero(crowded).tolist():
        begin, end = starts[row], starts[row + 1]
        keep[begin + np.argpartition(value[begin:end], -count)[-count:]] = True
    return keep.nonzero()[0]


def _select(matrix: sp.csr_array, keep: npt.NDArray[np.bool_]) -> sp.csr_array:
    ends = np.concatenate(([0], np.cumsum(keep)))
    return sp.csr_array((matrix.data[keep], matrix.indices[keep], ends[matrix.indptr]), shape=matrix.shape)
