"""Every fault of every language model, through the classifier: judged, or left to the rules with a reason."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Tenant
from fakes import Reply
from faults import FAULTS, Fault, Good, Where, World, played, world
from faulttable import FaultTable, everything
from sqlalchemy import Engine
from test_tasks_classify_ai import ACME, SECRET, STORY, anthropic_says, chat_says, judged, openai_says

from models.base import new_id
from models.events import Category
from models.settings import get_settings
from tasks.classify.ai.anthropic import AnthropicModel
from tasks.classify.ai.model import Model
from tasks.classify.ai.openai import CompatibleModel, OpenAIModel
from tasks.classify.ai.providers import (
    AnthropicProvider,
    CompatibleProvider,
    ModelClassifier,
    OpenAIProvider,
)
from tasks.classify.classifier import Case, ClassifierContext, Judgement, Outcome

PLAYED = [fault for fault in FAULTS if fault.where is not Where.NOWHERE]
"""The SDKs look names up themselves, and a test asks no name server."""
TITLES = {"openai": "OpenAI", "anthropic": "Anthropic", "openai_compatible": "OpenAI-compatible"}
TABLE = FaultTable("models", [fault.name for fault in PLAYED], TITLES)
CASE = Case(
    key=new_id(),
    profile=ACME,
    text=STORY,
    by_rules=Judgement(category=Category.ACQUISITION, confidence=0.8, relevance=0.7),
)
Options = dict[str, Any]


class Openai(OpenAIProvider):
    path = "/v1/responses"
    says = staticmethod(openai_says)
    spent = ({"error": {"message": "x", "code": "insufficient_quota", "type": "insufficient_quota"}}, 429)

    @staticmethod
    def made(base: str, options: Options) -> Model:
        return OpenAIModel(SECRET, "gpt-6-luna", base_url=f"{base}/v1", **options)


class Claude(AnthropicProvider):
    path = "/v1/messages"
    says = staticmethod(anthropic_says)
    spent = ({"type": "error", "error": {"type": "billing_error", "message": "x"}}, 402)

    @staticmethod
    def made(base: str, options: Options) -> Model:
        return AnthropicModel(SECRET, "claude-haiku-5-5", base_url=base, **options)


class Compatible(CompatibleProvider):
    path = "/v1/chat/completions"
    says = staticmethod(chat_says)
    spent = None

    @staticmethod
    def made(base: str, options: Options) -> Model:
        return CompatibleModel(SECRET, "some-model", base_url=f"{base}/v1", **options)


PROVIDERS: tuple[Any, ...] = (Openai, Claude, Compatible)


def _answering(provider: Any, base: str, options: Options) -> type[ModelClassifier]:
    """The provider, with a model that asks our server and sleeps for nobody."""

    class Answering(provider):  # type: ignore[misc]
        def _model(self, context: ClassifierContext) -> Model:
            return provider.made(base, options)  # type: ignore[no-any-return]

    return Answering


def _json(body: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(body).encode(), status, "application/json")


def _good(provider: Any) -> Good:
    says: Callable[[str], Any] = provider.says
    full, empty = (json.dumps({"stories": stories}) for stories in ([judged()], []))
    spent = _json(*provider.spent) if provider.spent else None
    return Good(_json(says(full)), _json(says(empty)), spent)


@pytest.mark.parametrize("fault", played(PLAYED, short=True))
def test_what_is_not_judged_is_left_to_the_rules(
    fault: Fault,
    tenant: Tenant,
    db: Engine,
    pytestconfig: pytest.Config,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    outcomes: list[Outcome] = []
    cells = {}
    with world() as made:
        for name, value in made.environment(fault).items():
            monkeypatch.setenv(name, value)
        for provider in PROVIDERS:
            played_out = _play(tenant, provider, fault, made)
            if played_out is not None:
                outcome, cells[provider.name] = played_out
                outcomes.append(outcome)
        assert made.server.count("/inside") == 0
    for outcome in outcomes:
        assert outcome.judged.keys() | outcome.left.keys() == {CASE.key}
        assert bool(outcome.trouble) is bool(outcome.left) or fault.name == "200, no results"
        assert "\n" not in outcome.trouble
    for place in (caplog.text, repr(outcomes), everything(db)):
        assert SECRET not in place
    TABLE.settle(fault.name, cells, write=pytestconfig.getoption("--write-fault-table"))


def _play(tenant: Tenant, provider: Any, fault: Fault, made: World) -> tuple[Outcome, str] | None:
    """What one case comes to, and its cell of the table; None where the fault does not exist."""
    base = made.serve(fault, provider.name, provider.path, _good(provider))
    if base is None:
        return None
    slept: list[float] = []
    options: Options = {"sleep": slept.append, "timeout": 0.1 if fault.slow else 10.0}
    host = base.split("//")[1].split("/")[0].split(":")[0]
    base = base if fault.where is Where.OUTSIDE else base.replace(host, "127.0.0.1", 1)
    context = ClassifierContext(scope=tenant.scope, settings=get_settings())
    outcome = _answering(provider, base, options)(context).judge([CASE])
    attempts = made.server.count(f"/{provider.name}{provider.path}") or len(slept) + 1
    said = "judged" if outcome.judged else f"rules ({outcome.left[CASE.key].removeprefix('ai_')})"
    return outcome, said + (f" ×{attempts}" if attempts > 1 else "")


def test_every_fault_is_published() -> None:
    assert TABLE.is_complete
