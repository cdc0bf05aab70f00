"""What every table shares: ids, UTC time, tenant rows and their foreign keys."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Enum,
    ForeignKeyConstraint,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

# Named constraints let Alembic alter them on SQLite, where a change copies the table.
SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention


def new_id() -> UUID:
    """A UUIDv7: unique, and ordered by the time it was made (millisecond, then counter)."""
    return uuid_utils.compat.uuid7()


def utc_now() -> datetime:
    """The present instant, aware, UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant. A naive value is refused: it would be an hour or ten wrong, silently."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value.isoformat()}: give it a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")


def json_field(*, nullable: bool = False) -> Any:
    """A JSON column (JSONB on PostgreSQL); an empty object by default."""
    if nullable:
        return Field(default=None, sa_column=Column(Json, nullable=True))
    return Field(default_factory=dict, sa_column=Column(Json, nullable=False))


def list_field() -> Any:
    """A JSON column that holds a list of strings; empty by default."""
    return Field(default_factory=list, sa_column=Column(Json, nullable=False))


def utc_field(*, nullable: bool = True, index: bool = False) -> Any:
    """A UTC timestamp column; without ``nullable`` it defaults to now."""
    if nullable:
        return Field(default=None, sa_type=UtcDateTime, nullable=True, index=index)
    return Field(default_factory=utc_now, sa_type=UtcDateTime, nullable=False, index=index)


def enum_type(kind: type[StrEnum]) -> Enum:
    """Stored as the member's value in a plain text column, so that a new member needs no migration."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


def enum_field(kind: type[StrEnum], default: Any = ..., *, nullable: bool = False) -> Any:
    """A column that holds a member of ``kind`` (see ``enum_type``)."""
    return Field(default=default, sa_type=enum_type(kind), nullable=nullable)


class TenantRow(SQLModel):
    """A row that belongs to one business. The session guard adds ``business_id`` to every query on it."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    business_id: UUID = Field(foreign_key="businesses.id", nullable=False)


def tenant_key() -> UniqueConstraint:
    """The parent's side of ``tenant_fk``."""
    return UniqueConstraint("business_id", "id")


def tenant_fk(column: str, table: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A foreign key that carries business_id, so that no row can point into another tenant."""
    return ForeignKeyConstraint(
        ["business_id", column], [f"{table}.business_id", f"{table}.id"], ondelete=ondelete
    )


def table_args(*items: Any, options: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
    """``__table_args__`` of a tenant table: its tenant key, then ``items``."""
    return (tenant_key(), *items, dict(options or {}))
