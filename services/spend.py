"""What language models cost a tenant, and what its budgets still allow. Days are UTC days, as the budgets' are."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from models.ai import AiSpend, calls_since
from models.clock import Clock, SystemClock
from models.engine import reading
from models.limits import taken
from models.providers import ProviderConfig
from models.scope import Scope
from models.settings import get_settings
from models.vault import VaultClosed, unseal
from services.shortids import short
from tasks.classify.ai.budgets import budgets_of, pays_itself
from tasks.classify.connect import in_force
from tasks.keys import KEY


class By(StrEnum):
    """What the calls are summed by."""

    DAY = "day"
    MODEL = "model"
    RUN = "run"
    PURPOSE = "purpose"


@dataclass(slots=True)
class Sum:
    """Calls and what they came to. ``input_tokens`` does not count the cached ones."""

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def add(self, call: AiSpend) -> None:
        self.calls += 1
        self.input_tokens += call.input_tokens
        self.cached_tokens += call.cached_tokens
        self.output_tokens += call.output_tokens
        self.cost_usd += call.cost_usd


@dataclass(frozen=True, slots=True)
class Allowance:
    """One budget in force, in US dollars (``usd``) or calls; ``taken`` is spent, or held by calls under way."""

    unit: str
    period: str
    limit: float
    taken: float

    @property
    def left(self) -> float:
        return max(0.0, self.limit - self.taken)


@dataclass(frozen=True, slots=True)
class Spend:
    """A tenant's spending over ``days`` days, today included."""

    days: int
    by: By
    total: Sum
    lines: Mapping[str, Sum]
    """By day in order, days without a call between the first and today included; else the dearest first."""
    classifier: str = ""
    """The language model in force; empty: the rules alone."""
    allowances: list[Allowance] = field(default_factory=list)


def spend(scope: Scope, *, days: int = 14, by: By = By.DAY, clock: Clock | None = None) -> Spend:
    """What the tenant's calls of these days cost, and what its budgets of today and this month still allow."""
    now = (clock or SystemClock()).now().astimezone(UTC)
    first = now.date() - timedelta(days=days - 1)
    with reading(scope) as session:
        calls = calls_since(scope, session, datetime.combine(first, time(), UTC))
        config = in_force(scope, session)
        allowances = _allowances(scope, session, config, now) if config is not None else []
    total = Sum()
    lines: dict[str, Sum] = defaultdict(Sum)
    label = _LABELS[by]
    for call in calls:
        total.add(call)
        lines[label(call)].add(call)
    return Spend(
        days=days,
        by=by,
        total=total,
        lines=_every_day(lines, now.date()) if by is By.DAY else _dearest_first(lines),
        classifier=config.name if config is not None else "",
        allowances=allowances,
    )


def pays_for(config: ProviderConfig) -> bool:
    """Whether the tenant pays for what it asks this model, so that its budgets are its own to set."""
    try:
        has_own_key = KEY in unseal(get_settings(), config.secret)
    except VaultClosed:
        has_own_key = False  # it cannot be used, so it buys nothing
    return pays_itself(config.name, config.options, has_own_key=has_own_key)


def _of_run(run: UUID | None) -> str:
    return short(run) if run is not None else "outside of runs"


_LABELS: Mapping[By, Callable[[AiSpend], str]] = {
    By.DAY: lambda call: f"{call.created_at.astimezone(UTC):%Y-%m-%d}",
    By.MODEL: lambda call: f"{call.provider} {call.model}",
    By.RUN: lambda call: _of_run(call.job_run_id),
    By.PURPOSE: lambda call: call.purpose,
}


def _every_day(lines: Mapping[str, Sum], today: date) -> dict[str, Sum]:
    if not lines:
        return {}
    first = date.fromisoformat(min(lines))
    days = (first + timedelta(days=n) for n in range((today - first).days + 1))
    return {day.isoformat(): lines.get(day.isoformat(), Sum()) for day in days}


def _dearest_first(lines: Mapping[str, Sum]) -> dict[str, Sum]:
    return dict(sorted(lines.items(), key=lambda line: (-line[1].cost_usd, -line[1].calls, line[0])))


def _allowances(scope: Scope, session: Session, config: ProviderConfig, now: datetime) -> list[Allowance]:
    settings, pays = get_settings(), pays_for(config)
    budgets = budgets_of(settings, scope.business, config.options, now, pays_itself=pays, job_run_id=None)
    limits = [("usd", budgets.money), ("calls", budgets.calls)]
    return [
        # The name is ai-UNIT/BUSINESS/PERIOD/WHEN: see tasks.classify.ai.budgets.
        Allowance(unit, name.split("/")[2], limit, taken(session, name))
        for unit, named in limits
        for name, limit in named.items()
    ]
