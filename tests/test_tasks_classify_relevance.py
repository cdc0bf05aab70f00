"""Relevance and insight: the laws a score must keep, and the sentences a reader gets."""

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.classify.rules import (
    INSIGHT_FROM,
    Category,
    RelevanceInput,
    Verdict,
    classify_text,
    insight,
    relevance,
)

TIERS: tuple[Literal["strategic", "growth", "standard"] | None, ...] = (
    None,
    "standard",
    "growth",
    "strategic",
)

inputs = st.builds(
    RelevanceInput,
    category=st.sampled_from(Category),
    category_confidence=st.floats(0, 1),
    salience=st.sampled_from(["primary", "passing"]),
    outlet_count=st.integers(0, 500),
    tier=st.sampled_from(TIERS),
    keyword_hits=st.integers(0, 20),
    age_hours=st.none() | st.floats(-10, 10_000),
    certainty=st.sampled_from(["stated", "speculative", "denied"]),
    novelty=st.floats(0, 1),
    risk=st.sampled_from(["none", "low", "medium", "high"]),
    opinion=st.none() | st.floats(0, 1),
)


def score(x: RelevanceInput, **changes: Any) -> float:
    return relevance(x.model_copy(update=changes)).score


@given(inputs)
def test_the_score_is_its_parts_added_up_and_cut_to_0_and_1(x: RelevanceInput) -> None:
    found = relevance(x)
    assert 0 <= found.score <= 1
    assert found.score == pytest.approx(min(1.0, max(0.0, sum(found.parts.values()))), abs=1e-9)
    assert found.reason.endswith(".")
    assert relevance(x) == found


@given(inputs, st.integers(0, 500))
def test_more_outlets_never_lower_it(x: RelevanceInput, more: int) -> None:
    assert score(x, outlet_count=x.outlet_count + more) >= score(x)


