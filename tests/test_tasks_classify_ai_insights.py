"""Insights by a model: what is asked, what may stand in a mail in our name, and what it may cost."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from conftest import Tenant
from desk import EARLIER, add_candidate, classify, rows
from fakes import Reply as Answer
from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from newsroom import add_story, plan_for
from oracle import consulted, switch_on

from models.ai import AiCache, AiSpend
from models.events import Category, Insight
from tasks.classify.ai import insights as advising
from tasks.classify.ai import prompt as prompts
from tasks.classify.ai.answers import Answers, StoryAnswer
from tasks.classify.ai.asking import Asking, Case, Left, Outcome
from tasks.classify.ai.insights import (
    ACTION_MAX,
    INSTRUCTIONS,
    MEANING_MAX,
    Advising,
    InsightAnswer,
    InsightAnswers,
    insight_fault,
    insight_of,
    insights,
)
from tasks.classify.ai.judge import judge
from tasks.classify.ai.ledger import Budgets, TenantLedger
from tasks.classify.ai.model import ModelError, Prompt, Reply, Usage, schema
from tasks.classify.ai.prices import FREE, Price
from tasks.classify.ai.providers import OpenAIProvider
from tasks.classify.classifier import InsightCase, Text
from tasks.companies.names import Profile
from tasks.plan import StageReport

ACME = Profile(key="acme", name="Acme", aliases=("Acme 360",), domain="acme.com", industry="Widgets")
BOLT = Profile(key="bolt", name="Bolt")
STORY = Text("Acme buys Orrin for $65 million", "The deal closes in May. More at https://news.example/acme")
MEANING = "Acme takes over Orrin for $65 million, so its suppliers may be looked at anew."
Story = dict[str, Any]


def case(text: Text = STORY, profile: Profile = ACME, **fields: Any) -> InsightCase:
    known: dict[str, Any] = {"category": Category.ACQUISITION, "risk": "low", "certainty": "stated"}
    return InsightCase(key=uuid4(), profile=profile, text=text, **(known | fields))


def answer(number: int = 1, **fields: Any) -> InsightAnswer:
    said: dict[str, Any] = {
        "meaning": MEANING,
        "actions": ["Ask who leads the integration."],
        "urgency": "normal",
    }
    return InsightAnswer(number=number, **(said | fields))


class Adviser:
    """A model that answers as it is told, from the prompt's stories and the number of the call."""

    provider: ClassVar[str] = "scripted"
    name = "m1"

    def __init__(
        self, script: Callable[[list[Story], int], list[InsightAnswer] | None] | None = None
    ) -> None:
        self.script = script or (lambda stories, _call: [plain(story) for story in stories])
        self.prompts: list[Prompt] = []
        self.corrections: list[str] = []

    def ask(self, prompt: Prompt, answer_type: type[Any], correction: str = "") -> Reply[Any]:
        self.prompts.append(prompt)
        self.corrections.append(correction)
        if answer_type is Answers:
            raise ModelError("scripted: does not judge")
        said = self.script(json.loads(prompt.user)["stories"], len(self.prompts))
        return Reply(InsightAnswers(stories=said) if said is not None else None, Usage(100, 0, 50))

    def stories(self, call: int) -> list[Story]:
        told: list[Story] = json.loads(self.prompts[call].user)["stories"]
        return told


def plain(story: Story) -> InsightAnswer:
    return answer(story["number"], meaning=f"It may matter: {story['event']}.")


def advise(
    tenant: Tenant, model: Any, cases: list[InsightCase], *, calls: float = 1_000
) -> Outcome[InsightAnswer]:
    name = f"calls/{tenant.business_id}/{calls}"
    return insights(Asking(model, FREE, TenantLedger(tenant.scope, Budgets({}, {name: calls}))), cases)


# asking


def test_insights_are_asked_once_booked_as_such_and_known_the_second_time(tenant: Tenant) -> None:
    cases = [case(Text(f"Acme tale {n}", None)) for n in range(8)] + [case(profile=BOLT)]
    model = Adviser()
    first = advise(tenant, model, cases)
    assert first.answers.keys() == {one.key for one in cases}
    assert [prompt.count for prompt in model.prompts] in ([6, 2, 1], [6, 1, 2], [1, 6, 2])
    assert {row.purpose for row in rows(tenant, AiSpend)} == {"insight"}
    assert len(rows(tenant, AiCache)) == 9
    again = advise(tenant, model, cases)
    assert (again.calls, again.cached, again.answers) == (0, 9, first.answers)


def test_another_judgement_of_the_same_story_is_another_question(tenant: Tenant) -> None:
    model = Adviser()
    assert advise(tenant, model, [case()]).calls == 1
    assert advise(tenant, model, [case(category=Category.PARTNERSHIP)]).calls == 1
    assert advise(tenant, model, [case(risk="high")]).calls == 1
    assert advise(tenant, model, [case(certainty="denied")]).calls == 1
    assert advise(tenant, model, [case(facts={"tier": "Gold"})]).calls == 1
    assert advise(tenant, model, [case()]).calls == 0


