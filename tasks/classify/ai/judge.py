"""Judging with a model: what is known from before, then calls in order of promise, within budgets.

Whatever the model does not answer, or may not be asked for, is left to the rules, with the reason why.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from models.ai import AiCache, AiSpend
from models.base import new_id, utc_now
from models.engine import insert_rows, reading, writing
from models.limits import BudgetExhausted, reserve, settle
from models.scope import Scope
from tasks.classify.ai import prompt as prompts
from tasks.classify.ai.answers import StoryAnswer, check
from tasks.classify.ai.model import Model, ModelError, Reply, Usage
from tasks.classify.ai.prices import Price
from tasks.classify.classifier import Text
from tasks.companies.names import Profile

MOST_FAILURES = 2
"""Calls in a row that may fail before the model counts as out, and the rules go on alone."""
_LOOKUP = 500


class Left(StrEnum):
    """Why the rules judge a case after all."""

    BUDGET = "ai_budget"
    OUTAGE = "ai_outage"
    UNREADABLE = "ai_unreadable"


@dataclass(frozen=True, slots=True)
class Case:
    """One story for one client. ``promise``: its relevance by the rules; the best go first when money is short."""

    key: UUID
    profile: Profile
    text: Text
    promise: float = 0.0


@dataclass(frozen=True, slots=True)
class Budgets:
    """Limits by budget name, in US dollars and in calls; the period is part of the name."""

    money: Mapping[str, float]
    calls: Mapping[str, float]


@dataclass(slots=True)
class Outcome:
    """What came of the cases."""

    answers: dict[UUID, StoryAnswer] = field(default_factory=dict)
    left: dict[UUID, Left] = field(default_factory=dict)
    cached: int = 0
    """Cases answered from before, without a call."""
    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    trouble: str = ""
    """The first thing that went wrong, for the run's summary."""


def cache_key(profile: Profile, text: Text, model: Model, facts: Mapping[str, str]) -> str:
    """Everything an answer depends on: content, matching profile, allowed CRM fields, prompt version, model."""
    known = profile.model_dump(mode="json", exclude={"key"})
    parts = [text.title, text.snippet or "", known, dict(facts), prompts.VERSION, model.provider, model.name]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(slots=True)
