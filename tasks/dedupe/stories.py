"""Which articles tell the same event.

The order of evidence: the same canonical URL, the same words, then average linkage over background-IDF vectors with
a bar that rises with how tight the stories are. Articles further apart than the window never join directly, and
stories known before a batch never merge with each other.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from tasks.dedupe.candidates import Pairs, similar_pairs, smooth
from tasks.dedupe.conflicts import Marks, contradiction, marks
from tasks.dedupe.features import COLUMNS, analyse, features, weigh
from tasks.dedupe.linkage import Graph, Rule, agglomerate
from tasks.dedupe.text import clean, tokens, words_key
from tasks.dedupe.urls import canonical_url, identifies_article

__all__ = ["Doc", "Placement", "Reason", "StoryConfig", "StoryIndex", "group"]

_WORDS_OF_CONTENT: Final = 4

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


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
    KEPT_APART_OPPOSITE = "kept_apart_opposite"
    """Founded a story although `nearest` is alike: it reports the opposite (hired and fired)."""
    KEPT_APART_LOOKALIKE = "kept_apart_lookalike"
    """Founded a story although `nearest` is alike: the two stories are each far tighter than together."""


@dataclass(frozen=True, slots=True)
class StoryConfig:
    """One configuration for all kinds of text; see `linkage.Rule` for the first five."""

    threshold: float = 0.14
    contrast: float = 0.7
    strength: float = 5.0
    lowest: float = 0.08
    highest: float = 0.4
    window: timedelta = timedelta(days=5)
    floor: float = 0.06
    """Similarities below count as none."""
    ceiling: float = 0.6
    """Similarities above count as this: copies do not make a story tight."""
    nearest: int = 100
    """How many of an article's nearest are looked at."""
    neighbours: int = 5
    share: float = 0.3
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
class _Row:
    key: str
    url: str | None
    content: str
    marks: Marks


