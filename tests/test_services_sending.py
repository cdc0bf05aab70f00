"""Holding, releasing, and the mails that only a person can decide about; backups that come back on hold."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows
from newsroom import mails, states
from test_tasks_notify_outbox import Scripted, planned, send
from typer.testing import CliRunner

from cli.main import app
from models.accounts import Business
from models.audit import AuditLog
from models.clock import FixedClock
from models.engine import engine_for, reading
from models.mail import DeliveryState, NotificationState
from models.scope import Role, Scope
from models.settings import get_settings
from services import backup, sending
from services.errors import UserError
from services.shortids import short
from tasks.notify.outbox import send_due
from tasks.notify.transports.transport import Envelope, Outcome, Result

LATER = FixedClock(NOW + timedelta(hours=2))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def actions(tenant: Tenant) -> list[str]:
    return [row.action for row in rows(tenant, AuditLog)]


def test_a_hold_stops_all_sending_and_a_release_resumes_it(tenant: Tenant) -> None:
    planned(tenant, people=2)
    assert run("hold", "--reason", "wrong footer") == "test: sending is on hold\n"
    assert run("hold") == "test: sending was on hold already\n"
    transport = Scripted()
    report = send(tenant, transport)
    assert (report.done, report.counts, transport.given) == (0, {"held": 2}, [])
    assert "wrong footer" in report.degraded[0]
    assert "client-monitor release" in report.degraded[0]
    assert run("release") == "test: sending is resumed; 2 mails wait\n"
    assert run("release") == "test: sending was not on hold\n"
    assert send(tenant, transport).counts == {"sent": 2}
    assert actions(tenant) == ["sending.held", "sending.released"], "what changed nothing leaves no line"


def test_a_hold_in_the_middle_lets_the_mail_under_way_end_and_begins_no_other(tenant: Tenant) -> None:
    planned(tenant, people=3)

    class Holding(Scripted):
        def send(self, envelope: Envelope) -> Outcome:
            sending.hold(tenant.scope, "stop")
            return super().send(envelope)

    transport = Holding()
    assert send(tenant, transport).counts["sent"] == 1
    assert len(transport.given) == 1
    left = [mail.state for mail in mails(tenant)]
    assert sorted(left) == [DeliveryState.INTENT, DeliveryState.INTENT, DeliveryState.SENT]


def test_all_businesses_at_once(tenant: Tenant) -> None:
    other = another_tenant()
    run("hold", "--all")
    with reading(Scope.operator()) as session:
        assert all(session.get_one(Business, one.business_id).sending_on_hold for one in (tenant, other))
    assert run("release", "--all").count("resumed") == 2


def test_a_reader_may_not_decide(tenant: Tenant) -> None:
    viewer = Scope(tenant.business_id, tenant.add_user("v@example.com"), Role.VIEWER)
    for call in (
        lambda: sending.hold(viewer, ""),
        lambda: sending.release(viewer),
        lambda: sending.retry(viewer, "x"),
        lambda: sending.resolve(viewer, "x", sent=True),
    ):
        with pytest.raises(PermissionError):
            call()


def failed(tenant: Tenant, result: Result) -> str:
    planned(tenant)
    send(tenant, Scripted(result))
    return short(mails(tenant)[0].id)


def test_a_failed_mail_is_sent_after_all_with_the_same_bytes(tenant: Tenant) -> None:
    planned(tenant)
    transport = Scripted(Result.PERMANENT)
    send(tenant, transport)
    mail = short(mails(tenant)[0].id)
    assert states(tenant) == [NotificationState.FAILED]
    assert "as told" in run("mail", "list", "--state", "failed")
    assert run("mail", "retry", mail) == "to u0@example.com: waits to be sent\n"
    assert states(tenant) == [NotificationState.ATTACHED]
    assert send(tenant, transport, clock=FixedClock(datetime.now(UTC))).counts == {"sent": 1}
    first, second = transport.given
    assert first == second
    assert states(tenant) == [NotificationState.DELIVERED]
    with pytest.raises(UserError, match="sent, not failed"):
        sending.retry(tenant.scope, mail)
    assert actions(tenant) == ["mail.retried"]


def test_an_unknown_mail_that_arrived_is_closed(tenant: Tenant) -> None:
    mail = failed(tenant, Result.UNKNOWN)
    assert run("mail", "resolve", mail, "--sent") == "to u0@example.com: closed as sent\n"
    assert (mails(tenant)[0].state, states(tenant)) == (DeliveryState.SENT, [NotificationState.DELIVERED])
    transport = Scripted()
    send(tenant, transport, clock=FixedClock(datetime.now(UTC)))
    assert transport.given == []
    assert rows(tenant, AuditLog)[0].details == {"sent": True}


def test_an_unknown_mail_that_did_not_arrive_is_sent(tenant: Tenant) -> None:
    mail = failed(tenant, Result.UNKNOWN)
    run("mail", "resolve", mail, "--not-sent")
    transport = Scripted()
    assert send(tenant, transport, clock=FixedClock(datetime.now(UTC))).counts == {"sent": 1}
    assert (mails(tenant)[0].state, states(tenant)) == (DeliveryState.SENT, [NotificationState.DELIVERED])


def test_what_waits_may_be_closed_as_sent_on_hold_only(tenant: Tenant) -> None:
    planned(tenant)
    mail = short(mails(tenant)[0].id)
    with pytest.raises(UserError, match="nothing is unknown"):
        sending.resolve(tenant.scope, mail, sent=True)
    sending.hold(tenant.scope, "restored")
    with pytest.raises(UserError, match="nothing is unknown"):
        sending.resolve(tenant.scope, mail, sent=False)
    sending.resolve(tenant.scope, mail, sent=True)
    assert (mails(tenant)[0].state, states(tenant)) == (DeliveryState.SENT, [NotificationState.DELIVERED])


def test_the_log_can_be_read(tenant: Tenant) -> None:
    mail = failed(tenant, Result.PERMANENT)
    shown = run("mail", "show", mail)
    assert "state         failed" in shown
    assert "channel       email" in shown
    assert "  failed        email  " in run("mail", "list"), "a replay's files are told from real mail"
    assert "as told" in shown
    assert mails(tenant)[0].message_id in shown.replace("\n", "")
    assert run("mail", "show", str(mails(tenant)[0].id)) == shown
    assert run("mail", "list", "--state", "unknown") == "no mail is unknown\n"
    for wrong in (["mail", "list", "--state", "lost"], ["mail", "show", "0000"], ["mail", "resolve", mail]):
        assert CliRunner().invoke(app, wrong).exit_code == 2
    assert sending.counts(tenant.scope) == {DeliveryState.FAILED: 1}


@pytest.fixture
def sqlite_only(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--db") != "sqlite":
        pytest.skip("PostgreSQL has pg_dump")


def ready(tenant: Tenant) -> None:
    """News for two people, and a digest planned for each."""
    planned(tenant, people=2)


@pytest.mark.usefixtures("sqlite_only")
def test_a_backup_comes_back_on_hold_and_sends_nothing_by_itself(tenant: Tenant, tmp_path: Path) -> None:
    ready(tenant)
    copy = tmp_path / "copies" / "monday.db"
    run("backup", str(copy))
    assert copy.stat().st_mode & 0o077 == 0
    assert [path.name for path in copy.parent.iterdir()] == ["monday.db"]
    transport = Scripted()
    assert send(tenant, transport).counts == {"sent": 2}

    said = run("restore", str(copy))
    assert "on hold: test" in said
    assert {mail.state for mail in mails(tenant)} == {DeliveryState.INTENT}, "as it was"
    assert send(tenant, transport).counts == {"held": 2}
    hold = sending.current_hold(tenant.scope)
    assert hold is not None
    assert "monday.db" in hold.reason
    for mail in mails(tenant):
        sending.resolve(tenant.scope, short(mail.id), sent=True)
    sending.release(tenant.scope)
    send(tenant, transport)
    assert len(transport.given) == 2, "nobody got anything twice"

    (kept,) = tmp_path.glob("test.before-restore-*.db")
    with sqlite3.connect(kept) as connection:
        assert connection.execute("SELECT count(*) FROM email_logs WHERE state = 'sent'").fetchone() == (2,)


@pytest.mark.usefixtures("sqlite_only")
def test_what_is_no_backup_of_ours_changes_nothing(tenant: Tenant, tmp_path: Path) -> None:
    ready(tenant)
    text, foreign = tmp_path / "notes.txt", tmp_path / "foreign.db"
    text.write_text("not a database, though long enough to look at " * 50)
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    for path in (text, foreign, tmp_path / "nowhere.db"):
        assert CliRunner().invoke(app, ["restore", str(path)]).exit_code == 2
    assert sending.current_hold(tenant.scope) is None
    assert len(mails(tenant)) == 2
    assert not list(tmp_path.glob("*before*"))
    assert not list(tmp_path.glob(".*.tmp*"))
    with pytest.raises(UserError, match="exists already"):
        backup.back_up(text)


def test_on_postgresql_it_says_what_to_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CM_DATABASE_URL", "postgresql://u@127.0.0.1/x")
    get_settings.cache_clear()
    try:
        with pytest.raises(UserError) as caught:
            backup.back_up(tmp_path / "x.db")
    finally:
        get_settings.cache_clear()
    assert "pg_dump" in caught.value.mend


@pytest.mark.usefixtures("sqlite_only")
def test_a_database_put_back_by_hand_is_noticed_and_held(tenant: Tenant, tmp_path: Path) -> None:
    """Its file was replaced by an older one behind our back."""
    copy = tmp_path / "old.db"
    backup.back_up(copy)
    planned(tenant)
    transport = Scripted()
    assert send(tenant, transport).counts == {"sent": 1}

    engine_for(get_settings().url).dispose()
    database = Path(get_settings().url.removeprefix("sqlite:///"))
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    database.write_bytes(copy.read_bytes())
    assert mails(tenant) == []

    planned(tenant)
    report = send(tenant, transport)
    assert report.counts == {"held": 1}
    assert "older copy" in report.degraded[0]
    sending.release(tenant.scope)
    assert send(tenant, transport).counts == {"sent": 1}, "a person decided"
    assert send(tenant, transport).done == 0


def test_the_note_of_what_was_sent_may_be_unreadable(tenant: Tenant) -> None:
    planned(tenant, people=2)
    get_settings().data_dir.mkdir(parents=True, exist_ok=True)
    (get_settings().data_dir / "outbox.last.json").write_text("{half")
    assert send_due(tenant.scope, NOW, Scripted(), limit=1, clock=FixedClock(NOW)).counts == {"sent": 1}
    assert send(tenant, Scripted()).counts == {"sent": 1}
