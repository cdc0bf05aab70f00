"""Hash families with connected components: LSH proposes pairs, the estimated Jaccard index decides."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.grouping.labelled import Article

HASHES = 128
SHINGLES = ("words", "5 letters")


def read_datasketch(articles: Sequence[Article], shingles: str) -> list[Any]:
    from datasketch import MinHash  # type: ignore[import-untyped]

    said = [[part.encode() for part in _parts(one.text, shingles)] for one in articles]
    return list(MinHash.bulk(said, num_perm=HASHES))


def group_datasketch(hashes: Sequence[Any], threshold: float) -> list[int]:
    from datasketch import MinHashLSH

    bands = _bands(threshold)
    index = MinHashLSH(num_perm=HASHES, params=(bands, HASHES // bands))
    for number, one in enumerate(hashes):
        index.insert(number, one, check_duplication=False)
    return _components(hashes, ((n, index.query(one)) for n, one in enumerate(hashes)), threshold)


def read_rensa(articles: Sequence[Article], shingles: str) -> list[Any]:
    from rensa import RMinHash  # type: ignore[import-untyped]

    return list(RMinHash.from_token_sets([_parts(one.text, shingles) for one in articles], HASHES, 1))


def group_rensa(hashes: Sequence[Any], threshold: float) -> list[int]:
    from rensa import RMinHashLSH

    index = RMinHashLSH(threshold, HASHES, _bands(threshold))
    index.insert_many(hashes)
    return _components(hashes, enumerate(index.query_all(hashes)), threshold)


def _parts(text: str, shingles: str) -> list[str]:
    words = re.findall(r"\w+", text.lower())
    if shingles == "words":
        return sorted(set(words))
    line = " ".join(words)
    return sorted({line[i : i + 5] for i in range(max(1, len(line) - 4))})


def _bands(threshold: float) -> int:
    """The fewest bands whose S-curve still rises before the threshold: the decision comes after."""
    divisors = [bands for bands in range(1, HASHES + 1) if HASHES % bands == 0]
    return next((b for b in divisors if (1 / b) ** (b / HASHES) <= threshold * 0.8), HASHES)


def _components(
    hashes: Sequence[Any], near: Iterable[tuple[int, Iterable[int]]], threshold: float
) -> list[int]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    left, right = [], []
    for one, others in near:
        for other in others:
            if other > one and hashes[one].jaccard(hashes[other]) >= threshold:
                left.append(one)
                right.append(other)
    graph = coo_array(([1] * len(left), (left, right)), shape=(len(hashes), len(hashes)))
    return list(connected_components(graph, directed=False)[1].tolist())
