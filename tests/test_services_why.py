"""Why, and why not: for any article and person an answer with a stage and a reason."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import EARLIER, add_raw, another_tenant, change, classify, dedupe, rows
from newsroom import plan_for
from sqlmodel import col

from models.accounts import Frequency
from models.base import utc_now
from models.clients import Client, ClientAssignment, ClientMatchRule, MatchRuleKind
from models.events import OWN_ENGINES, Decision, Event, Stage
from models.news import Article
from services.errors import UserError
from services.why import Why, why
from tasks.classify.classifier import RulesClassifier
from tasks.classify.record import FEEDBACK_ENGINE, MATCH_ENGINE
from tasks.filter.stage import filter_batch
from tasks.notify.planning import plan_digests
from tasks.notify.stage import digest_batch, notify_batch
from tasks.notify.transports.file import FileTransport

DEAL = "Nordwind Energy agrees to buy Fabrikam for $6.5 billion"
URL = "https://thewire.example/2026/03/deal"
RANGE = "How to hit the target every time at the shooting range"
ROSES = "Ask the gardener: pruning roses in March"
MARIA = "maria@example.com"


class Desk:
    """A tenant in which Maria looks after two clients, and the stages of a run one by one."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        baseline = {"baseline_at": NOW - timedelta(days=9)}
        self.nordwind = tenant.add_client("Nordwind Energy", **baseline)
        self.target = tenant.add_client("Target", **baseline)
        self.plan = plan_for(tenant)

    @property
    def clients(self) -> tuple[UUID, UUID]:
        return self.nordwind, self.target

    def judge(self) -> None:
        dedupe(self.plan)
        classify(self.plan)

    def settle(self) -> None:
        """Everything up to the digests of tomorrow."""
        self.judge()
        filter_batch(self.plan, 100)
        notify_batch(self.plan)

    def send_digests(self) -> None:
        from models.settings import get_settings

        transport = FileTransport(get_settings())
        digest_batch(self.tenant.business_id, NOW + timedelta(days=1), transport=transport)

    def why(self, wanted: str, person: str = MARIA) -> Why:
        return why(self.tenant.scope, wanted, person)


@pytest.fixture
def desk(tenant: Tenant) -> Desk:
    return Desk(tenant)


def stages(told: Why) -> list[tuple[str, str, str]]:
    return [(step.stage, step.verdict, step.reason_code) for step in told.steps]


@pytest.fixture
def deal(desk: Desk) -> Desk:
    snippet = "Nordwind Energy said it will acquire the analytics maker in cash."
    add_raw(desk.tenant, DEAL, snippet=snippet, url=URL, source="The Wire")
    return desk


def test_what_was_mailed_at_once_names_the_mail(deal: Desk) -> None:
    deal.tenant.add_user(MARIA, clients=deal.clients, frequency=Frequency.INSTANT)
    deal.settle()
    told = deal.why(DEAL)
    assert told.answer.startswith("Nordwind Energy: delivered in “")
    assert (told.article, told.source, told.person) == (DEAL, "The Wire", MARIA)
    assert stages(told) == [
        ("dedupe", "founded", "founded"),
        ("match", "about", "name_in_headline"),
        ("classify", "acquisition", "acquisition"),
        ("filter", "instant", told.steps[-1].reason_code),
    ]
    match = told.steps[1]
    assert (match.client, match.evidence) == ("Nordwind Energy", "Nordwind Energy")
    assert all(step.sentence for step in told.steps)


def test_what_is_for_the_digest_waits_and_then_names_it(deal: Desk) -> None:
    deal.tenant.add_user(MARIA, clients=deal.clients)
    deal.settle()
    assert deal.why(DEAL).answer == "Nordwind Energy: waits for your next digest."
    deal.send_digests()
    answer = deal.why(DEAL).answer
    assert answer.startswith("Nordwind Energy: delivered in “")
    assert "(daily:2026-03-11)" in answer


def test_below_the_threshold_says_both_figures(deal: Desk) -> None:
    deal.tenant.add_user(MARIA, clients=deal.clients, relevance_threshold=0.99)
    deal.settle()
    told = deal.why(DEAL)
    assert told.answer.startswith("Nordwind Energy: not mailed (below_threshold). ")
    assert "0.99" in told.answer
    assert stages(told)[-1] == ("filter", "skip", "below_threshold")


