"""How well the story engine groups a labelled file.

Measures: pairs of articles put together (pairwise) and B-cubed (Bagga and Baldwin 1998), each as precision, recall
and F1; 1.0 where there is nothing to find.
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from pydantic import BaseModel, Field
from rapidfuzz import fuzz

from tasks.dedupe.stories import Doc, StoryIndex, group

__all__ = ["MisjudgedPair", "StoryReport", "evaluate_stories", "misjudged_pairs"]


class StoryReport(BaseModel):
    """The fixed output of `evaluate stories`. `errors` names the lines that were skipped; it is not dumped."""

    pairwise_precision: float
    pairwise_recall: float
    pairwise_f1: float
    b3_precision: float
    b3_recall: float
    b3_f1: float
    articles: int
    articles_per_second: float
    errors: list[str] = Field(default_factory=list, exclude=True)


class MisjudgedPair(BaseModel):
    """Two articles side by side that the engine put together, or kept apart, against their labels."""

    kind: str = Field(description="joined (two stories put together) or split (one story kept apart)")
    left_id: str
    left_title: str
    left_story: str
    right_id: str
    right_title: str
    right_story: str
    pairs: int = Field(description="how many pairs of articles this one stands for")


def evaluate_stories(
    path: Path, *, text: bool = True, batch: int | None = None, seed: int | None = None
) -> StoryReport:
    """Group the JSONL file's articles and compare with its labels; `text=False` looks at titles alone.

    With `batch` they arrive that many at a time: by date, those without one last and in the file's order; or shuffled
    with `seed`. Nothing is mailed in between, so that each batch may still move what earlier ones brought.

    A line is {id, title, snippet?, url?, source?, published_at?, story}. A broken line is skipped and named in
    `errors`; a date that cannot be read is named and taken as unknown. Speed is that of grouping, the word
    frequencies already in memory.
    """
    docs, truth, errors = _read(path, text)
    group([Doc("warm", "up the word frequencies")])
    begin = time.perf_counter()
    stories = _arriving(docs, batch, seed)
    seconds = time.perf_counter() - begin
    scores = _scores([truth[d.key] for d in docs], [stories[d.key] for d in docs])
    return StoryReport(
        **{name: round(value, 4) for name, value in scores.items()},
        articles=len(docs),
        articles_per_second=round(len(docs) / seconds, 1) if docs and seconds else 0.0,
        errors=errors,
    )


def misjudged_pairs(path: Path, *, text: bool = True, limit: int = 50) -> list[MisjudgedPair]:
    """The engine's errors on a file, the most similar pair for each two groups confused, the costliest first."""
    docs, truth, _ = _read(path, text)
    stories = group(docs)
    cells: dict[tuple[str, str], list[Doc]] = defaultdict(list)
    for doc in docs:
        cells[stories[doc.key], truth[doc.key]].append(doc)
    found = []
    by_found: dict[str, list[list[Doc]]] = defaultdict(list)
    by_truth: dict[str, list[list[Doc]]] = defaultdict(list)
    for (story, label), members in cells.items():
        by_found[story].append(members)
        by_truth[label].append(members)
    for kind, sides in (("joined", by_found), ("split", by_truth)):
        for parts in sides.values():
            for i, one in enumerate(parts):
                for other in parts[:i]:
                    a, b = _most_alike(one, other)
                    found.append(
                        MisjudgedPair(
                            kind=kind,
                            left_id=a.key,
                            left_title=a.title,
                            left_story=truth[a.key],
                            right_id=b.key,
                            right_title=b.title,
                            right_story=truth[b.key],
                            pairs=len(one) * len(other),
                        )
                    )
    found.sort(key=lambda p: (-p.pairs, p.kind, p.left_id, p.right_id))
    return found[:limit]


def _arriving(docs: Sequence[Doc], batch: int | None, seed: int | None) -> dict[str, str]:
    """Article -> story once all batches are in."""
    order = sorted(docs, key=lambda d: (d.at is None, d.at.timestamp() if d.at else 0.0))
    if seed is not None:
        Random(seed).shuffle(order)
    size = batch or max(1, len(order))
    index = StoryIndex()
    stories: dict[str, str] = {}
    for start in range(0, len(order), size):
        placed = index.add(order[start : start + size])
        stories |= {p.key: p.story for p in (*placed, *index.moved)}
    return stories


def _most_alike(one: Sequence[Doc], other: Sequence[Doc]) -> tuple[Doc, Doc]:
    pairs = [(a, b) for a in one[:20] for b in other[:20]]
    return max(pairs, key=lambda p: (fuzz.token_set_ratio(p[0].title, p[1].title), p[0].key, p[1].key))


def _scores(truth: Sequence[Hashable], found: Sequence[Hashable]) -> dict[str, float]:
    labels, groups, cells = Counter(truth), Counter(found), Counter(zip(truth, found, strict=True))
    together = sum(map(_pairs, cells.values()))
    pairwise = (
        _ratio(together, sum(map(_pairs, groups.values()))),
        _ratio(together, sum(map(_pairs, labels.values()))),
    )
    precision = sum(n * n / groups[found_] for (_, found_), n in cells.items())
    recall = sum(n * n / labels[label] for (label, _), n in cells.items())
    b3 = _ratio(precision, len(truth)), _ratio(recall, len(truth))
    scores: dict[str, float] = {}
    for name, (p, r) in (("pairwise", pairwise), ("b3", b3)):
        scores |= {
            f"{name}_precision": p,
            f"{name}_recall": r,
            f"{name}_f1": 2 * p * r / (p + r) if p + r else 0.0,
        }
    return scores


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _read(path: Path, text: bool) -> tuple[list[Doc], dict[str, str], list[str]]:
    docs: list[Doc] = []
    truth: dict[str, str] = {}
    errors: list[str] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))
            except ValueError as error:
                errors.append(f"line {number}: not JSON ({error})")
                continue
            problem = _problem(row, truth)
            if problem:
                errors.append(f"line {number}: {problem}")
                continue
            at = None
            if row.get("published_at"):
                at = _time(row["published_at"])
                if at is None:
                    errors.append(f"line {number}: published_at is not a date; taken as unknown")
            key = str(row["id"])
            truth[key] = str(row["story"])
            docs.append(
                Doc(
                    key,
                    row["title"],
                    row.get("snippet") if text else None,
                    row.get("source"),
                    row.get("url"),
                    at,
                )
            )
    return docs, truth, errors


def _problem(row: Any, known: dict[str, str]) -> str | None:
    if not isinstance(row, dict):
        return "not an object"
    for name in ("id", "story"):
        if not isinstance(row.get(name), str | int) or isinstance(row[name], bool) or row[name] == "":
            return f"{name} is missing or neither text nor a number"
    if not isinstance(row.get("title"), str):
        return "title is missing or not text"
    for name in ("snippet", "url", "source"):
        if not isinstance(row.get(name), str | None):
            return f"{name} is not text"
    if str(row["id"]) in known:
        return f"id {str(row['id'])!r} was used before"
    return None


def _time(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
