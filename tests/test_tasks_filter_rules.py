"""The rules: one verdict, one reason, always in the same order."""

from dataclasses import replace
from datetime import timedelta

import pytest
from conftest import NOW
from hypothesis import given
from hypothesis import strategies as st

from models.accounts import Frequency
from models.base import new_id
from models.events import Category
from models.mail import Route, SkipReason
from tasks.filter.rules import EventFacts, PersonFacts, Verdict, decide, person_objection

EVENT = EventFacts(new_id(), new_id(), "funding", 0.8, NOW - timedelta(hours=2))
PERSON = PersonFacts(new_id())

events = st.builds(
    EventFacts,
    event_id=st.just(EVENT.event_id),
    client_id=st.just(EVENT.client_id),
    category=st.sampled_from([category.value for category in Category]),
    relevance=st.floats(0, 1),
    happened_at=st.timedeltas(timedelta(days=-2), timedelta(days=50)).map(lambda age: NOW - age),
    is_history=st.booleans(),
    language_supported=st.booleans(),
)
people = st.builds(
    PersonFacts,
    user_id=st.just(PERSON.user_id),
    active=st.booleans(),
    assigned=st.booleans(),
    assigned_clients_only=st.booleans(),
    notifications_on=st.booleans(),
    email_on=st.booleans(),
    suppressed=st.booleans(),
    client_muted=st.booleans(),
    categories=st.none() | st.frozensets(st.sampled_from([category.value for category in Category])),
    threshold=st.floats(0, 1),
    client_threshold=st.none() | st.floats(0, 1),
    frequency=st.sampled_from(Frequency),
)


def judge(event: EventFacts = EVENT, person: PersonFacts = PERSON) -> Verdict:
    return decide(event, person, as_of=NOW, freshness_days=7)


@pytest.mark.parametrize(
    ("event", "person", "reason", "words"),
    [
        ({}, {"active": False}, SkipReason.DEACTIVATED, "deactivated"),
        ({}, {"assigned": False}, SkipReason.NOT_ASSIGNED, "not assigned"),
        ({}, {"notifications_on": False}, SkipReason.NOTIFICATIONS_OFF, "notifications off"),
        ({}, {"email_on": False}, SkipReason.EMAIL_OFF, "e-mail off"),
        ({}, {"suppressed": True}, SkipReason.SUPPRESSED, "suppressed"),
        ({"withdrawn": True}, {}, SkipReason.WRONG_COMPANY, "not about this client after all"),
        ({}, {"client_muted": True}, SkipReason.CLIENT_MUTED, "muted"),
        ({"language": "fi", "language_supported": False}, {}, SkipReason.LANGUAGE_UNSUPPORTED, "(fi)"),
        ({}, {"categories": frozenset({"award"})}, SkipReason.CATEGORY_NOT_WANTED, "funding is not among"),
        (
            {},
            {"muted_categories": frozenset({"funding"})},
            SkipReason.CATEGORY_MUTED,
            "funding news of this client is not relevant to you",
        ),
        (
            {"relevance": 0.31},
            {},
            SkipReason.BELOW_THRESHOLD,
            "relevance 0.31 is below your threshold of 0.50",
        ),
        ({}, {"client_threshold": 0.9}, SkipReason.BELOW_THRESHOLD, "your threshold for this client of 0.90"),
        ({"happened_at": NOW - timedelta(days=8)}, {}, SkipReason.STALE, "8 days old"),
        (
            {"happened_at": NOW - timedelta(days=31), "is_history": True},
            {},
            SkipReason.HISTORY,
            "over 30 days",
        ),
    ],
)
def test_each_reason_with_its_sentence(event, person, reason, words):
    verdict = judge(replace(EVENT, **event), replace(PERSON, **person))
    assert verdict.reason is reason
    assert verdict.route is None
    assert words in verdict.sentence


