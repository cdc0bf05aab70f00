"""The page Email log: the address is the filter, a mail opens, and whoever reads another's is written down."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from apptest import open_page, signed_in
from conftest import NOW, Tenant
from desk import change, rows
from newsroom import mails
from streamlit.testing.v1 import AppTest
from test_services_email_log import add_mail, as_person
from test_tasks_notify_outbox import Scripted, planned, send

from models.audit import AuditLog
from models.base import utc_now
from models.mail import Channel, Delivery, DeliveryKind, DeliveryState
from models.scope import Role
from services.email_log import log_page
from tasks.notify.transports.transport import Result
from ui.views.email_log import page
from ui.views.email_log.address import filter_of, params_of


def opened(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, role: Role = Role.ADMIN, **query: str
) -> tuple[AppTest, UUID]:
    token, viewer = signed_in(tenant, role)
    test = open_page(monkeypatch, token, page, **query).run()
    assert not test.exception
    return test, viewer.user_id


def again(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception
    return test


def subjects(test: AppTest) -> list[str]:
    return [button.label for button in test.button if str(button.key).startswith("mail-")]


def text(test: AppTest) -> str:
    return "\n".join(str(one.value) for one in (*test.markdown, *test.caption, *test.text))


def errors(test: AppTest) -> list[str]:
    return [str(one.value) for one in test.error]


def test_lines_stand_newest_first_and_open(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    reader = tenant.add_user(user={"name": "Maria [x](y)"})
    add_mail(tenant, reader, subject="Older *one*", created_at=NOW - timedelta(hours=1))
    newest = add_mail(
        tenant,
        reader,
        subject="",
        state=DeliveryState.FAILED,
        last_error="550 `no`",
        channel=Channel.FILE,
        retries=2,
    )
    test, _ = opened(monkeypatch, tenant)
    assert subjects(test) == ["*Not written yet*", r"**Older \*one\***"]
    assert r"550 \`no\`" in text(test)
    assert r"Maria \[x\]\(y\)" in text(test)
    test.button(key=f"mail-{newest}").click()
    again(test)
    assert test.query_params["id"] == str(newest)
    assert test.title[0].value == "A mail that is not written yet"


def test_the_address_holds_the_filter(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    reader = tenant.add_user()
    add_mail(tenant, reader, subject="Sent one")
    add_mail(tenant, reader, subject="Failed one", state=DeliveryState.FAILED, kind=DeliveryKind.ALERT)
    test, _ = opened(monkeypatch, tenant, status="failed,nonsense", since="yesterday")
    assert subjects(test) == ["**Failed one**"]
    assert "Showing mails that are “failed”" in text(test)
    test.text_input(key="email-log-text").input("Sent")
    again(test)
    assert test.query_params["find"] == "Sent"
    assert test.query_params["status"] == "failed"
    assert subjects(test) == []
    assert "No such mail" in text(test)
    next(one for one in test.button if one.label == "Clear filters").click()
    again(test)
    assert dict(test.query_params) == {}
    assert len(subjects(test)) == 2


def test_a_filter_survives_the_address() -> None:
    params = {
        "status": "failed,unknown",
        "kind": "digest",
        "person": "01890000-0000-7000-8000-000000000000",
        "since": "2026-03-01",
        "until": "2026-03-02",
        "find": "a, b & c",
    }
    assert params_of(filter_of(params, "Europe/Berlin")) == params
    assert params_of(filter_of({"status": "x", "person": "y", "since": "z"}, "UTC")) == {}


def test_pages_go_back_and_forth(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    reader = tenant.add_user()
    for number in range(60):
        add_mail(tenant, reader, subject=f"Mail {number}", created_at=NOW - timedelta(minutes=number))
    test, _ = opened(monkeypatch, tenant)
    seen = [subjects(test)]
    for _ in range(2):
        next(one for one in test.button if one.label == "Older").click()
        seen.append(subjects(again(test)))
    assert [len(one) for one in seen] == [25, 25, 10]
    assert len({one for part in seen for one in part}) == 60
    assert "Older" not in [one.label for one in test.button]
    for part in (1, 0):
        next(one for one in test.button if one.label == "Newer").click()
        assert subjects(again(test)) == seen[part]
    assert "after" not in test.query_params
    test, _ = reopened(monkeypatch, tenant, after="cut off")
    assert subjects(test) == seen[0]


def reopened(monkeypatch: pytest.MonkeyPatch, tenant: Tenant, **query: str) -> tuple[AppTest, UUID]:
    token, viewer = signed_in(tenant, Role.OWNER)
    test = open_page(monkeypatch, token, page, **query).run()
    assert not test.exception
    return test, viewer.user_id


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_who_is_no_admin_sees_their_own_and_is_refused_the_rest(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, role: Role
) -> None:
    token, viewer = signed_in(tenant, role)
    add_mail(tenant, viewer.user_id, subject="Mine")
    theirs = add_mail(
        tenant, tenant.add_user("tom@example.com"), subject="Theirs", state=DeliveryState.FAILED
    )
    test = again(open_page(monkeypatch, token, page))
    assert subjects(test) == ["**Mine**"]
    assert not [one for one in test.button if "failed" in one.label]
    test = again(open_page(monkeypatch, token, page, id=str(theirs)))
    assert "own mail only" in errors(test)[0]
    test = again(open_page(monkeypatch, token, page, person=str(theirs)))
    assert "own mail only" in errors(test)[0]


def test_a_link_to_no_mail_says_so(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    test, _ = opened(monkeypatch, tenant, id="nonsense")
    assert "no such mail" in errors(test)[0]


def sent(tenant: Tenant) -> Delivery:
    planned(tenant)
    send(tenant, Scripted())
    [mail] = mails(tenant)
    return mail


def reads(tenant: Tenant) -> list[Any]:
    return [row for row in rows(tenant, AuditLog) if row.action == "mail.read"]


def test_anothers_mail_is_shown_on_request_and_written_down_once(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant
) -> None:
    mail = sent(tenant)
    test, admin = opened(monkeypatch, tenant, id=str(mail.id))
    assert "Acme raises 40 million" in text(test)
    assert reads(tenant) == []
    next(one for one in test.button if one.label == "Open the mail").click()
    again(test)
    assert "taken out" in text(test)
    again(test)
    [line] = reads(tenant)
    assert (line.actor_id, line.subject) == (admin, str(mail.id))


def test_ones_own_mail_is_shown_at_once(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    mail = sent(tenant)
    token, viewer = signed_in(tenant, Role.VIEWER)
    change(tenant, Delivery, user_id=viewer.user_id)
    test = again(open_page(monkeypatch, token, page, id=str(mail.id)))
    assert "taken out" in text(test)
    assert "0.80 reaches your threshold" not in "".join(errors(test))
    assert reads(tenant) == []


def test_a_failed_mail_is_sent_again_and_an_unknown_one_resolved(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant
) -> None:
    planned(tenant, people=2)
    send(tenant, Scripted(Result.PERMANENT, Result.UNKNOWN))
    failed, unknown = sorted(mails(tenant), key=lambda mail: mail.state.value)
    test, admin = opened(monkeypatch, tenant)
    assert {one.label for one in test.button} >= {"1 failed", "1 of unknown fate"}
    token_scope = as_person(tenant, admin, Role.ADMIN)
    for mail, label, state in (
        (failed, "Send it again", DeliveryState.INTENT),
        (unknown, "It arrived", DeliveryState.SENT),
    ):
        test.query_params["id"] = str(mail.id)
        again(test)
        next(one for one in test.button if one.label == label).click()
        again(test)
        assert not errors(test)
        [line] = [one for one in log_page(token_scope).lines if one.id == mail.id]
        assert line.state is state
    actions = [row.action for row in rows(tenant, AuditLog)]
    assert actions[-2:] == ["mail.retried", "mail.resolved"]


def test_a_mail_that_changed_meanwhile_says_so(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    mail = add_mail(tenant, tenant.add_user(), state=DeliveryState.FAILED)
    test, _ = opened(monkeypatch, tenant, id=str(mail))
    change(tenant, Delivery, state=DeliveryState.SENT, sent_at=utc_now())
    next(one for one in test.button if one.label == "Send it again").click()
    again(test)
    assert "Send it again" not in [one.label for one in test.button]
    assert [row.action for row in rows(tenant, AuditLog) if row.action.startswith("mail.")] == []
