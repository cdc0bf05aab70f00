"""Client companies and who looks after them: made, changed, archived and imported here, and audited."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from sqlmodel import Session

from models.accounts import users
from models.audit import record
from models.base import utc_now
from models.clients import Client, ClientAssignment, Tier, every_client, find_client, open_assignment_rows
from models.engine import writing
from models.scope import Scope
from services.accounts import lock_business, require_admin
from services.csvfiles import split_list
from services.errors import UserError
from services.explain import plain_message
from services.fields import YesNo, domain_name
from tasks.filter.handover import hand_over


def _tier(value: object) -> Tier | None:
    word = str(value or "").strip().lower()
    if not word:
        return None
    if word not in set(Tier):
        raise ValueError(f"{str(value)!r} is no tier: use {', '.join(Tier)}")
    return Tier(word)


def _terms(value: object) -> list[str]:
    parts = split_list(";".join(map(str, value)) if isinstance(value, list | tuple) else str(value or ""))
    for part in parts:
        if len(part) > 200:
            raise ValueError(f"{part[:40]!r}… is longer than 200 characters")
    return parts


def _text_or_none(value: object) -> str | None:
    return " ".join(str(value).split()) or None if value is not None else None


Terms = Annotated[list[str], BeforeValidator(_terms)]


class ClientFields(BaseModel):
    """What may be said about a client; lists may be text with semicolons. Unset fields stay as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(max_length=200)
    legal_name: Annotated[str | None, Field(max_length=300), BeforeValidator(_text_or_none)] = None
    aliases: Terms = []
    domain: Annotated[str | None, BeforeValidator(_text_or_none)] = None
    ticker: Annotated[str | None, Field(max_length=20), BeforeValidator(_text_or_none)] = None
    excluded_terms: Terms = []
    keywords: Terms = []
    industry: Annotated[str | None, Field(max_length=120), BeforeValidator(_text_or_none)] = None
    tier: Annotated[Tier | None, BeforeValidator(_tier)] = None
    crm_id: Annotated[str | None, Field(max_length=120), BeforeValidator(_text_or_none)] = None
    confidential: YesNo = False

    @field_validator("name", mode="before")
    @classmethod
    def _name(cls, value: object) -> str:
        name = " ".join(str(value or "").split())
        if not any(character.isalnum() for character in name):
            raise ValueError("a client needs a name")
        return name

    @field_validator("domain")
    @classmethod
    def _domain(cls, value: str | None) -> str | None:
        return domain_name(value) if value else None

    @field_validator("ticker")
    @classmethod
    def _ticker(cls, value: str | None) -> str | None:
        return value.upper() if value else None


def name_key(name: str) -> str:
    """Two names with the same key are the same client."""
    return " ".join(name.casefold().split())


def add_client(scope: Scope, session: Session, fields: ClientFields) -> Client:
    """A new client, in the caller's transaction. The caller has made sure that its name is free."""
    client = Client(business_id=scope.business, **fields.model_dump(exclude_unset=True))
    session.add(client)
    session.flush()
    record(scope, session, "client.created", str(client.id), name=client.name)
    return client


def change_client(scope: Scope, session: Session, client: Client, fields: dict[str, Any]) -> list[str]:
    """Set the fields that differ, in the caller's transaction; returns their names."""
    changed = [name for name, value in fields.items() if getattr(client, name) != value]
    for name in changed:
        setattr(client, name, fields[name])
    if changed:
        session.flush()
        record(scope, session, "client.updated", str(client.id), name=client.name, fields=changed)
    return changed


