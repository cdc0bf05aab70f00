"""What the CRM said of a client, with its age."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Index, UniqueConstraint, func
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, json_field, table_args, tenant_fk, utc_field
from models.scope import Scope

INVENTED = "mock"
"""The provider whose facts are invented: real people's mails never show them."""


class CrmSnapshot(TenantRow, table=True):
    """Append-only; the newest is used, however old, when the CRM is down."""

    __tablename__ = "crm_snapshots"
    __table_args__ = table_args(
        tenant_fk("client_id", "clients", ondelete="CASCADE"),
        Index("ix_crm_snapshots_client", "business_id", "client_id", "taken_at"),
    )

    client_id: UUID
    provider: str = Field(max_length=40)
    tier: str | None = Field(default=None, max_length=60)
    health: str | None = Field(default=None, max_length=40)
    owner_name: str | None = Field(default=None, max_length=200)
    open_pipeline: float | None = None
    currency: str | None = Field(default=None, max_length=3)
    renewal_on: date | None = None
    details: dict[str, Any] = json_field()
    taken_at: datetime = utc_field(nullable=False)


class CrmImport(TenantRow, table=True):
    """What a CRM said of a client when the portfolio was last imported from it.

    The next import compares with it: what the CRM has changed since goes in, what people here have changed stands.
    """

    __tablename__ = "crm_imports"
    __table_args__ = table_args(
        UniqueConstraint("business_id", "provider", "client_id"),
        tenant_fk("client_id", "clients", ondelete="CASCADE"),
    )

    provider: str = Field(max_length=60)
    client_id: UUID
    said: dict[str, Any] = json_field()
    """Client fields by name, as text, its id there among them; what the CRM did not say is left out."""
    owner_id: UUID | None = None
    """The user who was its owner there."""
    assignment_id: UUID | None = None
    """The assignment that the import started for the owner; None: somebody had assigned them already."""
    imported_at: datetime = utc_field(nullable=False)


def crm_imports(scope: Scope, session: Session) -> list[CrmImport]:
    """What each CRM said of each client at its last import."""
    return list(session.exec(select(CrmImport)))


def latest_snapshots(
    scope: Scope,
    session: Session,
    client_ids: list[UUID],
    *,
    provider: str | None = None,
    invented: bool = True,
) -> dict[UUID, CrmSnapshot]:
    """The newest snapshot of each client that has one: of this ``provider``, and not the ``invented`` ones."""
    wanted: list[ColumnElement[bool]] = [col(CrmSnapshot.client_id).in_(client_ids)]
    if provider is not None:
        wanted.append(col(CrmSnapshot.provider) == provider)
    if not invented:
        wanted.append(col(CrmSnapshot.provider) != INVENTED)
    # A client has one a day for as long as they are kept: only the newest leaves the database.
    newest = (
        select(col(CrmSnapshot.client_id), func.max(CrmSnapshot.taken_at).label("at"))
        .where(*wanted)
        .group_by(col(CrmSnapshot.client_id))
        .subquery()
    )
    query = (
        select(CrmSnapshot)
        .join(
            newest,
            (col(CrmSnapshot.client_id) == newest.c.client_id) & (col(CrmSnapshot.taken_at) == newest.c.at),
        )
        .where(*wanted)
    )
    return {row.client_id: row for row in session.exec(query)}
