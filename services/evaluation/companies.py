"""Measure the company match on labelled pairs of a client and a text."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field, PrivateAttr, ValidationError

from models.base import new_id
from tasks.classify.classifier import Case, Category, Judgement, Text
from tasks.classify.opinions import concerns, is_open
from tasks.companies.frequency import ambiguity
from tasks.companies.match import CompanyMatch, match_company
from tasks.companies.names import Profile

Judge = Callable[[Sequence[Case]], Mapping[UUID, Judgement]]
"""Asks a classifier; cases it leaves are absent."""


class LabelledClient(BaseModel):
    """The client of a labelled line, as a CRM would hold it."""

    name: str = Field(min_length=1)
    aliases: list[str] | None = None
    legal_name: str | None = None
    domain: str | None = None
    ticker: str | None = None
    excluded_terms: list[str] | None = None
    keywords: list[str] | None = None
    industry: str | None = None

    def profile(self) -> Profile:
        """The public profile that matching works with; the name is its key."""
        return Profile(
            key=self.name,
            name=self.name,
            legal_name=self.legal_name or None,
            aliases=tuple(self.aliases or ()),
            domain=self.domain or None,
            ticker=self.ticker or None,
            excluded_terms=tuple(self.excluded_terms or ()),
            keywords=tuple(self.keywords or ()),
            industry=self.industry or None,
        )


class LabelledPair(BaseModel):
    """One line of a labelled file."""

    client: LabelledClient
    title: str
    about: bool
    snippet: str | None = None
    url: str | None = None
    source: str | None = None


class Judged(BaseModel):
    """A labelled pair beside the verdict on it."""

    pair: LabelledPair
    match: CompanyMatch

    @property
    def right(self) -> bool:
        return self.pair.about == self.match.about


class CompanyReport(BaseModel):
    """Quality and speed over a file; its dump has exactly the five figures of the evaluation command.

    A ratio with an empty denominator is 0. `errors` names the lines that could not be read.
    """

    precision: float
    recall: float
    f1: float
    accuracy: float
    items_per_second: float
    _errors: list[str] = PrivateAttr(default_factory=list)
    _judged: list[Judged] = PrivateAttr(default_factory=list)

    @property
    def errors(self) -> list[str]:
        """One sentence for each broken line: its number, the field, what is wrong."""
        return self._errors

    @property
    def judged(self) -> list[Judged]:
        """Every pair that was read, with its verdict, in the order of the file."""
        return self._judged


class Misjudged(BaseModel):
    """One wrong verdict, for a person to learn from."""

    title: str
    expected: bool
    got: bool
    reason: str
    evidence: str
    company: str


def read_pairs(path: Path, errors: list[str]) -> Iterator[LabelledPair]:
    """The labelled pairs of a JSONL file; broken lines are described in `errors` and passed over."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                data: Any = json.loads(line)
            except json.JSONDecodeError as error:
                errors.append(f"line {number}: not JSON ({error.msg} at column {error.colno})")
                continue
            if not isinstance(data, dict):
                errors.append(f"line {number}: expected an object, got {type(data).__name__}")
                continue
            try:
                yield LabelledPair.model_validate(data)
            except ValidationError as error:
                for problem in error.errors():
                    where = ".".join(str(part) for part in problem["loc"])
                    errors.append(f"line {number}: {where}: {problem['msg']}")


def _figures(judged: list[Judged], seconds: float) -> CompanyReport:
    true_positives = sum(j.pair.about and j.match.about for j in judged)
    claimed = sum(j.match.about for j in judged)
    wanted = sum(j.pair.about for j in judged)
    right = sum(j.right for j in judged)
    report = CompanyReport(
        precision=_ratio(true_positives, claimed),
        recall=_ratio(true_positives, wanted),
        f1=_ratio(2 * true_positives, claimed + wanted),
        accuracy=_ratio(right, len(judged)),
        items_per_second=round(len(judged) / seconds, 1) if seconds > 0 else 0.0,
    )
    report._judged = judged
    return report


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def evaluate_companies(path: Path, judge: Judge | None = None) -> CompanyReport:
    """Judge every labelled pair of a file, as a run would: by the rules, then by ``judge`` where they leave room.

    Only the judging is timed, not the reading. Raises OSError when the file cannot be opened.
    """
    errors: list[str] = []
    pairs = [(pair, pair.client.profile()) for pair in read_pairs(path, errors)]
    if pairs:
        # the word frequencies load at first use; a run of many items pays for that once
        ambiguity(("warm",))
        match_company(pairs[0][1], pairs[0][0].title)
    started = time.perf_counter()
    matches = [
        match_company(profile, pair.title, pair.snippet, pair.url, pair.source) for pair, profile in pairs
    ]
    if judge is not None:
        matches = _with_opinions(pairs, matches, judge)
    seconds = time.perf_counter() - started
    judged = [Judged(pair=pair, match=match) for (pair, _), match in zip(pairs, matches, strict=True)]
    report = _figures(judged, seconds)
    report._errors = errors
    return report


def _with_opinions(
    pairs: Sequence[tuple[LabelledPair, Profile]], matches: Sequence[CompanyMatch], judge: Judge
) -> list[CompanyMatch]:
    cases = {}
    for index, ((pair, profile), match) in enumerate(zip(pairs, matches, strict=True)):
        if is_open(match):
            by_rules = Judgement(category=Category.OTHER, confidence=0, relevance=match.confidence)
            cases[index] = Case(new_id(), profile, Text(pair.title, pair.snippet), by_rules)
    said = judge(list(cases.values()))
    found = list(matches)
    for index, case in cases.items():
        if (judgement := said.get(case.key)) is not None:
            known = {"about": concerns(found[index], judgement.about), "evidence": judgement.evidence}
            found[index] = found[index].model_copy(update=known)
    return found


def misjudged(report: CompanyReport) -> list[Misjudged]:
    """The wrong verdicts of a report, in the order of the file."""
    return [
        Misjudged(
            title=j.pair.title,
            expected=j.pair.about,
            got=j.match.about,
            reason=j.match.reason.value,
            evidence=j.match.evidence,
            company=j.pair.client.name,
        )
        for j in report.judged
        if not j.right
    ]


def by_company(report: CompanyReport) -> dict[str, CompanyReport]:
    """The figures of a report cut by company, by name; speed is not measured for a cut and is 0."""
    groups: dict[str, list[Judged]] = {}
    for item in report.judged:
        groups.setdefault(item.pair.client.name, []).append(item)
    return {name: _figures(groups[name], 0.0) for name in sorted(groups)}
