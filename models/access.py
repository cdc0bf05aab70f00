"""How programs come in: refresh tokens, API keys, answers of POSTs that may come twice. Only hashes are kept."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, update
from sqlmodel import Field, Session, col, select

from models.accounts import Business, User
from models.base import TenantRow, enum_field, json_field, list_field, table_args, tenant_fk, utc_field
from models.scope import Role, Scope


class RefreshToken(TenantRow, table=True):
    """One link of a chain: it is used once, for the next. Who uses it again ends the whole family."""

    __tablename__ = "refresh_tokens"
    __table_args__ = table_args(
        tenant_fk("user_id", "users", ondelete="CASCADE"),
        UniqueConstraint("token_hash"),
        Index("ix_refresh_tokens_family", "business_id", "family"),
        Index("ix_refresh_tokens_person", "business_id", "user_id"),
    )

    user_id: UUID
    family: UUID
    """One sign-in, and all that was renewed from it."""
    token_hash: str = Field(max_length=64, repr=False)
    created_at: datetime = utc_field(nullable=False)
    expires_at: datetime = utc_field(nullable=False)
    used_at: datetime | None = utc_field()
    revoked_at: datetime | None = utc_field()


class ApiKey(TenantRow, table=True):
    """A program's key. It acts in the name of who made it, and is worth nothing once they are gone."""

    __tablename__ = "api_keys"
    __table_args__ = table_args(
        tenant_fk("user_id", "users", ondelete="CASCADE"), UniqueConstraint("key_hash")
    )

    user_id: UUID
    name: str = Field(max_length=100)
    key_hash: str = Field(max_length=64, repr=False)
    start: str = Field(max_length=12, description="how the key begins, to tell keys apart")
    role: Role = enum_field(Role, Role.VIEWER)
    """The most it may do; never more than its maker may."""
    grants: list[str] = list_field()
    created_at: datetime = utc_field(nullable=False)
    expires_at: datetime | None = utc_field()
    last_used_at: datetime | None = utc_field()
    revoked_at: datetime | None = utc_field()


class IdempotentAnswer(TenantRow, table=True):
    """What a POST that starts work was answered, so that the same key starts it once."""

    __tablename__ = "idempotent_answers"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "user_id", "key"),
        tenant_fk("user_id", "users", ondelete="CASCADE"),
        Index("ix_idempotent_answers_age", "business_id", "created_at"),
    )

    user_id: UUID
    key: str = Field(max_length=200)
    request_hash: str = Field(max_length=64)
    status: int | None = None
    """None while the first request is still at it."""
    headers: dict[str, Any] = json_field()
    body: str = ""
    created_at: datetime = utc_field(nullable=False)


def refresh_token_by_hash(
    scope: Scope, session: Session, token_hash: str
) -> tuple[RefreshToken, User, Business] | None:
    """The refresh token with this hash, whose it is and where, in any state; None when there is none."""
    found = session.exec(
        select(RefreshToken, User, Business)
        .join(
            User,
            (col(User.id) == RefreshToken.user_id) & (col(User.business_id) == RefreshToken.business_id),
        )
        .join(Business, col(Business.id) == RefreshToken.business_id)
        .where(RefreshToken.token_hash == token_hash)
    ).first()
    return None if found is None else (found[0], found[1], found[2])


def use_refresh_token(scope: Scope, session: Session, token_id: UUID, at: datetime) -> bool:
    """Use the token up; False when it was used, or revoked, before."""
    done = session.exec(
        update(RefreshToken)
        .where(
            col(RefreshToken.id) == token_id,
            col(RefreshToken.used_at).is_(None),
            col(RefreshToken.revoked_at).is_(None),
        )
        .values(used_at=at)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)


def revoke_refresh_tokens(
    scope: Scope, session: Session, user_id: UUID, at: datetime, *, family: UUID | None = None
) -> int:
    """Revoke a person's tokens, all or those of one family; how many were not revoked."""
    statement = update(RefreshToken).where(
        col(RefreshToken.user_id) == user_id, col(RefreshToken.revoked_at).is_(None)
    )
    if family is not None:
        statement = statement.where(col(RefreshToken.family) == family)
    done = session.exec(statement.values(revoked_at=at).execution_options(synchronize_session=False))
    return int(done.rowcount)


def is_family_open(scope: Scope, session: Session, user_id: UUID, family: UUID, now: datetime) -> bool:
    """Whether a sign-in of this person still holds: some token of its family is neither revoked nor expired."""
    query = select(RefreshToken.id).where(
        RefreshToken.user_id == user_id,
        RefreshToken.family == family,
        col(RefreshToken.revoked_at).is_(None),
        col(RefreshToken.expires_at) > now,
    )
    return session.exec(query.limit(1)).first() is not None


def api_key_by_hash(scope: Scope, session: Session, key_hash: str) -> tuple[ApiKey, User, Business] | None:
    """The key with this hash, who made it and where, in any state; None when there is none."""
    found = session.exec(
        select(ApiKey, User, Business)
        .join(User, (col(User.id) == ApiKey.user_id) & (col(User.business_id) == ApiKey.business_id))
        .join(Business, col(Business.id) == ApiKey.business_id)
        .where(ApiKey.key_hash == key_hash)
    ).first()
    return None if found is None else (found[0], found[1], found[2])


def api_keys(scope: Scope, session: Session) -> list[ApiKey]:
    """The tenant's keys, revoked ones too, the newest first."""
    order = (col(ApiKey.created_at).desc(), col(ApiKey.id).desc())
    return list(session.exec(select(ApiKey).order_by(*order)))