def test_only_the_public_profile_allowed_facts_and_the_event_are_sent() -> None:
    sent = json.loads(Advising().prompt([case(facts={"tier": "Gold"})]).user)
    assert sent["client"] == {
        "name": "Acme",
        "aliases": ["Acme 360"],
        "industry": "Widgets",
        "domain": "acme.com",
        "crm": {"tier": "Gold"},
    }
    event = {"event": "acquisition", "risk": "low", "certainty": "stated"}
    assert sent["stories"] == [{"number": 1, "title": STORY.title, "text": STORY.snippet, **event}]
    assert "crm" not in json.loads(Advising().prompt([case()]).user)["client"]


def test_what_is_wrong_is_asked_again_once_and_then_left_to_the_rules(tenant: Tenant) -> None:
    def script(stories: list[Story], _call: int) -> list[InsightAnswer]:
        bad = {"actions": ["Visit https://evil.example now."]}
        return [
            answer(s["number"], meaning="It may matter.", **(bad if "odd" in s["title"] else {}))
            for s in stories
        ]

    cases = [case(Text("Acme fine", None)), case(Text("Acme odd", None))]
    model = Adviser(script)
    outcome = advise(tenant, model, cases)
    assert set(outcome.answers) == {cases[0].key}
    assert outcome.left == {cases[1].key: Left.UNREADABLE}
    assert [story["title"] for story in model.stories(1)] == ["Acme odd"]
    assert "an address" in model.corrections[1]
    assert "evil" not in model.corrections[1]


def test_judging_and_insights_share_budget_and_outage(tenant: Tenant) -> None:
    name = f"shared/{tenant.business_id}"
    asking = Asking(Adviser(), Price(1, 1, 1), TenantLedger(tenant.scope, Budgets({}, {name: 2})))
    judged = judge(asking, [Case(uuid4(), ACME, STORY), Case(uuid4(), BOLT, STORY)])
    assert set(judged.left.values()) == {Left.OUTAGE}
    # Out for the one, it is not asked by the other.
    told = insights(asking, [case()])
    assert (list(told.left.values()), told.calls) == ([Left.OUTAGE], 0)
    # What failed counted: the budget's two calls are used up.
    fresh = Asking(Adviser(), Price(1, 1, 1), TenantLedger(tenant.scope, Budgets({}, {name: 2})))
    assert list(insights(fresh, [case()]).left.values()) == [Left.BUDGET]


# believing


def test_a_plain_insight_is_believed() -> None:
    assert insight_fault(answer(), case()) == ""
    assert insight_fault(answer(meaning="Acme.com and the U.S. arm of Acme 360 may grow."), case()) == ""
    assert insight_fault(answer(meaning="Acme may have to pay a fee and share its codes."), case()) == ""


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"meaning": " "}, "meaning"),
        ({"meaning": "a" * (MEANING_MAX + 1)}, "meaning"),
        ({"actions": []}, "actions are not"),
        ({"actions": ["Call."] * 4}, "actions are not"),
        ({"actions": ["Call.", ""]}, "an action has not"),
        ({"actions": ["a" * (ACTION_MAX + 1)]}, "an action has not"),
        ({"meaning": "Acme pays $70 million."}, "figure"),
        ({"actions": ["Offer 70 seats."]}, "figure"),
        ({"actions": ["Call 1300 975 707 today."]}, "phone"),
        ({"meaning": "Read https://evil.example/acme."}, "address"),
        # Also where the story has it: that is how it would be planted.
        ({"meaning": "Read https://news.example/acme."}, "address"),
        ({"actions": ["Write to ceo@acme.com."]}, "address"),
        ({"actions": ["See evil.example for more."]}, "address"),
        ({"actions": ["See acme.com/login for more."]}, "address"),
        ({"actions": ["See acme.com.evil.example."]}, "address"),
        ({"actions": ["See my-acme.com."]}, "address"),
        ({"actions": ["See www.acme"]}, "address"),
        ({"actions": ["Siehe пример.рф"]}, "address"),
        ({"actions": ["Call +1 555 010 9999."]}, "phone"),
        ({"actions": ["Call 555-010-9999 today."]}, "phone"),
        ({"actions": ["Confirm your password with the client."]}, "password"),
        ({"actions": ["Send the bank details to Acme."]}, "password"),
        ({"actions": ["Wire the outstanding funds."]}, "money"),
        ({"actions": ["Buy Acme shares."]}, "money"),
        ({"actions": ["Open the attachment."]}, "open something"),
        ({"meaning": "Acme was hacked. Please confirm your password."}, "password"),
    ],
)
def test_what_could_send_a_reader_astray_is_not_believed(fields: dict[str, Any], fault: str) -> None:
    assert fault in insight_fault(answer(**fields), case())


