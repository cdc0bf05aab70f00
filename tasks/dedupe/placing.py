"""One batch on its way into the window's stories: whatever may still move is grouped afresh with it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.dedupe.candidates import Pairs, only, smooth
from tasks.dedupe.conflicts import contradiction
from tasks.dedupe.doc import Placement, Reading, Reason, StoryConfig, kept_apart
from tasks.dedupe.linkage import Graph, agglomerate

__all__ = ["Window", "place"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_NOWHERE: Final = ""


@dataclass(slots=True)
class Window:
    """The articles in reach, a row each in the order they came; those without a story ("") are to be placed."""

    readings: list[Reading]
    at: Floats
    """Seconds, NaN where unknown."""
    alike: Pairs
    """Similar pairs, weighted by what both state."""
    cosine: Floats
    """How alike their words are, unweighted."""
    agreeing: Flags
    """Which of them do not contradict each other."""
    stories: list[str]
    settled: Flags
    """Rows that stay in their story whatever comes."""
    twin: Ints
    """The earlier row with the same URL or content, or -1."""
    twin_by_url: Flags


def place(window: Window, config: StoryConfig) -> tuple[dict[int, Placement], dict[str, str]]:
    """Where the rows to be placed belong, and which others belong elsewhere now; and the settled stories that tell the
    same event as another settled one, with that.

    A story is named by one of its articles: that is how names stay unique whatever moves.
    """
    placing = _Placing(window, config)
    return placing.run(), placing.related


class _Placing:
    def __init__(self, window: Window, config: StoryConfig) -> None:
        self.window, self.config = window, config
        self.size = len(window.stories)
        self.new = np.fromiter((s == _NOWHERE for s in window.stories), dtype=bool, count=self.size)
        self.copies = np.flatnonzero(window.twin >= 0)
        # Contradicting articles are no evidence for each other, however alike; a third may still join them.
        self.pairs = only(window.alike, window.agreeing)
        self.related: dict[str, str] = {}
        # A row's story, by the row that stands for it: the first of a known story, oneself for a new article.
        self.current = np.arange(self.size, dtype=np.int64)
        first: dict[str, int] = {}
        for row, story in enumerate(window.stories):
            if story != _NOWHERE:
                self.current[row] = first.setdefault(story, row)

    def run(self) -> dict[int, Placement]:
        involved = self._involved()
        config = self.config
        told = smooth(
            self.pairs,
            np.flatnonzero(involved),
            self.size,
            self.window.at,
            config.window.total_seconds(),
            config.floor,
            config.neighbours,
            config.share,
        )
        names = self._name(self._cluster(told), involved)
        return self._explain(names, told)

    def _involved(self) -> Flags:
        """The new rows, and all rows of the stories that some new row is near to."""
        left, right, similarity = self.pairs
        near = (similarity >= self.config.lowest) & (self.new[left] | self.new[right])
        touched = self.new.copy()
        touched[self.current[left[near]]] = True
        touched[self.current[right[near]]] = True
        twin = self.window.twin
        touched[self.current[twin[self.new & (twin >= 0)]]] = True
        return touched[self.current]

    def _cluster(self, told: Pairs) -> Ints:
        """Each row's cluster. Known stories are grouped afresh too, so that one known from one article does not decide
        for good. Copies have no pairs; they follow what they copy."""
        n = self.size
        similarity = np.minimum(told.similarity, self.config.ceiling)
        graph = Graph(np.ones(n), np.zeros(n), told.left, told.right, similarity)
        clusters = agglomerate(graph, self.config.rule())
        for row in self.copies.tolist():
            clusters[row] = clusters[self.window.twin[row]]
        return clusters

    def _name(self, clusters: Ints, involved: Flags) -> list[str]:
        """The story of each row, given the clusters. Rows that are settled or far from all that is new keep theirs."""
        stories, settled = self.window.stories, self.window.settled
        names = list(stories)
        fixed = settled & involved
        fixed[self.copies] = False
        shares = Counter(zip(clusters[fixed].tolist(), self.current[fixed].tolist(), strict=True))
        # A settled story belongs to the one cluster that holds most of it; a cluster takes the one it holds most of.
        owner: dict[int, int] = {}
        taken: dict[int, str] = {}
        for (cluster, story), _ in sorted(shares.items(), key=lambda item: (-item[1], item[0])):
            if owner.setdefault(story, cluster) == cluster:
                first = taken.setdefault(cluster, stories[story])
                if first != stories[story]:
                    self.related[stories[story]] = first
        free: dict[int, list[int]] = {}
        for row in np.flatnonzero(involved & ~settled).tolist():
            free.setdefault(int(clusters[row]), []).append(row)
        for cluster, rows in free.items():
            name = taken.get(cluster) or self._own_name(rows)
            for row in rows:
                names[row] = name
        for row in self.copies[~settled[self.copies]].tolist():
            # What it copies may be settled, in a story that has moved on from it.
            names[row] = names[self.window.twin[row]]
        return names

    def _own_name(self, rows: Sequence[int]) -> str:
        """The story that most of these rows were in, if its founder is among them, else that of their first."""
        stories, readings = self.window.stories, self.window.readings
        keys = {readings[row].key for row in rows}
        known = Counter(stories[row] for row in rows if stories[row] in keys)
        if known:
            return min(known, key=lambda name: (-known[name], name))
        return min((self._age(row), readings[row].key) for row in rows)[1]

    def _age(self, row: int) -> float:
        at = float(self.window.at[row])
        return float("inf") if np.isnan(at) else at

    def _explain(self, names: list[str], told: Pairs) -> dict[int, Placement]:
        config, readings, window = self.config, self.window.readings, self.window
        codes: dict[str, int] = {}
        final = np.fromiter((codes.setdefault(name, len(codes)) for name in names), np.int64, self.size)
        left, right, similarity = self.pairs
        same = final[left] == final[right]
        friend, friendship = _best(left[same], right[same], similarity[same], self.size)
        cosine = window.cosine[window.agreeing][same]
        literal = np.zeros(self.size)
        for one, two in ((left[same], right[same]), (right[same], left[same])):
            mine = friend[one] == two
            literal[one[mine]] = cosine[mine]
        other = only(window.alike, final[window.alike.left] != final[window.alike.right])
        rival, rivalry = _best(other.left, other.right, other.similarity, self.size)
        within = final[told.left] == final[told.right]
        relay, _ = _best(told.left[within], told.right[within], told.similarity[within], self.size)
        total = np.zeros(self.size)
        np.add.at(total, told.left[within], told.similarity[within])
        np.add.at(total, told.right[within], told.similarity[within])
        members = np.bincount(final, minlength=len(codes))
        placements: dict[int, Placement] = {}
        for i, name in enumerate(names):
            if name == window.stories[i]:
                continue
            key = readings[i].key
            parts = {"threshold": config.threshold}
            if rival[i] >= 0:
                parts["nearest_other"] = round(float(rivalry[i]), 4)
            if key == name:
                placements[i] = self._founded(i, int(rival[i]), float(rivalry[i]), parts)
                continue
            parts["nearest"] = round(float(friendship[i]), 4)
            parts["story"] = round(float(total[i] / max(1, members[final[i]] - 1)), 4)
            reason, score = Reason.SAME_EVENT, float(friendship[i])
            joined = int(friend[i]) if friend[i] >= 0 else int(relay[i])
            twin = int(window.twin[i])
            if twin >= 0:
                reason = Reason.SAME_URL if window.twin_by_url[i] else Reason.SAME_CONTENT
                joined, score = twin, 1.0
            elif literal[i] >= config.near_copy:
                reason = Reason.NEAR_COPY
            nearest = readings[joined].key if joined >= 0 else name
            placements[i] = Placement(key, name, nearest, reason.value, round(score, 4), parts)
        return placements

    def _founded(self, i: int, rival: int, likeness: float, parts: dict[str, float]) -> Placement:
        readings = self.window.readings
        reason, nearest = Reason.FOUNDED, None
        if rival >= 0 and likeness >= self.config.threshold:
            kind = contradiction(readings[i].marks, readings[rival].marks)
            reason = Reason.KEPT_APART_LOOKALIKE
            if kind is not None:
                reason = kept_apart(kind)
            nearest = readings[rival].key
        key = readings[i].key
        return Placement(key, key, None, reason.value, round(likeness, 4), parts, nearest)


def _best(left: Ints, right: Ints, similarity: Floats, size: int) -> tuple[Ints, Floats]:
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
