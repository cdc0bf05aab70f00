"""An article as the story engine sees it, where it was placed, and the engine's settings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tasks.dedupe.conflicts import Marks, marks
from tasks.dedupe.evidence import Stated
from tasks.dedupe.kinds import kinds
from tasks.dedupe.linkage import Rule
from tasks.dedupe.particulars import particulars
from tasks.dedupe.slots import named
from tasks.dedupe.text import clean, tokens, words_key
from tasks.dedupe.urls import canonical_url, identifies_article, publisher

__all__ = ["Doc", "Placement", "Reading", "Reason", "StoryConfig", "kept_apart", "read"]

_WORDS_OF_CONTENT: Final = 4
"""Shorter texts ("Live updates") are no identity."""


class Reason(StrEnum):
    """Why an article is where it is. Stable codes: they are stored in the decision log."""

    FOUNDED = "founded"
    """Nothing known was near: the article founds a story."""
    SAME_URL = "same_url"
    """The same canonical URL as `joined_to`, inside the window."""
    SAME_CONTENT = "same_content"
    """The same words in title and snippet as `joined_to`, inside the window."""
    NEAR_COPY = "near_copy"
    """Joined by similarity, and `joined_to` is nearly word for word the same."""
    SAME_EVENT = "same_event"
    """Joined by similarity: its story's articles are alike enough on average."""
    KEPT_APART_NUMBERS = "kept_apart_numbers"
    """Founded a story although `nearest` is alike: another quarter, year, version or part (see `conflicts`)."""
    KEPT_APART_CLIENTS = "kept_apart_clients"
    """Founded a story although `nearest` is alike: each names a client of ours, and not the same."""
    KEPT_APART_OPPOSITE = "kept_apart_opposite"
    """Founded a story although `nearest` is alike: it reports the opposite (hired and fired)."""
    KEPT_APART_TIME = "kept_apart_time"
    """Further apart in time than the window: not compared."""
    UNLIKE = "unlike"
    """Too little in common."""
    KEPT_APART_LOOKALIKE = "kept_apart_lookalike"
    """Founded a story although `nearest` is alike: the two stories are each far tighter than together."""


def kept_apart(kind: str) -> Reason:
    """The reason for a pair that contradicts each other on a kind of mark (see `conflicts`)."""
    if kind == "party":
        return Reason.KEPT_APART_CLIENTS
    return Reason.KEPT_APART_OPPOSITE if kind.startswith("way ") else Reason.KEPT_APART_NUMBERS


@dataclass(frozen=True, slots=True)
class StoryConfig:
    """One configuration for all kinds of text; see `linkage.Rule` for the first five."""

    threshold: float = 0.18
    contrast: float = 0.65
    strength: float = 3.0
    lowest: float = 0.08
    highest: float = 0.5
    window: timedelta = timedelta(days=5)
    floor: float = 0.06
    """Similarities below count as none."""
    ceiling: float = 0.8
    """Similarities above count as this: copies do not make a story tight."""
    nearest: int = 100
    """How many of an article's nearest are looked at."""
    neighbours: int = 4
    share: float = 0.4
    """How much an article takes up of its nearest neighbours, see `candidates.smooth`."""
    near_copy: float = 0.8

    def rule(self) -> Rule:
        return Rule(self.threshold, self.contrast, self.strength, self.lowest, self.highest)


@dataclass(frozen=True, slots=True)
class Doc:
    """What the engine knows of an article.

    `names` are those its neighbours share (the clients', as written): they count less. `parties` are the clients it
    names, by whatever key the caller has: articles that each name some and share none tell different events.
    """

    key: str
    title: str
    snippet: str | None = None
    source: str | None = None
    url: str | None = None
    at: datetime | None = None
    names: tuple[str, ...] = ()
    parties: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an article belongs, and why: `parts` with `reason` replay the decision.

    `joined_to` is the nearest article of its story (None when it founded the story), `nearest` the nearest of
    another story when it was kept apart from that. `score` is the similarity to the one named, 1 for identity.
    """

    key: str
    story: str
    joined_to: str | None
    reason: str
    score: float
    parts: dict[str, float] = field(default_factory=dict)
    nearest: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What of an article identifies it: its key, canonical URL and content ("" or None when they identify nothing),
    and what it states."""

    key: str
    url: str | None
    content: str
    marks: Marks
    stated: Stated
    segments: tuple[Sequence[str], Sequence[str]]
    """The tokens of its title and of its snippet."""


def read(doc: Doc) -> Reading:
    """An article, analysed without regard to any other."""
    title, snippet = clean(doc.title, doc.source), clean(doc.snippet, doc.source)
    first, rest = tokens(title), tokens(snippet)
    url = canonical_url(doc.url) if doc.url else None
    found = marks(first, rest)
    stated, told = particulars(title, snippet, [*first, *rest]), kinds(first)
    return Reading(
        key=doc.key,
        url=url if url and identifies_article(url) else None,
        content=words_key(first, rest) if len(first) + len(rest) >= _WORDS_OF_CONTENT else "",
        marks={**found, "party": doc.parties} if doc.parties else found,
        stated=Stated(
            {**stated, "event": told} if told else stated,
            publisher(doc.url, doc.source),
            doc.at.timestamp() if doc.at else math.nan,
            named(title, snippet),
            (first, rest),
        ),
        segments=(first, rest),
    )
