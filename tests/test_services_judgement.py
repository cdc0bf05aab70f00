"""What would become of a text, told with its evidence; and why articles are one story or two."""

from datetime import timedelta

import pytest
from conftest import NOW, Tenant
from desk import add_raw, another_tenant, change, classify, counts, dedupe, rows
from newsroom import plan_for

from models.accounts import Frequency
from models.clients import Client, ClientMatchRule, MatchRuleKind
from models.events import Decision, Event
from models.news import Article
from services.errors import UserError
from services.judgement.category import explain_category
from services.judgement.replay import pair_log, story_log
from services.judgement.whole import Judgement, client_from, judge, judge_alone
from services.patterns import add_patterns, read_patterns
from tasks.classify.rules import classify_text
from tasks.filter.stage import filter_batch

DEAL = "Nordwind Energy agrees to buy Fabrikam for $6.5 billion"
DEAL_AGAIN = "Nordwind Energy to acquire Fabrikam in $6.5 billion deal"
KERN = "Alba Textiles names Maria Kern chief executive"
GERMAN = "Nordwind Energy übernimmt den Windpark vor der Küste und schafft 300 neue Stellen"


def alone(title: str, *names: str, snippet: str | None = None) -> Judgement:
    return judge_alone(title, snippet, clients=[client_from({"name": name}) for name in names], now=NOW)


@pytest.fixture
def house(tenant: Tenant) -> Tenant:
    """Two clients, Maria who looks after one of them, and the deal in the ledger."""
    baseline = NOW - timedelta(days=9)
    nordwind = tenant.add_client("Nordwind Energy", baseline_at=baseline)
    tenant.add_client("Alba Textiles", baseline_at=baseline)
    tenant.add_user("maria@example.com", clients=(nordwind,))
    add_raw(tenant, DEAL, url="https://wire.example/deal", source="The Wire")
    add_raw(tenant, DEAL_AGAIN, url="https://post.example/deal", source="Example Post")
    add_raw(tenant, KERN, url="https://wire.example/kern", source="The Wire")
    plan = plan_for(tenant)
    dedupe(plan)
    classify(plan)
    filter_batch(plan, 100)
    return tenant


def test_a_text_is_judged_without_any_database() -> None:
    told = alone(DEAL, "Nordwind Energy").text
    assert (told.language.code, told.language.supported) == ("en", True)
    [company] = told.companies
    assert (company.about, company.reason_code, company.salience) == (True, "name_in_headline", "primary")
    assert company.evidence in DEAL
    assert company.named == ["Nordwind Energy"]
    assert company.parts
    assert company.relevance is not None
    assert company.relevance.score == pytest.approx(sum(company.relevance.parts.values()), abs=0.001)
    category = told.category
    assert (category.category, category.certainty) == ("acquisition", "stated")
    assert category.evidence in DEAL
    assert category.scores["acquisition"] == max(category.scores.values())
    fired = category.fired[0]
    assert (fired.category, fired.where, fired.own) == ("acquisition", "headline", False)
    assert fired.words in DEAL
    assert fired.weight > 0


def test_a_named_client_gets_its_verdict_even_where_the_text_is_silent() -> None:
    told = alone(DEAL, "Alba Textiles", "Nordwind Energy").text
    assert [(one.client, one.about) for one in told.companies] == [
        ("Nordwind Energy", True),
        ("Alba Textiles", False),
    ]
    assert told.companies[1].reason_code == "no_name"
    assert told.companies[1].relevance is None


def test_a_rumour_and_a_denial_are_told_from_a_fact() -> None:
    assert alone("Nordwind Energy in talks to buy Fabrikam").text.category.certainty == "speculative"
    assert alone("Nordwind Energy denies plan to buy Fabrikam").text.category.certainty == "denied"


def test_a_language_that_is_not_judged_is_said_to_be_matched_by_company_only() -> None:
    told = alone(GERMAN, "Nordwind Energy").text
    assert (told.language.code, told.language.supported) == ("de", False)
    [company] = told.companies
    assert company.about
    assert company.relevance is None
    assert told.category.fired == []


def test_the_patterns_that_fired_are_those_of_the_verdict() -> None:
    title = "Velora fires up its kiln hall"
    own = read_patterns(
        {"group": [{"category": "expansion", "phrases": ["fires up ~3 kiln_hall"], "weight": 6}]}
    )
    verdict = classify_text(title, None, extra=own)
    told = explain_category(verdict, title, None, own)
    assert told.category == "expansion"
    assert (told.fired[0].own, told.fired[0].weight) == (True, 6)
    assert told.fired[0].words == "fires up its kiln hall"
    lead = explain_category(
        classify_text("Velora on Monday", title, extra=own), "Velora on Monday", title, own
    )
    assert {one.where for one in lead.fired} == {"lead"}


