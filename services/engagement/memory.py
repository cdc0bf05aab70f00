"""What happened in the last seconds, kept in this process alone: bursts of links, and the same link twice."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from models.returns import Actor
from services.engagement.actors import Hit

BURST = timedelta(seconds=1)
"""Nobody reads two articles in a second; scanners open all links of a mail at once."""
SAME = timedelta(seconds=10)
"""A double click, or a page loaded anew, is one hit."""
_MAILS = 10_000
_HITS = 64


@dataclass(slots=True)
class Seen:
    """A hit as it was counted."""

    hit: Hit
    actor: Actor
    event_id: UUID | None = None
    """The row it has under a person's name, where they agreed to one."""
    in_burst: bool = False


class Memory:
    """Bounded: of the ``_MAILS`` mails hit last, the last ``_HITS`` hits. Not for two threads at once."""

    def __init__(self) -> None:
        self._mails: OrderedDict[UUID, deque[Seen]] = OrderedDict()

    def place(self, delivery_id: UUID, hit: Hit, actor: Actor) -> tuple[Seen | None, list[Seen]]:
        """The hit as it counts, and earlier ones that turn out to be a machine's; None for one counted already."""
        seen = self._mails.setdefault(delivery_id, deque(maxlen=_HITS))
        self._mails.move_to_end(delivery_id)
        if len(self._mails) > _MAILS:
            self._mails.popitem(last=False)
        near = [one for one in seen if abs(hit.at - one.hit.at) <= BURST]
        burst = any(one.hit.link != hit.link or one.in_burst for one in near)
        placed = Seen(hit, Actor.MACHINE if burst else actor, in_burst=burst)
        wrong = [one for one in near if one.actor is not Actor.MACHINE] if burst else []
        for one in wrong:
            one.in_burst = True
        if any(self._is_same(one, placed) for one in seen):
            return None, wrong
        seen.append(placed)
        return placed, wrong

    @staticmethod
    def _is_same(one: Seen, other: Seen) -> bool:
        near = abs(one.hit.at - other.hit.at) <= SAME
        return near and one.hit.link == other.hit.link and one.actor is other.actor
