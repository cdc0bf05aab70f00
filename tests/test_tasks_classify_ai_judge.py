"""Judging with a model: nothing asked twice, nothing lost, budgets kept, and no story moves another."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from conftest import Tenant
from desk import change, rows
from hostile import HOSTILE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from newsroom import add_run

from models.ai import AiCache, AiSpend
from models.base import utc_now
from models.engine import reading
from models.jobs import JobRun
from models.limits import spent
from models.scope import Scope
from tasks.classify.ai import judge as judging
from tasks.classify.ai import prompt as prompts
from tasks.classify.ai.answers import Answers, StoryAnswer
from tasks.classify.ai.asking import Asking, Case, Left, Outcome
from tasks.classify.ai.ledger import Budgets, TenantLedger
from tasks.classify.ai.model import Ending, ModelError, Prompt, Reply, Usage
from tasks.classify.ai.prices import Price, price_of
from tasks.classify.classifier import Text
from tasks.companies.names import Profile

ACME = Profile(key="acme", name="Acme")
BOLT = Profile(key="bolt", name="Bolt")
DEAR = Price(1_000.0, 100.0, 1_000.0)


def answer(number: int, title: str, **fields: Any) -> StoryAnswer:
    given_ = {
        "about": "main",
        "category": "acquisition",
        "relevance": 0.9,
        "sentiment": 0.0,
        "risk": "low",
        "confidence": 0.9,
        "evidence": title.split(maxsplit=1)[0],
        "reason": "It matters.",
    }
    return StoryAnswer(number=number, **{**given_, **fields})


class Scripted:
    """A model that answers as it is told; ``script`` gets the prompt's stories and the number of the call."""

    provider: ClassVar[str] = "scripted"
    name = "m1"

    def __init__(
        self, script: Callable[[list[dict[str, Any]], int], list[StoryAnswer] | None] | None = None
    ) -> None:
        self.script = script or honest
        self.prompts: list[Prompt] = []
        self.corrections: list[str] = []

    def ask(self, prompt: Prompt, answer_type: Any, correction: str = "") -> Reply[Any]:
        import json

        self.prompts.append(prompt)
        self.corrections.append(correction)
        said = self.script(json.loads(prompt.user)["stories"], len(self.prompts))
        return Reply(
            Answers(stories=said) if said is not None else None, Usage(100, 0, 50), "" if said else "no JSON"
        )


def honest(stories: list[dict[str, Any]], _call: int = 1) -> list[StoryAnswer]:
    return [answer(story["number"], story["title"]) for story in stories]


def cases(*titles: str, profile: Profile = ACME, promise: float = 0.5) -> list[Case]:
    return [Case(uuid4(), profile, Text(title, None), promise) for title in titles]


def judge(
    tenant: Tenant,
    model: Any,
    asked: Sequence[Case],
    *,
    money: float = 1_000.0,
    calls: float = 1_000,
    facts: dict[str, str] | None = None,
) -> Outcome[StoryAnswer]:
    # A name of its own for every test and size, as a period would give it.
    name = f"test/{tenant.business_id}/{money}/{calls}"
    budgets = Budgets({f"usd/{name}": money}, {f"calls/{name}": calls})
    asked = [replace(case, facts=facts or {}) for case in asked]
    return judging.judge(Asking(model, DEAR, TenantLedger(tenant.scope, budgets)), asked)


def test_stories_of_one_client_share_a_call_and_the_second_run_makes_none(tenant: Tenant) -> None:
    asked = cases(*(f"Acme tale {n}" for n in range(15))) + cases("Bolt story", profile=BOLT)
    model = Scripted()
    first = judge(tenant, model, asked)
    assert first.answers.keys() == {case.key for case in asked}
    assert (first.calls, first.cached, first.left) == (3, 0, {})
    assert first.usage == Usage(300, 0, 150)
    assert len(rows(tenant, AiSpend)) == 3
    assert len(rows(tenant, AiCache)) == 16
    again = judge(tenant, model, asked)
    assert (again.calls, again.cached) == (0, 16)
    assert again.answers == first.answers


def test_the_same_story_is_asked_once_and_another_profile_model_or_fact_asks_anew(tenant: Tenant) -> None:
    model = Scripted()
    twice = cases("Acme grows") + cases("Acme grows")
    assert judge(tenant, model, twice).calls == 1
    other = Profile(key="acme", name="Acme", keywords=("widgets",))
    assert judge(tenant, model, cases("Acme grows", profile=other)).calls == 1
    assert judge(tenant, model, cases("Acme grows"), facts={"tier": "Gold"}).calls == 1
    newer = Scripted()
    newer.name = "m2"
    assert judge(tenant, newer, cases("Acme grows")).calls == 1
    # Its key is ours, not part of what the model sees: the same client re-created needs no new answer.
    assert judge(tenant, model, cases("Acme grows", profile=Profile(key="x", name="Acme"))).calls == 0


