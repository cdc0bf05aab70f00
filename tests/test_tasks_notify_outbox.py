"""The outbox: one accepted mail a slot, whatever the server, the network or the process does."""

import subprocess
import sys
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from functools import partial
from pathlib import Path
from threading import Barrier, get_ident

import pytest
from conftest import NOW, Tenant
from mailserver import Mailbox, as_read, free_port, smtp_server
from newsroom import add_event, mails, notes, plan_for, states
from sqlalchemy import delete, update
from sqlmodel import col, select

from models.accounts import Business, User, UserPreference, UserState
from models.clock import FixedClock
from models.engine import reading, writing
from models.events import Decision, Event
from models.mail import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    EmailBody,
    Notification,
    NotificationState,
    SkipReason,
    Suppression,
)
from models.scope import Scope
from models.settings import get_settings
from tasks.filter.stage import filter_batch
from tasks.notify import claim, lanes, outbox
from tasks.notify.outbox import message_id, send_due
from tasks.notify.planning import plan_digests
from tasks.notify.stage import digest_batch
from tasks.notify.transports.file import FileTransport, file_name
from tasks.notify.transports.smtp import SmtpTransport
from tasks.notify.transports.transport import About, Envelope, Limits, Outcome, Result, Transport
from tasks.notify.turns import Turns

VICTIM = Path(__file__).with_name("victim.py")


class Scripted:
    """A transport that answers as told, then agrees; it keeps what it was given."""

    name = "scripted"
    about = About(title="Scripted", recipient="", sends="")
    idempotent = False
    verbatim = True
    limits = Limits()

    def __init__(self, *outcomes: Result | Exception) -> None:
        self.outcomes = list(outcomes)
        self.given: list[Envelope] = []
        self.closed = 0

    def send(self, envelope: Envelope) -> Outcome:
        self.given.append(envelope)
        result = self.outcomes.pop(0) if self.outcomes else Result.SENT
        if isinstance(result, Exception):
            raise result
        return Outcome(result, "as told", provider_id="P1" if result is Result.SENT else None)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def smtp(monkeypatch):
    """Settings that lead to a server on this port."""

    def configure(port: int, **more: str) -> SmtpTransport:
        one = {"SMTP_SECURITY": "none", "SMTP_TIMEOUT_SECONDS": "5", "MAIL_CONNECTIONS": "1"}
        values = one | {"SMTP_PORT": str(port)} | more
        for name, value in values.items():
            monkeypatch.setenv(f"CM_{name}", value)
        get_settings.cache_clear()
        return SmtpTransport(get_settings())

    return configure


def planned(tenant: Tenant, people: int = 1) -> None:
    """A digest each for so many people, planned and due."""
    acme = tenant.add_client("Acme")
    for number in range(people):
        tenant.add_user(f"u{number}@example.com", clients=(acme,))
    add_event(tenant, acme, "Acme raises 40 million")
    filter_batch(plan_for(tenant), 100)
    plan_digests(tenant.scope, NOW, clock=FixedClock(NOW))


def send(tenant: Tenant, transport: Transport, **more):
    more.setdefault("clock", FixedClock(NOW))
    return send_due(tenant.scope, NOW, transport, limit=100, jitter=lambda: 0.5, **more)


def change(tenant: Tenant, model, **values) -> None:
    with writing(Scope.operator() if model is Business else tenant.scope) as session:
        session.exec(update(model).values(**values))


def test_a_mail_is_sent_once_and_written_down(tenant, smtp):
    planned(tenant)
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        report = send(tenant, smtp(port))
        assert send(tenant, smtp(port)).done == 0
    assert report.counts == {"sent": 1}
    (mail,) = mails(tenant)
    assert (mail.state, mail.transport, mail.provider_id) == (DeliveryState.SENT, "smtp", "OK queued as M1")
    assert (mail.sent_at, mail.item_count, mail.last_error) == (NOW, 1, "")
    assert mail.subject
    (note,) = notes(tenant)
    assert (note.state, note.delivery_id) == (NotificationState.DELIVERED, mail.id)
    (got,) = mailbox.accepted
    assert (got.mail_from, got.rcpt_tos) == ("monitor@localhost", ["u0@example.com"])
    with reading(tenant.scope) as session:
        stored = zlib.decompress(session.exec(select(EmailBody.mime)).one())
    assert got.original_content == stored
    parsed = message_from_bytes(stored)
    assert parsed["Message-ID"] == mail.message_id
    assert parsed["Date"] == "Tue, 10 Mar 2026 08:00:00 +0000", "the window's, not the wall clock's"


