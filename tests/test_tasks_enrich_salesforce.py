"""Salesforce, against a small org on loopback: tokens, queries, what an org may lack, and what may go wrong."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import jwt
import pytest
from conftest import NOW, Tenant
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from desk import another_tenant, change, rows
from fakes import Asked, NewsServer, Reply
from hypothesis import given, settings
from hypothesis import strategies as st
from newsroom import plan_for
from salesforceorg import QUERY_PATH, TOKEN_PATH, FakeOrg, as_json, error
from sqlalchemy import update
from sqlmodel import select
from test_tasks_enrich import enrich, in_the_news, snapshots

from models.base import new_id, utc_now
from models.crm import CrmSnapshot
from models.engine import reading, writing
from models.limits import RateSlot, fingerprint, longest_hold
from models.news import SourceState
from models.providers import ProviderConfig, ProviderHealth, ProviderKind
from models.scope import Scope
from models.settings import get_settings
from models.vault import new_key, seal, unseal
from tasks.enrich import connect
from tasks.enrich.crm import Account, Case, Crm, CrmError, FetchError, Http, Opportunity, Record
from tasks.enrich.salesforce import soql
from tasks.enrich.salesforce.hosts import safe_base
from tasks.enrich.salesforce.options import read_options
from tasks.enrich.salesforce.reading import account_id, choose, day, instant, number, site_of
from tasks.net.faults import UnsafeAddress

SECRET = "s3cret-of-the-app"
WHOLE = {
    "Website": "https://www.acme.com/en",
    "Industry": "Machinery",
    "TickerSymbol": "ACM",
    "LastActivityDate": "2026-03-01",
    "Owner": {"Name": "Ada Lovelace", "Email": "ada@example.com"},
    "Tier__c": "Gold",
    "Health__c": "green",
    "Renewal__c": "2026-09-30",
    "Type": "Customer - Direct",
}
OWN_FIELDS = {"tier_field": "Tier__c", "health_field": "Health__c", "renewal_field": "Renewal__c"}


@pytest.fixture
def org(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> Iterator[FakeOrg]:
    """An org behind the operator's gateway, and the tenant's switch for it."""
    with NewsServer() as server:
        monkeypatch.setenv("CM_SOURCE_URLS", json.dumps({"salesforce": server.url("")}))
        monkeypatch.setenv("CM_SECRET_KEYS", new_key())
        monkeypatch.setenv("CM_HTTP_TIMEOUT_SECONDS", "2")
        monkeypatch.setenv("CM_HTTP_ATTEMPTS", "1")
        get_settings.cache_clear()
        switch_on(tenant)
        yield FakeOrg(server)


def switch_on(tenant: Tenant, options: dict[str, Any] | None = None, **secrets: str) -> None:
    secrets = secrets or {"refresh_token": "refresh-0", "client_secret": SECRET}
    tenant.add(
        ProviderConfig(
            business_id=tenant.business_id,
            kind=ProviderKind.CRM,
            name="salesforce",
            is_enabled=True,
            options={"client_id": "the-app", **(options or {})},
            secret=seal(get_settings(), secrets),
        )
    )


def set_options(tenant: Tenant, **options: Any) -> None:
    change(tenant, ProviderConfig, options={"client_id": "the-app", **options})


def set_secrets(tenant: Tenant, **secrets: str) -> None:
    change(tenant, ProviderConfig, secret=seal(get_settings(), secrets))


def stored(tenant: Tenant) -> dict[str, str]:
    [row] = rows(tenant, ProviderConfig)
    return {name: secret.get_secret_value() for name, secret in unseal(get_settings(), row.secret).items()}


class Asking:
    """A run's worth of one CRM."""

    def __init__(self, tenant: Tenant) -> None:
        self.http = Http(get_settings(), sleep=lambda seconds: None)
        self.crm: Crm = connect.make(tenant.scope, "salesforce", self.http)

    def about(self, *accounts: Account) -> list[Record | None]:
        found = self.crm.records(accounts, NOW)
        return [found.get(account.key) for account in accounts]


def an_account(name: str = "Acme", crm_id: str | None = None, domain: str | None = None) -> Account:
    return Account(new_id(), name, crm_id, domain)


# --- What is read -----------------------------------------------------------------------------------------------


