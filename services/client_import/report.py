"""What an import of clients would do, or did, as data."""

from dataclasses import dataclass, field

from services.crm_import.plan import Change, Outcome
from services.csvfiles import Fault


@dataclass(frozen=True, slots=True)
class RowLine:
    """What becomes of one row."""

    row: int
    name: str
    """As the file has it; empty where it has none."""
    outcome: Outcome
    changes: tuple[Change, ...] = ()
    """Of a client that is there: each field before and after. Of a new one: what it begins with."""
    notes: tuple[str, ...] = ()
    """What deserves a look, each beginning with its field."""


@dataclass(slots=True)
class ImportReport:
    """What an import of clients came to; clients and people by name and address."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    invited: list[str] = field(default_factory=list)
    assignments_started: int = 0
    assignments_ended: int = 0
    faults: list[Fault] = field(default_factory=list)
    """What is wrong with the rows that were left out."""
    notes: list[str] = field(default_factory=list)
    """Rows that went in but deserve a look, and remarks on the file."""
    lines: list[RowLine] = field(default_factory=list)
    """Every row in the file's order, those that were left out too."""

    @property
    def usable(self) -> bool:
        """Whether any row was good."""
        return bool(self.created or self.updated or self.unchanged)

    @property
    def changes_something(self) -> bool:
        """Whether there is, or was, anything to write."""
        return bool(self.created or self.updated)