@pytest.mark.parametrize(
    ("step", "answer", "state", "items"),
    [
        ("RCPT", "451 later", DeliveryState.INTENT, NotificationState.ATTACHED),
        ("RCPT", "cut", DeliveryState.INTENT, NotificationState.ATTACHED),
        ("DATA", "451 later", DeliveryState.INTENT, NotificationState.ATTACHED),
        ("MAIL", "550 not you", DeliveryState.INTENT, NotificationState.ATTACHED),
        ("RCPT", "550 nobody here", DeliveryState.FAILED, NotificationState.FAILED),
        ("DATA", "554 spam", DeliveryState.FAILED, NotificationState.FAILED),
        ("DATA", "cut", DeliveryState.UNKNOWN, NotificationState.UNKNOWN),
        ("END", "cut", DeliveryState.UNKNOWN, NotificationState.UNKNOWN),
        ("END", "399 well", DeliveryState.UNKNOWN, NotificationState.UNKNOWN),
    ],
)
def test_each_answer_of_a_server(tenant, smtp, step, answer, state, items):
    planned(tenant)
    mailbox = Mailbox({step: [answer]})
    with smtp_server(mailbox) as port:
        report = send(tenant, smtp(port))
        (mail,) = mails(tenant)
        assert (mail.state, states(tenant)) == (state, [items])
        assert mail.last_error
        assert report.degraded
        later = FixedClock(NOW + timedelta(hours=2))
        send(tenant, smtp(port), clock=later)
    arrived = len(mailbox.accepted)
    if state is DeliveryState.INTENT:
        assert (arrived, mails(tenant)[0].state, states(tenant)) == (
            1,
            DeliveryState.SENT,
            [NotificationState.DELIVERED],
        )
    else:
        assert arrived == (step == "END"), "never sent again"
        assert mails(tenant)[0].state is state


def test_a_retry_sends_the_same_bytes_after_a_wait(tenant):
    planned(tenant)
    transport = Scripted(Result.TEMPORARY, Result.TEMPORARY)
    clock = FixedClock(NOW)
    assert send(tenant, transport, clock=clock).counts == {"retry": 1}
    assert mails(tenant)[0].next_attempt_at == NOW + timedelta(minutes=1)
    assert send(tenant, transport, clock=clock).done == 0, "not due yet"
    clock.at += timedelta(minutes=1)
    send(tenant, transport, clock=clock)
    assert mails(tenant)[0].next_attempt_at == clock.at + timedelta(minutes=2)
    change(tenant, Event, title="Changed since")
    clock.at += timedelta(minutes=2)
    assert send(tenant, transport, clock=clock).counts == {"sent": 1}
    assert len(transport.given) == 3
    assert len({(envelope.message_id, envelope.data) for envelope in transport.given}) == 1
    assert transport.closed == 4
    assert mails(tenant)[0].retries == 2


def test_it_gives_up_after_so_many_attempts(tenant, monkeypatch):
    planned(tenant)
    transport = Scripted(*[Result.TEMPORARY] * 99)
    clock = FixedClock(NOW)
    for _ in range(20):
        send(tenant, transport, clock=clock)
        clock.at += timedelta(hours=2)
    assert len(transport.given) == get_settings().send_attempts
    (mail,) = mails(tenant)
    assert mail.state is DeliveryState.FAILED
    assert mail.last_error.startswith("given up after 6 attempts")


