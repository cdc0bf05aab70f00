"""Asking a model about cases, within budgets and nothing twice: what judging and insights share.

What is known from before costs nothing. The rest goes out in calls of one client each, the most promising first.
Whatever the model does not answer, or may not be asked for, is left to the rules, with the reason why.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from models.limits import BudgetExhausted
from tasks.classify.ai.answers import N, Sheet, check
from tasks.classify.ai.ledger import Held, Ledger
from tasks.classify.ai.model import Ending, Model, ModelError, Prompt, Reply, Usage
from tasks.classify.ai.prices import Price
from tasks.classify.ai.prompt import STORIES_MAX, calls
from tasks.classify.classifier import Text
from tasks.companies.names import Profile

MOST_FAILURES = 2
"""Calls in a row that may fail before the model counts as out, and the rules go on alone."""


class Left(StrEnum):
    """Why the rules answer for a case after all."""

    BUDGET = "ai_budget"
    OUTAGE = "ai_outage"
    UNREADABLE = "ai_unreadable"
    REFUSED = "ai_refused"


@dataclass(frozen=True, slots=True)
class Case:
    """One story for one client. ``promise``: its relevance by the rules; the best go first when money is short."""

    key: UUID
    profile: Profile
    text: Text
    promise: float = 0.0
    facts: Mapping[str, str] = field(default_factory=dict)
    """CRM fields of the client that the tenant allows into prompts: the same in all cases of a client."""


class Asked(Protocol):
    """What a case of any question has; see Case."""

    @property
    def key(self) -> UUID: ...

    @property
    def profile(self) -> Profile: ...

    @property
    def text(self) -> Text: ...

    @property
    def promise(self) -> float: ...


C = TypeVar("C", bound=Asked)


class Question(ABC, Generic[C, N]):
    """What is asked about cases, and what is believed of the answers."""

    purpose: ClassVar[str]
    """For the bill: classify | insight."""
    version: ClassVar[str]
    """Of the instructions and the answer's form: a new one asks anew."""
    form: type[Sheet[N]]
    part: type[N]
    """What the form holds one of for each case, and what is kept."""
    size: int = STORIES_MAX
    """Cases a call, at most."""

    @abstractmethod
    def said_of(self, case: C) -> dict[str, Any]:
        """Everything the prompt says of this case and its client: with the version and the model, the cache's key."""

    @abstractmethod
    def prompt(self, cases: Sequence[C]) -> Prompt:
        """The call about these cases of one client, numbered from 1 in this order."""

    @abstractmethod
    def fault(self, answer: N, case: C) -> str:
        """Why this answer cannot be used, in words for the model; nothing: empty."""

    @abstractmethod
    def tidy(self, answer: N) -> N:
        """The answer as it may be stored and shown."""


@dataclass(slots=True)
class Outcome(Generic[N]):
    """What came of the cases: each is in ``answers`` or in ``left``, never in both."""

    answers: dict[UUID, N] = field(default_factory=dict)
    left: dict[UUID, Left] = field(default_factory=dict)
    cached: int = 0
    """Cases answered from before, without a call."""
    calls: int = 0
    """That were answered."""
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    trouble: str = ""
    """The first thing that went wrong, for the run's summary."""


