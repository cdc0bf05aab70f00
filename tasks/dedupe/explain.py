"""Why two articles, or an article and a story, are joined or kept apart: the engine's own arithmetic, spelt out.

Pure: the same articles always get the same verdict. What a whole window adds (words that are frequent just now,
neighbours through which two tellings meet) is not in it; the decision log has what the engine saw at the time.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from tasks.dedupe.conflicts import contradiction
from tasks.dedupe.doc import Doc, Reading, Reason, StoryConfig, kept_apart, read
from tasks.dedupe.evidence import evidence
from tasks.dedupe.features import analyse, features, spell, weigh

__all__ = ["PairVerdict", "Particular", "SharedWord", "StoryVerdict", "explain_pair", "explain_story"]

_SHOWN: Final = 12
_DAY: Final = 86_400.0
_SAID: Final = {
    "party": "different clients",
    "outlet": "the same outlet",
    "time": "far apart in time",
    "subject": "different names",
    "name": "about others",
    "event": "different kinds of event",
}


@dataclass(frozen=True, slots=True)
class SharedWord:
    """A word, or two words in a row, that both articles have, and what it adds to the cosine."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Particular:
    """What is known of both articles of one kind (number, date, outlet, time ...), whether they agree, and what the
    similarity is multiplied by for it; 0 for a contradiction that rules the pair out."""

    kind: str
    agree: bool
    left: tuple[str, ...]
    right: tuple[str, ...]
    factor: float


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """Why two articles are joined or kept apart, by themselves.

    `similarity` is `cosine` times the factors of `particulars`; it must reach `threshold`. In a window a third
    article may still join two that are kept apart here, and two stories that are each much tighter stay apart.
    """

    joined: bool
    reason: str
    """A code of `Reason`."""
    sentence: str
    similarity: float
    threshold: float
    cosine: float
    days_apart: float | None
    """None where a date is unknown."""
    conflict: str | None
    """The kind of particular that rules the pair out, else the one that speaks against it the most."""
    shared: tuple[SharedWord, ...]
    """The strongest first, twelve at most."""
    particulars: tuple[Particular, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StoryVerdict:
    """Why an article joins a story or not: the mean similarity to the story's articles must reach the bar, which
    rises with how alike those are among themselves."""

    joined: bool
    reason: str
    sentence: str
    mean: float
    bar: float
    within: float | None
    """How alike the story's articles are on average; None for one article."""
    nearest: str
    """Key of the story's article most like the new one."""
    pairs: dict[str, PairVerdict] = field(default_factory=dict)
    """Key of each of the story's articles -> the verdict on it and the new one."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def explain_pair(a: Doc, b: Doc, config: StoryConfig = StoryConfig()) -> PairVerdict:
    """Why these two are joined or kept apart."""
    one, two = read(a), read(b)
    cosine, shared = _cosine(a, b, one, two)
    stated = _particulars(one, two)
    similarity = cosine
    for particular in stated:
        similarity *= particular.factor
    similarity = min(similarity, 1.0)
    days = abs((a.at - b.at).total_seconds()) / _DAY if a.at and b.at else None
    reason = _reason(one, two, cosine, similarity, days, stated, config)
    joined = reason in {Reason.SAME_URL, Reason.SAME_CONTENT, Reason.NEAR_COPY, Reason.SAME_EVENT}
    against = [p for p in stated if p.factor < 1.0]
    worst = min(against, key=lambda p: (p.factor, p.kind)) if against else None
    return PairVerdict(
        joined=joined,
        reason=reason.value,
        sentence=_sentence(reason, similarity, days, worst, shared, config),
        similarity=round(similarity, 4),
        threshold=config.threshold,
        cosine=round(cosine, 4),
        days_apart=None if days is None else round(days, 2),
        conflict=worst.kind if worst else None,
        shared=shared[:_SHOWN],
        particulars=stated,
    )


def explain_story(doc: Doc, story: Sequence[Doc], config: StoryConfig = StoryConfig()) -> StoryVerdict:
    """Why an article joins a story of at least one article or not, as far as those articles alone decide."""
    pairs = {other.key: explain_pair(doc, other, config) for other in story}
    among = [
        explain_pair(one, other, config).similarity for i, one in enumerate(story) for other in story[:i]
    ]
    inside = [min(value, config.ceiling) for value in among]
    rule = config.rule()
    bars = rule.needed(np.array([1.0, float(len(story))]), np.array([0.0, float(sum(inside))]))
    bar = float(bars.mean())
    nearest = max(pairs, key=lambda key: (pairs[key].joined, pairs[key].similarity, key))
    best = pairs[nearest]
    told = [
        min(p.similarity, config.ceiling) if p.reason != Reason.KEPT_APART_TIME else 0.0
        for p in pairs.values()
    ]
    told = [
        0.0 if any(q.factor == 0.0 for q in p.particulars) else v
        for p, v in zip(pairs.values(), told, strict=True)
    ]
    mean = sum(told) / len(told)
    identical = best.reason in {Reason.SAME_URL, Reason.SAME_CONTENT}
    joined = identical or mean >= bar
    if identical or (joined and best.joined):
        reason = best.reason
    elif joined:
        reason = Reason.SAME_EVENT.value
    else:
        reason = Reason.KEPT_APART_LOOKALIKE.value if best.joined else best.reason
    return StoryVerdict(
        joined=joined,
        reason=reason,
        sentence=(
            f"{'Joins' if joined else 'Does not join'}: on average {mean:.2f} alike with the story's"
            f" {len(story)} article(s), the bar is {bar:.2f}. Nearest: {best.sentence}"
        ),
        mean=round(mean, 4),
        bar=round(bar, 4),
        within=round(sum(inside) / len(inside), 4) if inside else None,
        nearest=nearest,
        pairs=pairs,
    )


def _cosine(a: Doc, b: Doc, one: Reading, two: Reading) -> tuple[float, tuple[SharedWord, ...]]:
    found = features([analyse(one.segments, a.names), analyse(two.segments, b.names)])
    known = np.zeros(found.frequency.shape[1], dtype=np.int32)
    np.add.at(known, found.frequency.indices, 1)
    rows = weigh(found, known, 2)
    products = rows[[0]].multiply(rows[[1]]).tocoo()
    words = spell(one.segments)
    shared = [
        SharedWord(words[column], round(float(value), 4))
        for column, value in zip(products.coords[1].tolist(), products.data.tolist(), strict=True)
        if column in words
    ]
    shared.sort(key=lambda s: (-s.weight, s.word))
    return float(products.data.sum()), tuple(shared)


def _particulars(one: Reading, two: Reading) -> tuple[Particular, ...]:
    found = []
    kind = contradiction(one.marks, two.marks)
    if kind is not None:
        left, right = sorted(one.marks[kind]), sorted(two.marks[kind])
        found.append(Particular(kind, False, tuple(left), tuple(right), 0.0))
    for kind, agree, factor in evidence(one.stated, two.stated):
        left, right = sorted(_values(one, kind)), sorted(_values(two, kind))
        found.append(Particular(kind, agree, tuple(left), tuple(right), round(factor, 4)))
    return tuple(found)


def _values(reading: Reading, kind: str) -> frozenset[str]:
    if kind == "outlet":
        return frozenset({reading.stated.outlet})
    if kind == "name":
        return frozenset(" ".join(run.words) for run in reading.stated.named.runs)
    return reading.stated.particulars.get(kind, frozenset())


def _reason(
    one: Reading,
    two: Reading,
    cosine: float,
    similarity: float,
    days: float | None,
    stated: Sequence[Particular],
    config: StoryConfig,
) -> Reason:
    if days is not None and days * _DAY > config.window.total_seconds():
        return Reason.KEPT_APART_TIME
    if one.url and one.url == two.url:
        return Reason.SAME_URL
    if one.content and one.content == two.content:
        return Reason.SAME_CONTENT
    barred = next((p for p in stated if p.factor == 0.0), None)
    if barred is not None:
        return kept_apart(barred.kind)
    if similarity >= config.threshold:
        return Reason.NEAR_COPY if cosine >= config.near_copy else Reason.SAME_EVENT
    return Reason.UNLIKE


def _sentence(
    reason: Reason,
    similarity: float,
    days: float | None,
    worst: Particular | None,
    shared: Sequence[SharedWord],
    config: StoryConfig,
) -> str:
    words = ", ".join(f"“{s.word}”" for s in shared[:5])
    in_common = f"both have {words}" if words else "no telling word in common"
    against = ""
    if worst is not None:
        against = f"; {_SAID.get(worst.kind, f'different {worst.kind}')}"
        if worst.left != worst.right:
            against += f": {', '.join(worst.left)} / {', '.join(worst.right)}"
    measure = f"{similarity:.2f} alike, needed {config.threshold:.2f} ({in_common}{against})"
    match reason:
        case Reason.SAME_URL:
            return "The same address."
        case Reason.SAME_CONTENT:
            return "Word for word the same."
        case Reason.KEPT_APART_TIME:
            return f"{days:.1f} days apart; {config.window.days} at most are compared."
        case Reason.KEPT_APART_NUMBERS | Reason.KEPT_APART_OPPOSITE | Reason.KEPT_APART_CLIENTS:
            return f"Kept apart{against.replace(';', ':', 1)}."
        case Reason.NEAR_COPY:
            return f"Nearly the same words: {measure}."
        case Reason.SAME_EVENT:
            return f"The same event: {measure}."
        case _:
            return f"Not alike enough: {measure}."
