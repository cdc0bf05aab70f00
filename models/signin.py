"""How people prove who they are: passwords, sessions and one-time links. Only hashes are kept of any of them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, Session, col, select, update

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


def accounts_by_address(scope: Scope, session: Session, address: str) -> list[tuple[User, Business]]:
    """Everybody who goes by this address (compared in lower case), in any state, by their business's slug."""
    found = session.exec(
        select(User, Business)
        .join(Business, col(Business.id) == User.business_id)
        .where(User.email == address.strip().lower())
        .order_by(col(Business.slug))
    )
    return [(user, business) for user, business in found]


def credential_of(
    scope: Scope, session: Session, user_id: UUID, *, for_update: bool = False
) -> Credential | None:
    """The person's password, if they have one."""
    query = select(Credential).where(Credential.user_id == user_id)
    return session.exec(query.with_for_update() if for_update else query).first()


def sessions_of(scope: Scope, session: Session, user_id: UUID) -> list[SignInSession]:
    """The person's sessions that nobody revoked, the one seen last first."""
    query = select(SignInSession).where(
        SignInSession.user_id == user_id, col(SignInSession.revoked_at).is_(None)
    )
    return list(session.exec(query.order_by(col(SignInSession.seen_at).desc(), col(SignInSession.id).desc())))


def revoke_sessions(
    scope: Scope,
    session: Session,
    user_id: UUID,
    at: datetime,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
) -> int:
    """Revoke the person's sessions, ``only`` the one or all ``but`` one; how many were open."""
    statement = update(SignInSession).where(
        col(SignInSession.user_id) == user_id, col(SignInSession.revoked_at).is_(None)
    )
    if only is not None:
        statement = statement.where(col(SignInSession.id) == only)
    if but is not None:
        statement = statement.where(col(SignInSession.id) != but)
    done = session.exec(statement.values(revoked_at=at).execution_options(synchronize_session=False))
    return int(done.rowcount)


def link_by_hash(
    scope: Scope, session: Session, token_hash: str
) -> tuple[AccountLink, User, Business] | None:
    """The one-time link with this token's hash, whose it is and where, in any state; None when there is none."""
    found = session.exec(
        select(AccountLink, User, Business)
        .join(
            User,
            (col(User.id) == AccountLink.user_id) & (col(User.business_id) == AccountLink.business_id),
        )
        .join(Business, col(Business.id) == AccountLink.business_id)
        .where(AccountLink.token_hash == token_hash)
    ).first()
    return None if found is None else (found[0], found[1], found[2])


def links_of(
    scope: Scope, session: Session, user_id: UUID, purpose: LinkPurpose | None = None
) -> list[AccountLink]:
    """The person's links that nobody used, the newest first."""
    query = select(AccountLink).where(AccountLink.user_id == user_id, col(AccountLink.used_at).is_(None))
    if purpose is not None:
        query = query.where(AccountLink.purpose == purpose)
    return list(session.exec(query.order_by(col(AccountLink.created_at).desc(), col(AccountLink.id).desc())))


def void_links(
    scope: Scope, session: Session, user_id: UUID, at: datetime, purpose: LinkPurpose | None = None
) -> None:
    """Let the person's unused links (of one purpose, where named) open nothing any more."""
    statement = update(AccountLink).where(
        col(AccountLink.user_id) == user_id, col(AccountLink.used_at).is_(None)
    )
    if purpose is not None:
        statement = statement.where(col(AccountLink.purpose) == purpose)
    session.exec(statement.values(used_at=at).execution_options(synchronize_session=False))


def use_link(scope: Scope, session: Session, link_id: UUID, at: datetime) -> bool:
    """Use the link up; False when somebody was faster."""
    done = session.exec(
        update(AccountLink)
        .where(col(AccountLink.id) == link_id, col(AccountLink.used_at).is_(None))
        .values(used_at=at)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)