def assign(
    scope: Scope,
    session: Session,
    client: Client,
    people: Collection[UUID],
    current: Collection[ClientAssignment] | None = None,
    *,
    at: datetime | None = None,
) -> tuple[int, int]:
    """Make ``people`` those who look after the client: (started, ended). Ended assignments stay as history.

    ``current`` are the client's open assignments, where the caller has them already.
    """
    if current is None:
        current = open_assignment_rows(scope, session, client.id)
    now = at or utc_now()
    gone = [row for row in current if row.user_id not in people]
    for row in gone:
        row.ended_at = now
        session.add(row)
        record(scope, session, "assignment.ended", str(client.id), user=str(row.user_id))
    new = set(people) - {row.user_id for row in current}
    for user_id in sorted(new):
        session.add(
            ClientAssignment(business_id=scope.business, client_id=client.id, user_id=user_id, started_at=now)
        )
        record(scope, session, "assignment.started", str(client.id), user=str(user_id))
    session.flush()
    hand_over(scope, session, client.id, gone={row.user_id for row in gone}, new=new, at=now)
    return len(new), len(gone)


def create_client(scope: Scope, **fields: Any) -> UUID:
    """A new client. UserError names the field that is wrong, or the client that has the name already."""
    require_admin(scope)
    checked = checked_fields(fields)
    with writing(scope) as session:
        lock_business(scope, session)
        _refuse_duplicate(scope, session, checked, None)
        return add_client(scope, session, checked).id


def edit_client(scope: Scope, client_id: UUID, **changes: Any) -> list[str]:
    """Change the named fields; returns those that really differ. UserError as for ``create_client``."""
    require_admin(scope)
    with writing(scope) as session:
        lock_business(scope, session)
        client = _client(scope, session, client_id)
        checked = checked_fields({"name": client.name, **changes})
        _refuse_duplicate(scope, session, checked, client)
        return change_client(scope, session, client, checked.model_dump(include=set(changes)))


def archive_client(scope: Scope, client_id: UUID) -> bool:
    """Stop watching a client and end its assignments; what was found stays. False when it was archived."""
    require_admin(scope)
    with writing(scope) as session:
        client = _client(scope, session, client_id)
        return retire(scope, session, client)


def retire(scope: Scope, session: Session, client: Client) -> bool:
    """``archive_client`` in the caller's transaction."""
    if client.archived_at is not None:
        return False
    client.archived_at = utc_now()
    assign(scope, session, client, ())
    record(scope, session, "client.archived", str(client.id), name=client.name)
    return True


def restore_client(scope: Scope, client_id: UUID) -> bool:
    """Watch an archived client again, as a new one with a baseline. False when it is watched."""
    require_admin(scope)
    with writing(scope) as session:
        client = _client(scope, session, client_id)
        if client.archived_at is None:
            return False
        client.archived_at = None
        client.baseline_at = None
        record(scope, session, "client.restored", str(client.id), name=client.name)
        return True


def assign_people(
    scope: Scope, client_id: UUID, user_ids: Collection[UUID], *, now: datetime | None = None
) -> tuple[int, int]:
    """Make these people look after the client: (assignments started, ended)."""
    require_admin(scope)
    with writing(scope) as session:
        lock_business(scope, session)
        client = _client(scope, session, client_id)
        known = {person.id for person in users(scope, session)} & set(user_ids)
        if known != set(user_ids):
            raise UserError("one of these people does not belong to this business", "reload the page")
        return assign(scope, session, client, known, at=now)


def _client(scope: Scope, session: Session, client_id: UUID) -> Client:
    client = find_client(scope, session, client_id)
    if client is None:
        raise UserError("there is no such client in this business", "reload the list of clients")
    return client


def checked_fields(fields: Mapping[str, Any]) -> ClientFields:
    """What is said of a client, checked; UserError names each field that is wrong."""
    try:
        return ClientFields.model_validate(fields)
    except ValidationError as error:
        lines = [f"{one['loc'][0]}: {plain_message(one['msg'])}" for one in error.errors()]
        raise UserError("; ".join(lines)) from None


def _refuse_duplicate(scope: Scope, session: Session, fields: ClientFields, own: Client | None) -> None:
    for other in every_client(scope, session):
        if own is not None and other.id == own.id:
            continue
        if name_key(other.name) == name_key(fields.name):
            raise UserError(f"name: there is a client {other.name!r} already", "edit that one")
        if fields.crm_id and other.crm_id == fields.crm_id:
            raise UserError(f"crm_id: {other.name!r} has {fields.crm_id} already", "edit that one")