class StoryIndex:
    """The stories of one window. Memory is that of the articles not evicted; equal input gives equal output."""

    def __init__(self, config: StoryConfig = StoryConfig()) -> None:
        self.config = config
        self._rows: list[_Row] = []
        self._stories: list[str] = []
        self._keys: set[str] = set()
        self._at: Floats = np.zeros(0)
        self._vectors = weigh(features([]), np.zeros(0, dtype=np.int32), 0)
        self._known = np.zeros(COLUMNS, dtype=np.int32)
        self._pairs = Pairs(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
        self._agreeing = np.ones(0, dtype=bool)

    def __len__(self) -> int:
        return len(self._rows)

    def seed(self, docs: Iterable[tuple[Doc, str]]) -> None:
        """Take in articles that earlier runs placed. Their stories never merge with each other.

        What is seeded is settled. Articles of stories that nobody was told of yet are better given to `add` again,
        with the new ones: the larger the batch, the better it is grouped.
        """
        placed = sorted(docs, key=lambda pair: _order(pair[0]))
        self._append([doc for doc, _ in placed])
        self._stories.extend(story for _, story in placed)

    def evict(self, before: datetime) -> None:
        """Forget the articles dated before `before`; those without a date stay."""
        keep = ~(self._at < before.timestamp())
        if keep.all():
            return
        gone = self._vectors[~keep]
        np.subtract.at(self._known, gone.indices, 1)
        kept = np.flatnonzero(keep)
        self._rows = [self._rows[i] for i in kept]
        self._stories = [self._stories[i] for i in kept]
        self._keys = {row.key for row in self._rows}
        self._at = self._at[kept]
        self._vectors = sp.csr_array(self._vectors[kept])
        left, right, similarity = self._pairs
        both = keep[left] & keep[right]
        place = np.cumsum(keep) - 1
        self._pairs = Pairs(place[left[both]], place[right[both]], similarity[both])
        self._agreeing = self._agreeing[both]

    def add(self, docs: Sequence[Doc]) -> list[Placement]:
        """Place a batch; answers in its order. The stories do not depend on that order. Keys must be new."""
        first = len(self._rows)
        self._append(sorted(docs, key=_order))
        if not docs:
            return []
        placed = {p.key: p for p in _Placing(self, first).run()}
        self._stories.extend(placed[row.key].story for row in self._rows[first:])
        return [placed[doc.key] for doc in docs]

    def _append(self, docs: Sequence[Doc]) -> None:
        keys = [doc.key for doc in docs]
        known = self._keys & set(keys)
        if known or len(set(keys)) < len(keys):
            raise ValueError(f"articles are in the index already, or twice in the batch: {sorted(known)[:3]}")
        if not docs:
            return
        first = len(self._rows)
        self._keys.update(keys)
        said = [(tokens(clean(d.title, d.source)), tokens(clean(d.snippet, d.source))) for d in docs]
        self._rows.extend(_row(d, *words) for d, words in zip(docs, said, strict=True))
        self._at = np.concatenate((self._at, [d.at.timestamp() if d.at else np.nan for d in docs]))
        found = features([analyse(words, doc.names) for doc, words in zip(docs, said, strict=True)])
        np.add.at(self._known, found.frequency.indices, 1)
        vectors = weigh(found, self._known, len(self._rows))
        self._vectors = sp.csr_array(sp.vstack((self._vectors, vectors), format="csr"))
        config = self.config
        fresh = similar_pairs(
            self._vectors, first, self._at, config.window.total_seconds(), config.floor, config.nearest
        )
        self._pairs = Pairs(*(np.concatenate(both) for both in zip(self._pairs, fresh, strict=True)))
        self._agreeing = np.concatenate((self._agreeing, self._agree(fresh)))

    def _agree(self, pairs: Pairs) -> npt.NDArray[np.bool_]:
        """Which pairs do not contradict each other."""
        stated = np.fromiter((bool(r.marks) for r in self._rows), dtype=bool, count=len(self._rows))
        left, right, _ = pairs
        agreeing = np.ones(len(left), dtype=bool)
        for k in np.flatnonzero(stated[left] & stated[right]).tolist():
            agreeing[k] = contradiction(self._rows[left[k]].marks, self._rows[right[k]].marks) is None
        return agreeing


class _Placing:
    """One batch on its way into an index whose rows from `first` on are new."""

    def __init__(self, index: StoryIndex, first: int) -> None:
        self.rows = index._rows
        self.at = index._at
        self.alike = index._pairs
        # Contradicting articles are no evidence for each other, however alike; a third may still join them.
        self.pairs = _only(index._pairs, index._agreeing)
        self.stories = index._stories
        self.config = index.config
        self.first = first
        self.size = len(index._rows)
        # A row's node: its own, or for an article of a known story that story's first row.
        self.node = np.arange(self.size, dtype=np.int64)
        named: dict[str, int] = {}
        for row, story in enumerate(self.stories):
            self.node[row] = named.setdefault(story, row)
        self.identity: dict[int, tuple[Reason, int]] = {}

    def run(self) -> list[Placement]:
        self._join_identical()
        involved = self._involved()
        config = self.config
        told = smooth(
            self.pairs,
            involved,
            self.size,
            self.at,
            config.window.total_seconds(),
            config.floor,
            config.neighbours,
            config.share,
        )
        return self._explain(self._link(told), told)

    def _join_identical(self) -> None:
        """Put together what has the same URL or the same content, inside the window."""
        window = self.config.window.total_seconds()
        for reason, value in ((Reason.SAME_URL, "url"), (Reason.SAME_CONTENT, "content")):
            seen: dict[str, int] = {}
            for i, row in enumerate(self.rows):
                known = getattr(row, value)
                if not known:
                    continue
                other = seen.get(known)
                seen[known] = i
                if other is None or i < self.first or abs(self.at[i] - self.at[other]) > window:
                    continue
                mine, theirs = int(self.node[i]), int(self.node[other])
                if mine != theirs and max(mine, theirs) >= self.first:
                    self.node[self.node == max(mine, theirs)] = min(mine, theirs)
                if self.node[i] == self.node[other]:
                    self.identity.setdefault(i, (reason, other))

    def _involved(self) -> Ints:
        """The new rows, and all rows of the stories that some new row is near to."""
        node, (left, right, similarity) = self.node, self.pairs
        near = (right >= self.first) & (similarity >= self.config.lowest)
        touched = np.zeros(self.size, dtype=bool)
        touched[node[left[near]]] = True
        touched[node[self.first :]] = True
        return np.flatnonzero(touched[node])

    def _link(self, told: Pairs) -> Ints:
        """The final node of each row: all articles near the new ones are grouped afresh, so that a story known from
        one article does not decide for good, then each new group takes the story that it holds the most of."""
        placed = self.node < self.first
        free = np.where(placed, np.arange(self.size), self.node)
        names, compact = np.unique(free, return_inverse=True)
        n = len(names)
        left, right = compact[told.left], compact[told.right]
        similarity = np.minimum(told.similarity, self.config.ceiling)
        inside = left == right
        within = np.zeros(n)
        np.add.at(within, left[inside], similarity[inside])
        low, high = np.minimum(left, right)[~inside], np.maximum(left, right)[~inside]
        edges, where = np.unique(low * n + high, return_inverse=True)
        between = np.zeros(len(edges))
        np.add.at(between, where, similarity[~inside])
        sizes = np.bincount(compact, minlength=n).astype(np.float64)
        graph = Graph(sizes, within, edges // n, edges % n, between)
        clusters = names[agglomerate(graph, self.config.rule())[compact]]
        return self._name(clusters, placed)

    def _name(self, clusters: Ints, placed: npt.NDArray[np.bool_]) -> Ints:
        """The final node of each row, given the clusters of all: placed rows stay in their story."""
        shares = Counter(zip(clusters[placed].tolist(), self.node[placed].tolist(), strict=True))
        # A story belongs to the one cluster that holds most of it; a cluster takes the story it holds most of.
        owner: dict[int, int] = {}
        taken: dict[int, int] = {}
        for (cluster, story), _ in sorted(shares.items(), key=lambda item: (-item[1], item[0])):
            if owner.setdefault(story, cluster) == cluster:
                taken.setdefault(cluster, story)
        final = self.node.copy()
        for row in np.flatnonzero(~placed).tolist():
            final[row] = taken.setdefault(int(clusters[row]), int(final[row]))
        return final

    def _explain(self, final: Ints, told: Pairs) -> list[Placement]:
        config, first = self.config, self.first
        left, right, similarity = self.pairs
        same = final[left] == final[right]
        friend, friendship = _best(left[same], right[same], similarity[same], self.size)
        other = _only(self.alike, final[self.alike.left] != final[self.alike.right])
        rival, rivalry = _best(other.left, other.right, other.similarity, self.size)
        within = final[told.left] == final[told.right]
        relay, _ = _best(told.left[within], told.right[within], told.similarity[within], self.size)
        total = np.zeros(self.size)
        np.add.at(total, told.left[within], told.similarity[within])
        np.add.at(total, told.right[within], told.similarity[within])
        members = np.bincount(final, minlength=self.size)
        placements = []
        for i in range(first, self.size):
            row, root = self.rows[i], int(final[i])
            parts = {"threshold": config.threshold}
            if rival[i] >= 0:
                parts["nearest_other"] = round(float(rivalry[i]), 4)
            if i == root:
                placements.append(self._founded(i, int(rival[i]), float(rivalry[i]), parts))
                continue
            parts["nearest"] = round(float(friendship[i]), 4)
            parts["story"] = round(float(total[i] / max(1, members[root] - 1)), 4)
            reason, score = Reason.SAME_EVENT, float(friendship[i])
            joined = int(friend[i]) if friend[i] >= 0 else int(relay[i])
            if i in self.identity:
                (reason, joined), score = self.identity[i], 1.0
            elif score >= config.near_copy:
                reason = Reason.NEAR_COPY
            story = self.stories[root] if root < first else self.rows[root].key
            nearest = self.rows[joined if joined >= 0 else root].key
            placements.append(Placement(row.key, story, nearest, reason.value, round(score, 4), parts))
        return placements

    def _founded(self, i: int, rival: int, likeness: float, parts: dict[str, float]) -> Placement:
        reason, nearest = Reason.FOUNDED, None
        if rival >= 0:
            kind = contradiction(self.rows[i].marks, self.rows[rival].marks)
            if kind is not None and likeness >= self.config.threshold:
                reason = Reason.KEPT_APART_OPPOSITE if kind.startswith("way ") else Reason.KEPT_APART_NUMBERS
            elif likeness >= self.config.threshold:
                reason = Reason.KEPT_APART_LOOKALIKE
        if reason is not Reason.FOUNDED:
            nearest = self.rows[rival].key
        key = self.rows[i].key
        return Placement(key, key, None, reason.value, round(likeness, 4), parts, nearest)


def _row(doc: Doc, title: list[str], snippet: list[str]) -> _Row:
    url = canonical_url(doc.url) if doc.url else None
    return _Row(
        key=doc.key,
        url=url if url and identifies_article(url) else None,
        content=words_key(title, snippet) if len(title) + len(snippet) >= _WORDS_OF_CONTENT else "",
        marks={**marks(title, snippet), "party": doc.parties} if doc.parties else marks(title, snippet),
    )


def group(docs: Sequence[Doc], config: StoryConfig = StoryConfig()) -> dict[str, str]:
    """Article key -> story, all at once."""
    return {p.key: p.story for p in StoryIndex(config).add(docs)}


def _only(pairs: Pairs, keep: npt.NDArray[np.bool_]) -> Pairs:
    return Pairs(pairs.left[keep], pairs.right[keep], pairs.similarity[keep])


def _order(doc: Doc) -> tuple[bool, float, str]:
    return doc.at is None, doc.at.timestamp() if doc.at else 0.0, doc.key


def _best(
    left: npt.NDArray[np.int64], right: npt.NDArray[np.int64], similarity: npt.NDArray[np.float64], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """For each row its most similar partner (-1 without one; the lowest of equals) and that similarity."""
    one, two = np.concatenate((left, right)), np.concatenate((right, left))
    value = np.concatenate((similarity, similarity))
    best = np.zeros(size)
    np.maximum.at(best, one, value)
    top = value == best[one]
    partner = np.full(size, size, dtype=np.int64)
    np.minimum.at(partner, one[top], two[top])
    partner[partner == size] = -1
    return partner, best
