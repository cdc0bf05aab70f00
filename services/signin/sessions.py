"""Sessions: a browser that is signed in, until it expires, is idle for too long, or somebody revokes it."""

from datetime import datetime, timedelta
from uuid import UUID

from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.scope import Scope
from models.settings import get_settings
from models.signin import (
    SignInMethod,
    SignInSession,
    revoke_sessions,
    session_by_hash,
    sessions_of,
)
from services.accounts import is_admin
from services.signin.cookie import digest, new_secret, seal, unseal

LIFETIME = timedelta(days=14)
"""From the sign-in on, whatever happens."""
IDLE = timedelta(days=3)
"""Without a visit; a weekend is no reason to sign in again."""
SEEN_EVERY = timedelta(minutes=5)
"""How exactly a session's last visit is known: not every look at a page is a write."""


def begin(
    scope: Scope,
    user_id: UUID,
    method: SignInMethod,
    *,
    user_agent: str = "",
    replaces: str | None = None,
    now: datetime | None = None,
) -> str:
    """A new session of this person; the value of its cookie, which is nowhere else.

    ``replaces`` is the cookie the browser had: its session, whoever's it was, ends.
    """
    require_own(scope, user_id)
    now = now or utc_now()
    end(replaces, now=now)
    secret = new_secret()
    with writing(scope) as session:
        row = SignInSession(
            business_id=scope.business,
            user_id=user_id,
            token_hash=digest(secret),
            method=method,
            user_agent="".join(char for char in user_agent if char.isprintable())[:200],
            created_at=now,
            seen_at=now,
            expires_at=now + LIFETIME,
        )
        session.add(row)
        record(_as(scope, user_id), session, "session.started", str(row.id), method=method.value)
    return seal(secret, get_settings())


def end(token: str | None, *, now: datetime | None = None) -> None:
    """Sign out: the session of this cookie, if it is one, opens nothing any more."""
    secret = unseal(token, get_settings()) if token else None
    if secret is None:
        return
    everywhere = Scope.operator()  # whose tenant it is, is what the token says
    with reading(everywhere) as session:
        found = session_by_hash(everywhere, session, digest(secret))
    if found is None:
        return
    row, user, _business = found
    scope = Scope(business_id=row.business_id, user_id=user.id, role=user.role)
    with writing(scope) as session:
        if revoke_sessions(scope, session, user.id, now or utc_now(), only=row.id):
            record(scope, session, "session.ended", str(row.id))


def open_sessions(scope: Scope, user_id: UUID, *, now: datetime | None = None) -> list[SignInSession]:
    """Where the person is signed in, the browser seen last first. Their own, or an admin's to see."""
    require_self_or_admin(scope, user_id)
    at = now or utc_now()
    with reading(scope) as session:
        return [row for row in sessions_of(scope, session, user_id) if is_live(row, at)]


def end_sessions(
    scope: Scope,
    user_id: UUID,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
    now: datetime | None = None,
) -> int:
    """End the person's sessions, ``only`` the one or all ``but`` one; how many were open. Their own, or an admin's."""
    require_self_or_admin(scope, user_id)
    with writing(scope) as session:
        count = revoke_sessions(scope, session, user_id, now or utc_now(), only=only, but=but)
        if count:
            record(scope, session, "session.revoked", str(user_id), sessions=count)
    return count


def require_self_or_admin(scope: Scope, user_id: UUID) -> None:
    """PermissionError unless the scope is this person's own or an admin's."""
    if scope.user_id != user_id and not is_admin(scope):
        raise PermissionError(f"a {scope.role.value} may only change their own account")


def require_own(scope: Scope, user_id: UUID) -> None:
    """PermissionError for another person's scope, an admin's too: proofs of who one is are nobody else's."""
    if scope.user_id not in {None, user_id}:
        raise PermissionError(f"a {scope.role.value} may only sign themselves in")


def is_live(row: SignInSession, now: datetime) -> bool:
    """Whether the session still holds."""
    return row.revoked_at is None and now < row.expires_at and now < row.seen_at + IDLE


def _as(scope: Scope, user_id: UUID) -> Scope:
    return Scope(business_id=scope.business, user_id=user_id, role=scope.role)
