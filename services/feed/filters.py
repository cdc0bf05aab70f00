"""What a list of events may be narrowed to, its two orders, and the places in it that an address can name."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from models.events import Category
from models.feed import Place
from services.errors import UserError

MAX_WORDS = 8


class Order(StrEnum):
    NEWEST = "newest"
    """Day by day, the newest first; within a day the most relevant first."""
    RELEVANT = "relevant"
    """The most relevant first; of the last 30 days where no other time is asked for."""


class Filters(BaseModel):
    """Which events are wanted. The defaults want everything of the reader's own clients."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clients: tuple[UUID, ...] = ()
    categories: tuple[Category, ...] = ()
    since: date | None = None
    """The first day, in the reader's zone."""
    until: date | None = None
    """The last day, in the reader's zone."""
    min_relevance: float = Field(default=0.0, ge=0, le=1)
    words: str = Field(default="", max_length=200)
    """Each word in title or summary, in any case; what stands in "quotation marks" counts as one."""
    unread: bool = False
    starred: bool = False
    everyone: bool = False
    """The clients of all people, not the reader's own alone: for admins, and for who follows all clients."""
    order: Order = Order.NEWEST

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but whose clients and the order was chosen."""
        return self != Filters(everyone=self.everyone, order=self.order)


def words_of(text: str) -> tuple[str, ...]:
    """What is searched for, at most ``MAX_WORDS``: words, and phrases in quotation marks."""
    found: list[str] = []
    for index, part in enumerate(text.replace("“", '"').replace("”", '"').split('"')):
        found += [part.strip()] if index % 2 else part.split()
    return tuple(word for word in found if word)[:MAX_WORDS]


def place_text(place: Place, order: Order) -> str:
    """A place as it stands in an address."""
    moment = (place.happened_at - _EPOCH) // _TICK
    relevance = f"{place.relevance!r}_" if order is Order.RELEVANT else ""
    return f"{relevance}{moment}_{place.id.hex}"


def place_of(text: str, order: Order) -> Place:
    """The place that ``place_text`` wrote; UserError for any other text."""
    parts = text.split("_")
    try:
        if len(parts) != (3 if order is Order.RELEVANT else 2):
            raise ValueError(text)
        relevance = float(parts[0]) if order is Order.RELEVANT else 0.0
        return Place(relevance, _EPOCH + int(parts[-2]) * _TICK, UUID(hex=parts[-1]))
    except (ValueError, OverflowError):
        raise UserError("this address leads to no place in the list", "begin at the top of it") from None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
