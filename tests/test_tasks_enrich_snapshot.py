"""From a CRM's record to a snapshot: sums, dates, health and engagement, and the laws they keep."""

import json
import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from conftest import NOW, Tenant
from desk import rows
from hypothesis import given, settings
from hypothesis import strategies as st

from models.crm import CrmSnapshot
from models.engine import insert_rows, writing
from tasks.enrich.crm import Case, Opportunity, Record
from tasks.enrich.snapshot import Facts, facts_of
from tasks.enrich.standing import standing_of

TODAY = NOW.date()
BARE = Record(crm_id="1", name="Acme")
RANKS = {None: 0, "healthy": 0, "watch": 1, "at risk": 2}


def record(**fields: Any) -> Record:
    return replace(BARE, **fields)


def deal(amount: float | None = 100.0, currency: str | None = "EUR", **fields: Any) -> Opportunity:
    return Opportunity("Deal", amount=amount, currency=currency, **fields)


def day(days: int) -> date:
    return TODAY + timedelta(days=days)


def urgent(count: int) -> tuple[Case, ...]:
    return (Case(NOW, is_urgent=True),) * count


def test_of_an_account_that_the_crm_says_nothing_of_nothing_is_claimed() -> None:
    assert facts_of(BARE, NOW) == Facts()


@pytest.mark.parametrize(
    ("deals", "total", "currency", "parts"),
    [
        ([deal(100), deal(50.5)], 150.5, "EUR", {"EUR": 150.5}),
        ([deal(0.1), deal(0.2)], 0.3, "EUR", {"EUR": 0.3}),
        ([deal(100), deal(70, "USD"), deal(1, "USD")], None, None, {"EUR": 100.0, "USD": 71.0}),
        ([deal(100), deal(70, None)], None, None, {"EUR": 100.0, "unknown": 70.0}),
        ([deal(70, None)], 70.0, None, {"unknown": 70.0}),
        ([deal(70, "Euro")], 70.0, None, {"unknown": 70.0}),
        ([deal(70, "eur")], 70.0, "EUR", {"EUR": 70.0}),
        ([deal(None), deal(100)], 100.0, "EUR", {"EUR": 100.0}),
        ([deal(100), deal(900, is_open=False)], 100.0, "EUR", {"EUR": 100.0}),
        ([deal(100), deal(math.nan), deal(math.inf), deal(1e18)], 100.0, "EUR", {"EUR": 100.0}),
        ([deal(None)], None, None, None),
    ],
    ids=[
        "sum",
        "cents",
        "two",
        "one unnamed",
        "unnamed",
        "no code",
        "small",
        "no amount",
        "closed",
        "absurd",
        "none",
    ],
)
def test_the_open_pipeline(
    deals: list[Opportunity], total: float | None, currency: str | None, parts: dict[str, float] | None
) -> None:
    facts = facts_of(record(opportunities=tuple(deals)), NOW)
    assert (facts.open_pipeline, facts.currency) == (total, currency)
    assert facts.details.get("pipeline") == parts


def test_the_renewal_is_the_crms_own_date_else_the_next_open_renewal() -> None:
    renewals = (
        deal(is_renewal=True, close_on=day(90)),
        deal(is_renewal=True, close_on=day(30)),
        deal(is_renewal=True, close_on=day(-1)),
        deal(is_renewal=True, close_on=day(5), is_open=False),
        deal(close_on=day(2)),
    )
    assert facts_of(record(opportunities=renewals), NOW).renewal_on == day(30)
    assert facts_of(record(opportunities=renewals, renewal_on=day(-9)), NOW).renewal_on == day(-9)
    assert facts_of(record(opportunities=renewals[4:]), NOW).renewal_on is None


