"""What AI calls answered and cost."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, json_field, table_args, utc_field, utc_now
from models.engine import insert_rows
from models.scope import Scope

NAME_MAX = 80
_LOOKUP = 500
"""Keys a query: SQLite takes no more than some thousands of parameters."""


class AiCache(TenantRow, table=True):
    """An answer by everything that went into it: content, matching profile, prompt version, model."""

    __tablename__ = "ai_cache"
    __table_args__ = table_args(UniqueConstraint("business_id", "key"))

    key: str = Field(max_length=64)
    model: str = Field(max_length=NAME_MAX)
    answer: dict[str, Any] = json_field()
    created_at: datetime = utc_field(nullable=False)


class AiSpend(TenantRow, table=True):
    """One call's tokens and cost in US dollars."""

    __tablename__ = "ai_spend"
    __table_args__ = table_args(Index("ix_ai_spend_time", "business_id", "created_at"))

    provider: str = Field(max_length=40)
    model: str = Field(max_length=NAME_MAX)
    purpose: str = Field(default="classify", max_length=20)
    job_run_id: UUID | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0
    created_at: datetime = utc_field(nullable=False)


def cached_answers(scope: Scope, session: Session, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What models answered before, by cache key; keys nobody asked about are absent."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(keys), _LOOKUP):
        query = select(AiCache).where(col(AiCache.key).in_(keys[start : start + _LOOKUP]))
        found |= {row.key: row.answer for row in session.exec(query)}
    return found


def keep_answers(
    scope: Scope, session: Session, model: str, answers: Mapping[str, Mapping[str, Any]]
) -> None:
    """Cache answers by key; one that is there already stays."""
    now = utc_now()
    rows = [
        {"key": key, "model": model[:NAME_MAX], "answer": answer, "created_at": now}
        for key, answer in answers.items()
    ]
    insert_rows(session, AiCache, rows, ignore_conflicts=True)


def record_spend(
    scope: Scope,
    session: Session,
    *,
    provider: str,
    model: str,
    purpose: str,
    job_run_id: UUID | None,
    input_tokens: int,
    cached_tokens: int,
    output_tokens: int,
    cost_usd: float,
) -> None:
    """Write down one paid call."""
    row = {
        "provider": provider,
        "model": model[:NAME_MAX],
        "purpose": purpose,
        "job_run_id": job_run_id,
        "input_tokens": input_tokens,
        "cached_tokens": cached_tokens,
        "output_tokens": output_tokens,
        "cost_usd": cost_usd,
        "created_at": utc_now(),
    }
    insert_rows(session, AiSpend, [row])


def calls_since(scope: Scope, session: Session, since: datetime) -> list[AiSpend]:
    """The paid calls since then, oldest first."""
    query = select(AiSpend).where(col(AiSpend.created_at) >= since)
    return list(session.exec(query.order_by(col(AiSpend.created_at), col(AiSpend.id))))


def costs_of_run(scope: Scope, session: Session, job_run_id: UUID) -> dict[str, float]:
    """What a run's paid calls came to: calls, tokens by kind, US dollars. Empty when it made none."""
    calls = session.exec(select(AiSpend).where(AiSpend.job_run_id == job_run_id)).all()
    if not calls:
        return {}
    return {
        "ai_calls": len(calls),
        "ai_input_tokens": sum(call.input_tokens for call in calls),
        "ai_cached_tokens": sum(call.cached_tokens for call in calls),
        "ai_output_tokens": sum(call.output_tokens for call in calls),
        "ai_usd": sum(call.cost_usd for call in calls),
    }