def test_a_server_that_is_down_costs_no_attempt_and_all_arrive_once_it_is_up(tenant, smtp):
    planned(tenant, people=5)
    port = free_port()
    clock = FixedClock(NOW)
    for _ in range(10):
        report = send(tenant, smtp(port), clock=clock)
        assert report.done == 0
        assert f"127.0.0.1:{port}" in report.degraded[0]
        clock.at += timedelta(hours=1)
    assert {mail.state for mail in mails(tenant)} == {DeliveryState.INTENT}
    mailbox = Mailbox()
    with smtp_server(mailbox, port=port):
        assert send(tenant, smtp(port), clock=clock).counts == {"sent": 5}
    assert Counter(got.rcpt_tos[0] for got in mailbox.accepted) == {f"u{n}@example.com": 1 for n in range(5)}
    assert all(len(got.rcpt_tos) == 1 for got in mailbox.accepted), "one recipient a message"
    assert mailbox.connections == 1, "one connection for the batch"


def test_a_connection_lost_between_mails_is_opened_again(tenant, smtp):
    planned(tenant, people=3)
    mailbox = Mailbox({"RCPT": ["450 busy", "cut"]})
    with smtp_server(mailbox) as port:
        report = send(tenant, smtp(port))
    assert report.counts == {"retry": 2, "sent": 1}
    assert mailbox.connections == 2


def test_a_line_that_starts_with_a_dot_arrives_as_written(smtp):
    mailbox = Mailbox()
    data = b"Subject: x\r\n\r\n.\r\n..two\r\n.one\r\nend"
    with smtp_server(mailbox) as port:
        transport = smtp(port)
        assert transport.send(Envelope("a@x.example", "b@x.example", "<1@x>", data)).result is Result.SENT
        transport.close()
    assert mailbox.accepted[0].original_content == data + b"\r\n"


def test_a_refused_login_says_so_without_the_password(tenant, smtp):
    planned(tenant)
    mailbox = Mailbox()
    with smtp_server(mailbox, login=lambda _user, password: password == "right") as port:
        transport = smtp(port, SMTP_USER="me", SMTP_PASSWORD="hunter2-very-secret")
        report = send(tenant, transport)
        assert (report.done, mailbox.accepted) == (0, [])
        assert "login refused (535)" in report.degraded[0]
        said = f"{report} {transport!r} {mails(tenant)} {get_settings()!r}"
        assert "hunter2" not in said
        transport = smtp(port, SMTP_PASSWORD="right")
        assert send(tenant, transport, clock=FixedClock(NOW + timedelta(hours=1))).counts == {"sent": 1}


def test_no_mail_without_the_encryption_asked_for(tenant, smtp):
    planned(tenant)
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        report = send(tenant, smtp(port, SMTP_SECURITY="starttls"))
    assert (report.done, mailbox.accepted) == (0, [])
    assert "STARTTLS" in report.degraded[0]


def test_two_senders_at_once_send_each_mail_once(tenant, smtp):
    planned(tenant, people=6)
    mailbox = Mailbox()
    start = Barrier(2)
    with smtp_server(mailbox) as port:
        transports = [smtp(port), smtp(port)]

        def work(transport):
            start.wait()
            return send(tenant, transport)

        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(work, transports))
    assert Counter(got.rcpt_tos[0] for got in mailbox.accepted) == {f"u{n}@example.com": 1 for n in range(6)}
    assert sum(report.counts.get("sent", 0) for report in reports) == 6


def test_two_schedulers_at_once_plan_one_mail(tenant):
    acme = tenant.add_client()
    for number in range(4):
        tenant.add_user(f"u{number}@example.com", clients=(acme,))
    add_event(tenant, acme)
    filter_batch(plan_for(tenant), 100)
    start = Barrier(2)
    transports = [Scripted(), Scripted()]

    def work(transport):
        start.wait()
        return digest_batch(tenant.business_id, NOW, transport=transport, clock=FixedClock(NOW))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, transports))
    digest_batch(tenant.business_id, NOW, transport=transports[0], clock=FixedClock(NOW))
    given = [envelope.recipient for transport in transports for envelope in transport.given]
    assert sorted(given) == [f"u{n}@example.com" for n in range(4)]
    assert set(states(tenant)) == {NotificationState.DELIVERED}


