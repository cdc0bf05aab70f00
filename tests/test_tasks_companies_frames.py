"""The frames that tell a company from a namesake and a subject from a bystander: invented headlines."""

import pytest

from tasks.companies.match import CompanyMatch, Reason, match_company
from tasks.companies.names import Profile

PANE = Profile(key="pane", name="Pane", legal_name="Pane, Inc.", industry="Consumer electronics")
LEDGER = Profile(key="ledger", name="Ledger", aliases=("Ledger Bank",), industry="Banking")
VELTRIX = Profile(key="veltrix", name="Veltrix", legal_name="Veltrix Corp.", industry="Software")
HEARTH = Profile(key="hearth", name="Hearth Bank", legal_name="Hearth Bank plc", industry="Banking")
NORVIK = Profile(key="norvik", name="Norvik", legal_name="Norvik AS", industry="Restaurants")
CHATTO = Profile(key="chatto", name="Chatto", industry="Social media")
DAKOTA = Profile(key="dakota", name="Dakota", legal_name="Dakota Air, Inc.", industry="Airline")
AURIGA = Profile(
    key="auriga", name="Auriga", excluded_terms=("Gigasoft Auriga",), keywords=("crypto",), industry="Crypto exchange",
)  # fmt: skip
TEN_MOTORS = Profile(key="tm", name="Tensor Motors", aliases=("TM",), ticker="TM", industry="Automotive")

ORLO = Profile(key="orlo", name="Orlo Bros", industry="Media and entertainment")
MEADOW = Profile(key="meadow", name="Meadow Foods", aliases=("Meadow",), industry="Food")
TRAVELERS = Profile(key="travelers", name="Travelers", industry="Insurance")
BULLISH = Profile(key="bullish", name="Bullish", industry="Crypto exchange")
THORNE = Profile(key="thorne", name="Thorne", legal_name="Thorne Corporation", industry="Machinery")
GAZETTE = Profile(
    key="gazette", name="The Daily Gazette", aliases=("Daily Gazette",), industry="Media and news"
)
FEATHER = Profile(key="feather", name="Feather", legal_name="Feather plc", industry="Smartphones")
BEACON = Profile(key="beacon", name="Key", legal_name="Key Bank", industry="Banking")
LETTER = Profile(key="q", name="Q Corp", aliases=("Quill",), industry="Social media")
HARBOUR = Profile(key="hha", name="Harbour Hotels Association", industry="Hotels")