@pytest.mark.parametrize(
    ("fields", "health", "parts"),
    [
        ({"renewal_on": day(300)}, "healthy", {}),
        ({"renewal_on": day(-1)}, "at risk", {"overdue_renewal": 50}),
        ({"opportunities": (deal(is_renewal=True, close_on=day(-1)),)}, "at risk", {"overdue_renewal": 50}),
        ({"renewal_on": day(30)}, "healthy", {}),
        (
            {"renewal_on": day(30), "opportunities": (deal(is_open=False, is_won=True),)},
            "watch",
            {"renewal_without_deal": 25},
        ),
        ({"renewal_on": day(30), "opportunities": (deal(),)}, "healthy", {}),
        ({"renewal_on": day(61), "opportunities": (deal(is_open=False, is_won=True),)}, "healthy", {}),
        ({"cases": urgent(1)}, "watch", {"urgent_cases": 25, "open_cases": 5}),
        ({"cases": urgent(2)}, "at risk", {"urgent_cases": 50, "open_cases": 10}),
        ({"cases": urgent(9)}, "at risk", {"urgent_cases": 50, "open_cases": 20}),
        ({"cases": (Case(NOW),) * 9}, "healthy", {"open_cases": 20}),
        ({"cases": (Case(NOW, is_open=False, is_urgent=True),) * 9}, "healthy", {}),
        ({"last_activity_at": NOW - timedelta(days=89)}, "healthy", {}),
        ({"last_activity_at": NOW - timedelta(days=90)}, "watch", {"no_activity": 25}),
        ({"last_activity_at": NOW - timedelta(days=180)}, "watch", {"no_activity": 40}),
        ({"opportunities": (deal(is_open=False, close_on=day(-30)),)}, "healthy", {"lost_deals": 15}),
        ({"opportunities": (deal(is_open=False, close_on=day(-30)),) * 5}, "watch", {"lost_deals": 30}),
        ({"opportunities": (deal(is_open=False, close_on=day(-181)),)}, "healthy", {}),
    ],
)
def test_health_is_reckoned_from_parts_that_are_shown(
    fields: dict[str, Any], health: str, parts: dict[str, int]
) -> None:
    facts = facts_of(record(**fields), NOW)
    assert facts.health == health
    assert facts.details["health"] == {
        "verdict": health,
        "source": "reckoned",
        "points": sum(parts.values()),
        "parts": parts,
    }


def test_the_crms_own_health_goes_before_ours_which_is_shown_beside_it() -> None:
    facts = facts_of(record(health="Green", cases=urgent(3)), NOW)
    assert facts.health == "Green"
    assert facts.details["health"]["source"] == "crm"
    assert facts.details["health"]["parts"] == {"urgent_cases": 50, "open_cases": 15}


@pytest.mark.parametrize(
    ("fields", "score", "parts"),
    [
        ({"last_activity_at": NOW}, 1.0, {"activity": 1.0}),
        ({"last_activity_at": NOW + timedelta(days=3)}, 1.0, {"activity": 1.0}),
        ({"last_activity_at": NOW - timedelta(days=400)}, 0.0, {"activity": 0.0}),
        ({"opportunities": (deal(),) * 3}, 0.5, {"open_deals": 1.0, "recent_wins": 0.0}),
        (
            {
                "last_activity_at": NOW,
                "opportunities": (deal(is_open=False, is_won=True, close_on=day(-10)),) * 2,
            },
            0.75,
            {"activity": 1.0, "open_deals": 0.0, "recent_wins": 1.0},
        ),
    ],
)
def test_engagement_is_the_weighted_mean_of_what_is_known(
    fields: dict[str, Any], score: float, parts: dict[str, float]
) -> None:
    assert facts_of(record(**fields), NOW).details["engagement"] == {"score": score, "parts": parts}