def test_an_account_with_its_owner_deals_and_cases(tenant: Tenant, org: FakeOrg) -> None:
    set_options(tenant, **OWN_FIELDS)
    acme = org.account(1, "Acme", **WHOLE)
    org.rows["Opportunity"] = [
        {
            "AccountId": acme,
            "Name": "Robots",
            "StageName": "Proposal",
            "Amount": 120_000.5,
            "CurrencyIsoCode": "EUR",
            "CloseDate": "2026-06-30",
            "IsClosed": False,
            "IsWon": False,
            "Type": "Existing - Renewal",
        },
        {"AccountId": acme, "Name": "Won", "CloseDate": "2026-01-31", "IsClosed": True, "IsWon": True},
        {"AccountId": acme, "Name": "Long ago", "CloseDate": "2024-01-31", "IsClosed": True, "IsWon": True},
    ]
    org.rows["Case"] = [
        {
            "AccountId": acme,
            "CreatedDate": "2025-01-05T10:00:00.000+0000",
            "IsClosed": False,
            "Priority": "High",
        },
        {
            "AccountId": acme,
            "CreatedDate": "2026-03-01T10:00:00.000+0000",
            "IsClosed": True,
            "Priority": "Low",
        },
        {
            "AccountId": acme,
            "CreatedDate": "2025-03-01T10:00:00.000+0000",
            "IsClosed": True,
            "Priority": "Low",
        },
    ]
    [one] = Asking(tenant).about(an_account(crm_id=acme))
    assert one == Record(
        crm_id=acme,
        name="Acme",
        other_ids=(acme[:15],),
        domain="acme.com",
        industry="Machinery",
        ticker="ACM",
        tier="Gold",
        health="green",
        owner_name="Ada Lovelace",
        owner_email="ada@example.com",
        renewal_on=date(2026, 9, 30),
        last_activity_at=datetime(2026, 3, 1, tzinfo=UTC),
        opportunities=(
            Opportunity(
                "Robots", "Proposal", 120_000.5, "EUR", date(2026, 6, 30), is_open=True, is_renewal=True
            ),
            Opportunity("Won", close_on=date(2026, 1, 31), is_open=False, is_won=True),
        ),
        cases=(
            Case(datetime(2025, 1, 5, 10, tzinfo=UTC), is_open=True, is_urgent=True),
            Case(datetime(2026, 3, 1, 10, tzinfo=UTC), is_open=False, is_urgent=False),
        ),
    )
    assert {asked.method for asked in org.server.asked if asked.path != TOKEN_PATH} == {"GET"}


def test_a_client_is_found_by_id_then_domain_then_name(tenant: Tenant, org: FakeOrg) -> None:
    ids = [org.account(n, f"Account {n}", Website=f"www.site{n}.com") for n in range(4)]
    org.account(9, "No Website")
    found = Asking(tenant).about(
        an_account("Another name", crm_id=ids[0][:15], domain="site3.com"),
        an_account("Another name", domain="site1.com"),
        an_account("no  website", crm_id="C-1"),
        an_account("Nobody knows"),
        an_account("Account 2", crm_id="001000000000777AAA"),
    )
    assert [one and one.name for one in found] == ["Account 0", "Account 1", None, None, None]
    assert Asking(tenant).about(an_account("NO WEBSITE"))[0] is not None


NASTY = [
    "O'Reilly",
    'Say "Hi"',
    "50% Off_Ltd",
    "back\\slash",
    "back\\'",
    "' OR Name LIKE '%",
    "tab\tnew\nline",
    "Ünïcødé 株式会社 🚀",
]


def test_a_name_is_a_value_whatever_stands_in_it(tenant: Tenant, org: FakeOrg) -> None:
    for position, name in enumerate(NASTY):
        org.account(position, name)
    org.account(99, "Somebody else")
    asking = Asking(tenant)
    assert [one and one.name for one in asking.about(*map(an_account, NASTY))] == NASTY
    for name in NASTY:
        assert [one and one.name for one in asking.about(an_account(name))] == [name]


def test_a_domain_is_no_pattern(tenant: Tenant, org: FakeOrg) -> None:
    org.account(1, "Other", Website="https://axb.com")
    org.account(2, "Longer", Website="https://nota_b.com")
    assert Asking(tenant).about(an_account("X", domain="a_b.com")) == [None]
    org.account(3, "It", Website="a_b.com")
    assert [one and one.name for one in Asking(tenant).about(an_account("X", domain="a_b.com"))] == ["It"]


def test_pages_are_followed_to_the_last_row(tenant: Tenant, org: FakeOrg) -> None:
    org.page_size = 3
    acme = org.account(1, "Acme")
    org.rows["Opportunity"] = [{"AccountId": acme, "Name": str(n), "IsClosed": False} for n in range(10)]
    for n in range(2, 12):
        org.account(n, f"Account {n}", Type="Customer")
    asking = Asking(tenant)
    [one] = asking.about(an_account(crm_id=acme))
    assert one is not None
    assert [deal.name for deal in one.opportunities] == [str(n) for n in range(10)]
    assert [record.name for record in asking.crm.portfolio()] == [f"Account {n}" for n in range(2, 12)]


