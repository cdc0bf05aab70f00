"""Is a text about a company? The verdict, with its reason, its evidence and the parts of its score."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel

from tasks.companies.context import analyse
from tasks.companies.index import Hit, NameIndex
from tasks.companies.lexicon import lexicon
from tasks.companies.names import Profile, words_of
from tasks.companies.rules import MatchRule, covered, deciding_rule, excluding_term
from tasks.companies.salience import weigh
from tasks.companies.sense import judge
from tasks.companies.spot import Evidence, spot

Salience = Literal["primary", "passing", "none"]

_TOPIC_PARTS = frozenset({"trade_words", "business_words"})
_STRONG = 2.0
_PUBLISHER_SUFFIX = re.compile(r"\s(?:[-–—|])\s([^-–—|]{2,40})$")
_CAP = 6.0


__all__ = ["CompanyMatch", "MatchRule", "Reason", "Salience", "match_company"]


class Reason(StrEnum):
    """Why a text was taken or left."""

    name_in_headline = "name_in_headline"
    name_in_snippet = "name_in_snippet"
    legal_name = "legal_name"
    alias_in_headline = "alias_in_headline"
    ticker_in_market_context = "ticker_in_market_context"
    own_domain = "own_domain"
    no_name = "no_name"
    common_word_not_name = "common_word_not_name"
    used_as_verb = "used_as_verb"
    part_of_longer_name = "part_of_longer_name"
    person_name = "person_name"
    namesake = "namesake"
    excluded_term = "excluded_term"
    excluded_by_rule = "excluded_by_rule"
    required_context_missing = "required_context_missing"
    former_employee = "former_employee"
    employee_not_company = "employee_not_company"
    comparison = "comparison"
    one_of_a_list = "one_of_a_list"
    market_wrap = "market_wrap"
    shopping_advice = "shopping_advice"
    holder_of_shares = "holder_of_shares"
    product_in_use = "product_in_use"
    only_the_place = "only_the_place"
    medium_not_subject = "medium_not_subject"
    publisher_not_subject = "publisher_not_subject"
    passing_mention = "passing_mention"
    only_named = "only_named"
    source_not_subject = "source_not_subject"


_SENSE_REASONS = {
    "lower_case": Reason.common_word_not_name,
    "shouted_word": Reason.common_word_not_name,
    "common_word_not_name": Reason.common_word_not_name,
    "another_field": Reason.common_word_not_name,
    "common_compound": Reason.common_word_not_name,
    "compound_word": Reason.common_word_not_name,
    "other_initials": Reason.common_word_not_name,
    "place_or_thing": Reason.common_word_not_name,
    "owned_thing": Reason.common_word_not_name,
    "shared_name": Reason.namesake,
    "plural": Reason.common_word_not_name,
    "name": Reason.common_word_not_name,
    "used_as_verb": Reason.used_as_verb,
    "part_of_longer_name": Reason.part_of_longer_name,
    "person_name": Reason.person_name,
}


class CompanyMatch(BaseModel, frozen=True):
    """The verdict on one text for one company.

    `about`: the text concerns the company, not a namesake and not in passing. `confidence` is the
    probability of that, so `about` is `confidence >= 0.5`. `evidence` is the span that decided, as written.
    `parts` are the summands of the score: `sense.*` (is it the company), `role.*` (is it the subject).
    """

    about: bool
    confidence: float
    salience: Salience
    reason: Reason
    evidence: str
    parts: dict[str, float]


@lru_cache(maxsize=20_000)
def _index_of(profile: Profile) -> NameIndex:
    return NameIndex([profile])


def _verdict(
    score: float, salience: Salience, reason: Reason, evidence: str, parts: dict[str, float]
) -> CompanyMatch:
    score = round(score, 3)
    confidence = round(1 / (1 + math.exp(-max(-_CAP, min(_CAP, score)))), 4)
    return CompanyMatch(
        about=score >= 0,
        confidence=confidence,
        salience=salience,
        reason=reason,
        evidence=evidence,
        parts=parts,
    )


def match_company(
    profile: Profile,
    title: str,
    snippet: str | None = None,
    url: str | None = None,
    source: str | None = None,
    *,
    hits: Sequence[Hit] | None = None,
    rules: Sequence[MatchRule] = (),
) -> CompanyMatch:
    """Judge whether a text is about the company of the profile.

    `hits` are this profile's candidates of `NameIndex.candidates` for the same text; found here when not
    given. Never raises on any text.
    """
    if hits is None:
        hits = _index_of(profile).candidates(title, snippet, url).get(profile.key, [])
    if not hits:
        return _verdict(-_CAP, "none", Reason.no_name, "", {})
    texts = {"title": title, "snippet": snippet or "", "url": url or ""}
    if profile.excluded_terms or rules:
        words = (*words_of(title), "\n", *words_of(snippet or ""))
        if term := excluding_term(profile, words, hits):
            return _verdict(-_CAP, "none", Reason.excluded_term, term, {"excluded_term": -_CAP})
        if rule := deciding_rule(rules, words):
            excludes = rule.kind == "exclude_context"
            reason = Reason.excluded_by_rule if excludes else Reason.required_context_missing
            return _verdict(-_CAP, "none", reason, rule.phrase, {f"rule.{rule.id or rule.phrase}": -_CAP})
    hits = [h for h in hits if not covered(profile, texts[h.field], h)]
    if not hits:
        term = next(t for t in profile.excluded_terms if t)
        return _verdict(-_CAP, "none", Reason.excluded_term, term, {"excluded_term": -_CAP})
    publisher = _publisher_span(title, source, hits)
    named = [h for h in hits if not (publisher and h.field == "title" and h.start >= publisher[0])]
    if not named and publisher:
        return _verdict(-4.0, "none", Reason.publisher_not_subject, title[slice(*publisher)], {})
    headline = analyse(title)
    lead = analyse(snippet) if snippet else None
    spots = [
        None
        if h.field == "url"
        else spot(profile, h, headline if h.field == "title" or lead is None else lead)
        for h in named
    ]
    judged = [judge(h, at, headline, lead) for h, at in zip(named, spots, strict=True)]
    if len(judged) > 1:
        _corroborate(judged)
    ranked: list[tuple[float, Evidence, Evidence]] = []
    for sense, at in zip(judged, spots, strict=True):
        same_field = [(h.start, h.end) for h in named if h.field == sense.hit.field]
        # what is not the company plays no part
        role = weigh(sense.hit, at, same_field, headline) if sense.score >= 0 else Evidence(sense.hit)
        ranked.append((_score(sense, role), sense, role))
    _, sense, role = max(ranked, key=lambda r: r[0])
    return _explain(sense, role, texts)


def _publisher_span(title: str, source: str | None, hits: Sequence[Hit]) -> tuple[int, int] | None:
    """Where a headline ends in the name of its outlet ("... - The Daily Post")."""
    match = _PUBLISHER_SUFFIX.search(title)
    if match is None:
        return None
    tail = words_of(match.group(1))
    if source and (tail == words_of(source) or set(tail) <= set(words_of(source))):
        return match.span(1)
    inside = any(h.field == "title" and h.start >= match.start(1) for h in hits)
    # "Storm nears - Acme News": the outlet is the name, and words for an outlet
    whole = any(
        h.field == "title"
        and h.start == match.start(1)
        and set(words_of(title[h.end :])) <= lexicon()["outlet_words"]
        for h in hits
    )
    return match.span(1) if inside and whole else None


def _corroborate(judged: list[Evidence]) -> None:
    """A name that is beyond doubt in one place lends belief to the doubtful names beside it."""
    for sense in judged:
        others = [s for s in judged if s is not sense and s.score - s.parts.get("other_name", 0) >= _STRONG]
        if others and sense.hit.kind != "domain":
            best = max(others, key=lambda s: s.score)
            if best.hit.surface != sense.hit.surface:
                sense.add(("other_name", 2.0), None)


def _score(sense: Evidence, role: Evidence) -> float:
    """The weaker of the two: it must be the company, and be what the text is about."""
    return min(sense.score, role.score) if role.parts else sense.score


def _explain(sense: Evidence, role: Evidence, texts: dict[str, str]) -> CompanyMatch:
    score = _score(sense, role)
    hit = sense.hit
    parts = {f"sense.{k}": round(v, 3) for k, v in sense.parts.items()} | {
        f"role.{k}": round(v, 3) for k, v in role.parts.items()
    }
    text = texts[hit.field]
    if sense.score < 0:
        worst = min(sense.parts, key=lambda k: sense.parts[k])
        reason = _SENSE_REASONS.get(worst, Reason.common_word_not_name)
        start, end = sense.spans.get(worst, (hit.start, hit.end))
        return _verdict(score, "none", reason, text[start:end], parts)
    if role.score < 0:
        worst = min(role.parts, key=lambda k: role.parts[k])
        reason = Reason(worst) if worst in Reason.__members__ else Reason.passing_mention
        start, end = role.spans.get(worst, (hit.start, hit.end))
        return _verdict(score, "passing", reason, text[start:end], parts)
    reason = Reason.name_in_headline if hit.field == "title" else Reason.name_in_snippet
    if hit.kind == "ticker":
        reason = Reason.ticker_in_market_context
    elif hit.kind == "legal_name":
        reason = Reason.legal_name
    elif hit.kind == "domain":
        reason = Reason.own_domain
    elif hit.kind in ("alias", "generated_alias") and hit.field == "title":
        reason = Reason.alias_in_headline
    best = max((k for k in sense.spans if k not in _TOPIC_PARTS), key=lambda k: sense.parts[k], default="")
    start, end = sense.spans.get(best, (hit.start, hit.end))
    return _verdict(score, "primary", reason, text[start:end], parts)
