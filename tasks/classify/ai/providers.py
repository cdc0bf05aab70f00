"""The language models a tenant may switch on, as classifiers.

Each imports its SDK when a model is made: they take seconds to load, and a list of providers needs none of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from models.base import utc_now
from tasks.classify.ai.asking import Asking, Left
from tasks.classify.ai.asking import Case as Asked
from tasks.classify.ai.budgets import FIELDS, budgets_of, pays_itself
from tasks.classify.ai.guarded import GuardedModel
from tasks.classify.ai.insights import insight_of, insights
from tasks.classify.ai.judge import Judging, judge, judgement_of
from tasks.classify.ai.ledger import Ledger, TenantLedger
from tasks.classify.ai.model import Model, Usage
from tasks.classify.ai.place import place_of, read_address
from tasks.classify.ai.prices import FREE, UNKNOWN, Price, price_of
from tasks.classify.classifier import (
    About,
    Advised,
    Case,
    ClassifierContext,
    ClassifierError,
    Field,
    InsightCase,
    KeyUse,
    Outcome,
)
from tasks.classify.facts import MAY_BE_SENT, read_fields
from tasks.keys import KEY

VERSION_MAX = 60
_SENDS = (
    "the client's public profile (names, domain, ticker, industry, keywords), and headlines and teasers found on the "
    "web; CRM fields only where you list them; never people, preferences or clients marked confidential"
)


def _fields(*, key: bool = True, base_url: str) -> tuple[Field, ...]:
    return (
        Field(KEY, "API key", secret=True, required=key),
        Field("model", "model", help="its name as the provider writes it"),
        Field("base_url", "address", help=base_url, read=read_address),
        *FIELDS,
        Field(
            "crm_fields",
            "CRM fields in prompts",
            help=f"of {', '.join(MAY_BE_SENT)}; none are sent unless listed",
            read=read_fields,
        ),
    )


class ModelClassifier(ABC):
    """A language model as a classifier: what it answered is kept, what it may cost is limited."""

    name: ClassVar[str]
    about: ClassVar[About]

    def __init__(self, context: ClassifierContext, ledger: Ledger | None = None) -> None:
        """``ledger``: another than the tenant's; without a tenant there is no breaker, either."""
        model = self._model(context)
        self.version = f"{model.name}/{Judging.version}"[:VERSION_MAX]
        is_guarded = ledger is None and not context.is_trial
        asked = GuardedModel(context.scope, model) if is_guarded else model
        self.asking = Asking(asked, self._price(context, model.name), ledger or _ledger(self.name, context))

    @abstractmethod
    def _model(self, context: ClassifierContext) -> Model:
        """The model as it is set up; ClassifierError when something is missing."""

    def _price(self, context: ClassifierContext, model: str) -> Price:
        return price_of(model, context.settings.ai_prices)

    def judge(self, cases: Sequence[Case]) -> Outcome:
        asked = [Asked(case.key, case.profile, case.text, case.promise, case.facts) for case in cases]
        found = judge(self.asking, asked)
        texts = {case.key: case.text for case in cases}
        return Outcome(
            judged={key: judgement_of(answer, texts[key]) for key, answer in found.answers.items()},
            left={key: why.value for key, why in found.left.items()},
            cached=found.cached,
            calls=found.calls,
            trouble=_trouble(found.trouble, set(found.left.values()), self.name),
            bill=_bill(found.calls, found.usage, found.cost_usd) if found.calls else "",
        )

    def advise(self, cases: Sequence[InsightCase]) -> Advised:
        """What events mean; whatever it leaves, the rules' insight stands for."""
        found = insights(self.asking, cases)
        certain = {case.key: case.certainty for case in cases}
        said = {key: insight_of(answer, certain[key]) for key, answer in found.answers.items()}
        trouble = _trouble(found.trouble, set(found.left.values()), self.name)
        return Advised(said, trouble if found.left else "")


def _ledger(provider: str, context: ClassifierContext) -> Ledger:
    budgets = budgets_of(
        context.settings,
        context.scope.business,
        context.options,
        utc_now(),
        pays_itself=pays_itself(provider, context.options, has_own_key=context.has_own_key),
        job_run_id=context.job_run_id,
    )
    return TenantLedger(context.scope, budgets, context.job_run_id)