def test_a_next_page_elsewhere_is_not_followed(tenant: Tenant, org: FakeOrg) -> None:
    acme = org.account(1, "Acme")
    for following in ("@evil.example/services/data/v65.0/query/x", "https://evil.example/", 7, None):
        page = {"totalSize": 9, "done": False, "records": [], "nextRecordsUrl": following}
        org.server.serve(QUERY_PATH, as_json(page))
        with pytest.raises(FetchError, match="pages do not come to an end"):
            Asking(tenant).about(an_account(crm_id=acme))


def test_many_accounts_take_few_queries_none_too_long(tenant: Tenant, org: FakeOrg) -> None:
    ids = [org.account(n, f"Client Société Générale {n}") for n in range(200)]
    found = Asking(tenant).about(*(an_account(crm_id=one) for one in ids))
    assert all(found)
    assert len(org.queries) <= 6
    unknown = [an_account(f"Client Société Générale {n}", domain=f"a{n}.example.com") for n in range(200)]
    Asking(tenant).about(*unknown)
    assert max(len(quote_plus(query)) for query in org.queries) < 4_500


def test_the_portfolio_is_the_customers_or_the_types_asked_for(tenant: Tenant, org: FakeOrg) -> None:
    org.account(1, "A", Type="Customer - Direct", **{"Website": "a.com", "Owner": WHOLE["Owner"]})
    org.account(2, "B", Type="Prospect")
    org.account(3, "C", Type="Partner's")
    assert [(one.name, one.owner_email) for one in Asking(tenant).crm.portfolio()] == [
        ("A", "ada@example.com")
    ]
    set_options(tenant, customer_types="Partner's, Prospect")
    assert [one.name for one in Asking(tenant).crm.portfolio()] == ["B", "C"]


# --- What an org may lack -----------------------------------------------------------------------------------------


def test_what_the_org_lacks_is_asked_for_once(tenant: Tenant, org: FakeOrg) -> None:
    org.lacking = {"Account.TickerSymbol", "Opportunity.CurrencyIsoCode", "Case"}
    set_options(tenant, currency="CHF")
    acme = org.account(1, "Acme", Industry="Machinery")
    org.rows["Opportunity"] = [{"AccountId": acme, "Name": "Robots", "Amount": 5, "IsClosed": False}]
    asking = Asking(tenant)
    [one] = asking.about(an_account(crm_id=acme))
    assert one is not None
    assert (one.industry, one.ticker, one.cases) == ("Machinery", None, ())
    assert [(deal.amount, deal.currency) for deal in one.opportunities] == [(5.0, "CHF")]
    before = len(org.queries)
    asking.about(an_account(crm_id=acme))
    assert len(org.queries) - before == 2


def test_what_cannot_be_left_out_is_an_error_that_says_how_to_mend_it(tenant: Tenant, org: FakeOrg) -> None:
    set_options(tenant, **OWN_FIELDS)
    for lacking, words in (
        (
            "Account.Tier__c",
            r"Account\.Tier__c is not there, or .* may not read it: mend the option tier_field",
        ),
        ("Account", "object Account is not there, or its user may not read it: give it the permissions"),
        ("Account.Name", r"Account\.Name is not there, .* give it the permissions"),
    ):
        org.lacking = {lacking}
        with pytest.raises(CrmError, match=words):
            Asking(tenant).about(an_account(crm_id="001000000000001AAA"))
    org.lacking = {"Account.Type"}
    with pytest.raises(CrmError, match=r"Account\.Type is not there"):
        list(Asking(tenant).crm.portfolio())


def test_what_conditions_need_takes_its_object_along_and_nothing_else(tenant: Tenant, org: FakeOrg) -> None:
    org.lacking = {"Opportunity.CloseDate", "Account.Owner.Email"}
    acme = org.account(1, "Acme", **WHOLE)
    org.rows["Opportunity"] = [{"AccountId": acme, "Name": "Robots", "IsClosed": False}]
    org.rows["Case"] = [{"AccountId": acme, "IsClosed": False}]
    [one] = Asking(tenant).about(an_account(crm_id=acme))
    assert one is not None
    assert (one.opportunities, len(one.cases)) == ((), 1)
    assert (one.owner_name, one.owner_email, one.ticker) == ("Ada Lovelace", None, "ACM")


# --- Tokens -------------------------------------------------------------------------------------------------------


