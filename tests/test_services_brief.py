"""The brief: what it gathers, what it asks, and that it is one harmless page of paper."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from book import EARLIER, as_person, snapshot
from browser import launch
from conftest import NOW, Tenant
from desk import another_tenant, change
from lxml.html import document_fromstring
from newsroom import add_event
from playwright.sync_api import sync_playwright

from models.accounts import Business
from models.clients import Tier
from models.events import Category, Insight
from models.scope import Role, Scope
from services.brief import Brief, BriefItem, Mood, Question, Step, brief_of, brief_page, file_name
from services.brief.gather import ITEMS, STEPS
from services.brief.questions import MOST, questions
from services.errors import UserError
from services.portfolio.standing import Health, Part, Standing


def happened(tenant: Tenant, client: UUID, title: str, *, days: int = 1, **fields: Any) -> UUID:
    """An event, with an insight where ``actions`` are given."""
    actions = fields.pop("actions", None)
    event = add_event(tenant, client, title, at=NOW - timedelta(days=days), **fields)
    if actions is not None:
        meaning = f"What “{title}” means."
        tenant.add(Insight(business_id=tenant.business_id, event_id=event, meaning=meaning, actions=actions))
    return event


def text_of(html: str) -> str:
    return " ".join(document_fromstring(html).text_content().split())


# what it gathers


def test_it_tells_ninety_days_by_importance(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme", tier=Tier.STRATEGIC, legal_name="Acme Corp.")
    tenant.add_user("tom@example.com", clients=(acme,))
    snapshot(tenant, acme)
    for number in range(8):
        happened(tenant, acme, f"Event {number}", relevance=0.1 * number, days=number + 1)
    happened(tenant, acme, "Chatter", category=Category.OTHER, relevance=0.99)
    happened(tenant, acme, "Taken back", withdrawn_at=NOW, relevance=0.99)
    happened(tenant, acme, "Too old", days=91, relevance=0.99, sentiment=-0.9)
    happened(tenant, acme, "Yet to come", days=-1, relevance=0.99)
    brief = brief_of(as_person(tenant, Role.VIEWER), acme, now=NOW)
    assert [item.title for item in brief.items] == [f"Event {number}" for number in range(7, 1, -1)]
    assert (len(brief.items), brief.events) == (ITEMS, 8)
    assert (len(brief.weekly), sum(brief.weekly), brief.weekly[-1]) == (13, 8, 6)
    assert (brief.mood.before, brief.mood.mean) == (-0.9, 0.2)
    assert (brief.people, brief.prepared_for, brief.business) == (("Tom",), "Viewer-Book", "Test")
    assert brief.standing is not None
    assert brief.standing.owner == "Robin Hale"
    longer = brief_of(tenant.scope, acme, days=180, now=NOW)
    assert longer.items[0].title == "Too old"


def test_steps_are_chances_or_cautions_and_stand_once(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    happened(tenant, acme, "Raises", relevance=0.9, sentiment=0.6, actions=["Congratulate.", "Ask for more."])
    happened(
        tenant, acme, "Raises again", relevance=0.8, sentiment=0.6, actions=["Congratulate.", "Call them."]
    )
    happened(
        tenant,
        acme,
        "Sues",
        category=Category.LITIGATION,
        sentiment=-0.5,
        relevance=0.85,
        actions=["Say nothing."],
    )
    happened(tenant, acme, "Sells a part", category=Category.ACQUISITION, sentiment=0.1, actions=["Check."])
    brief = brief_of(tenant.scope, acme, now=NOW)
    assert [step.text for step in brief.opportunities] == ["Congratulate.", "Call them."]
    assert [step.text for step in brief.cautions] == ["Say nothing.", "Check."]
    assert brief.opportunities[1].about == "Raises again"
    for number in range(9):
        happened(tenant, acme, f"Wins {number}", relevance=0.95, sentiment=0.6, actions=[f"Do {number}."])
    crowded = brief_of(tenant.scope, acme, now=NOW)
    assert len(crowded.opportunities) + len(crowded.cautions) == STEPS
    assert len(crowded.cautions) == 2


def test_a_quiet_client_has_a_brief_too(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    brief = brief_of(tenant.scope, acme, now=NOW)
    assert (brief.items, brief.standing, brief.mood.mean) == ((), None, None)
    assert len(brief.questions) == 3
    page = text_of(brief_page(brief))
    assert "Nothing was found about Acme in the last 90 days." in page
    assert "The CRM was not asked about this client" in page


def test_the_asker_s_zone_and_whatever_zone_is_named(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    user = tenant.add_user("yuki@example.com", user={"timezone": "Asia/Tokyo"})
    scope = as_person(tenant, Role.MANAGER, user)
    assert "Tuesday 10 March 2026, 18:30 Tokyo time" in text_of(brief_page(brief_of(scope, acme, now=NOW)))
    paris = brief_of(scope, acme, now=NOW, timezone="Europe/Paris")
    assert "10:30 Paris time" in text_of(brief_page(paris))


def test_the_demo_s_inventions_are_called_so(tenant: Tenant) -> None:
    change(tenant, Business, is_demo=True)
    acme = tenant.add_client("Acme")
    snapshot(tenant, acme, provider="mock")
    assert "some of it is invented for the demo" in text_of(brief_page(brief_of(tenant.scope, acme, now=NOW)))


def test_whose_brief_it_is(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    stranger = Scope(another_tenant().business_id, None, Role.OWNER)
    with pytest.raises(UserError, match="no such client"):
        brief_of(stranger, acme, now=NOW)
    with pytest.raises(UserError, match="cannot be told on a page"):
        brief_of(tenant.scope, acme, days=5, now=NOW)


# what it asks


def standing(**fields: Any) -> Standing:
    values: dict[str, Any] = {"provider": "x", "taken_at": EARLIER, "is_empty": False, "health": Health.WATCH}
    return Standing(**values | fields)


def item(category: Category | None, title: str = "It happened", **fields: Any) -> BriefItem:
    values: dict[str, Any] = {
        "event_id": uuid4(),
        "happened_at": EARLIER,
        "source": "The Example",
        "outlets": 1,
        "relevance": 0.8,
        "sentiment": 0.0,
        "risk": "none",
        "meaning": "",
        "is_unconfirmed": False,
        "is_mock": False,
    }
    return BriefItem(title=title, category=category, **values | fields)


TODAY = NOW.date()


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ({"renewal_on": TODAY - timedelta(days=1)}, "The renewal date is past"),
        ({"renewal_on": TODAY + timedelta(days=1)}, "renewed in 1 day:"),
        ({"renewal_on": TODAY + timedelta(days=181)}, "What has to have happened"),
        ({"urgent_cases": 2}, "2 urgent cases are open"),
        ({"last_activity_at": NOW - timedelta(days=61)}, "We have not spoken for a while"),
        ({}, "What has to have happened"),
    ],
)
def test_what_is_due_is_asked_first(said: dict[str, Any], first: str) -> None:
    assert first in questions([], standing(**said), TODAY)[0].text


def test_each_kind_of_news_is_asked_about_once() -> None:
    due = standing(renewal_on=TODAY, urgent_cases=1, last_activity_at=NOW - timedelta(days=99))
    news = [
        item(Category.FUNDING, "First"),
        item(Category.FUNDING, "Second"),
        item(None),
        item(Category.LAYOFFS, "Third"),
    ]
    found = questions(news, due, TODAY)
    assert (len(found), [one.about for one in found]) == (MOST, ["the CRM", "the CRM", "First", "Third"])


# the page


def full() -> Brief:
    """A brief with as much in it as any can have."""
    long = "Wolverhampton International Consolidated Manufacturing Holdings names a chief "
    kinds = [kind for kind in Category if kind is not Category.OTHER][:ITEMS]
    items = tuple(
        item(
            kind,
            (long * 3)[:140],
            source="The Very Long Name Of A Continental Business Daily Newspaper",
            outlets=12,
            risk="high",
            meaning=(long * 4)[:210],
            is_unconfirmed=True,
            is_mock=True,
        )
        for kind in kinds
    )
    crm = standing(
        health=Health.AT_RISK,
        health_words="at risk",
        is_reckoned=True,
        risks=tuple(
            Part(name=name, value=25) for name in ("overdue_renewal", "renewal_without_deal", "lost_deals")
        ),
        engagement=0.17,
        owner="Wilhelmina Montgomery-Featherstonehaugh",
        pipeline=(("EUR", 123_456_789.0), ("USD", 98_765_432.0), ("GBP", 5.0)),
        renewal_on=date(2026, 4, 10),
        open_deals=12,
        open_cases=14,
        urgent_cases=3,
        last_activity_at=NOW - timedelta(days=100),
    )
    step = Step(text=(long * 2)[:90], about=(long * 2)[:80])
    return Brief(
        client_id=uuid4(),
        client=(long * 2)[:90],
        legal_name=(long * 2)[:120],
        domain="wolverhampton-consolidated-manufacturing.example.com",
        ticker="LSE:WICM",
        industry="Industrial automation and speciality manufacturing",
        tier=Tier.STRATEGIC,
        confidential=True,
        business="Meridian Partners International Consulting Group",
        prepared_for="Wilhelmina Montgomery-Featherstonehaugh",
        timezone="America/Argentina/ComodRivadavia",
        at=NOW,
        days=90,
        people=("Wilhelmina Montgomery-Featherstonehaugh", "Maximilian Cholmondeley", "Tom", "Yuki"),
        standing=crm,
        events=124,
        weekly=(9, 8, 7, 12, 3, 0, 1, 4, 5, 20, 11, 3, 9),
        items=items,
        mood=Mood(good=44, bad=33, neutral=47, mean=-0.2, before=0.3, high_risks=((long * 2)[:70],) * 5),
        opportunities=(step,) * 2,
        cautions=(step,) * 2,
        questions=questions(items, crm, TODAY),
        is_invented=True,
    )


def test_whatever_the_world_says_is_text() -> None:
    attack = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    brief = full()
    hostile = brief.model_copy(
        update={
            "client": attack,
            "legal_name": attack,
            "domain": attack,
            "industry": attack,
            "business": attack,
            "prepared_for": attack,
            "people": (attack,),
            "items": (item(Category.FUNDING, attack, source=attack, meaning=attack),),
            "opportunities": (Step(text=attack, about=attack),),
            "questions": (Question(text=attack, about=attack),),
            "mood": brief.mood.model_copy(update={"high_risks": (attack,)}),
            "standing": standing(health_words=attack, owner=attack, health=Health.OTHER),
        }
    )
    html = brief_page(hostile)
    page = document_fromstring(html)
    assert [
        tag for tag in ("script", "img", "iframe", "object", "link", "form", "a") if page.findall(f".//{tag}")
    ] == []
    assert not re.search(r"\son\w+\s*=", re.sub(r">[^<]*<", "><", html))
    assert "alert(1)" in unescape(html)
    assert "default-src 'none'" in html
    assert not re.search(r"url\(|@import|https?:", html.split("</style>")[0])


def test_the_figures_stand_on_it() -> None:
    page = text_of(brief_page(full()))
    for told in (
        "Client brief · strategic",
        "At risk",
        "engagement 17 of 100",
        "10 Apr 2026",
        "in 31 days",
        "123,456,789 EUR",
        "12 open deals",
        "124 events in 90 days",
        "118 more events on the client's page.",
        "44 good, 33 bad and 47 neutral",
        "Darker than in as many days before",
        "14 open cases, 3 urgent",
        "CRM data of today",
        "Confidential client",
    ):
        assert told in page, told


def test_a_file_is_named_after_its_client() -> None:
    name = file_name(
        full().model_copy(update={"client": "../Ünder & Söhne\n", "at": datetime(2026, 3, 1, tzinfo=UTC)})
    )
    assert name == "brief-nder-s-hne-2026-03-01.html"


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_on_one_sheet_however_much_there_is_to_say(tmp_path: Path, paper: str) -> None:
    page_file = tmp_path / "brief.html"
    page_file.write_text(brief_page(full()), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        page.goto(page_file.as_uri())
        margins = {"top": "11mm", "bottom": "11mm", "left": "13mm", "right": "13mm"}
        printed = page.pdf(format=paper, print_background=True, margin=margins)  # type: ignore[arg-type]
        browser.close()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
