"""The audit log as people read it: in words, page by page, for admins of the tenant alone."""

import ast
import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows
from hypothesis import given
from hypothesis import strategies as st

from models.audit import AuditLog
from models.base import new_id
from models.engine import writing
from models.scope import Role, Scope
from services import audit_view
from services.accounts import PersonFields, save_person
from services.audit_view import AuditFilter, audit_csv, audit_page
from services.audit_words import _SAYS, Topic, sentence, topic_of
from services.clients import archive_client, create_client
from services.errors import UserError
from services.sending import hold

ROOT = Path(__file__).resolve().parent.parent


def note(tenant: Tenant, action: str = "client.created", *, at: datetime = NOW, **line: object) -> UUID:
    return tenant.add(AuditLog(business_id=tenant.business_id, action=action, created_at=at, **line))


def said(tenant: Tenant, **wanted: object) -> list[str]:
    return [line.says for line in audit_page(tenant.scope, AuditFilter.model_validate(wanted)).lines]


def test_changes_are_told_in_words_newest_first(tenant: Tenant) -> None:
    maria = tenant.add_user("maria@example.com", user={"role": Role.OWNER})
    scope = Scope(tenant.business_id, maria, Role.OWNER)
    client_id = create_client(scope, name="Acme")
    with writing(scope) as session:
        save_person(scope, session, PersonFields(email="tom@example.com", name="Tom", role=Role.VIEWER))
    hold(scope, "checking templates")
    archive_client(tenant.scope, client_id)
    page = audit_page(scope)
    assert [(line.person, line.says, line.topic) for line in page.lines] == [
        ("Client Monitor itself", "archived Acme", Topic.CLIENTS),
        ("Maria", "stopped all sending: checking templates", Topic.MAIL),
        ("Maria", "invited Tom as viewer", Topic.PEOPLE),
        ("Maria", "added the client Acme", Topic.CLIENTS),
    ]
    assert page.next == ""


