"""How much an event at a client should matter to the person who looks after that client.

The score is a plain sum of parts, cut to 0..1, so that the parts shown to the reader explain it. Each part
depends on one input (the category's on its confidence too) and never falls when that input improves; that
is what makes the laws hold: more outlets never lower the score, a passing mention never beats a primary
one, a higher tier never lowers, a rumour never beats a statement, older never beats newer. What a classifier
such as an AI thinks of the text is one more part, so they hold under it, too.
"""

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.classify.rules.categories import Category, Certainty, Risk

# What each kind of event is worth to an account manager at full confidence.
CATEGORY_WORTH: dict[Category, float] = {
    Category.ACQUISITION: 0.40,
    Category.SECURITY_INCIDENT: 0.40,
    Category.LAYOFFS: 0.38,
    Category.LEADERSHIP_CHANGE: 0.37,
    Category.FUNDING: 0.35,
    Category.FINANCIAL_RESULTS: 0.35,
    Category.REGULATORY: 0.34,
    Category.LITIGATION: 0.34,
    Category.EXPANSION: 0.33,
    Category.PARTNERSHIP: 0.31,
    Category.PRODUCT_LAUNCH: 0.27,
    Category.AWARD: 0.20,
    Category.OTHER: 0.06,
}
SALIENCE: dict[str, float] = {"primary": 0.15, "passing": -0.20}
TIER: dict[str | None, float] = {None: 0.0, "standard": 0.03, "growth": 0.06, "strategic": 0.10}
CERTAINTY: dict[Certainty, float] = {"stated": 0.0, "speculative": -0.08, "denied": -0.12}
RISK: dict[Risk, float] = {"none": 0.0, "low": 0.02, "medium": 0.05, "high": 0.10}
OUTLETS, OUTLETS_FULL = 0.12, 16  # sixteen outlets earn it all, each doubling a quarter
KEYWORDS, KEYWORDS_FULL = 0.08, 3
FRESHNESS, FRESHNESS_HALF_LIFE_HOURS, FRESHNESS_UNKNOWN = 0.10, 48.0, 0.03
NOVELTY = 0.10
OPINION = 0.40  # -0.20 to 0.20: at most what tier and freshness weigh together


class RelevanceInput(BaseModel):
    """What is known of one event at one client. `age_hours` None: the publication date is unknown."""

    model_config = ConfigDict(frozen=True)

    category: Category
    category_confidence: float = Field(ge=0, le=1)
    salience: Literal["primary", "passing"]
    outlet_count: int = Field(default=1, ge=0)
    tier: Literal["strategic", "growth", "standard"] | None = None
    keyword_hits: int = Field(default=0, ge=0)
    age_hours: float | None = None
    certainty: Certainty = "stated"
    novelty: float = Field(default=1.0, ge=0, le=1)
    risk: Risk = "none"
    opinion: float | None = Field(default=None, ge=0, le=1)
    """How relevant a classifier that read the text finds it; None: none did."""


class Relevance(BaseModel):
    """`score` is the sum of `parts`, cut to 0..1; `reason` names the parts that weighed most."""

    model_config = ConfigDict(frozen=True)

    score: float = Field(ge=0, le=1)
    parts: dict[str, float]
    reason: str


def relevance(x: RelevanceInput) -> Relevance:
    """Score one event; see the module's docstring for what is promised of it."""
    raw = {
        "category": CATEGORY_WORTH[x.category] * (0.6 + 0.4 * x.category_confidence),
        "salience": SALIENCE[x.salience],
        "outlets": OUTLETS * min(1.0, math.log2(max(1, x.outlet_count)) / math.log2(OUTLETS_FULL)),
        "tier": TIER[x.tier],
        "keywords": KEYWORDS * min(1.0, x.keyword_hits / KEYWORDS_FULL),
        "freshness": _freshness(x.age_hours),
        "novelty": NOVELTY * x.novelty,
        "risk": RISK[x.risk],
        "certainty": CERTAINTY[x.certainty],
    }
    if x.opinion is not None:
        raw["opinion"] = OPINION * (x.opinion - 0.5)
    parts = {name: round(value, 4) for name, value in raw.items()}
    score = round(min(1.0, max(0.0, sum(parts.values()))), 4)
    return Relevance(score=score, parts=parts, reason=_reason(x, score))


def _freshness(age_hours: float | None) -> float:
    # An unknown date is not "now": it counts like news of three and a half days.
    if age_hours is None or math.isnan(age_hours):
        return FRESHNESS_UNKNOWN
    return FRESHNESS * math.exp2(-max(0.0, age_hours) / FRESHNESS_HALF_LIFE_HOURS)


_CATEGORY_WORDS: dict[Category, str] = {
    Category.FUNDING: "money raised",
    Category.ACQUISITION: "a deal",
    Category.LEADERSHIP_CHANGE: "a change at the top",
    Category.PRODUCT_LAUNCH: "a product launch",
    Category.PARTNERSHIP: "a partnership",
    Category.FINANCIAL_RESULTS: "results",
    Category.REGULATORY: "a regulator's act",
    Category.LITIGATION: "a court matter",
    Category.LAYOFFS: "job cuts or closures",
    Category.EXPANSION: "an expansion",
    Category.SECURITY_INCIDENT: "a security incident",
    Category.AWARD: "an award",
    Category.OTHER: "no event of the kinds we report",
}


def _reason(x: RelevanceInput, score: float) -> str:
    level = "High" if score >= 0.7 else "Medium" if score >= 0.45 else "Low"
    about = "the client is the subject" if x.salience == "primary" else "the client is mentioned in passing"
    said = [_CATEGORY_WORDS[x.category], about]
    if x.outlet_count > 1:
        said.append(f"{x.outlet_count} outlets report it")
    if x.tier == "strategic":
        said.append("a strategic client")
    if x.keyword_hits:
        said.append("it names your keywords")
    if x.certainty != "stated":
        said.append("only a rumour so far" if x.certainty == "speculative" else "it is denied")
    if x.age_hours is None:
        said.append("its date is unknown")
    elif x.age_hours > 2 * FRESHNESS_HALF_LIFE_HOURS:
        said.append("it is some days old")
    if x.novelty < 0.3:
        said.append("much of it was known")
    return f"{level}: {', '.join(said)}."
