"""What one mail has room for: stories, the most relevant first, within the reader's limits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tasks.filter.ledger import Line, rank


@dataclass(frozen=True, slots=True)
class Entry:
    """One story as one reader gets it: a line for each of the reader's clients it concerns, best first."""

    lines: tuple[Line, ...]

    @property
    def lead(self) -> Line:
        """The line that stands for the story: it decides place and client."""
        return self.lines[0]


@dataclass(frozen=True, slots=True)
class Selection:
    shown: tuple[Entry, ...]
    over: tuple[Entry, ...]
    """What the limits leave out, most relevant first."""


def entries(lines: Sequence[Line]) -> list[Entry]:
    """Lines folded into stories, most relevant story first."""
    stories: dict[UUID, list[Line]] = {}
    for line in sorted(lines, key=rank):
        stories.setdefault(line.story_id, []).append(line)
    return [Entry(tuple(found)) for found in stories.values()]


def choose(lines: Sequence[Line], *, max_items: int, max_per_client: int) -> Selection:
    """The stories a mail shows: at most ``max_items``, and of each leading client ``max_per_client``."""
    shown: list[Entry] = []
    over: list[Entry] = []
    of_client: Counter[UUID] = Counter()
    for entry in entries(lines):
        client_id = entry.lead.client_id
        if len(shown) < max_items and of_client[client_id] < max_per_client:
            shown.append(entry)
            of_client[client_id] += 1
        else:
            over.append(entry)
    return Selection(tuple(shown), tuple(over))
