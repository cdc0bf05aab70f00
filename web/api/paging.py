"""Pages of a list by where the last one ended: nothing is counted, and nothing skipped when rows come in between."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from web.api.problems import Refusal

Row = TypeVar("Row")
Shown = TypeVar("Shown", bound=BaseModel)

Limit = Annotated[int, Query(ge=1, le=200, description="rows a page, at most")]
Cursor = Annotated[
    str | None,
    Query(max_length=400, description="``next_cursor`` of the page before; none: the first page"),
]
After = tuple[datetime, UUID]


class Page(BaseModel, Generic[Shown]):
    """Part of a list, in its order."""

    items: list[Shown]
    next_cursor: str | None = Field(default=None, description="none: this was the last page")


def after(cursor: str | None) -> After | None:
    """Where the page before ended; 422 for a cursor that none of our pages gave."""
    if cursor is None:
        return None
    try:
        at, row_id = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return moment, UUID(row_id)
    except (ValueError, TypeError, AttributeError):
        raise Refusal(422, "cursor: not one of ours", "begin again without one") from None


def cursor_of(at: datetime, row_id: UUID) -> str:
    """The cursor of a page that ends with this row."""
    raw = json.dumps([at.isoformat(), str(row_id)]).encode()
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def page(
    rows: Sequence[Row], limit: int, show: Callable[[Row], Shown], key: Callable[[Row], Any]
) -> Page[Shown]:
    """A page of ``limit`` rows, of rows asked for with one more to see whether others follow.

    ``key`` gives a row's (instant, id), by which the list is ordered.
    """
    kept = rows[:limit]
    more = len(rows) > limit and bool(kept)
    return Page(items=[show(row) for row in kept], next_cursor=cursor_of(*key(kept[-1])) if more else None)