def test_what_is_wrong_is_asked_again_once_and_then_left_to_the_rules(tenant: Tenant) -> None:
    def half(stories: list[dict[str, Any]], _call: int) -> list[StoryAnswer]:
        return [
            answer(s["number"], s["title"], relevance=7.0 if "odd" in s["title"] else 0.5) for s in stories
        ]

    asked = cases("Acme fine", "Acme odd")
    model = Scripted(half)
    outcome = judge(tenant, model, asked)
    assert set(outcome.answers) == {asked[0].key}
    assert outcome.left == {asked[1].key: Left.UNREADABLE}
    assert [prompt.count for prompt in model.prompts] == [2, 1]
    assert "relevance 7.0 is not between 0 and 1" in model.corrections[1]

    def better(stories: list[dict[str, Any]], call: int) -> list[StoryAnswer] | None:
        return None if call == 1 else honest(stories)

    assert judge(tenant, Scripted(better), cases("Acme new")).left == {}


def test_a_story_that_it_will_not_touch_costs_no_other_one_its_answer(tenant: Tenant) -> None:
    class Delicate(Scripted):
        def ask(self, prompt: Prompt, answer_type: Any, correction: str = "") -> Reply[Any]:
            if "unspeakable" not in prompt.user:
                return super().ask(prompt, answer_type, correction)
            self.prompts.append(prompt)
            return Reply(None, Usage(100, 0, 5), "it refused to answer", Ending.REFUSED)

    asked = cases("Acme grows", "Acme unspeakable", "Acme shrinks")
    model = Delicate()
    outcome = judge(tenant, model, asked)
    assert outcome.left == {asked[1].key: Left.REFUSED}
    assert outcome.answers.keys() == {asked[0].key, asked[2].key}
    assert sorted(prompt.count for prompt in model.prompts) == [1, 1, 1, 3]


def test_an_outage_leaves_everything_to_the_rules_after_two_calls(tenant: Tenant) -> None:
    class Down(Scripted):
        def ask(self, prompt: Prompt, answer_type: Any, correction: str = "") -> Reply[Any]:
            self.prompts.append(prompt)
            raise ModelError("scripted: cannot be reached")

    asked = [case for n in range(5) for case in cases("News", profile=Profile(key=str(n), name=f"C{n}"))]
    model = Down()
    outcome = judge(tenant, model, asked)
    assert len(model.prompts) == 2
    assert set(outcome.left) == {case.key for case in asked}
    assert set(outcome.left.values()) == {Left.OUTAGE}
    assert "cannot be reached" in outcome.trouble
    assert rows(tenant, AiSpend) == []


def test_what_may_be_billed_counts_as_the_most_it_may_cost_and_every_request_as_a_call(
    tenant: Tenant,
) -> None:
    class Dropping(Scripted):
        """Its first call breaks off three times, its second one once before the answer."""

        def ask(self, prompt: Prompt, answer_type: Any, correction: str = "") -> Reply[Any]:
            reply = super().ask(prompt, answer_type, correction)
            if len(self.prompts) == 1:
                error = ModelError("scripted: did not answer in time", unbilled=True)
                error.requests, error.unbilled = 3, 2
                raise error
            return replace(reply, requests=2, unbilled=1)

    asked = [case for n in range(2) for case in cases("News", profile=Profile(key=str(n), name=f"C{n}"))]
    model = Dropping()
    outcome = judge(tenant, model, asked, money=1e6)
    first, second = (DEAR.at_most(prompt) for prompt in model.prompts)
    cost = 2 * first + second + 0.15
    assert outcome.cost_usd == pytest.approx(cost)
    with reading(Scope.operator()) as session:
        name = f"test/{tenant.business_id}/1000000.0/1000"
        assert spent(session, f"usd/{name}") == pytest.approx(cost)
        assert spent(session, f"calls/{name}") == 5
    assert sum(row.cost_usd for row in rows(tenant, AiSpend)) == pytest.approx(cost)


def test_a_run_whose_calls_all_fail_is_alive(tenant: Tenant) -> None:
    def down(*_: Any) -> None:
        raise ModelError("scripted: cannot be reached")

    run = add_run(tenant)
    long_ago = utc_now() - timedelta(hours=1)
    change(tenant, JobRun, heartbeat_at=long_ago)
    ledger = TenantLedger(tenant.scope, Budgets({}, {}), run)
    judging.judge(Asking(Scripted(down), DEAR, ledger), cases("Acme grows"))
    [found] = rows(tenant, JobRun)
    assert found.heartbeat_at > long_ago + timedelta(minutes=30)


def test_when_money_is_short_the_most_promising_go_first(tenant: Tenant) -> None:
    asked = [
        case
        for n in range(6)
        for case in cases("News", profile=Profile(key=str(n), name=f"C{n}"), promise=n / 10)
    ]
    outcome = judge(tenant, Scripted(), asked, calls=2)
    assert set(outcome.answers) == {asked[5].key, asked[4].key}
    assert set(outcome.left.values()) == {Left.BUDGET}
    assert "budget" in outcome.trouble