def test_a_rotated_token_is_stored_before_the_access_token_is_used(tenant: Tenant, org: FakeOrg) -> None:
    acme = org.account(1, "Acme")
    kept: list[dict[str, str]] = []
    real = org.query

    def query(asked: Any) -> Reply:
        kept.append(stored(tenant))
        return real(asked)

    org.server.serve(QUERY_PATH, query)
    Asking(tenant).about(an_account(crm_id=acme))
    assert kept[0]["refresh_token"] == org.refresh_token == "refresh-1"
    assert kept[0]["client_secret"] == SECRET
    assert org.forms == [
        {
            "grant_type": "refresh_token",
            "client_id": "the-app",
            "client_secret": SECRET,
            "refresh_token": "refresh-0",
        }
    ]


def test_the_next_run_and_other_processes_use_the_stored_token(tenant: Tenant, org: FakeOrg) -> None:
    acme = org.account(1, "Acme")
    for _ in range(3):
        Asking(tenant).about(an_account(crm_id=acme))
    assert org.spent == ["refresh-0"]


def test_an_expired_session_is_renewed_once_in_the_middle_of_the_work(tenant: Tenant, org: FakeOrg) -> None:
    org.token_lasts, org.page_size = 4, 2
    acme = org.account(1, "Acme")
    org.rows["Opportunity"] = [{"AccountId": acme, "Name": str(n), "IsClosed": False} for n in range(12)]
    [one] = Asking(tenant).about(an_account(crm_id=acme))
    assert one is not None
    assert [deal.name for deal in one.opportunities] == [str(n) for n in range(12)]
    assert org.spent == ["refresh-0", "refresh-1"]


def test_a_new_token_that_is_not_accepted_either_is_an_error_after_one_renewal(
    tenant: Tenant, org: FakeOrg
) -> None:
    Asking(tenant).about(an_account(crm_id=org.account(1, "Acme")))
    org.token_lasts = 0
    org.expire()
    with pytest.raises(CrmError, match="a new token is not accepted either"):
        Asking(tenant).about(an_account(crm_id="001000000000001AAA"))
    assert org.spent == ["refresh-0", "refresh-1"]


def test_a_newer_token_of_another_process_is_picked_up(tenant: Tenant, org: FakeOrg) -> None:
    acme = org.account(1, "Acme")
    one, other = Asking(tenant), Asking(tenant)
    one.about(an_account(crm_id=acme))
    other.about(an_account(crm_id=acme))
    org.expire()
    one.about(an_account(crm_id=acme))
    other.about(an_account(crm_id=acme))
    assert org.spent == ["refresh-0", "refresh-1"]
    org.expire()
    assert other.about(an_account(crm_id=acme)) != [None]


def test_a_revoked_consent_is_said_and_not_tried_again(tenant: Tenant, org: FakeOrg) -> None:
    org.refresh_token = "another"
    asking = Asking(tenant)
    for _ in range(3):
        with pytest.raises(CrmError, match="consent again and store the new refresh token"):
            asking.about(an_account(crm_id="001000000000001AAA"))
    assert org.spent == ["refresh-0"]


def test_a_refresh_token_is_sent_once_even_when_no_good_answer_comes(
    tenant: Tenant, org: FakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_HTTP_ATTEMPTS", "3")
    get_settings.cache_clear()
    faults = (Reply(status=503), Reply(b'{"access_token": "a', cut_after=5), Reply(b"x", reset_after=0))
    for times, fault in enumerate(faults, 1):
        org.server.serve(TOKEN_PATH, fault)
        with pytest.raises(FetchError):
            Asking(tenant).about(an_account(crm_id="001000000000001AAA"))
        assert org.server.count(TOKEN_PATH) == times
    assert stored(tenant) == {"refresh_token": "refresh-0", "client_secret": SECRET}


def test_new_keys_end_the_token_of_the_old_ones(tenant: Tenant, org: FakeOrg) -> None:
    acme = org.account(1, "Acme")
    Asking(tenant).about(an_account(crm_id=acme))
    org.refresh_token = "of-another-org"
    old = stored(tenant)
    set_secrets(tenant, **{**old, "refresh_token": "of-another-org"})
    Asking(tenant).about(an_account(crm_id=acme))
    assert org.spent == ["refresh-0", "of-another-org"]
    set_options(tenant, login_url="https://acme--test.sandbox.my.salesforce.com")
    Asking(tenant).about(an_account(crm_id=acme))
    assert len(org.spent) == 3


def test_client_credentials(tenant: Tenant, org: FakeOrg) -> None:
    set_secrets(tenant, client_secret=SECRET)
    with pytest.raises(CrmError, match="need your My Domain"):
        Asking(tenant).about(an_account(crm_id="001000000000001AAA"))
    set_options(tenant, login_url="https://acme.my.salesforce.com")
    assert Asking(tenant).about(an_account(crm_id=org.account(1, "Acme"))) != [None]
    assert org.forms == [
        {"grant_type": "client_credentials", "client_id": "the-app", "client_secret": SECRET}
    ]


def test_jwt_bearer_with_a_key_in_one_line(tenant: Tenant, org: FakeOrg) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    set_secrets(tenant, private_key=pem.replace("\n", "\\n"))
    with pytest.raises(CrmError, match="needs the option username"):
        Asking(tenant).about(an_account(crm_id="001000000000001AAA"))
    set_options(tenant, username="robot@acme.com", login_url="https://acme--x.sandbox.my.salesforce.com")
    assert Asking(tenant).about(an_account(crm_id=org.account(1, "Acme"))) != [None]
    [form] = org.forms
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        form["assertion"], key.public_key(), algorithms=["RS256"], audience="https://test.salesforce.com"
    )
    assert (claims["iss"], claims["sub"]) == ("the-app", "robot@acme.com")
    assert utc_now().timestamp() < claims["exp"] <= utc_now().timestamp() + 180


