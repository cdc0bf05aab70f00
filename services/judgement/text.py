"""One text against some clients: language, company, category, relevance. Pure; no database, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from models.clients import Client, ClientMatchRule
from models.news import Article
from services.judgement.category import CategoryJudgement, explain_category
from tasks.classify.assemble import Draft, Telling, assemble
from tasks.classify.matching import match_article
from tasks.classify.rules import Pattern, Verdict, classify_text
from tasks.companies.index import NameIndex
from tasks.companies.match import CompanyMatch
from tasks.profiles import profile_of

_NOWHERE = UUID(int=0)


class Language(BaseModel):
    """The language a text is in, and whether the rules judge it."""

    code: str
    supported: bool


class RelevanceJudgement(BaseModel):
    """How much it should matter for one client, in parts that sum to the score."""

    score: float
    parts: dict[str, float]


class CompanyJudgement(BaseModel):
    """Whether the text is about one client, and why."""

    client: str
    about: bool
    confidence: float
    reason_code: str
    evidence: str
    salience: str
    named: list[str]
    """The places that may name the client, as written."""
    parts: dict[str, float]
    rules: list[str]
    """What readers taught about this client, each as a sentence."""
    relevance: RelevanceJudgement | None = None
    """None where the text is not about the client or in a language that is not judged."""


class TextJudgement(BaseModel):
    """Everything that can be said of a text without looking at other texts."""

    title: str
    snippet: str
    language: Language
    companies: list[CompanyJudgement]
    category: CategoryJudgement


@dataclass(frozen=True, slots=True)
class Concern:
    """A client the text is about, with the event it would make."""

    client: Client
    draft: Draft


def article_of(
    title: str, snippet: str | None = None, url: str | None = None, source: str | None = None, *, at: datetime
) -> Article:
    """A text as an article that was published and found at ``at``; it is stored nowhere."""
    return Article(
        business_id=_NOWHERE,
        identity="",
        title=title,
        snippet=snippet or None,
        url=url,
        source=source,
        publisher=source or "",
        published_at=at,
        first_seen_at=at,
    )


def judge_text(
    article: Article,
    clients: Sequence[Client],
    *,
    only_named: bool = True,
    rules: Mapping[UUID, Sequence[ClientMatchRule]] | None = None,
    patterns: Sequence[Pattern] = (),
    as_of: datetime,
) -> tuple[TextJudgement, list[Concern]]:
    """Judge a text as the classify stage would, telling why.

    With ``only_named`` clients that the text does not name are left out; without, each gets a verdict.
    """
    verdict = classify_text(article.title, article.snippet, extra=tuple(patterns))
    profiles = {client.id: profile_of(client) for client in clients}
    found = NameIndex(profiles.values()).candidates(article.title, article.snippet, article.url)
    companies, concerns = [], []
    for client in clients:
        hits = found.get(str(client.id), [])
        if only_named and not hits:
            continue
        taught = list((rules or {}).get(client.id, ()))
        match = match_article(profiles[client.id], article, taught, hits=hits)
        draft = _draft(client, article, match, verdict, as_of) if match.about else None
        if draft is not None:
            concerns.append(Concern(client, draft))
        companies.append(
            CompanyJudgement(
                client=client.name,
                about=match.about,
                confidence=match.confidence,
                reason_code=str(match.reason),
                evidence=match.evidence,
                salience=match.salience,
                named=list(dict.fromkeys(hit.surface for hit in hits)),
                parts=match.parts,
                rules=[describe_rule(rule) for rule in taught],
                relevance=_relevance(draft),
            )
        )
    companies.sort(key=lambda one: (not one.about, -one.confidence, one.client))
    judged = TextJudgement(
        title=article.title,
        snippet=article.snippet or "",
        language=Language(code=verdict.language, supported=verdict.language_supported),
        companies=companies,
        category=explain_category(verdict, article.title, article.snippet, patterns),
    )
    return judged, concerns


def describe_rule(rule: ClientMatchRule) -> str:
    """A taught rule as a sentence."""
    if rule.kind.value == "exclude_context":
        return f"not about it where the text says “{rule.phrase}”"
    return f"about it only where the text says “{rule.phrase}”"


def _draft(client: Client, article: Article, match: CompanyMatch, verdict: Verdict, as_of: datetime) -> Draft:
    return assemble(client, [Telling(article, match, verdict, is_history=False)], as_of)


def _relevance(draft: Draft | None) -> RelevanceJudgement | None:
    if draft is None or not draft.values["language_supported"]:
        return None
    parts = {name: part for name, part in draft.values["score_parts"].items() if name != "outlet_count"}
    return RelevanceJudgement(score=draft.values["relevance"], parts=parts)
