"""Measuring a language model by the prompt, the checks and the repairs of a run, without a tenant.

Nothing is kept: no cache, no bill in the database. The deployment's keys pay, up to a limit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from models.base import new_id
from models.limits import BudgetExhausted, Reserved
from models.scope import Scope
from models.settings import get_settings
from services.errors import UserError
from tasks import registry
from tasks.classify.ai.ledger import Held
from tasks.classify.ai.model import Model, Usage
from tasks.classify.ai.providers import ModelClassifier
from tasks.classify.classifier import Case, ClassifierContext, ClassifierError, Judgement
from tasks.keys import KEY, secrets_of


class Purse:
    """A ledger that remembers no answer and stops at so many US dollars."""

    def __init__(self, usd: float) -> None:
        self._limit = usd
        self._held: dict[Reserved, float] = {}
        self.calls = 0
        self.usage = Usage()
        self.spent = 0.0

    def known(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        return {}

    def keep(self, model: Model, answers: Mapping[str, Mapping[str, Any]]) -> None:
        pass

    def reserve(self, usd: float) -> Held:
        if self.spent + sum(self._held.values()) + usd > self._limit:
            raise BudgetExhausted(
                f"the next call may cost {usd:.4f} USD; --budget {self._limit:g} forbids it"
            )
        held = Reserved(new_id(), "--budget")
        self._held[held] = usd
        return [(held, True)]

    def settle(self, held: Held, usd: float, requests: int) -> None:
        for reservation, _ in held:
            del self._held[reservation]
        self.spent += usd

    def book(self, model: Model, purpose: str, usage: Usage, usd: float) -> None:
        self.calls += 1
        self.usage += usage


class MeasuredAi:
    """A classifier with a purse."""

    def __init__(self, classifier: ModelClassifier, purse: Purse) -> None:
        self._classifier = classifier
        self._purse = purse
        self._left: Counter[str] = Counter()
        self.trouble = ""
        """The first thing that went wrong, in a line for a person."""

    def judge(self, cases: Sequence[Case]) -> dict[UUID, Judgement]:
        """What it says of the cases, by key; those it leaves stay with the rules, as in a run."""
        outcome = self._classifier.judge(cases)
        self._left.update(outcome.left.values())
        self.trouble = self.trouble or outcome.trouble
        return outcome.judged

    @property
    def figures(self) -> dict[str, Any]:
        """What was asked, and what it cost."""
        usage = self._purse.usage
        return {
            "classifier": self._classifier.name,
            "version": self._classifier.version,
            "calls": self._purse.calls,
            "input_tokens": usage.sent_tokens,
            "cached_tokens": usage.cached_tokens,
            "output_tokens": usage.output_tokens,
            "cost_usd": round(self._purse.spent, 6),
            "left_to_rules": dict(sorted(self._left.items())),
        }


def measured(name: str, budget_usd: float) -> MeasuredAi:
    """The language model of that name, with the deployment's key and settings. UserError, UnknownProvider."""
    provider = registry.load(registry.CLASSIFIERS, name)
    if not (isinstance(provider, type) and issubclass(provider, ModelClassifier)):
        raise UserError(f"{name} cannot be measured", "the rules and the language models of this program can")
    settings = get_settings()
    secrets = secrets_of(settings, provider.about, None)
    purse = Purse(budget_usd)
    context = ClassifierContext(scope=Scope.operator(), settings=settings, secrets=secrets)
    try:
        return MeasuredAi(provider(context, purse), purse)
    except ClassifierError as error:
        setting = provider.about.key_setting.upper()
        mend = f"set CM_{setting}" if setting and KEY not in secrets else "see .env.example"
        raise UserError(f"{name}: {error}", mend) from None