def test_a_key_that_is_none_is_not_quoted(tenant: Tenant, org: FakeOrg) -> None:
    set_secrets(tenant, private_key="sesame")
    set_options(tenant, username="robot@acme.com")
    with pytest.raises(CrmError, match="cannot be read") as caught:
        Asking(tenant).about(an_account(crm_id="001000000000001AAA"))
    assert "sesame" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_without_keys_it_says_which_it_needs(tenant: Tenant, org: FakeOrg) -> None:
    change(tenant, ProviderConfig, secret=None)
    with pytest.raises(CrmError, match="needs refresh_token or private_key or client_secret"):
        Asking(tenant)
    set_secrets(tenant, client_secret=SECRET)
    set_options(tenant, flow="jwt")
    with pytest.raises(CrmError, match="it needs private_key"):
        Asking(tenant)


PROCESS = """
import sys
from uuid import UUID

from models.base import new_id, utc_now
from models.scope import Scope
from models.settings import get_settings
from tasks.enrich import connect
from tasks.enrich.crm import Account, Http

scope = Scope.system(UUID(sys.argv[1]))
with Http(get_settings()) as http:
    crm = connect.make(scope, "salesforce", http)
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(sys.argv[2])):
        account = Account(new_id(), "Acme", "001000000000001AAA", None)
        assert crm.records([account], utc_now())
"""


def a_process(tenant: Tenant, times: int) -> subprocess.Popen[str]:
    """Another process that is ready to ask so many times; it starts at a line on its standard input."""
    house = Path(__file__).parent.parent
    one = subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(tenant.business_id), str(times)],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert one.stdin is not None
    return one


def is_ready(one: subprocess.Popen[str]) -> None:
    assert one.stdout is not None
    assert one.stdout.readline() == "ready\n", one.communicate()


def test_processes_that_renew_at_once_spend_every_refresh_token_once_and_in_order(
    tenant: Tenant, org: FakeOrg
) -> None:
    org.account(1, "Acme")
    org.token_lasts = 4
    running = [a_process(tenant, 3) for _ in range(2)]
    for one in running:
        is_ready(one)
    for one in running:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    outcomes = [one.communicate(timeout=60) for one in running]
    assert [one.returncode for one in running] == [0, 0], outcomes
    assert org.spent == [f"refresh-{n}" for n in range(len(org.spent))]
    assert len(org.spent) >= 2 * 3 * 3 / org.token_lasts
    assert stored(tenant)["refresh_token"] == org.refresh_token


