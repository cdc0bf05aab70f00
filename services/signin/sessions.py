"""Sessions: a browser that is signed in, until it expires, is idle for too long, or somebody revokes it."""

from datetime import datetime, timedelta
from uuid import UUID

from models.audit import record
from models.base import utc_now
from models.engine import writing
from models.scope import Scope
from models.settings import get_settings
from models.signin import SignInMethod, SignInSession
from services.signin.cookie import digest, new_secret, seal

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
    now: datetime | None = None,
) -> str:
    """A new session of this person; the value of its cookie, which is nowhere else."""
    now = now or utc_now()
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


def is_live(row: SignInSession, now: datetime) -> bool:
    """Whether the session still holds."""
    return row.revoked_at is None and now < row.expires_at and now < row.seen_at + IDLE


def _as(scope: Scope, user_id: UUID) -> Scope:
    return Scope(business_id=scope.business, user_id=user_id, role=scope.role)
