"""One client's page: heading, sections, what each role may do there, a run watched, the brief in its frame."""

from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from apptest import open_page, signed_in
from book import result, run, snapshot, switch_on
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from newsroom import add_event
from streamlit.testing.v1 import AppTest
from test_ui_clients import HOSTILE, button, labels, text

from models.accounts import ClientPreference
from models.clients import Client, ClientMatchRule, Tier
from models.events import Category
from models.feedback import FeedbackVerdict
from models.jobs import JobRun, RunState
from models.news import SourceState
from models.scope import Role
from services import feedback
from services.portfolio.page import client_facts
from services.run_start import Started, Where
from services.signin import Viewer
from ui.views.client import page
from ui.views.client_form import edit


def look(
    monkeypatch: pytest.MonkeyPatch,
    tenant: Tenant,
    client: UUID | str,
    role: Role = Role.ADMIN,
    email: str = "",
    **query: str,
) -> AppTest:
    token, _ = signed_in(tenant, role, email)
    test = open_page(monkeypatch, token, page, id=str(client), **query).run()
    assert not test.exception
    return test


def frames(test: AppTest) -> list[str]:
    return [unescape(one.proto.srcdoc or one.proto.src) for one in test.get("iframe")]


def test_the_heading_tells_what_the_client_is(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client(
        "Acme", tier=Tier.STRATEGIC, domain="acme.example.com", industry="Pumps", confidential=True
    )
    tenant.add_user("tom@example.com", clients=(acme,))
    snapshot(tenant, acme, "at risk")
    test = look(monkeypatch, tenant, acme)
    assert test.title[0].value == "Acme"
    said = text(test)
    for told in (
        "https://acme.example.com",
        "Pumps",
        "Strategic",
        "At risk",
        "Tom",
        "Confidential",
        "09 May 2026",
    ):
        assert told in said, told


@pytest.mark.parametrize("wanted", ["", "nonsense", "322f8f8c-eac0-47a3-9f90-c7441283d3c9", "theirs"])
def test_an_address_that_leads_nowhere_says_so(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    theirs = another_tenant().add_client("Theirs")
    test = look(monkeypatch, tenant, theirs if wanted == "theirs" else wanted)
    assert "There is no such client" in text(test)
    assert "Theirs" not in text(test)


@pytest.mark.parametrize(
    ("role", "may_run", "may_edit"),
    [
        (Role.OWNER, True, True),
        (Role.ADMIN, True, True),
        (Role.MANAGER, True, False),
        (Role.VIEWER, False, False),
    ],
)
def test_what_each_role_is_offered(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, role: Role, may_run: bool, may_edit: bool
) -> None:
    test = look(monkeypatch, tenant, tenant.add_client("Acme"), role)
    assert ("Run now" in labels(test)) is may_run
    assert ("Edit" in labels(test)) is may_edit
    [more] = test.get("menu_button")
    assert ("Archive …" in list(more.proto.options)) is may_edit


def test_the_timeline_goes_by_months(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    add_event(tenant, acme, "Acme in March", at=NOW)
    add_event(tenant, acme, "Acme in January", at=NOW - timedelta(days=60))
    add_event(tenant, tenant.add_client("Bolt"), "Bolt elsewhere", at=NOW)
    test = look(monkeypatch, tenant, acme)
    assert [one.value for one in test.subheader] == ["March 2026", "January 2026"]
    assert "Acme in March" in text(test)
    assert "Bolt elsewhere" not in text(test)


def test_a_long_timeline_turns_its_pages(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    for number in range(22):
        add_event(tenant, acme, f"Event {number:02} end", at=NOW - timedelta(days=number))
    test = look(monkeypatch, tenant, acme)
    assert "Event 19 end" in text(test)
    assert "Event 20 end" not in text(test)
    button(test, "Older").click().run()
    assert "Event 20 end" in text(test)
    assert "Event 19 end" not in text(test)
    button(test, "Newest").click().run()
    assert "Event 00 end" in text(test)
    broken = look(monkeypatch, tenant, acme, Role.VIEWER, after="nonsense")
    assert "Event 00 end" in text(broken)


def test_crm_figures_and_their_age(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    assert "No CRM is switched on" in text(look(monkeypatch, tenant, acme, show="CRM"))
    snapshot(tenant, acme)
    said = text(look(monkeypatch, tenant, acme, Role.VIEWER, show="CRM"))
    for told in (
        "47,000 EUR",
        "40 of 100",
        "Robin Hale",
        "09 May 2026",
        "2 urgent",
        "older than it should be",
    ):
        assert told in said, told


def test_searches_show_the_question_or_why_there_is_none(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(tenant, "google_news")
    acme = tenant.add_client("Acme")
    result(tenant, run(tenant), "google_news", acme, SourceState.FAILED, error="<b>no</b> answer")
    test = look(monkeypatch, tenant, acme, show="Searches")
    assert test.code[0].value == '"Acme" when:7d'
    assert "Failed" in text(test)
    change(tenant, Client, confidential=True)
    private = look(monkeypatch, tenant, acme, Role.VIEWER, show="Searches")
    assert len(private.code) == 0
    assert "nobody outside is asked about this client" in text(private)


def test_what_was_taught_can_be_taken_back(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    event = add_event(tenant, acme, "Acme raises money")
    token, viewer = signed_in(tenant, Role.MANAGER, clients=(acme,))
    feedback.give(viewer.scope, str(event), FeedbackVerdict.NOT_RELEVANT)
    tenant.add(
        ClientMatchRule(
            business_id=tenant.business_id, client_id=acme, kind="exclude_context", phrase="cartoon"
        )
    )
    test = open_page(monkeypatch, token, page, id=str(acme), show="Taught").run()
    assert "You want no more **funding** of it" in text(test)
    assert "cartoon" in text(test)
    button(test, "Take back").click().run()
    assert not test.exception
    assert "You want all kinds." in text(test)
    assert "funding" not in text(look(monkeypatch, tenant, acme, Role.VIEWER, show="Taught")).lower()


def test_people_have_a_history(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    tenant.add_user("tom@example.com", clients=(acme,))
    said = text(look(monkeypatch, tenant, acme, show="People"))
    assert "Tom" in said
    assert "Nobody looks after it" not in said


# what is done


def the_form(viewer: Viewer) -> None:
    """The form of the only client, as a page."""
    import streamlit as st

    edit(viewer, client_facts(viewer.scope, UUID(st.query_params["id"])))


def test_a_client_is_edited(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme", aliases=["ACME Co"], keywords=["pumps"], tier=Tier.GROWTH)
    token, _ = signed_in(tenant, Role.ADMIN)
    test = open_page(monkeypatch, token, the_form, id=str(acme)).run()
    assert test.text_area(key="client-aliases").value == "ACME Co"
    test.text_area(key="client-aliases").input("ACME Co\nRoadrunner")
    test.selectbox(key="client-tier").set_value("No tier")
    button(test, "Save").click().run()
    assert not test.exception
    [row] = rows(tenant, Client)
    assert (row.aliases, row.tier, row.keywords) == (["ACME Co", "Roadrunner"], None, ["pumps"])


def test_an_archived_client_is_read_and_can_be_restored(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = tenant.add_client("Acme", archived_at=NOW)
    reader = look(monkeypatch, tenant, acme, Role.MANAGER)
    assert "Nothing is searched about it" in text(reader)
    assert {"Run now", "Restore"} & labels(reader) == set()
    test = look(monkeypatch, tenant, acme)
    button(test, "Restore").click().run()
    assert rows(tenant, Client)[0].archived_at is None


def test_a_reader_mutes_the_client_for_themselves(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    token, viewer = signed_in(tenant, Role.VIEWER)
    tenant.add(
        ClientPreference(business_id=tenant.business_id, user_id=viewer.user_id, client_id=acme, muted=True)
    )
    test = open_page(monkeypatch, token, page, id=str(acme)).run()
    assert "Muted for you" in text(test)
    other = look(monkeypatch, tenant, acme, Role.MANAGER)
    assert "Muted for you" not in text(other)


def test_a_run_is_started_watched_and_told(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    asked: list[list[UUID]] = []
    job = run(tenant, state=RunState.RUNNING, counts={"search.found": 4})

    def start(_scope: object, clients: list[UUID]) -> Started:
        asked.append(clients)
        return Started(Where.HERE, "started on this machine", job_run_id=job)

    monkeypatch.setattr("ui.views.client.running.start_run", start)
    test = look(monkeypatch, tenant, acme, Role.MANAGER)
    button(test, "Run now").click().run()
    assert not test.exception
    assert asked == [[acme]]
    assert button(test, "Run now").disabled
    add_event(tenant, acme, "Acme is in the news", category=Category.AWARD)
    change(tenant, JobRun, state=RunState.DEGRADED, finished_at=NOW, degraded=["gdelt for Acme: no answer"])
    test.run()
    said = text(test)
    for told in (
        "Done, but something did not work",
        "4 items found",
        "1 new event",
        "Award: Acme is in the news",
        "gdelt for Acme",
    ):
        assert told in said, told
    assert not button(test, "Run now").disabled
    button(test, "Close").click().run()
    assert "Done, but" not in text(test)


def test_a_run_that_cannot_start_is_said_in_words(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.errors import UserError

    def start(*_: object) -> Started:
        raise UserError("a run is under way on this machine", "wait for its end")

    monkeypatch.setattr("ui.views.client.running.start_run", start)
    test = look(monkeypatch, tenant, tenant.add_client("Acme"))
    button(test, "Run now").click().run()
    assert "a run is under way on this machine" in text(test)


# the brief


def test_the_brief_stands_in_a_frame_that_runs_nothing(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = tenant.add_client(HOSTILE)
    add_event(tenant, acme, HOSTILE)
    test = look(monkeypatch, tenant, acme, Role.VIEWER, show="Brief")
    [frame] = test.get("iframe")
    outer = frame.proto.srcdoc or frame.proto.src
    assert 'sandbox="allow-same-origin allow-modals"' in outer
    assert outer.count("<script") == 1
    assert "script-src 'sha256-" in outer
    assert "Client brief" in unescape(outer)
    assert [one.label for one in test.get("download_button")] == ["Download"]