def test_pages_follow_each_other_without_gap_or_repeat_though_times_are_equal(tenant: Tenant) -> None:
    ids = [note(tenant, at=NOW - timedelta(seconds=n // 3)) for n in range(20)]
    found: list[UUID] = []
    after, pages = "", 0
    while pages == 0 or after:
        page = audit_page(tenant.scope, after=after, limit=6)
        found += [line.id for line in page.lines]
        after, pages = page.next, pages + 1
        if pages == 1:
            note(tenant, at=NOW + timedelta(hours=1))  # what comes in meanwhile moves nothing
    assert pages == 4
    assert sorted(found) == sorted(ids)
    assert found == sorted(found, key=lambda one: (ids.index(one) // 3, -one.int))


@pytest.mark.parametrize("after", ["x", "20260310T093000000000-", "x-" + "0" * 32, "'; DROP TABLE"])
def test_a_place_that_no_page_gave_is_refused(tenant: Tenant, after: str) -> None:
    with pytest.raises(UserError):
        audit_page(tenant.scope, after=after)


def test_lines_are_found_by_person_topic_and_day(tenant: Tenant) -> None:
    maria, tom = tenant.add_user("maria@example.com"), tenant.add_user("tom@example.com")
    note(tenant, "client.created", actor_id=maria, details={"name": "A"}, at=NOW)
    note(tenant, "session.started", actor_id=tom, at=NOW - timedelta(days=1))
    note(tenant, "tracking.enabled", at=NOW - timedelta(days=2))
    assert said(tenant, person=maria) == ["added the client A"]
    assert said(tenant, machinery=True) == ["turned tracking on"]
    assert said(tenant, topic=Topic.SIGN_IN) == ["signed in"]
    assert said(tenant, topic=Topic.MAIL, person=tom) == []
    day = NOW.date()
    assert said(tenant, first=day) == ["added the client A"]
    assert said(tenant, last=day - timedelta(days=2)) == ["turned tracking on"]
    assert said(tenant, first=day - timedelta(days=1), last=day - timedelta(days=1)) == ["signed in"]


def test_days_are_those_of_the_reader(tenant: Tenant) -> None:
    note(tenant, "tracking.enabled", at=datetime(2026, 3, 10, 23, 30, tzinfo=UTC))
    ninth, tenth, eleventh = date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)
    assert len(said(tenant, first=tenth, last=tenth)) == 1
    assert len(said(tenant, first=eleventh, last=eleventh, timezone="Europe/Berlin")) == 1
    assert said(tenant, first=tenth, last=tenth, timezone="Europe/Berlin") == []
    assert said(tenant, first=ninth, last=ninth, timezone="America/New_York") == []


def test_who_is_gone_is_still_somebody(tenant: Tenant) -> None:
    note(
        tenant,
        "user.role_changed",
        actor_id=new_id(),
        subject=str(new_id()),
        details={"old": "a", "new": "b"},
    )
    [line] = audit_page(tenant.scope).lines
    assert line.person == "somebody who is gone"
    assert line.says == "changed the role of somebody or something that is gone from a to b"


def test_the_log_is_for_admins_and_of_one_tenant(tenant: Tenant) -> None:
    other = another_tenant()
    theirs = other.add_user("eve@example.com")
    note(other, "client.created", actor_id=theirs, details={"name": "Secret"})
    note(tenant, "client.archived", actor_id=theirs, subject=str(other.add_client("Hidden")))
    [line] = audit_page(tenant.scope).lines
    assert line.person == "somebody who is gone"
    assert "Hidden" not in line.says
    assert said(tenant, person=theirs) == [line.says]
    assert b"Secret" not in audit_csv(tenant.scope)
    for role in (Role.MANAGER, Role.VIEWER):
        scope = Scope(tenant.business_id, new_id(), role)
        for ask in (audit_page, audit_csv):
            with pytest.raises(PermissionError):
                ask(scope)


def test_the_file_has_every_line_that_was_asked_for_and_leaves_a_line_itself(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_view, "_CHUNK", 2)
    for n in range(5):
        note(tenant, "client.created", details={"name": f"=HYPERLINK({n})"}, at=NOW - timedelta(minutes=n))
    note(tenant, "tracking.enabled")
    data = audit_csv(tenant.scope, AuditFilter(topic=Topic.CLIENTS))
    told = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [row["what"] for row in told] == [f"added the client =HYPERLINK({n})" for n in range(5)]
    assert told[0]["time (UTC)"] == "2026-03-10 09:30:00"
    assert rows(tenant, AuditLog)[-1].action == "audit.exported"


def actions() -> set[str]:
    """Every action that the program writes into the log, as its source says: literal, or by a name for it."""
    folders = ("models", "tasks", "services", "flows", "web", "ui", "cli")
    found: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        named = names_of(module)
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"record", "_record"}:
                for argument in node.args[1:3]:
                    found |= texts(argument)
                    names = [part.id for part in ast.walk(argument) if isinstance(part, ast.Name)]
                    found |= {text for name in names for text in named.get(name, ())}
    return {text for text in found if re.fullmatch(r"[a-z_]+\.[a-z_]+", text)}


def names_of(module: ast.Module) -> dict[str, set[str]]:
    """What texts a name may stand for: ``A = "a"``, ``A, B = "a", "b"``, ``a = "a" if … else "b"``."""
    named: dict[str, set[str]] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign):
            for part in (part for target in node.targets for part in ast.walk(target)):
                if isinstance(part, ast.Name):
                    named.setdefault(part.id, set()).update(texts(node.value))
    return named


def texts(node: ast.AST) -> set[str]:
    return {str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant)}


def test_everything_the_program_writes_down_has_words_and_a_topic() -> None:
    known = actions()
    assert len(known) > 50
    assert {action for action in known if action not in _SAYS} == set()
    assert {action for action in (*known, *_SAYS) if topic_of(action) is None} == set()


@given(
    st.sampled_from(sorted(_SAYS)) | st.text(max_size=20),
    st.text(max_size=20) | st.uuids().map(str),
    st.dictionaries(
        st.sampled_from(["name", "fields", "old", "new", "x", "client"]),
        st.none() | st.text(max_size=9) | st.integers() | st.lists(st.text(max_size=5)) | st.booleans(),
    ),
)
def test_any_line_can_be_told(action: str, subject: str, details: dict[str, object]) -> None:
    assert isinstance(sentence(action, subject, details, {}), str)
