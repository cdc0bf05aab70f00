"""Client companies, who looks after them, and the rules people taught us about them."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, func
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, enum_field, list_field, table_args, tenant_fk, utc_field
from models.scope import Scope


class Tier(StrEnum):
    STRATEGIC = "strategic"
    GROWTH = "growth"
    STANDARD = "standard"


class Client(TenantRow, table=True):
    __tablename__ = "clients"
    __table_args__ = table_args(UniqueConstraint("business_id", "name"))

    name: str = Field(max_length=200)
    legal_name: str | None = Field(default=None, max_length=300)
    aliases: list[str] = list_field()
    domain: str | None = Field(default=None, max_length=253)
    ticker: str | None = Field(default=None, max_length=20)
    excluded_terms: list[str] = list_field()
    keywords: list[str] = list_field()
    industry: str | None = Field(default=None, max_length=120)
    tier: Tier | None = enum_field(Tier, None, nullable=True)
    crm_id: str | None = Field(default=None, max_length=120)
    confidential: bool = False
    archived_at: datetime | None = utc_field()
    baseline_at: datetime | None = utc_field()
    """When its first poll ended: what that poll found is history, not news."""
    created_at: datetime = utc_field(nullable=False)


class ClientAssignment(TenantRow, table=True):
    """Who looks after a client, with its history: an ended assignment stays."""

    __tablename__ = "client_assignments"
    __table_args__ = table_args(
        tenant_fk("client_id", "clients", ondelete="CASCADE"),
        tenant_fk("user_id", "users", ondelete="CASCADE"),
        Index("ix_client_assignments_open", "business_id", "user_id", "client_id", "ended_at"),
    )

    client_id: UUID
    user_id: UUID
    started_at: datetime = utc_field(nullable=False)
    ended_at: datetime | None = utc_field()


class MatchRuleKind(StrEnum):
    EXCLUDE_CONTEXT = "exclude_context"
    REQUIRE_CONTEXT = "require_context"


class ClientMatchRule(TenantRow, table=True):
    """A rule a "wrong company" verdict taught: readable, undoable, without the person once erased."""

    __tablename__ = "client_match_rules"
    __table_args__ = table_args(
        tenant_fk("client_id", "clients", ondelete="CASCADE"),
        Index("ix_client_match_rules_client", "business_id", "client_id"),
    )

    client_id: UUID
    kind: MatchRuleKind = enum_field(MatchRuleKind)
    phrase: str = Field(max_length=200)
    note: str = ""
    created_at: datetime = utc_field(nullable=False)
    undone_at: datetime | None = utc_field()


def active_clients(scope: Scope, session: Session, ids: list[UUID] | None = None) -> list[Client]:
    """Clients that are watched, by name; with ``ids`` only those of them."""
    query = select(Client).where(col(Client.archived_at).is_(None)).order_by(col(Client.name))
    if ids is not None:
        query = query.where(col(Client.id).in_(ids))
    return list(session.exec(query))


def find_client(scope: Scope, session: Session, client_id: UUID) -> Client | None:
    """The client with this id, archived or not."""
    return session.exec(select(Client).where(Client.id == client_id)).first()


def client_by_id(scope: Scope, session: Session, client_id: UUID) -> Client:
    """The client with this id, archived or not; it must be there."""
    return session.exec(select(Client).where(Client.id == client_id)).one()


def client_names(scope: Scope, session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """What these clients are called, archived or not; ids that are no client's are left out."""
    if not ids:
        return {}
    return dict(session.exec(select(Client.id, Client.name).where(col(Client.id).in_(ids))).all())


def every_client(scope: Scope, session: Session) -> list[Client]:
    """Every client, archived ones too, by name."""
    return list(session.exec(select(Client).order_by(col(Client.name))))


def open_assignment_rows(
    scope: Scope, session: Session, client_id: UUID | None = None
) -> list[ClientAssignment]:
    """The assignments that have not ended, of one client or of all."""
    query = select(ClientAssignment).where(col(ClientAssignment.ended_at).is_(None))
    if client_id is not None:
        query = query.where(ClientAssignment.client_id == client_id)
    return list(session.exec(query))


def open_assignments(scope: Scope, session: Session) -> dict[UUID, set[UUID]]:
    """Client id → ids of the people who look after it now."""
    assigned: dict[UUID, set[UUID]] = {}
    for row in open_assignment_rows(scope, session):
        assigned.setdefault(row.client_id, set()).add(row.user_id)
    return assigned


def clients_by_person(scope: Scope, session: Session) -> dict[UUID, int]:
    """How many watched clients each person looks after, by user id; who has none is left out."""
    query = (
        select(ClientAssignment.user_id, func.count(func.distinct(ClientAssignment.client_id)))
        .join(Client, col(Client.id) == ClientAssignment.client_id)
        .where(col(ClientAssignment.ended_at).is_(None), col(Client.archived_at).is_(None))
        .group_by(col(ClientAssignment.user_id))
    )
    return dict(session.exec(query).all())


def clients_of_person(scope: Scope, session: Session, user_id: UUID) -> list[Client]:
    """The watched clients this person looks after, by name."""
    query = (
        select(Client)
        .join(ClientAssignment, col(ClientAssignment.client_id) == Client.id)
        .where(
            ClientAssignment.user_id == user_id,
            col(ClientAssignment.ended_at).is_(None),
            col(Client.archived_at).is_(None),
        )
        .order_by(col(Client.name))
    )
    return list(session.exec(query))


def match_rules(scope: Scope, session: Session) -> dict[UUID, list[ClientMatchRule]]:
    """Rules in force by client id, oldest first."""
    rules: dict[UUID, list[ClientMatchRule]] = {}
    query = select(ClientMatchRule).where(col(ClientMatchRule.undone_at).is_(None))
    for rule in session.exec(query.order_by(col(ClientMatchRule.created_at))):
        rules.setdefault(rule.client_id, []).append(rule)
    return rules


def match_rule_by_id(scope: Scope, session: Session, rule_id: UUID) -> ClientMatchRule:
    """The rule with this id, undone or not; it must be there."""
    return session.exec(select(ClientMatchRule).where(ClientMatchRule.id == rule_id)).one()