def stuck(tenant: Tenant, *, transport: str) -> None:
    """A delivery in the hands of a process of another machine."""
    send(tenant, Scripted(Result.TEMPORARY))
    change(
        tenant,
        Delivery,
        state=DeliveryState.TRANSMITTING,
        transport=transport,
        lease_holder="elsewhere:1#abc",
        lease_expires_at=NOW + timedelta(seconds=120),
    )


def test_an_expired_lease_becomes_unknown_and_is_not_sent_again(tenant):
    planned(tenant)
    stuck(tenant, transport="scripted")
    transport = Scripted()
    assert send(tenant, transport).done == 0, "its lease still runs"
    late = FixedClock(NOW + timedelta(seconds=121))
    report = send(tenant, transport, clock=late)
    assert report.counts == {"unknown": 1}
    assert "may or may not" in report.degraded[0]
    assert (mails(tenant)[0].state, states(tenant)) == (DeliveryState.UNKNOWN, [NotificationState.UNKNOWN])
    send(tenant, transport, clock=late)
    assert transport.given == []


def test_an_expired_lease_of_the_file_transport_is_simply_done_again(tenant):
    planned(tenant)
    stuck(tenant, transport="file")
    transport = FileTransport(get_settings())
    report = send(tenant, transport, clock=FixedClock(NOW + timedelta(seconds=121)))
    assert report.counts == {"sent": 1}
    (mail,) = mails(tenant)
    assert (get_settings().outbox_dir / file_name(mail.message_id or "")).exists()


def test_what_went_over_smtp_is_not_repeated_as_a_file(tenant):
    planned(tenant)
    stuck(tenant, transport="smtp")
    transport = FileTransport(get_settings())
    report = send(tenant, transport, clock=FixedClock(NOW + timedelta(seconds=121)))
    assert report.counts == {"unknown": 1}
    assert not get_settings().outbox_dir.exists()


def test_a_slow_sender_may_still_say_how_it_ended(tenant):
    planned(tenant)

    class Slow(Scripted):
        def send(self, envelope: Envelope) -> Outcome:
            late = FixedClock(NOW + timedelta(hours=1))
            assert send(tenant, Scripted(), clock=late).counts == {"unknown": 1}
            return super().send(envelope)

    assert send(tenant, Slow()).counts == {"sent": 1}
    assert (mails(tenant)[0].state, states(tenant)) == (DeliveryState.SENT, [NotificationState.DELIVERED])


def test_a_tenant_on_hold_sends_nothing_until_released(tenant):
    planned(tenant)
    change(tenant, Business, sending_on_hold=True)
    transport = Scripted()
    report = send(tenant, transport)
    assert (report.done, report.counts) == (0, {"held": 1})
    assert report.degraded == ("sending is on hold; client-monitor release resumes it",)
    change(tenant, Business, sending_on_hold=False)
    assert send(tenant, transport).counts == {"sent": 1}


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ((User, {"state": UserState.DEACTIVATED}), SkipReason.DEACTIVATED),
        ((UserPreference, {"notification_enabled": False}), SkipReason.NOTIFICATIONS_OFF),
        ((UserPreference, {"email_notifications_enabled": False}), SkipReason.EMAIL_OFF),
        ((UserPreference, {"relevance_threshold": 0.95}), SkipReason.BELOW_THRESHOLD),
        (None, SkipReason.SUPPRESSED),
    ],
)
@pytest.mark.parametrize("tried", [False, True], ids=["new", "retry"])
def test_what_no_longer_qualifies_is_not_sent(tenant, what, reason, tried):
    planned(tenant)
    clock = FixedClock(NOW)
    if tried:
        send(tenant, Scripted(Result.TEMPORARY), clock=clock)
        clock.at += timedelta(hours=1)
    if what:
        change(tenant, what[0], **what[1])
    else:
        tenant.add(
            Suppression(business_id=tenant.business_id, recipient="U0@example.com", reason="complaint")
        )
    transport = Scripted()
    assert send(tenant, transport, clock=clock).counts == {"empty": 1}
    assert transport.given == []
    (mail,) = mails(tenant)
    (note,) = notes(tenant)
    assert mail.state is DeliveryState.EMPTY
    assert (note.state, note.reason, note.delivery_id) == (NotificationState.SKIPPED, reason, mail.id)
    with reading(tenant.scope) as session:
        last = session.exec(select(Decision).order_by(col(Decision.id).desc())).first()
    assert (last.stage, last.reason_code) == ("notify", reason)


