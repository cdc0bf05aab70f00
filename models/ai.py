"""What AI calls answered and cost."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.base import TenantRow, json_field, table_args, utc_field


class AiCache(TenantRow, table=True):
    """An answer by everything that went into it: content, matching profile, prompt version, model."""

    __tablename__ = "ai_cache"
    __table_args__ = table_args(UniqueConstraint("business_id", "key"))

    key: str = Field(max_length=64)
    model: str = Field(max_length=80)
    answer: dict[str, Any] = json_field()
    created_at: datetime = utc_field(nullable=False)


class AiSpend(TenantRow, table=True):
    """One call's tokens and cost in US dollars."""

    __tablename__ = "ai_spend"
    __table_args__ = table_args(Index("ix_ai_spend_time", "business_id", "created_at"))

    provider: str = Field(max_length=40)
    model: str = Field(max_length=80)
    purpose: str = Field(default="classify", max_length=20)
    job_run_id: UUID | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0
    created_at: datetime = utc_field(nullable=False)
