"""The company match: invented headlines, so that nothing here depends on labelled files."""

import sys
from subprocess import run

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.companies.frequency import commonness
from tasks.companies.index import Hit, NameIndex
from tasks.companies.match import CompanyMatch, MatchRule, Reason, match_company
from tasks.companies.names import Profile, forms, words_of

SQUARE = Profile(key="square", name="Square", legal_name="Square, Inc.", ticker="SQ", industry="Payments")
BOOTS = Profile(key="boots", name="Boots", legal_name="The Boots Company PLC", industry="Pharmacy retail")
SPRINT = Profile(key="sprint", name="Sprint", legal_name="Sprint Corporation", industry="Telecom")
CROWN = Profile(key="crown", name="Crown", legal_name="Crown Holdings, Inc.", industry="Packaging")
TIDE = Profile(key="tide", name="Tide", aliases=("Tide Bank",), industry="Fintech")
BEST_BUY = Profile(
    key="bb", name="Best Buy", legal_name="Best Buy Co., Inc.", ticker="BBY", industry="Retail"
)
KELLOGG = Profile(key="k", name="Kellogg's", legal_name="Kellogg Company", industry="Packaged food")
SIEMENS = Profile(
    key="s", name="Siemens", legal_name="Siemens AG", domain="siemens.com", industry="Machinery"
)
FRONTIER = Profile(
    key="f", name="Frontier", legal_name="Frontier Group Holdings, Inc.", aliases=("Frontier Airlines",),
    industry="Airline",
)  # fmt: skip
WENDYS = Profile(key="w", name="Wendy's", legal_name="The Wendy's Company", industry="Restaurants")
LINCOLN = Profile(key="l", name="Lincoln", legal_name="Lincoln National Corporation", industry="Insurance")
SALES = Profile(key="crm", name="Salesforce", ticker="CRM", industry="Software")
PROFILES = (SQUARE, BOOTS, SPRINT, CROWN, TIDE, BEST_BUY, KELLOGG, SIEMENS, FRONTIER, WENDYS, LINCOLN, SALES)

ABOUT = [
    (SQUARE, "Square raises transaction fees for small merchants"),
    (SQUARE, "Square's chief financial officer steps down after two years"),
    (SQUARE, "Regulators fine Square over frozen merchant accounts"),
    (BOOTS, "Boots to close 300 pharmacies across Britain"),
    (BOOTS, "Private equity firm weighs bid for high-street chain Boots"),
    (BOOTS, "Boots sales jump as shoppers stock up on skincare"),
    (SPRINT, "Sprint adds a million wireless subscribers in third quarter"),
    (SPRINT, "Sprint sued by customers over network outage"),
    (CROWN, "Crown to acquire rival can maker for $2 billion"),
    (TIDE, "Tide lays off a tenth of its staff as fintech funding dries up"),
    (BEST_BUY, "Best Buy trims sales outlook as tariffs bite"),
    (KELLOGG, "Kellogg workers walk out at four cereal plants"),
    (KELLOGG, "Kellogg’s to split snacks from cereal"),
    (SIEMENS, "SIEMENS WINS ORDER FOR 300 TURBINES"),
    (SIEMENS, "Siemens wins order for 300 turbines"),
    (FRONTIER, "Frontier cancels flights as pilots strike"),
    (FRONTIER, "Bankrupt rival's routes go to Frontier Airlines"),
    (WENDYS, "Wendy’s tests surge pricing for burgers"),
    (LINCOLN, "Lincoln raises premiums on life insurance policies"),
]
OTHER_SENSE = [
    (SQUARE, "Thousands fill the square in front of the cathedral"),
    (SQUARE, "Police clear protest camp from Tahrir Square"),
    (SQUARE, "New Year's crowd packs Union Square despite rain"),
    (BOOTS, "The best winter boots for icy pavements"),
    (BOOTS, "Boots on the ground: why the army is back in the valley"),
    (SPRINT, "Jamaican wins sprint double in Tokyo"),
    (SPRINT, "Congress in Sprint to Pass Budget Before Recess"),
    (CROWN, "Crown Prince visits Paris for talks"),
    (CROWN, "Film director wins Palme d'Or, the crown of a long career"),
    (TIDE, "Town braces for flooding as tide peaks at midnight"),
    (TIDE, "A Rising Tide of Anger Over Rents"),
    (BEST_BUY, "Why the older model is still the best buy for families"),
    (FRONTIER, "Science's Next Frontier: The Deep Sea"),
    (FRONTIER, "Villagers flee as fighting nears the frontier"),
    (LINCOLN, "Abraham Lincoln letter sells at auction"),
    (LINCOLN, "Lincoln Memorial closes for repairs"),
    (LINCOLN, "Two hurt in fire at Lincoln Park apartment block"),
]
PASSING = [
    (BEST_BUY, "Former Best Buy executive to lead regional bank"),
    (BEST_BUY, "Cyber Monday deals: the cheapest laptops at Best Buy"),
    (BEST_BUY, "Stocks making the biggest moves midday: Acme, Best Buy, Globex and more"),
    (BEST_BUY, "Police seek man over robbery at Best Buy"),
    (SIEMENS, "Ex-Siemens engineer starts battery company"),
    (SIEMENS, "Unlike Siemens, the start-up builds its turbines at sea"),
    (SALES, "Dow falls 200 points as Salesforce slides"),
]