@pytest.mark.full
def test_a_process_killed_while_it_renews_keeps_nobody_waiting(
    tenant: Tenant, org: FakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    org.account(1, "Acme")
    monkeypatch.setenv("CM_HTTP_TIMEOUT_SECONDS", "60")
    get_settings.cache_clear()
    asked = threading.Event()

    def stall(_: Asked) -> Reply:
        asked.set()
        return Reply(stall=True)

    org.server.serve(TOKEN_PATH, stall)
    one = a_process(tenant, 1)
    is_ready(one)
    assert one.stdin is not None
    one.stdin.write("\n")
    one.stdin.flush()
    assert asked.wait(60)
    one.kill()
    one.communicate()
    org.server.serve(TOKEN_PATH, org.token)
    assert Asking(tenant).about(an_account(crm_id="001000000000001AAA")) != [None]


# --- Where a token goes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.my.salesforce.com",
        "https://evil.example",
        "https://salesforce.com.evil.example",
        "https://evilsalesforce.com",
        "https://acme.my.salesforce.com@evil.example",
        "https://evil.example\\.salesforce.com",
        "https://acme.my.salesforce.com:8443",
        "https://[::1]",
        "https://10.0.0.1",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_token_goes_to_salesforce_and_nowhere_else(url: str) -> None:
    with pytest.raises(CrmError, match="is not an https address of Salesforce"):
        safe_base(url)


@pytest.mark.parametrize(
    "url", ["https://acme.my.salesforce.com/", "https://ACME--uat.sandbox.my.salesforce.com:443/services"]
)
def test_salesforces_own_hosts_will_do(url: str) -> None:
    assert safe_base(url) in ("https://acme.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com")


def test_without_a_gateway_login_and_instance_are_asked_and_only_where_they_are_public(
    tenant: Tenant, org: FakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    Asking(tenant).about(an_account(crm_id=org.account(1, "Acme")))
    before = len(org.server.asked)
    monkeypatch.delenv("CM_SOURCE_URLS")
    get_settings.cache_clear()
    hosts: list[tuple[str, int]] = []

    def inside(host: str, port: int) -> list[str]:
        hosts.append((host, port))
        return ["127.0.0.1"]

    crm = connect.make(tenant.scope, "salesforce", Http(get_settings(), resolve=inside))
    with pytest.raises(UnsafeAddress):
        crm.records([an_account(crm_id="001000000000001AAA")], NOW)
    set_secrets(tenant, refresh_token="refresh-0")
    with pytest.raises(UnsafeAddress):
        crm.records([an_account(crm_id="001000000000001AAA")], NOW)
    assert hosts == [("acme.my.salesforce.com", 443)] * 2
    crm = connect.make(tenant.scope, "salesforce", Http(get_settings(), resolve=inside))
    with pytest.raises(UnsafeAddress):
        crm.records([an_account(crm_id="001000000000001AAA")], NOW)
    assert hosts[2:] == [("login.salesforce.com", 443)]
    assert len(org.server.asked) == before


def test_an_instance_that_is_not_salesforces_gets_no_token_but_the_rotated_one_is_kept(
    tenant: Tenant, org: FakeOrg
) -> None:
    org.instance = "https://evil.example"
    for _ in range(2):
        with pytest.raises(CrmError, match=r"evil\.example is not an https address of Salesforce"):
            Asking(tenant).about(an_account(crm_id="001000000000001AAA"))
        assert stored(tenant)["refresh_token"] == org.refresh_token
    assert org.queries == []


# --- What may go wrong --------------------------------------------------------------------------------------------

FAULTS = {
    "limit": (
        error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        SourceState.QUOTA,
        "used up",
    ),
    "at once": (
        error(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded."),
        SourceState.FAILED,
        "at once",
    ),
    "disabled": (error(403, "API_DISABLED_FOR_ORG"), SourceState.FAILED, "edition has no API"),
    "malformed": (error(400, "MALFORMED_QUERY"), SourceState.FAILED, "400"),
    "not found": (error(404, "NOT_FOUND"), SourceState.FAILED, "404"),
    "too many": (Reply(status=429, headers={"Retry-After": "3600"}), SourceState.QUOTA, "429"),
    "down": (error(500, "UNKNOWN_EXCEPTION"), SourceState.FAILED, "500"),
    "html": (Reply(b"<html>maintenance</html>", media_type="text/html"), SourceState.FAILED, "text/html"),
    "html 502": (Reply(b"<html>", status=502, media_type="text/html"), SourceState.FAILED, "502"),
    "cut": (
        Reply(b'{"records": [', media_type="application/json"),
        SourceState.FAILED,
        "not JSON, or is cut off",
    ),
    "odd": (as_json(["no", "records"]), SourceState.FAILED, "not JSON, or is cut off"),
    "half": (
        Reply(b'{"records": []}' * 9, media_type="application/json", cut_after=9),
        SourceState.FAILED,
        "",
    ),
    "reset": (
        Reply(b'{"records": []}', media_type="application/json", reset_after=3),
        SourceState.FAILED,
        "",
    ),
    "slow": (Reply(stall=True), SourceState.FAILED, "no answer in time"),
}


def test_every_fault_is_typed_and_says_in_a_line_what_to_do(
    tenant: Tenant, org: FakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_HTTP_TIMEOUT_SECONDS", "0.3")
    get_settings.cache_clear()
    acme = an_account(crm_id=org.account(1, "Acme"))
    asking = Asking(tenant)
    asking.about(acme)
    for name, (reply, state, words) in FAULTS.items():
        org.server.serve(QUERY_PATH, reply)
        forget_holds()
        with pytest.raises(FetchError) as caught:
            asking.about(acme)
        assert (name, caught.value.state) == (name, state)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def forget_holds() -> None:
    with writing(Scope.operator()) as session:
        session.exec(update(RateSlot).values(held_until=None))


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Reply(status=429), 300),
        (Reply(status=429, headers={"Retry-After": "600"}), 600),
        (error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), 3600),
    ],
    ids=["429", "Retry-After", "24 hours"],
)
def test_an_org_that_asks_for_patience_is_asked_once_and_then_by_nobody_until_then(
    tenant: Tenant, org: FakeOrg, monkeypatch: pytest.MonkeyPatch, reply: Reply, seconds: int
) -> None:
    monkeypatch.setenv("CM_HTTP_ATTEMPTS", "3")
    get_settings.cache_clear()
    acme = an_account(crm_id=org.account(1, "Acme"))
    live = org.query
    org.server.serve(QUERY_PATH, reply)
    before = utc_now()
    for _ in range(2):
        with pytest.raises(FetchError) as caught:
            Asking(tenant).about(acme)
        assert caught.value.state is SourceState.QUOTA
    assert org.server.count(QUERY_PATH) == 1
    with reading(Scope.operator()) as session:
        [slot] = [row for row in session.exec(select(RateSlot)) if row.held_until is not None]
        known = longest_hold(session, "salesforce", list(stored(tenant).values()))
    assert known == slot.held_until, "it is found by what is stored, to be shown and lifted"
    assert (slot.provider, slot.credential) == ("salesforce", fingerprint(org.instance))
    assert slot.held_until is not None
    assert before <= slot.held_until - timedelta(seconds=seconds) <= utc_now()

    org.server.serve(QUERY_PATH, live)
    org.instance = "https://beta.my.salesforce.com"
    set_secrets(tenant, refresh_token=org.refresh_token)
    assert Asking(tenant).about(acme) != [None], "another org is not concerned"