def test_a_change_while_rendering_is_seen_before_anything_is_claimed(tenant, monkeypatch):
    planned(tenant)
    add_event(tenant, notes(tenant)[0].client_id, "Not in this mail")
    real, seen = claim.render, []

    def render_and_change(letter):
        if not seen:
            change(tenant, Event, title="Corrected headline")
        seen.append(letter)
        return real(letter)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claim, "render", render_and_change)
        transport = Scripted()
        send(tenant, transport)
    assert len(seen) == 2
    assert b"Corrected headline" in transport.given[0].data
    assert b"Acme raises" not in transport.given[0].data


def test_one_mail_that_cannot_be_written_does_not_stop_the_others(tenant):
    planned(tenant, people=3)
    real = claim.final_bytes

    def build(rendered, delivery, **more):
        if delivery.recipient == "u0@example.com":
            raise ValueError("not an address")
        if delivery.recipient == "u1@example.com":
            raise RuntimeError("a broken template")
        return real(rendered, delivery, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claim, "final_bytes", build)
        report = send(tenant, Scripted())
    assert report.counts == {"failed": 1, "retry": 1, "sent": 1}
    assert [mail.state for mail in mails(tenant)] == [
        DeliveryState.FAILED,
        DeliveryState.INTENT,
        DeliveryState.SENT,
    ]
    assert send(tenant, Scripted(), clock=FixedClock(NOW + timedelta(hours=1))).counts == {"sent": 1}


def test_a_transport_that_raises_leaves_an_unknown_not_a_doubt(tenant):
    planned(tenant)
    report = send(tenant, Scripted(RuntimeError("bug, password=hunter2")))
    assert report.counts == {"unknown": 1}
    assert "hunter2" not in str(report)
    assert mails(tenant)[0].last_error == "transport scripted raised RuntimeError"


def test_outside_production_a_setting_redirects_every_mail(tenant, monkeypatch):
    planned(tenant)
    monkeypatch.setenv("CM_REDIRECT_ALL_MAIL_TO", "me@example.com")
    get_settings.cache_clear()
    transport = Scripted(Result.TEMPORARY)
    send(tenant, transport)
    monkeypatch.setenv("CM_ENVIRONMENT", "production")
    get_settings.cache_clear()
    send(tenant, transport, clock=FixedClock(NOW + timedelta(hours=1)))
    assert [envelope.recipient for envelope in transport.given] == ["me@example.com", "u0@example.com"]
    assert transport.given[0].data == transport.given[1].data


def test_stored_bytes_without_items_are_sent_as_they_are(tenant):
    """Alerts and system mail come written: an intent with its body."""
    delivery = tenant.add(
        Delivery(
            business_id=tenant.business_id,
            recipient="new@example.com",
            kind=DeliveryKind.SYSTEM,
            slot="invitation:1",
            next_attempt_at=NOW,
        )
    )
    body = b"Subject: Welcome\r\n\r\nHello\r\n"
    tenant.add(EmailBody(business_id=tenant.business_id, delivery_id=delivery, mime=zlib.compress(body)))
    transport = Scripted()
    assert send(tenant, transport).counts == {"sent": 1}
    assert transport.given[0].data == body


def test_message_ids_come_from_the_slot_alone(tenant):
    planned(tenant)
    (mail,) = mails(tenant)
    first = message_id("test", mail, "Client Monitor <monitor@news.example>")
    assert first == message_id("test", mail.model_copy(update={"id": None}), "x@news.example")
    assert first.endswith("@news.example>")
    assert len(first) == len("<>@news.example") + 32
    others = [
        message_id("other", mail, "x@news.example"),
        *(
            message_id("test", mail.model_copy(update=change), "x@news.example")
            for change in (
                {"recipient": "b@example.com"},
                {"slot": "daily:2026-03-11"},
                {"kind": DeliveryKind.EVENT},
            )
        ),
    ]
    assert len({first, *others}) == 5


