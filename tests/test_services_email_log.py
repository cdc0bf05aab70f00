"""The email log: every filter's pages are the log's own lines in order, and nobody reads what is not theirs to read."""

import csv
import io
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows
from newsroom import mails
from sqlalchemy import event
from test_tasks_notify_outbox import Scripted, planned, send

from models import mail_log
from models.audit import AuditLog
from models.base import new_id
from models.clock import FixedClock
from models.engine import get_engine, insert_rows, writing
from models.mail import (
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    EmailEvent,
    Notification,
    NotificationState,
    SkipReason,
)
from models.returns import Actor, ReturnKind
from models.scope import Role, Scope
from services import sending
from services.email_log import LogFilter, MailLine, log_page, log_standing, mail_detail, mails_csv
from services.email_log.detail import What
from services.engagement import set_tracking
from services.errors import UserError
from services.mailview import view
from services.subscriptions import consent
from tasks.notify.transports.transport import Result

STATES, KINDS = tuple(DeliveryState), tuple(DeliveryKind)


def add_mails(tenant: Tenant, people: list[UUID], count: int, dice: random.Random) -> None:
    """Mails of all states and kinds, several of them at the same instant."""
    with writing(tenant.scope) as session:
        insert_rows(
            session,
            Delivery,
            [
                {
                    "id": new_id(),
                    "user_id": dice.choice(people),
                    "recipient": f"p{number}@example.com",
                    "channel": Channel.EMAIL,
                    "kind": dice.choice(KINDS),
                    "slot": f"{number}",
                    "state": dice.choice(STATES),
                    "transport": "smtp",
                    "subject": dice.choice(("Acme raises 40 million", "Umbrella sued", "Größe zählt")),
                    "message_id": f"<{number:032x}@monitor.example>",
                    "item_count": 1,
                    "more_count": 0,
                    "retries": 0,
                    "next_attempt_at": NOW,
                    "last_error": "",
                    "created_at": NOW - timedelta(hours=dice.randrange(40)),
                }
                for number in range(count)
            ],
        )


def as_person(tenant: Tenant, user_id: UUID, role: Role = Role.MANAGER) -> Scope:
    return Scope(business_id=tenant.business_id, user_id=user_id, role=role)


