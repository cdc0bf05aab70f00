"""From a story's articles about one client to one event: a pure function of the whole set.

Because the set alone decides, the event is the same whatever the order and the batches its articles came in.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from models.clients import Client
from models.events import Category
from models.news import Article
from tasks.classify.classifier import Judgement
from tasks.classify.novelty import novelty
from tasks.classify.rules import Verdict
from tasks.classify.rules.categories import RISKS
from tasks.classify.rules.relevance import RelevanceInput, relevance
from tasks.companies.match import CompanyMatch

# Several weak articles must not outvote the one that names the event, and "other" wins only unopposed.
_PASSING_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Telling:
    """One article of the story that is about the client, and what was said of it."""

    article: Article
    match: CompanyMatch
    verdict: Verdict
    is_history: bool

    @property
    def at(self) -> datetime:
        return self.article.at


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a classifier said of a story for a client, and the article of which it said so."""

    judgement: Judgement
    telling: Telling


@dataclass(frozen=True, slots=True)
class Draft:
    """The event's columns, and the telling that stands for it."""

    lead: Telling
    """Its verdict is the classifier's where there is an opinion."""
    values: dict[str, Any]
    reason_code: str


def _weight(telling: Telling) -> float:
    return telling.verdict.confidence * (1.0 if telling.match.salience == "primary" else _PASSING_WEIGHT)


def _category(tellings: Sequence[Telling]) -> Category:
    votes: dict[Category, float] = defaultdict(float)
    for telling in tellings:
        votes[telling.verdict.category] += _weight(telling)
    named = {category: vote for category, vote in votes.items() if category is not Category.OTHER}
    if not named:
        return Category.OTHER
    return max(sorted(named), key=lambda category: named[category])


def ranked(tellings: Sequence[Telling]) -> list[Telling]:
    """The articles by how well they speak for the story.

    First those in a language we judge, naming the event, about the client, with a lead text, early.
    """
    category = _category(tellings)
    return sorted(
        tellings,
        key=lambda t: (
            not t.verdict.language_supported,
            t.verdict.category is not category,
            t.match.salience != "primary",
            t.article.snippet is None,
            t.at,
            t.article.identity,
        ),
    )


def keyword_hits(client: Client, article: Article) -> int:
    """How many of the client's keywords the article names, as whole words."""
    text = f"{article.title} {article.snippet or ''}"
    return sum(bool(_whole_word(word).search(text)) for word in client.keywords if word)


@lru_cache(maxsize=16_384)
def _whole_word(word: str) -> re.Pattern[str]:
    # A cache of our own: re's holds 512 patterns, fewer than the keywords of a hundred clients and our rules.
    return re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)


def assemble(
    client: Client,
    tellings: Sequence[Telling],
    as_of: datetime,
    told: Sequence[str] = (),
    opinion: Opinion | None = None,
) -> Draft:
    """The event of this story for this client. ``tellings`` are all its articles that are about the client.

    ``told``: headlines of the client's other stories that somebody got lately. An ``opinion`` of one of the tellings
    decides what kind of event it is and how it reads; how far it is told, by whom and when stays with the set.
    """
    tellings = sorted(tellings, key=lambda t: t.article.identity)  # sums of floats depend on their order
    lead = _decided(opinion) if opinion else ranked(tellings)[0]
    verdict, match = lead.verdict, lead.match
    category = verdict.category if opinion else _category(tellings)
    supported = verdict.language_supported
    published = min((t.article.published_at for t in tellings if t.article.published_at), default=None)
    score = relevance(
        RelevanceInput(
            category=verdict.category,
            category_confidence=verdict.confidence,
            salience="primary" if match.salience == "primary" else "passing",
            outlet_count=len({t.article.publisher for t in tellings}),
            tier=client.tier.value if client.tier else None,
            keyword_hits=max(keyword_hits(client, t.article) for t in tellings),
            age_hours=max(0.0, (as_of - published).total_seconds() / 3600) if published else None,
            certainty=verdict.certainty,
            novelty=novelty(lead.article.title, told),
            risk=verdict.risk,
            opinion=opinion.judgement.relevance if opinion else None,
        )
    )
    count = len({t.article.publisher for t in tellings})
    mean = sum(t.verdict.sentiment for t in tellings) / len(tellings)
    values = {
        "article_id": lead.article.id,
        "category": category,
        "relevance": round(score.score, 4) if supported else 0.0,
        "sentiment": round(verdict.sentiment if opinion else mean, 4),
        "confidence": round(verdict.confidence if opinion else match.confidence * verdict.confidence, 4),
        "risk": verdict.risk if opinion else max((t.verdict.risk for t in tellings), key=RISKS.index),
        "salience": match.salience,
        "certainty": verdict.certainty,
        "language": verdict.language,
        "language_supported": supported,
        "title": lead.article.title,
        "summary": lead.article.snippet or "",
        "reason": verdict.reason
        if supported
        else f"Found by name; {verdict.language} is not a language we judge.",
        "evidence": verdict.evidence or match.evidence,
        "score_parts": {name: round(part, 4) for name, part in score.parts.items()} | {"outlet_count": count},
        "is_history": all(t.is_history for t in tellings),
        "is_mock": any(t.article.is_mock for t in tellings),
        "published_at": published,
        "happened_at": published or min(t.article.first_seen_at for t in tellings),
    }
    code = category.value if supported else "language_unsupported"
    return Draft(lead=lead, values=values, reason_code=code)


def opinion_on(verdict: Verdict, said: Judgement) -> Verdict:
    """The rules' verdict as a classifier reads the text. A rumour stays one: classifiers are not asked for that.

    A classifier reads languages that the rules do not, so what it judged counts as judged.
    """
    return verdict.model_copy(
        update={
            "category": said.category,
            "confidence": said.confidence,
            "sentiment": said.sentiment,
            "risk": said.risk,
            "evidence": said.evidence,
            "reason": said.reason or verdict.reason,
            "language_supported": True,
        }
    )


def _decided(opinion: Opinion) -> Telling:
    """The telling as the classifier reads it."""
    said, telling = opinion.judgement, opinion.telling
    salience = "primary" if said.about == "main" else "passing"
    match = telling.match.model_copy(update={"salience": salience})
    return replace(telling, verdict=opinion_on(telling.verdict, said), match=match)


EventKey = tuple[UUID, UUID]
"""(story id, client id)."""
