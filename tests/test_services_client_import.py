"""Clients from CSV files."""

import re
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from models.accounts import UserState, preferences_of, users
from models.audit import AuditLog
from models.clients import Client, ClientAssignment, Tier, active_clients, open_assignments
from models.engine import reading
from models.scope import Role, Scope
from services.client_import import (
    FIELDS,
    MAX_BYTES,
    MAX_ROWS,
    ImportReport,
    guess,
    import_clients,
    import_sheet,
    preview_sheet,
    read_upload,
    template,
)
from services.clients import archive_client
from services.crm_import import Change, Outcome
from services.csvfiles import Sheet
from services.csvout import csv_bytes
from services.errors import UserError
from tests.conftest import Tenant

HEADER = "name,legal_name,aliases,domain,ticker,excluded_terms,keywords,industry,tier,crm_id,assigned_to,confidential\n"


def give(tenant: Tenant, tmp_path: Path, text: str) -> ImportReport:
    path = tmp_path / "clients.csv"
    path.write_text(text, encoding="utf-8")
    return import_clients(tenant.scope, path)


def clients(tenant: Tenant) -> dict[str, Client]:
    with reading(tenant.scope) as session:
        return {client.name: client for client in active_clients(tenant.scope, session)}


def assigned(tenant: Tenant) -> dict[str, list[str]]:
    """Client name → addresses of those who look after it now."""
    with reading(tenant.scope) as session:
        people = {user.id: user.email for user in users(tenant.scope, session)}
        names = {client.id: client.name for client in session.exec(select(Client))}
        found = open_assignments(tenant.scope, session)
    return {names[key]: sorted(people[user] for user in value) for key, value in found.items()}


