"""The table of clients: every client with what stands beside it, in a fixed number of queries."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.accounts import Business, User, UserState, users
from models.base import utc_now
from models.clients import Tier, every_client, open_assignment_rows
from models.crm import latest_snapshots
from models.engine import reading
from models.events import Category
from models.news import SourceResult
from models.portfolio import LastEvent, event_counts, last_events, latest_results
from models.scope import Scope
from services.portfolio.sources import Answered, SourcesNow, sources_on, summary
from services.portfolio.standing import Health, Standing, standing_of

RECENT = timedelta(days=30)
"""What the count of events beside a client looks back on."""


class Person(BaseModel):
    """Somebody who looks after a client."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    name: str
    email: str
    is_active: bool = True
    """False: deactivated, and gets no mail."""


class NewestEvent(BaseModel):
    """The last thing that happened."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    at: datetime
    category: Category | None
    """None: in a language that is not judged."""
    title: str


class ClientRow(BaseModel):
    """A client as the table shows it."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    name: str
    aliases: tuple[str, ...] = ()
    domain: str = ""
    ticker: str = ""
    industry: str = ""
    tier: Tier | None = None
    confidential: bool = False
    archived_at: datetime | None = None
    people: tuple[Person, ...] = ()
    standing: Standing | None = None
    """None: no CRM was asked about it yet."""
    last_event: NewestEvent | None = None
    recent_events: int = 0
    sources: SourcesNow = SourcesNow(state=Answered.NOBODY)

    @property
    def health(self) -> Health:
        return self.standing.health if self.standing else Health.UNKNOWN

    @property
    def engagement(self) -> float | None:
        return self.standing.engagement if self.standing else None


class Order(StrEnum):
    """By what the table is sorted."""

    NAME = "name"
    NEWS = "news"
    """The newest event first."""
    BUSY = "busy"
    """Most events of the last 30 days first."""
    HEALTH = "health"
    """The most worrying first."""
    TIER = "tier"
    SOURCES = "sources"
    """Where searching has failed first."""


class Wanted(BaseModel):
    """Which clients are asked for. Empty collections ask for all."""

    model_config = ConfigDict(frozen=True)

    text: str = ""
    """In any of the names, the domain, ticker or industry."""
    tiers: frozenset[Tier | None] = frozenset()
    """None: those without one."""
    people: frozenset[UUID | None] = frozenset()
    """Looked after by any of these; None: by nobody."""
    healths: frozenset[Health] = frozenset()
    archived: bool = False
    """Only archived clients; otherwise only those that are watched."""
    order: Order = Order.NAME


def portfolio_rows(scope: Scope, *, now: datetime | None = None) -> list[ClientRow]:
    """Every client of the business, archived ones too, by name. What is confidential stays inside the business."""
    since = (now or utc_now()) - RECENT
    with reading(scope) as session:
        clients = every_client(scope, session)
        ids = [client.id for client in clients]
        invented = session.get_one(Business, scope.business).is_demo
        snapshots = latest_snapshots(scope, session, ids, invented=invented)
        newest, counts = last_events(scope, session), event_counts(scope, session, since)
        sources = sources_on(scope, session)
        names = [one.name for one in sources if one.is_query]
        results: dict[UUID, list[SourceResult]] = {}
        for row in latest_results(scope, session, names):
            if row.client_id is not None:
                results.setdefault(row.client_id, []).append(row)
        people = people_by_client(scope, session)
    return [
        ClientRow(
            id=client.id,
            name=client.name,
            aliases=tuple(client.aliases),
            domain=client.domain or "",
            ticker=client.ticker or "",
            industry=client.industry or "",
            tier=client.tier,
            confidential=client.confidential,
            archived_at=client.archived_at,
            people=people.get(client.id, ()),
            standing=standing_of(snapshots[client.id]) if client.id in snapshots else None,
            last_event=_newest(newest.get(client.id)),
            recent_events=counts.get(client.id, 0),
            sources=summary(client, sources, results.get(client.id, [])),
        )
        for client in clients
    ]


def people_by_client(
    scope: Scope, session: Session, client_id: UUID | None = None
) -> dict[UUID, tuple[Person, ...]]:
    """Who looks after each client now, or after one, by name."""
    known = {user.id: person_of(user) for user in users(scope, session)}
    found: dict[UUID, list[Person]] = {}
    for row in open_assignment_rows(scope, session, client_id):
        found.setdefault(row.client_id, []).append(known[row.user_id])
    return {key: tuple(sorted(people, key=lambda one: one.name.casefold())) for key, people in found.items()}


def person_of(user: User) -> Person:
    """A user as somebody who may look after a client."""
    return Person(
        id=user.id,
        name=user.name,
        email=user.email,
        is_active=user.state is not UserState.DEACTIVATED,
    )


def team(scope: Scope) -> list[Person]:
    """Everybody a client may be given to, by name; deactivated people are left out."""
    with reading(scope) as session:
        people = [person_of(user) for user in users(scope, session)]
    return sorted((one for one in people if one.is_active), key=lambda one: one.name.casefold())


def choose(rows: Iterable[ClientRow], wanted: Wanted) -> list[ClientRow]:
    """The rows that are asked for, in the order asked for; ties by name."""
    words = wanted.text.casefold().split()
    kept = [row for row in rows if _is_wanted(row, wanted, words)]
    return sorted(kept, key=lambda row: (_rank(row, wanted.order), row.name.casefold()))


def _is_wanted(row: ClientRow, wanted: Wanted, words: Sequence[str]) -> bool:
    if wanted.archived is (row.archived_at is None):
        return False
    if wanted.tiers and row.tier not in wanted.tiers:
        return False
    if wanted.healths and row.health not in wanted.healths:
        return False
    if wanted.people and not _looked_after(row, wanted.people):
        return False
    said = " ".join((row.name, *row.aliases, row.domain, row.ticker, row.industry)).casefold()
    return all(word in said for word in words)


def _looked_after(row: ClientRow, people: Collection[UUID | None]) -> bool:
    ids = {person.id for person in row.people}
    return bool(ids & set(people)) or (None in people and not ids)


_TIERS = {tier: rank for rank, tier in enumerate(Tier)}
_HEALTHS = {health: rank for rank, health in enumerate(Health)}
_STATES = {state: rank for rank, state in enumerate(Answered)}


def _rank(row: ClientRow, order: Order) -> float:
    if order is Order.NEWS:
        return -row.last_event.at.timestamp() if row.last_event else 0.0
    if order is Order.BUSY:
        return -row.recent_events
    if order is Order.HEALTH:
        return _HEALTHS[row.health]
    if order is Order.TIER:
        return _TIERS[row.tier] if row.tier else len(_TIERS)
    return _STATES[row.sources.state] if order is Order.SOURCES else 0.0


def _newest(event: LastEvent | None) -> NewestEvent | None:
    if event is None:
        return None
    category = event.category if event.language_supported else None
    return NewestEvent(id=event.id, at=event.at, category=category, title=event.title)
