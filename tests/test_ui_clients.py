"""The page of clients, as each role has it: the table, its filters, the form, several at once, the ways in."""

from typing import Any

import pytest
from apptest import open_page, signed_in
from book import result, run, snapshot, switch_on
from conftest import NOW, Tenant
from desk import another_tenant, rows
from newsroom import add_event
from streamlit.testing.v1 import AppTest

from models.clients import Client, ClientAssignment, Tier
from models.providers import ProviderKind
from models.scope import Role
from services import crm_import
from services.crm_import import Choices
from services.portfolio.table import portfolio_rows
from services.signin import Viewer
from tasks.enrich.crm import Record
from ui.views.client_form import add_client
from ui.views.client_people import hand_over
from ui.views.clients import page
from ui.views.clients.bulk import archive
from ui.views.clients.table import KEY

HOSTILE = "Acme <script>alert(1)</script> [x](https://evil.example) :material/star:"


def look(monkeypatch: pytest.MonkeyPatch, tenant: Tenant, role: Role = Role.ADMIN, **query: str) -> AppTest:
    token, _ = signed_in(tenant, role)
    test = open_page(monkeypatch, token, page, **query).run()
    assert not test.exception
    return test


def names(test: AppTest) -> list[str]:
    """The clients in the table, from the top."""
    return list(test.dataframe[0].value["Client"]) if len(test.dataframe) else []


def text(test: AppTest) -> str:
    """Everything the page says."""
    kinds = (test.markdown, test.caption, test.info, test.success, test.error, test.warning)
    return " ".join(str(one.value) for kind in kinds for one in kind)


def button(test: AppTest, label: str) -> Any:
    return next(one for one in test.button if one.label == label)


def labels(test: AppTest) -> set[str]:
    return {one.label for one in test.button}


def tick(test: AppTest, *numbers: int) -> AppTest:
    test.session_state[KEY] = {"selection": {"rows": list(numbers), "columns": [], "cells": []}}
    return test.run()


def a_book(tenant: Tenant) -> None:
    switch_on(tenant, "google_news")
    acme = tenant.add_client("Acme", tier=Tier.STRATEGIC)
    bolt = tenant.add_client("Bolt", tier=None, domain="bolt.example.com", confidential=True)
    tenant.add_client("Gone", archived_at=NOW)
    snapshot(tenant, acme, "at risk")
    result(tenant, run(tenant), "google_news", acme)
    add_event(tenant, acme, "Acme raises money")
    tenant.add_user("tom@example.com", clients=(bolt,))


def test_the_table_tells_how_each_client_stands(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    a_book(tenant)
    test = look(monkeypatch, tenant)
    first, second = test.dataframe[0].value.to_dict("records")
    assert (first["Client"], first["Tier"], list(first["Health"])) == ("Acme", "Strategic", ["At risk"])
    assert first["Last event"] == "Funding: Acme raises money"
    assert list(first["Sources"]) == ["Answering"]
    assert (second["Client"], second["Looked after by"]) == ("Bolt (confidential)", "Tom")
    assert list(second["Sources"]) == ["Kept private"]
    assert "2 clients" in text(test)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MANAGER])