INVOLVED = [
    (VELTRIX, "Regulators fine Veltrix $4 million over outage"),
    (VELTRIX, "Watchdog launches probe into Veltrix"),
    (VELTRIX, "New York sues chat services Acme and Veltrix over privacy"),
    (VELTRIX, "Minister signs deal with Veltrix to move ministries to the cloud"),
    (VELTRIX, "Shares slump as Veltrix loses its biggest customer"),
    (VELTRIX, "Time for Veltrix to make some hard choices"),
    (VELTRIX, "Lawmakers attack Acme-Veltrix merger"),
    (VELTRIX, "Union calls off strike by Veltrix warehouse staff"),
    (VELTRIX, "Judge finds Veltrix liable for lost data"),
    (VELTRIX, "Layoffs at Veltrix reach a tenth of staff"),
    (VELTRIX, "Under the plan, deals with Acme, Veltrix would end"),
    (VELTRIX, "Ex-Veltrix manager sues company over unpaid bonus"),
    (VELTRIX, "Inside Veltrix, a quiet revolt against the chief"),
    (NORVIK, "Norvik is giving away free soup on Friday... here's how to get it"),
    (CHATTO, "Mayor calls on Chatto to remove the clip"),
    (CHATTO, "Passwords of 70,000 users may have leaked, Chatto says"),
    (LEDGER, "Ledger Bank raises dividend after record quarter"),
    (LEDGER, "Lawmakers sue Acme, Ledger Bank"),
    (GAZETTE, "Minister sues the Daily Gazette for libel"),
    (GAZETTE, "The Daily Gazette reports earnings before the bell"),
    (VELTRIX, "Facing pressure from Acme and Globex, Veltrix changes its chief"),
    (VELTRIX, "Veltrix, maker of maps and diaries, reaches $1 trillion in value"),
    (VELTRIX, "Founder gets $2 billion award from Veltrix to stay"),
    (VELTRIX, "What is Veltrix, and why is it down today"),
    (VELTRIX, "Flights warned as Veltrix requests changes to its servers"),
    (VELTRIX, "2025 was the year Veltrix died"),
    (VELTRIX, "Lawyers look for victims in Veltrix $72.5m settlement"),
    (VELTRIX, "Trade talks drag on as Veltrix deadline looms"),
    (VELTRIX, "Parents welcome verdicts against Acme, Veltrix"),
    (VELTRIX, "Modder owes Veltrix $2 million after trial"),
    (VELTRIX, "A bug locks the drive of some laptops, says Veltrix"),
    (VELTRIX, "Acme weighs a second attempt at breaking up Veltrix"),
    (ORLO, "Acme drops out of Orlo Bros. takeover battle"),
    (VELTRIX, "Hackers give Veltrix until Friday to pay"),
    (VELTRIX, "Globex, Veltrix keen to order more servers"),
    (VELTRIX, "Veltrix pays its chief $29 million in stock"),
    (VELTRIX, "Is this the end of Veltrix and Globex's feud?"),
    (VELTRIX, "Government and Veltrix in advanced talks over rescue, sources say"),
    (VELTRIX, "Feud escalates between ministry and Veltrix"),
    (VELTRIX, "Agency approves new heart pill from Veltrix"),
    (VELTRIX, "Finance chief resigns from Veltrix after two years"),
    (VELTRIX, "Minister announces a deal on drug prices with Veltrix"),
    (VELTRIX, "State opens 'criminal investigation' into Veltrix, ending months of doubt"),
    (VELTRIX, "Store card to move from Veltrix to Globex"),
    (VELTRIX, "Regulator approves emergency rate hike for Veltrix"),
    (VELTRIX, "Globex to invest up to $2 billion in Veltrix"),
    (VELTRIX, "Globex makes a bid for all of Veltrix"),
    (VELTRIX, "Globex loses its crown to China's Veltrix"),
    (VELTRIX, "Watchdog investigates Jane Roe's Veltrix over leaked photos"),
    (VELTRIX, "Chair wants Veltrix to raise its offer"),
    (VELTRIX, "Veltrix settles ex-Veltrix executives' pay lawsuit"),
    (CHATTO, "Ministry casts a wide net on Chatto's business practices in probe"),
]
BYSTANDERS = [
    (VELTRIX, "Acme takes on Globex and Veltrix with a new diary app", Reason.only_named),
    (VELTRIX, "Globex adds a year-end review like Veltrix Wrapped", Reason.only_named),
    (VELTRIX, "Acme phones will run maps with the help of Globex instead of Veltrix", Reason.only_named),
    (VELTRIX, "Fund sells off Acme and Veltrix stakes", Reason.only_named),
    (VELTRIX, "Acme brings free texting to Globex and Veltrix customers", Reason.only_named),
    (VELTRIX, "Roundup: Veltrix / Oil stocks / Rain", None),
    (VELTRIX, "Treasury yields inch higher after Veltrix reports a breach", Reason.market_wrap),
    (VELTRIX, "Online sales hit a record on Sunday, Veltrix estimates", Reason.source_not_subject),
    (VELTRIX, "The horror show could go on, according to Veltrix", Reason.source_not_subject),
    (HEARTH, "The long mortgage would cost borrowers dearly, Hearth Bank says", Reason.source_not_subject),
    (HEARTH, "Hearth Bank lifts Acme price target ahead of earnings", Reason.source_not_subject),
    (HEARTH, "Hearth Bank's Jane Roe: what to make of Acme's quarter", Reason.source_not_subject),
    (NORVIK, "Boy found shot in bathroom of Norvik restaurant", Reason.only_the_place),
    (NORVIK, "Norvik driver accused of setting fire to a barn", Reason.employee_not_company),
    (VELTRIX, "Fund dumps Acme stake, cuts Veltrix position", Reason.only_named),
    (VELTRIX, "Veltrix's big week, Acme's turnaround and more in Morning Squawk", Reason.market_wrap),
    (VELTRIX, "Stock futures little changed as investors await Veltrix earnings", Reason.market_wrap),
    (VELTRIX, "Minister defends her use of the Veltrix app", Reason.product_in_use),
    (CHATTO, "Suspect appeared to confess in Chatto chat", None),
    (CHATTO, "Chatto star signs a deal with a shoe maker", Reason.medium_not_subject),
    (CHATTO, "Tipster using Chatto was key in solving the case", Reason.only_named),
    (VELTRIX, "Globex launches a laptop powered by Veltrix", Reason.only_named),
    (PANE, "From sheep farms to Pane sneakers: how scammers spend", None),
    (VELTRIX, "Globex brings free texting to Veltrix and Acme customers", Reason.only_named),
    (VELTRIX, "Chipmakers like Globex and Veltrix are hiring fewer people", None),
    (VELTRIX, "Founder unveils an answer to Jane Roe's rival to Veltrix", None),
    (HEARTH, "Globex stock sinks despite Hearth Bank upgrade", Reason.source_not_subject),
    (HEARTH, "Hearth Bank survey shows services activity cooled", Reason.source_not_subject),
    (GAZETTE, "Minister ordered second strike: Daily Gazette", Reason.source_not_subject),
    (GAZETTE, "Central bank hints at a move in rates By Daily Gazette", Reason.medium_not_subject),
    (GAZETTE, "Navy ships crossed the strait on Sunday, Daily Gazette says", Reason.source_not_subject),
    (GAZETTE, "Rebels agree to truce, spokesperson tells the Daily Gazette", Reason.medium_not_subject),
]
THE_COMPANY = [
    (PANE, "Pane quietly testing four frames for its smart glasses"),
    (PANE, "Pane is finally improving its screens"),
    (PANE, "Pane Preparing M5 Update for Older Tablets"),
    (PANE, "Why Pane didn't raise the price of its tablets"),
    (PANE, "Pane has no plans to sell a phone"),
    (PANE, "Tablets shown right before Pane event next week"),
    (PANE, "West Virginia Sues Pane Over Backups"),
    (PANE, "Pane Q3 results beat estimates"),
    (PANE, "Pane copies Globex's sync feature"),
    (PANE, "Pane (PNE) Under Fire From Analysts"),
    (TEN_MOTORS, "TM recalls 300,000 trucks"),
    (DAKOTA, "Dakota adds six routes and orders jets"),
    (FEATHER, "Feather launches the world's thinnest foldable in Europe"),
    (FEATHER, "Feather Ear (3) officially launches with new sound for $179"),
    (THORNE, "Thorne Falls as Orders Slow"),
    (BEACON, "Key posts higher profit after rate cut"),
    (LETTER, "Watchdog fines Jane Roe's Q over adverts"),
]
ANOTHER = [
    (PANE, "The pane of glass that broke twice"),
    (PANE, "American Pane shares soar on advert"),
    (LEDGER, "Judge's ledger shows payments to officials"),
    (LEDGER, "Nordic Ledger Announces Proposal to Shareholders"),
    (MEADOW, "Meadow Voting Systems Settles Defamation Suit"),
    (DAKOTA, "Lake outburst at Dakota's northern edge causes flooding"),
    (DAKOTA, "Dakota workers leave for the coast"),
    (DAKOTA, "Dakota's glaciers keep melting"),
    (MEADOW, "Shares climb on the return of Bed Barn & Meadow"),
    (MEADOW, "Meadow Roe names her price in court"),
    (TRAVELERS, "What Travelers Need to Know About Border Checks"),
    (TRAVELERS, "Ministry Warns Travelers to Avoid the Coast"),
    (BULLISH, "Traders Are Bullish on Stocks"),
    (VELTRIX, "Smoky veltrix stew in 30 minutes"),
    (BEACON, "Key details emerge in museum heist"),
    (BEACON, "Startup Misses Key Revenue Targets in Sprint Toward Listing"),
    (FEATHER, "Feather spotted at watering hole, third endangered bird seen this year"),
    (FEATHER, "Giants fire coordinator as Feather drops to 2-8"),
    (
        Profile(key="t", name="Time", industry="Publishing"),
        "Time to dump the old plan? Allies weigh last options",
    ),
    (Profile(key="f", name="Falcon", industry="Investment"), "Falcon 13 astronaut dead at 97"),
    (
        Profile(key="b", name="Bill", industry="Software"),
        "Founder makes deals with Bill Gates' reactor startup",
    ),
    (FEATHER, "US Feather to strike its last penny"),
    (FEATHER, "Dark Valley 4: Feather will be released on Friday"),
    (PANE, "The $100,000 H-1B Pane Fee and the Gold Card"),
    (AURIGA, "Auriga Lewis novel returns to bestseller lists"),
    (DAKOTA, "Closures in Dakota Co. due to snow"),
    (LETTER, "How to plan for life after plan q"),
]