def test_file_names_cannot_leave_the_folder():
    assert file_name("<abc@example.com>") == "abc@example.com.eml"
    assert file_name("<../../etc/passwd@x>") == "_.._etc_passwd@x.eml"


def test_a_full_disk_is_not_the_mails_fault(tenant, monkeypatch):
    planned(tenant)
    get_settings().data_dir.mkdir(parents=True, exist_ok=True)
    get_settings().outbox_dir.write_text("in the way")
    report = send(tenant, FileTransport(get_settings()))
    assert (report.done, mails(tenant)[0].state) == (0, DeliveryState.INTENT)
    assert "cannot write" in report.degraded[0]
    get_settings().outbox_dir.unlink()
    transport = FileTransport(get_settings())
    assert send(tenant, transport, clock=FixedClock(NOW + timedelta(hours=1))).counts == {"sent": 1}


# kill -9


def written() -> dict[str, tuple[object, ...]]:
    return {path.name: as_read(path.read_bytes()) for path in get_settings().outbox_dir.glob("*.eml")}


def ready(tenant: Tenant) -> None:
    acme, other = tenant.add_client("Acme"), tenant.add_client("Other")
    tenant.add_user("maria@example.com", clients=(acme, other))
    add_event(tenant, acme, "Acme raises 40 million")
    add_event(tenant, other, "Other is sued", relevance=0.6)


def undo_everything(tenant: Tenant) -> None:
    """Back to the moment before *filter*, with the same events."""
    with writing(tenant.scope) as session:
        for table in (EmailBody, Notification, Delivery, Decision):
            session.exec(delete(table))
        session.exec(update(Event).values(needs_filter=True))
    for path in get_settings().outbox_dir.glob("*"):
        path.unlink()


def start_at(tenant: Tenant, step: str, transport: str) -> "subprocess.Popen[str]":
    plan = plan_for(tenant)
    command = [sys.executable, str(VICTIM), str(tenant.business_id), str(plan.job_run_id), step, transport]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def kill_at(tenant: Tenant, step: str, transport: str, mailbox: Mailbox | None = None) -> None:
    process = start_at(tenant, step, transport)
    if mailbox is not None:
        mailbox.victim = process.pid
    output, _ = process.communicate(timeout=120)
    assert process.returncode == -9, output


def run_again(tenant: Tenant, transport: Transport) -> None:
    filter_batch(plan_for(tenant), 100)
    digest_batch(tenant.business_id, NOW, transport=transport)


def some(*steps: str, shown: tuple[str, ...]) -> list[object]:
    """Every step, most of them for the long run only: each starts a process of its own."""
    return [step if step in shown else pytest.param(step, marks=pytest.mark.full) for step in steps]


@pytest.mark.parametrize(
    "step",
    some(
        *(
            "before intent",
            "in intent",
            "after intent",
            "rendered",
            "stored",
            "claimed",
            "half a file",
            "answered",
        ),
        shown=("half a file",),
    ),
)
def test_killed_and_run_again_the_files_are_those_of_an_undisturbed_run(tenant, step):
    ready(tenant)
    transport = FileTransport(get_settings())
    run_again(tenant, transport)
    undisturbed = written()
    lines = [(note.event_id, note.state, note.reason) for note in notes(tenant)]
    assert len(undisturbed) == 1
    undo_everything(tenant)

    kill_at(tenant, step, "file")
    run_again(tenant, transport)

    assert written() == undisturbed
    assert sorted((note.event_id, note.state, note.reason) for note in notes(tenant)) == sorted(lines)
    assert [mail.state for mail in mails(tenant)] == [DeliveryState.SENT]


