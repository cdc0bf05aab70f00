"""The feed of events: a person's own clients' news, and what became of each item for that person."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.base import utc_now
from models.engine import reading
from models.feed import (
    Counted,
    Place,
    Wanted,
    count_events,
    count_in_app,
    places,
    said_lately,
)
from models.feedback import FeedbackVerdict
from models.scope import Scope
from services.errors import UserError
from services.feed.assemble import NEW_FOR, assemble
from services.feed.filters import Filters, Order, place_of, place_text, words_of
from services.feed.reader import FeedReader, feed_reader, reach_of
from services.feed.shown import Marks, Other, ShownEvent, Standing, Verdict

PAGE = 20
MAX_PAGE = 100
IMPORTANT = 0.7
"""Relevance from which an event counts as one that matters: where an insight is written for it."""
_RELEVANT_WITHIN = timedelta(days=30)
_IMPORTANT_WITHIN = timedelta(days=7)
_SAID_WITHIN = timedelta(days=7)
_SAID_AT_MOST = 10

__all__ = [
    "IMPORTANT",
    "MAX_PAGE",
    "PAGE",
    "Counts",
    "FeedPage",
    "Filters",
    "LatelySaid",
    "Marks",
    "Order",
    "Other",
    "ShownEvent",
    "Standing",
    "Today",
    "Verdict",
    "feed",
    "feed_of_client",
    "shown_event",
    "today",
    "wanted_of",
]


class FeedPage(BaseModel):
    """Part of a feed."""

    model_config = ConfigDict(frozen=True)

    items: tuple[ShownEvent, ...]
    next: str | None
    """Where the next part begins; None at the end."""


class Counts(BaseModel):
    """How much there is, whatever the filters say."""

    model_config = ConfigDict(frozen=True)

    new: int
    """Happened yesterday or today, in the reader's zone."""
    unread: int
    """Of the last 30 days, not read."""
    important: int
    """Of the last 7 days, of relevance 0.7 or more."""
    in_app: int
    """Brought to the reader in the app alone, e-mail being off, and not read."""


class LatelySaid(BaseModel):
    """A verdict of the reader's last days, still in force."""

    model_config = ConfigDict(frozen=True)

    feedback_id: UUID
    verdict: FeedbackVerdict
    effect: str
    title: str
    client: str
    created_at: datetime


class Today(BaseModel):
    """Everything the page of that name shows."""

    model_config = ConfigDict(frozen=True)

    page: FeedPage
    counts: Counts
    clients: dict[UUID, str]
    """The clients to choose from: its name by id, by name."""
    has_own_clients: bool
    may_see_everyone: bool
    email_is_off: bool
    said: tuple[LatelySaid, ...]
    now: datetime


def feed(
    scope: Scope,
    *,
    user_id: UUID,
    filters: Filters | None = None,
    after: str | None = None,
    limit: int = PAGE,
    now: datetime | None = None,
) -> FeedPage:
    """A part of a person's feed, at most ``limit`` events, from ``after`` (a page's ``next``) on.

    Newest first, a part ends with a day where it can, so that each day stands in order of relevance. PermissionError
    for another person's feed or, unless an admin asks, everybody's clients; UserError for an ``after`` that is none.
    """
    with reading(scope) as session:
        reader = feed_reader(scope, session, user_id, now or utc_now())
        return _page(scope, session, reader, filters or Filters(), after, limit)


def today(
    scope: Scope,
    *,
    user_id: UUID,
    filters: Filters,
    after: str | None = None,
    limit: int = PAGE,
    now: datetime | None = None,
) -> Today:
    """The feed's part with its counts and choices, read in one transaction. Errors as for ``feed``."""
    with reading(scope) as session:
        reader = feed_reader(scope, session, user_id, now or utc_now())
        reach = reach_of(reader, scope, everyone=filters.everyone)
        return Today(
            page=_page(scope, session, reader, filters, after, limit),
            counts=_counts(scope, session, reader, reach),
            clients={client_id: name for client_id, name in reader.clients.items() if client_id in reach},
            has_own_clients=bool(reader.own),
            may_see_everyone=_may_see_everyone(reader, scope),
            email_is_off=reader.email_is_off,
            said=_lately(scope, session, reader),
            now=reader.now,
        )


