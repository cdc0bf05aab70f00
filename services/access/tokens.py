"""Tokens for programs that a person signed in: a short access token, and a refresh token that is good once.

A refresh token that comes a second time was stolen, from them or by them: its whole family ends (RFC 9700, 4.14.2).
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from sqlmodel import Session

from models.access import (
    RefreshToken,
    is_family_open,
    refresh_token_by_hash,
    revoke_refresh_tokens,
    use_refresh_token,
)
from models.accounts import User, UserState
from models.audit import record
from models.base import new_id, utc_now
from models.engine import reading, writing
from models.scope import Scope
from models.settings import get_settings
from models.tokens import signing_keys
from services.access.caller import Caller, caller_for, has_ended
from services.signin.attempt import Account
from services.signin.cookie import digest, new_secret

ACCESS_LIFETIME = timedelta(minutes=15)
REFRESH_LIFETIME = timedelta(days=30)
"""From the last renewal."""
_ALGORITHM = "HS256"
_AUDIENCE = "client-monitor/api/v1"
_REQUIRED = ("exp", "iat", "sub", "tenant", "family", "aud")


@dataclass(frozen=True, slots=True)
class Pair:
    """What a sign-in or a renewal gives; neither is ever shown again."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    """Seconds that the access token lasts."""


def begin(account: Account, *, now: datetime | None = None) -> Pair:
    """A new family of tokens for somebody whose password was right."""
    at = now or utc_now()
    family = new_id()
    with writing(account.scope) as session:
        refresh = _add(account.scope, session, account.user_id, family, at)
        record(account.scope, session, "api.signed_in", str(account.user_id))
    return _pair(account.scope, account.user_id, family, refresh, at)


def renew(refresh_token: str, *, now: datetime | None = None) -> Pair | None:
    """The next pair for a refresh token that was not used before; None for any other, whose family then ends."""
    at = now or utc_now()
    everywhere = Scope.operator()  # whose tenant it is, is what the token says
    with reading(everywhere) as session:
        found = refresh_token_by_hash(everywhere, session, digest(refresh_token))
    if found is None:
        return None
    row, user, _business = found
    if has_ended(row.expires_at, row.revoked_at, at) or user.state is not UserState.ACTIVE:
        return None
    scope = Scope(business_id=user.business_id, user_id=user.id, role=user.role)
    with writing(scope) as session:
        if use_refresh_token(scope, session, row.id, at):
            refresh = _add(scope, session, user.id, row.family, at)
        else:
            ended = revoke_refresh_tokens(scope, session, user.id, at, family=row.family)
            record(scope, session, "api.token_reused", str(user.id), ended=ended)
            return None
    return _pair(scope, user.id, row.family, refresh, at)


def end(caller: Caller, *, now: datetime | None = None) -> None:
    """Sign out: the caller's family of tokens opens nothing any more."""
    if caller.family is None:
        return
    with writing(caller.scope) as session:
        revoke_refresh_tokens(caller.scope, session, caller.user_id, now or utc_now(), family=caller.family)
        record(caller.scope, session, "api.signed_out", str(caller.user_id))


def caller_by_token(access_token: str, *, now: datetime | None = None) -> Caller | None:
    """Whom this access token stands for; None when it does not hold, its family ended, or they are not active.

    The role is the person's of now, not the one they had when the token was made.
    """
    at = now or utc_now()
    claims = _read(access_token, signing_keys(get_settings()), at)
    if claims is None:
        return None
    scope = Scope.system(UUID(claims["tenant"]))
    user_id, family = UUID(claims["sub"]), UUID(claims["family"])
    with reading(scope) as session:
        if not is_family_open(scope, session, user_id, family, at):
            return None
        user = session.get(User, user_id)
    if user is None or user.business_id != scope.business_id:
        return None
    return caller_for(user, family=family)


def _add(scope: Scope, session: Session, user_id: UUID, family: UUID, at: datetime) -> str:
    secret = new_secret()
    session.add(
        RefreshToken(
            business_id=scope.business,
            user_id=user_id,
            family=family,
            token_hash=digest(secret),
            created_at=at,
            expires_at=at + REFRESH_LIFETIME,
        )
    )
    return secret


def _pair(scope: Scope, user_id: UUID, family: UUID, refresh: str, at: datetime) -> Pair:
    claims = {
        "sub": str(user_id),
        "tenant": str(scope.business),
        "family": str(family),
        "aud": _AUDIENCE,
        "iat": at,
        "exp": at + ACCESS_LIFETIME,
    }
    token = jwt.encode(claims, _key(signing_keys(get_settings())[0]), algorithm=_ALGORITHM)
    return Pair(token, refresh, int(ACCESS_LIFETIME.total_seconds()))


def _read(token: str, keys: Sequence[bytes], now: datetime) -> dict[str, Any] | None:
    for key in keys:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                _key(key),
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                # The clock is ours to give: times are compared below.
                options={"require": list(_REQUIRED), "verify_exp": False, "verify_iat": False},
            )
            UUID(claims["tenant"]), UUID(claims["sub"]), UUID(claims["family"])
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            continue
        expires = claims["exp"]
        return claims if isinstance(expires, int | float) and now.timestamp() < expires else None
    return None


def _key(signing_key: bytes) -> bytes:
    # A key for this alone: what signs links must not open the API.
    return hmac.digest(signing_key, b"client-monitor/api/access", hashlib.sha256)
