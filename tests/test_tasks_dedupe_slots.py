"""Who is meant and what kind of event is told, as far as it keeps two events apart; all texts are invented."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.dedupe.doc import Doc
from tasks.dedupe.explain import explain_pair
from tasks.dedupe.kinds import kinds
from tasks.dedupe.slots import Named, exchanged, named, spoken, strangers
from tasks.dedupe.stories import group
from tasks.dedupe.text import tokens

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


Article = tuple[Named, frozenset[str]]


def who(title: str, snippet: str = "") -> Article:
    """Whom an article names, and whom it speaks of."""
    found = named(title, snippet)
    return found, spoken(found, (tokens(title), tokens(snippet)))


def are_exchanged(one: Article, other: Article) -> bool:
    return exchanged(one[0], other[0], one[1], other[1])


def are_strangers(one: Article, other: Article) -> bool:
    return strangers(one[0], other[0], one[1], other[1])


@pytest.mark.parametrize(
    ("title", "snippet", "runs"),
    [
        ("Contoso Systems to cut 240 jobs", "", {("contoso",)}),
        ("Finance head leaves Zyntera after four years", "", {("zyntera",)}),
        ("Harbor to cut 240 jobs", "Harbor plans to cut 240 jobs.", {("harbor",)}),
        ("Hackers steal patient records", "Hackers copied patient records.", set()),
        ("Retailer to cut 240 jobs", "The retailer will close its stores.", set()),
        ("Summit Raises Outlook After Strong Quarter", "", set()),
        ("Summit Raises Outlook After Strong Quarter", "Shares of Summit rose.", {("summit",)}),
        ("Zyntera Raises Outlook After Strong Quarter", "", {("zyntera",)}),
        ("Banks lend Zyntera money on Monday", "", {("zyntera",)}),
    ],
)
def test_names_of_a_title(title: str, snippet: str, runs: set[tuple[str, ...]]) -> None:
    assert {run.words for run in named(title, snippet).runs} == runs


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("Contoso to cut 240 jobs", "Fabrikam to cut 300 jobs", True),
        ("Regulator opens probe into Contoso pricing", "Regulator opens probe into Fabrikam pricing", True),
        ("Zyntera sues Contoso over patents", "Zyntera sues Fabrikam over patents", True),
        ("Contoso to cut 240 jobs", "Retailer to cut 240 jobs", False),
        ("Contoso to cut 240 jobs", "Contoso to cut 240 jobs in Porto", False),
        ("Contoso unveils a tablet", "Fabrikam lays off staff", False),
        ("Iran closes airspace after strike", "Iranian forces closes airspace after strike", False),
        ("General Zyntera Works names chairman", "GZW names chairman", False),
        ("Plant opens in Porto as demand rises", "Plant opens in Aveiro as demand rises", False),
    ],
)
def test_one_sentence_about_other_names(one: str, other: str, apart: bool) -> None:
    assert are_exchanged(who(one), who(other)) is are_exchanged(who(other), who(one)) is apart


def test_names_that_the_other_article_speaks_of_are_not_exchanged() -> None:
    one = who("Contoso to cut 240 jobs", "The owner of Fabrikam said so.")
    assert not are_exchanged(one, who("Fabrikam to cut 240 jobs", "It wants to save money."))


def test_strangers_need_a_lead_on_both_sides() -> None:
    one = Doc("1", "Board of Contoso settles on an insider", "She ran operations for years.")
    other = Doc("2", "Fabrikam picks its next leader", "He comes from a rival.")
    assert are_strangers(who(one.title, one.snippet or ""), who(other.title, other.snippet or ""))
    assert "name" in {p.kind for p in explain_pair(one, other).particulars}
    for later in (None, "He comes from Contoso."):
        assert "name" not in {p.kind for p in explain_pair(one, replace(other, snippet=later)).particulars}


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Contoso lays off 60 employees", {"cuts"}),
        ("About 60 positions to go at Contoso", {"cuts"}),
        ("Contoso cuts full-year forecast", {"results"}),
        ("Contoso names Maria Kern as chief executive", {"people"}),
        ("Contoso CEO steps down after takeover", {"people", "deal"}),
        ("Contoso raises $40 million", {"money"}),
        ("Contoso raises doubts", set()),
        ("Power is back in Porto", set()),
    ],
)
def test_kinds_of_event(title: str, found: set[str]) -> None:
    assert kinds(tokens(title)) == found


TEMPLATES = (
    ("{} to cut {} jobs in restructuring", "{} plans to cut {} jobs, as part of a restructuring."),
    ("{} lays off {} employees", "Staff of {} were told in a video call that {} of them must go."),
    (
        "About {1} positions to go at {0}",
        "The company wants to save money; unions of {0} said they would fight.",
    ),
)


def tellings(*parties: tuple[str, int]) -> dict[str, Doc]:
    return {
        f"{name}-{n}": Doc(
            f"{name}-{n}",
            title.format(name, jobs),
            lead.format(name, jobs),
            source=f"Outlet {n}",
            at=NOON + timedelta(hours=n),
        )
        for name, jobs in parties
        for n, (title, lead) in enumerate(TEMPLATES)
    }


def test_events_of_several_companies_in_the_same_words_are_as_many_stories() -> None:
    docs = tellings(("Zyntera Works", 240), ("Fabrikam", 300), ("Quarzo Foods", 60))
    stories = group(list(docs.values()))
    for one in docs:
        for other in docs:
            same = one.rpartition("-")[0] == other.rpartition("-")[0]
            assert (stories[one] == stories[other]) is same


def test_the_verdict_names_who_and_what_differs() -> None:
    one = Doc("1", "Zyntera to cut 240 jobs", "Zyntera told staff.")
    other = Doc("2", "Fabrikam to acquire Litware", "Fabrikam pays cash for it.")
    found = {p.kind: p for p in explain_pair(one, other).particulars}
    assert (found["name"].left, found["name"].right) == (("zyntera",), ("fabrikam", "litware"))
    assert (found["event"].left, found["event"].right) == (("cuts",), ("deal",))
    assert not found["name"].agree
    assert not found["event"].agree


@given(title=st.text(max_size=60), snippet=st.text(max_size=60))
def test_any_text_is_read_and_differs_from_nothing_in_itself(title: str, snippet: str) -> None:
    found = who(title, snippet)
    assert not are_exchanged(found, found)
    assert not are_strangers(found, found)
