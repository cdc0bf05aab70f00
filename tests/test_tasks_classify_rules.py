"""The rules classifier: texts to verdicts. Headlines here are invented, companies included."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evaluation.categories import evaluate_categories
from tasks.classify.rules import Category, Pattern, Verdict, classify_text, detect_language, insight

HEADLINES = [
    ("funding", "Nimbleware bags $40m Series B to take its payroll software abroad"),
    ("funding", "Castor Energy sells €750 million of green bonds"),
    ("funding", "Orchard Robotics files confidentially for U.S. listing"),
    ("acquisition", "Brightloom snaps up chip designer for $900m"),
    ("acquisition", "Castor to offload its Polish pipes business"),
    ("acquisition", "Voltaro rejects unsolicited approach from Castor"),
    ("leadership_change", "Voltaro finance chief to leave after six years"),
    ("leadership_change", "Orchard names Anna Petrov chief operating officer"),
    ("leadership_change", "Harlan chairman ousted in boardroom coup"),
    ("product_launch", "Orchard introduces cordless mower tool for small gardens"),
    ("product_launch", "Voltaro's first electric van goes on sale"),
    ("partnership", "Castor wins order for 40 turbines from utility"),
    ("partnership", "Pavo joins forces with fintech on instant loans"),
    ("financial_results", "Harlan's quarterly profit slides 12% on cocoa costs"),
    ("financial_results", "Millway issues second profit warning"),
    ("financial_results", "Tessel shares plunge as earnings guidance disappoints"),
    ("regulatory", "Harlan recalls peanut butter over salmonella fears"),
    ("regulatory", "Watchdog opens probe into Millway pricing"),
    ("litigation", "Voltaro sued over battery fires"),
    ("litigation", "Jury awards $90m in Castor pollution case"),
    ("layoffs", "Castor to shed one in ten staff"),
    ("layoffs", "Orchard files for insolvency"),
    ("expansion", "Harlan to invest $300m in Texas bakery"),
    ("expansion", "Tessel adds flights to Lisbon"),
    ("security_incident", "Millway hit by ransomware attack"),
    ("security_incident", "Flaw in Brightloom router exploited in the wild"),
    ("award", "Harlan named among best places to work"),
    ("award", "Castor tops sustainability ranking"),
    ("other", "Voltaro stock falls 3%"),
    ("other", "How to pick a mower: our guide"),
    ("other", "Markets wrap: shares climb as oil slips"),
    ("other", "Five stocks to buy before Christmas"),
    ("other", "Analyst raises Brightloom price target"),
    ("other", "Pilots at Tessel vote to strike"),
    ("other", "Army launches offensive in the north"),
    ("other", "Coach fired after tenth defeat"),
]


@pytest.mark.parametrize(("category", "title"), HEADLINES)
def test_plain_headlines_get_their_category_with_evidence_and_a_reason(category: str, title: str) -> None:
    verdict = classify_text(title)
    assert verdict.category.value == category, verdict.parts
    assert verdict.evidence in title
    assert verdict.evidence or verdict.category is Category.OTHER
    assert verdict.evidence in verdict.reason
    assert verdict.reason.endswith(".")


@pytest.mark.parametrize(
    ("event", "no_event"),
    [
        ("Harlan eyes acquisition of snack maker", "Zoo eyes acquisition of land for elephant house"),
        ("Judge rules against Castor in patent case", "The verdict on this summer's best sandals"),
        ("Voltaro launches electric van", "Rebels launch attack on border town"),
        ("Millway to close 30 stores", "School to close early on Friday"),
        ("Castor raises $30 million", "Castor raises prices by 5%"),
        ("Regulator recalls Voltaro vans", "Survivors recall the night of the storm"),
        ("Tessel wins contract from airline", "Striker signs new contract with City"),
    ],
)
def test_a_trigger_word_alone_is_not_an_event(event: str, no_event: str) -> None:
    assert classify_text(event).category is not Category.OTHER
    assert classify_text(no_event).category is Category.OTHER


@pytest.mark.parametrize(
    ("certainty", "title"),
    [
        ("stated", "Larch to acquire Kopano for $2 billion"),
        ("speculative", "Larch in talks to acquire Kopano"),
        ("speculative", "Larch reportedly weighs bid for Kopano"),
        ("speculative", "Larch could cut 500 jobs: report"),
        ("speculative", "Will Larch buy Kopano for $2 billion?"),
        ("denied", "Larch denies plans to acquire Kopano"),
        ("denied", "Larch has no plans to cut jobs"),
        ("denied", "Larch rules out takeover of Kopano"),
    ],
)
def test_rumours_and_denials_are_told_from_statements(certainty: str, title: str) -> None:
    assert classify_text(title).certainty == certainty


def test_a_rumour_is_less_sure_than_the_statement() -> None:
    stated = classify_text("Larch to acquire Kopano for $2 billion")
    rumour = classify_text("Larch said to acquire Kopano for $2 billion")
    assert rumour.category is stated.category is Category.ACQUISITION
    assert rumour.confidence < stated.confidence


def test_the_main_clause_is_the_news() -> None:
    assert classify_text("Millway CEO resigns as bankruptcy looms").category is Category.LEADERSHIP_CHANGE
    assert classify_text("As bankruptcy looms, Millway CEO resigns").category is Category.LEADERSHIP_CHANGE


def test_the_snippet_helps_a_silent_title_but_does_not_overrule_a_clear_one() -> None:
    lead = "The retailer said on Monday it will cut 400 jobs and close 12 stores. Layoffs begin in May."
    assert classify_text("A hard week at Millway").category is Category.OTHER
    silent = classify_text("A hard week at Millway", lead)
    assert silent.category is Category.LAYOFFS
    assert silent.evidence in lead
    clear = classify_text("Castor agrees to buy Millway for $3 billion", lead)
    assert clear.category is Category.ACQUISITION


def test_sentiment_and_risk_follow_the_news() -> None:
    good = classify_text("Castor posts record profit and raises outlook")
    bad = classify_text("Castor swings to loss and cuts outlook")
    assert good.sentiment > 0.2 > -0.2 > bad.sentiment
    assert classify_text("Millway hit by ransomware attack").risk == "high"
    assert classify_text("Millway files for bankruptcy").risk == "high"
    assert classify_text("Harlan named among best places to work").risk == "none"
    assert classify_text("How to pick a mower: our guide").risk == "none"
    assert (
        classify_text("Millway denies job cuts").sentiment
        > classify_text("Millway announces job cuts").sentiment
    )


def test_a_tenants_own_pattern_decides_and_says_so() -> None:
    title = "Castor commissions turbine hall"
    assert classify_text(title).category is Category.OTHER
    own = Pattern(
        category=Category.EXPANSION, phrase="commissions ~2 hall|plant", weight=4, says="Your own pattern"
    )
    verdict = classify_text(title, extra=[own])
    assert verdict.category is Category.EXPANSION
    assert verdict.evidence == "commissions turbine hall"
    assert verdict.reason == 'Your own pattern: "commissions turbine hall".'


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "~3",
        "buy ~99 firm",
        "<nonsense> deal",
        "<money>",
        "a||b",
        "buy|<unknown>",
        "~0 x",
        "!x",
        "a" + " ~12 a" * 9,
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Pattern(category=Category.FUNDING, phrase=phrase)


def test_a_text_without_end_is_judged_by_its_beginning() -> None:
    own = Pattern(category=Category.AWARD, phrase="a ~12 a ~12 a ~12 b", weight=4)
    endless = "a " * 200_000
    assert classify_text(endless, endless, extra=[own]).category is Category.OTHER


@given(st.text(alphabet="ab c|~_<>!?^$*().+[]{}1\\", max_size=40))
def test_no_pattern_text_does_worse_than_be_refused(phrase: str) -> None:
    try:
        pattern = Pattern(category=Category.FUNDING, phrase=phrase)
    except ValueError:
        return
    assert isinstance(classify_text("a b c ab ca 1 | a", extra=[pattern]), Verdict)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Castor to buy Millway"),
        ("en", "Lindqvist Sørensen CFO Åsa Mårtensson resigns"),
        ("en", "Société Lambert Q3 Profit Beats"),
        ("en", "Grupo Lobato CFO Diego Herrero"),
        ("en", ""),
        ("en", "12345"),
        ("de", "Pumpenhersteller streicht 3000 Stellen in Deutschland"),
        ("fr", "Le groupe supprime 2 000 emplois en Europe"),
        ("es", "La empresa nombra nuevo consejero delegado"),
        ("ru", "Компания сообщила о прибыли"),
        ("ja", "新型車を発表"),
    ],
)
def test_languages(language: str, text: str) -> None:
    assert detect_language(text) == language


def test_nothing_is_claimed_in_a_language_the_rules_were_not_measured_on() -> None:
    verdict = classify_text("Der Pumpenhersteller streicht 3000 Stellen und schließt das Werk in Leipzig")
    assert (verdict.language, verdict.language_supported) == ("de", False)
    assert (verdict.confidence, verdict.evidence, verdict.parts) == (0.0, "", {})
    assert insight(verdict, "Castor") is None


@settings(max_examples=200)
@given(st.text(max_size=200), st.none() | st.text(max_size=300))
def test_any_text_gets_a_sound_verdict_twice_the_same(title: str, snippet: str | None) -> None:
    verdict = classify_text(title, snippet)
    assert verdict == classify_text(title, snippet)
    assert verdict.evidence in title or verdict.evidence in (snippet or "")
    assert verdict.evidence or verdict.category is Category.OTHER


WORDS = st.sampled_from(
    "Castor’s “cut” $1.5bn 12% U.S. jobs, CEO — to acquire Inc. sues: ‘deal’ … IPO? ÀÉ İstanbul".split()
)


@given(st.lists(WORDS, min_size=1, max_size=14).map(" ".join))
def test_the_evidence_is_always_a_piece_of_the_text(title: str) -> None:
    verdict = classify_text(title)
    assert verdict.evidence in title
    assert verdict.evidence or verdict.category is Category.OTHER


# Floors below the measured figures, so that a change that costs quality is seen.
@pytest.mark.parametrize(
    ("name", "macro_f1", "with_alt"),
    [("categories_dev.jsonl", 0.93, 0.95), ("categories_fiqa_dev.jsonl", 0.79, 0.79)],
)
def test_quality_on_the_development_files_has_a_floor(
    shared_data: Path, name: str, macro_f1: float, with_alt: float
) -> None:
    report = evaluate_categories(shared_data / name)
    assert report.errors == []
    assert report.macro_f1 >= macro_f1
    assert report.macro_f1_with_alt >= with_alt
