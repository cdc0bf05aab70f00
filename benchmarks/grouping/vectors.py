"""Similarities of all pairs, from TF-IDF or rapidfuzz, and what groups by them. Thresholds are similarities."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from benchmarks.grouping.labelled import Article

TERMS = ("words", "words said twice", "words and pairs")
TERMS_AND_CORES = tuple(f"{terms}, cores of {size}" for terms in TERMS for size in (2, 3))


def read_tfidf(articles: Sequence[Article], terms: str) -> Any:
    """Rows of length one, weighted by how rare a word is among these articles; words of one article only can be left
    out, pairs of words taken in."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

    vectorizer = TfidfVectorizer(
        sublinear_tf=True,
        stop_words="english",
        min_df=2 if terms == "words said twice" else 1,
        ngram_range=(1, 2 if terms == "words and pairs" else 1),
    )
    return vectorizer.fit_transform([one.text for one in articles])


def average_linkage(rows: Any, threshold: float) -> list[int]:
    import numpy as np

    # Dense cosine distances, as AgglomerativeClustering(metric="cosine") makes them, but from sparse rows.
    return _linked(1.0 - np.asarray((rows @ rows.T).toarray()), threshold)


def read_for_dbscan(articles: Sequence[Article], variant: str) -> tuple[Any, int]:
    """The rows, and how many near articles make a core, the article itself included. With two, what is found are
    connected components."""
    terms, _, cores = variant.partition(", cores of ")
    return read_tfidf(articles, terms), int(cores)


def dbscan(read: tuple[Any, int], threshold: float) -> list[int]:
    """Articles that belong to no core are a story each."""
    from sklearn.cluster import DBSCAN  # type: ignore[import-untyped]

    rows, core = read
    found = DBSCAN(eps=1.0 - threshold, min_samples=core, metric="cosine").fit(rows).labels_.tolist()
    return [label if label >= 0 else -1 - number for number, label in enumerate(found)]


def read_token_set(articles: Sequence[Article], _variant: str) -> Any:
    """The distances of all pairs: 0 where one article's words are all in the other's."""
    import numpy as np
    from rapidfuzz import fuzz, process, utils

    texts = [utils.default_process(one.text) for one in articles]
    alike = process.cdist(texts, texts, scorer=fuzz.token_set_ratio, dtype=np.float32, workers=1)
    return 1.0 - alike / 100.0


def average_linkage_of_all(distances: Any, threshold: float) -> list[int]:
    return _linked(distances, threshold)


def _linked(distances: Any, threshold: float) -> list[int]:
    from sklearn.cluster import AgglomerativeClustering

    clusters = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1.0 - threshold
    )
    return list(clusters.fit(distances).labels_.tolist())


def leader(rows: Any, threshold: float) -> list[int]:
    """One pass in the order given. Its vectors know all articles beforehand, which flatters it."""
    holders: dict[int, dict[int, float]] = defaultdict(dict)
    """Term -> story -> its summed weight."""
    lengths: list[float] = []
    """Each story's squared length."""
    found: list[int] = []
    for number in range(rows.shape[0]):
        part = slice(rows.indptr[number], rows.indptr[number + 1])
        terms = list(zip(rows.indices[part].tolist(), rows.data[part].tolist(), strict=True))
        dots: dict[int, float] = defaultdict(float)
        for term, weight in terms:
            for story, summed in holders[term].items():
                dots[story] += weight * summed
        best = max(dots, key=lambda story: dots[story] / lengths[story] ** 0.5, default=-1)
        if best < 0 or dots[best] / lengths[best] ** 0.5 < threshold:
            best = len(lengths)
            lengths.append(0.0)
        lengths[best] += 2 * dots.get(best, 0.0) + sum(weight * weight for _, weight in terms)
        for term, weight in terms:
            holders[term][best] = holders[term].get(best, 0.0) + weight
        found.append(best)
    return found