def test_the_portfolio_goes_in_once(tenant: Tenant, shared_data: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = shared_data / "portfolio.csv"
    report = import_clients(tenant.scope, path, on_row=lambda done, of: seen.append((done, of)))
    assert (len(report.created), len(report.invited), report.assignments_started) == (40, 4, 40)
    assert (report.faults, report.notes) == ([], [])
    assert seen[-1] == (40, 40)
    again = import_clients(tenant.scope, path)
    assert (again.created, again.updated, len(again.unchanged)) == ([], [], 40)
    assert (again.invited, again.assignments_started, again.assignments_ended) == ([], 0, 0)
    with reading(tenant.scope) as session:
        assert len(session.exec(select(ClientAssignment)).all()) == 40


def test_every_column_arrives(tenant: Tenant, tmp_path: Path) -> None:
    row = (
        "Acme,Acme Holdings Inc.,Acme Co;ACME,www.acme.example.com,acm,acme thunder,pumps;valves,Industry,Strategic,"
        "C1,Maria@Example.com; tom.o-neil@example.com,yes\n"
    )
    give(tenant, tmp_path, HEADER + row)
    acme = clients(tenant)["Acme"]
    assert (acme.legal_name, acme.aliases, acme.domain) == (
        "Acme Holdings Inc.",
        ["Acme Co", "ACME"],
        "acme.example.com",
    )
    assert (acme.ticker, acme.excluded_terms, acme.keywords) == ("ACM", ["acme thunder"], ["pumps", "valves"])
    assert (acme.industry, acme.tier, acme.crm_id) == ("Industry", Tier.STRATEGIC, "C1")
    assert acme.confidential is True
    assert assigned(tenant) == {"Acme": ["maria@example.com", "tom.o-neil@example.com"]}


def test_unknown_assignees_are_invited_with_defaults(tenant: Tenant, tmp_path: Path) -> None:
    report = give(
        tenant, tmp_path, "name,assigned_to\nAcme,maria.lopez@example.com\nBolt,Maria.Lopez@example.com\n"
    )
    assert report.invited == ["maria.lopez@example.com"]
    with reading(tenant.scope) as session:
        user = users(tenant.scope, session)[0]
        wants = preferences_of(tenant.scope, session)[user.id]
        audit = session.exec(select(AuditLog.action)).all()
    assert (user.name, user.role, user.state, user.timezone) == (
        "Maria Lopez",
        Role.MANAGER,
        UserState.INVITED,
        "UTC",
    )
    assert (wants.relevance_threshold, wants.notification_categories) == (0.5, None)
    assert sorted(audit) == sorted(
        ["client.created"] * 2 + ["assignment.started"] * 2 + ["user.invited", "clients.imported"]
    )


def test_each_fault_is_a_line_and_good_rows_go_on(tenant: Tenant, tmp_path: Path) -> None:
    report = give(
        tenant,
        tmp_path,
        "name,tier,crm_id,assigned_to,domain,confidential\n"
        "Acme,growth,1,maria@example.com,acme.example.com,\n"
        ",growth,2,,,\n"
        "Bolt,platinum,3,,,\n"
        "Cask,growth,4,maria(at)example.com; tom@example.com,,\n"
        "ACME,growth,5,,,\n"
        "Dune,growth,1,,,\n"
        "Echo,gold,7,nobody,nonsense,perhaps\n"
        "Fade,standard,8,tom@example.com,acme.example.com,no\n",
    )
    assert report.created == ["Acme", "Fade"]
    assert [str(fault) for fault in report.faults] == [
        "clients.csv row 3, name: a client needs a name",
        "clients.csv row 4, tier: 'platinum' is no tier: use strategic, growth, standard",
        "clients.csv row 5, assigned_to: 'maria(at)example.com' is no e-mail address: "
        "it needs a name, an @ and a domain",
        "clients.csv row 6, name: duplicate: 'ACME' stands in row 2 already",
        "clients.csv row 7, crm_id: duplicate: '1' stands in row 2 already",
        "clients.csv row 8, assigned_to: 'nobody' is no e-mail address: it needs a name, an @ and a domain",
        "clients.csv row 8, domain: 'nonsense' is no domain: use a name such as example.com",
        "clients.csv row 8, tier: 'gold' is no tier: use strategic, growth, standard",
        "clients.csv row 8, confidential: 'perhaps' is neither yes nor no",
    ]
    assert report.notes == ["clients.csv row 9, domain: acme.example.com is 'Acme' too: a duplicate?"]
    assert report.invited == ["maria@example.com", "tom@example.com"]
    assert set(clients(tenant)) == {"Acme", "Fade"}


def test_all_that_is_wrong_with_a_row_is_named_at_once(tenant: Tenant, tmp_path: Path) -> None:
    text = "name,tier,crm_id\nAcme,growth,1\nBolt,growth,2\nAcme,gold,2\n"
    assert [(fault.row, fault.field) for fault in give(tenant, tmp_path, text).faults] == [
        (4, "tier"),
        (4, "name"),
        (4, "crm_id"),
    ]


def test_duplicates_against_the_database(tenant: Tenant, tmp_path: Path) -> None:
    give(tenant, tmp_path, "name,crm_id\nAcme,1\nBolt,2\nCask,\n")
    report = give(tenant, tmp_path, "name,crm_id\nacme,9\nBolt,1\ncask,3\n")
    assert [str(fault) for fault in report.faults] == [
        "clients.csv row 2, crm_id: duplicate: 'Acme' stands with CRM id '1', not '9'; "
        "give one of them another name, or correct the id in the app",
        "clients.csv row 3, crm_id: duplicate: '1' is 'Acme', not 'Bolt'",
    ]
    assert report.updated == ["cask"]
    assert {name: client.crm_id for name, client in clients(tenant).items()} == {
        "Acme": "1",
        "Bolt": "2",
        "cask": "3",
    }


def test_a_second_import_updates_what_the_file_has_and_leaves_the_rest(
    tenant: Tenant, tmp_path: Path
) -> None:
    give(tenant, tmp_path, "name,crm_id,industry,ticker,keywords\nAcme,1,Pumps,ACM,valves\nBolt,2,,,\n")
    report = give(tenant, tmp_path, "name,crm_id,industry\nAcme Renamed,1,\nBolt,2,\n")
    assert (report.updated, report.unchanged, report.created) == (["Acme Renamed"], ["Bolt"], [])
    acme = clients(tenant)["Acme Renamed"]
    assert (acme.industry, acme.ticker, acme.keywords) == (None, "ACM", ["valves"])
    with reading(tenant.scope) as session:
        changed = session.exec(select(AuditLog).where(AuditLog.action == "client.updated")).one()
    assert changed.details["fields"] == ["name", "industry"]


def test_assignments_change_only_where_somebody_is_named(tenant: Tenant, tmp_path: Path) -> None:
    give(tenant, tmp_path, "name,assigned_to\nAcme,maria@example.com\nBolt,maria@example.com\n")
    report = give(tenant, tmp_path, "name,assigned_to\nAcme,tom@example.com\nBolt,\n")
    assert (report.updated, report.unchanged) == (["Acme"], ["Bolt"])
    assert (report.assignments_started, report.assignments_ended) == (1, 1)
    assert assigned(tenant) == {"Acme": ["tom@example.com"], "Bolt": ["maria@example.com"]}
    report = give(tenant, tmp_path, "name\nAcme\nBolt\n")
    assert (report.assignments_started, report.assignments_ended) == (0, 0)
    with reading(tenant.scope) as session:
        rows = session.exec(select(ClientAssignment)).all()
        ended = session.exec(
            select(ClientAssignment).where(col(ClientAssignment.ended_at).is_not(None))
        ).all()
    assert (len(rows), len(ended)) == (3, 1)


def test_archived_and_deactivated_are_told(tenant: Tenant, tmp_path: Path) -> None:
    gone = tenant.add_client("Acme")
    archive_client(tenant.scope, gone)
    tenant.add_user("old@example.com", user={"state": UserState.DEACTIVATED})
    report = give(tenant, tmp_path, "name,assigned_to\nAcme,old@example.com\nBolt,old@example.com\n")
    assert report.notes == [
        "clients.csv row 2, name: Acme is archived and stays so: restore it to watch it again",
        "clients.csv row 3, assigned_to: old@example.com is deactivated and gets no mail",
    ]
    assert set(clients(tenant)) == {"Bolt"}
    assert assigned(tenant) == {"Bolt": ["old@example.com"]}


def test_a_file_without_names_changes_nothing(tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="column name is missing"):
        give(tenant, tmp_path, "company,tier\nAcme,growth\n")
    assert give(tenant, tmp_path, "name\n").usable is False
    assert clients(tenant) == {}


def test_two_imports_at_once_give_each_client_once(tenant: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    path.write_text("name,assigned_to\n" + "".join(f"Client {n},m{n % 5}@example.com\n" for n in range(60)))
    reports: list[ImportReport] = []
    workers = [
        threading.Thread(target=lambda: reports.append(import_clients(tenant.scope, path))) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(len(report.created) for report in reports) == [0, 0, 60]
    assert sorted(len(report.invited) for report in reports) == [0, 0, 5]
    with reading(tenant.scope) as session:
        assert len(session.exec(select(ClientAssignment)).all()) == 60


# an upload: columns that are mapped, a preview that writes nothing, limits


def upload(text: str, file: str = "book.csv") -> Sheet:
    return read_upload(file, text.encode())


def test_columns_are_recognised_under_other_names() -> None:
    sheet = upload(
        "Account Name;Web-Site;Also known as;SEGMENT;Account Owner;notes;Salesforce ID\nAcme;;;;;;\n"
    )
    assert guess(sheet) == {
        "name": 0,
        "domain": 1,
        "aliases": 2,
        "tier": 3,
        "crm_id": 6,
        "assigned_to": 4,
    }
    assert sheet.columns[0] == "Account Name"


def test_our_own_names_go_before_others() -> None:
    assert guess(upload("company,name,Excluded-Terms\na,b,c\n")) == {"name": 1, "excluded_terms": 2}
    assert guess(upload("a,b\n1,2\n")) == {}


def test_a_column_is_shown_by_its_first_values() -> None:
    sheet = upload("x,name\n,Acme\n,\n,Bolt\n,Cask\n")
    assert sheet.samples(1, 2) == ["Acme", "Bolt"]
    assert sheet.samples(0, 2) == []


BOOK = (
    "Company,Segment,Owner,Id\n"
    "Acme,strategic,tom@example.com,1\n"
    "Bolt,gold,,\n"
    "Cask,growth,new@example.com,\n"
    "Dune,,,\n"
    "acme,growth,,\n"
    "Echo,,nobody,\n"
)
COLUMNS = {"name": 0, "tier": 1, "assigned_to": 2, "crm_id": 3}


def a_house(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme", tier=Tier.GROWTH, crm_id="1")
    tenant.add_client("Dune", tier=None)
    tenant.add_user("maria@example.com", clients=(acme,))
    tenant.add_user("tom@example.com")


def test_the_preview_says_row_by_row_what_would_happen(tenant: Tenant) -> None:
    a_house(tenant)
    report = preview_sheet(tenant.scope, upload(BOOK), COLUMNS)
    assert [(line.row, line.name, line.outcome) for line in report.lines] == [
        (2, "Acme", Outcome.CHANGED),
        (3, "Bolt", Outcome.REFUSED),
        (4, "Cask", Outcome.NEW),
        (5, "Dune", Outcome.UNCHANGED),
        (6, "acme", Outcome.REFUSED),
        (7, "Echo", Outcome.REFUSED),
    ]
    assert report.lines[0].changes == (
        Change("tier", "growth", "strategic"),
        Change("assigned_to", "maria@example.com", "tom@example.com"),
    )
    assert report.lines[1].notes == ("tier: 'gold' is no tier: use strategic, growth, standard",)
    assert report.lines[2].changes == (
        Change("name", None, "Cask"),
        Change("tier", None, "growth"),
        Change("assigned_to", None, "new@example.com"),
    )
    assert "stands in row 2 already" in report.lines[4].notes[0]
    assert (report.created, report.updated, report.unchanged) == (["Cask"], ["Acme"], ["Dune"])
    assert report.invited == ["new@example.com"]
    assert clients(tenant)["Acme"].tier is Tier.GROWTH
    assert assigned(tenant) == {"Acme": ["maria@example.com"]}


def test_an_import_does_what_its_preview_said_and_then_nothing(tenant: Tenant) -> None:
    a_house(tenant)
    sheet = upload(BOOK)
    told = preview_sheet(tenant.scope, sheet, COLUMNS)
    seen: list[tuple[int, int]] = []
    report = import_sheet(tenant.scope, sheet, COLUMNS, on_row=lambda done, of: seen.append((done, of)))
    assert (report.lines, report.faults, report.invited) == (told.lines, told.faults, told.invited)
    assert seen[-1] == (6, 6)
    assert clients(tenant)["Acme"].tier is Tier.STRATEGIC
    assert assigned(tenant) == {"Acme": ["tom@example.com"], "Cask": ["new@example.com"]}
    again = preview_sheet(tenant.scope, sheet, COLUMNS)
    assert (again.changes_something, len(again.unchanged)) == (False, 3)


_CELLS = st.text(alphabet="abAB1 ;@.-='+ü", max_size=8)
_TABLES = st.lists(
    st.fixed_dictionaries(
        {
            "name": _CELLS,
            "aliases": _CELLS,
            "tier": st.sampled_from(["", "growth", "Strategic", "gold"]),
            "crm_id": st.sampled_from(["", "1", "2"]),
            "assigned_to": st.sampled_from(["", "a@example.com", "a@example.com; b@example.com", "nobody"]),
        }
    ),
    max_size=6,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=_TABLES)
def test_whatever_the_file_a_preview_is_true_and_twice_is_once(
    tenant: Tenant, table: list[dict[str, str]]
) -> None:
    names = ("name", "aliases", "tier", "crm_id", "assigned_to")
    data = csv_bytes(names, [[row[name] for name in names] for row in (*table, dict.fromkeys(names, "z"))])
    sheet = read_upload("law.csv", data)
    columns = guess(sheet)
    told = preview_sheet(tenant.scope, sheet, columns)
    done = import_sheet(tenant.scope, sheet, columns)
    assert (done.lines, done.faults, done.invited) == (told.lines, told.faults, told.invited)
    again = import_sheet(tenant.scope, sheet, columns)
    assert (again.created, again.updated, again.invited) == ([], [], [])
    assert len(again.unchanged) == len(done.created) + len(done.updated) + len(done.unchanged)


@pytest.mark.parametrize(
    ("file", "data", "message"),
    [
        ("big.csv", b"name\n" + b"x" * MAX_BYTES, "big.csv has 5.0 MB, and 5 MB are the most"),
        ("long.csv", b"name\n" + b"x\n" * (MAX_ROWS + 1), "long.csv has 5,001 rows, and 5,000 are the most"),
        ("none.csv", b"", "none.csv is empty"),
        ("head.csv", b"name,tier\n\n", "head.csv has column names and no rows below them"),
        ("book.xlsx", b"PK\x03\x04rest", "book.xlsx is a workbook"),
        ("noise.bin", b"\x00\x01\x02", "noise.bin is not a text file"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_in_words(file: str, data: bytes, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as error:
        read_upload(file, data)
    assert error.value.mend


def test_columns_that_cannot_be_meant_are_refused(tenant: Tenant) -> None:
    sheet = upload("a,b\n1,2\n")
    with pytest.raises(UserError, match="no column holds the clients' names"):
        preview_sheet(tenant.scope, sheet, {"tier": 0})
    with pytest.raises(UserError, match="do not fit"):
        preview_sheet(tenant.scope, sheet, {"name": 2})
    with pytest.raises(UserError, match="do not fit"):
        import_sheet(tenant.scope, sheet, {"name": 0, "shoe_size": 1})
    assert clients(tenant) == {}


def test_who_may_not_change_clients_may_not_even_try(tenant: Tenant) -> None:
    scope = Scope(tenant.business_id, tenant.add_user(), Role.MANAGER)
    for attempt in (preview_sheet, import_sheet):
        with pytest.raises(PermissionError):
            attempt(scope, upload("name\nAcme\n"), {"name": 0})


def test_the_template_can_be_imported(tenant: Tenant) -> None:
    sheet = read_upload("clients-template.csv", template())
    assert list(guess(sheet)) == list(FIELDS)
    report = import_sheet(tenant.scope, sheet, guess(sheet))
    assert (len(report.created), report.faults) == (2, [])


def test_text_that_was_marked_as_no_formula_comes_in_without_the_mark(tenant: Tenant) -> None:
    data = csv_bytes(("name", "aliases"), [("=Acme", "-one; two"), ("O'Neil 'n sons", "'quoted'")])
    sheet = read_upload("safe.csv", data)
    assert b"'=Acme" in data
    import_sheet(tenant.scope, sheet, guess(sheet))
    found = clients(tenant)
    assert {name: client.aliases for name, client in found.items()} == {
        "=Acme": ["-one", "two"],
        "O'Neil 'n sons": ["'quoted'"],
    }
