"""The enrich stage: one fresh snapshot a client in the news, nothing invented for real people, no CRM in the way."""

import logging
import re
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import add_candidate, another_tenant, change, rows
from newsroom import add_event, add_story, mails, plan_for
from sqlalchemy.exc import OperationalError

from flows.pipeline import drain
from models.accounts import Business
from models.base import new_id, utc_now
from models.clients import Client
from models.crm import CrmSnapshot, latest_snapshots
from models.engine import reading
from models.events import Category
from models.providers import ProviderConfig, ProviderHealth, ProviderKind
from models.settings import get_settings
from tasks.enrich import connect
from tasks.enrich.crm import Account, CrmContext, CrmError, Http, Record
from tasks.enrich.snapshot import facts_of
from tasks.enrich.stage import enrich_batch
from tasks.filter.stage import filter_batch
from tasks.net.faults import QuotaReached, Refused, Unreachable
from tasks.notify.stage import digest_batch
from tasks.notify.transports.file import FileTransport
from tasks.plan import RunPlan, StageReport

ADDRESS_BOOK = """
from tasks.enrich.crm import About, Record

class AddressBook:
    name = "address-book"
    about = About(title="Address book", recipient="the book", sends="names")
    asked = []
    made = []
    chunk = staticmethod(lambda accounts: None)
    answer = staticmethod(lambda account: Record("1", account.name, tier="Gold", owner_name="Ada"))

    def __init__(self, context):
        self.made.append(context)

    def records(self, accounts, as_of):
        self.asked.append(list(accounts))
        self.chunk(accounts)
        found = {account.key: self.answer(account) for account in accounts}
        return {key: record for key, record in found.items() if record is not None}

    def portfolio(self):
        return iter(())
"""