def test_no_budget_is_passed_and_what_was_reserved_is_settled(tenant: Tenant) -> None:
    asked = [case for n in range(30) for case in cases("News", profile=Profile(key=str(n), name=f"C{n}"))]
    outcome = judge(tenant, Scripted(), asked, money=5.0)
    assert 0 < len(outcome.answers) < 30
    with reading(Scope.operator()) as session:
        used = spent(session, f"usd/test/{tenant.business_id}/5.0/1000")
    assert used == pytest.approx(outcome.cost_usd) == pytest.approx(outcome.calls * 0.15)
    assert used <= 5.0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=20),
    st.integers(0, 5),
    st.sampled_from(["good", "none", "wrong", "down"]),
)
def test_every_case_is_answered_or_left(
    tenant: Tenant, drawn: list[tuple[int, int]], calls: int, mood: str
) -> None:
    def script(stories: list[dict[str, Any]], call: int) -> list[StoryAnswer] | None:
        if mood == "down" and call % 2:
            raise ModelError("scripted: down")
        if mood == "none":
            return None
        said = honest(stories)
        return said[:-1] if mood == "wrong" else said

    salt = uuid4().hex
    asked = [
        Case(uuid4(), Profile(key=f"{salt}{c}", name=f"C{c}"), Text(f"{salt} story {s}", None), s / 10)
        for c, s in drawn
    ]
    name = f"law/{salt}"
    budgets = Budgets({name: 1e9}, {f"{name}/calls": calls})
    outcome = judging.judge(Asking(Scripted(script), DEAR, TenantLedger(tenant.scope, budgets)), asked)
    keys: set[UUID] = {case.key for case in asked}
    assert outcome.answers.keys() | outcome.left.keys() == keys
    assert not outcome.answers.keys() & outcome.left.keys()
    assert outcome.calls <= calls


# hostile news


def test_fifty_hostile_texts_are_known_and_news_is_not_taken_for_one() -> None:
    assert len(set(HOSTILE)) == 50
    for text in HOSTILE:
        assert prompts.gives_orders(Text(text, None)), text
        assert prompts.gives_orders(Text("Acme grows", text)), text
    for title in (
        "Acme to acquire Orrin for $65 million",
        "Acme names Ada Wong as chief executive, system upgrade planned",
        "Regulator orders Acme to recall widgets",
        "Acme launches AI assistant for developers",
        "Acme's new rules for suppliers ignore small firms",
        "Court overturns Acme's win in patent case",
        "Acme sets up fund; category leader grows 5%",
    ):
        assert not prompts.gives_orders(Text(title, None)), title


def gullible(stories: list[dict[str, Any]], _call: int) -> list[StoryAnswer]:
    """The worst model there is: one hostile text in the call, and every answer of it is spoilt."""
    fooled = any(mark in f"{s['title']} {s['text']}" for s in stories for mark in HOSTILE)
    return [
        answer(s["number"], s["title"], **({"category": "funding", "relevance": 1.0} if fooled else {}))
        for s in stories
    ]


def test_no_hostile_story_changes_another_ones_result(tenant: Tenant) -> None:
    good = cases(*(f"Acme tale {n}" for n in range(50)))
    alone = judge(tenant, Scripted(), good)
    bad = cases(*HOSTILE[:25]) + [
        Case(uuid4(), ACME, Text(f"Acme {n}", text)) for n, text in enumerate(HOSTILE[25:])
    ]
    mixed = [case for pair in zip(bad, good, strict=True) for case in pair]
    newer = Scripted(gullible)
    newer.name = "m2"  # nothing from the cache
    together = judge(tenant, newer, mixed)
    assert {key: together.answers[key] for key in alone.answers} == {
        key: said.model_copy(update={"number": together.answers[key].number})
        for key, said in alone.answers.items()
    }
    assert newer.prompts[0].system == prompts.INSTRUCTIONS
    assert all(prompt.system == prompts.INSTRUCTIONS for prompt in newer.prompts)


def test_prices_are_by_name_and_dear_when_unknown() -> None:
    assert price_of("gpt-6-luna-2026-10-01") == price_of("gpt-6-luna")
    assert price_of("never-heard-of") == price_of("nor-of-this")
    assert price_of("never-heard-of").output > price_of("gpt-6-luna").output
    assert Price(1, 0.1, 10).of(Usage(1_000_000, 1_000_000, 1_000_000)) == pytest.approx(11.1)


@pytest.mark.parametrize(
    "reason",
    [
        "See www.evil.example for more.",
        "Write to ceo@evil.example.",
        "Call +49 30 1234567.",
        "Enter your password in the attached file to confirm, and wire the fee.",
    ],
)
def test_a_reason_that_would_send_a_reader_astray_is_no_reason(reason: str) -> None:
    case = Case(key=uuid4(), profile=ACME, text=Text("Acme grows", None))
    said = answer(1, "Acme grows", reason=reason)
    assert judging.Judging().fault(said, case).startswith("reason: it ")
    assert judging.Judging().fault(said.model_copy(update={"reason": "It opens a plant."}), case) == ""