def walked(scope: Scope, wanted: LogFilter, limit: int = 3) -> list[UUID]:
    """Every line of the filter, page by page."""
    found: list[MailLine] = []
    after = ""
    for _ in range(500):
        page = log_page(scope, wanted, after=after, limit=limit)
        assert len(page.lines) <= limit
        found += page.lines
        after = page.next
        if not after:
            return [line.id for line in found]
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("seed", range(4))
def test_the_pages_of_any_filter_are_its_mails_once_and_newest_first(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(mail_log, "SCAN", 30)
    dice = random.Random(seed)
    people = [tenant.add_user(f"reader{number}@example.com") for number in range(3)]
    add_mails(tenant, people, 90, dice)
    every = sorted(mails(tenant), key=lambda mail: (mail.created_at, mail.id), reverse=True)
    for _ in range(12):
        first = NOW.date() - timedelta(days=dice.randrange(3)) if dice.random() < 0.4 else None
        wanted = LogFilter(
            states=tuple(dice.sample(STATES, dice.randrange(3))),
            kinds=tuple(dice.sample(KINDS, dice.randrange(3))),
            person=dice.choice([None, *people]),
            first=first,
            last=first,
            text=dice.choice(("", "", "acme", "umbrella SUED", "größe", "p7", "nowhere")),
        )
        expected = [mail.id for mail in every if _is_meant(mail, wanted)]
        assert walked(tenant.scope, wanted) == expected, wanted


def _is_meant(mail: Delivery, wanted: LogFilter) -> bool:
    day = mail.created_at.astimezone(UTC).date()
    return (
        (not wanted.states or mail.state in wanted.states)
        and (not wanted.kinds or mail.kind in wanted.kinds)
        and wanted.person in (None, mail.user_id)
        and (wanted.first is None or day >= wanted.first)
        and (wanted.last is None or day <= wanted.last)
        and all(word in mail.subject.casefold() for word in wanted.text.casefold().split())
    )


def test_a_search_says_how_far_back_it_looked(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_log, "SCAN", 10)
    reader = tenant.add_user()
    add_mails(tenant, [reader], 40, random.Random(1))
    page = log_page(tenant.scope, LogFilter(text="nowhere"))
    assert page.lines == ()
    assert page.next
    newest = sorted((mail.created_at for mail in mails(tenant)), reverse=True)
    assert datetime.fromisoformat(page.searched_back_to) == newest[9]
    assert log_page(tenant.scope, LogFilter(text="")).searched_back_to == ""


def test_a_mail_is_found_by_what_identifies_it(tenant: Tenant) -> None:
    reader = tenant.add_user("maria.lopez@example.com", user={"name": "Maria López"})
    other = tenant.add_user("tom@example.com")
    add_mails(tenant, [reader, other], 30, random.Random(2))
    one = mails(tenant)[7]
    for text in (str(one.id), one.message_id or "", (one.message_id or "").strip("<>")):
        assert [line.id for line in log_page(tenant.scope, LogFilter(text=text)).lines] == [one.id]
    hers = {mail.id for mail in mails(tenant) if mail.user_id == reader}
    for text in ("Maria.Lopez@example.com", "lópez", "maria"):
        assert set(walked(tenant.scope, LogFilter(text=text))) == hers
    assert walked(tenant.scope, LogFilter(text="p12@example.com")) == [
        mail.id for mail in mails(tenant) if mail.recipient == "p12@example.com"
    ]
    not_its_state = next(state for state in STATES if state is not one.state)
    assert walked(tenant.scope, LogFilter(text=str(one.id), states=(not_its_state,))) == []


def test_days_are_those_of_the_zone(tenant: Tenant) -> None:
    reader = tenant.add_user()
    add_mail(tenant, reader, created_at=datetime(2026, 3, 9, 23, 30, tzinfo=UTC))
    day = date(2026, 3, 10)
    assert walked(tenant.scope, LogFilter(first=day, last=day)) == []
    assert len(walked(tenant.scope, LogFilter(first=day, last=day, timezone="Europe/Berlin"))) == 1


def add_mail(tenant: Tenant, user_id: UUID | None, **fields: Any) -> UUID:
    known: dict[str, Any] = {
        "recipient": "maria@example.com",
        "kind": DeliveryKind.DIGEST,
        "slot": new_id().hex,
        "state": DeliveryState.SENT,
        "next_attempt_at": NOW,
        "created_at": NOW,
        "subject": "Yours",
    }
    return tenant.add(Delivery(business_id=tenant.business_id, user_id=user_id, **(known | fields)))


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_people_see_their_own_mail_alone(tenant: Tenant, role: Role) -> None:
    me, somebody = tenant.add_user(), tenant.add_user("tom@example.com")
    mine, theirs = add_mail(tenant, me), add_mail(tenant, somebody, message_id="<m1@monitor.example>")
    nobodys = add_mail(tenant, None)
    scope = as_person(tenant, me, role)
    assert walked(scope, LogFilter()) == [mine]
    assert walked(scope, LogFilter(person=me)) == [mine]
    assert walked(scope, LogFilter(text="tom@example.com")) == []
    for text in (str(theirs), "m1@monitor.example"):
        assert walked(scope, LogFilter(text=text)) == []
    with pytest.raises(PermissionError):
        log_page(scope, LogFilter(person=somebody))
    with pytest.raises(PermissionError):
        mails_csv(scope, LogFilter(person=somebody))
    for mail in (theirs, nobodys, new_id()):
        with pytest.raises(PermissionError):
            mail_detail(scope, mail)
    standing = log_standing(scope)
    assert (standing.sees_all, standing.readers, standing.failed) == (False, (), 0)
    assert mail_detail(scope, mine).line.is_own


def test_another_tenants_mail_does_not_exist(tenant: Tenant) -> None:
    other = another_tenant()
    theirs = add_mail(other, other.add_user(), message_id="<m1@monitor.example>")
    admin = as_person(tenant, tenant.add_user("a@example.com", user={"role": Role.ADMIN}), Role.ADMIN)
    for wanted in (LogFilter(), LogFilter(text=str(theirs)), LogFilter(text="m1@monitor.example")):
        assert walked(admin, wanted) == []
    with pytest.raises(UserError, match="no such mail"):
        mail_detail(admin, theirs)
    assert len(list(csv_rows(admin))) == 1


def test_an_admin_is_told_what_waits_for_a_decision(tenant: Tenant) -> None:
    reader = tenant.add_user()
    for state in (DeliveryState.FAILED, DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.SENT):
        add_mail(tenant, reader, state=state)
    standing = log_standing(tenant.scope)
    assert (standing.sees_all, standing.failed, standing.unknown) == (True, 2, 1)
    assert [one.email for one in standing.readers] == ["maria@example.com"]


def test_a_place_that_nobody_gave_is_refused(tenant: Tenant) -> None:
    with pytest.raises(UserError, match="no place"):
        log_page(tenant.scope, after="somewhere")


def test_a_mails_history_has_its_attempts_what_came_back_and_who_decided(tenant: Tenant) -> None:
    planned(tenant)
    admin = as_person(tenant, tenant.add_user("boss@example.com", user={"role": Role.ADMIN}), Role.ADMIN)
    send(tenant, Scripted(Result.TEMPORARY))
    send(tenant, Scripted(Result.PERMANENT), clock=FixedClock(NOW + timedelta(hours=1)))
    [mail] = mails(tenant)
    assert mail.state is DeliveryState.FAILED
    detail = mail_detail(admin, mail.id)
    assert (detail.may_retry, detail.may_resolve) == (True, False)
    assert [moment.what for moment in detail.history] == [What.PLANNED, What.ATTEMPT, What.ATTEMPT]
    assert [moment.detail for moment in detail.history[1:]] == ["as told", "as told"]
    sending.retry(admin, str(mail.id))
    view(admin, mail.id)
    history = mail_detail(admin, mail.id).history
    told = {moment.what: moment.by for moment in history}
    assert {told[What.RETRIED], told[What.READ]} == {"Boss"}
    assert What.NEXT in told
    reader = as_person(tenant, mail.user_id or new_id())
    own = mail_detail(reader, mail.id)
    assert {What.READ, What.RETRIED}.isdisjoint(moment.what for moment in own.history)
    assert not own.may_retry


def test_a_mail_of_unknown_fate_may_be_resolved_by_admins_alone(tenant: Tenant) -> None:
    reader = tenant.add_user()
    mail = add_mail(tenant, reader, state=DeliveryState.UNKNOWN, last_error="cut off")
    assert mail_detail(tenant.scope, mail).may_resolve
    own = mail_detail(as_person(tenant, reader), mail)
    assert not own.may_resolve
    assert [(moment.what, moment.detail) for moment in own.history] == [
        (What.PLANNED, own.line.slot),
        (What.ATTEMPT, "cut off"),
    ]


def test_a_mails_items_come_with_what_was_decided_and_what_was_left_out(tenant: Tenant) -> None:
    planned(tenant)
    send(tenant, Scripted())
    [mail] = mails(tenant)
    [item] = mail_detail(tenant.scope, mail.id).items
    assert (item.client, item.title, item.state) == (
        "Acme",
        "Acme raises 40 million",
        NotificationState.DELIVERED,
    )
    assert item.left_out is None
    assert "0.80 reaches your threshold" in item.why
    with writing(tenant.scope) as session:
        [line] = rows(tenant, Notification)
        line.state, line.reason = NotificationState.SKIPPED, SkipReason.OVER_LIMIT
        session.add(line)
    [item] = mail_detail(tenant.scope, mail.id).items
    assert item.left_out is SkipReason.OVER_LIMIT


def test_opens_and_clicks_are_shown_to_who_agreed_and_to_nobody_else(tenant: Tenant) -> None:
    me = tenant.add_user()
    mail = add_mail(tenant, me)
    scope, admin = as_person(tenant, me), tenant.scope
    for number, (kind, actor) in enumerate(
        [(ReturnKind.OPEN, Actor.HUMAN), (ReturnKind.OPEN, Actor.MACHINE), (ReturnKind.CLICK, Actor.UNKNOWN)]
    ):
        tenant.add(
            EmailEvent(
                business_id=tenant.business_id,
                delivery_id=mail,
                kind=kind.value,
                actor=actor.value,
                provider_event_id=f"e{number}",
                created_at=NOW + timedelta(hours=number + 1),
            )
        )

    def steps(of: Scope) -> list[What]:
        return [moment.what for moment in mail_detail(of, mail).history]

    def met(of: Scope) -> object:
        return log_page(of).lines[0].met

    set_tracking(admin, True)
    assert met(scope) is None, "nobody agreed"
    assert steps(scope) == [What.PLANNED]
    consent(scope, True, now=NOW)
    found = log_page(scope).lines[0].met
    assert found is not None
    assert found.opens == {Actor.HUMAN: 1, Actor.MACHINE: 1, Actor.UNKNOWN: 0}
    assert found.clicks[Actor.UNKNOWN] == 1
    assert steps(scope) == [What.PLANNED, What.OPEN, What.OPEN, What.CLICK]
    assert met(admin) is None
    assert steps(admin) == [What.PLANNED], "consent is to oneself alone"
    set_tracking(admin, False)
    assert met(scope) is None


def csv_rows(scope: Scope, wanted: LogFilter | None = None) -> Iterator[list[str]]:
    text = b"".join(mails_csv(scope, wanted)).decode("utf-8-sig")
    return csv.reader(io.StringIO(text))


def test_the_file_has_the_filters_mails_and_no_formula(tenant: Tenant) -> None:
    reader = tenant.add_user()
    add_mail(tenant, reader, subject="=HYPERLINK(1)", last_error="@SUM", created_at=NOW)
    add_mail(tenant, reader, subject="Line\nbreak, “quoted”", created_at=NOW - timedelta(hours=1))
    add_mail(tenant, reader, state=DeliveryState.FAILED)
    head, first, second = csv_rows(tenant.scope, LogFilter(states=(DeliveryState.SENT,)))
    assert head[:3] == ["planned (UTC)", "sent (UTC)", "status"]
    assert (first[7], first[10]) == ("'=HYPERLINK(1)", "'@SUM")
    assert second[7] == "Line\nbreak, “quoted”"
    [line] = [row for row in rows(tenant, AuditLog) if row.action == "mail.exported"]
    assert line.details == {"states": ["sent"]}


def test_what_was_searched_for_is_not_in_the_audit_log_and_own_mail_makes_no_line(tenant: Tenant) -> None:
    reader = tenant.add_user()
    add_mail(tenant, reader)
    assert len(list(csv_rows(tenant.scope, LogFilter(text="yours")))) == 2
    [line] = rows(tenant, AuditLog)
    assert "yours" not in str(line.details)
    assert len(list(csv_rows(as_person(tenant, reader)))) == 2
    assert len(rows(tenant, AuditLog)) == 1


def test_a_long_file_says_where_it_was_cut_off(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.email_log import export

    monkeypatch.setattr(export, "EXPORTED_AT_MOST", 6)
    monkeypatch.setattr(export, "_CHUNK", 2)
    add_mails(tenant, [tenant.add_user()], 9, random.Random(3))
    found = list(csv_rows(tenant.scope))
    assert len(found) == 8
    assert found[-1][0].startswith("Cut off here after 6 mails")


def test_a_page_is_a_few_queries_however_many_lines_it_has(tenant: Tenant) -> None:
    people = [tenant.add_user(f"reader{number}@example.com") for number in range(5)]
    add_mails(tenant, people, 60, random.Random(4))
    asked: list[str] = []
    event.listen(get_engine(), "before_cursor_execute", lambda *seen: asked.append(seen[2]))
    assert len(log_page(tenant.scope, limit=50).lines) == 50
    assert len(asked) <= 4
    asked.clear()
    log_page(tenant.scope, LogFilter(states=(DeliveryState.FAILED,)), limit=50)
    assert len(asked) <= 3 + len(KINDS)
