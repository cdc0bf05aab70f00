"""How new a headline is beside those that were told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.classify.novelty import novelty

headlines = st.text(min_size=1, max_size=60)


@given(headlines, st.lists(headlines, max_size=5), headlines)
def test_it_is_a_share_and_more_that_was_told_never_makes_it_newer(
    title: str, told: list[str], other: str
) -> None:
    assert 0 <= novelty(title, [*told, other]) <= novelty(title, told) <= 1


@given(st.text(alphabet="abc 0", min_size=1, max_size=40).filter(str.strip))
def test_what_was_told_word_for_word_is_not_new(title: str) -> None:
    assert novelty(title, [title.upper()]) == pytest.approx(0)


def test_another_event_of_the_same_client_is_new() -> None:
    assert novelty("Acme names Ada Wong chief executive", ["Acme recalls widgets after fire in Leeds"]) > 0.8
    assert novelty("Acme to buy Orrin for $65 million", ["Acme buys Orrin in $65 million deal"]) < 0.5
