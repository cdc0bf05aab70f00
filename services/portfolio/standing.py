"""How a client stands with us, as its newest CRM snapshot tells it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from models.crm import CrmSnapshot


class Health(StrEnum):
    """In four words, whatever the CRM calls it; the order is that of worry."""

    AT_RISK = "at_risk"
    WATCH = "watch"
    HEALTHY = "healthy"
    OTHER = "other"
    """The CRM has a word of its own that is none of these."""
    UNKNOWN = "unknown"


_WORDS = {
    Health.AT_RISK: "at risk, red, poor, bad, critical, unhealthy, churning, churn risk, high risk, low",
    Health.WATCH: "watch, yellow, amber, orange, neutral, fair, medium, moderate, needs attention, medium risk",
    Health.HEALTHY: "healthy, green, good, great, excellent, strong, low risk, high",
}
_HEALTH_OF = {word: health for health, words in _WORDS.items() for word in words.split(", ")}


class Part(BaseModel):
    """One thing that a health or an engagement was reckoned from."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: float
    """Points of risk, or from 0 to 1 for engagement."""


class Standing(BaseModel):
    """What the CRM said, and when. None and empty: it does not say."""

    model_config = ConfigDict(frozen=True)

    provider: str
    taken_at: datetime
    is_empty: bool
    """The CRM does not have the client."""
    health: Health
    health_words: str = ""
    """As the CRM calls it, or healthy, watch or at risk where it was reckoned."""
    is_reckoned: bool = False
    """The health is ours, from ``risks``; otherwise the CRM's own word."""
    risks: tuple[Part, ...] = ()
    engagement: float | None = None
    engagements: tuple[Part, ...] = ()
    tier: str = ""
    """In the CRM's own words."""
    owner: str = ""
    pipeline: tuple[tuple[str, float], ...] = ()
    """(currency, open amount); the currency is empty where the CRM names none."""
    renewal_on: date | None = None
    open_deals: int | None = None
    open_cases: int | None = None
    urgent_cases: int | None = None
    last_activity_at: datetime | None = None


def health_of(words: str | None) -> Health:
    """Which of the four words a CRM's own one is."""
    if not words or not words.strip():
        return Health.UNKNOWN
    return _HEALTH_OF.get(
        " ".join(words.casefold().replace("_", " ").replace("-", " ").split()), Health.OTHER
    )


def standing_of(snapshot: CrmSnapshot) -> Standing:
    """A snapshot for people. What in its details has another form than ours is left out."""
    details = snapshot.details if isinstance(snapshot.details, dict) else {}
    health, engagement = _part(details, "health"), _part(details, "engagement")
    return Standing(
        provider=snapshot.provider,
        taken_at=snapshot.taken_at,
        is_empty=_is_empty(snapshot),
        health=health_of(snapshot.health),
        health_words=snapshot.health or "",
        is_reckoned=health.get("source") == "reckoned",
        risks=_parts(health),
        engagement=_number(engagement.get("score")),
        engagements=_parts(engagement),
        tier=snapshot.tier or "",
        owner=snapshot.owner_name or "",
        pipeline=_pipeline(snapshot, details),
        renewal_on=snapshot.renewal_on,
        open_deals=_count(details.get("open_deals")),
        open_cases=_count(details.get("open_cases")),
        urgent_cases=_count(details.get("urgent_cases")),
        last_activity_at=_instant(details.get("last_activity_at")),
    )


def _is_empty(snapshot: CrmSnapshot) -> bool:
    said = (
        *(snapshot.tier, snapshot.health, snapshot.owner_name, snapshot.open_pipeline),
        *(snapshot.renewal_on, snapshot.details or None),
    )
    return all(value is None for value in said)


def _part(details: dict[str, Any], name: str) -> dict[str, Any]:
    part = details.get(name)
    return part if isinstance(part, dict) else {}


def _parts(part: dict[str, Any]) -> tuple[Part, ...]:
    parts = part.get("parts")
    if not isinstance(parts, dict):
        return ()
    known = [(str(name), _number(value)) for name, value in parts.items()]
    return tuple(Part(name=name, value=value) for name, value in known if value is not None)


def _pipeline(snapshot: CrmSnapshot, details: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    sums = _part(details, "pipeline")
    known = [(code if len(code) == 3 else "", _number(value)) for code, value in sums.items()]
    told = tuple((code, value) for code, value in known if value is not None)
    if told or snapshot.open_pipeline is None:
        return told
    return ((snapshot.currency or "", snapshot.open_pipeline),)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _instant(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None
