"""Carrying an import out in one transaction, or only saying what it would do."""

from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

from sqlmodel import Session

from models.accounts import User, users
from models.audit import record
from models.clients import ClientAssignment, every_client, open_assignment_rows
from models.engine import reading, writing
from models.scope import Scope
from services.accounts import invite, lock_business, require_admin
from services.client_import.columns import FIELDS
from services.client_import.deciding import Decider, Decision, House, counted
from services.client_import.report import ImportReport, RowLine
from services.clients import add_client, assign, change_client
from services.crm_import.plan import Outcome
from services.csvfiles import Sheet, Table, read_table, table_of
from services.errors import UserError

OnRow = Callable[[int, int], None]


def import_clients(scope: Scope, path: Path, *, on_row: OnRow | None = None) -> ImportReport:
    """Import the file in one transaction; UserError when no row of it can be read.

    ``on_row(done, of)`` is told how far it is.
    """
    require_admin(scope)
    return _import(scope, read_table(path, required=("name",), optional=FIELDS[1:]), on_row)


def import_sheet(
    scope: Scope, sheet: Sheet, columns: Mapping[str, int], *, on_row: OnRow | None = None
) -> ImportReport:
    """Import an upload, its columns named by a person (field → number of the column). Errors as for the preview."""
    require_admin(scope)
    return _import(scope, _table(sheet, columns), on_row)


def preview_sheet(scope: Scope, sheet: Sheet, columns: Mapping[str, int]) -> ImportReport:
    """What ``import_sheet`` would do; nothing is written. UserError for columns that cannot be meant."""
    require_admin(scope)
    table = _table(sheet, columns)
    with reading(scope) as session:
        decider = Decider(_house(scope, session), table)
    decisions = [decider.decide(row) for row in table.rows]
    report = _report(table, [one.line for one in decisions])
    report.invited = [address for one in decisions for address in one.invited]
    return report


def _table(sheet: Sheet, columns: Mapping[str, int]) -> Table:
    unknown = [name for name in columns if name not in FIELDS]
    if unknown or any(not 0 <= number < len(sheet.columns) for number in columns.values()):
        raise UserError("these columns do not fit the file", "choose them again")
    if "name" not in columns:
        raise UserError("no column holds the clients' names", "say which one does")
    return table_of(sheet, columns)


def _house(scope: Scope, session: Session) -> House:
    return House(every_client(scope, session), users(scope, session), open_assignment_rows(scope, session))


def _import(scope: Scope, table: Table, on_row: OnRow | None) -> ImportReport:
    lines: list[RowLine] = []
    with writing(scope) as session:
        lock_business(scope, session)
        house = _house(scope, session)
        decider, work = Decider(house, table), _Work(scope, session, house)
        for done, row in enumerate(table.rows, start=1):
            decision = decider.decide(row)
            work.carry_out(decision)
            lines.append(decision.line)
            if on_row is not None:
                on_row(done, len(table.rows))
        report = _report(table, lines)
        report.invited = work.invited
        report.assignments_started, report.assignments_ended = work.started, work.ended
        counts = {name: len(getattr(report, name)) for name in ("created", "updated", "unchanged", "invited")}
        record(scope, session, "clients.imported", table.file[:200], refused=len(report.faults), **counts)
    return report


def _report(table: Table, lines: list[RowLine]) -> ImportReport:
    """``lines`` are of the rows that could be read; the others are in the table's faults."""
    read = {line.row for line in lines}
    for fault in table.faults:
        if fault.row not in read:
            lines.append(RowLine(fault.row, "", Outcome.REFUSED, notes=(fault.message,)))
    lines.sort(key=lambda line: line.row)
    named = counted(lines)
    return ImportReport(
        created=named[Outcome.NEW],
        updated=named[Outcome.CHANGED],
        unchanged=named[Outcome.UNCHANGED],
        faults=sorted(table.faults, key=lambda fault: fault.row),
        notes=table.notes,
        lines=lines,
    )


class _Work:
    """What is written, row by row."""

    def __init__(self, scope: Scope, session: Session, house: House) -> None:
        self.scope = scope
        self.session = session
        self.people: dict[str, User] = {user.email: user for user in house.people}
        self.assigned: dict[UUID, list[ClientAssignment]] = {}
        for row in house.assigned:
            self.assigned.setdefault(row.client_id, []).append(row)
        self.invited: list[str] = []
        self.started = self.ended = 0

    def carry_out(self, decision: Decision) -> None:
        """Write what was decided; nothing for a row that is left out."""
        known, fields = decision.known, decision.fields
        if known is None or fields is None:
            return
        if known.client is None:
            known.client = add_client(self.scope, self.session, fields)
        else:
            change_client(self.scope, self.session, known.client, fields.model_dump(exclude_unset=True))
        for address in decision.invited:
            self.people[address] = invite(self.scope, self.session, address)
            self.invited.append(address)
        if decision.people is not None:
            people = [self.people[address].id for address in decision.people]
            current = self.assigned.get(known.client.id, [])
            started, ended = assign(self.scope, self.session, known.client, people, current)
            self.started += started
            self.ended += ended