class Book:
    """A CRM that comes as a plug-in does: a package with an entry point, installed in a folder on the path."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    @property
    def asked(self) -> list[str]:
        return [account.name for chunk in self._provider.asked for account in chunk]

    @property
    def chunks(self) -> list[list[Account]]:
        return list(self._provider.asked)

    @property
    def contexts(self) -> list[CrmContext]:
        return list(self._provider.made)

    def forget(self) -> None:
        self._provider.asked.clear()

    def answer(self, with_: Callable[[Account], Record | None]) -> None:
        self._provider.answer = staticmethod(with_)

    def before(self, act: Callable[[list[Account]], None]) -> None:
        """Do this first when a chunk is asked about."""
        self._provider.chunk = staticmethod(act)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> Book:
    site = tmp_path / "site"
    info = site / "address_book-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "address_book.py").write_text(ADDRESS_BOOK)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: address-book\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[client_monitor.crms]\naddress-book = address_book:AddressBook\n")
    monkeypatch.syspath_prepend(str(site))
    sys.modules.pop("address_book", None)
    import address_book  # type: ignore[import-not-found]

    switch_on(tenant, "address-book")
    return Book(address_book.AddressBook)


def switch_on(tenant: Tenant, name: str, **fields: Any) -> None:
    row = ProviderConfig(
        business_id=tenant.business_id, kind=ProviderKind.CRM, name=name, is_enabled=True, **fields
    )
    tenant.add(row)


def in_the_news(tenant: Tenant, *names: str, **fields: Any) -> list[UUID]:
    """Clients with a candidate waiting to be classified."""
    ids = []
    for name in names:
        ids.append(tenant.add_client(name, **fields))
        add_candidate(tenant, add_story(tenant, name), f"{name} opens a plant", ids[-1])
    return ids


def enrich(plan: RunPlan, chunk: int = 200) -> StageReport:
    return drain("enrich", lambda: enrich_batch(plan, chunk), lambda _report: None)


def snapshots(tenant: Tenant) -> list[CrmSnapshot]:
    return rows(tenant, CrmSnapshot)


def test_each_client_in_the_news_is_asked_about_once_while_its_snapshot_is_fresh(
    tenant: Tenant, book: Book
) -> None:
    acme, bolt = in_the_news(tenant, "Acme", "Bolt", crm_id="0017", domain="acme.example.com")
    tenant.add_client("Quiet")
    report = enrich(plan_for(tenant))
    assert report == StageReport(
        stage="enrich", done=2, counts={"snapshots": 2, "crm_failures": 0}, degraded=()
    )
    assert book.asked == ["Acme", "Bolt"]
    assert Account(acme, "Acme", "0017", "acme.example.com") in book.chunks[0]
    assert {one.client_id for one in snapshots(tenant)} == {acme, bolt}
    assert {(one.provider, one.tier, one.owner_name) for one in snapshots(tenant)} == {
        ("address-book", "Gold", "Ada")
    }
    assert all(one.taken_at <= utc_now() for one in snapshots(tenant))

    book.forget()
    assert enrich(plan_for(tenant)).done == 0
    assert book.asked == []


def test_a_snapshot_that_grew_old_is_taken_again_and_the_old_one_stays(tenant: Tenant, book: Book) -> None:
    [acme] = in_the_news(tenant, "Acme")
    enrich(plan_for(tenant))
    change(tenant, CrmSnapshot, taken_at=utc_now() - timedelta(hours=get_settings().crm_max_age_hours + 1))
    book.answer(lambda account: Record("1", account.name, tier="Silver"))
    assert enrich(plan_for(tenant)).done == 1
    assert [one.tier for one in snapshots(tenant)] == ["Gold", "Silver"]
    with reading(tenant.scope) as session:
        assert latest_snapshots(tenant.scope, session, [acme])[acme].tier == "Silver"


def test_a_client_the_crm_does_not_know_is_not_asked_about_again_at_once(tenant: Tenant, book: Book) -> None:
    in_the_news(tenant, "Acme")
    book.answer(lambda account: None)
    assert enrich(plan_for(tenant)).done == 1
    [one] = snapshots(tenant)
    assert (one.tier, one.health, one.open_pipeline, one.details) == (None, None, None, {})
    assert enrich(plan_for(tenant)).done == 0


@pytest.mark.parametrize("chunk", [1, 2, 200])
def test_chunks_of_any_size_ask_about_everybody_once(tenant: Tenant, book: Book, chunk: int) -> None:
    names = [f"Client {letter}" for letter in "abcde"]
    in_the_news(tenant, *names)
    assert enrich(plan_for(tenant), chunk).counts["snapshots"] == 5
    assert book.asked == names
    assert max(len(accounts) for accounts in book.chunks) == min(chunk, 5)
    assert len(book.contexts) == 1


def test_a_crm_that_is_down_keeps_the_last_snapshot_is_named_and_ends_the_stage(
    tenant: Tenant, book: Book
) -> None:
    [acme] = in_the_news(tenant, "Acme")
    enrich(plan_for(tenant))
    old = utc_now() - timedelta(days=3)
    change(tenant, CrmSnapshot, taken_at=old)
    book.before(fails(CrmError("address-book answered 503")))
    report = enrich(plan_for(tenant))
    assert report.done == 0
    assert report.degraded == (
        "CRM address-book: address-book answered 503 (1 client keeps its last snapshot)",
    )
    assert report.counts["crm_failures"] == 1
    with reading(tenant.scope) as session:
        kept = latest_snapshots(tenant.scope, session, [acme])[acme]
    assert (kept.tier, kept.taken_at) == ("Gold", old)


def fails(error: Exception, *names: str) -> Callable[[list[Account]], None]:
    """Chunks with one of these clients fail; without names, all do."""

    def act(accounts: list[Account]) -> None:
        if not names or {account.name for account in accounts} & {*names}:
            raise error

    return act


def test_a_chunk_that_fails_keeps_no_other_from_its_snapshots_and_is_not_asked_twice(
    tenant: Tenant, book: Book
) -> None:
    in_the_news(tenant, "Acme", "Bolt", "Cord")
    book.before(fails(Unreachable("crm.example: no answer in time"), "Acme", "Bolt"))
    report = enrich(plan_for(tenant), 1)
    assert report.counts == {"snapshots": 1, "crm_failures": 2}
    assert report.degraded == (
        "CRM address-book: crm.example: no answer in time (2 clients keep their last snapshot)",
    )
    assert book.asked == ["Acme", "Bolt", "Cord"]
    book.before(fails(CrmError("never"), "Cord"))
    assert enrich(plan_for(tenant), 1).degraded == ()


def test_a_spent_quota_ends_the_asking_and_is_no_outage(
    tenant: Tenant, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_BREAKER_FAILURES", "1")
    get_settings.cache_clear()
    in_the_news(tenant, "Acme", "Bolt", "Cord")
    book.before(fails(QuotaReached("crm.example: 4,900 of 5,000 calls are used"), "Bolt"))
    report = enrich(plan_for(tenant), 1)
    assert book.asked == ["Acme", "Bolt"]
    assert report.counts == {"snapshots": 1, "crm_failures": 2}
    assert "4,900 of 5,000" in report.degraded[0]
    book.before(lambda accounts: None)
    assert enrich(plan_for(tenant)).counts["snapshots"] == 2


def test_a_crm_that_keeps_failing_is_left_alone_and_that_is_said(
    tenant: Tenant, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_BREAKER_FAILURES", "2")
    get_settings.cache_clear()
    in_the_news(tenant, "Acme", "Bolt", "Cord")
    book.before(fails(Unreachable("crm.example: no answer in time")))
    enrich(plan_for(tenant), 1)
    assert book.asked == ["Acme", "Bolt"]
    book.forget()
    report = enrich(plan_for(tenant), 1)
    assert book.asked == []
    assert report.counts["crm_failures"] == 3
    assert "not asked since" in report.degraded[0]
    assert "no answer in time" in report.degraded[0]

    change(tenant, ProviderHealth, open_until=utc_now() - timedelta(seconds=1))
    book.before(lambda accounts: None)
    assert enrich(plan_for(tenant)).counts["snapshots"] == 3
    assert rows(tenant, ProviderHealth)[0].failures == 0


@pytest.mark.parametrize(
    "error",
    [
        CrmError("it needs a key"),
        Refused("crm.example: answered 404", status=404),
        Refused("crm.example: answered 400", status=400),
        KeyError("a fault of a plug-in"),
    ],
)
def test_what_is_no_outage_opens_no_breaker(
    tenant: Tenant, book: Book, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setenv("CM_BREAKER_FAILURES", "1")
    get_settings.cache_clear()
    in_the_news(tenant, "Acme", "Bolt")
    book.before(fails(error, "Acme"))
    report = enrich(plan_for(tenant), 1)
    assert book.asked == ["Acme", "Bolt"]
    assert report.counts == {"snapshots": 1, "crm_failures": 1}


def test_a_database_error_gives_the_probe_back(
    tenant: Tenant, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_BREAKER_FAILURES", "1")
    get_settings.cache_clear()
    in_the_news(tenant, "Acme")
    book.before(fails(Unreachable("crm.example: no answer in time")))
    enrich(plan_for(tenant))
    change(tenant, ProviderHealth, open_until=utc_now() - timedelta(seconds=1))
    book.before(fails(OperationalError("SELECT 1", {}, Exception("locked"))))
    with pytest.raises(OperationalError):
        enrich(plan_for(tenant))
    book.before(lambda accounts: None)
    assert enrich(plan_for(tenant)).counts["snapshots"] == 1


def test_a_fault_in_a_provider_is_named_without_its_words_and_stops_nothing(
    tenant: Tenant, book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_news(tenant, "Acme")
    secret = "sesame"

    def broken(account: Account) -> Record:
        raise KeyError(secret)

    book.answer(broken)
    with caplog.at_level(logging.ERROR):
        report = enrich(plan_for(tenant))
    [line] = report.degraded
    assert "address-book" in line
    assert "KeyError" in line
    assert "sesame" not in line + caplog.text
    assert "broken" in caplog.text


def test_a_plans_clients_limit_who_is_asked_about(tenant: Tenant, book: Book) -> None:
    _, bolt = in_the_news(tenant, "Acme", "Bolt")
    enrich(plan_for(tenant, client_ids=(bolt,)))
    assert book.asked == ["Bolt"]


def test_an_archived_client_is_not_asked_about(tenant: Tenant, book: Book) -> None:
    in_the_news(tenant, "Acme")
    change(tenant, Client, archived_at=NOW)
    assert enrich(plan_for(tenant)).done == 0
    assert book.asked == []


def test_another_tenants_clients_are_not_asked_about(tenant: Tenant, book: Book) -> None:
    in_the_news(tenant, "Acme")
    assert enrich(plan_for(another_tenant())).done == 0
    assert book.asked == []


@pytest.mark.parametrize("on", [True, False])
def test_a_real_tenant_gets_no_invented_facts(tenant: Tenant, on: bool) -> None:
    if on:
        switch_on(tenant, "mock")
    in_the_news(tenant, "Acme")
    assert enrich(plan_for(tenant)) == StageReport(stage="enrich")
    assert snapshots(tenant) == []


def test_a_crm_that_was_switched_off_is_not_asked(tenant: Tenant, book: Book) -> None:
    in_the_news(tenant, "Acme")
    change(tenant, ProviderConfig, is_enabled=False)
    assert enrich(plan_for(tenant)) == StageReport(stage="enrich")
    assert book.asked == []


def test_of_two_that_are_on_the_one_switched_on_last_is_asked_with_its_options(
    tenant: Tenant, book: Book
) -> None:
    change(tenant, ProviderConfig, options={"region": "eu"})
    switch_on(tenant, "another", changed_at=utc_now() - timedelta(days=1))
    in_the_news(tenant, "Acme")
    assert enrich(plan_for(tenant)).done == 1
    [context] = book.contexts
    assert context.options == {"region": "eu"}
    assert context.credentials.read() == {}


@pytest.mark.parametrize("forced", [True, False])
def test_the_invented_crm_serves_the_demo_and_forced_runs(tenant: Tenant, forced: bool) -> None:
    if not forced:
        change(tenant, Business, Business.id == tenant.business_id, is_demo=True)
    in_the_news(tenant, "Acme")
    assert enrich(plan_for(tenant, force_mock=forced)).done == 1
    assert [one.provider for one in snapshots(tenant)] == ["mock"]


def test_what_a_forced_run_invented_does_not_stand_in_for_the_real_crm(tenant: Tenant, book: Book) -> None:
    [acme] = in_the_news(tenant, "Acme")
    enrich(plan_for(tenant, force_mock=True))
    assert enrich(plan_for(tenant)).done == 1
    assert book.asked == ["Acme"]
    enrich(plan_for(tenant, force_mock=True))
    with reading(tenant.scope) as session:
        shown = latest_snapshots(tenant.scope, session, [acme], invented=False)
    assert shown[acme].provider == "address-book"


@pytest.mark.parametrize("demo", [True, False])
def test_only_the_demos_mail_shows_invented_facts(tenant: Tenant, demo: bool) -> None:
    change(tenant, Business, Business.id == tenant.business_id, is_demo=demo)
    [acme] = in_the_news(tenant, "Acme")
    enrich(plan_for(tenant, force_mock=True))
    tenant.add_user("maria@example.com", clients=(acme,))
    add_event(tenant, acme, category=Category.FUNDING)
    filter_batch(plan_for(tenant), 100)
    later = NOW + timedelta(days=1)
    digest_batch(tenant.business_id, later, transport=FileTransport(get_settings()))
    assert [mail.state.value for mail in mails(tenant)] == ["sent"]
    [path] = get_settings().outbox_dir.glob("*.eml")
    [snapshot] = snapshots(tenant)
    assert (str(snapshot.owner_name) in path.read_text()) is demo


def test_a_crm_that_is_not_installed_stops_no_run_and_is_named_with_those_that_are(tenant: Tenant) -> None:
    switch_on(tenant, "nix")
    in_the_news(tenant, "Acme")
    report = enrich(plan_for(tenant))
    assert report.done == 0
    [line] = report.degraded
    assert re.search(r"CRM nix: no crm is called 'nix'; installed: .*mock", line)


@pytest.mark.parametrize("as_of", [NOW, datetime(2028, 2, 29, tzinfo=NOW.tzinfo)])
def test_the_same_client_always_gets_the_same_invented_facts(tenant: Tenant, as_of: datetime) -> None:
    with Http(get_settings()) as http:
        crm = connect.make(tenant.scope, "mock", http)
    accounts = [Account(new_id(), f"Client {number}", None, None) for number in range(400)]
    again = [Account(new_id(), one.name.upper(), "x", "y") for one in accounts]
    first, second = crm.records(accounts, as_of), crm.records(again, as_of)
    for one, other in zip(accounts, again, strict=True):
        facts = facts_of(first[one.key], as_of)
        assert facts == facts_of(second[other.key], as_of)
        assert isinstance(facts.renewal_on, date)
        assert as_of.date() <= facts.renewal_on <= as_of.date() + timedelta(days=366)
        assert facts.open_pipeline is not None
        assert facts.open_pipeline > 0
        assert facts.currency == "EUR"