@pytest.mark.parametrize(("profile", "title"), INVOLVED)
def test_a_company_with_a_part_in_the_news_is_primary(profile: Profile, title: str) -> None:
    match = match_company(profile, title)
    assert (match.about, match.salience) == (True, "primary"), match


@pytest.mark.parametrize(("profile", "title", "reason"), BYSTANDERS)
def test_a_bystander_is_passing_and_the_reason_says_why(
    profile: Profile, title: str, reason: Reason | None
) -> None:
    match = match_company(profile, title)
    assert not match.about, match
    assert match.salience == "passing"
    if reason is not None:
        assert match.reason is reason, match


@pytest.mark.parametrize(("profile", "title"), THE_COMPANY)
def test_syntax_tells_the_company_from_the_common_word(profile: Profile, title: str) -> None:
    match = match_company(profile, title)
    assert match.about, match


@pytest.mark.parametrize(("profile", "title"), ANOTHER)
def test_another_bearer_of_the_name_is_left(profile: Profile, title: str) -> None:
    match = match_company(profile, title)
    assert (match.about, match.salience) == (False, "none"), match


def test_people_do_what_companies_do_so_their_verbs_say_less() -> None:
    judge = Profile(key="j", name="Judge", industry="Staffing")
    crane = Profile(key="c", name="Crane", industry="Staffing")
    assert not match_company(judge, "Judge limits use of force at protests").about
    assert match_company(crane, "Crane limits overtime at two plants").about