def feed_of_client(
    scope: Scope,
    client_id: UUID,
    *,
    user_id: UUID,
    since: datetime | None = None,
    after: str | None = None,
    limit: int = PAGE,
    now: datetime | None = None,
) -> FeedPage:
    """One client's events, newest first, for whoever of the tenant looks at its page; empty for no client of theirs.

    Archived clients have theirs too, and no story is folded: here each event is the client's.
    """
    with reading(scope) as session:
        reader = feed_reader(scope, session, user_id, now or utc_now())
        wanted = Wanted(reader.id, [client_id], since=since)
        start = place_of(after, Order.NEWEST) if after else None
        found = places(scope, session, wanted, after=start, limit=_bounded(limit) + 1)
        kept = found[: _bounded(limit)]
        items = assemble(scope, session, reader, [place.id for place in kept], fold=False)
        more = len(found) > len(kept)
        return FeedPage(items=tuple(items), next=place_text(kept[-1], Order.NEWEST) if more else None)


def shown_event(
    scope: Scope, event_id: UUID, *, user_id: UUID, now: datetime | None = None
) -> ShownEvent | None:
    """One event as its reader sees it now, withdrawn or not; None when it is gone."""
    with reading(scope) as session:
        reader = feed_reader(scope, session, user_id, now or utc_now())
        found = assemble(scope, session, reader, [event_id])
        return found[0] if found else None


def wanted_of(reader: FeedReader, scope: Scope, filters: Filters) -> Wanted:
    """The filters as the query has them. PermissionError as for ``feed``."""
    clients = reach_of(reader, scope, everyone=filters.everyone)
    if filters.clients:
        clients &= frozenset(filters.clients)
    since = reader.starts(filters.since) if filters.since else None
    if filters.order is Order.RELEVANT and since is None and filters.until is None:
        since = reader.now - _RELEVANT_WITHIN
    return Wanted(
        reader=reader.id,
        clients=clients,
        categories=filters.categories,
        since=since,
        until=reader.after(filters.until) if filters.until else None,
        min_relevance=filters.min_relevance,
        words=words_of(filters.words),
        unread_since=reader.now - NEW_FOR if filters.unread else None,
        starred=filters.starred,
    )


def _page(
    scope: Scope, session: Session, reader: FeedReader, filters: Filters, after: str | None, limit: int
) -> FeedPage:
    by_relevance = filters.order is Order.RELEVANT
    start = place_of(after, filters.order) if after else None
    limit = _bounded(limit)
    wanted = wanted_of(reader, scope, filters)
    found = places(scope, session, wanted, by_relevance=by_relevance, after=start, limit=limit + 1)
    kept = found[:limit]
    if len(found) > limit and not by_relevance:
        kept = _whole_days(reader, kept, found[limit])
    more = len(found) > len(kept)
    following = place_text(kept[-1], filters.order) if more else None
    if not by_relevance:
        kept = sorted(kept, key=lambda one: (reader.day(one.happened_at), one.relevance), reverse=True)
    return FeedPage(
        items=tuple(assemble(scope, session, reader, [place.id for place in kept])), next=following
    )


def _whole_days(reader: FeedReader, kept: list[Place], following: Place) -> list[Place]:
    """Without the day that goes on behind them, unless less than half would be left."""
    open_day = reader.day(following.happened_at)
    whole = [place for place in kept if reader.day(place.happened_at) != open_day]
    return whole if 2 * len(whole) >= len(kept) else kept


def _counts(scope: Scope, session: Session, reader: FeedReader, reach: frozenset[UUID]) -> Counts:
    since = reader.now - NEW_FOR
    counted: Counted = count_events(
        scope,
        session,
        Wanted(reader.id, reach, since=since),
        new_since=reader.starts(reader.day(reader.now) - timedelta(days=1)),
        important_since=reader.now - _IMPORTANT_WITHIN,
        important=IMPORTANT,
    )
    # Only for whom it is said: the count walks through the reader's part of the ledger.
    in_app = count_in_app(scope, session, reader.id, since) if reader.email_is_off else 0
    return Counts(new=counted.new, unread=counted.unread, important=counted.important, in_app=in_app)


def _lately(scope: Scope, session: Session, reader: FeedReader) -> tuple[LatelySaid, ...]:
    found = said_lately(scope, session, reader.id, reader.now - _SAID_WITHIN, limit=_SAID_AT_MOST)
    return tuple(
        LatelySaid(
            feedback_id=said.id,
            verdict=said.verdict,
            effect=said.effect,
            title=title,
            client=client,
            created_at=said.created_at,
        )
        for said, title, client in found
    )


def _may_see_everyone(reader: FeedReader, scope: Scope) -> bool:
    try:
        reach_of(reader, scope, everyone=True)
    except PermissionError:
        return False
    return reader.own != frozenset(reader.clients)


def _bounded(limit: int) -> int:
    if not 1 <= limit <= MAX_PAGE:
        raise UserError(f"{limit} is no number of events to show", f"ask for 1 to {MAX_PAGE}")
    return limit
