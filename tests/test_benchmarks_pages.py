"""The tenant that pages are measured with holds what it says, whole; and what its figures look like. Nothing here
measures time."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, func
from sqlalchemy import select as sa_select
from streamlit.testing.v1 import AppTest

from benchmarks.pages import work
from benchmarks.pages.bulk import id_at
from benchmarks.pages.data import _is_fresh
from benchmarks.pages.large import OWNER, Sizes, Tenant, build
from benchmarks.pages.serving import EMPTY
from benchmarks.pages.table import render, rows
from models.accounts import User
from models.clients import Client
from models.engine import reading
from models.events import Event
from models.mail import Delivery, Notification, NotificationState
from models.scope import Role, Scope
from services.email_log import LogFilter, log_page, mail_detail
from services.insights import insights

END = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
SIZES = Sizes(clients=6, events=60, mails=600)


@pytest.fixture
def tenant(db: Engine, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setattr(work, "RUN_DAYS", 2)
    return build(db, SIZES, END)


def count(scope: Scope, table: type) -> int:
    with reading(scope) as session:
        return int(session.execute(sa_select(func.count()).select_from(table)).scalar_one())


def test_the_tenant_has_its_sizes_and_every_row_its_parents(tenant: Tenant, db: Engine) -> None:
    scope = Scope.system(tenant.business_id)
    assert [count(scope, table) for table in (Client, Event, Delivery)] == [6, 60, 600]
    if db.dialect.name == "sqlite":
        with db.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    with reading(scope) as session:
        owner = session.execute(sa_select(User).where(User.email == OWNER)).scalar_one()  # type: ignore[arg-type]
        line = session.execute(
            sa_select(Notification).where(Notification.state == NotificationState.DELIVERED)  # type: ignore[arg-type]
        ).scalars()
        mailed = next(iter(line))
    person = Scope(business_id=tenant.business_id, user_id=owner.id, role=Role.OWNER)
    page = log_page(person, LogFilter(person=owner.id))
    assert page.lines
    assert [item.event_id for item in mail_detail(person, mailed.delivery_id).items]  # type: ignore[arg-type]
    found = insights(person, weeks=26, now=END)
    assert found.funnel.events > 0
    assert found.sources is not None
    assert sum(sum(day.results.values()) for day in found.sources.days) == 2 * 24 * (6 + 5)


def test_ids_are_of_their_moment_and_in_order() -> None:
    later = datetime(2026, 3, 10, 9, 30, 0, 1000, tzinfo=UTC)
    ids = [id_at(END, 1), id_at(END, 2), id_at(later, 0)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 3
    assert all(isinstance(one, UUID) and one.version == 7 for one in ids)


def test_a_tenant_is_kept_for_a_day(tmp_path: Path) -> None:
    assert not _is_fresh(tmp_path)
    note = tmp_path / "made.json"
    note.write_text('{"at": "2020-01-01T00:00:00+00:00"}')
    assert not _is_fresh(tmp_path)
    note.write_text(f'{{"at": "{datetime.now(UTC).isoformat()}"}}')
    assert _is_fresh(tmp_path)


def test_the_empty_page_is_one() -> None:
    page = AppTest.from_file(str(EMPTY), default_timeout=30).run()
    assert not page.exception
    assert [title.value for title in page.title] == ["Empty"]


def test_the_table_has_a_row_a_page_and_both_databases() -> None:
    measured = {
        name: {
            "empty page": {"ms": 400.0, "ratio": 1.0},
            "Today": {"ms": 1000.4 * factor, "ratio": 2.5 * factor},
        }
        for name, factor in (("sqlite", 1), ("postgres", 2))
    }
    heads, lines = rows(measured)
    assert heads == ["page", "sqlite, ms", "sqlite, ratio", "postgres, ms", "postgres, ratio"]
    assert lines[1] == ["Today", "1,000", "2.50", "2,001", "5.00"]
    machine = {"date": "2026-03-10", "cores": 2, "system": "Linux", "python": "3.11", "load": 0.1}
    results = {"machine": machine, "machine_after": machine, "sizes": vars(SIZES), "loads": 5}
    text = render(results, measured)
    assert "6 clients, 60 events, 600 mails; median of 5 loads" in text
    assert "| Today | 1,000 | 2.50 | 2,001 | 5.00 |" in text
