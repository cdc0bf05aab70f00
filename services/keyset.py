"""Where a page of a list ends, newest first, so that the next one begins behind it however the list has grown."""

from datetime import UTC, datetime
from uuid import UUID

from services.errors import UserError

Place = tuple[datetime, UUID]
_AT = "%Y%m%dT%H%M%S%f"


def mark(at: datetime, row_id: UUID) -> str:
    """A row's place as text for an address."""
    return f"{at.astimezone(UTC):{_AT}}-{row_id.hex}"


def place(text: str) -> Place | None:
    """The place that ``mark`` wrote; None for an empty text. UserError for any other text."""
    if not text:
        return None
    at, _, row_id = text.partition("-")
    try:
        return datetime.strptime(at, _AT).replace(tzinfo=UTC), UUID(row_id)
    except ValueError:
        raise UserError("this is no place in the list", "start from its newest page") from None