def test_the_first_objection_in_the_documented_order_is_the_reason():
    wrong = replace(
        EVENT, relevance=0, language_supported=False, happened_at=NOW - timedelta(days=99), withdrawn=True
    )
    cured = [
        ({"active": True}, SkipReason.DEACTIVATED),
        ({"assigned": True}, SkipReason.NOT_ASSIGNED),
        ({"notifications_on": True}, SkipReason.NOTIFICATIONS_OFF),
        ({"email_on": True}, SkipReason.EMAIL_OFF),
        ({"suppressed": False}, SkipReason.SUPPRESSED),
    ]
    person = replace(
        PERSON,
        active=False,
        assigned=False,
        notifications_on=False,
        email_on=False,
        suppressed=True,
        client_muted=True,
        categories=frozenset({"award"}),
        muted_categories=frozenset({"funding"}),
    )
    for cure, reason in cured:
        assert judge(wrong, person).reason is reason
        person = replace(person, **cure)
    assert judge(wrong, person).reason is SkipReason.WRONG_COMPANY
    wrong = replace(wrong, withdrawn=False)
    assert judge(wrong, person).reason is SkipReason.CLIENT_MUTED
    person = replace(person, client_muted=False)
    assert judge(wrong, person).reason is SkipReason.LANGUAGE_UNSUPPORTED
    wrong = replace(wrong, language_supported=True)
    assert judge(wrong, person).reason is SkipReason.CATEGORY_NOT_WANTED
    person = replace(person, categories=None)
    assert judge(wrong, person).reason is SkipReason.CATEGORY_MUTED
    person = replace(person, muted_categories=frozenset())
    assert judge(wrong, person).reason is SkipReason.BELOW_THRESHOLD
    assert judge(replace(wrong, relevance=1), person).reason is SkipReason.STALE


def test_routes():
    assert judge().route is Route.DIGEST
    instant = replace(PERSON, frequency=Frequency.INSTANT)
    assert judge(person=instant).route is Route.INSTANT
    old = judge(replace(EVENT, is_history=True, happened_at=NOW - timedelta(days=20)), instant)
    assert (old.route, old.is_history) == (Route.DIGEST, True)
    everything = replace(PERSON, assigned=False, assigned_clients_only=False)
    assert judge(person=everything).route is Route.DIGEST


def test_what_was_fresh_does_not_turn_stale_by_waiting_for_its_own_window():
    event = replace(EVENT, happened_at=NOW - timedelta(days=9))
    assert judge(event).reason is SkipReason.STALE
    waited = decide(event, PERSON, as_of=NOW, freshness_days=7, waited=timedelta(days=7))
    assert waited.route is Route.DIGEST


def test_a_verdict_is_a_route_or_a_reason():
    with pytest.raises(ValueError, match="never both or neither"):
        Verdict(None, None, "")
    with pytest.raises(ValueError, match="never both or neither"):
        Verdict(Route.DIGEST, SkipReason.STALE, "")


@given(events, people)
def test_every_verdict_has_one_answer_and_a_sentence(event, person):
    verdict = judge(event, person)
    assert (verdict.route is None) != (verdict.reason is None)
    assert verdict.sentence
    assert verdict == judge(event, person)
    if verdict.route is Route.INSTANT:
        assert person.frequency is Frequency.INSTANT
        assert not event.is_history
    if verdict.is_history:
        assert event.is_history


@given(events, people, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_turns_a_skip_into_mail(event, person, one, other):
    low, high = sorted((one, other))
    for field in ("threshold", "client_threshold"):
        lower = judge(event, replace(person, **{field: low}))
        higher = judge(event, replace(person, **{field: high}))
        assert not (lower.reason and higher.route)


@given(events, people)
def test_fewer_permissions_never_turn_a_skip_into_mail(event, person):
    before = judge(event, person)
    for less in (
        {"active": False},
        {"notifications_on": False},
        {"email_on": False},
        {"suppressed": True},
        {"client_muted": True},
        {"categories": frozenset()},
    ):
        after = judge(event, replace(person, **less))
        assert after.reason is not None
        if before.reason is None:
            assert after.reason is not before.reason


@given(events, people, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_time_never_turns_a_skip_into_mail(event, person, later):
    before = decide(event, person, as_of=NOW, freshness_days=7)
    after = decide(event, person, as_of=NOW + later, freshness_days=7)
    assert not (before.reason and after.route)


@given(people)
def test_nothing_reaches_a_person_with_an_objection(person):
    objection = person_objection(person)
    if objection is not None:
        assert judge(person=person) == objection
