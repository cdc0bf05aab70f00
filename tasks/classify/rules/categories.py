"""The thirteen kinds of event, and what the rules say of one text."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.events import Category

__all__ = ["RISKS", "Category", "Certainty", "Risk", "Verdict"]

Risk = Literal["none", "low", "medium", "high"]
Certainty = Literal["stated", "speculative", "denied"]

RISKS: tuple[Risk, ...] = ("none", "low", "medium", "high")


class Verdict(BaseModel):
    """What the rules say of one text.

    `evidence` is a substring of the title or the snippet, as written there: the words that decided. It is
    empty only for `other`. `parts` holds the score of every category that had one, in pattern weights, so
    that a close second shows. With `language_supported` false nothing is claimed: the category is `other`
    only because the field must hold something, and the caller marks the item `language_unsupported`.
    """

    model_config = ConfigDict(frozen=True)

    category: Category
    confidence: float = Field(ge=0, le=1)
    sentiment: float = Field(ge=-1, le=1)
    risk: Risk
    language: str
    language_supported: bool
    certainty: Certainty
    evidence: str
    reason: str
    parts: dict[str, float]
