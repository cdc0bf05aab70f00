"""What is compared: a method reads articles once, then groups them with a threshold."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.grouping import near_copies, ours, vectors
from benchmarks.grouping.labelled import Article

OURS = "Client Monitor"
OURS_WITH_CLIENTS = "Client Monitor, told the clients"
PEER = "scikit-learn, average linkage"
"""The peer that speeds are given relative to: the best of the baselines in our trials."""


@dataclass(frozen=True, slots=True)
class Method:
    """``read`` prepares articles in one of the ``variants``, ``group`` answers a group for each, in their order.

    Without thresholds there is nothing to choose: the method has one configuration for all.
    """

    name: str
    how: str
    read: Callable[[Sequence[Article], str], Any]
    group: Callable[[Any, float], Sequence[Hashable]]
    variants: tuple[str, ...] = ("",)
    thresholds: tuple[float, ...] = ()
    needs_clients: bool = False

    @property
    def settings(self) -> list[tuple[str, float]]:
        return [(variant, threshold) for variant in self.variants for threshold in self.thresholds or (0.0,)]


def _steps(first: int, last: int, step: int) -> tuple[float, ...]:
    """Thresholds in hundredths, ``last`` among them."""
    return tuple(value / 100 for value in range(first, last + 1, step))


_JACCARD = (*_steps(5, 30, 5), *_steps(40, 90, 10))
_COSINE = (*_steps(2, 20, 2), *_steps(24, 60, 4))

METHODS = (
    Method(OURS, "this project, its one configuration for all", ours.read, ours.group),
    Method(
        OURS_WITH_CLIENTS,
        "as in the pipeline: it knows which client an article names",
        ours.read_with_clients,
        ours.group,
        needs_clients=True,
    ),
    Method(
        "datasketch, MinHash LSH",
        "MinHash of 128 hashes, LSH, connected components",
        near_copies.read_datasketch,
        near_copies.group_datasketch,
        near_copies.SHINGLES,
        _JACCARD,
    ),
    Method(
        "rensa, MinHash LSH",
        "the same with rensa's R-MinHash",
        near_copies.read_rensa,
        near_copies.group_rensa,
        near_copies.SHINGLES,
        _JACCARD,
    ),
    Method(
        PEER,
        "TF-IDF of the file itself, AgglomerativeClustering",
        vectors.read_tfidf,
        vectors.average_linkage,
        vectors.TERMS,
        _COSINE,
    ),
    Method(
        "scikit-learn, DBSCAN",
        "the same vectors; with cores of two articles these are connected components",
        vectors.read_for_dbscan,
        vectors.dbscan,
        vectors.TERMS_AND_CORES,
        (*_COSINE, 0.7, 0.8),
    ),
    Method(
        "rapidfuzz, token_set",
        "token_set_ratio of all pairs, average linkage",
        vectors.read_token_set,
        vectors.average_linkage_of_all,
        thresholds=_steps(30, 90, 4),
    ),
    Method(
        "online leader",
        "one pass: each article joins the most similar story's centroid, or founds one",
        vectors.read_tfidf,
        vectors.leader,
        vectors.TERMS,
        _COSINE,
    ),
)


def method(name: str) -> Method:
    """The method of that name; KeyError without one."""
    return {one.name: one for one in METHODS}[name]
