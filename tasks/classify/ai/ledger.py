"""Where an asking keeps its answers and its money: a tenant's in the database, shared by all processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from models.ai import cached_answers, keep_answers, record_spend
from models.engine import reading, writing
from models.jobs import heartbeat
from models.limits import Reserved, reserve, settle
from models.scope import Scope
from tasks.classify.ai.model import LONGEST_CALL, Model, Usage

Held = Sequence[tuple[Reserved, bool]]
"""Reservations, and whether each is of money; the others are of requests: one, though a call may take more."""


class Ledger(Protocol):
    """Remembers answers and keeps budgets."""

    def known(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Answers from before, by cache key."""
        ...

    def keep(self, model: Model, answers: Mapping[str, Mapping[str, Any]]) -> None:
        """Kept at once: what was paid for survives whatever happens to the run."""
        ...

    def reserve(self, usd: float) -> Held:
        """Set a call and this money aside in every budget, or in none: BudgetExhausted."""
        ...

    def settle(self, held: Held, usd: float, requests: int) -> None:
        """The call is over, after so many requests, and cost this."""
        ...

    def book(self, model: Model, purpose: str, usage: Usage, usd: float) -> None:
        """Write the paid call down."""
        ...


@dataclass(frozen=True, slots=True)
class Budgets:
    """Limits by budget name, in US dollars and in calls; the period is part of the name."""

    money: Mapping[str, float]
    calls: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TenantLedger:
    """A tenant's. Every step is a transaction of its own: none is open while a model is asked."""

    scope: Scope
    budgets: Budgets
    job_run_id: UUID | None = None

    def known(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        with reading(self.scope) as session:
            return cached_answers(self.scope, session, keys)

    def keep(self, model: Model, answers: Mapping[str, Mapping[str, Any]]) -> None:
        with writing(self.scope) as session:
            keep_answers(self.scope, session, model.name, answers)

    def reserve(self, usd: float) -> Held:
        with writing(Scope.operator()) as session:
            wanted = [(name, usd, limit, True) for name, limit in self.budgets.money.items()]
            wanted += [(name, 1, limit, False) for name, limit in self.budgets.calls.items()]
            return [
                (reserve(session, name, amount, limit=limit, seconds=LONGEST_CALL), is_money)
                for name, amount, limit, is_money in wanted
            ]

    def settle(self, held: Held, usd: float, requests: int) -> None:
        with writing(Scope.operator()) as session:
            for reservation, is_money in held:
                settle(session, reservation, usd if is_money else requests)
        if self.job_run_id is not None:
            # Many calls, good and bad, may lie between two commits of a batch; the run is alive all the same.
            with writing(self.scope) as session:
                heartbeat(self.scope, session, self.job_run_id)

    def book(self, model: Model, purpose: str, usage: Usage, usd: float) -> None:
        with writing(self.scope) as session:
            record_spend(
                self.scope,
                session,
                provider=model.provider,
                model=model.name,
                purpose=purpose,
                job_run_id=self.job_run_id,
                input_tokens=usage.sent_tokens,
                cached_tokens=usage.cached_tokens,
                output_tokens=usage.output_tokens,
                cost_usd=usd,
            )