@given(inputs, st.floats(0, 1), st.floats(0, 1))
def test_a_classifier_that_finds_it_more_relevant_never_lowers_it(
    x: RelevanceInput, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    assert score(x, opinion=high) >= score(x, opinion=low)


@given(inputs)
def test_a_passing_mention_never_beats_a_primary_one(x: RelevanceInput) -> None:
    assert score(x, salience="passing") <= score(x, salience="primary")


@given(inputs)
def test_a_higher_tier_never_lowers_it(x: RelevanceInput) -> None:
    scores = [score(x, tier=tier) for tier in TIERS]
    assert scores == sorted(scores)


@given(inputs)
def test_a_rumour_never_beats_a_statement(x: RelevanceInput) -> None:
    assert score(x, certainty="denied") <= score(x, certainty="speculative") <= score(x, certainty="stated")


@given(inputs, st.floats(0, 5_000), st.floats(0, 5_000))
def test_older_never_beats_newer(x: RelevanceInput, one: float, other: float) -> None:
    assert score(x, age_hours=max(one, other)) <= score(x, age_hours=min(one, other))


@given(inputs, st.floats(0, 1), st.floats(0, 1))
def test_more_novelty_confidence_or_keywords_never_lower_it(
    x: RelevanceInput, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert score(x, novelty=low) <= score(x, novelty=high)
    assert score(x, category_confidence=low) <= score(x, category_confidence=high)
    assert score(x, keyword_hits=x.keyword_hits + 1) >= score(x)


def test_an_unknown_date_is_not_now() -> None:
    x = RelevanceInput(category=Category.FUNDING, category_confidence=0.9, salience="primary")
    assert score(x, age_hours=None) < score(x, age_hours=0)


def test_what_is_no_event_never_reaches_an_insight() -> None:
    best = RelevanceInput(
        category=Category.OTHER,
        category_confidence=1,
        salience="primary",
        outlet_count=100,
        tier="strategic",
        keyword_hits=2,
        age_hours=0,
    )
    assert relevance(best).score < INSIGHT_FROM


def test_a_plain_event_at_a_client_is_worth_a_mail_and_a_passing_mention_less() -> None:
    deal = RelevanceInput(
        category=Category.ACQUISITION,
        category_confidence=0.9,
        salience="primary",
        tier="standard",
        age_hours=3,
    )
    assert relevance(deal).score >= INSIGHT_FROM
    assert score(deal, salience="passing") < 0.5


def verdict(title: str) -> Verdict:
    return classify_text(title)


def test_an_insight_names_the_client_and_what_to_do() -> None:
    found = insight(verdict("Millway hit by ransomware attack"), "Millway {GmbH}", 0.9)
    assert found is not None
    assert "Millway {GmbH}" in found.meaning
    assert "{name}" not in found.meaning + "".join(found.actions)
    assert found.actions
    assert found.urgency == "high"


def test_below_the_threshold_there_is_none() -> None:
    assert insight(verdict("Millway hit by ransomware attack"), "Millway", INSIGHT_FROM - 0.01) is None
    assert insight(verdict("How to pick a mower: our guide"), "Millway", 1.0) is None


@pytest.mark.parametrize("category", [c for c in Category if c is not Category.OTHER])
def test_every_kind_of_event_has_an_insight(category: Category) -> None:
    stated = verdict("Millway hit by ransomware attack").model_copy(update={"category": category})
    found = insight(stated, "Millway", 0.9)
    assert found is not None
    assert found.meaning.endswith(".")


def test_a_rumour_is_marked_and_never_urgent() -> None:
    found = insight(verdict("Castor in talks to acquire Millway"), "Millway", 0.9)
    assert found is not None
    assert found.meaning.startswith("Not confirmed yet.")
    assert found.urgency == "normal"
    denied = insight(verdict("Millway denies plans to cut jobs"), "Millway", 0.9)
    assert denied is not None
    assert "denied" in denied.meaning
    assert denied.urgency == "low"


def test_results_read_by_their_tone() -> None:
    good = insight(verdict("Castor posts record profit and raises outlook"), "Castor", 0.9)
    bad = insight(verdict("Castor swings to loss and cuts outlook"), "Castor", 0.9)
    assert good is not None
    assert bad is not None
    assert good.meaning != bad.meaning


@pytest.mark.parametrize(
    ("name", "title", "said"),
    [
        ("Castor Group plc", "Castor to acquire Pollux for $2bn", "is the buyer"),
        ("Castor", "Pollux bought by Castor", "is the buyer"),
        ("Castor", "Millway sells paint unit to Castor", "is the buyer"),
        ("Pollux", "Castor to acquire Pollux for $2bn", "may get a new owner"),
        ("Pollux", "Pollux rejects takeover bid from Castor", "may get a new owner"),
        ("Millway", "Millway sells paint unit to Castor", "is parting with"),
        ("Millway", "Castor buys paint unit from Millway", "is parting with"),
        ("Castor", "Castor sues Pollux over patent", "gone to court itself"),
        ("Castor", "Pollux raises $50m led by Castor", "putting money into"),
        ("Pollux", "Pollux raises $50m led by Castor", "has new money"),
    ],
)
def test_the_step_fits_the_part_the_headline_says_the_client_has(name: str, title: str, said: str) -> None:
    found = insight(verdict(title), name, title=title)
    assert found is not None
    assert said in found.meaning


def test_where_the_headline_does_not_say_the_part_none_is_claimed() -> None:
    for title, name in (
        ("Castor and Pollux agree merger", "Castor"),
        ("Castor to acquire Pollux", "Millway"),
    ):
        found = insight(verdict(title), name, title=title)
        assert found == insight(verdict(title), name)


def test_an_approval_reads_as_one_and_a_fine_does_not() -> None:
    good = insight(verdict("Castor wins approval for new drug"), "Castor")
    bad = insight(verdict("Castor fined €20m over cartel"), "Castor")
    assert good is not None
    assert bad is not None
    assert "go ahead" in good.meaning
    assert "go ahead" not in bad.meaning
