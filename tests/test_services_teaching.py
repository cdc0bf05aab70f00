"""The narrow rule: which words of a text tell a namesake, and when no rule is made at all. Pure; no database."""

from uuid import UUID

import pytest
from conftest import NOW
from hypothesis import given
from hypothesis import strategies as st

from models.clients import Client, ClientMatchRule, MatchRuleKind
from models.news import Article, ArticleClient
from services.teaching.lessons import Linked, differing, exclude, narrowest, says
from services.teaching.phrases import phrases
from services.teaching.threshold import suggested
from tasks.companies.names import Profile

NOBODY = UUID(int=0)


def client(name: str = "Velora", **fields: str) -> Client:
    return Client(business_id=NOBODY, name=name, **fields)


def article(title: str, snippet: str | None = None) -> Article:
    return Article(
        business_id=NOBODY, identity=title, title=title, snippet=snippet, published_at=NOW, first_seen_at=NOW
    )


def linked(*titles: str) -> list[Linked]:
    found = []
    for title in titles:
        one = article(title)
        found.append((ArticleClient(business_id=NOBODY, article_id=one.id, client_id=NOBODY), one))
    return found


def first(name: str, title: str, snippet: str | None = None, **fields: str) -> str | None:
    found = phrases(Profile(key="x", name=name, **fields), title, snippet)
    return found[0].words if found else None


@pytest.mark.parametrize(
    ("name", "title", "phrase"),
    [
        ("Velora", "Dentist chain Velora Dental opens in Springfield", "velora dental"),
        ("Velora", "Activist Marlow Velora takes a stake in Fabrikam", "marlow velora"),
        ("Harvest", "Late Harvest Falls in the Valley After Frost", "late harvest"),
        ("Harbor", "Crews dredge the inner harbor before winter", "inner harbor"),
        ("Target", "How to hit the target every time at the shooting range", "shooting range"),
    ],
)
def test_the_most_telling_words_come_first(name: str, title: str, phrase: str) -> None:
    assert first(name, title) == phrase


@pytest.mark.parametrize(
    "title",
    [
        "Velora Group reports a record profit",
        "Velora CEO Anna Berg resigns",
        "Velora sues Fabrikam over patents",
        "Shares of Velora rise in the first quarter",
        "Velora wins",
    ],
)
def test_where_it_may_well_be_the_client_there_is_no_namesake(title: str) -> None:
    profile = Profile(key="x", name="Velora")
    assert not [phrase for phrase in phrases(profile, title, None) if phrase.is_namesake]


@pytest.mark.parametrize(
    "title",
    [
        "Index climbs on gains for Velora shares and two banks",
        "Former rivals court Velora employees",
        "Wharf Traffic Slows As Storm Nears Velora And Late Frost Hits Vineyards",
    ],
)
def test_what_any_company_has_and_what_may_be_names_are_no_rule(title: str) -> None:
    words = {phrase.words for phrase in phrases(Profile(key="x", name="Velora"), title, None)}
    assert not words & {"velora shares", "velora employees", "late frost", "wharf traffic"}


def test_every_phrase_stands_in_the_text() -> None:
    title, snippet = "Dentist chain Velora Dental opens a clinic", "Velora Dental of Springfield hires nurses"
    found = phrases(Profile(key="x", name="Velora"), title, snippet)
    assert found
    for phrase in found:
        assert says(article(title, snippet), phrase.words)
        assert phrase.why


@given(st.lists(st.text(max_size=12), max_size=5), st.lists(st.text(max_size=12), max_size=5))
def test_on_any_text_a_phrase_is_in_it_and_is_more_than_the_name(before: list[str], after: list[str]) -> None:
    title = " ".join([*before, "Velora", *after])
    for phrase in phrases(Profile(key="x", name="Velora"), title, None):
        assert says(article(title), phrase.words)
        assert phrase.words != "velora"


def test_the_trade_and_the_names_of_others_are_no_sign_of_the_sense() -> None:
    profile = Profile(key="x", name="Velora", industry="banking")
    words = {
        phrase.words for phrase in phrases(profile, "Loan rates at Velora match those of Fabrikam", None)
    }
    assert not any("loan" in one or "fabrikam" in one for one in words)


