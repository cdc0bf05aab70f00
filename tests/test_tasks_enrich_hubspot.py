"""HubSpot over real HTTP: which company is meant, what is read of it, and how it fails."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import rows
from fakes import NewsServer, Reply
from hubspot import KEY, VERSION, HubSpot, answer, error
from newsroom import plan_for
from pydantic import SecretStr
from sqlmodel import select
from test_tasks_enrich import enrich, in_the_news, switch_on

from models.base import new_id
from models.engine import reading
from models.limits import RateSlot
from models.news import SourceState
from models.providers import ProviderHealth
from models.scope import Scope
from models.settings import Settings, get_settings
from tasks.enrich.crm import Account, Case, Crm, CrmContext, CrmError, Opportunity, Record
from tasks.enrich.hubspot import HubSpotCrm
from tasks.enrich.hubspot.reading import amount, day, instant
from tasks.net.faults import FetchError, TooLarge, WrongType
from tasks.net.http import Http
from tasks.registry import CRMS, load

DAY = "2026-03-09T08:00:00Z"


@dataclass
class Keys:
    """Credentials without a store."""

    held: Mapping[str, SecretStr] = field(default_factory=lambda: {"key": SecretStr(KEY)})

    def read(self) -> Mapping[str, SecretStr]:
        return self.held

    def exclusive(self) -> Any:
        raise AssertionError("nothing of HubSpot's rotates")

    def replace(self, values: Mapping[str, str]) -> None:
        raise AssertionError("nothing of HubSpot's rotates")


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with NewsServer() as made:
        yield made


@pytest.fixture
def hub(server: NewsServer) -> HubSpot:
    return HubSpot(server)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def crm(db: object, server: NewsServer, waits: list[float]) -> Iterator[Any]:
    """Makes the provider with these options and keys."""
    settings = Settings(
        _env_file=None,
        source_urls={"hubspot": server.url("")},
        http_timeout_seconds=0.3,
        http_max_bytes=200_000,
    )
    with Http(settings, sleep=waits.append) as http:
        yield lambda keys=None, **options: HubSpotCrm(
            CrmContext(http=http, settings=settings, credentials=keys or Keys(), options=options)
        )


def account(name: str = "Acme", crm_id: str | None = None, domain: str | None = None) -> Account:
    return Account(key=new_id(), name=name, crm_id=crm_id, domain=domain)


def one(crm: Crm, asked: Account) -> Record | None:
    return crm.records([asked], NOW).get(asked.key)


def test_it_is_the_provider_that_its_entry_point_names() -> None:
    provider: type[Crm] = load(CRMS, "hubspot")
    assert provider is HubSpotCrm
    assert HubSpotCrm.about.fields[0].secret


def test_an_account_with_its_owner_deals_and_tickets(hub: HubSpot, crm: Any) -> None:
    hub.owners = [
        {"id": "41", "email": "maria@example.com", "firstName": "Maria", "lastName": "Lopez"},
        {"id": "42", "email": "tom@example.com", "firstName": "", "lastName": None},
    ]
    own = {"plan__c": "Gold", "mood": "content", "renews": "2026-06-01", "stock": "ACM"}
    hub.add(
        "companies",
        7,
        name="Acme Inc.",
        domain="acme.example.com",
        industry="COMPUTER_SOFTWARE",
        hubspot_owner_id="41",
        notes_last_updated="2026-03-01T10:00:00.123Z",
        **own,
    )
    hub.add("deals", 70, of=7, dealname="Expansion", dealstage="s1", amount="1200.50", closedate=DAY)
    hub.add(
        "deals",
        71,
        of=7,
        dealname="Renewal",
        dealtype="Renewal",
        amount="100",
        deal_currency_code="USD",
        closedate="2026-02-01",
        hs_is_closed="true",
        hs_is_closed_won="true",
    )
    hub.add("deals", 72, of=7, dealname="Long ago", hs_is_closed="true", closedate="2020-01-01")
    hub.add("tickets", 80, of=7, createdate=DAY, hs_ticket_priority="HIGH")
    hub.add("tickets", 81, of=7, createdate="2026-01-20T00:00:00Z", closed_date=DAY, hs_ticket_priority="LOW")
    hub.add("tickets", 82, of=7, createdate="2019-01-01T00:00:00Z", closed_date="2019-02-01T00:00:00Z")

    made = crm(
        tier_property="plan__c", health_property="mood", renewal_property="renews", ticker_property="stock"
    )
    assert one(made, account(crm_id="7")) == Record(
        crm_id="7",
        name="Acme Inc.",
        domain="acme.example.com",
        industry="Computer software",
        ticker="ACM",
        tier="Gold",
        health="content",
        owner_name="Maria Lopez",
        owner_email="maria@example.com",
        renewal_on=date(2026, 6, 1),
        last_activity_at=datetime(2026, 3, 1, 10, 0, 0, 123_000, tzinfo=UTC),
        opportunities=(
            Opportunity("Expansion", "s1", 1200.5, "EUR", date(2026, 3, 9)),
            Opportunity("Renewal", "", 100.0, "USD", date(2026, 2, 1), False, True, True),
        ),
        cases=(
            Case(datetime(2026, 3, 9, 8, tzinfo=UTC), is_open=True, is_urgent=True),
            Case(datetime(2026, 1, 20, tzinfo=UTC), is_open=False, is_urgent=False),
        ),
    )
    sent = hub.server.asked
    assert {asked.headers["Authorization"] for asked in sent} == {f"Bearer {KEY}"}
    assert {asked.method for asked in sent if "objects" in asked.path} == {"POST"}


def test_which_company_is_meant(hub: HubSpot, crm: Any) -> None:
    expected = [
        (account("Whatever", crm_id="7"), "7"),
        (account("Whatever", crm_id="6"), "7"),  # merged into 7
        (account("Acme", crm_id="999"), None),  # an id HubSpot lacks: no namesake in its place
        (account("Acme", crm_id="0015g00000AbCdE"), "7"),  # another CRM's id says nothing here
        (account("Nobody", domain="ACME.example.com"), "7"),
        (account("Acme"), "7"),
        (account("ACME", domain="elsewhere.example"), None),  # a namesake
        (account("Acme Ltd"), None),
        (account("Twins"), None),
        (account("Twins", domain="two.example"), "9"),
        (account("Group", domain="group.example"), "10"),
        (account("Neither", domain="group.example"), None),
        (account("Domainless", domain="known.example"), "12"),
        (account("Ro\"b\\ert'); {drop} %"), "13"),
    ]
    hub.add("companies", 7, name="Acme", domain="acme.example.com", hs_merged_object_ids="5;6")
    hub.add("companies", 8, name="Twins", domain="one.example")
    hub.add("companies", 9, name="Twins", domain="two.example")
    hub.add("companies", 10, name="Group", domain="group.example")
    hub.add("companies", 11, name="Group Leasing", domain="group.example")
    hub.add("companies", 12, name="Domainless", domain=None)
    hub.add("companies", 13, name="Ro\"b\\ert'); {drop} %", domain=None)
    found = crm().records([asked for asked, _ in expected], NOW)
    assert [
        (asked, found[asked.key].crm_id if asked.key in found else None) for asked, _ in expected
    ] == expected


def test_two_hundred_accounts_cost_few_requests(hub: HubSpot, crm: Any) -> None:
    accounts = []
    for number in range(1, 201):
        hub.add("companies", number, name=f"Client {number}", domain=f"c{number}.example")
        hub.add("deals", 1_000 + number, of=number, amount="1", deal_currency_code="EUR")
        by_id = number % 2 == 0
        accounts.append(
            account("x", crm_id=str(number)) if by_id else account("x", domain=f"c{number}.example")
        )
    found = crm().records(accounts, NOW)
    assert {found[one.key].crm_id for one in accounts} == {str(number) for number in range(1, 201)}
    assert all(record.opportunities for record in found.values())
    assert len(hub.server.asked) <= 10


def test_associations_come_in_pages(hub: HubSpot, crm: Any) -> None:
    hub.linked_at_once = 2
    for company, count in ((7, 5), (8, 1), (9, 4)):
        hub.add("companies", company, name=f"C{company}")
        for number in range(count):
            hub.add("deals", company * 100 + number, of=company, amount="1")
    accounts = [account(crm_id=str(number)) for number in (7, 8, 9)]
    found = crm(currency="CHF").records(accounts, NOW)
    assert [len(found[one.key].opportunities) for one in accounts] == [5, 1, 4]
    assert {deal.currency for record in found.values() for deal in record.opportunities} == {"CHF"}


def test_pages_that_never_end_are_given_up(hub: HubSpot, crm: Any) -> None:
    hub.add("companies", 7, name="Acme", hubspot_owner_id="1")
    endless = {"results": [{"id": "1"}], "paging": {"next": {"after": "same"}}}
    hub.server.serve(hub.owners_path, answer(endless))
    with pytest.raises(WrongType, match="do not come to an end"):
        one(crm(), account(crm_id="7"))


def test_the_portfolio_is_every_customer_however_many(hub: HubSpot, crm: Any) -> None:
    hub.owners = [{"id": "41", "email": "maria@example.com", "firstName": "Maria", "lastName": "Lopez"}]
    for number in range(1, 451):
        hub.add(
            "companies", number * 3, name=f"Client {number}", lifecyclestage="customer", hubspot_owner_id="41"
        )
    hub.add("companies", 5_000, name="A lead", lifecyclestage="lead", relation="partner")
    records = list(crm().portfolio())
    assert [record.crm_id for record in records] == [str(number * 3) for number in range(1, 451)]
    assert {record.owner_email for record in records} == {"maria@example.com"}
    assert hub.server.count(hub.path("companies", "search")) == 3
    assert hub.server.count(hub.owners_path) == 1
    partners = crm(customer_property="relation", customer_value="partner").portfolio()
    assert [record.name for record in partners] == ["A lead"]


@pytest.mark.parametrize("missing", ["deals", "tickets", "owners", "account"])
def test_what_a_missing_scope_would_show_stays_unknown(hub: HubSpot, crm: Any, missing: str) -> None:
    hub.owners = [{"id": "41", "email": "maria@example.com", "firstName": "Maria", "lastName": "Lopez"}]
    hub.add("companies", 7, name="Acme", hubspot_owner_id="41")
    hub.add("deals", 70, of=7, amount="5")
    hub.add("tickets", 80, of=7, createdate=DAY)
    hub.forbidden = {missing}
    record = one(crm(), account(crm_id="7"))
    assert record is not None
    said = {
        "deals": bool(record.opportunities),
        "tickets": bool(record.cases),
        "owners": record.owner_email is not None,
        "account": bool(record.opportunities) and record.opportunities[0].currency == "EUR",
    }
    without = {missing} | ({"account"} if missing == "deals" else set())
    assert {name for name, known in said.items() if not known} == without


def test_an_account_that_does_not_tell_its_currency_has_sums_without_one(hub: HubSpot, crm: Any) -> None:
    hub.add("companies", 7, name="Acme")
    hub.add("deals", 70, of=7, amount="5")
    for reply in (error(404), answer({"companyCurrency": "euro"}), answer({})):
        hub.server.serve(hub.account_path, reply)
        record = one(crm(), account(crm_id="7"))
        assert record is not None
        assert [(deal.amount, deal.currency) for deal in record.opportunities] == [(5.0, None)]
    hub.server.serve(hub.account_path, error(503))
    with pytest.raises(FetchError, match="503"):
        one(crm(), account(crm_id="7"))


def test_without_the_scope_for_companies_it_says_so(hub: HubSpot, crm: Any) -> None:
    hub.forbidden = {"companies"}
    with pytest.raises(FetchError, match="lacks a scope"):
        one(crm(), account(crm_id="7"))


def test_without_a_key_nothing_is_asked(hub: HubSpot, crm: Any) -> None:
    for held in ({}, {"key": SecretStr(" ")}):
        with pytest.raises(CrmError, match="needs a service key"):
            crm(Keys(held))
    assert hub.server.asked == []


def test_a_key_that_is_missing_is_no_outage_however_often(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_BREAKER_FAILURES", "2")
    get_settings.cache_clear()
    switch_on(tenant, "hubspot")
    in_the_news(tenant, "Acme")
    for _ in range(3):
        [line] = enrich(plan_for(tenant)).degraded
        assert "needs a service key" in line
    assert [row.failures for row in rows(tenant, ProviderHealth)] in ([], [0])


def test_an_option_that_cannot_be_is_named_and_nothing_is_asked(hub: HubSpot, crm: Any) -> None:
    for options in (
        {"tier_property": "na me"},
        {"renewal_property": "x') OR 1=1"},
        {"api_version": "../../v3"},
        {"currency": "euro"},
        {"customer_value": ""},
    ):
        with pytest.raises(CrmError, match=next(iter(options))):
            crm(**options)
    assert hub.server.asked == []


def test_the_version_is_an_option(hub: HubSpot, crm: Any) -> None:
    with pytest.raises(FetchError):
        one(crm(api_version="2027-03"), account(crm_id="7"))
    assert [asked.path for asked in hub.server.asked] == ["/crm/objects/2027-03/companies/batch/read"]
    assert VERSION != "2027-03"


HTML = Reply(b"<html>busy</html>", 502, "text/html")
FAULTS = {
    "401": ([error(401, "INVALID_AUTHENTICATION")], SourceState.FAILED, 1, "does not accept the key"),
    "403": ([error(403, "FORBIDDEN")], SourceState.FAILED, 1, "403"),
    "404": ([error(404)], SourceState.FAILED, 1, "404"),
    "400": ([error(400, "VALIDATION_ERROR")], SourceState.FAILED, 1, "400"),
    "429 rolling": (
        [error(429, errorType="RATE_LIMIT", policyName="TEN_SECONDLY_ROLLING")],
        SourceState.QUOTA,
        3,
        "too many requests",
    ),
    "429 day": (
        [error(429, errorType="RATE_LIMIT", policyName="DAILY")],
        SourceState.QUOTA,
        1,
        "day's requests",
    ),
    "500": ([error(500)], SourceState.FAILED, 3, "500"),
    "502 html": ([HTML], SourceState.FAILED, 3, "502"),
    "html": ([Reply(b"<html>sign in</html>", 200, "text/html")], SourceState.FAILED, 1, "text/html"),
    "list": ([answer([])], SourceState.FAILED, 1, "not JSON"),
    "no results": ([answer({"status": "COMPLETE"})], SourceState.FAILED, 1, "without 'results'"),
    "cut": (
        [Reply(b'{"results": []}' * 9, 200, "application/json", cut_after=20)],
        SourceState.FAILED,
        3,
        "cut off",
    ),
    "cut json": ([Reply(b'{"results": [', 200, "application/json")], SourceState.FAILED, 1, "not JSON"),
    "huge": ([Reply(b" " * 300_000, 200, "application/json")], SourceState.FAILED, 1, "longer than"),
    "slow": ([Reply(stall=True)], SourceState.FAILED, 3, "no answer in time"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_typed_and_in_words_without_the_key(
    hub: HubSpot, crm: Any, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    replies, state, attempts, words = FAULTS[fault]
    path = hub.path("companies", "batch/read")
    hub.server.serve(path, *replies)
    with caplog.at_level(logging.DEBUG), pytest.raises(FetchError) as caught:
        one(crm(), account(crm_id="7"))
    assert caught.value.state is state
    assert words in str(caught.value)
    assert hub.server.count(path) == attempts
    assert KEY not in f"{caught.value!r} {caught.value} {caplog.text}"
    assert "\n" not in str(caught.value)


def test_a_moments_limit_is_waited_out(hub: HubSpot, crm: Any, waits: list[float]) -> None:
    hub.add("companies", 7, name="Acme")
    path = hub.path("companies", "batch/read")
    found = answer({"results": [{"id": "7", "properties": {"name": "Acme"}}]})
    hub.server.serve(path, error(429, policyName="SECONDLY"), error(503), found)
    assert one(crm(), account(crm_id="7")) is not None
    assert max(waits) >= 1


def test_a_spent_day_keeps_the_next_request_from_being_made(hub: HubSpot, crm: Any) -> None:
    path = hub.path("companies", "batch/read")
    hub.server.serve(path, error(429, policyName="DAILY"))
    for _ in range(2):
        with pytest.raises(FetchError) as caught:
            one(crm(), account(crm_id="7"))
        assert caught.value.state is SourceState.QUOTA
    assert hub.server.count(path) == 1


def test_searches_and_the_rest_are_paced_apart_by_a_fingerprint_of_the_key(hub: HubSpot, crm: Any) -> None:
    hub.add("companies", 7, name="Acme")
    one(crm(), account())
    with reading(Scope.operator()) as session:
        slots = {slot.provider: slot.credential for slot in session.exec(select(RateSlot))}
    assert set(slots) == {"hubspot", "hubspot-search"}
    assert KEY not in str(slots)


def test_too_large_is_its_own_fault(hub: HubSpot, crm: Any) -> None:
    hub.server.serve(hub.path("companies", "batch/read"), Reply(b" " * 300_000, 200, "application/json"))
    with pytest.raises(TooLarge):
        one(crm(), account(crm_id="7"))


def test_rows_that_are_no_objects_are_passed_over(hub: HubSpot, crm: Any) -> None:
    rows = [
        None,
        7,
        {"id": None},
        {"id": "x"},
        {"id": "9", "archived": True},
        {"id": "7", "properties": {"name": 5}},
    ]
    hub.server.serve(hub.path("companies", "batch/read"), answer({"results": rows}))
    found: Mapping[UUID, Record] = crm().records([account(crm_id="7"), account(crm_id="9")], NOW)
    assert [record.crm_id for record in found.values()] == ["7"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.50", 12.5),
        (" 7 ", 7.0),
        ("-3", -3.0),
        ("", None),
        (None, None),
        ("1,200", None),
        ("1.200,50", None),
        ("€5", None),
        ("1e9", None),
        ("nan", None),
        ("Infinity", None),
        ("1_000", None),
        ("9" * 16, None),
    ],
)
def test_amounts_are_read_plainly_or_not_at_all(text: str | None, value: float | None) -> None:
    assert amount(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-03-09", datetime(2026, 3, 9, tzinfo=UTC)),
        ("2026-03-09T23:30:00-05:00", datetime(2026, 3, 10, 4, 30, tzinfo=UTC)),
        ("1572480000000", datetime(2019, 10, 31, tzinfo=UTC)),
        ("2026-13-09", None),
        ("09/03/2026", None),
        ("20260", None),
        ("0001-01-01", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("99999999999999", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_are_read_plainly_or_not_at_all(text: str | None, value: datetime | None) -> None:
    assert instant(text) == value
    assert day(text) == (value.date() if value else None)
