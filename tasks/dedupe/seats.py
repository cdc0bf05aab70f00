"""The story index of each business, in this process for as long as the fence it was built under is held."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from models.base import utc_now
from models.leases import Held
from models.news import placed_since
from models.scope import Scope
from models.settings import get_settings
from tasks.dedupe.drafts import Draft, doc_of
from tasks.dedupe.moves import unsettled
from tasks.dedupe.stories import StoryConfig, StoryIndex
from tasks.profiles import Portfolio

__all__ = ["give_up", "index_for"]


@dataclass(slots=True)
class _Seat:
    """A business's story index, good as long as the fence it was built under."""

    fence: int
    since: datetime
    """The index knows every placed article from here on."""
    index: StoryIndex


_seats: dict[UUID, _Seat] = {}


def give_up(business_id: UUID) -> None:
    """Forget the index: the next batch reads the database."""
    _seats.pop(business_id, None)


def index_for(
    scope: Scope, session: Session, held: Held, to_place: Sequence[Draft], clients: Portfolio
) -> StoryIndex:
    """The index to place into: this process's own while its lease held without a break, else one from the database."""
    window = timedelta(days=get_settings().story_window_days)
    earliest = min((d.at for d in to_place), default=utc_now()) - window
    seat = _seats.get(scope.business)
    if seat is None or seat.fence != held.fence or earliest < seat.since:
        seat = _Seat(held.fence, earliest, StoryIndex(StoryConfig(window=window)))
        articles = placed_since(scope, session, earliest)
        seat.index.seed(
            [(doc_of(article, clients), str(article.story_id)) for article in articles],
            movable={str(story) for story in unsettled(scope, session, articles)},
        )
        _seats[scope.business] = seat
    elif to_place:
        seat.index.evict(earliest)
        seat.since = earliest
    return seat.index
