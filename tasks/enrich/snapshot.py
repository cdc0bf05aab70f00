"""From what a CRM holds of an account to the snapshot that mails and the app show."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tasks.enrich.crm import Opportunity, Record
from tasks.enrich.standing import Standing, standing_of
from tasks.search.text import clean

TIER_MAX, HEALTH_MAX, NAME_MAX = 60, 40, 200
"""As wide as the snapshot's columns."""
NO_CURRENCY = "unknown"
"""Under which amounts that name no currency are added up."""
_CURRENCY = re.compile(r"[A-Z]{3}")
_MOST = 1e15
"""An amount beyond is a slip, and would drown every other in the sum."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot's columns. None: the CRM does not know."""

    tier: str | None = None
    """In the CRM's own words."""
    health: str | None = None
    """In the CRM's own words, where it has any; else healthy, watch or at risk."""
    owner_name: str | None = None
    open_pipeline: float | None = None
    """In ``currency``, not weighted by probability."""
    currency: str | None = None
    """ISO 4217."""
    renewal_on: date | None = None
    details: dict[str, Any] = field(default_factory=dict)
    """JSON, without what is unknown: ``pipeline`` by currency; ``health`` (verdict, source, points, parts);
    ``engagement`` (score, parts); ``open_deals``, ``open_cases``, ``urgent_cases``; ``last_activity_at``."""


def facts_of(record: Record, as_of: datetime) -> Facts:
    """The record as of that instant. A pipeline in several currencies has no sum; its parts are in the details."""
    today = as_of.date()
    pipeline = _pipeline(record.opportunities)
    only = next(iter(pipeline)) if len(pipeline) == 1 else None
    standing = standing_of(record, as_of)
    own_health = _words(record.health, HEALTH_MAX)
    return Facts(
        tier=_words(record.tier, TIER_MAX),
        health=own_health or standing.health,
        owner_name=_words(record.owner_name, NAME_MAX),
        open_pipeline=pipeline[only] if only is not None else None,
        currency=only if only != NO_CURRENCY else None,
        renewal_on=record.renewal_on or _next_renewal(record.opportunities, today),
        details=_details(record, pipeline, standing, own_health),
    )


def _pipeline(opportunities: Iterable[Opportunity]) -> dict[str, float]:
    """The open amounts by currency."""
    sums: dict[str, list[float]] = {}
    for deal in opportunities:
        if deal.is_open and deal.amount is not None and abs(deal.amount) < _MOST:
            code = (deal.currency or "").upper()
            sums.setdefault(code if _CURRENCY.fullmatch(code) else NO_CURRENCY, []).append(deal.amount)
    return {code: round(math.fsum(amounts), 2) for code, amounts in sorted(sums.items())}


def _next_renewal(opportunities: Iterable[Opportunity], today: date) -> date | None:
    """The close date of the first open renewal still to come."""
    days = [deal.close_on for deal in opportunities if deal.is_open and deal.is_renewal and deal.close_on]
    return min((day for day in days if day >= today), default=None)


def _details(
    record: Record, pipeline: Mapping[str, float], standing: Standing, own_health: str | None
) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if pipeline:
        details["pipeline"] = dict(pipeline)
    if own_health or standing.health:
        details["health"] = {
            "verdict": own_health or standing.health,
            "source": "crm" if own_health else "reckoned",
            "points": standing.points,
            "parts": dict(standing.risks),
        }
    if standing.engagement is not None:
        details["engagement"] = {"score": standing.engagement, "parts": dict(standing.engagements)}
    if record.opportunities:
        details["open_deals"] = sum(deal.is_open for deal in record.opportunities)
    if record.cases:
        open_cases = [case for case in record.cases if case.is_open]
        details["open_cases"] = len(open_cases)
        details["urgent_cases"] = sum(case.is_urgent for case in open_cases)
    if record.last_activity_at is not None:
        details["last_activity_at"] = record.last_activity_at.isoformat()
    return details


def _words(text: str | None, limit: int) -> str | None:
    return clean(text, limit) or None if text else None
