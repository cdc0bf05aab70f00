"""What is shown of an event to one reader: plain values, for a card, a client's page or an answer of the API."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from models.events import Category
from models.feedback import FeedbackVerdict
from models.mail import SkipReason


class Marks(BaseModel):
    """What the reader noted of an event."""

    model_config = ConfigDict(frozen=True)

    read_at: datetime | None = None
    starred_at: datetime | None = None
    note: str = ""
    updated_at: datetime | None = None
    """None: the reader marked nothing yet."""


class How(StrEnum):
    """How an event stands with its reader."""

    MAILED = "mailed"
    ON_ITS_WAY = "on_its_way"
    WAITS = "waits"
    IN_APP = "in_app"
    """The reader switched e-mail off: it is here."""
    NOT_MAILED = "not_mailed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It was being handed over when something broke: it may have arrived."""
    UNDECIDED = "undecided"
    """The next run sorts it."""
    NOT_YOURS = "not_yours"
    """It was weighed, and not for this reader."""


class Standing(BaseModel):
    """How, when and in which mail an event reaches its reader, or why it does not."""

    model_config = ConfigDict(frozen=True)

    how: How
    at: datetime | None = None
    """When it was mailed, or when the next digest is due that takes it along."""
    mail: str = ""
    """Which mail it is or waits for: instant, daily or weekly."""
    delivery_id: UUID | None = None
    reason: SkipReason | None = None
    sentence: str = ""
    """The ledger's newest word on it."""
    is_dry: bool = False
    """The mail was written as a file and sent to nobody."""


class Verdict(BaseModel):
    """What the reader said of an event, and what came of it."""

    model_config = ConfigDict(frozen=True)

    feedback_id: UUID
    verdict: FeedbackVerdict
    effect: str


class Other(BaseModel):
    """Another of the reader's clients whom the same story concerns."""

    model_config = ConfigDict(frozen=True)

    event_id: UUID
    client_id: UUID
    client: str


class ShownEvent(BaseModel):
    """One story as it concerns one client, for one reader. Texts are the world's: escape them."""

    model_config = ConfigDict(frozen=True)

    event_id: UUID
    story_id: UUID
    article_id: UUID
    client_id: UUID
    client: str
    title: str
    url: str | None
    """Safe to be a link; None where the publisher's address is not."""
    outlets: int
    outlet_names: tuple[str, ...]
    """The one whose article is shown first; not always all of them."""
    category: Category
    relevance: float
    sentiment: float
    risk: str
    reason: str
    evidence: str
    summary: str
    what_changed: str
    """For a material update of what was told before."""
    meaning: str = ""
    next_step: str = ""
    advised_by: str = ""
    """The AI that gave meaning and step; empty where the rules did."""
    judged_by: str = ""
    """The AI that judged it; empty where the rules or a reader did."""
    crm_line: str = ""
    published_at: datetime | None
    happened_at: datetime
    revision: int
    language: str
    language_unsupported: bool = False
    is_history: bool = False
    is_mock: bool = False
    is_degraded: bool = False
    others: tuple[Other, ...] = ()
    marks: Marks = Marks()
    is_new: bool = False
    """Not read, and of the last 30 days."""
    said: tuple[Verdict, ...] = ()
    client_muted: bool = False
    stands_in_for: str = ""
    """The absent colleague whose client this is."""
    standing: Standing

    @property
    def event_ids(self) -> tuple[UUID, ...]:
        """The event's and those of the same story for the reader's other clients: what is read is read of all."""
        return (self.event_id, *(other.event_id for other in self.others))
