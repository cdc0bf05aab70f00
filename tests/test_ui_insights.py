"""The page Insights: each figure says what it came to, with its numbers; the address holds the choice."""

import pytest
from apptest import open_page, signed_in
from conftest import Tenant
from newsroom import add_event
from streamlit.testing.v1 import AppTest
from test_services_insights import add_line, say

from models.base import utc_now
from models.clients import ClientAssignment
from models.events import Category
from models.feedback import FeedbackVerdict
from models.mail import NotificationState, SkipReason
from models.scope import Role
from services.insights import insights
from ui.views.insights import page
from ui.views.insights.news import _COLOURS


def again(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception
    return test


def said(test: AppTest) -> str:
    return "\n".join(str(one.value) for one in (*test.markdown, *test.caption))


def headings(test: AppTest) -> list[str]:
    return [one.value for one in test.subheader]


EVERYBODYS = [
    "Events a week, by kind",
    "Good and bad news a week",
    "Useful part of what readers judged, by week",
    "Noisiest clients, by events",
    "Most useful clients, by what readers said",
    "From articles found to events mailed",
    "Why items were left out",
]
ADMINS = ["AI spend by day", "How fetches ended, by day"]


def busy(tenant: Tenant) -> None:
    now = utc_now()
    acme, umbrella = tenant.add_client("Acme_*"), tenant.add_client("Umbrella")
    reader = tenant.add_user("reader@example.com")
    for client, kind in ((acme, Category.FUNDING), (acme, Category.LAYOFFS), (umbrella, Category.FUNDING)):
        event = add_event(tenant, client, at=now, category=kind, sentiment=0.5)
        add_line(tenant, event, reader, client, created_at=now)
        say(tenant, event, client, FeedbackVerdict.USEFUL, created_at=now)
    skipped = {"state": NotificationState.SKIPPED, "route": None, "reason": SkipReason.BELOW_THRESHOLD}
    add_line(tenant, event, tenant.add_user("other@example.com"), umbrella, created_at=now, **skipped)


def test_an_admin_sees_every_figure_with_its_numbers(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    busy(tenant)
    token, _ = signed_in(tenant, Role.ADMIN)
    test = again(open_page(monkeypatch, token, page))
    assert headings(test) == EVERYBODYS + ADMINS
    told = said(test)
    assert "3 events in 12 weeks; the most frequent kind is funding, with 67%." in told
    assert "3 good and 0 bad of 3 events" in told
    assert "100% of 3 judged items useful" in told
    assert r"Acme\_\* leads with 2 events" in told
    assert "1 item left out for a reader; 100% of them: below threshold." in told
    tables = [list(one.value.columns) for one in test.dataframe]
    assert ["Week", "Kind", "Events"] in tables
    assert ["Step", "Count"] in tables


def test_the_choice_is_in_the_address(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    busy(tenant)
    token, viewer = signed_in(tenant, Role.OWNER)
    acme = next(use.client_id for use in insights(viewer.scope).uses if use.client == "Acme_*")
    test = again(open_page(monkeypatch, token, page, weeks="4", client=str(acme)))
    assert "2 events in 4 weeks" in said(test)
    assert set(headings(test)).isdisjoint({*ADMINS, "Noisiest clients, by events"})
    test.selectbox(key="insights-client").select_index(None)
    again(test)
    assert "client" not in test.query_params
    assert "3 events in 4 weeks" in said(test)
    test = again(open_page(monkeypatch, token, page, weeks="900", client="nonsense"))
    assert "3 events in 12 weeks" in said(test)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_who_is_no_admin_sees_their_own_clients(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, role: Role
) -> None:
    busy(tenant)
    token, viewer = signed_in(tenant, role)
    test = again(open_page(monkeypatch, token, page))
    assert "No client is yours yet" in said(test)
    assert headings(test) == []
    names = {use.client: use.client_id for use in insights(tenant.scope).uses}
    tenant.add(
        ClientAssignment(business_id=tenant.business_id, client_id=names["Umbrella"], user_id=viewer.user_id)
    )
    again(test)
    assert headings(test) == EVERYBODYS
    assert "1 event in 12 weeks" in said(test)
    test = again(open_page(monkeypatch, token, page, client=str(names["Acme_*"])))
    assert "1 event in 12 weeks" in said(test), "another's client is as good as none"


def test_an_empty_tenant_is_told_where_to_begin(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    token, _ = signed_in(tenant, Role.OWNER)
    test = again(open_page(monkeypatch, token, page))
    assert "No clients yet" in said(test)


def test_no_two_kinds_share_a_colour(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    acme = tenant.add_client()
    for number, kind in enumerate(kind for kind in Category if kind is not Category.OTHER):
        for _ in range(number + 1):
            add_event(tenant, acme, at=utc_now(), category=kind)
    token, _ = signed_in(tenant, Role.ADMIN)
    test = again(open_page(monkeypatch, token, page))
    table = next(one.value for one in test.dataframe if list(one.value.columns) == ["Week", "Kind", "Events"])
    this_week = table[table["Events"] > 0]
    assert len(set(this_week["Kind"])) == _COLOURS
    assert this_week["Events"].sum() == sum(range(1, 13))
