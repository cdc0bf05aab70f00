"""The rules classifier: texts to verdicts. Headlines here are invented, companies included."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evaluation.categories import evaluate_categories
from tasks.classify.rules import (
    Category,
    Pattern,
    Verdict,
    builtin_languages,
    classify_text,
    detect_language,
    insight,
)

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


# Worded less plainly: short forms, figures of speech, the verbs of other outlets, cashtags.
UNUSUAL = [
    ("funding", "Kopano spin-out wins €15m European grant"),
    ("funding", "Klaro set to list in New York as soon as September"),
    ("funding", "Orchard said to be sounding out banks over 2027 flotation"),
    ("funding", "Ampera closes $90M to scale sodium batteries"),
    ("funding", "Quantum start-up Qubrix nets €30m to scale hardware"),
    ("funding", "Nuclear start-ups rake in record sums"),
    ("funding", "Castor prices $1bn convertible notes due 2031"),
    ("funding", "Corvane Therapeutics announces pricing of $150 million public offering"),
    ("funding", "Maplebank to raise C$1.2 bln through share sale"),
    ("funding", "Ather Wheels sets IPO price band at Rs 304-321 a share"),
    ("acquisition", "Voltaro puts tyre business on the block"),
    ("acquisition", "Pavo's owner explores exit"),
    ("acquisition", "Harlan sells Russian business at $400 mln loss"),
    ("acquisition", "Miner Gollan agrees to be bought by Chinese rival"),
    ("acquisition", "Castor gets nod from shareholders for Pollux takeover"),
    ("acquisition", "Orchard and Castor to combine in $14 billion merger of equals"),
    ("acquisition", "Bidders line up for Millway's Polish stores"),
    ("acquisition", "BRIEF-Castor to sell Polish unit to Pollux for 300 mln euros"),
    ("acquisition", "Castor snaps up rival Pollux in £3bn all-share deal"),
    ("acquisition", "Harlan's snack brands go to Nomado for $1bn"),
    ("leadership_change", "Orchard turns to Castor executive for its next leader"),
    ("leadership_change", "Castor has a new boss: who is Lena Ortiz?"),
    ("leadership_change", "Millway elects two independent directors"),
    ("leadership_change", "Larch Bancorp Announces CEO Succession Plan"),
    ("leadership_change", "Castor chair under pressure steps aside"),
    ("leadership_change", "Tessel board chair won't seek re-election"),
    ("leadership_change", "Harlan board ousts chief amid slump"),
    ("leadership_change", "Castor CFO Lena Ortiz heads for the exit"),
    ("leadership_change", "Castor loses its finance chief to Voltaro"),
    ("leadership_change", "Voltaro's Ortiz to make way for outsider"),
    ("product_launch", "Castor reveals hydrogen-ready boiler"),
    ("product_launch", "Millway starts selling own-brand wine"),
    ("product_launch", "Lumira makes its image tool free for all"),
    ("product_launch", "Orchard's new cordless mower hits shelves in May"),
    ("product_launch", "Harlan launches range of vegan sauces"),
    ("product_launch", "Pavo's budget phone goes global"),
    ("product_launch", "Pavo app now splits bills automatically"),
    ("product_launch", "Meet Orchard's tiny new robot vacuum"),
    ("product_launch", "Nimbleware puts AI in every spreadsheet"),
    ("product_launch", "Orchard expands smart-home line with doorbell"),
    ("partnership", "Army picks Castor for next rifle"),
    ("partnership", "Pavo, Orchard form venture to make home sensors"),
    ("partnership", "Grove Games and toy maker Brix team up on sets"),
    ("partnership", "Harlan and Hoagie's cook up joint menu"),
    ("partnership", "Tessel places order for 50 narrow-body jets"),
    ("partnership", "Larch teams up with fintech on mortgages"),
    ("partnership", "Kopano enlists Lumira for drug discovery"),
    ("partnership", "Castor secures 10-year gas supply from Pollux"),
    ("partnership", "Brightloom and Pollux to jointly develop memory"),
    ("partnership", "Pavo joins hands with Larch Bank for co-branded card"),
    ("financial_results", "Brightloom's data-centre revenue tops $10bn for first time"),
    ("financial_results", "$NMBW reports EPS of $0.31, beats by $0.04"),
    ("financial_results", "Castor to return £500m to shareholders"),
    ("financial_results", "Harlan keeps full-year guidance after solid quarter"),
    ("financial_results", "Grove Mining output drops 8% in third quarter"),
    ("financial_results", "Voltaro deliveries miss expectations"),
    ("financial_results", "Larch assets under management top $1tn as inflows jump"),
    ("financial_results", "Pavo doubles interim payout"),
    ("financial_results", "Lumira on pace for $10bn in annual revenue"),
    ("financial_results", "Hoagie's same-store sales fall for fourth straight quarter"),
    ("regulatory", "Watchdog clears Castor's purchase of Pollux"),
    ("regulatory", "EU hits Orchard with new charges over app fees"),
    ("regulatory", "Beijing halts Brightloom chip sales"),
    ("regulatory", "EU opens in-depth probe into Orchard-Grove deal"),
    ("regulatory", "Pavo hit with €40m penalty for money-laundering lapses"),
    ("regulatory", "Pavo gets banking licence in UK"),
    ("regulatory", "India's competition body dismisses complaint against Pavo"),
    ("regulatory", "Kopano ordered to stop misleading ads"),
    ("regulatory", "Pavo fined for letting accounts be used by scammers"),
    ("regulatory", "US bans imports from Castor's Xinjiang supplier"),
    ("litigation", "Tessel agrees $15m payout to crash families"),
    ("litigation", "Jurors side with ex-worker in Harlan retaliation case"),
    ("litigation", "$ORCH hit with patent suit by Grove"),
    ("litigation", "Larch to pay $100 mln to settle Libor claims -source"),
    ("litigation", "Former Harlan manager wins bias case"),
    ("litigation", "Orchard asks top court to overturn verdict"),
    ("litigation", "Judge tosses Orchard patent claims"),
    ("litigation", "Supreme Court sides with Harlan in label dispute"),
    ("litigation", "Castor to pay $2bn to end opioid claims"),
    ("litigation", "Voltaro loses appeal in autopilot death case"),
    ("layoffs", "Tessel asks cabin crew to take unpaid leave"),
    ("layoffs", "Harlan is closing its oldest brewery"),
    ("layoffs", "Brightloom to part ways with 8% of staff"),
    ("layoffs", "Nimbleware's cuts deepen as AI takes over support"),
    ("layoffs", "Pavo fires entire content team"),
    ("layoffs", "Voltaro to shutter Belgian plant with 3,000 jobs"),
    ("layoffs", "Toy chain Brixworld heads for bankruptcy court"),
    ("layoffs", "Millway collapses into administration"),
    ("layoffs", "Grove Mining puts smelter on care and maintenance"),
    ("layoffs", "Furniture chain Oakly to wind down after 80 years"),
    ("expansion", "Castor sets up R&D centre in Bangalore"),
    ("expansion", "Harlan pumps $80m into Welsh dairy"),
    ("expansion", "Brightloom plots $40bn fab in Dresden"),
    ("expansion", "Kopano plans second site in Ireland"),
    ("expansion", "Nimbleware signs lease on 20 floors in Manhattan"),
    ("expansion", "Hoagie's to add 300 outlets by 2028"),
    ("expansion", "Lumira to double London headcount"),
    ("expansion", "Tessel launches direct flights to Seoul"),
    ("expansion", "Lumira sets up shop in Zurich"),
    ("expansion", "Brightloom to spend $20bn on Arizona fabs"),
    ("security_incident", "Tessel crew data stolen from contractor"),
    ("security_incident", "Millway tills down after cyber raid"),
    ("security_incident", "Tessel booking system hit by hackers"),
    ("security_incident", "Wallet maker Ledgo loses $30m to exploit"),
    ("security_incident", "Pavo breach worse than first thought"),
    ("security_incident", "Nimbleware admits attackers read customer emails"),
    ("security_incident", "Voltaro halts production after IT attack"),
    ("security_incident", "Castor investigates cyber incident"),
    ("security_incident", "Tessel warns passengers of data theft"),
    ("security_incident", "Passwords of 2m Pavo users for sale on dark web"),
    ("award", "Castor CEO inducted into business hall of fame"),
    ("award", "Voltaro EV crowned car of the year"),
    ("award", "Grove Games' sequel scoops top honour"),
    ("award", "Larch ranked No 1 in customer service"),
    ("award", "Fern Bank honoured for small-business lending"),
    ("award", "Voltaro SUV earns top safety rating"),
    ("award", "Harlan tops best-employer list"),
    ("award", "Millway wins three gongs at retail awards"),
    ("award", "Lumira scientist wins Turing prize"),
    ("award", "Pavo makes list of 50 most innovative companies"),
    ("other", "Best Millway deals this weekend"),
    ("other", "Millway boss defends pay rise"),
    ("other", "$CSTR breaking out above 45, next stop 50"),
    ("other", "Oil rises on supply worries"),
    ("other", "Adding to my $ORCH position on this dip"),
    ("other", "Took profits in $NMBW at 88.10"),
    ("other", "Orchard stock jumps 5% on chip optimism"),
    ("other", "What layoffs at Nimbleware mean for the cloud industry"),
    ("other", "Minister visits Castor shipyard"),
    ("other", "Pilots' union rejects Tessel pay offer"),
    ("other", "Fern Bank: rate cut coming in May"),
    ("other", "How Pavo lost its cool"),
    ("other", "Union at Harlan brewery votes for walkout"),
    ("other", "Tessel passengers stranded as storm closes hub"),
    ("other", "Look back: how Castor survived 1987"),
    ("other", "Millway share price slips as Christmas update looms"),
]


@pytest.mark.parametrize(("category", "title"), HEADLINES + UNUSUAL)
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


@pytest.mark.parametrize(
    ("certainty", "title"),
    [
        ("stated", "Larch sells tea arm as rules may change"),
        ("speculative", "Larch may sell tea arm as rules change"),
        ("speculative", "Larch to sell tea arm as rules change: report"),
    ],
)
def test_doubt_counts_in_the_clause_that_makes_the_statement(certainty: str, title: str) -> None:
    assert classify_text(title).certainty == certainty


def test_who_is_quoted_is_not_whom_it_is_about() -> None:
    assert classify_text("Castor to build plant in Ohio, senator says").category is Category.EXPANSION
    assert classify_text("Senator says trade talks can wait").category is Category.OTHER


def test_the_words_of_an_idiom_mean_nothing_by_themselves() -> None:
    assert classify_text("Kopano reports third-quarter loss").category is Category.FINANCIAL_RESULTS
    assert classify_text("A weight-loss diary, third quarter").category is Category.OTHER


def test_a_phrase_may_say_what_must_not_stand_before_it() -> None:
    own = [Pattern(category=Category.AWARD, phrase="!in_a|failed rosette", weight=4)]
    assert classify_text("Castor takes rosette", extra=own).category is Category.AWARD
    assert classify_text("Castor seen in a rosette", extra=own).category is Category.OTHER
    assert classify_text("Castor and the failed rosette", extra=own).category is Category.OTHER
    with pytest.raises(ValueError, match="whole words"):
        Pattern(category=Category.AWARD, phrase="!fail* rosette")


def test_two_sides_of_a_phrase_may_come_in_either_order() -> None:
    own = [Pattern(category=Category.AWARD, phrase="rosette & judged|given", weight=4)]
    assert own[0].phrase == "rosette & judged|given"
    for title in ("Rosette given to Castor", "Castor given a small rosette"):
        assert classify_text(title, extra=own).category is Category.AWARD
    for title in ("Rosette for Castor", "Rosette: what was given to Castor?"):
        assert classify_text(title, extra=own).category is Category.OTHER


def test_a_rule_keeps_the_phrase_as_it_was_written() -> None:
    english = builtin_languages()["en"]
    text = english.reader.canonical("Castor to acquire Pollux")
    assert any("acquire" in rule.phrase.text for rule in english.rules.candidates(text))


@pytest.mark.parametrize(
    ("category", "title"),
    [
        ("acquisition", "Tyre dealer in Belgian hands"),
        ("acquisition", "Seed merchant swallowed by larger neighbour"),
        ("funding", "Regional fund hands tram builder £12m"),
        ("funding", "Sail-drone hopeful gets kr40m from pension fund"),
        ("leadership_change", "Investors unseat boss of ferry line"),
        ("partnership", "Two rival dairies agree to share one bottling plant"),
        ("regulatory", "Planning inspectorate turns down quarry firm"),
        ("litigation", "Loom maker goes to tribunal over royalties"),
        ("layoffs", "Print works asks 80 staff to go"),
        ("expansion", "Bicycle chain plants its flag in Slovenia"),
        ("security_incident", "Client files of tax adviser turn up on forum after intruders strike"),
        ("award", "Pickle maker judged finest in the north"),
    ],
)
def test_weaker_cues_make_an_event_together(category: str, title: str) -> None:
    verdict = classify_text(title)
    assert verdict.category.value == category, verdict.parts


def test_what_stands_in_the_background_does_not_hide_the_event() -> None:
    title = "Kopano to invest €1bn in Leipzig plant as president threatens tariffs"
    assert classify_text(title).category is Category.EXPANSION


def test_an_amount_may_be_about_right() -> None:
    for amount in ("$2 billion", "up to $2 billion", "about €2bn", "more than 2 billion euros"):
        assert classify_text(f"Castor to buy Pollux for {amount}").category is Category.ACQUISITION


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


def test_an_approval_is_good_news_and_a_fine_is_not() -> None:
    approved, fined = classify_text("Kopano drug wins FDA approval"), classify_text("Watchdog fines Kopano")
    assert approved.category is fined.category is Category.REGULATORY
    assert approved.sentiment > 0.3 > -0.2 > fined.sentiment
    assert (approved.risk, fined.risk) == ("none", "medium")


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("Castor profit jumps", "Castor profit drops"),
        ("Castor lifts outlook", "Castor cuts outlook"),
        ("Castor cleared of fraud charges", "Castor charged with fraud"),
        ("Castor to hire 500 engineers", "Castor to cut 500 engineers"),
        ("Castor avoids loss", "Castor posts loss"),
    ],
)
def test_the_better_news_reads_better(good: str, bad: str) -> None:
    assert classify_text(good).sentiment > classify_text(bad).sentiment


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
        "a & b & c",
        "^ a & b",
        "a ~12 b ~12 c & d ~12 e",
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Pattern(category=Category.FUNDING, phrase=phrase)


def test_a_text_without_end_is_judged_by_its_beginning() -> None:
    own = Pattern(category=Category.AWARD, phrase="a ~12 a ~12 a ~12 b", weight=4)
    endless = "a " * 200_000
    assert classify_text(endless, endless, extra=[own]).category is Category.OTHER


@given(st.text(alphabet="ab c|~_<>!?^$*&().+[]{}1\\", max_size=40))
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