@pytest.mark.parametrize(
    ("fields", "words"), [({}, "name"), ({"name": "Acme", "tier": "gold"}, "tier"), ({"nam": "Acme"}, "nam")]
)
def test_a_client_given_by_hand_is_checked(fields: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        client_from(fields)


def test_an_empty_title_is_refused() -> None:
    with pytest.raises(UserError, match="no title"):
        alone("  ")


def test_the_tenants_clients_rules_patterns_and_readers_have_their_say(house: Tenant) -> None:
    [nordwind] = rows(house, Client, name="Nordwind Energy")
    house.add(
        ClientMatchRule(
            business_id=house.business_id,
            client_id=nordwind.id,
            kind=MatchRuleKind.EXCLUDE_CONTEXT,
            phrase="wind orchestra",
        )
    )
    add_patterns(house.scope, read_patterns({"group": [{"category": "award", "phrases": ["takes ~3 bow"]}]}))
    before = counts(house, Article, Event, Decision)
    told = judge(house.scope, "Nordwind Energy wind orchestra takes a final bow", now=NOW)
    [company] = told.text.companies
    assert (company.about, company.reason_code, company.evidence) == (
        False,
        "excluded_by_rule",
        "wind orchestra",
    )
    assert company.rules == ["not about it where the text says “wind orchestra”"]
    assert told.text.category.category == "award"
    assert told.readers == []
    assert counts(house, Article, Event, Decision) == before, "nothing is stored"


def test_each_reader_is_told_of_with_the_reason(house: Tenant) -> None:
    [nordwind] = rows(house, Client, name="Nordwind Energy")
    house.add_user(
        "tom@example.com", clients=(nordwind.id,), frequency=Frequency.INSTANT, relevance_threshold=0.99
    )
    readers = judge(house.scope, "Nordwind Energy opens a factory in Esbjerg", now=NOW).readers
    assert [(one.person, one.gets_it, one.route, one.reason_code) for one in readers] == [
        ("maria@example.com", True, "digest", "wanted"),
        ("tom@example.com", False, "", "below_threshold"),
    ]
    assert all(one.sentence for one in readers)


def test_clients_are_those_the_text_names_or_those_that_were_asked_for(house: Tenant) -> None:
    assert [one.client for one in judge(house.scope, DEAL, now=NOW).text.companies] == ["Nordwind Energy"]
    told = judge(house.scope, DEAL, names=["alba textiles", "Fabrikam"], now=NOW)
    assert {one.client: one.about for one in told.text.companies} == {
        "Alba Textiles": False,
        "Fabrikam": True,
    }
    assert told.notes == ["Fabrikam is no client here: judged by its name alone"]


def test_a_client_is_asked_for_by_its_alias_or_legal_name_too(house: Tenant) -> None:
    house.add_client("Fabrikam Fibre", aliases=["Fabrikam"], legal_name="Fabrikam Holdings plc")
    house.add_client("Contoso", aliases=["fabrikam fibre"])

    def asked(*names: str) -> tuple[list[str], list[str]]:
        told = judge(house.scope, DEAL, names=names, now=NOW)
        return sorted(one.client for one in told.text.companies), told.notes

    assert asked("FABRIKAM") == asked("fabrikam holdings  plc", "Fabrikam") == (["Fabrikam Fibre"], [])
    assert asked("Fabrikam Fibre") == (["Fabrikam Fibre"], []), "a name goes before an alias"


def test_the_story_it_would_join_is_named_with_what_they_share(house: Tenant) -> None:
    told = judge(house.scope, "Nordwind Energy buys Fabrikam for $6.5 billion", now=NOW).story
    assert told is not None
    assert told.joined
    assert told.nearest in {DEAL, DEAL_AGAIN}
    assert told.articles == 2
    assert told.sentence
    assert told.likeness is not None
    assert told.likeness.similarity >= told.likeness.threshold
    assert any("fabrikam" in word for word in told.likeness.shared)


def test_a_new_story_is_said_to_be_new_and_a_text_without_a_client_is_in_none(house: Tenant) -> None:
    told = judge(house.scope, "Nordwind Energy gardeners win a rose show", now=NOW).story
    assert told is not None
    assert not told.joined
    assert judge(house.scope, "Rain delays the harvest in the valley", now=NOW).story is None


def test_a_story_is_replayed_from_the_record(house: Tenant) -> None:
    told = story_log(house.scope, DEAL)
    assert {one.title for one in told.articles} == {DEAL, DEAL_AGAIN}
    [founded] = [one for one in told.articles if not one.joined]
    [joined] = [one for one in told.articles if one.joined]
    assert founded.verdict == "founded"
    assert joined.other == founded.title
    assert joined.engine.startswith("stories ")
    assert joined.score is not None
    assert (joined.agrees, bool(joined.now)) == (True, True)
    assert story_log(house.scope, told.articles[0].id) == told, "the same question has the same answer"


def test_two_articles_are_one_story_or_two_and_the_record_agrees(house: Tenant) -> None:
    one = pair_log(house.scope, DEAL, DEAL_AGAIN)
    assert (one.same_story, one.agrees) == (True, True)
    assert one.comparison["joined"] is True
    assert one.answer == "They are the same story. Worked out again it comes to the same."
    two = pair_log(house.scope, DEAL, KERN)
    assert (two.same_story, two.agrees) == (False, True)
    assert two.comparison["joined"] is False
    assert two.answer.startswith("They are two stories.")
    [client] = rows(house, Client, name="Nordwind Energy")
    assert str(client.id) not in two.model_dump_json(), "clients are named"


def test_a_record_that_disagrees_is_said_to(house: Tenant) -> None:
    [deal] = rows(house, Article, title=DEAL)
    [kern] = rows(house, Article, title=KERN)
    change(house, Article, Article.id == kern.id, story_id=deal.story_id)
    told = pair_log(house.scope, DEAL, KERN)
    assert (told.same_story, told.agrees) == (True, False)
    assert "Worked out again they would be two stories" in told.answer


def test_a_story_needs_an_article_that_is_in_one(house: Tenant) -> None:
    add_raw(house, "Rain delays the harvest in the valley")
    dedupe(plan_for(house))
    for wanted, words in (("never heard of", "no article found"), ("Rain delays", "is in no story")):
        with pytest.raises(UserError, match=words):
            story_log(house.scope, wanted)
    with pytest.raises(UserError, match="same article"):
        pair_log(house.scope, DEAL, "https://wire.example/deal")
    with pytest.raises(UserError, match="no article found"):
        story_log(another_tenant().scope, DEAL)