def test_who_switched_mail_off_is_told_that_it_is_in_the_app(deal: Desk) -> None:
    deal.tenant.add_user(MARIA, clients=deal.clients, email_notifications_enabled=False)
    deal.settle()
    assert deal.why(DEAL).answer == (
        "Nordwind Energy: in the app, and not mailed: e-mail was switched off when it was sorted."
    )


def test_an_older_revision_that_was_decided_later_does_not_speak_for_the_newest(deal: Desk) -> None:
    deal.tenant.add_user(MARIA, clients=deal.clients)
    deal.settle()
    tomorrow = NOW + timedelta(days=1)
    plan_digests(deal.tenant.scope, tomorrow)
    assert deal.why(DEAL).answer == (
        "Nordwind Energy: attached in the mail daily:2026-03-11, which is not written yet."
    )
    change(deal.tenant, Event, revision=2, relevance=0.1, needs_filter=True)
    filter_batch(deal.plan, 100)
    deal.send_digests()  # its claim finds the first revision replaced
    told = deal.why(DEAL)
    assert told.steps[-1].reason_code == "superseded"
    assert told.answer.startswith("Nordwind Energy: not mailed (below_threshold). relevance 0.10 is below")


def test_somebody_else_s_client_is_said_to_be_that(deal: Desk) -> None:
    deal.tenant.add_user(MARIA, clients=(deal.target,))
    deal.settle()
    assert deal.why(DEAL).answer == "Nordwind Energy: an event, but you do not look after this client."


def test_who_no_longer_looks_after_the_client_is_told_so(deal: Desk) -> None:
    deal.tenant.add_user(MARIA, clients=deal.clients)
    change(deal.tenant, ClientAssignment, ended_at=NOW - timedelta(days=1))
    deal.settle()
    assert "you do not look after this client" in deal.why(DEAL).answer


def test_a_wrong_company_is_named_with_its_reason(desk: Desk) -> None:
    desk.tenant.add_user(MARIA, clients=desk.clients)
    add_raw(desk.tenant, RANGE, url="https://thewire.example/range")
    desk.settle()
    told = desk.why(RANGE)
    assert told.answer == "Found for a client, and judged not to be about it."
    match = told.steps[-1]
    assert (match.stage, match.verdict, match.client) == ("match", "not_about", "Target")
    assert (match.reason_code, match.evidence) == ("common_word_not_name", "target")


def test_what_names_no_client_is_answered_on_the_spot(desk: Desk) -> None:
    desk.tenant.add_user(MARIA, clients=desk.clients)
    add_raw(desk.tenant, ROSES)
    desk.settle()
    before = len(rows(desk.tenant, Decision))
    told = desk.why(ROSES)
    assert told.answer == "It names none of your clients."
    assert stages(told) == [("dedupe", "no_candidate", "no_name")]
    assert len(rows(desk.tenant, Decision)) == before


def test_what_came_before_its_client_is_said_to_have(deal: Desk) -> None:
    """Fabrikam becomes a client after the article came; nothing was written down about the two."""
    change(deal.tenant, Client, Client.name == "Nordwind Energy", name="Northern Lights")
    deal.judge()
    fabrikam = deal.tenant.add_client("Fabrikam")
    deal.tenant.add_user(MARIA, clients=(fabrikam,))
    deal.tenant.add_user("ivo@example.com", clients=deal.clients)
    told = deal.why(DEAL)
    assert told.answer == "It came before the client was watched as it is now."
    [step] = told.steps
    assert (step.stage, step.verdict, step.client) == ("match", "about", "Fabrikam")
    assert deal.why(DEAL, "ivo@example.com").answer == "It names none of your clients."
    deal.tenant.add_user("all@example.com", assigned_clients_only=False)
    assert deal.why(DEAL, "all@example.com").steps == told.steps


def test_an_answer_on_the_spot_obeys_what_was_taught(desk: Desk) -> None:
    tenant = desk.tenant
    add_raw(tenant, "Litware opens a glass factory")
    desk.judge()
    litware = tenant.add_client("Litware")
    tenant.add_user(MARIA, clients=(litware,))
    tenant.add(
        ClientMatchRule(
            business_id=tenant.business_id,
            client_id=litware,
            kind=MatchRuleKind.EXCLUDE_CONTEXT,
            phrase="glass factory",
        )
    )
    assert desk.why("Litware opens").answer == "It names none of your clients."
    change(tenant, ClientMatchRule, undone_at=utc_now())
    assert desk.why("Litware opens").answer.startswith("It came before")


