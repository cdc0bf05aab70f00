"""What concerns the tenant as a whole: what AI costs, and how the sources do."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session

from models.clock import Clock
from models.figures import SourceFigures, source_figures, spend_figures
from models.news import SourceState
from models.providers import ProviderKind
from models.scope import Scope
from services.insights.shapes import AiUse, Budget, SourceDay, SourceHealth, SourceNow, SpendDay
from services.providers.listing import ProviderLine, list_providers
from services.spend import spend

SOURCE_DAYS = 28
"""How far back the health of sources goes, at most: what is older says nothing of now."""
_TROUBLE = (SourceState.FAILED, SourceState.QUOTA, SourceState.PARTIAL)


def ai_use(scope: Scope, session: Session, since: datetime, clock: Clock) -> AiUse:
    """What the paid calls since then came to, by day, and what is allowed."""
    today = clock.now().astimezone(UTC).date()
    now = spend(scope, days=1, clock=clock)
    by_day = {row.day: row for row in spend_figures(scope, session, since)}
    return AiUse(
        classifier=now.classifier,
        days=tuple(
            SpendDay(
                day=day,
                calls=by_day[day].calls if day in by_day else 0,
                usd=by_day[day].usd if day in by_day else 0.0,
            )
            for day in _days(min(by_day), today)
        )
        if by_day
        else (),
        budgets=tuple(
            Budget(unit=one.unit, period=one.period, limit=one.limit, taken=one.taken)
            for one in now.allowances
        ),
    )


def source_health(scope: Scope, session: Session, since: datetime, now: datetime) -> SourceHealth:
    """How the fetches of the last days ended, and each source that is switched on."""
    first = max(since, _midnight(now) - timedelta(days=SOURCE_DAYS - 1))
    rows = source_figures(scope, session, first)
    by_day: dict[date, Counter[SourceState]] = defaultdict(Counter)
    for row in rows:
        by_day[row.day][row.state] += row.results
    listing = list_providers(scope, kind=ProviderKind.SOURCE, now=now)
    return SourceHealth(
        days=tuple(
            SourceDay(day=day, results=by_day[day]) for day in _days(first.date(), now.astimezone(UTC).date())
        ),
        sources=tuple(_now(line, rows) for line in listing.providers if line.enabled),
    )


def _now(line: ProviderLine, rows: list[SourceFigures]) -> SourceNow:
    own = [row for row in rows if row.source == line.name]
    return SourceNow(
        name=line.name,
        title=line.title,
        state=line.state,
        last_error=line.last_error,
        last_ok_at=line.last_ok_at,
        asked_again_at=line.asked_again_at,
        failed=sum(row.results for row in own if row.state in _TROUBLE),
        fetched=sum(row.results for row in own),
    )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
