"""What stands on a brief, as data."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from models.clients import Tier
from models.events import Category
from services.portfolio.standing import Standing


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class BriefItem(_Frozen):
    """One thing that happened."""

    event_id: UUID
    title: str
    category: Category | None
    """None: in a language that is not judged."""
    happened_at: datetime
    source: str
    outlets: int
    relevance: float
    sentiment: float
    risk: str
    meaning: str
    """What it may mean for the account, else its summary."""
    is_unconfirmed: bool
    is_mock: bool


class Step(_Frozen):
    """Something one might do, and the news it comes from."""

    text: str
    about: str


class Question(_Frozen):
    """Something to ask, and why."""

    text: str
    about: str = ""


class Mood(_Frozen):
    """The tone of the news: so many events of each kind, and the mean now and in as many days before."""

    good: int
    bad: int
    neutral: int
    mean: float | None
    before: float | None
    """None: nothing was found then."""
    high_risks: tuple[str, ...]
    """Titles of what is of high risk, the most relevant first."""


class Brief(_Frozen):
    """A client as one page tells it."""

    client_id: UUID
    client: str
    legal_name: str
    domain: str
    ticker: str
    industry: str
    tier: Tier | None
    confidential: bool
    business: str
    prepared_for: str
    """Whoever asked for it; empty for the machinery."""
    timezone: str
    at: datetime
    days: int
    people: tuple[str, ...]
    """Who looks after the client."""
    standing: Standing | None
    events: int
    """That are news; chatter is not counted."""
    weekly: tuple[int, ...]
    """Events a week, the oldest first; the last week ends now."""
    items: tuple[BriefItem, ...]
    """The most important ones, the most important first."""
    mood: Mood
    opportunities: tuple[Step, ...]
    cautions: tuple[Step, ...]
    questions: tuple[Question, ...]
    is_invented: bool
    """Some of it is made up: a demo's news or CRM."""