SENT_ONCE = ("before intent", "in intent", "after intent", "rendered", "stored")
"""Until the claim is committed nobody connects, so the next run sends."""
MAYBE_SENT = ("claimed", "EHLO", "MAIL", "RCPT", "half a message", "END", "answered")
ACCEPTED = ("END", "answered")


@pytest.mark.parametrize("step", some(*SENT_ONCE, *MAYBE_SENT, shown=("rendered", "half a message", "END")))
def test_killed_and_run_again_no_mail_is_accepted_twice(tenant, smtp, step):
    ready(tenant)
    mailbox = Mailbox({step: ["kill"]})
    with smtp_server(mailbox) as port:
        transport = smtp(port)
        kill_at(tenant, step, "smtp", mailbox)
        mailbox.says.clear()
        for _ in range(2):
            run_again(tenant, transport)
    once = step in SENT_ONCE
    assert len(mailbox.accepted) == (once or step in ACCEPTED)
    (mail,) = mails(tenant)
    assert mail.state is (DeliveryState.SENT if once else DeliveryState.UNKNOWN)
    ended = NotificationState.DELIVERED if once else NotificationState.UNKNOWN
    assert states(tenant) == [ended, ended]


def people(tenant: Tenant, count: int) -> list[str]:
    acme = tenant.add_client("Acme")
    addresses = [f"u{number}@example.com" for number in range(count)]
    for address in addresses:
        tenant.add_user(address, clients=(acme,))
    add_event(tenant, acme, "Acme raises 40 million")
    return addresses


@pytest.mark.parametrize("step", some("RCPT", "half a message", "END", "answered", shown=()))
def test_killed_with_two_mails_under_way_those_two_are_unknown_and_the_others_arrive(tenant, smtp, step):
    everybody = people(tenant, 9)
    mailbox = Mailbox({step: ["", "", "", "kill"]})
    with smtp_server(mailbox) as port:
        smtp(port, MAIL_CONNECTIONS="2")
        kill_at(tenant, step, "smtp", mailbox)
        mailbox.says.clear()
        for _ in range(2):
            run_again(tenant, smtp(port, MAIL_CONNECTIONS="2"))
    accepted = Counter(got.rcpt_tos[0] for got in mailbox.accepted)
    by_state = Counter(mail.state for mail in mails(tenant))
    assert max(accepted.values()) == 1, "none twice"
    assert set(by_state) == {DeliveryState.SENT, DeliveryState.UNKNOWN}
    assert by_state[DeliveryState.UNKNOWN] <= 2
    sent = {mail.recipient for mail in mails(tenant, state=DeliveryState.SENT)}
    assert sent <= set(accepted) <= set(everybody)


def test_two_processes_at_once_and_a_third_run_send_each_mail_once(tenant, smtp):
    everybody = people(tenant, 8)
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = smtp(port, MAIL_CONNECTIONS="3")
        both = [start_at(tenant, "nowhere", "smtp") for _ in range(2)]
        for process in both:
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0, output
        run_again(tenant, transport)
    assert Counter(got.rcpt_tos[0] for got in mailbox.accepted) == dict.fromkeys(everybody, 1)
    assert {mail.state for mail in mails(tenant)} == {DeliveryState.SENT}


@pytest.mark.full
def test_two_senders_and_a_flow_that_runs_twice_send_each_mail_once(tenant, smtp):
    everybody = people(tenant, 6)
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = smtp(port, MAIL_CONNECTIONS="2")
        alike = [start_at(tenant, "nowhere", kind) for kind in ("smtp", "flow", "flow")]
        run_again(tenant, transport)
        for process in alike:
            output, _ = process.communicate(timeout=180)
            assert process.returncode == 0, output
    assert Counter(got.rcpt_tos[0] for got in mailbox.accepted) == dict.fromkeys(everybody, 1)
    assert {mail.state for mail in mails(tenant)} == {DeliveryState.SENT}
    assert states(tenant) == [NotificationState.DELIVERED] * len(everybody)


