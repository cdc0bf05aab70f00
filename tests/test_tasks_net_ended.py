"""What the end of a call says about a provider: one policy, whoever was asked."""

import pytest
from conftest import Tenant
from pydantic import BaseModel

from models.breakers import Ended, all_health
from models.providers import ProviderKind
from models.settings import get_settings
from tasks.classify.ai.guarded import GuardedModel
from tasks.classify.ai.model import (
    ModelError,
    Prompt,
    Reply,
    Usage,
    credit_used_up,
    fault_of,
    unreachable,
    unreadable,
)
from tasks.enrich.crm import CrmError, SignInRefused
from tasks.net.ended import ended
from tasks.net.faults import FetchError, QuotaReached, Refused, TooLarge, Unreachable, WrongType

PROMPT = Prompt("", "{}", 1, 10)


class Answer(BaseModel):
    pass


class Faulty:
    """A model that fails as it is told, or answers."""

    provider = "faulty"
    name = "faulty-1"

    def __init__(self) -> None:
        self.error: ModelError | KeyboardInterrupt | None = None

    def ask(self, prompt: Prompt, answer_type: type[Answer], correction: str = "") -> Reply[Answer]:
        if self.error is not None:
            raise self.error
        return Reply(Answer(), Usage())


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (None, Ended.ANSWERED),
        (Unreachable("x"), Ended.FAILED),
        (WrongType("x"), Ended.FAILED),
        (Refused("x", status=401), Ended.FAILED),
        (Refused("x", status=503), Ended.FAILED),
        (Refused("x", status=404), Ended.ANSWERED),
        (QuotaReached("x", status=429), Ended.UNDECIDED),
        (TooLarge("x"), Ended.UNDECIDED),
        (FetchError("needs a key"), Ended.UNDECIDED),
        (CrmError("needs a key"), Ended.UNDECIDED),
        (SignInRefused("no token"), Ended.FAILED),
        (ValueError("ours"), Ended.UNDECIDED),
    ],
)
def test_one_policy_for_all(error: Exception | None, says: Ended) -> None:
    assert ended(error) is says


def test_where_the_address_is_all_that_is_asked_for_a_404_is_a_failure() -> None:
    assert ended(Refused("x", status=404), of_all=True) is Ended.FAILED


@pytest.mark.parametrize(
    ("error", "opens"),
    [
        (fault_of("faulty", 401, None), True),
        (fault_of("faulty", 404, None), True),
        (fault_of("faulty", 500, None), True),
        (fault_of("faulty", 503, 600), True),
        (unreachable("faulty", sent=True), True),
        (unreadable("faulty", ValueError()), True),
        (fault_of("faulty", 400, None), False),
        (fault_of("faulty", 402, None), False),
        (fault_of("faulty", 429, None), False),
        (fault_of("faulty", 429, 600), False),
        (credit_used_up("faulty"), False),
    ],
)
def test_a_models_quota_is_no_outage(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, error: ModelError, opens: bool
) -> None:
    monkeypatch.setenv("CM_BREAKER_FAILURES", "1")
    get_settings.cache_clear()
    model = Faulty()
    model.error = error
    guarded = GuardedModel(tenant.scope, model)
    with pytest.raises(ModelError):
        guarded.ask(PROMPT, Answer)
    health = all_health(tenant.scope).get((ProviderKind.CLASSIFIER, "faulty"))
    assert (health is not None and health.open_until is not None) is opens
