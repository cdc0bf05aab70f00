"""What POSTs that start work were answered, by the caller's own key for each."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select

from models.access import IdempotentAnswer
from models.base import utc_now
from models.engine import insert_rows, reading, writing
from models.scope import Scope

_KEPT_HEADERS = frozenset({"location", "etag"})


class Known(Enum):
    """What is known of a key before its work begins."""

    NEW = "new"
    UNDER_WAY = "under way"
    OTHER = "other"
    """It came with another request."""


@dataclass(frozen=True, slots=True)
class Given:
    """The answer that was given before."""

    status: int
    headers: dict[str, str]
    body: Any


def begin(scope: Scope, key: str, request_hash: str, *, since: datetime) -> Known | Given:
    """Take the key for this request; what was answered, or is known, when somebody has it since then."""
    row: dict[str, Any] = {
        "user_id": scope.user_id,
        "key": key,
        "request_hash": request_hash,
        "status": None,
        "headers": {},
        "body": "",
        "created_at": utc_now(),
    }
    with writing(scope) as session:
        session.exec(
            delete(IdempotentAnswer)
            .where(
                col(IdempotentAnswer.user_id) == scope.user_id,
                col(IdempotentAnswer.key) == key,
                col(IdempotentAnswer.created_at) < since,
            )
            .execution_options(synchronize_session=False)
        )
        if insert_rows(session, IdempotentAnswer, [row], ignore_conflicts=True, returning=("id",)):
            return Known.NEW
    with reading(scope) as session:
        found = session.exec(
            select(IdempotentAnswer).where(
                IdempotentAnswer.user_id == scope.user_id, IdempotentAnswer.key == key
            )
        ).first()
    if found is None or found.status is None:
        return Known.UNDER_WAY
    if found.request_hash != request_hash:
        return Known.OTHER
    return Given(found.status, found.headers, json.loads(found.body) if found.body else None)


def finish(scope: Scope, key: str, status: int, headers: dict[str, str], body: bytes) -> None:
    """Keep what was answered."""
    with writing(scope) as session:
        row = session.exec(
            select(IdempotentAnswer).where(
                IdempotentAnswer.user_id == scope.user_id, IdempotentAnswer.key == key
            )
        ).one()
        row.status = status
        row.headers = {name: value for name, value in headers.items() if name in _KEPT_HEADERS}
        row.body = body.decode()
        session.add(row)


def forget(scope: Scope, key: str) -> None:
    """Free the key: its work failed, and may be tried again."""
    with writing(scope) as session:
        session.exec(
            delete(IdempotentAnswer)
            .where(col(IdempotentAnswer.user_id) == scope.user_id, col(IdempotentAnswer.key) == key)
            .execution_options(synchronize_session=False)
        )
