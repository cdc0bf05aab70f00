"""How people prove who they are: passwords, sessions and one-time links. Only hashes are kept of any of them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, Session, col, select

from models.accounts import Business, User
from models.base import TenantRow, enum_field, table_args, tenant_fk, utc_field
from models.scope import Scope


class SignInMethod(StrEnum):
    PASSWORD = "password"  # noqa: S105  a word for a way, not a secret
    OIDC = "oidc"
    DEMO = "demo"


class LinkPurpose(StrEnum):
    """What a one-time link of an account mail lets its bearer do."""

    INVITATION = "invitation"
    RESET = "reset"
    NEW_ADDRESS = "new_address"


class Credential(TenantRow, table=True):
    """A person's password, as its argon2 hash; apart from the person, so that no list of people carries it."""

    __tablename__ = "credentials"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "user_id"), tenant_fk("user_id", "users", ondelete="CASCADE")
    )

    user_id: UUID
    password_hash: str = Field(max_length=300, repr=False)
    failures: int = 0
    """Wrong passwords in a row."""
    locked_until: datetime | None = utc_field()
    changed_at: datetime = utc_field(nullable=False)


class SignInSession(TenantRow, table=True):
    """One browser that is signed in, until it expires or somebody revokes it."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = table_args(
        tenant_fk("user_id", "users", ondelete="CASCADE"),
        UniqueConstraint("token_hash"),
        Index("ix_sign_in_sessions_person", "business_id", "user_id", "revoked_at"),
    )

    user_id: UUID
    token_hash: str = Field(max_length=64, repr=False)
    method: SignInMethod = enum_field(SignInMethod, SignInMethod.PASSWORD)
    user_agent: str = Field(default="", max_length=200)
    created_at: datetime = utc_field(nullable=False)
    seen_at: datetime = utc_field(nullable=False)
    expires_at: datetime = utc_field(nullable=False)
    revoked_at: datetime | None = utc_field()


class AccountLink(TenantRow, table=True):
    """A one-time link: an invitation, a password reset, the proof of a new address."""

    __tablename__ = "account_links"
    __table_args__ = table_args(
        tenant_fk("user_id", "users", ondelete="CASCADE"),
        UniqueConstraint("token_hash"),
        Index("ix_account_links_person", "business_id", "user_id", "purpose"),
    )

    user_id: UUID
    purpose: LinkPurpose = enum_field(LinkPurpose)
    token_hash: str = Field(max_length=64, repr=False)
    new_email: str | None = Field(default=None, max_length=320)
    created_at: datetime = utc_field(nullable=False)
    expires_at: datetime = utc_field(nullable=False)
    used_at: datetime | None = utc_field()


def session_by_hash(
    scope: Scope, session: Session, token_hash: str
) -> tuple[SignInSession, User, Business] | None:
    """The session with this token's hash, whose it is and where, in any state; None when there is none."""
    found = session.exec(
        select(SignInSession, User, Business)
        .join(
            User,
            (col(User.id) == SignInSession.user_id) & (col(User.business_id) == SignInSession.business_id),
        )
        .join(Business, col(Business.id) == SignInSession.business_id)
        .where(SignInSession.token_hash == token_hash)
    ).first()
    return None if found is None else (found[0], found[1], found[2])