@pytest.mark.parametrize(("profile", "title"), ABOUT)
def test_a_headline_about_the_company_is_taken_as_primary(profile: Profile, title: str) -> None:
    match = match_company(profile, title)
    assert match.about, match
    assert match.salience == "primary"
    assert match.confidence >= 0.5


@pytest.mark.parametrize(("profile", "title"), OTHER_SENSE)
def test_a_namesake_or_common_word_is_left(profile: Profile, title: str) -> None:
    match = match_company(profile, title)
    assert not match.about, match
    assert match.salience == "none"


@pytest.mark.parametrize(("profile", "title"), PASSING)
def test_a_bystander_is_left_as_passing(profile: Profile, title: str) -> None:
    match = match_company(profile, title)
    assert not match.about, match
    assert match.salience == "passing"


def test_the_reason_names_what_decided() -> None:
    assert (
        match_company(SIEMENS, "Ex-Siemens engineer starts battery company").reason is Reason.former_employee
    )
    assert match_company(SQUARE, "Rain in the square").reason is Reason.common_word_not_name
    assert match_company(CROWN, "Crown Prince visits Paris").reason is Reason.part_of_longer_name
    assert match_company(SQUARE, "Nothing of note happened").reason is Reason.no_name


def test_the_evidence_is_a_span_of_the_text() -> None:
    title = "Former Best Buy executive to lead regional bank"
    match = match_company(BEST_BUY, title)
    assert match.evidence == "Former Best Buy"


def test_a_ticker_counts_in_market_context_only() -> None:
    for title in (
        "Analyst upgrades software maker (NYSE: CRM)",
        "$CRM jumps after hours",
        "CRM stock hits a record",
        "Software maker (CRM) beats estimates",
    ):
        assert match_company(SALES, title).reason is Reason.ticker_in_market_context, title
    assert match_company(SALES, "How to choose a CRM for a small firm").reason is Reason.no_name


def test_one_letter_tickers_need_an_exchange_or_a_dollar_sign() -> None:
    profile = Profile(key="x", name="Exemplar Motor", ticker="F")
    index = NameIndex([profile])
    assert index.candidates("Carmaker (NYSE: F) slips", None, None)
    assert index.candidates("$F slips", None, None)
    assert not index.candidates("Grade F shares a school's shame", None, None)


def test_an_alias_that_is_the_ticker_is_a_ticker() -> None:
    profile = Profile(key="x", name="Exemplar Machines", aliases=("CAT",), ticker="CAT")
    assert not NameIndex([profile]).candidates("CAT scan saves runner", None, None)


def test_the_companys_own_host_is_a_hit_and_a_search_engines_news_page_is_not() -> None:
    index = NameIndex([SIEMENS])
    (hit,) = index.candidates("Annual results", None, "https://press.siemens.com/2026/q2")["s"]
    assert (hit.kind, hit.field, hit.surface) == ("domain", "url", "siemens.com")
    assert not index.candidates("Annual results", None, "https://news.siemens.com/x")
    assert not index.candidates("Annual results", None, "https://notsiemens.com/x")


