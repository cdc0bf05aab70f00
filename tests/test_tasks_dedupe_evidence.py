"""What articles state, what that makes of a pair, and the verdict spelt out; all texts are invented."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.dedupe.doc import Doc, Reason, StoryConfig, read
from tasks.dedupe.evidence import evidence, weight_pairs
from tasks.dedupe.explain import explain_pair, explain_story
from tasks.dedupe.particulars import particulars
from tasks.dedupe.stories import StoryIndex, group
from tasks.dedupe.text import tokens
from tasks.dedupe.updates import is_material_update

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def stated(title: str, snippet: str = "") -> dict[str, set[str]]:
    found = particulars(title, snippet, [*tokens(title), *tokens(snippet)])
    return {kind: set(values) for kind, values in found.items()}


@pytest.mark.parametrize(
    ("title", "kind", "values"),
    [
        ("A 6.1-magnitude quake shakes the coast", "magnitude", {"60", "61", "62"}),
        ("Strong quake of magnitude 5.9 hits the south", "magnitude", {"58", "59", "60"}),
        ("Driver, a 41-year-old man, is charged", "age", {"41"}),
        ("Trial of founder aged 63 opens", "age", {"63"}),
        ("Plant to open on March 14", "date", {"mar 14"}),
        ("Plant to open in March", "month", {"mar"}),
        ("Pilots walk out on Thursday", "weekday", {"thursday"}),
        ("Fabrikam plans profit by 2031", "year", {"2031"}),
        ("Three towns lose power", "number", {"3"}),
        ("Fabrikam cuts 1,300 jobs", "number", {"1300"}),
        ("Power is back, says Zyntera", "subject", {"zyntera"}),
        ("Monday's quake is over", "weekday", {"monday"}),
    ],
)
def test_particulars_of_a_title(title: str, kind: str, values: set[str]) -> None:
    assert stated(title)[kind] == values


def test_common_words_times_and_dates_are_no_names_or_numbers() -> None:
    found = stated("Power Is Back After Long Night", "At 9:45 on May 3, 2031")
    assert "name" not in found
    assert "number" not in found


def test_a_name_of_the_lead_is_no_subject() -> None:
    found = stated("Power is back", "Zyntera said so.")
    assert "subject" not in found
    assert found["name"] == {"zyntera"}


def factors(a: Doc, b: Doc) -> dict[str, float]:
    return {e.kind: e.factor for e in evidence(read(a).stated, read(b).stated)}


def test_agreement_speaks_for_a_pair_and_difference_against_it() -> None:
    one = Doc("1", "Quake of magnitude 6.1 kills 14 in Zarun on Monday")
    same = Doc("2", "At least 14 dead in Zarun after Monday's quake of magnitude 6.2")
    other = Doc("3", "Tremor of magnitude 4.3 kills 2 in Melora on Thursday")
    assert all(factor >= 1.0 for factor in factors(one, same).values())
    assert all(factor < 1.0 for factor in factors(one, other).values())
    assert factors(one, other).keys() == {"magnitude", "number", "subject", "weekday"}


def test_a_name_in_a_title_may_be_in_the_others_lead() -> None:
    one = Doc("1", "Zyntera restores power")
    other = Doc("2", "Melora lights up again", "Grid operator Zyntera restored power in the night.")
    assert factors(one, other)["subject"] > 1.0


def test_an_outlet_seldom_tells_the_same_twice_and_its_columns_never_do() -> None:
    one = Doc("1", "Zyntera stock underperforms on Monday", source="Daily Sample")
    column = Doc("2", "Melora stock underperforms on Monday", source="Daily Sample")
    again = Doc("3", "Zyntera stock falls on Monday", source="Daily Sample")
    elsewhere = Doc("4", "Zyntera stock falls on Monday", source="Example Post")
    assert factors(one, column)["outlet"] < factors(one, again)["outlet"] < 1.0
    assert "outlet" not in factors(one, elsewhere)
    assert group([one, column])["1"] != group([one, column])["2"]


def test_tellings_further_apart_in_time_are_less_likely_one() -> None:
    docs = [Doc(str(h), "Pilots walk out", at=NOON + timedelta(hours=h)) for h in (0, 1, 30, 60, 119)]
    times = [factors(docs[0], doc)["time"] for doc in docs]
    assert times == sorted(times, reverse=True)
    assert times[0] > 1.0 > times[-1] > 0.0
    assert "time" not in factors(docs[0], Doc("n", "Pilots walk out"))


texts = st.lists(
    st.sampled_from(
        "Zyntera Melora quake of magnitude 6.1 4.3 Monday Thursday May 3 14 restores power".split()
    ),
    min_size=1,
    max_size=8,
).map(" ".join)
articles = st.builds(
    Doc,
    key=st.uuids().map(str),
    title=texts,
    snippet=st.none() | texts,
    source=st.sampled_from([None, "Daily Sample", "Example Post"]),
    at=st.none() | st.integers(0, 200).map(lambda h: NOON + timedelta(hours=h)),
)


@settings(max_examples=80, deadline=None)
@given(one=articles, other=articles)
def test_a_pair_weighs_the_same_either_way_and_in_bulk(one: Doc, other: Doc) -> None:
    a, b = read(one).stated, read(other).stated
    assert list(evidence(a, b)) == list(evidence(b, a))
    [bulk] = weight_pairs([a, b], np.array([0]), np.array([1]))
    assert bulk == pytest.approx(np.prod([e.factor for e in evidence(a, b)]))


@settings(max_examples=60, deadline=None)
@given(one=articles, other=articles)
def test_a_pairs_verdict_is_the_engines_and_the_same_either_way(one: Doc, other: Doc) -> None:
    plain = StoryConfig(share=0.0)  # two articles have no third through which to meet
    verdict, mirrored = explain_pair(one, other, plain), explain_pair(other, one, plain)
    assert (verdict.joined, verdict.reason) == (mirrored.joined, mirrored.reason)
    assert verdict.similarity == pytest.approx(mirrored.similarity, abs=1e-3)
    json.dumps(verdict.as_json())
    stories = group([one, other], plain)
    if abs(verdict.similarity - verdict.threshold) > 0.01:
        assert verdict.joined == (stories[one.key] == stories[other.key])


DEAL = Doc("1", "Contoso agrees to buy Fabrikam for $6.5 billion", "The deal closes in June.", at=NOON)


@pytest.mark.parametrize(
    ("other", "reason", "said"),
    [
        (Doc("2", "Fabrikam goes to Contoso for $6.5bn", at=NOON), Reason.SAME_EVENT, "fabrikam"),
        (Doc("2", DEAL.title, DEAL.snippet, "Another", at=NOON), Reason.SAME_CONTENT, "Word for word"),
        (Doc("2", DEAL.title, DEAL.snippet, at=NOON + timedelta(days=9)), Reason.KEPT_APART_TIME, "9.0 days"),
        (Doc("2", "Pilots vote on a contract", at=NOON), Reason.UNLIKE, "no telling word"),
    ],
)
def test_a_verdict_says_why(other: Doc, reason: Reason, said: str) -> None:
    verdict = explain_pair(DEAL, other)
    assert verdict.reason == reason
    assert said in verdict.sentence
    assert verdict.threshold == StoryConfig().threshold


def test_a_verdict_shows_words_and_particulars() -> None:
    verdict = explain_pair(DEAL, Doc("2", "Fabrikam goes to Contoso for $6.5bn", at=NOON))
    assert {"contoso", "fabrikam", "6.5"} <= {s.word for s in verdict.shared}
    assert verdict.cosine == pytest.approx(sum(s.weight for s in verdict.shared), abs=0.01)
    [number] = [p for p in verdict.particulars if p.kind == "number"]
    assert number.agree
    assert number.left == number.right == ("6.5",)


def test_what_rules_a_pair_out_is_named() -> None:
    second = Doc("1", "Contoso second quarter profit falls")
    third = Doc("2", "Contoso third quarter profit falls")
    verdict = explain_pair(second, third)
    assert (verdict.joined, verdict.reason, verdict.conflict) == (False, Reason.KEPT_APART_NUMBERS, "quarter")
    ours = explain_pair(
        Doc("1", "Profit rises at Contoso", parties=frozenset({"a"})),
        Doc("2", "Profit rises at Fabrikam", parties=frozenset({"b"})),
    )
    assert (ours.joined, ours.reason) == (False, Reason.KEPT_APART_CLIENTS)


def test_an_article_is_measured_against_a_whole_story() -> None:
    told = [DEAL, Doc("2", "Contoso to acquire Fabrikam in $6.5bn deal", at=NOON)]
    joins = explain_story(Doc("3", "Contoso strikes $6.5 billion deal for Fabrikam", at=NOON), told)
    assert joins.joined
    assert joins.mean >= joins.bar
    assert joins.pairs.keys() == {"1", "2"}
    stays = explain_story(Doc("3", "Pilots vote on a contract", at=NOON), told)
    assert (stays.joined, stays.reason) == (False, Reason.UNLIKE)
    json.dumps(joins.as_json())


def test_batches_group_as_all_at_once() -> None:
    docs = [
        DEAL,
        Doc("2", "Contoso to acquire Fabrikam in $6.5bn deal", at=NOON),
        Doc("3", "Pilots vote on a contract at Zyntera", at=NOON),
        Doc("4", "Zyntera pilots to vote on contract", at=NOON),
    ]
    whole = group(docs)
    for order in (docs, docs[::-1]):
        index = StoryIndex()
        stories: dict[str, str] = {}
        for doc in order:
            stories |= {p.key: p.story for p in (*index.add([doc]), *index.moved)}
        together = {a.key: {b.key for b in docs if stories[a.key] == stories[b.key]} for a in docs}
        assert together == {a.key: {b.key for b in docs if whole[a.key] == whole[b.key]} for a in docs}


UPDATES = st.sampled_from(
    [
        Doc("1", "Contoso in talks to buy Fabrikam", "It could pay $6 billion."),
        Doc("2", "Contoso explores Fabrikam takeover"),
        Doc("3", "Contoso offers $7 billion for Fabrikam"),
        Doc("4", "Contoso completes purchase of Fabrikam"),
        Doc("5", "Contoso's $7bn bid for Fabrikam backed by Zyntera"),
    ]
)


@settings(max_examples=60, deadline=None)
@given(old=st.lists(UPDATES, min_size=1, max_size=5), new=UPDATES, data=st.data())
def test_an_update_does_not_depend_on_order_or_copies(old: list[Doc], new: Doc, data: st.DataObject) -> None:
    said = is_material_update(old, new)
    assert is_material_update(data.draw(st.permutations(old)), new) == said
    assert is_material_update([*old, new], new) is None
    if len(old) > 1:
        assert is_material_update([*old, old[0]], new) == said
