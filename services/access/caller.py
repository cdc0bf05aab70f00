"""Who calls the API: a person's token or a program's key in, a scope and what it may do out, or nobody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from models.accounts import User, UserState
from models.scope import Role, Scope


class Grant(StrEnum):
    """What a key may be used for; a person's own token may do all of it."""

    READ = "read"
    WRITE = "write"
    RUN = "run"
    """Start work: runs, trials, mails."""


EVERY_GRANT = frozenset(Grant)
_RANK = (Role.VIEWER, Role.MANAGER, Role.ADMIN, Role.OWNER)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever a request acts for."""

    scope: Scope
    name: str
    email: str
    timezone: str
    grants: frozenset[Grant]
    family: UUID | None = None
    """The sign-in behind a person's token; None for a key."""
    key_id: UUID | None = None

    @property
    def user_id(self) -> UUID:
        assert self.scope.user_id is not None  # ``caller_for`` is the only maker
        return self.scope.user_id


def caller_for(
    user: User,
    *,
    grants: Iterable[Grant] = EVERY_GRANT,
    at_most: Role | None = None,
    family: UUID | None = None,
    key_id: UUID | None = None,
) -> Caller | None:
    """The caller that an active person is, with no more than the role ``at_most``; None for anybody else."""
    if user.state is not UserState.ACTIVE:
        return None
    role = user.role if at_most is None else lesser(user.role, at_most)
    return Caller(
        Scope(business_id=user.business_id, user_id=user.id, role=role),
        user.name,
        user.email,
        user.timezone,
        frozenset(grants),
        family,
        key_id,
    )


def lesser(one: Role, other: Role) -> Role:
    """The role of the two that may do less."""
    return min(one, other, key=_RANK.index)


def has_ended(expires_at: datetime | None, revoked_at: datetime | None, now: datetime) -> bool:
    """Whether a key or token opens nothing any more."""
    return revoked_at is not None or (expires_at is not None and expires_at <= now)
