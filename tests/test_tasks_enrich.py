"""The enrich stage: one fresh snapshot a client in the news, nothing invented for real people, no CRM in the way."""

import logging
import sys
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import add_candidate, another_tenant, change, rows
from newsroom import add_event, add_story, mails, plan_for

from flows.pipeline import drain
from models.accounts import Business
from models.base import utc_now
from models.clients import Client
from models.crm import CrmSnapshot, latest_snapshots
from models.engine import reading
from models.events import Category
from models.settings import get_settings
from tasks.enrich.crm import Account, CrmError, Facts
from tasks.enrich.mock import MockCrm
from tasks.enrich.stage import crm_for, enrich_batch
from tasks.filter.stage import filter_batch
from tasks.notify.stage import digest_batch
from tasks.notify.transports.file import FileTransport
from tasks.plan import RunPlan, StageReport
from tasks.registry import UnknownProvider

ADDRESS_BOOK = """
from tasks.enrich.crm import CrmError, Facts

class AddressBook:
    name = "address-book"
    asked = []
    answer = staticmethod(lambda account: Facts(tier="Gold", owner_name="Ada"))

    def facts(self, account, as_of):
        self.asked.append(account)
        return self.answer(account)
"""


class Book:
    """A CRM that comes as a plug-in does: a package with an entry point, installed in a folder on the path."""

    name: ClassVar[str] = "address-book"

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    @property
    def asked(self) -> list[str]:
        return sorted(account.name for account in self._provider.asked)

    def accounts(self) -> list[Account]:
        return list(self._provider.asked)

    def forget(self) -> None:
        self._provider.asked.clear()

    def answer(self, with_: Callable[[Account], Facts | None]) -> None:
        self._provider.answer = staticmethod(with_)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: object) -> Book:
    site = tmp_path / "site"
    info = site / "address_book-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "address_book.py").write_text(ADDRESS_BOOK)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: address-book\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[client_monitor.crms]\naddress-book = address_book:AddressBook\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("CM_CRM", "address-book")
    get_settings.cache_clear()
    sys.modules.pop("address_book", None)
    import address_book  # type: ignore[import-not-found]

    return Book(address_book.AddressBook)


def in_the_news(tenant: Tenant, *names: str, **fields: Any) -> list[UUID]:
    """Clients with a candidate waiting to be classified."""
    ids = []
    for name in names:
        ids.append(tenant.add_client(name, **fields))
        add_candidate(tenant, add_story(tenant, name), f"{name} opens a plant", ids[-1])
    return ids


def enrich(plan: RunPlan, limit: int = 200) -> StageReport:
    return drain("enrich", lambda: enrich_batch(plan, limit), lambda _report: None)


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
    assert Account("Acme", "0017", "acme.example.com") in book.accounts()
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
    book.answer(lambda account: Facts(tier="Silver"))
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


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_batches_of_any_size_ask_about_everybody_once(tenant: Tenant, book: Book, limit: int) -> None:
    names = [f"Client {letter}" for letter in "abcde"]
    in_the_news(tenant, *names)
    assert enrich(plan_for(tenant), limit).counts["snapshots"] == 5
    assert book.asked == names


def test_a_crm_that_is_down_keeps_the_last_snapshot_is_named_and_ends_the_stage(
    tenant: Tenant, book: Book
) -> None:
    [acme] = in_the_news(tenant, "Acme")
    enrich(plan_for(tenant))
    old = utc_now() - timedelta(days=3)
    change(tenant, CrmSnapshot, taken_at=old)

    def down(account: Account) -> Facts:
        raise CrmError("address-book answered 503")

    book.answer(down)
    report = enrich(plan_for(tenant))
    assert report.done == 0
    assert report.degraded == (
        "CRM address-book: address-book answered 503 (1 client keeps its last snapshot)",
    )
    assert report.counts["crm_failures"] == 1
    with reading(tenant.scope) as session:
        kept = latest_snapshots(tenant.scope, session, [acme])[acme]
    assert (kept.tier, kept.taken_at) == ("Gold", old)


def test_a_failure_for_one_client_keeps_no_other_from_its_snapshot(tenant: Tenant, book: Book) -> None:
    in_the_news(tenant, "Acme", "Bolt", "Cord")

    def picky(account: Account) -> Facts:
        if account.name in {"Acme", "Bolt"}:
            raise CrmError("no answer")
        return Facts(tier="Gold")

    book.answer(picky)
    report = enrich(plan_for(tenant))
    assert report.counts["snapshots"] == 1
    assert report.degraded == ("CRM address-book: no answer (2 clients keep their last snapshot)",)


def test_a_fault_in_a_provider_is_named_without_its_words_and_stops_nothing(
    tenant: Tenant, book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_news(tenant, "Acme")

    secret = "sesame"

    def broken(account: Account) -> Facts:
        raise KeyError(secret)

    book.answer(broken)
    with caplog.at_level(logging.ERROR):
        report = enrich(plan_for(tenant))
    [line] = report.degraded
    assert "address-book" in line
    assert "KeyError" in line
    assert "sesame" not in line + caplog.text
    assert "broken" in caplog.text


def test_clients_are_asked_about_side_by_side_within_the_limit(
    tenant: Tenant, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_SEARCH_CONCURRENCY", "2")
    get_settings.cache_clear()
    in_the_news(tenant, *(f"Client {letter}" for letter in "abcdef"))
    pair, lock, at_once = threading.Barrier(2), threading.Lock(), [0, 0]

    def slow(account: Account) -> Facts:
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)
        pair.wait(timeout=60)
        with lock:
            at_once[0] -= 1
        return Facts()

    book.answer(slow)
    assert enrich(plan_for(tenant)).done == 6
    assert at_once[1] == 2


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


@pytest.mark.parametrize("crm", ["none", "mock"])
def test_a_real_tenant_gets_no_invented_facts(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, crm: str
) -> None:
    monkeypatch.setenv("CM_CRM", crm)
    get_settings.cache_clear()
    in_the_news(tenant, "Acme")
    assert crm_for(plan_for(tenant), is_demo=False) is None
    assert enrich(plan_for(tenant)) == StageReport(stage="enrich")
    assert snapshots(tenant) == []


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


def test_an_unknown_crm_is_an_error_that_lists_the_installed(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_CRM", "nix")
    get_settings.cache_clear()
    in_the_news(tenant, "Acme")
    with pytest.raises(UnknownProvider, match=r"no crm is called 'nix'; installed: .*mock"):
        enrich(plan_for(tenant))


@pytest.mark.parametrize("as_of", [NOW, datetime(2028, 2, 29, tzinfo=NOW.tzinfo)])
def test_the_same_client_always_gets_the_same_invented_facts(as_of: datetime) -> None:
    crm = MockCrm()
    for number in range(400):
        account = Account(f"Client {number}", None, None)
        facts = crm.facts(account, as_of)
        assert facts == crm.facts(Account(account.name.upper(), "x", "y"), as_of)
        assert facts.renewal_on is not None
        assert as_of.date() <= facts.renewal_on <= as_of.date() + timedelta(days=366)
        assert facts.open_pipeline is not None
        assert facts.open_pipeline > 0
        assert facts.currency == "EUR"
    assert isinstance(facts.renewal_on, date)