@dataclass(slots=True)
class Asking:
    """One run's asking of one model: what is out or spent for one question is so for the next one, too."""

    model: Model
    price: Price
    ledger: Ledger
    _failures: int = 0
    _stopped: Left | None = None

    def about(self, question: Question[C, N], cases: Sequence[C]) -> Outcome[N]:
        """Ask about every case not known from before. Nothing is raised for what the model does."""
        outcome: Outcome[N] = Outcome()
        by_key: dict[str, list[C]] = defaultdict(list)
        for case in cases:
            by_key[self._key(question, case)].append(case)
        for key, stored in self.ledger.known(list(by_key)).items():
            answer = question.part.model_validate(stored)
            same = by_key.pop(key)
            outcome.cached += len(same)
            outcome.answers |= {case.key: answer for case in same}
        for call in _calls(question, {key: same[0] for key, same in by_key.items()}):
            for key, found in self._ask(question, call, outcome).items():
                keys = [case.key for case in by_key[key]]
                if isinstance(found, Left):
                    outcome.left |= dict.fromkeys(keys, found)
                else:
                    outcome.answers |= dict.fromkeys(keys, found)
        return outcome

    def _key(self, question: Question[C, N], case: C) -> str:
        parts = [
            question.purpose,
            question.version,
            self.model.provider,
            self.model.name,
            question.said_of(case),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _ask(
        self, question: Question[C, N], call: Sequence[tuple[str, C]], outcome: Outcome[N]
    ) -> dict[str, N | Left]:
        """One call, and one more about those of its cases whose answers could not be used; one each when refused."""
        results: dict[str, N | Left] = {}
        rest = list(call)
        prompt = question.prompt([case for _, case in rest])
        correction = ""
        for _ in range(2):
            reply = self._call(question, prompt, correction, outcome)
            if isinstance(reply, Left):
                return results | {key: reply for key, _ in rest}
            asked = [case for _, case in rest]
            checked = check(
                reply.answer,
                len(asked),
                lambda index, answer, asked=asked: question.fault(answer, asked[index]),  # type: ignore[misc]
            )
            good = {rest[index][0]: question.tidy(answer) for index, answer in checked.good.items()}
            kept = {key: answer.model_dump(mode="json") for key, answer in good.items()}
            self.ledger.keep(self.model, kept)
            results |= good
            if checked.complete:
                return results
            told = reply.trouble or "; ".join(
                f"story {number}: {why}" for number, why in enumerate(checked.faults.values(), start=1)
            )
            outcome.trouble = outcome.trouble or f"{self.model.provider}: {told}"
            rest = [rest[index] for index in checked.faults]
            if reply.ending is Ending.REFUSED and len(rest) > 1:
                # One story it will not touch must not cost the others their answers.
                for one in rest:
                    results |= self._ask(question, [one], outcome)
                return results
            if reply.ending is Ending.REFUSED:
                return results | {key: Left.REFUSED for key, _ in rest}
            correction = (
                f"An earlier answer could not be used ({told}). Answer each of these stories again, exactly."
            )
            prompt = question.prompt([case for _, case in rest])
            if reply.ending is Ending.CUT_OFF:
                prompt = prompt.with_more_room()
        return results | {key: Left.UNREADABLE for key, _ in rest}

    def _call(
        self, question: Question[C, N], prompt: Prompt, correction: str, outcome: Outcome[N]
    ) -> Reply[Sheet[N]] | Left:
        """One paid call: reserved before, settled and booked after."""
        if self._stopped is not None:
            return self._stopped
        most = self.price.at_most(prompt, correction)
        try:
            held = self.ledger.reserve(most)
        except BudgetExhausted as spent:
            outcome.trouble = outcome.trouble or str(spent)
            self._stopped = Left.BUDGET
            return Left.BUDGET
        try:
            reply = self.model.ask(prompt, question.form, correction)
        except ModelError as error:
            if error.unbilled:
                self._pay(held, question, Usage(), error.unbilled * most, error.requests, outcome)
            else:
                self.ledger.settle(held, 0.0, error.requests)
            outcome.trouble = outcome.trouble or str(error)
            self._failures += 1
            if error.spent or self._failures >= MOST_FAILURES:
                self._stopped = Left.OUTAGE
            return Left.OUTAGE
        self._failures = 0
        outcome.calls += 1
        cost = self.price.of(reply.usage) + reply.unbilled * most
        self._pay(held, question, reply.usage, cost, reply.requests, outcome)
        return reply

    def _pay(
        self,
        held: Held,
        question: Question[C, N],
        usage: Usage,
        cost: float,
        requests: int,
        outcome: Outcome[N],
    ) -> None:
        """Settle and book a call. What may be billed, and nobody says how much, counts as the most it may cost."""
        self.ledger.settle(held, cost, requests)
        outcome.cost_usd += cost
        outcome.usage += usage
        self.ledger.book(self.model, question.purpose, usage, cost)


def _calls(question: Question[C, N], cases: Mapping[str, C]) -> list[list[tuple[str, C]]]:
    """The cases in calls of one client each, the most promising call first."""
    by_client: dict[str, list[tuple[str, C]]] = defaultdict(list)
    for key, case in cases.items():
        by_client[case.profile.key].append((key, case))
    made: list[list[tuple[str, C]]] = []
    for items in by_client.values():
        items.sort(key=lambda item: (-item[1].promise, item[0]))
        for indices in calls([case.text for _, case in items], question.size):
            made.append([items[index] for index in indices])
    return sorted(made, key=lambda call: (-max(case.promise for _, case in call), call[0][0]))
