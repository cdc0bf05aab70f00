"""What an import would do, or did, as data."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one client; None: empty."""

    field: str
    """A client's field, or ``assigned_to``."""
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one account of the CRM."""

    crm_id: str
    name: str
    outcome: Outcome
    changes: tuple[Change, ...] = ()
    problem: str = ""
    """Why it was refused: field and fault."""
    mend: str = ""
    notes: tuple[str, ...] = ()
    """What went in differently from what the CRM says, and why."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A client that came from this CRM and is not in its portfolio any more."""

    client_id: UUID
    crm_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run's answer; after an import, what it did."""

    provider: str
    lines: tuple[Line, ...] = ()
    gone: tuple[Gone, ...] = ()
    archived: tuple[str, ...] = ()
    """Names of clients that were archived because they are gone."""
    applied: bool = False
    counts: Counter[Outcome] = field(default_factory=Counter)

    @property
    def changes_something(self) -> bool:
        return bool(self.counts[Outcome.NEW] or self.counts[Outcome.CHANGED] or self.archived)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``: unchanged accounts are counted, and listed only where there is something to say."""
        return {
            "provider": self.provider,
            "applied": self.applied,
            "counts": {outcome.value: self.counts[outcome] for outcome in Outcome},
            "accounts": [_line_json(line) for line in self.lines if said_of(line)],
            "gone": [{"crm_id": one.crm_id, "name": one.name} for one in self.gone],
            "archived": list(self.archived),
        }


def said_of(line: Line) -> bool:
    """Whether a line is worth a person's look."""
    return line.outcome is not Outcome.UNCHANGED or bool(line.notes)


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "crm_id": line.crm_id,
        "name": line.name,
        "outcome": line.outcome.value,
        "changes": [{"field": one.field, "before": one.before, "after": one.after} for one in line.changes],
        "problem": line.problem,
        "mend": line.mend,
        "notes": list(line.notes),
    }
