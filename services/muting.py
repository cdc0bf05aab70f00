"""A client one person wants no news of: muted and unmuted, and what waits follows at once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from models.accounts import ClientPreference, client_preferences
from models.audit import record
from models.base import utc_now
from models.clients import find_client
from models.engine import reading, writing
from models.mail import NotificationState, SkipReason
from models.scope import Scope
from services.accounts import lock_business
from services.errors import UserError
from tasks.filter.facts import load_people
from tasks.filter.known import let_go, reconsider
from tasks.filter.ledger import lines


@dataclass(frozen=True, slots=True)
class Muted:
    """How a client stands with a person, and how many waiting items followed the change."""

    client: str
    muted: bool
    items: int = 0


def is_muted(scope: Scope, client_id: UUID) -> Muted:
    """How the client stands with the scope's person. UserError when it is gone. Reads only."""
    with reading(scope) as session:
        name = _name(scope, session, client_id)
        row = client_preferences(scope, session).get((_person(scope), client_id))
    return Muted(name, row is not None and row.muted)


def mute(scope: Scope, client_id: UUID, muted: bool, *, now: datetime | None = None) -> Muted:
    """Mute a client for the scope's person, or unmute it. Doing it twice is doing it once.

    Muting takes back what of the client waits to be mailed to them; unmuting lets what was kept back, and still
    qualifies, wait again. UserError when the client is gone, PermissionError for nobody.
    """
    at, person = now or utc_now(), _person(scope)
    with writing(scope) as session:
        lock_business(scope, session)
        name = _name(scope, session, client_id)
        row = client_preferences(scope, session).get((person, client_id))
        row = row or ClientPreference(business_id=scope.business, user_id=person, client_id=client_id)
        if row.muted is muted:
            return Muted(name, muted)
        row.muted = muted
        session.add(row)
        session.flush()
        record(scope, session, "client.muted" if muted else "client.unmuted", str(client_id))
        change = _take_back if muted else _give_back
        return Muted(name, muted, change(scope, session, person, client_id, at))


def _take_back(scope: Scope, session: Session, person: UUID, client_id: UUID, at: datetime) -> int:
    return let_go(scope, session, load_people(scope, session, only=[person]), at=at, client_id=client_id)


def _give_back(scope: Scope, session: Session, person: UUID, client_id: UUID, at: datetime) -> int:
    skipped = lines(scope, session, states=(NotificationState.SKIPPED,), user_ids=[person])
    kept = [
        line for line in skipped if line.reason is SkipReason.CLIENT_MUTED and line.client_id == client_id
    ]
    return reconsider(session, load_people(scope, session, only=[person]), kept, now=at)


def _person(scope: Scope) -> UUID:
    if scope.user_id is None:
        raise PermissionError("a client is muted for a person: say whom")
    return scope.user_id


def _name(scope: Scope, session: Session, client_id: UUID) -> str:
    client = find_client(scope, session, client_id)
    if client is None:
        raise UserError("there is no such client any more", "nothing of it will be mailed")
    return client.name
