"""Which articles tell the same event.

The order of evidence: the same canonical URL, the same words, then average linkage over background-IDF vectors,
weighted by the particulars that articles state, with a bar that rises with how tight the stories are. Articles further
apart than the window never join directly.

What is settled (mailed, or at the window's edge) stays where it is; everything else in reach is grouped afresh with
each batch, so that the stories hardly depend on the order or the size of the batches their articles came in.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from tasks.dedupe.candidates import Pairs, only, similar_pairs
from tasks.dedupe.conflicts import contradiction
from tasks.dedupe.doc import Doc, Placement, Reading, Reason, StoryConfig, read
from tasks.dedupe.evidence import weight_pairs
from tasks.dedupe.features import COLUMNS, analyse, features, weigh
from tasks.dedupe.placing import Window, place

__all__ = ["Doc", "Placement", "Reason", "StoryConfig", "StoryIndex", "group"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class StoryIndex:
    """The stories of one window. Memory is that of the articles not evicted; equal input gives equal output."""

    def __init__(self, config: StoryConfig = StoryConfig()) -> None:
        self.config = config
        self.moved: list[Placement] = []
        """Articles of earlier batches that the last `add` found to belong to another story."""
        self.related: dict[str, str] = {}
        """Settled stories that the last `add` found to tell the same event as another settled one, with that."""
        self._window = Window(
            readings=[],
            at=np.zeros(0),
            alike=Pairs(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)),
            cosine=np.zeros(0),
            agreeing=np.ones(0, dtype=bool),
            stories=[],
            settled=np.zeros(0, dtype=bool),
            twin=np.zeros(0, dtype=np.int64),
            twin_by_url=np.zeros(0, dtype=bool),
        )
        self._keys: set[str] = set()
        self._vectors = weigh(features([]), np.zeros(0, dtype=np.int32), 0)
        self._known = np.zeros(COLUMNS, dtype=np.int32)
        self._original = np.zeros(0, dtype=bool)
        """Rows that were no copy when they came. Only they are evidence: a text is no truer for being printed twice."""
        self._seen: dict[str, int] = {}
        """URL or content -> the last row that has it."""

    def __len__(self) -> int:
        return len(self._window.readings)

    def seed(self, docs: Iterable[tuple[Doc, str]], movable: Collection[str] = ()) -> None:
        """Take in articles that earlier runs placed. The stories named in `movable` are grouped afresh with what is
        added near them (if their founder is known here: a story bears the key of its first article); all others are
        settled: they neither change nor merge."""
        placed = sorted(docs, key=lambda pair: _order(pair[0]))
        self._append([doc for doc, _ in placed])
        self._window.stories.extend(story for _, story in placed)
        open_ = {story for story in set(movable) if story in self._keys}
        fresh = np.fromiter((story not in open_ for _, story in placed), dtype=bool, count=len(placed))
        self._window.settled[len(self) - len(placed) :] = fresh

    def settle(self, stories: Collection[str]) -> None:
        """From now on these stories stay as they are, but for articles that join them."""
        window = self._window
        names = set(stories)
        window.settled |= np.fromiter((s in names for s in window.stories), dtype=bool, count=len(self))

    def evict(self, before: datetime) -> None:
        """Forget the articles dated before `before`; those without a date stay. The rest of their stories settles."""
        window = self._window
        keep = ~(window.at < before.timestamp())
        if keep.all():
            return
        self.settle({window.stories[i] for i in np.flatnonzero(~keep).tolist()})
        gone = self._vectors[~keep & self._original]
        np.subtract.at(self._known, gone.indices, 1)
        kept = np.flatnonzero(keep)
        place_of = np.where(keep, np.cumsum(keep) - 1, -1)
        left, right, similarity = window.alike
        both = keep[left] & keep[right]
        twin = window.twin[kept]
        self._window = Window(
            readings=[window.readings[i] for i in kept],
            at=window.at[kept],
            alike=Pairs(place_of[left[both]], place_of[right[both]], similarity[both]),
            cosine=window.cosine[both],
            agreeing=window.agreeing[both],
            stories=[window.stories[i] for i in kept],
            settled=window.settled[kept],
            twin=np.where(twin >= 0, place_of[twin], -1),
            twin_by_url=window.twin_by_url[kept],
        )
        self._keys = {reading.key for reading in self._window.readings}
        self._vectors = sp.csr_array(self._vectors[kept])
        self._original = self._original[kept]
        self._seen = {known: int(place_of[row]) for known, row in self._seen.items() if keep[row]}

    def add(self, docs: Sequence[Doc]) -> list[Placement]:
        """Place a batch; answers in its order. The stories do not depend on that order. Keys must be new.

        Afterwards `moved` has the earlier articles that belong elsewhere now, `related` the settled stories that would
        be one if they could still move.
        """
        first = len(self)
        self._append(sorted(docs, key=_order))
        self.moved, self.related = [], {}
        if not docs:
            return []
        window = self._window
        window.stories.extend("" for _ in docs)
        placements, self.related = place(window, self.config)
        for row, placement in placements.items():
            window.stories[row] = placement.story
        self.moved = [placement for row, placement in placements.items() if row < first]
        placed = {p.key: p for p in placements.values()}
        return [placed[doc.key] for doc in docs]

    def _append(self, docs: Sequence[Doc]) -> None:
        keys = [doc.key for doc in docs]
        known = self._keys & set(keys)
        if known or len(set(keys)) < len(keys):
            raise ValueError(f"articles are in the index already, or twice in the batch: {sorted(known)[:3]}")
        if not docs:
            return
        window, config, first = self._window, self.config, len(self)
        self._keys.update(keys)
        readings = [read(doc) for doc in docs]
        window.readings.extend(readings)
        window.at = np.concatenate((window.at, [d.at.timestamp() if d.at else np.nan for d in docs]))
        window.settled = np.concatenate((window.settled, np.zeros(len(docs), dtype=bool)))
        self._match_twins(first, readings)
        words = [analyse(reading.segments, doc.names) for doc, reading in zip(docs, readings, strict=True)]
        found = features(words)
        original = window.twin[first:] < 0
        self._original = np.concatenate((self._original, original))
        np.add.at(self._known, found.frequency[original].indices, 1)
        vectors = weigh(found, self._known, int(self._original.sum()))
        self._vectors = sp.csr_array(sp.vstack((self._vectors, vectors), format="csr"))
        fresh = similar_pairs(
            self._vectors, first, window.at, config.window.total_seconds(), config.floor, config.nearest
        )
        alone = window.twin < 0
        fresh = only(fresh, alone[fresh.left] & alone[fresh.right])
        factors = weight_pairs([r.stated for r in window.readings], fresh.left, fresh.right)
        weighted = Pairs(fresh.left, fresh.right, np.minimum(fresh.similarity * factors, 1.0))
        enough = weighted.similarity >= config.floor
        window.cosine = np.concatenate((window.cosine, fresh.similarity[enough]))
        fresh = only(weighted, enough)
        agreeing = _agreeing(window.readings, fresh)
        window.alike = Pairs(*(np.concatenate(both) for both in zip(window.alike, fresh, strict=True)))
        window.agreeing = np.concatenate((window.agreeing, agreeing))

    def _match_twins(self, first: int, readings: Sequence[Reading]) -> None:
        """Note for each new row the last one before it with the same URL, else the same content, inside the window."""
        at, reach = self._window.at, self.config.window.total_seconds()
        twin = np.full(len(readings), -1, dtype=np.int64)
        by_url = np.zeros(len(readings), dtype=bool)
        for row, reading in enumerate(readings, start=first):
            for known in (reading.content, reading.url):
                if not known:
                    continue
                other = self._seen.get(known)
                self._seen[known] = row
                if other is not None and not abs(at[row] - at[other]) > reach:
                    twin[row - first], by_url[row - first] = other, known == reading.url
        self._window.twin = np.concatenate((self._window.twin, twin))
        self._window.twin_by_url = np.concatenate((self._window.twin_by_url, by_url))


def group(docs: Sequence[Doc], config: StoryConfig = StoryConfig()) -> dict[str, str]:
    """Article key -> story, all at once."""
    return {p.key: p.story for p in StoryIndex(config).add(docs)}


def _agreeing(readings: Sequence[Reading], pairs: Pairs) -> Flags:
    """Which pairs do not contradict each other."""
    stated = np.fromiter((bool(r.marks) for r in readings), dtype=bool, count=len(readings))
    left, right, _ = pairs
    agreeing = np.ones(len(left), dtype=bool)
    for k in np.flatnonzero(stated[left] & stated[right]).tolist():
        agreeing[k] = contradiction(readings[left[k]].marks, readings[right[k]].marks) is None
    return agreeing


def _order(doc: Doc) -> tuple[bool, float, str]:
    return doc.at is None, doc.at.timestamp() if doc.at else 0.0, doc.key
