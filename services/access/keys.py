"""A tenant's API keys: made by admins, shown once, kept as a hash, never stronger than who made them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from models.access import ApiKey, api_key_by_hash, api_keys
from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.scope import Role, Scope
from services.access.caller import Caller, Grant, caller_for, has_ended, lesser
from services.accounts import PERSON_ROLES, require_admin
from services.errors import UserError
from services.signin.cookie import digest, new_secret

PREFIX = "cm_"
_SHOWN = 9
USED_EVERY = timedelta(minutes=5)
"""How exactly a key's last use is known: not every request is a write."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as admins see it: everything but the key."""

    id: UUID
    name: str
    start: str
    role: Role
    grants: tuple[Grant, ...]
    made_by: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``secret`` is the key itself: it is shown now or never."""

    view: KeyView
    secret: str = field(repr=False)


def create_key(
    scope: Scope,
    name: str,
    *,
    role: Role = Role.VIEWER,
    grants: Sequence[Grant] = (Grant.READ,),
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> NewKey:
    """A new key that acts in its maker's name. UserError for a bad name, role, grant or date."""
    require_admin(scope)
    at = now or utc_now()
    if scope.user_id is None:
        raise UserError("a key acts in somebody's name", "sign in as an admin and make it there")
    label = " ".join(name.split())
    if not 0 < len(label) <= 100:
        raise UserError("a key needs a name of at most 100 characters", "say which program it is for")
    if role not in PERSON_ROLES or lesser(role, scope.role) is not role:
        raise UserError(f"a key may not be {role.value}", f"at most {scope.role.value}, as you are")
    if not grants:
        raise UserError("a key without grants opens nothing", f"give some of {', '.join(Grant)}")
    if expires_at is not None and expires_at <= at:
        raise UserError("the key would have expired already", "give a date to come, or none")
    secret = PREFIX + new_secret()
    row = ApiKey(
        business_id=scope.business,
        user_id=scope.user_id,
        name=label,
        key_hash=digest(secret),
        start=secret[:_SHOWN],
        role=role,
        grants=[grant.value for grant in Grant if grant in grants],
        created_at=at,
        expires_at=expires_at,
    )
    with writing(scope) as session:
        session.add(row)
        session.flush()
        record(scope, session, "api_key.created", str(row.id), name=label, role=role.value, grants=row.grants)
    return NewKey(_view(row), secret)


def list_keys(scope: Scope) -> list[KeyView]:
    """The tenant's keys, revoked ones too, the newest first."""
    require_admin(scope)
    with reading(scope) as session:
        return [_view(row) for row in api_keys(scope, session)]


def revoke_key(scope: Scope, key_id: UUID, *, now: datetime | None = None) -> KeyView:
    """Let the key open nothing any more; once revoked it stays so. UserError where there is no such key."""
    require_admin(scope)
    with writing(scope) as session:
        row = next((one for one in api_keys(scope, session) if one.id == key_id), None)
        if row is None:
            raise UserError("there is no such key", "list the keys and take one of those")
        if row.revoked_at is None:
            row.revoked_at = now or utc_now()
            session.add(row)
            record(scope, session, "api_key.revoked", str(row.id), name=row.name)
        return _view(row)


def caller_by_key(secret: str, *, now: datetime | None = None) -> Caller | None:
    """Whom this key acts for; None when it is unknown, revoked or expired, or its maker is not active any more."""
    at = now or utc_now()
    if not re.fullmatch(rf"{PREFIX}[A-Za-z0-9_-]{{40,60}}", secret):
        return None
    everywhere = Scope.operator()  # whose tenant it is, is what the key says
    with reading(everywhere) as session:
        found = api_key_by_hash(everywhere, session, digest(secret))
    if found is None:
        return None
    row, user, _business = found
    if has_ended(row.expires_at, row.revoked_at, at):
        return None
    caller = caller_for(user, grants=[Grant(one) for one in row.grants], at_most=row.role, key_id=row.id)
    if caller is not None and (row.last_used_at is None or at - row.last_used_at >= USED_EVERY):
        with writing(caller.scope) as session:
            row.last_used_at = at
            session.merge(row)
    return caller


def _view(row: ApiKey) -> KeyView:
    return KeyView(
        id=row.id,
        name=row.name,
        start=row.start,
        role=row.role,
        grants=tuple(Grant(one) for one in row.grants),
        made_by=row.user_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