def test_words_fit_their_columns_and_steer_nothing(tenant: Tenant) -> None:
    client_id = tenant.add_client("Acme")
    wild = record(
        tier="Go\x00ld\n" + "x" * 300,
        health="\ud800Fi\x1b[31mne" + "y" * 300,
        owner_name="A\u200bda\r\n" + "z" * 300,
        opportunities=(deal(),),
        cases=urgent(1),
        last_activity_at=NOW,
    )
    facts = facts_of(wild, NOW)
    columns = {name: getattr(facts, name) for name in Facts.__dataclass_fields__}
    with writing(tenant.scope) as session:
        row = {"client_id": client_id, "provider": "book", "taken_at": NOW}
        insert_rows(session, CrmSnapshot, [row | columns])
    [kept] = rows(tenant, CrmSnapshot)
    assert kept.tier.startswith("Go ld x")
    assert len(kept.tier) == 60
    assert (kept.owner_name[:5], kept.details) == ("A da ", facts.details)


DAYS = st.integers(-800, 800).map(day)
DEALS = st.builds(
    Opportunity,
    name=st.just("d"),
    amount=st.none() | st.floats(),
    currency=st.sampled_from([None, "EUR", "USD", "?"]),
    close_on=st.none() | DAYS,
    is_open=st.booleans(),
    is_won=st.booleans(),
    is_renewal=st.booleans(),
)
CASES = st.builds(Case, opened_at=st.none() | st.just(NOW), is_open=st.booleans(), is_urgent=st.booleans())
RECORDS = st.builds(
    Record,
    crm_id=st.just("1"),
    name=st.just("Acme"),
    renewal_on=st.none() | DAYS,
    last_activity_at=st.none() | st.integers(0, 20_000).map(lambda hours: NOW - timedelta(hours=hours)),
    opportunities=st.lists(DEALS, max_size=6).map(tuple),
    cases=st.lists(CASES, max_size=6).map(tuple),
)


@settings(deadline=None)
@given(RECORDS)
def test_scores_stay_within_bounds_and_details_are_plain_json(any_record: Record) -> None:
    facts = facts_of(any_record, NOW)
    standing = standing_of(any_record, NOW)
    assert standing.engagement is None or 0 <= standing.engagement <= 1
    assert all(0 <= part <= 1 for part in standing.engagements.values())
    assert standing.points == sum(standing.risks.values()) >= 0
    assert facts.health in ("healthy", "watch", "at risk", None)
    assert facts.open_pipeline is None or math.isfinite(facts.open_pipeline)
    assert json.loads(json.dumps(facts.details, allow_nan=False)) == facts.details


@settings(deadline=None)
@given(RECORDS, st.integers(1, 4))
def test_more_urgent_cases_never_make_it_healthier(any_record: Record, more: int) -> None:
    worse = replace(any_record, cases=any_record.cases + urgent(more))
    assert standing_of(worse, NOW).points >= standing_of(any_record, NOW).points
    assert RANKS[standing_of(worse, NOW).health] >= RANKS[standing_of(any_record, NOW).health]
    hotter = replace(any_record, cases=tuple(replace(case, is_urgent=True) for case in any_record.cases))
    assert standing_of(hotter, NOW).points >= standing_of(any_record, NOW).points


@settings(deadline=None)
@given(RECORDS.filter(lambda one: one.last_activity_at is not None), st.integers(0, 20_000))
def test_a_later_activity_never_lowers_engagement_nor_health(any_record: Record, hours: int) -> None:
    assert any_record.last_activity_at is not None
    later = replace(any_record, last_activity_at=any_record.last_activity_at + timedelta(hours=hours))
    before, after = standing_of(any_record, NOW), standing_of(later, NOW)
    assert (after.engagement or 0) >= (before.engagement or 0)
    assert after.points <= before.points


@settings(deadline=None)
@given(RECORDS)
def test_what_is_unknown_is_not_held_against_the_account(any_record: Record) -> None:
    for forgotten in ({"renewal_on": None, "opportunities": ()}, {"cases": ()}, {"last_activity_at": None}):
        less = standing_of(replace(any_record, **forgotten), NOW)  # type: ignore[arg-type]
        assert less.points <= standing_of(any_record, NOW).points
