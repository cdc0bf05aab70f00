"""The published table of faults: what the tests see, kept in step with ``docs/faults.md``."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import ceil
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import SQLModel, select

from models.base import utc_now
from models.engine import reading
from models.limits import RateSlot
from models.scope import Scope

PAGE = Path(__file__).resolve().parent.parent / "docs" / "faults.md"

WITHIN_A_RUN = timedelta(seconds=30)
"""What is waited for at once leaves nobody alone."""
UNTIL = {"UTC": "midnight UTC", "America/Los_Angeles": "midnight in California"}
"""Where it is midnight when a hold ends."""


def cell(state: str, attempts: int, provider: str) -> str:
    """What happened, in the words of the table: the state, how often it was asked, how long it is left alone."""
    return state + (f" ×{attempts}" if attempts > 1 else "") + left_alone(provider)


def left_alone(provider: str) -> str:
    """For how long, as the table says it after a comma; empty where it is not, or no longer than a run waits."""
    with reading(Scope.operator()) as session:
        held = session.exec(
            select(RateSlot.held_until).where(RateSlot.provider.startswith(provider))  # type: ignore[attr-defined]
        ).all()
    waits = [until - utc_now() for until in held if until]
    if not waits or max(waits) < WITHIN_A_RUN:
        return ""
    over = max(until for until in held if until)
    for zone, words in UNTIL.items():
        there = over.astimezone(ZoneInfo(zone))
        # Not at the very instant: between two looks at the clock some milliseconds go by.
        if there - there.replace(hour=0, minute=0, second=0, microsecond=0) < timedelta(seconds=2):
            return f", {words}"
    minutes = ceil(max(waits) / timedelta(minutes=1))  # up: some seconds of it have gone by
    return f", {minutes} min"


def everything(db: Engine) -> str:
    """All that the database holds: where a secret would be found."""
    with db.connect() as connection:
        return repr([connection.execute(table.select()).all() for table in SQLModel.metadata.sorted_tables])


class FaultTable:
    """One table of the page, between ``<!-- name -->`` and ``<!-- end -->``: faults down, providers across."""

    def __init__(self, name: str, faults: Sequence[str], providers: Mapping[str, str]) -> None:
        """``providers`` gives the heading of each column."""
        self._start = f"<!-- {name} -->\n"
        self._faults = faults
        self._providers = providers

    @property
    def is_complete(self) -> bool:
        """Whether it has each fault's row, in order, and no others."""
        return list(self.rows()) == list(self._faults)

    def rows(self) -> dict[str, dict[str, str]]:
        """What is published: fault → provider → cell."""
        lines = self._split()[1].strip().splitlines()[2:]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return {row[0]: dict(zip(self._providers, row[1:], strict=True)) for row in cells}

    def settle(self, fault: str, seen: Mapping[str, str], *, write: bool) -> None:
        """Publish a row, or hold what is published against it."""
        if write:
            self._write(fault, seen)
        published = {provider: said for provider, said in self.rows()[fault].items() if said}
        assert dict(seen) == published, (
            "docs/faults.md says otherwise: pytest --write-fault-table writes it anew"
        )

    def _write(self, fault: str, seen: Mapping[str, str]) -> None:
        known = {**self.rows(), fault: dict(seen)}
        head = ["what comes back", *self._providers.values()]
        lines = [head, ["---"] * len(head)]
        lines += [
            [name, *(known[name].get(provider, "") for provider in self._providers)]
            for name in self._faults
            if name in known
        ]
        before, _, after = self._split()
        table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        PAGE.write_text(f"{before}{table}{after}", encoding="utf-8")

    def _split(self) -> tuple[str, str, str]:
        before, start, rest = PAGE.read_text(encoding="utf-8").partition(self._start)
        table, end, after = rest.partition("<!-- end -->")
        assert start, f"{PAGE.name} has no {self._start.strip()}"
        assert end, f"{PAGE.name} does not say where the table ends"
        return before + start, table, end + after
