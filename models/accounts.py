"""Businesses (tenants), their people, and what each person asked for."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field, Session, SQLModel, col, select

from models.base import Json as JsonType
from models.base import (
    TenantRow,
    enum_field,
    json_field,
    new_id,
    table_args,
    tenant_fk,
    utc_field,
)
from models.scope import Role, Scope


class UserState(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class Frequency(StrEnum):
    INSTANT = "instant"
    DAILY = "daily"
    WEEKLY = "weekly"


class Business(SQLModel, table=True):
    __tablename__ = "businesses"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(unique=True, max_length=80)
    name: str = Field(max_length=200)
    is_demo: bool = False
    sending_on_hold: bool = False
    appearance: dict[str, Any] = json_field()
    tracking_enabled: bool = False
    """Whether mails carry an open pixel and links pass through us (promise 13)."""
    silent_days: int = Field(default=3, ge=1, le=60, description="days without any item before it is said")
    first_steps_wanted: bool | None = None
    """Whether admins are led through the first steps; None: until the tenant has been at work for a day."""
    created_at: datetime = utc_field(nullable=False)


class BusinessLogo(TenantRow, table=True):
    """The picture that stands at the head of a tenant's mails."""

    __tablename__ = "business_logos"
    __table_args__ = table_args(UniqueConstraint("business_id"))

    media_type: str = Field(max_length=40)
    image: bytes = Field(sa_type=LargeBinary, nullable=False, repr=False)
    width: int
    height: int
    updated_at: datetime = utc_field(nullable=False)


class User(TenantRow, table=True):
    __tablename__ = "users"
    __table_args__ = table_args(UniqueConstraint("business_id", "email"), tenant_fk("cover_user_id", "users"))

    email: str = Field(max_length=320)
    name: str = Field(max_length=200)
    role: Role = enum_field(Role, Role.VIEWER)
    state: UserState = enum_field(UserState, UserState.ACTIVE)
    timezone: str = Field(default="UTC", max_length=64)
    absent_from: date | None = None
    absent_until: date | None = None
    cover_user_id: UUID | None = None
    created_at: datetime = utc_field(nullable=False)

    @property
    def gets_mail(self) -> bool:
        """Invited people get mail too: it is how an account manager learns that the product works."""
        return self.state is not UserState.DEACTIVATED


class UserPreference(TenantRow, table=True):
    """What a person asked for. Every limit of the product's mail is here, with its default."""

    __tablename__ = "user_preferences"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "user_id"), tenant_fk("user_id", "users", ondelete="CASCADE")
    )

    user_id: UUID
    notification_enabled: bool = True
    email_notifications_enabled: bool = True
    relevance_threshold: float = Field(default=0.5, ge=0, le=1)
    notification_categories: list[str] | None = Field(default=None, sa_type=JsonType, nullable=True)
    notification_frequency: Frequency = enum_field(Frequency, Frequency.DAILY)
    assigned_clients_only: bool = True
    digest_time: time = time(8, 0)
    digest_day_of_week: int = Field(default=0, ge=0, le=6, description="0 is Monday")
    quiet_from: time | None = None
    quiet_until: time | None = None
    max_items_per_digest: int = Field(default=10, ge=1, le=100)
    max_items_per_client: int = Field(default=3, ge=1, le=50)
    max_instant_per_day: int = Field(default=3, ge=0, le=100)
    tracking_consent_at: datetime | None = utc_field()
    """When the person agreed to opens and clicks being kept under their name; None: aggregates only."""
    updated_at: datetime = utc_field(nullable=False)


class ClientPreference(TenantRow, table=True):
    """A person's exception for one client."""

    __tablename__ = "client_preferences"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "user_id", "client_id"),
        tenant_fk("user_id", "users", ondelete="CASCADE"),
        tenant_fk("client_id", "clients", ondelete="CASCADE"),
    )

    user_id: UUID
    client_id: UUID
    muted: bool = False
    relevance_threshold: float | None = Field(default=None, ge=0, le=1)


def business_by_slug(session: Session, slug: str) -> Business | None:
    """The tenant with this slug, or None. Businesses themselves are not tenant rows."""
    return session.exec(select(Business).where(Business.slug == slug)).first()


def businesses(session: Session) -> list[Business]:
    """Every tenant, by slug."""
    return list(session.exec(select(Business).order_by(col(Business.slug))))


def users(scope: Scope, session: Session) -> list[User]:
    """The tenant's people, by address."""
    return list(session.exec(select(User).order_by(col(User.email))))


def user_by_email(scope: Scope, session: Session, email: str) -> User | None:
    """The person with this address (compared in lower case), or None."""
    return session.exec(select(User).where(User.email == email.strip().lower())).first()


def stored_preference(scope: Scope, session: Session, user_id: UUID) -> UserPreference | None:
    """What a person asked for; None for who has the defaults."""
    return session.exec(select(UserPreference).where(UserPreference.user_id == user_id)).first()


def preferences_of(scope: Scope, session: Session) -> dict[UUID, UserPreference]:
    """Everybody's preferences by user id; people without a row have the defaults."""
    stored = {row.user_id: row for row in session.exec(select(UserPreference))}
    return {
        user.id: stored.get(user.id) or UserPreference(business_id=user.business_id, user_id=user.id)
        for user in users(scope, session)
    }


def client_preferences(scope: Scope, session: Session) -> dict[tuple[UUID, UUID], ClientPreference]:
    """Exceptions by (user id, client id)."""
    return {(row.user_id, row.client_id): row for row in session.exec(select(ClientPreference))}