def test_what_still_waits_is_said_to_wait(deal: Desk) -> None:
    deal.tenant.add_user(MARIA, clients=deal.clients)
    dedupe(deal.plan)
    assert deal.why(DEAL).answer == "Found, and still waiting to be judged: the next run takes it up."
    classify(deal.plan)
    told = deal.why(DEAL)
    assert told.answer == "Nordwind Energy: an event that still waits to be sorted: the next run takes it up."


def test_an_article_for_two_clients_is_answered_for_both(desk: Desk) -> None:
    alba = desk.tenant.add_client("Alba Textiles", baseline_at=NOW - timedelta(days=9))
    desk.tenant.add_user(MARIA, clients=(desk.nordwind,))
    title = "Nordwind Energy agrees to buy Alba Textiles for $6.5 billion"
    add_raw(desk.tenant, title)
    desk.settle()
    answer = desk.why(title).answer
    assert "Nordwind Energy: waits for your next digest." in answer
    assert "Alba Textiles: an event, but you do not look after this client." in answer
    change(desk.tenant, Client, Client.id == alba, archived_at=NOW)
    assert "an archived client: an event" in desk.why(title).answer


@pytest.mark.parametrize(
    "wanted",
    [
        DEAL,
        DEAL.upper(),
        "agrees to buy Fabrikam",
        "fabrikam",
        URL,
        URL + "?utm_source=mail&utm_campaign=daily",
        URL.replace("https://", "http://www."),
    ],
)
def test_an_article_is_found_by_address_title_or_words(deal: Desk, wanted: str) -> None:
    deal.tenant.add_user(MARIA)
    deal.judge()
    assert deal.why(wanted).article == DEAL


def test_an_article_is_found_by_its_id(deal: Desk) -> None:
    deal.tenant.add_user(MARIA)
    deal.judge()
    [article] = rows(deal.tenant, Article)
    assert deal.why(str(article.id), " MARIA@example.com ").article == DEAL


def test_of_several_the_exact_title_and_then_the_newest_is_meant(desk: Desk) -> None:
    desk.tenant.add_user(MARIA)
    for number, title in enumerate(("Target opens", "Target opens a store", "Target opens a depot")):
        add_raw(desk.tenant, title, at=EARLIER + timedelta(minutes=number))
    desk.judge()
    assert desk.why("Target opens").article == "Target opens"
    assert desk.why("target opens a").article == "Target opens a depot"


@pytest.mark.parametrize(
    "wanted",
    [
        "never heard of",
        "https://nowhere.example/x",
        "00000000-0000-7000-8000-000000000000",
        "%",
        "_",
        "",
        " ",
    ],
)
def test_an_article_that_never_came_is_said_to_have_not(deal: Desk, wanted: str) -> None:
    deal.tenant.add_user(MARIA)
    deal.judge()
    with pytest.raises(UserError, match="no article found for") as caught:
        deal.why(wanted)
    assert "status" in caught.value.mend
    assert "may never have reached us, or under another headline" in caught.value.mend


def test_what_an_ai_decided_is_said_to_be_its_word(deal: Desk) -> None:
    deal.tenant.add_user(MARIA, clients=deal.clients)
    deal.judge()
    assert {step.judged_by for step in deal.why(DEAL).steps} == {""}
    filter_batch(deal.plan, 100)
    change(deal.tenant, Decision, col(Decision.stage) == Stage.CLASSIFY, engine="openai")
    by = {step.stage: step.judged_by for step in deal.why(DEAL).steps}
    assert (by["classify"], by["match"], by["filter"]) == ("AI, openai", "", "")


def test_the_engines_of_the_house_are_no_ai() -> None:
    assert {RulesClassifier.name, MATCH_ENGINE, FEEDBACK_ENGINE} == OWN_ENGINES


def test_an_unknown_person_is_named_with_what_to_do(deal: Desk) -> None:
    deal.judge()
    with pytest.raises(UserError, match=r"nobody with the address 'nobody@example\.com'") as caught:
        deal.why(DEAL, "nobody@example.com")
    assert caught.value.mend


def test_nothing_is_told_across_tenants(deal: Desk, tmp_path: Path) -> None:
    deal.tenant.add_user(MARIA, clients=deal.clients)
    deal.settle()
    other = another_tenant()
    other.add_user("spy@example.com")
    calls: list[tuple[Any, str, str]] = [
        (other.scope, DEAL, "spy@example.com"),
        (other.scope, URL, "spy@example.com"),
        (other.scope, DEAL, MARIA),
        (deal.tenant.scope, DEAL, "spy@example.com"),
    ]
    for scope, wanted, person in calls:
        with pytest.raises(UserError):
            why(scope, wanted, person)
