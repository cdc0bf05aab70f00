"""A person's exception for one client: muted, or a threshold of its own. What waits follows at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlmodel import Session

from models.accounts import ClientPreference, client_preferences
from models.audit import record
from models.base import utc_now
from models.clients import every_client, find_client
from models.engine import reading, writing
from models.mail import NotificationState, SkipReason
from models.scope import Scope
from services.accounts import lock_business
from services.errors import UserError
from services.explain import plain_message
from services.fields import YesNo
from services.preferences import or_nothing, person_of
from tasks.filter.facts import load_people
from tasks.filter.known import let_go, reconsider
from tasks.filter.ledger import lines


@dataclass(frozen=True, slots=True)
class Muted:
    """How a client stands with a person, and how many waiting items followed the change."""

    client: str
    muted: bool
    items: int = 0


class Exceptional(BaseModel):
    """What a person may ask for of one client. ``threshold`` None: their general one holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    muted: YesNo = False
    threshold: Annotated[float | None, Field(ge=0, le=1), BeforeValidator(or_nothing)] = None


@dataclass(frozen=True, slots=True)
class ClientException:
    """One client and what a person asked for of it."""

    client_id: UUID
    client: str
    muted: bool
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change of an exception came to."""

    fields: tuple[str, ...]
    """Those that really changed."""
    closed: int = 0
    """Waiting items that are not mailed because of it."""
    reopened: int = 0
    """Items that were kept back while the client was muted, and wait again."""


def client_exceptions(scope: Scope, user_id: UUID) -> list[ClientException]:
    """The clients for which the person asked for something else than in general, by name. Their own, or an admin's."""
    with reading(scope) as session:
        person_of(scope, session, user_id)
        stored = client_preferences(scope, session)
        clients = every_client(scope, session)
    found = [(client, stored.get((user_id, client.id))) for client in clients]
    return [
        ClientException(client.id, client.name, row.muted, row.relevance_threshold)
        for client, row in found
        if row is not None and (row.muted or row.relevance_threshold is not None)
    ]


def set_client_exception(
    scope: Scope,
    user_id: UUID,
    client_id: UUID,
    changes: Mapping[str, object],
    *,
    now: datetime | None = None,
) -> Changed:
    """Set the named fields of ``Exceptional`` for one person and client: by themselves, or by an admin.

    What waits and no longer qualifies is closed; unmuting lets what was kept back, and still qualifies, wait again.
    What was mailed, or turned away for another reason, stays so. UserError names the field that is wrong, or says
    that person or client is gone.
    """
    with writing(scope) as session:
        lock_business(scope, session)
        person_of(scope, session, user_id)
        _name(scope, session, client_id)
        return _change(scope, session, user_id, client_id, changes, now or utc_now())


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
    person = _person(scope)
    with writing(scope) as session:
        lock_business(scope, session)
        name = _name(scope, session, client_id)
        done = _change(scope, session, person, client_id, {"muted": muted}, now or utc_now())
        return Muted(name, muted, done.closed + done.reopened)


def _change(
    scope: Scope,
    session: Session,
    person: UUID,
    client_id: UUID,
    changes: Mapping[str, object],
    at: datetime,
) -> Changed:
    row = client_preferences(scope, session).get((person, client_id))
    row = row or ClientPreference(business_id=scope.business, user_id=person, client_id=client_id)
    before = Exceptional(muted=row.muted, threshold=row.relevance_threshold)
    after = _checked({**before.model_dump(), **changes})
    changed = tuple(
        name for name in Exceptional.model_fields if getattr(before, name) != getattr(after, name)
    )
    if not changed:
        return Changed(())
    row.muted, row.relevance_threshold = after.muted, after.threshold
    session.add(row)
    session.flush()
    _audit(scope, session, person, client_id, changed, after)
    people = load_people(scope, session, only=[person])
    closed = let_go(scope, session, people, at=at, client_id=client_id)
    reopened = 0
    if "muted" in changed and not after.muted:
        skipped = lines(scope, session, states=(NotificationState.SKIPPED,), user_ids=[person])
        kept_back = [
            line for line in skipped if line.reason is SkipReason.CLIENT_MUTED and line.client_id == client_id
        ]
        reopened = reconsider(session, people, kept_back, now=at)
    return Changed(changed, closed, reopened)


def _checked(values: Mapping[str, object]) -> Exceptional:
    try:
        return Exceptional.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{where}: {plain_message(first['msg'])}", "correct it and try again") from None


def _audit(
    scope: Scope,
    session: Session,
    person: UUID,
    client_id: UUID,
    changed: tuple[str, ...],
    after: Exceptional,
) -> None:
    whose = {} if person == scope.user_id else {"user": str(person)}
    if "muted" in changed:
        action = "client.muted" if after.muted else "client.unmuted"
        record(scope, session, action, str(client_id), **whose)
    if "threshold" in changed:
        record(scope, session, "client.threshold_changed", str(client_id), threshold=after.threshold, **whose)


def _person(scope: Scope) -> UUID:
    if scope.user_id is None:
        raise PermissionError("a client is muted for a person: say whom")
    return scope.user_id


def _name(scope: Scope, session: Session, client_id: UUID) -> str:
    client = find_client(scope, session, client_id)
    if client is None:
        raise UserError("there is no such client any more", "nothing of it will be mailed")
    return client.name