class Judge:
    """One run's asking. ``facts`` are the CRM fields that the tenant allows into prompts, by profile key."""

    scope: Scope
    model: Model
    price: Price
    budgets: Budgets
    job_run_id: UUID | None = None
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _failures: int = 0
    _stopped: Left | None = None

    def judge(self, cases: Sequence[Case]) -> Outcome:
        """Every case is in ``answers`` or in ``left``, never in both. Nothing is raised for what the model does."""
        outcome = Outcome()
        by_key: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            by_key[self._key(case)].append(case)
        known = self._cached(list(by_key))
        for key, same in by_key.items():
            if key in known:
                outcome.cached += len(same)
                outcome.answers |= {case.key: known[key] for case in same}
        missing = {key: same for key, same in by_key.items() if key not in known}
        for call in _calls({key: same[0] for key, same in missing.items()}):
            for key, found in self._ask(call, outcome).items():
                target = {case.key: found for case in missing[key]}
                if isinstance(found, Left):
                    outcome.left |= dict.fromkeys(target, found)
                else:
                    outcome.answers |= dict.fromkeys(target, found)
        return outcome

    def _key(self, case: Case) -> str:
        return cache_key(case.profile, case.text, self.model, self.facts.get(case.profile.key, {}))

    def _cached(self, keys: Sequence[str]) -> dict[str, StoryAnswer]:
        found: dict[str, StoryAnswer] = {}
        with reading(self.scope) as session:
            for start in range(0, len(keys), _LOOKUP):
                chunk = keys[start : start + _LOOKUP]
                for row in session.exec(select(AiCache).where(col(AiCache.key).in_(chunk))):
                    found[row.key] = StoryAnswer.model_validate(row.answer)
        return found

    def _ask(self, call: Sequence[tuple[str, Case]], outcome: Outcome) -> dict[str, StoryAnswer | Left]:
        """One call, and one more about those of its stories whose answers could not be used."""
        results: dict[str, StoryAnswer | Left] = {}
        rest = list(call)
        correction = ""
        for _ in range(2):
            texts = [case.text for _, case in rest]
            reply = self._call(rest, texts, correction, outcome)
            if isinstance(reply, Left):
                return results | {key: reply for key, _ in rest}
            checked = check(reply.answers, texts)
            good = {rest[index][0]: answer for index, answer in checked.good.items()}
            self._remember(good)
            results |= good
            if checked.complete:
                return results
            told = "; ".join(f"story {n}: {why}" for n, why in enumerate(checked.faults.values(), start=1))
            correction = (
                f"An earlier answer could not be used ({told}). Answer each of these stories again, exactly."
            )
            outcome.trouble = outcome.trouble or f"{self.model.provider}: {reply.trouble or told}"
            rest = [rest[index] for index in checked.faults]
        return results | {key: Left.UNREADABLE for key, _ in rest}

    def _call(
        self, rest: Sequence[tuple[str, Case]], texts: Sequence[Text], correction: str, outcome: Outcome
    ) -> Reply | Left:
        if self._stopped is not None:
            return self._stopped
        profile = rest[0][1].profile
        asked = prompts.build(profile, texts, self.facts.get(profile.key))
        try:
            held = self._reserve(self.price.at_most(asked))
        except BudgetExhausted as spent:
            outcome.trouble = outcome.trouble or str(spent)
            self._stopped = Left.BUDGET
            return Left.BUDGET
        try:
            reply = self.model.ask(asked, correction)
        except ModelError as error:
            self._settle(held, 0.0)
            outcome.trouble = outcome.trouble or str(error)
            self._failures += 1
            if error.spent or self._failures >= MOST_FAILURES:
                self._stopped = Left.OUTAGE
            return Left.OUTAGE
        self._failures = 0
        cost = self.price.of(reply.usage)
        self._settle(held, cost)
        self._book(reply.usage, cost, outcome)
        return reply

    def _reserve(self, amount: float) -> list[tuple[UUID, bool]]:
        """Set money and calls aside in every budget, or in none."""
        with writing(Scope.operator()) as session:
            held = [
                (reserve(session, name, amount, limit=limit), True)
                for name, limit in self.budgets.money.items()
            ]
            held += [
                (reserve(session, name, 1, limit=limit), False) for name, limit in self.budgets.calls.items()
            ]
        return held

    def _settle(self, held: Sequence[tuple[UUID, bool]], cost: float) -> None:
        with writing(Scope.operator()) as session:
            for reservation, is_money in held:
                settle(session, reservation, cost if is_money else 1)

    def _book(self, usage: Usage, cost: float, outcome: Outcome) -> None:
        outcome.calls += 1
        outcome.cost_usd += cost
        total = outcome.usage
        outcome.usage = Usage(
            total.input_tokens + usage.input_tokens,
            total.cached_tokens + usage.cached_tokens,
            total.output_tokens + usage.output_tokens,
        )
        row = {
            "provider": self.model.provider,
            "model": self.model.name,
            "job_run_id": self.job_run_id,
            "input_tokens": usage.input_tokens,
            "cached_tokens": usage.cached_tokens,
            "output_tokens": usage.output_tokens,
            "cost_usd": cost,
            "created_at": utc_now(),
        }
        with writing(self.scope) as session:
            insert_rows(session, AiSpend, [row])

    def _remember(self, good: Mapping[str, StoryAnswer]) -> None:
        """Kept at once: what was paid for survives whatever happens to the run."""
        now: datetime = utc_now()
        rows = [
            {
                "id": new_id(),
                "key": key,
                "model": self.model.name,
                "answer": answer.model_dump(mode="json"),
                "created_at": now,
            }
            for key, answer in good.items()
        ]
        if rows:
            with writing(self.scope) as session:
                insert_rows(session, AiCache, rows, ignore_conflicts=True)


def _calls(cases: Mapping[str, Case]) -> list[list[tuple[str, Case]]]:
    """The cases in calls of one client each, the most promising call first."""
    by_client: dict[str, list[tuple[str, Case]]] = defaultdict(list)
    for key, case in cases.items():
        by_client[case.profile.key].append((key, case))
    made: list[list[tuple[str, Case]]] = []
    for items in by_client.values():
        items.sort(key=lambda item: (-item[1].promise, item[0]))
        for indices in prompts.calls([case.text for _, case in items]):
            made.append([items[index] for index in indices])
    return sorted(made, key=lambda call: (-max(case.promise for _, case in call), call[0][0]))
