"""How an account stands: risk in points, engagement from 0 to 1, each with its parts.

Both are sums of few parts that a person can check against the CRM; docs/crm.md tells the same in words. What the CRM
does not say adds no risk and no engagement: an account of which nothing is known has neither verdict nor score.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tasks.enrich.crm import Record

AT_RISK, WATCH = 50, 25
"""Points from which an account is at risk, or to be watched."""

OVERDUE_RENEWAL = 50
RENEWAL_WITHOUT_DEAL = 25
"""It comes within ``RENEWAL_SOON``, and of the deals known none is open."""
RENEWAL_SOON = timedelta(days=60)
URGENT_CASE, URGENT_CASES_MOST = 25, 50
OPEN_CASE, OPEN_CASES_MOST = 5, 20
QUIET, QUIET_AFTER = 25, timedelta(days=90)
SILENT, SILENT_AFTER = 40, timedelta(days=180)
LOST_DEAL, LOST_DEALS_MOST = 15, 30
LATELY = timedelta(days=180)
"""How long a lost deal counts."""

ACTIVITY_WEIGHT, DEALS_WEIGHT, WINS_WEIGHT = 0.5, 0.25, 0.25
FRESH, STALE = timedelta(days=7), timedelta(days=180)
"""An activity counts in full up to the one, not at all from the other, and evenly less in between."""
DEALS_ENOUGH, WINS_ENOUGH = 3, 2
"""Open deals and wins of the last year that count in full."""
A_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Standing:
    """What could be reckoned; None: nothing is known that it could be reckoned from."""

    health: str | None = None
    """healthy, watch or at risk."""
    points: int = 0
    risks: Mapping[str, int] = field(default_factory=dict)
    """Points by cause; causes that add none are left out."""
    engagement: float | None = None
    """From 0 to 1."""
    engagements: Mapping[str, float] = field(default_factory=dict)
    """Each known part from 0 to 1, before its weight."""


def standing_of(record: Record, as_of: datetime) -> Standing:
    """The account as of that instant."""
    risks = {cause: points for cause, points in _risks(record, as_of).items() if points}
    points = sum(risks.values())
    parts, score = _engagement(record, as_of)
    known = record.renewal_on or record.last_activity_at or record.opportunities or record.cases
    verdict = "at risk" if points >= AT_RISK else "watch" if points >= WATCH else "healthy"
    return Standing(verdict if known else None, points, risks, score, parts)


def _risks(record: Record, as_of: datetime) -> dict[str, int]:
    today = as_of.date()
    deals = record.opportunities
    renewals = [deal.close_on for deal in deals if deal.is_open and deal.is_renewal and deal.close_on]
    due = [record.renewal_on] if record.renewal_on else renewals
    soon = record.renewal_on is not None and today <= record.renewal_on <= today + RENEWAL_SOON
    undealt = bool(deals) and not any(deal.is_open for deal in deals)
    open_cases = [case for case in record.cases if case.is_open]
    lost = [
        deal
        for deal in deals
        if not deal.is_open and not deal.is_won and deal.close_on and today - LATELY <= deal.close_on <= today
    ]
    return {
        "overdue_renewal": OVERDUE_RENEWAL if any(day < today for day in due) else 0,
        "renewal_without_deal": RENEWAL_WITHOUT_DEAL if soon and undealt else 0,
        "urgent_cases": min(URGENT_CASE * sum(case.is_urgent for case in open_cases), URGENT_CASES_MOST),
        "open_cases": min(OPEN_CASE * len(open_cases), OPEN_CASES_MOST),
        "no_activity": _quietness(record.last_activity_at, as_of),
        "lost_deals": min(LOST_DEAL * len(lost), LOST_DEALS_MOST),
    }


def _quietness(last: datetime | None, as_of: datetime) -> int:
    if last is None or as_of - last < QUIET_AFTER:
        return 0
    return QUIET if as_of - last < SILENT_AFTER else SILENT


def _engagement(record: Record, as_of: datetime) -> tuple[dict[str, float], float | None]:
    """The known parts, and their mean by weight."""
    today = as_of.date()
    weighted: dict[str, tuple[float, float]] = {}
    if record.last_activity_at is not None:
        age = as_of - record.last_activity_at
        weighted["activity"] = (ACTIVITY_WEIGHT, min(max((STALE - age) / (STALE - FRESH), 0.0), 1.0))
    if record.opportunities:
        open_deals = sum(deal.is_open for deal in record.opportunities)
        wins = sum(
            deal.is_won and deal.close_on is not None and today - A_YEAR <= deal.close_on <= today
            for deal in record.opportunities
        )
        weighted["open_deals"] = (DEALS_WEIGHT, min(open_deals / DEALS_ENOUGH, 1.0))
        weighted["recent_wins"] = (WINS_WEIGHT, min(wins / WINS_ENOUGH, 1.0))
    if not weighted:
        return {}, None
    total = sum(weight for weight, _ in weighted.values())
    score = sum(weight * value for weight, value in weighted.values()) / total
    return {name: round(value, 2) for name, (_, value) in weighted.items()}, round(score, 2)