def test_who_only_reads_is_offered_no_change(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    a_book(tenant)
    test = look(monkeypatch, tenant, role)
    assert names(test) == ["Acme", "Bolt (confidential)"]
    assert "Add a client" not in labels(test)
    assert test.get("menu_button") == []
    again = look(monkeypatch, tenant, Role.OWNER, view="csv")
    assert "Import clients from a CSV file" in [title.value for title in again.title]


def test_the_ways_in_are_closed_to_who_only_reads(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    a_book(tenant)
    for view in ("csv", "crm"):
        token, _ = signed_in(tenant, Role.VIEWER, f"{view}@example.com")
        test = open_page(monkeypatch, token, page, view=view).run()
        assert [title.value for title in test.title] == ["Clients"]


def test_an_account_manager_begins_with_their_own(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    tenant.add_client("Bolt")
    token, _ = signed_in(tenant, Role.MANAGER, clients=(acme,))
    test = open_page(monkeypatch, token, page).run()
    assert names(test) == ["Acme"]
    test.segmented_control(key="whose").set_value("All").run()
    assert names(test) == ["Acme", "Bolt"]


def test_search_filters_and_order(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    a_book(tenant)
    test = look(monkeypatch, tenant)
    test.text_input(key="search").input("bolt.example").run()
    assert names(test) == ["Bolt (confidential)"]
    test.text_input(key="search").input("nobody").run()
    assert names(test) == []
    assert "No client fits" in text(test)
    test.text_input(key="search").input("").run()
    test.multiselect(key="tier").set_value(["No tier"]).run()
    assert names(test) == ["Bolt (confidential)"]
    test.multiselect(key="tier").set_value([]).run()
    test.multiselect(key="health").set_value(["At risk"]).run()
    assert names(test) == ["Acme"]
    test.multiselect(key="health").set_value([]).run()
    test.multiselect(key="people").set_value(["Tom", "Nobody"]).run()
    assert names(test) == ["Acme", "Bolt (confidential)"]
    test.multiselect(key="people").set_value([]).run()
    test.toggle(key="archived").set_value(True).run()
    assert names(test) == ["Gone"]
    test.toggle(key="archived").set_value(False).run()
    test.selectbox(key="order").set_value("Sources, worst first").run()
    assert names(test) == ["Bolt (confidential)", "Acme"]


def test_an_empty_portfolio_says_what_to_do(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "import many from a CSV file" in text(look(monkeypatch, tenant))
    assert "An owner or admin of your business adds them" in text(look(monkeypatch, tenant, Role.VIEWER))


def test_a_name_from_the_world_is_only_a_name(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    client = tenant.add_client(HOSTILE)
    add_event(tenant, client, HOSTILE)
    test = look(monkeypatch, tenant)
    assert names(test) == [HOSTILE]
    [cards] = [one.proto.body for one in test.get("html") if "client-cards" in one.proto.body]
    assert "<script" not in cards
    assert "&lt;script&gt;" in cards
    tick(test, 0)
    button(test, "Archive …").click().run()
    assert not any("https://evil.example" in one.value for one in test.markdown)


def test_another_tenant_s_clients_are_not_there(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    another_tenant().add_client("Theirs")
    tenant.add_client("Ours")
    assert names(look(monkeypatch, tenant)) == ["Ours"]


# the form: a dialog stays open in a test only where it is the page itself


def the_form(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> AppTest:
    token, _ = signed_in(tenant, Role.ADMIN)
    return open_page(monkeypatch, token, add_client).run()


def test_the_page_opens_the_form(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    test = look(monkeypatch, tenant)
    button(test, "Add a client").click().run()
    assert test.text_input(key="client-name").value == ""


def test_a_client_is_added_with_who_looks_after_it(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    test = the_form(monkeypatch, tenant)
    test.text_input(key="client-name").input("Acme")
    test.text_input(key="client-domain").input("https://www.acme.example.com/about")
    test.text_area(key="client-aliases").input("Acme Co\n\n ACME ")
    test.selectbox(key="client-tier").set_value("Growth")
    button(test, "Add").click().run()
    assert not test.exception
    [acme] = rows(tenant, Client)
    assert (acme.domain, acme.aliases, acme.tier) == ("acme.example.com", ["Acme Co", "ACME"], Tier.GROWTH)
    assert len(rows(tenant, ClientAssignment, client_id=acme.id)) == 1


def test_a_field_that_is_wrong_is_named_and_nothing_is_saved(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant.add_client("Bolt")
    test = the_form(monkeypatch, tenant)
    test.text_input(key="client-name").input("bolt")
    button(test, "Add").click().run()
    assert "there is a client" in text(test)
    test.text_input(key="client-domain").input("nonsense")
    button(test, "Add").click().run()
    assert "is no domain" in text(test)
    assert len(rows(tenant, Client)) == 1


def test_terms_can_be_tried_before_they_are_saved(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.portfolio.check.utc_now", lambda: NOW)
    bolt = tenant.add_client("Bolt")
    add_event(tenant, bolt, "Acme raises money")
    test = the_form(monkeypatch, tenant)
    test.text_input(key="client-name").input("Acme")
    button(test, "Try on the last 30 days").click().run()
    assert "Of 1 article of the last 30 days, **1** would be about it." in text(test)
    assert len(rows(tenant, Client)) == 1


# several at once


def everybody_s(viewer: Viewer) -> None:
    """The dialog that gives all clients to somebody, as a page."""
    hand_over(viewer, {row.id: row.name for row in portfolio_rows(viewer.scope)})


def test_clients_are_given_after_it_is_said_what_moves(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, bolt = tenant.add_client("Acme"), tenant.add_client("Bolt")
    maria = tenant.add_user("maria@example.com", clients=(acme,))
    tom = tenant.add_user("tom@example.com", clients=(bolt,))
    token, _ = signed_in(tenant, Role.ADMIN)
    test = open_page(monkeypatch, token, everybody_s).run()
    test.multiselect(key="hand-over-people").set_value([tom]).run()
    assert "**Tom** gets 1 client" in text(test)
    assert "**Maria** loses 1 client" in text(test)
    assert rows(tenant, ClientAssignment, user_id=maria)[0].ended_at is None
    button(test, "Save").click().run()
    assert not test.exception
    assert {row.client_id for row in rows(tenant, ClientAssignment, user_id=tom)} == {acme, bolt}
    assert rows(tenant, ClientAssignment, user_id=maria)[0].ended_at is not None
    test.radio(key="hand-over-how").set_value("Take away from these").run()
    test.multiselect(key="hand-over-people").set_value([tom]).run()
    assert "2 clients: nobody would look after it" in text(test)


def everything_goes(viewer: Viewer) -> None:
    """The question before archiving all clients, as a page."""
    archive(viewer, {row.id: row.name for row in portfolio_rows(viewer.scope)})


def test_clients_are_archived_once_it_is_confirmed(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant.add_client("Acme")
    token, _ = signed_in(tenant, Role.ADMIN)
    test = open_page(monkeypatch, token, everything_goes).run()
    test.button(key="archive-no").click().run()
    assert rows(tenant, Client)[0].archived_at is None
    test.button(key="archive-yes").click().run()
    assert rows(tenant, Client)[0].archived_at is not None


def test_ticked_clients_can_be_changed_and_restored(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    a_book(tenant)
    test = tick(look(monkeypatch, tenant), 0, 1)
    assert "2 clients ticked" in text(test)
    button(test, "Give to …").click().run()
    assert len(test.multiselect(key="hand-over-people").options) == 2
    test.toggle(key="archived").set_value(True).run()
    assert names(test) == ["Gone"]
    tick(test, 0)
    button(test, "Restore").click().run()
    assert rows(tenant, Client, name="Gone")[0].archived_at is None


# from a file


def test_a_file_is_mapped_shown_and_imported(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant.add_client("Acme", tier=Tier.GROWTH)
    test = look(monkeypatch, tenant, view="csv")
    data = b"Firm,Segment,Owner\nAcme,strategic,\nBolt,gold,\nCask,growth,new@example.com\n"
    test.file_uploader(key="clients-csv").set_value(("book.csv", data, "text/csv")).run()
    assert "no column holds the clients" in text(test)
    name = next(one for one in test.selectbox if one.label == "Name (needed)")
    name.set_value(0).run()
    shown = test.dataframe[0].value.to_dict("records")
    assert [(row["Row"], list(row["What"])) for row in shown] == [
        (2, ["Changed"]),
        (3, ["Left out"]),
        (4, ["New"]),
    ]
    assert shown[0]["Details"] == "tier: growth → strategic"
    assert "'gold' is no tier" in shown[1]["Details"]
    assert "nobody here yet" in text(test)
    assert len(rows(tenant, Client)) == 1
    button(test, "Import 2 clients").click().run()
    assert not test.exception
    assert "1 client new, 1 changed, 0 as they were." in text(test)
    assert {row.name: row.tier for row in rows(tenant, Client)} == {
        "Acme": Tier.STRATEGIC,
        "Cask": Tier.GROWTH,
    }


def test_a_file_that_is_none_is_refused_in_words(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    test = look(monkeypatch, tenant, view="csv")
    test.file_uploader(key="clients-csv").set_value(("book.csv", b"PK\x03\x04", "text/csv")).run()
    assert "is a workbook, not a CSV file" in text(test).replace("\\", "")
    assert not test.exception


# from the CRM


def test_the_portfolio_comes_from_the_crm(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No CRM is switched on" in text(look(monkeypatch, tenant, view="crm"))
    switch_on(tenant, "hubspot", kind=ProviderKind.CRM)
    records = [Record("1", "Acme", tier="Gold"), Record("2", "Bolt", tier="Growth"), Record("3", "")]
    monkeypatch.setattr(crm_import, "read_portfolio", lambda *_, **__: ("hubspot", records))
    token, _ = signed_in(tenant, Role.ADMIN, "second@example.com")
    test = open_page(monkeypatch, token, page, view="crm").run()
    button(test, "Read HubSpot").click().run()
    assert not test.exception
    test.selectbox(key="crm-tier-Gold").set_value("Strategic").run()
    shown = {row["Client"]: row for row in test.dataframe[0].value.to_dict("records")}
    assert list(shown["Acme"]["What"]) == ["New"]
    assert list(shown["3"]["What"]) == ["Left out"]
    assert rows(tenant, Client) == []
    button(test, "Import 2 clients").click().run()
    assert {row.name: row.tier for row in rows(tenant, Client)} == {
        "Acme": Tier.STRATEGIC,
        "Bolt": Tier.GROWTH,
    }
    plan = crm_import.preview(tenant.scope, "hubspot", records, Choices({"gold": Tier.STRATEGIC}))
    assert not plan.changes_something