def test_a_login_that_asks_for_patience_is_asked_once(
    tenant: Tenant, org: FakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_HTTP_ATTEMPTS", "3")
    get_settings.cache_clear()
    set_secrets(tenant, client_secret=SECRET)
    set_options(tenant, login_url=org.instance)
    org.server.serve(TOKEN_PATH, as_json({"error": "rate_limit_exceeded"}, 403))
    for _ in range(2):
        with pytest.raises(FetchError) as caught:
            Asking(tenant).about(an_account())
        assert caught.value.state is SourceState.QUOTA
    assert org.server.count(TOKEN_PATH) == 1


def test_an_outage_keeps_the_last_snapshot_and_tells_no_secret(
    tenant: Tenant, org: FakeOrg, caplog: pytest.LogCaptureFixture
) -> None:
    org.account(1, "Acme", **WHOLE)
    in_the_news(tenant, "Acme", domain="acme.com")
    with caplog.at_level(logging.DEBUG):
        assert enrich(plan_for(tenant)).counts["snapshots"] == 1
        change(tenant, CrmSnapshot, taken_at=utc_now() - timedelta(days=3))
        org.server.serve(QUERY_PATH, error(500, "UNKNOWN_EXCEPTION", stored(tenant)["access_token"]))
        report = enrich(plan_for(tenant))
    assert report.counts == {"snapshots": 0, "crm_failures": 1}
    [line] = report.degraded
    assert line.startswith("CRM salesforce: ")
    assert "1 client keeps its last snapshot" in line
    [kept] = snapshots(tenant)
    assert kept.owner_name == "Ada Lovelace"
    [health] = rows(tenant, ProviderHealth)
    told = line + caplog.text + health.last_error
    assert not [name for name, secret in stored(tenant).items() if secret in told and name != "instance_url"]


def test_near_the_orgs_limit_the_run_asks_no_more_and_says_so(tenant: Tenant, org: FakeOrg) -> None:
    acme = org.account(1, "Acme")
    org.usage = "api-usage=4499/5000"
    asking = Asking(tenant)
    asking.about(an_account(crm_id=acme))
    org.usage = "api-usage=4500/5000; per-app-api-usage=17/250(appName=ours)"
    assert asking.about(an_account(crm_id=acme)) != [None], "what is under way is finished"
    before = len(org.queries)
    with pytest.raises(FetchError, match=r"4,500 of the org's 5,000 API calls") as caught:
        asking.about(an_account(crm_id=acme))
    assert caught.value.state is SourceState.QUOTA
    assert len(org.queries) == before


def test_check_says_in_a_sentence_what_came(tenant: Tenant, org: FakeOrg) -> None:
    assert "shows no customer accounts" in connect.check(tenant.scope, "salesforce")
    acme = org.account(1, "Acme", **WHOLE)
    org.rows["Opportunity"] = [{"AccountId": acme, "Name": "Robots", "IsClosed": False}]
    said = connect.check(tenant.scope, "salesforce")
    assert said == "salesforce answers: 'Acme' has 1 open deal, 0 open cases, and an owner"


# --- Options and values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tier_field": "Tier__c FROM User"}, "option tier_field"),
        ({"tier_field": "Owner.Name"}, "option tier_field"),
        ({"api_version": "59.0"}, "option api_version: Value error, must be 65.0 or newer"),
        ({"api_version": "latest"}, "option api_version"),
        ({"currency": "Euro"}, "option currency"),
        ({"flow": "password"}, "option flow"),
        ({"client_id": ""}, "option client_id"),
    ],
)
def test_an_option_that_will_not_do_is_named(options: dict[str, str], words: str) -> None:
    with pytest.raises(CrmError, match=words):
        read_options({"client_id": "the-app", **options})


