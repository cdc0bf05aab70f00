"""Time is injected: a run reads one clock, and an archive brings its own."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class FixedClock:
    """A clock that stands at ``at`` until somebody moves it: archives, replays, tests."""

    at: datetime

    def now(self) -> datetime:
        return self.at
