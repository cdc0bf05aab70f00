"""Measure a classifier on labelled items: a JSON object a line, `{title, snippet?, category, alt?}`."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from models.base import new_id
from tasks.classify.assemble import opinion_on
from tasks.classify.classifier import Case, Judgement, Text
from tasks.classify.rules import Category, Verdict, classify_text, warm_up
from tasks.companies.names import Profile

Classify = Callable[[str, str | None], Verdict]
Judge = Callable[[Sequence[Case]], Mapping[UUID, Judgement]]
"""Asks a classifier about all items; those it leaves are absent."""

ANYBODY = Profile(key="", name="the company that the story is mainly about")
"""Items name no client."""

UNSUPPORTED = "language_unsupported"  # what an item counts as when the classifier claims nothing; never right


class LabelledItem(BaseModel):
    """One line of the file. `alt` is a second label that can be defended; other fields are ignored."""

    title: str = Field(min_length=1)
    snippet: str | None = None
    category: Category
    alt: Category | None = None


class CategoryScore(BaseModel):
    """How one category of the gold labels did; `items` is its number of gold items."""

    precision: float
    recall: float
    f1: float
    items: int


class CategoryReport(BaseModel):
    """What `client-monitor evaluate categories` prints; `errors` (lines that could not be read) stays out.

    `macro_f1` is the mean F1 over the categories present in the gold labels; `macro_f1_with_alt` counts an
    answer equal to `alt` as the gold label.
    """

    model_config = ConfigDict(frozen=True)

    accuracy: float
    macro_f1: float
    macro_f1_with_alt: float
    per_category: dict[str, CategoryScore]
    items_per_second: float
    errors: list[str] = Field(default_factory=list, exclude=True)
    _judged: "list[_Judged]" = PrivateAttr(default_factory=list)


class Misjudged(BaseModel):
    """An item whose verdict is neither its label nor its `alt`."""

    model_config = ConfigDict(frozen=True)

    title: str
    expected: str
    alt: str | None
    got: str
    evidence: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Judged:
    item: LabelledItem
    verdict: Verdict

    @property
    def got(self) -> str:
        return self.verdict.category.value if self.verdict.language_supported else UNSUPPORTED


def read_labelled(path: Path) -> tuple[list[LabelledItem], list[str]]:
    """The items of a file, and one message for each line that is not one, naming the line and the field."""
    items: list[LabelledItem] = []
    errors: list[str] = []
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                items.append(LabelledItem.model_validate(json.loads(line)))
            except json.JSONDecodeError as error:
                errors.append(f"line {number}: not JSON: {error.msg}")
            except ValidationError as error:
                for detail in error.errors(include_url=False, include_input=False):
                    field = ".".join(map(str, detail["loc"])) or "the line"
                    errors.append(f"line {number}: {field}: {detail['msg']}")
            except RecursionError:
                errors.append(f"line {number}: not JSON: nested too deeply")
    return items, errors


def evaluate_categories(
    path: Path, classify: Classify | None = None, judge: Judge | None = None
) -> CategoryReport:
    """Judge every item of `path` with `classify` (default: the rules), then with `judge`; compare with the labels."""
    items, errors = read_labelled(path)
    judged, seconds = _judge(items, classify or classify_text, judge)
    strict = [(j.item.category.value, j.got) for j in judged]
    lenient = [(gold, gold if _is_alt(j) else got) for (gold, got), j in zip(strict, judged, strict=True)]
    per_category = _scores(strict)
    report = CategoryReport(
        accuracy=_rounded(_mean([gold == got for gold, got in strict])),
        macro_f1=_rounded(_mean([score.f1 for score in per_category.values()])),
        macro_f1_with_alt=_rounded(_mean([score.f1 for score in _scores(lenient).values()])),
        per_category={name: _round_score(score) for name, score in per_category.items()},
        items_per_second=round(len(judged) / seconds, 1) if judged and seconds > 0 else 0.0,
        errors=errors,
    )
    report._judged = judged
    return report


def misjudged(report: CategoryReport) -> list[Misjudged]:
    """The items a person can learn from, grouped by the label they should have had."""
    wrong = [j for j in report._judged if j.got != j.item.category.value and not _is_alt(j)]
    return [
        Misjudged(
            title=j.item.title,
            expected=j.item.category.value,
            alt=j.item.alt.value if j.item.alt else None,
            got=j.got,
            evidence=j.verdict.evidence,
            reason=j.verdict.reason,
        )
        for j in sorted(wrong, key=lambda j: (j.item.category.value, j.got))
    ]


def _is_alt(judged: _Judged) -> bool:
    return judged.item.alt is not None and judged.got == judged.item.alt.value


def _judge(
    items: Sequence[LabelledItem], classify: Classify, judge: Judge | None
) -> tuple[list[_Judged], float]:
    # What loads and compiles once a process is not part of the speed.
    warm_up()
    for item in items[:1]:
        classify(item.title, item.snippet)
    start = time.perf_counter()
    verdicts = [classify(item.title, item.snippet) for item in items]
    if judge is not None:
        verdicts = _with_opinions(items, verdicts, judge)
    seconds = time.perf_counter() - start
    return [_Judged(item, verdict) for item, verdict in zip(items, verdicts, strict=True)], seconds


def _with_opinions(items: Sequence[LabelledItem], verdicts: Sequence[Verdict], judge: Judge) -> list[Verdict]:
    cases = [
        Case(
            new_id(),
            ANYBODY,
            Text(item.title, item.snippet),
            Judgement(category=verdict.category, confidence=verdict.confidence, relevance=verdict.confidence),
        )
        for item, verdict in zip(items, verdicts, strict=True)
    ]
    said = judge(cases)
    return [
        opinion_on(verdict, said[case.key]) if case.key in said else verdict
        for case, verdict in zip(cases, verdicts, strict=True)
    ]


def _scores(pairs: Sequence[tuple[str, str]]) -> dict[str, CategoryScore]:
    gold = Counter(g for g, _ in pairs)
    got = Counter(p for _, p in pairs)
    right = Counter(g for g, p in pairs if g == p)
    return {
        name: CategoryScore(
            precision=right[name] / got[name] if got[name] else 0.0,
            recall=right[name] / gold[name],
            f1=2 * right[name] / (gold[name] + got[name]),
            items=gold[name],
        )
        for name in sorted(gold)
    }


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else 0.0


def _rounded(value: float) -> float:
    return round(value, 4)


def _round_score(score: CategoryScore) -> CategoryScore:
    return CategoryScore(
        precision=_rounded(score.precision),
        recall=_rounded(score.recall),
        f1=_rounded(score.f1),
        items=score.items,
    )
