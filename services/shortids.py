"""Ids as people handle them: the last eight digits, which in our ids are the random ones."""

from collections.abc import Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from services.errors import UserError

SHOWN = 8


class Identified(Protocol):
    @property
    def id(self) -> UUID: ...


Row = TypeVar("Row", bound=Identified)


def short(row_id: UUID) -> str:
    """The id as shown."""
    return row_id.hex[-SHOWN:]


def pick(rows: Sequence[Row], given: str, what: str, how: str) -> Row:
    """The row whose id is, or ends in, what was given. UserError when it is none or several; ``how`` mends."""
    wanted = given.strip().lower().replace("-", "")
    found = [row for row in rows if wanted and row.id.hex.endswith(wanted)]
    if len(found) == 1:
        return found[0]
    told = f"{len(found)} {what}s end in" if found else f"there is no {what}"
    raise UserError(f"{told} {given!r}", how)