def test_options_as_people_type_them() -> None:
    read = read_options(
        {"client_id": " x ", "api_version": "v66", "tier_field": " ", "flow": "", "customer_types": "A, B,"}
    )
    assert (read.client_id, read.api_version, read.tier_field, read.flow) == ("x", "66.0", None, None)
    assert read.customer_types == ("A", "B")


@pytest.mark.parametrize(
    ("given", "id_18"),
    [
        ("0013000001Hl3GC", "0013000001Hl3GCAAZ"),
        ("0013000001Hl3GCAAZ", "0013000001Hl3GCAAZ"),
        ("0013000001hl3gcaaz", None),
        ("0013000001Hl3GCAAA", None),
        ("0033000001Hl3GC", None),
        ("' OR Id != '", None),
        ("C-17", None),
        (None, None),
    ],
)
def test_an_account_id_has_15_or_18_characters_and_its_case(given: str | None, id_18: str | None) -> None:
    assert account_id(given) == id_18


@pytest.mark.parametrize(
    ("domain", "accounts", "chosen"),
    [
        ("acme.com", [("Acme", "acme.com"), ("Acme Shops", "www.acme.com")], 0),
        ("acme.com", [("Acme UK", "acme.com"), ("Acme Shops", "acme.com")], None),
        ("acme.com", [("Acme", "acme.org")], None),
        ("acme.com", [("Acme", None)], 0),
        ("acme.com", [("Acme", "acme.org"), ("Acme Holding", "http://acme.com")], 1),
        (None, [("ACME", "acme.org")], 0),
        (None, [("Acme", None), ("Acme", None)], None),
    ],
)
def test_no_account_is_better_than_another_companys(
    domain: str | None, accounts: list[tuple[str, str | None]], chosen: int | None
) -> None:
    found = [{"Name": name, "Website": site} for name, site in accounts]
    assert choose(an_account(domain=domain), found) == (None if chosen is None else found[chosen])


@given(st.lists(st.text(max_size=60), max_size=120))
@settings(max_examples=60, deadline=None)
def test_conditions_hold_every_value_once_within_their_room(values: list[str]) -> None:
    conditions = list(soql.is_in("Name", values))
    assert all(len(quote_plus(one)) <= soql.ROOM + 400 for one in conditions)
    assert sum(one.count("IN (") for one in conditions) >= len(conditions)
    together = ",".join(one.removeprefix("Name IN (").removesuffix(")") for one in conditions)
    assert together == ",".join(soql.format_soql("{}", value) for value in sorted(set(values)))


@given(st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.booleans(), st.lists(st.text())))
def test_a_value_of_any_kind_is_read_or_left_out(value: Any) -> None:
    for read in (day, instant, number, site_of):
        read(value)
    assert number(True) is None
    assert number(float("nan")) is None


def test_sites_as_people_type_them() -> None:
    typed = [
        "acme.com",
        "www.Acme.com/",
        "HTTP://acme.com:8080/en",
        "https://www.acme.com?x=1",
        " acme.com. ",
    ]
    assert {site_of(one) for one in typed} == {"acme.com"}
    assert [site_of(one) for one in ("n/a", "see intranet", "", "http://", "http://[")] == [None] * 5


def test_the_switch_of_another_tenant_is_not_used(tenant: Tenant, org: FakeOrg) -> None:
    other = another_tenant()
    with pytest.raises(CrmError):
        connect.make(other.scope, "salesforce", Http(get_settings()))
    with reading(other.scope) as session:
        assert connect.in_force(other.scope, session) is None
