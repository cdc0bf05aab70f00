"""Which providers a tenant has switched on, with what keys, and which of them are failing."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, enum_field, json_field, table_args, utc_field
from models.scope import Scope


class ProviderKind(StrEnum):
    """A stage's kind of provider; its entry point group is ``client_monitor.`` and the plural of this."""

    SOURCE = "source"
    CRM = "crm"
    CLASSIFIER = "classifier"
    TRANSPORT = "transport"


class ProviderConfig(TenantRow, table=True):
    """A tenant's switch for one provider. Without a row it is off."""

    __tablename__ = "provider_configs"
    __table_args__ = table_args(UniqueConstraint("business_id", "kind", "name"))

    kind: ProviderKind = enum_field(ProviderKind)
    name: str = Field(max_length=60)
    is_enabled: bool = False
    options: dict[str, Any] = json_field()
    """What is no secret: addresses, model names, budgets, allow-lists."""
    secret: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)
    """The tenant's own keys, sealed by ``models.vault``; None: the deployment's are used, or none."""
    changed_by: UUID | None = None
    changed_at: datetime = utc_field(nullable=False)


class ProviderHealth(TenantRow, table=True):
    """The circuit breaker of one provider for one tenant: see ``models.breakers``."""

    __tablename__ = "provider_health"
    __table_args__ = table_args(UniqueConstraint("business_id", "kind", "name"))

    kind: ProviderKind = enum_field(ProviderKind)
    name: str = Field(max_length=60)
    failures: int = 0
    """In a row."""
    open_until: datetime | None = utc_field()
    """Not asked before then; after it, one probe is."""
    probe_until: datetime | None = utc_field()
    """Somebody is probing; who died meanwhile blocks nobody for longer."""
    last_error: str = Field(default="", max_length=500)
    last_failed_at: datetime | None = utc_field()
    last_ok_at: datetime | None = utc_field()


def provider_config(scope: Scope, session: Session, kind: ProviderKind, name: str) -> ProviderConfig | None:
    """The tenant's switch for this provider, if it was ever touched."""
    query = select(ProviderConfig).where(ProviderConfig.kind == kind, ProviderConfig.name == name)
    return session.exec(query).first()


def provider_configs(
    scope: Scope, session: Session, kind: ProviderKind | None = None
) -> list[ProviderConfig]:
    """The tenant's switches, by kind and name."""
    query = select(ProviderConfig).order_by(col(ProviderConfig.kind), col(ProviderConfig.name))
    if kind is not None:
        query = query.where(ProviderConfig.kind == kind)
    return list(session.exec(query))


def enabled(scope: Scope, session: Session, kind: ProviderKind) -> Mapping[str, ProviderConfig]:
    """The providers of this kind that the tenant switched on, by name."""
    return {row.name: row for row in provider_configs(scope, session, kind) if row.is_enabled}