def test_a_server_that_is_down_for_a_whole_run_gets_all_of_it_once_when_it_is_back(tenant, smtp):
    everybody = people(tenant, 5)
    port = free_port()
    for _ in range(2):
        run_again(tenant, smtp(port, MAIL_CONNECTIONS="3"))
    assert {mail.state for mail in mails(tenant)} == {DeliveryState.INTENT}
    mailbox = Mailbox()
    with smtp_server(mailbox, port=port):
        later = FixedClock(mails(tenant)[-1].next_attempt_at + timedelta(hours=1))
        for _ in range(2):
            digest_batch(tenant.business_id, NOW, transport=smtp(port, MAIL_CONNECTIONS="3"), clock=later)
    assert Counter(got.rcpt_tos[0] for got in mailbox.accepted) == dict.fromkeys(everybody, 1)


# Speed


class Wide(Scripted):
    """Several at a time: how many there are, and which threads they are in, is kept."""

    def __init__(self, connections: int, **limits: object) -> None:
        super().__init__()
        self.limits = Limits(connections=connections, **limits)
        self.together = Barrier(connections, timeout=20)
        self.threads: set[int] = set()

    def send(self, envelope: Envelope) -> Outcome:
        self.threads.add(get_ident())
        self.together.wait()
        return super().send(envelope)


def test_as_many_mails_are_under_way_as_the_transport_allows(tenant):
    planned(tenant, people=6)
    transport = Wide(3)
    assert send(tenant, transport).counts == {"sent": 6}
    assert len(transport.threads) == 3
    assert len({envelope.recipient for envelope in transport.given}) == 6
    assert transport.given[0].delivery_id in {str(mail.id) for mail in mails(tenant)}


def test_one_closed_door_stops_all_lanes(tenant):
    planned(tenant, people=8)

    class Shut(Scripted):
        limits = Limits(connections=2)

    transport = Shut(*[Result.UNAVAILABLE] * 99)
    report = send(tenant, transport)
    assert report.done == 0
    assert len(transport.given) <= 2
    assert {mail.state for mail in mails(tenant)} == {DeliveryState.INTENT}
    assert {mail.retries for mail in mails(tenant)} == {0}


def test_a_broken_lane_breaks_the_stage_and_leaves_nothing_half_done(tenant, monkeypatch):
    planned(tenant, people=6)

    class Two(Scripted):
        limits = Limits(connections=2)

    transport = Two()
    real = outbox._settle
    broken = []

    def settle(*arguments):
        if not broken:
            broken.append(True)
            raise RuntimeError("the database went away")
        return real(*arguments)

    monkeypatch.setattr(outbox, "_settle", settle)
    with pytest.raises(RuntimeError, match="went away"):
        send(tenant, transport)
    by_state = Counter(mail.state for mail in mails(tenant))
    assert by_state[DeliveryState.TRANSMITTING] == 1, "the one whose end could not be written down"
    assert transport.closed == 1


def test_mails_keep_the_rate_over_all_lanes(tenant, monkeypatch):
    planned(tenant, people=4)
    naps: list[float] = []
    monkeypatch.setattr(lanes, "Turns", partial(Turns, sleep=naps.append))

    class Slow(Scripted):
        limits = Limits(connections=1, per_second=0.1, account="a")

    assert send(tenant, Slow()).counts == {"sent": 4}
    assert len(naps) == 3, "the first at once"
    assert sum(naps) > 3 * 10 - 5, "booked ten seconds apart, and nobody slept here"


def test_a_provider_that_asks_for_a_rest_is_left_alone_until_then(tenant):
    planned(tenant, people=2)

    class Busy(Scripted):
        limits = Limits(account="a")

        def send(self, envelope: Envelope) -> Outcome:
            outcome = super().send(envelope)
            return replace(outcome, wait_seconds=900) if outcome.result is Result.UNAVAILABLE else outcome

    transport = Busy(Result.UNAVAILABLE)
    assert send(tenant, transport).done == 0
    waits = sorted(mail.next_attempt_at for mail in mails(tenant))
    assert waits[1] == NOW + timedelta(seconds=900)
    report = send(tenant, transport)
    assert (report.done, len(transport.given)) == (0, 1)
    assert "left alone until" in report.degraded[0]