@pytest.mark.parametrize(
    ("name", "legal", "text"),
    [
        ("Exemplar", "The Exemplar Company", "Exemplar to merge"),
        ("Exemplar Motor Company", None, "Exemplar to merge"),
        ("Société Exemplaire", "Société Exemplaire S.A.", "Societe Exemplaire to merge"),
        ("Exemplar & Sons", "Exemplar & Sons Ltd.", "Exemplar and Sons to merge"),
        ("Wal-Exemplar", None, "Walexemplar to merge"),
        ("Walexemplar", None, "Wal-Exemplar to merge"),
        ("Exempl's", None, "Exempl’s to merge"),
        ("Exemplar", "Exemplar A/S", "Exemplar's merger"),
        ("Exemplar", "Exemplar N.V.", "Two Exemplars for sale"),
        ("Exemplar Oyj", None, "EXEMPLAR TO MERGE"),
    ],
)
def test_spellings_are_found(name: str, legal: str | None, text: str) -> None:
    profile = Profile(key="x", name=name, legal_name=legal)
    assert "x" in NameIndex([profile]).candidates(text, None, None)


@pytest.mark.parametrize(
    "form", ["Inc.", "Corp.", "plc", "AG", "GmbH", "SE", "S.A.", "A/S", "N.V.", "Oyj", "AB"]
)
def test_legal_forms_are_no_part_of_the_name(form: str) -> None:
    profile = Profile(key="x", name=f"Exemplar {form}")
    assert ("exemplar",) in {f.words for f in forms(profile)}


def test_a_generic_first_word_never_stands_for_the_company() -> None:
    profile = Profile(key="x", name="General Exemplar Motors", legal_name="General Motors Company")
    assert ("general",) not in {f.words for f in forms(profile)}


def test_longer_forms_hide_shorter_ones_inside_them() -> None:
    hits = NameIndex([FRONTIER]).candidates("Frontier Airlines adds routes", None, None)["f"]
    assert [h.surface for h in hits] == ["Frontier Airlines"]


def test_short_names_are_told_apart_by_their_capitals() -> None:
    snap = Profile(key="x", name="Snap", legal_name="Snap Inc.", industry="Social media")
    assert not match_company(snap, "States sue over SNAP food benefits").about
    assert match_company(snap, "Snap cuts jobs as ad sales slow").about


def test_excluded_terms_keep_a_text_out() -> None:
    profile = TIDE.model_copy(update={"excluded_terms": ("detergent",)})
    match = match_company(profile, "Tide maker raises price of detergent")
    assert (match.about, match.reason, match.evidence) == (False, Reason.excluded_term, "detergent")


def test_an_excluded_longer_name_takes_only_its_own_places_out() -> None:
    profile = FRONTIER.model_copy(update={"excluded_terms": ("Frontier Communications",)})
    alone = match_company(profile, "Frontier Communications cuts prices")
    assert (alone.about, alone.reason) == (False, Reason.excluded_term)
    both = match_company(profile, "Frontier Airlines sues Frontier Communications over name")
    assert both.about


def test_keywords_help_a_doubtful_name() -> None:
    title = "Crown Looks to Zanzibar"
    told = CROWN.model_copy(update={"keywords": ("Zanzibar",)})
    assert not match_company(CROWN, title).about
    assert match_company(told, title).about


def test_taught_rules_act_and_are_undone_by_leaving_them_out() -> None:
    title = "Siemens wins order for 300 turbines in Wales"
    without = match_company(SIEMENS, title)
    rule = MatchRule.exclude_context("in Wales", id="r1", note="another Siemens")
    ruled = match_company(SIEMENS, title, rules=[rule])
    assert (ruled.about, ruled.reason, ruled.evidence) == (False, Reason.excluded_by_rule, "in Wales")
    assert ruled.parts == {"rule.r1": -6.0}
    required = match_company(SIEMENS, title, rules=[MatchRule.require_context("healthcare")])
    assert required.reason is Reason.required_context_missing
    assert match_company(SIEMENS, title, rules=[MatchRule.require_context("turbines")]) == without
    assert without.about


