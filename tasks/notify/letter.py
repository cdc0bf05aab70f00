"""What a mail says, before it is written: plain values, decided and ordered by whoever composed it.

Nothing here is trusted to be well-formed: titles, names and addresses are the world's, and `render` and
`build_mime` make them harmless. Order is meaning: sections and items are shown as given.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tasks.notify.logo import Logo

ACCENT = "#0a5394"
"""The colour of links and buttons in the templates' own CSS, where a tenant chose no other."""
BACKGROUND = "#f2f4f6"
"""That of the page around the news."""

Kind = Literal["instant", "daily", "weekly", "alert", "system"]


class ItemLinks(BaseModel):
    """What the reader can say about one item, each an address of the web service."""

    model_config = ConfigDict(frozen=True)

    useful: str
    not_relevant: str
    wrong_company: str
    mute: str
    """Mutes the section's client for this reader."""


class Look(BaseModel):
    """What a tenant made of its mails. Plain text, two colours and a picture: never markup."""

    model_config = ConfigDict(frozen=True)

    accent: str = Field(default=ACCENT, pattern=r"^#[0-9a-f]{6}$")
    """Links and buttons, as ``#rrggbb``; readable on white (services.appearance sees to it)."""
    background: str = Field(default=BACKGROUND, pattern=r"^#[0-9a-f]{6}$")
    """The page around the news, by day; at night it is dark whatever this says."""
    subject: str = ""
    """The form of the subject of digests and instant mails, with names of `subject.PLACES` in braces; "" for ours."""
    subject_prefix: str = ""
    intro: str = ""
    """A sentence under the heading of digests and instant mails."""
    footer: str = ""
    """A line or two above our own: an address, a contact."""
    logo: Logo | None = None
    """In place of the business's name at the head."""


class Item(BaseModel):
    """One story, once, however many outlets carried it and however many of the reader's clients it names."""

    model_config = ConfigDict(frozen=True)

    event_id: UUID
    title: str
    url: str | None
    """The publisher's address; becomes a link only if `safe_url` lets it through."""
    read_url: str | None = None
    """Where the headline leads instead, where the tenant has clicks counted."""
    links: ItemLinks | None = None
    source: str | None
    """The outlet named first."""
    outlets: int
    """Outlets that carried the story, the first included."""
    category: str
    """A value of `models.events.Category`; one the renderer has no words for is shown as it stands."""
    relevance: float
    reason: str
    """Why this reader sees it, a clause that can follow "Why you see this: "."""
    judged_by: str = ""
    """The AI that said so, such as "AI, openai"; empty where the rules did."""
    summary: str = ""
    what_changed: str = ""
    """For an item mailed again: the material update, e.g. "new figure: 40 million"."""
    crm_line: str = ""
    """About this item's client, where it differs from the section's."""
    action: str = ""
    advised_by: str = ""
    """The AI that gave ``action``; empty where the rules did."""
    also_concerns: tuple[str, ...] = ()
    """Names of the reader's other clients in the same story."""
    published_at: datetime | None
    """None: the publisher gave no readable date, and the mail says so."""
    is_history: bool = False
    """From before the client was watched."""
    is_mock: bool = False
    """Invented by the mock source."""
    is_late: bool = False
    """Older than it should be: it waited while we were down or the reader away."""
    sentiment: float = 0
    """-1..1."""
    risk: str = "none"
    """A value of `models.events.Risk`."""


class ClientSection(BaseModel):
    """One client's items."""

    model_config = ConfigDict(frozen=True)

    client: str
    crm_line: str = ""
    items: tuple[Item, ...]
    more: int = 0
    """Items of this client that wait in the app."""


class TrendRow(BaseModel):
    """How often one client was in the news, this ISO week against the one before."""

    model_config = ConfigDict(frozen=True)

    client: str
    this_week: int
    last_week: int


class Letter(BaseModel):
    """One mail to one person."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    business: str
    """The tenant, who sends it."""
    recipient_name: str
    recipient_email: str
    timezone: str
    """IANA zone dates are shown in; an unknown one falls back to UTC, and the mail says UTC."""
    at: AwareDatetime
    """The moment the mail speaks of: the window for digests, the cause for the others."""
    sections: tuple[ClientSection, ...] = ()
    more: int = 0
    """Items in all that wait in the app."""
    degraded: tuple[str, ...] = ()
    """Sources and clients that could not be read, each named for a person."""
    app_url: str
    preferences_url: str
    unsubscribe_url: str = ""
    pixel_url: str = ""
    """An image that tells of an open; only where the tenant has opens counted."""
    look: Look = Look()
    silence: str = ""
    """Said in digests when nothing at all was found for days."""
    heading: str = ""
    """Alert and system mail: what it is about, its subject too."""
    body: tuple[str, ...] = ()
    """Alert and system mail: paragraphs of plain text."""
    action: tuple[str, str] | None = None
    """Alert and system mail: a button's words and address, where it is not to open the app."""
    trend: tuple[TrendRow, ...] = ()
    """Weekly digest."""
