"""Who looks after which clients: the history, what a change would move, and the change, of one client or of many."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.accounts import preferences_of, users
from models.clients import Client, ClientAssignment, every_client, open_assignment_rows
from models.engine import reading, writing
from models.portfolio import assignments_of, waiting_lines_of
from models.scope import Scope
from models.settings import get_settings
from services.accounts import lock_business, require_admin
from services.clients import assign, retire
from services.errors import UserError
from services.portfolio.page import known_client
from services.portfolio.table import Person, person_of

MOST = 2_000
"""Clients in one change: each is weighed anew for its readers in the same transaction."""


class Stint(BaseModel):
    """One person's time with a client."""

    model_config = ConfigDict(frozen=True)

    person: Person
    started_at: datetime
    ended_at: datetime | None
    """None: it goes on."""


class Change(BaseModel):
    """Who is to look after some clients: as they do now, without ``take``, with ``give``."""

    model_config = ConfigDict(frozen=True)

    give: frozenset[UUID] = frozenset()
    take: frozenset[UUID] | None = frozenset()
    """None: everybody who has them now."""

    def after(self, now: Collection[UUID]) -> frozenset[UUID]:
        """Who has a client that ``now`` these have."""
        return self.give if self.take is None else (frozenset(now) - self.take) | self.give


class Leaving(BaseModel):
    """Somebody who loses clients."""

    model_config = ConfigDict(frozen=True)

    name: str
    clients: int
    waiting: int
    """Items of those clients that wait for their next mail and will not be in it."""


class Joining(BaseModel):
    """Somebody who is given clients."""

    model_config = ConfigDict(frozen=True)

    name: str
    clients: int


class Moves(BaseModel):
    """What a change of hands would move."""

    model_config = ConfigDict(frozen=True)

    leaving: tuple[Leaving, ...]
    joining: tuple[Joining, ...]
    orphaned: tuple[str, ...]
    """Names of the clients that nobody would look after."""
    untold_days: int
    """News of so many days that nobody was told of yet waits for who joins."""


class Done(BaseModel):
    """What a change came to."""

    model_config = ConfigDict(frozen=True)

    clients: int
    """That really changed."""
    started: int = 0
    ended: int = 0


def history(scope: Scope, client_id: UUID) -> list[Stint]:
    """Who looks after a client, then who did, the newest first. UserError when there is no such client."""
    with reading(scope) as session:
        known_client(scope, session, client_id)
        people = {user.id: person_of(user) for user in users(scope, session)}
        rows = assignments_of(scope, session, client_id)
    return [
        Stint(person=people[row.user_id], started_at=row.started_at, ended_at=row.ended_at) for row in rows
    ]


def moves(scope: Scope, client_ids: Collection[UUID], change: Change) -> Moves:
    """What the change would move, before it is made. Errors as for ``reassign``; nothing is written."""
    require_admin(scope)
    with reading(scope) as session:
        clients, assigned = _chosen(scope, session, client_ids)
        people = {user.id: user for user in users(scope, session)}
        _require_known(change, people)
        waiting = waiting_lines_of(scope, session, list(clients))
        follows_all = {
            user_id
            for user_id, wants in preferences_of(scope, session).items()
            if not wants.assigned_clients_only
        }
    lost: dict[UUID, list[int]] = {}
    given: dict[UUID, int] = {}
    for client_id in clients:
        now = {row.user_id for row in assigned.get(client_id, ())}
        after = change.after(now)
        for user_id in now - after:
            count = 0 if user_id in follows_all else waiting.get((client_id, user_id), 0)
            lost.setdefault(user_id, []).append(count)
        for user_id in after - now:
            given[user_id] = given.get(user_id, 0) + 1
    return Moves(
        leaving=tuple(
            Leaving(name=people[user_id].name, clients=len(counts), waiting=sum(counts))
            for user_id, counts in sorted(lost.items(), key=lambda one: people[one[0]].name.casefold())
        ),
        joining=tuple(
            Joining(name=people[user_id].name, clients=count)
            for user_id, count in sorted(given.items(), key=lambda one: people[one[0]].name.casefold())
        ),
        orphaned=tuple(
            client.name
            for client_id, client in clients.items()
            if not change.after({row.user_id for row in assigned.get(client_id, ())})
        ),
        untold_days=get_settings().freshness_days,
    )


def reassign(scope: Scope, client_ids: Collection[UUID], change: Change) -> Done:
    """Change who looks after these clients, all of them or none. What waits follows at once.

    UserError for an archived or unknown client, too many of them, or somebody who is not of this business.
    """
    require_admin(scope)
    changed = started = ended = 0
    with writing(scope) as session:
        lock_business(scope, session)
        clients, assigned = _chosen(scope, session, client_ids)
        _require_known(change, {user.id: user for user in users(scope, session)})
        for client_id, client in clients.items():
            rows = assigned.get(client_id, [])
            after = change.after({row.user_id for row in rows})
            if after == {row.user_id for row in rows}:
                continue
            begun, over = assign(scope, session, client, after, rows)
            changed, started, ended = changed + 1, started + begun, ended + over
    return Done(clients=changed, started=started, ended=ended)


def archive_clients(scope: Scope, client_ids: Collection[UUID]) -> Done:
    """Stop watching these clients and end their assignments, all of them or none; archived ones stay so."""
    require_admin(scope)
    with writing(scope) as session:
        lock_business(scope, session)
        known = _known(scope, session, client_ids)
        return Done(clients=sum(retire(scope, session, client) for client in known.values()))


def _chosen(
    scope: Scope, session: Session, client_ids: Collection[UUID]
) -> tuple[dict[UUID, Client], dict[UUID, list[ClientAssignment]]]:
    clients = _known(scope, session, client_ids)
    archived = next((client for client in clients.values() if client.archived_at is not None), None)
    if archived is not None:
        raise UserError(f"{archived.name} is archived: nobody looks after it", "restore it first")
    assigned: dict[UUID, list[ClientAssignment]] = {}
    for row in open_assignment_rows(scope, session):
        assigned.setdefault(row.client_id, []).append(row)
    return clients, assigned


def _known(scope: Scope, session: Session, client_ids: Collection[UUID]) -> dict[UUID, Client]:
    """These clients by id, in the order of their names."""
    wanted = set(client_ids)
    if not wanted:
        raise UserError("no client is chosen", "tick some in the list")
    if len(wanted) > MOST:
        raise UserError(f"these are {len(wanted):,} clients, and {MOST:,} are the most", "choose fewer")
    known = {client.id: client for client in every_client(scope, session) if client.id in wanted}
    if len(known) < len(wanted):
        raise UserError("one of these clients is not in this business", "reload the list of clients")
    return known


def _require_known(change: Change, people: Mapping[UUID, object]) -> None:
    if not (change.give | (change.take or frozenset())) <= people.keys():
        raise UserError("one of these people does not belong to this business", "reload the page")