def test_a_client_whose_name_has_a_figure_may_be_named() -> None:
    client = Profile(key="3m", name="3M")
    assert insight_fault(answer(meaning="3M may grow."), case(Text("3M grows", None), client)) == ""


@pytest.mark.parametrize(
    ("certainty", "urgency"), [("stated", "high"), ("speculative", "normal"), ("denied", "low")]
)
def test_a_rumour_is_never_urgent(certainty: Any, urgency: str) -> None:
    made = insight_of(answer(urgency="high"), certainty)
    assert (made.urgency, made.meaning, made.actions) == (
        urgency,
        MEANING,
        ("Ask who leads the integration.",),
    )


def parrot(stories: list[Story], _call: int) -> list[InsightAnswer]:
    """The worst adviser there is: what a story says is its advice, for every story of the call."""
    hostile = [s["title"] for s in stories if s["title"] in HOSTILE]
    said = hostile[0] if hostile else "It may matter."
    return [answer(s["number"], meaning=said, actions=[said]) for s in stories]


def test_no_hostile_story_reaches_another_ones_insight_or_plants_an_address(tenant: Tenant) -> None:
    good = [case(Text(f"Acme tale {n}", None)) for n in range(len(HOSTILE))]
    bad = [case(Text(text, None)) for text in HOSTILE]
    model = Adviser(parrot)
    outcome = advise(tenant, model, [one for pair in zip(bad, good, strict=True) for one in pair])
    assert {outcome.answers[one.key].meaning for one in good} == {"It may matter."}
    said = " ".join(f"{one.meaning} {' '.join(one.actions)}" for one in outcome.answers.values())
    assert "@" not in said
    assert "://" not in said
    assert all(prompt.system == INSTRUCTIONS for prompt in model.prompts)


@given(st.text(max_size=600), st.lists(st.text(max_size=200), max_size=4))
def test_whatever_is_believed_is_bounded_and_names_no_address(meaning: str, actions: list[str]) -> None:
    said = answer(meaning=meaning, actions=actions)
    if insight_fault(said, case()):
        return
    kept = Advising().tidy(said)
    assert 0 < len(kept.meaning) <= MEANING_MAX
    assert 1 <= len(kept.actions) <= 3
    assert all(len(action) <= ACTION_MAX for action in kept.actions)
    assert "\n" not in "".join((kept.meaning, *kept.actions))
    assert "://" not in "".join((kept.meaning, *kept.actions))


# in a run

SURE = "Nordwind Energy agrees to buy Fabrikam for $6.5 billion"


def run_with(tenant: Tenant, client: UUID) -> StageReport:
    switch_on(tenant)
    add_candidate(tenant, add_story(tenant, SURE, at=EARLIER), SURE, client)
    return classify(plan_for(tenant))


def test_what_the_model_leaves_in_a_run_the_rules_say_and_the_run_is_degraded(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with consulted(monkeypatch) as oracle:
        oracle.fault = Answer(b"{}", 401, "application/json")
        oracle.faults_after = 1
        report = run_with(tenant, tenant.add_client("Nordwind Energy"))
    [found] = rows(tenant, Insight)
    assert (found.engine, len(found.actions) > 0) == ("rules", True)
    assert (report.counts["ai_judged"], report.counts["ai_insights"], report.counts["ai_insights_left"]) == (
        1,
        0,
        1,
    )
    [said] = report.degraded
    assert said.startswith("AI openai: refused the key (401)")
    assert said.endswith("the rules advised instead")


def test_nothing_of_a_confidential_client_is_sent(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with consulted(monkeypatch) as oracle:
        run_with(tenant, tenant.add_client("Nordwind Energy", confidential=True))
        assert oracle.server.asked == []
    assert [found.engine for found in rows(tenant, Insight)] == ["rules"]


def test_an_adviser_that_breaks_costs_no_event(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError(SURE)

    with consulted(monkeypatch):
        monkeypatch.setattr(OpenAIProvider, "advise", broken)
        report = run_with(tenant, tenant.add_client("Nordwind Energy"))
    assert [found.engine for found in rows(tenant, Insight)] == ["rules"]
    assert "RuntimeError" in report.degraded[0]
    assert SURE not in report.degraded[0]


# the prompts' versions


def test_a_changed_prompt_has_a_new_version() -> None:
    """Answers are cached by version: whoever changes a prompt or an answer's form counts it up, here as well."""

    def told(system: str, form: type[Any]) -> str:
        return hashlib.sha256((system + json.dumps(schema(form), sort_keys=True)).encode()).hexdigest()[:12]

    assert (prompts.VERSION, told(prompts.INSTRUCTIONS, Answers)) == ("2", "c1d4a384f957")
    assert (advising.VERSION, told(INSTRUCTIONS, InsightAnswers)) == ("2", "4441925fb236")
    assert set(schema(Answers)["$defs"]["StoryAnswer"]["required"]) == set(StoryAnswer.model_fields)
