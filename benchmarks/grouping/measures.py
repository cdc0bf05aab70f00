"""How well groups agree with labels: B-cubed (Bagga and Baldwin 1998) and pairs put together.

Counted here with scikit-learn's contingency tables and not by the project's own evaluation, so that a slip there could
not flatter it; a test compares the two.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1, each between 0 and 1."""

    b3_precision: float
    b3_recall: float
    b3_f1: float
    pairwise_precision: float
    pairwise_recall: float
    pairwise_f1: float


def scores(truth: Sequence[Hashable], found: Sequence[Hashable]) -> Scores:
    """Both measures; a ratio with nothing below it is 1."""
    import numpy as np
    from sklearn.metrics.cluster import contingency_matrix, pair_confusion_matrix  # type: ignore[import-untyped]

    table = contingency_matrix(_numbers(truth), _numbers(found), sparse=True, dtype=np.int64).tocoo()
    squares = table.data.astype(np.float64) ** 2
    labels, groups = np.asarray(table.sum(axis=1)).ravel(), np.asarray(table.sum(axis=0)).ravel()
    precision = float((squares / groups[table.col]).sum() / len(truth))
    recall = float((squares / labels[table.row]).sum() / len(truth))
    (_, wrong), (missed, right) = pair_confusion_matrix(_numbers(truth), _numbers(found)).tolist()
    pair_precision, pair_recall = _ratio(right, right + wrong), _ratio(right, right + missed)
    return Scores(
        precision,
        recall,
        _f1(precision, recall),
        pair_precision,
        pair_recall,
        _f1(pair_precision, pair_recall),
    )


def _numbers(labels: Sequence[Hashable]) -> list[int]:
    known: dict[Hashable, int] = {}
    return [known.setdefault(label, len(known)) for label in labels]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