def test_a_text_without_the_name_teaches_nothing() -> None:
    assert phrases(Profile(key="x", name="Velora"), "Rain delays the crop", None) == []
    assert phrases(Profile(key="x", name="Velora"), "", "") == []


def pick(title: str, *others: str) -> str | None:
    chosen = narrowest(client(), [article(title)], linked(*others), lambda _: True)
    return chosen.words if chosen else None


def test_a_namesake_may_have_been_in_other_stories_but_not_in_most() -> None:
    title = "Dentist chain Velora Dental opens in Springfield"
    again = [f"Patients praise Velora Dental in town number {i}" for i in range(5)]
    own = [f"Steel maker Velora ships load number {i}" for i in range(5)]
    assert pick(title, *again, *own) == "velora dental"
    assert pick(title, *again[:2]) == "velora dental"
    assert pick(title, *again, own[0]) != "velora dental"


def test_what_other_stories_say_too_is_no_rule() -> None:
    title = "Crews dredge the inner velora before winter"
    assert pick(title) == "inner velora"
    assert pick(title, "Storm damages the inner velora wall") == "crews dredge"
    assert narrowest(client(), [article(title)], [], lambda _: False) is None
    assert narrowest(client(), [], [], lambda _: True) is None


def test_only_what_a_change_of_rules_decides_differently_is_judged_again() -> None:
    velora = client()
    links = linked("Velora opens a plant in Ostrava", "Velora opens a depot in Brno", "Rain falls in Ostrava")
    rule = exclude(velora, "in  OSTRAVA")
    assert rule.phrase == "in ostrava"
    taken = differing(velora, links, [], [rule])
    assert [one.title for _, one in taken] == ["Velora opens a plant in Ostrava"]
    assert differing(velora, links, [rule], []) == taken
    assert differing(velora, links, [rule], [rule]) == []
    demand = ClientMatchRule(
        business_id=NOBODY, client_id=velora.id, kind=MatchRuleKind.REQUIRE_CONTEXT, phrase="plant"
    )
    assert [one.title for _, one in differing(velora, links, [], [demand])] == [
        "Velora opens a depot in Brno"
    ]


@pytest.mark.parametrize(
    ("bar", "bad", "good", "wanted"),
    [
        (0.5, [0.52, 0.55, 0.58], [], (0.6, 3, 3)),
        (0.5, [0.52, 0.55, 0.9], [0.7], (0.6, 2, 3)),  # the lowest that half lie below
        (0.5, [0.52, 0.61, 0.9], [0.6], None),  # it would take away what was useful
        (0.5, [0.52, 0.52, 0.9, 0.95], [0.55], (0.55, 2, 4)),
        (0.5, [0.52, 0.52], [], None),  # two may be chance
        (0.6, [0.3, 0.4, 0.5, 0.61], [], None),  # they came before the threshold was raised
        (0.5, [0.52, 0.55, 0.58], [0.3], (0.6, 3, 3)),
        (0.95, [0.96, 0.97, 0.98], [], None),
    ],
)
def test_a_threshold_is_suggested_that_costs_nothing_useful(
    bar: float, bad: list[float], good: list[float], wanted: tuple[float, int, int] | None
) -> None:
    found = suggested(bar, bad, good)
    assert (None if found is None else (found.threshold, found.kept_away, found.of)) == wanted


relevances = st.lists(st.floats(0, 1), max_size=8)


@given(st.floats(0, 1), relevances, relevances)
def test_a_suggestion_keeps_all_that_was_useful_and_is_higher_than_now(
    bar: float, bad: list[float], good: list[float]
) -> None:
    found = suggested(bar, bad, good)
    if found is not None:
        assert found.threshold > bar
        assert not [one for one in good if bar <= one < found.threshold]
        assert found.kept_away == len([one for one in bad if bar <= one < found.threshold])
        assert 2 * found.kept_away >= found.of >= 3