def test_the_outlet_at_the_end_of_a_headline_is_not_its_subject() -> None:
    outlet = Profile(key="x", name="Exemplar News", industry="Media")
    match = match_company(outlet, "Storm nears the coast - Exemplar News", source="Exemplar News")
    assert (match.about, match.reason) == (False, Reason.publisher_not_subject)


def test_a_name_in_the_snippet_only_is_not_what_the_text_is_about() -> None:
    match = match_company(SIEMENS, "Turbine orders rise", "Makers such as Vestas and Siemens did well.")
    assert (match.about, match.salience) == (False, "passing")


def test_found_hits_and_given_hits_agree() -> None:
    index = NameIndex(PROFILES)
    for profile, title in ABOUT:
        hits = index.candidates(title, None, None)[profile.key]
        assert match_company(profile, title, hits=hits) == match_company(profile, title)


def test_commonness_is_read_from_frequencies() -> None:
    for word in ("target", "gap", "coach", "nationwide", "square"):
        assert commonness(word) > 0.5, word
    for word in ("siemens", "netflix", "volkswagen", "pfizer"):
        assert commonness(word) < 0.3, word


def test_importing_the_engine_loads_no_frequencies() -> None:
    code = "import sys, tasks.companies.match; sys.exit('wordfreq' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0


TEXTS = st.one_of(
    st.text(max_size=120),
    st.lists(
        st.sampled_from(
            "Square square's Best Buy & and the The ex- of in at , : ; ( ) $CRM (NYSE: CRM) Boots’ ’s ' \" "
            "Frontier Airlines Inc. says to cut 300 é ﬁ İ ß \u200b U.S. Kellogg’s - — | 🔨".split(" ")
        ),
        max_size=20,
    ).map(" ".join),
)


@given(TEXTS, st.none() | TEXTS)
@settings(deadline=None)
def test_every_hit_is_a_slice_of_its_text(title: str, snippet: str | None) -> None:
    for key, hits in NameIndex(PROFILES).candidates(title, snippet, None).items():
        taken: list[Hit] = []
        for hit in hits:
            text = title if hit.field == "title" else snippet or ""
            assert text[hit.start : hit.end] == hit.surface != ""
            assert hit.key == key
            assert not any(h.field == hit.field and h.start < hit.end and hit.start < h.end for h in taken)
            taken.append(hit)


@given(st.sampled_from(PROFILES), TEXTS, st.none() | TEXTS, st.none() | st.text(max_size=40))
@settings(deadline=None)
def test_any_text_gets_a_coherent_verdict(
    profile: Profile, title: str, snippet: str | None, url: str | None
) -> None:
    match = match_company(profile, title, snippet, url, source=None)
    assert match.about == (match.confidence >= 0.5)
    assert match.about == (match.salience == "primary")
    assert 0 <= match.confidence <= 1
    assert match == match_company(profile, title, snippet, url)
    assert CompanyMatch.model_validate(match.model_dump()) == match


@given(st.text(max_size=20), st.text(max_size=30), st.none() | st.text(max_size=5), TEXTS)
@settings(deadline=None)
def test_any_profile_can_be_indexed(name: str, legal: str, ticker: str | None, text: str) -> None:
    profile = Profile(key="x", name=name, legal_name=legal, aliases=(legal,), ticker=ticker, domain=name)
    NameIndex([profile]).candidates(text, text, text)
    match_company(profile, f"{text} {name} {legal}", text, text)


@given(TEXTS)
@settings(deadline=None)
def test_other_profiles_do_not_change_a_profiles_hits(title: str) -> None:
    together = NameIndex(PROFILES).candidates(title, None, None)
    for profile in PROFILES:
        assert NameIndex([profile]).candidates(title, None, None).get(profile.key) == together.get(
            profile.key
        )


def test_words_fold_case_and_diacritics() -> None:
    assert words_of("Nestlé & Söhne") == ("nestle", "and", "sohne")