def _trouble(said: str, left: set[Left], name: str) -> str:
    """In words that are the same for every batch: a summary lists each once."""
    if Left.BUDGET in left:
        return "its budget is used up (client-monitor spend shows it)"
    return said.removeprefix(f"{name}: ")


def _bill(calls: int, usage: Usage, cost_usd: float) -> str:
    tokens = f"{usage.sent_tokens + usage.cached_tokens:,} tokens in, {usage.output_tokens:,} out"
    return f"{calls} call{'s' if calls != 1 else ''}, {tokens}, {cost_usd:.4f} USD"


class OpenAIProvider(ModelClassifier):
    name: ClassVar[str] = "openai"
    about: ClassVar[About] = About(
        title="OpenAI",
        recipient="OpenAI (api.openai.com)",
        sends=_SENDS,
        terms="https://openai.com/policies/ (asked with store=false: it keeps no answers for us)",
        key=KeyUse.REQUIRED,
        key_setting="openai_api_key",
        fields=_fields(base_url="a gateway or region, ending in /v1, for a key of your own"),
        usd_per_call=0.001,
        calls_per_client=1,
    )

    def _model(self, context: ClassifierContext) -> Model:
        from tasks.classify.ai.openai import OpenAIModel  # noqa: PLC0415

        settings, key = context.settings, _key(context)
        place = place_of(context, settings.openai_base_url)
        return OpenAIModel(
            key,
            context.options.get("model") or settings.openai_model,
            base_url=place.url or None,
            addresses=place.addresses,
        )


class AnthropicProvider(ModelClassifier):
    name: ClassVar[str] = "anthropic"
    about: ClassVar[About] = About(
        title="Anthropic",
        recipient="Anthropic (api.anthropic.com)",
        sends=_SENDS,
        terms="https://www.anthropic.com/legal/commercial-terms",
        key=KeyUse.REQUIRED,
        key_setting="anthropic_api_key",
        fields=_fields(base_url="a gateway, without /v1, for a key of your own"),
        usd_per_call=0.001,
        calls_per_client=1,
    )

    def _model(self, context: ClassifierContext) -> Model:
        from tasks.classify.ai.anthropic import AnthropicModel  # noqa: PLC0415

        settings, key = context.settings, _key(context)
        place = place_of(context, settings.anthropic_base_url)
        return AnthropicModel(
            key,
            context.options.get("model") or settings.anthropic_model,
            base_url=place.url or None,
            addresses=place.addresses,
        )


class CompatibleProvider(ModelClassifier):
    name: ClassVar[str] = "openai_compatible"
    about: ClassVar[About] = About(
        title="OpenAI-compatible server (Ollama, vLLM …)",
        recipient="the server at the address you give",
        sends=_SENDS,
        terms="yours, if the server is",
        key=KeyUse.OPTIONAL,
        key_setting="compatible_api_key",
        fields=_fields(key=False, base_url="ends in /v1; inside your network it is the deployment's to set"),
        calls_per_client=1,
    )

    def _model(self, context: ClassifierContext) -> Model:
        from tasks.classify.ai.openai import CompatibleModel  # noqa: PLC0415

        settings, place = context.settings, place_of(context, context.settings.compatible_base_url)
        model = context.options.get("model") or settings.compatible_model
        if not place.url:
            raise ClassifierError("it has no address: fill in base_url, or set CM_COMPATIBLE_BASE_URL")
        if not model:
            raise ClassifierError("it has no model: fill in model, or set CM_COMPATIBLE_MODEL")
        key = context.secrets.get(KEY)
        if place.is_own and not context.has_own_key:
            key = None  # the deployment's key is for the deployment's server
        return CompatibleModel(
            key.get_secret_value() if key else None, model, base_url=place.url, addresses=place.addresses
        )

    def _price(self, context: ClassifierContext, model: str) -> Price:
        # The deployment knows that its own server costs nothing; where a tenant's leads, nobody does.
        otherwise = UNKNOWN if context.options.get("base_url") else FREE
        return price_of(model, context.settings.ai_prices, otherwise=otherwise)


def _key(context: ClassifierContext) -> str:
    """The key to ask with. An address of the tenant's own never gets the deployment's: it could show it around."""
    key = context.secrets.get(KEY)
    if key is None:
        raise ClassifierError("it has no key: store one with client-monitor providers enable")
    if context.options.get("base_url") and not context.has_own_key:
        raise ClassifierError("an address of your own needs a key of your own")
    return key.get_secret_value()
