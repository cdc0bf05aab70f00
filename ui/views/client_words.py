"""How the pages of clients name things: health, tiers, how sources answer."""

from typing import Literal

from models.clients import Tier
from models.news import SourceState
from services.crm_import import Outcome
from services.portfolio.sources import Answered, SourcesNow
from services.portfolio.standing import Health, Standing
from services.portfolio.table import ClientRow
from ui.parts.words import words

HEALTH = {
    Health.AT_RISK: "At risk",
    Health.WATCH: "Watch",
    Health.HEALTHY: "Healthy",
    Health.OTHER: "In the CRM's words",
    Health.UNKNOWN: "Not known",
}
Colour = Literal["red", "orange", "green", "gray"]
HEALTH_COLOURS: dict[Health, Colour] = {
    Health.AT_RISK: "red",
    Health.WATCH: "orange",
    Health.HEALTHY: "green",
    Health.OTHER: "gray",
    Health.UNKNOWN: "gray",
}
ANSWERED = {
    Answered.DOWN: "Failing",
    Answered.TROUBLE: "In part",
    Answered.WAITING: "Not yet",
    Answered.CLOSED: "Kept private",
    Answered.NOBODY: "None on",
    Answered.OK: "Answering",
}
ANSWERED_COLOURS: dict[Answered, Colour] = {
    Answered.DOWN: "red",
    Answered.TROUBLE: "orange",
    Answered.WAITING: "gray",
    Answered.CLOSED: "gray",
    Answered.NOBODY: "orange",
    Answered.OK: "green",
}
STATE: dict[SourceState, tuple[str, Colour]] = {
    SourceState.OK: ("Answered", "green"),
    SourceState.EMPTY: ("Nothing new", "green"),
    SourceState.PARTIAL: ("In part", "orange"),
    SourceState.QUOTA: ("Limit reached", "red"),
    SourceState.FAILED: ("Failed", "red"),
}
OUTCOMES = {
    Outcome.NEW: "New",
    Outcome.CHANGED: "Changed",
    Outcome.UNCHANGED: "As it was",
    Outcome.REFUSED: "Left out",
}


def tier_words(tier: Tier | None) -> str:
    """A tier's name."""
    return words(tier.value) if tier else "No tier"


def health_words(standing: Standing | None) -> str:
    """The health as the CRM calls it, begun with a capital; empty where it is not known."""
    return words(standing.health_words) if standing and standing.health_words else ""


def sources_words(sources: SourcesNow) -> str:
    """How a client's sources answer, in a few words."""
    if sources.failing:
        return f"{ANSWERED[sources.state]}: {', '.join(sources.failing)}"
    return ANSWERED[sources.state]


def people_words(row: ClientRow) -> str:
    """Who looks after a client, by name."""
    return ", ".join(person.name for person in row.people) or "Nobody"
