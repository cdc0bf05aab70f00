"""What the figures look like, for every door."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from models.breakers import BreakerState
from models.events import Category
from models.mail import SkipReason
from models.news import SourceState
from models.returns import Actor


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class Week(_Figures):
    """One ISO week's events, by its Monday (UTC). The last week is the one that is not over."""

    monday: date
    by_category: Mapping[Category, int]
    """Categories without an event are left out."""
    sentiment: float | None
    """The mean of its events, −1 to 1; None for a week without any."""
    bad: int
    good: int
    useful: int
    not_relevant: int
    wrong_company: int

    @property
    def events(self) -> int:
        return sum(self.by_category.values())

    @property
    def precision(self) -> float | None:
        """The useful part of what was judged; None where nothing was."""
        return share_useful(self.useful, self.not_relevant, self.wrong_company)


class ClientUse(_Figures):
    """How much one client's news was, and what its readers said of it."""

    client_id: UUID
    client: str
    events: int
    useful: int
    not_relevant: int
    wrong_company: int

    @property
    def precision(self) -> float | None:
        """The useful part of what was judged; None where nothing was."""
        return share_useful(self.useful, self.not_relevant, self.wrong_company)


class Hits(_Figures):
    """Opens or clicks: those of people for certain, and those nobody can tell."""

    human: int
    unknown: int
    machine: int

    @classmethod
    def of(cls, counted: Mapping[Actor, int]) -> "Hits":
        return cls(**{actor.value: counted.get(actor, 0) for actor in Actor})


class Funnel(_Figures):
    """How much of what was found reached somebody."""

    articles: int | None
    """That came in, whomever they are about; None where only some clients are looked at."""
    stories: int
    events: int
    wanted: int
    """Events that at least one reader was to get."""
    mailed: int
    """Events that at least one reader got by mail."""
    mails: int
    """Mails with news that were sent: to everybody or, for who sees only their own, to them."""
    opens: Hits | None = None
    """None where they are not counted, or would tell of persons."""
    clicks: Hits | None = None
    hits_withheld: bool = False
    """Too few readers to say anything that is not about a person."""


class SpendDay(_Figures):
    """One UTC day's paid calls."""

    day: date
    calls: int
    usd: float


class Budget(_Figures):
    """One allowance in force; ``taken`` is spent, or held by calls under way."""

    unit: str
    """usd or calls."""
    period: str
    limit: float
    taken: float


class AiUse(_Figures):
    """What language models cost."""

    classifier: str
    """The model in force; empty where the rules work alone."""
    days: tuple[SpendDay, ...]
    """Every day from the first call on; none where there was no call."""
    budgets: tuple[Budget, ...]


class SourceDay(_Figures):
    """How a UTC day's fetches ended."""

    day: date
    results: Mapping[SourceState, int]


class SourceNow(_Figures):
    """A source that is switched on, as it stands."""

    name: str
    title: str
    state: BreakerState
    last_error: str
    last_ok_at: datetime | None
    asked_again_at: datetime | None
    failed: int
    """Of its fetches in the days shown: failed, out of quota or partial."""
    fetched: int


class SourceHealth(_Figures):
    """How the sources did lately, and do now."""

    days: tuple[SourceDay, ...]
    sources: tuple[SourceNow, ...]


class Insights(_Figures):
    """Everything the page of that name shows."""

    since: datetime
    until: datetime
    client_id: UUID | None
    clients: Mapping[UUID, str]
    """Those that may be chosen: its name by id, by name."""
    sees_all: bool
    """Whether this is the whole tenant; else it is the clients one looks after."""
    weeks: tuple[Week, ...]
    """Oldest first, none left out."""
    uses: tuple[ClientUse, ...]
    """Clients with an event or a verdict, most events first."""
    funnel: Funnel
    skipped: Mapping[SkipReason, int]
    """Lines of the ledger that reached nobody, by reason, most first."""
    ai: AiUse | None = None
    """For who sees all, as the next."""
    sources: SourceHealth | None = None


def share_useful(useful: int, not_relevant: int, wrong_company: int) -> float | None:
    """useful / (useful + not relevant + wrong company); None where nobody said anything."""
    said = useful + not_relevant + wrong_company
    return useful / said if said else None