def test_an_excluded_longer_name_says_that_the_name_is_shared() -> None:
    assert match_company(AURIGA, "Auriga will let you keep working in other apps").reason is Reason.namesake
    assert match_company(AURIGA, "Crypto exchange Auriga to cut a quarter of its staff").about


@pytest.mark.parametrize(
    "title",
    [
        "Veltrix streicht 300 Stellen in Erlangen",
        "Stellenabbau bei Veltrix: 300 Arbeitsplätze fallen weg",
        "Grève chez Veltrix en France",
    ],
)
def test_the_rules_of_english_do_not_judge_another_language(title: str) -> None:
    assert match_company(VELTRIX, title).about


def test_initials_given_as_an_alias_count_though_they_are_the_ticker() -> None:
    assert match_company(TEN_MOTORS, "TM to close its oldest plant").about
    assert match_company(TEN_MOTORS, "Tm symbols explained").reason is not Reason.alias_in_headline


def test_the_evidence_can_be_read() -> None:
    match: CompanyMatch = match_company(VELTRIX, "Acme takes on Globex and Veltrix with a new diary app")
    assert match.evidence == "Veltrix"
    assert match.parts["role.only_named"] < 0 < match.parts["sense.capital_in_sentence"]
    assert match.confidence < 0.5


def test_initials_nobody_gave_need_the_companys_trade() -> None:
    assert not match_company(HARBOUR, "Minister to release HHA results on Monday").about
    assert match_company(HARBOUR, "HHA hotels cut room rates as guests stay away").about


def test_the_snippet_names_the_company_the_headline_describes() -> None:
    snippet = "Veltrix said on Tuesday it would close two plants."
    assert match_company(VELTRIX, "Startup to cut 300 jobs after weak quarter", snippet).about
    assert not match_company(VELTRIX, "Storm closes two plants on the coast", snippet).about


def test_the_outlet_behind_a_spaced_hyphen_is_known_by_its_short_name() -> None:
    outlet = Profile(key="o", name="Omnia Group", aliases=("OBN",), industry="Media and entertainment")
    match = match_company(outlet, "Storm nears the coast: Sheriff - OBN News")
    assert (match.about, match.reason) == (False, Reason.publisher_not_subject)


def test_two_subjects_joined_by_a_comma_speak_for_each_other() -> None:
    bridge = Profile(key="b", name="Bridge", industry="Software")
    assert match_company(bridge, "Bridge, Veltrix settle dispute over cloud contract").about
    assert not match_company(bridge, "Bridge, road and ferry closed by storm").about


def test_disasters_and_places_bear_names_too() -> None:
    eaton = Profile(key="e", name="Dover", legal_name="Dover plc", industry="Machinery")
    assert not match_company(eaton, "Deadly Dover fire ignited by power lines, lawsuit says").about
    assert not match_company(eaton, "Conference at Dover Place draws 40,000 visitors").about
    assert match_company(eaton, "Dover raises outlook on orders for data centers").about


def test_the_last_of_three_names_is_a_person() -> None:
    assert match_company(THORNE, "Dina Powell Thorne Joins Globex as President").reason is Reason.person_name
    assert (
        match_company(THORNE, "Senator Sheila Winter-Thorne resigns over ethics").reason is Reason.person_name
    )


def test_an_exchange_in_a_stocks_tag_is_no_mention() -> None:
    exchange = Profile(key="x", name="Acme Exchange", aliases=("NYSE",), ticker="ACX", industry="Exchange")
    assert match_company(exchange, "Globex soars after earnings (GLX:NYSE)").reason is Reason.no_name
    assert match_company(exchange, "NYSE to trade around the clock").about


def test_a_ticker_heads_a_report_of_figures() -> None:
    exchange = Profile(key="x", name="Acme Exchange", ticker="ACX", industry="Exchange")
    assert match_company(exchange, "ACX to raise quarterly dividend after record revenue").about
    assert not match_company(exchange, "ACX to raise awareness of road safety").about
