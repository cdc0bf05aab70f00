"""Average linkage on a sparse graph of similarities, with a threshold that adapts to how tight the groups are."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Graph", "Rule", "agglomerate"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rule:
    """When two groups tell the same event.

    The mean similarity between their articles must reach `threshold` where both are single articles, and `contrast`
    times the mean similarity *within* them where they are large: two look-alike events are each far tighter than the
    pair of them, two halves of one event are not. `strength` is how many pairs of articles outweigh what is expected
    of single ones. The bar stays between `lowest` and `highest`.
    """

    threshold: float
    contrast: float
    strength: float
    lowest: float
    highest: float

    def needed(self, sizes: Floats, within: Floats) -> Floats:
        """One group's share of the bar: that of a pair of groups is the mean of theirs."""
        pairs = sizes * (sizes - 1.0) / 2.0
        expected = self.threshold / self.contrast
        bar = self.contrast * (within + self.strength * expected) / (pairs + self.strength)
        return np.clip(bar, self.lowest, self.highest)


class Graph(NamedTuple):
    """Nodes of `sizes[i]` articles, `within[i]` the summed similarity of the pairs among them, and edges
    left[k] < right[k], each pair once, with the summed similarity of the pairs between two nodes."""

    sizes: Floats
    within: Floats
    left: Ints
    right: Ints
    between: Floats


def agglomerate(graph: Graph, rule: Rule) -> Ints:
    """The group of each node, named by its lowest node.

    Each round merges all pairs that are each other's nearest, which for average linkage gives the tree of the
    one-at-a-time method. Deterministic: ties go to the lower nodes.
    """
    n = len(graph.sizes)
    sizes, within = graph.sizes.copy(), graph.within.copy()
    left, right, between = graph.left, graph.right, graph.between
    group = np.arange(n)
    while len(left):
        mean = between / (sizes[left] * sizes[right])
        bar = rule.needed(sizes, within)
        allowed = np.flatnonzero(mean >= (bar[left] + bar[right]) / 2.0)
        if not len(allowed):
            break
        active = np.zeros(n, dtype=bool)
        active[left[allowed]] = True
        active[right[allowed]] = True
        merging = allowed[_mutual(left[allowed], right[allowed], mean[allowed], n)]
        target, gone = left[merging], right[merging]
        within[target] += within[gone] + between[merging]
        sizes[target] += sizes[gone]
        moved = np.arange(n)
        moved[gone] = target
        group = moved[group]
        # A pair changes only with one of its nodes: between two that have nothing to merge with it never will.
        alive = active[left] | active[right]
        alive[merging] = False
        left, right, between = _contract(left[alive], right[alive], between[alive], moved, target)
    return group


def _mutual(left: Ints, right: Ints, mean: Floats, n: int) -> Ints:
    """The edges that are the nearest of both their nodes."""
    order = np.lexsort((right, left, -mean))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    best = np.full(n, len(order), dtype=np.int64)
    np.minimum.at(best, left, rank)
    np.minimum.at(best, right, rank)
    return np.flatnonzero((best[left] == rank) & (best[right] == rank))


def _contract(
    left: Ints, right: Ints, between: Floats, moved: Ints, merged: Ints
) -> tuple[Ints, Ints, Floats]:
    """The edges after a merge, those that fell together summed up."""
    n = len(moved)
    left, right = moved[left], moved[right]
    grown = np.zeros(n, dtype=bool)
    grown[merged] = True
    changed = grown[left] | grown[right]
    low, high = np.minimum(left, right)[changed], np.maximum(left, right)[changed]
    keys, where = np.unique(low * n + high, return_inverse=True)
    summed = np.bincount(where, weights=between[changed], minlength=len(keys)).astype(np.float64)
    rest = ~changed
    return (
        np.concatenate((left[rest], keys // n)),
        np.concatenate((right[rest], keys % n)),
        np.concatenate((between[rest], summed)),
    )
