"""Patterns as data: a tenant's own, and a language added by adding its file. Names and words are invented."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.classify.rules import (
    Category,
    Pattern,
    PatternsError,
    classify_text,
    detect_language,
    load_languages,
    load_patterns,
)

OWN = """
[lists]
hall = "hall plant turbine_hall"

[[group]]
category = "expansion"
weight = 4
says = "Commissioning, as our industry words it"
phrases = ["commissions ~2 <hall>", "energises ~3 line"]

[[group]]
category = "other"
weight = 6
phrases = ["open day"]
"""


def test_own_patterns_are_written_as_ours_are() -> None:
    own = load_patterns(OWN)
    assert [p.category for p in own] == [Category.EXPANSION, Category.EXPANSION, Category.OTHER]
    verdict = classify_text("Castor commissions its turbine hall", extra=own)
    assert verdict.category is Category.EXPANSION
    assert verdict.reason == 'Commissioning, as our industry words it: "commissions its turbine hall".'
    assert classify_text("Castor to open plant in Ohio on open day").category is Category.EXPANSION
    assert classify_text("Castor to open plant in Ohio on open day", extra=own).category is Category.OTHER
    assert classify_text("Castor to acquire Kopano", extra=own) == classify_text("Castor to acquire Kopano")


def test_a_mapping_does_as_well_as_toml_and_a_pattern_stands_for_itself() -> None:
    data = {"group": [{"category": "award", "phrases": ["takes|took rosette"]}]}
    (own,) = load_patterns(data)
    assert classify_text("Castor takes rosette", extra=[own]).category is Category.AWARD
    assert Pattern.model_validate_json(own.model_dump_json()) == own
    assert load_patterns(json.loads(json.dumps(data))) == (own,)
    assert load_patterns({}) == ()


@pytest.mark.parametrize(
    ("source", "where", "says"),
    [
        ("[[group]\n", "the text", "TOML"),
        ({"groups": []}, "groups", "neither"),
        ({"group": {}}, "group", "list"),
        ({"group": ["award"]}, "group 1", "dictionary"),
        ({"lists": []}, "lists", "table"),
        ({"lists": {"a": 3}}, "lists, a", "string"),
        ({"lists": {"a": "<b>"}}, "lists, a", "<b>"),
        ({"lists": {"a": "b|c"}}, "lists, a", "not a word"),
        ({"group": [{"category": "prize", "phrases": ["a"]}]}, "group 1, category", "award"),
        ({"group": [{"category": "award", "phrases": []}]}, "group 1, phrases", "at least 1"),
        ({"group": [{"category": "award", "phrases": ["wins", 3]}]}, "group 1, phrase 2", "string"),
        (
            {"group": [{"category": "award", "phrases": ["wins", "<nothing>"]}]},
            "group 1, phrase 2",
            "<nothing>",
        ),
        ({"group": [{"category": "award", "phrases": ["a " * 400]}]}, "group 1, phrase 1", "600"),
        ({"group": [{"category": "award", "phrases": ["a"] * 501}]}, "group", "500"),
        ({"group": [{"category": "award", "weight": 11, "phrases": ["a"]}]}, "group 1, weight", "10"),
        ({"group": [{"category": "award", "colour": "red", "phrases": ["a"]}]}, "group 1, colour", "Extra"),
        ({"group": [{"category": "award", "language": "xx", "phrases": ["a"]}]}, "group 1, phrase 1", "'xx'"),
    ],
)
def test_what_is_wrong_is_named_with_its_row(source: str | dict[str, object], where: str, says: str) -> None:
    with pytest.raises(PatternsError) as caught:
        load_patterns(source)
    (problem,) = caught.value.problems
    assert problem.where == where
    assert says in problem.message
    assert str(caught.value) == f"{where}: {problem.message}"


def test_all_problems_are_named_at_once() -> None:
    group = {"category": "award", "phrases": ["~3", "wins prize", "buy ~99 firm"]}
    with pytest.raises(PatternsError) as caught:
        load_patterns({"group": [group, {"category": "nonsense", "phrases": ["a"]}]})
    assert [p.where for p in caught.value.problems] == [
        "group 1, phrase 1",
        "group 1, phrase 3",
        "group 2, category",
    ]


@given(st.text(max_size=80) | st.text(alphabet="[]group=\"'\n #|<>~,{}", max_size=80))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    with suppress(PatternsError):
        assert isinstance(load_patterns(text), tuple)


TINY = """
[detection]
frequent = "vel dorim sta hanu"

[text]
abbreviations = "korp."
possessive = "-ta"
kept = ""
explaining = "vel"
fronted = "vel"
idioms = ""
reporting = "rekl"

[classes]
about = "asi"
currency_codes = "tal"
scales = "milun"
scales_after_a_sign = "m"
currencies = "talo"
numbers = "ena dva"
percent = "procu"
percent_alone = "pol"
common = "sta"

[lists]
kup = "kupim kupal"

[[group]]
category = "acquisition"
weight = 3.4
says = "Pova de kupo"
phrases = ["<kup> ~3 <money>"]

[[group]]
category = "other"
weight = 5.0
says = "Burza"
phrases = ["burza"]

[tone]
negators = "neni"
denied = ["neni <kup>"]
speculative = ["snad"]
reported = ["zdroj"]

[tone.base_sentiment]
acquisition = 0.2

[tone.base_risk]
acquisition = "medium"

[tone.risk]
high = ["krah"]

[tone.words]
"0.8" = "dobri"
"""


@pytest.fixture
def pattern_files(tmp_path: Path) -> Path:
    (tmp_path / "qx.toml").write_text(TINY, encoding="utf-8")
    (tmp_path / "qy.toml").write_text(TINY.replace("vel dorim sta hanu", "ulu"), encoding="utf-8")
    return tmp_path


def test_a_language_is_added_by_adding_its_file(pattern_files: Path) -> None:
    languages = load_languages(pattern_files)
    title = "Nimbo dorim kupal Larchu za 30 milun talo"
    assert detect_language(title, languages) == "qx"
    verdict = classify_text(title, languages=languages)
    assert (verdict.language, verdict.language_supported) == ("qx", True)
    assert verdict.category is Category.ACQUISITION
    assert verdict.evidence == "kupal Larchu za 30 milun talo"
    assert verdict.risk == "medium"
    assert (
        classify_text("Nimbo dorim kupal Larchu za 30 talo", languages=languages).category is Category.OTHER
    )
    assert (
        classify_text("Nimbo dorim snad kupal Larchu za 30 milun", languages=languages).certainty
        == "speculative"
    )
    assert classify_text("Nimbo dorim neni kupal Larchu", languages=languages).certainty == "denied"
    assert not classify_text(title).language_supported or classify_text(title).language == "en"


def test_a_file_that_cannot_be_used_is_named_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "qx.toml").write_text(TINY.replace("<kup> ~3 <money>", "<kop> ~3 <money>"), encoding="utf-8")
    with pytest.raises(PatternsError, match=r"qx.toml, group 1, phrase 1: .*<kop>"):
        load_languages(tmp_path)
    (tmp_path / "qx.toml").write_text(TINY.replace("negators", "negatory"), encoding="utf-8")
    with pytest.raises(PatternsError, match=r"qx.toml: lacks 'negators'"):
        load_languages(tmp_path)
