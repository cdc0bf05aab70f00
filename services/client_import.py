"""Clients from a CSV file: good rows go in, each fault is one line naming file, row and field.

A client is known again by its CRM id, then by its name whatever its case, so that importing a file twice
changes nothing. A column the file has is the truth, an empty cell included; a column it lacks leaves what is
stored. Assignments change only for rows that name somebody.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import Session

from models.accounts import User, UserState, users
from models.audit import record
from models.clients import Client, ClientAssignment, every_client, open_assignment_rows
from models.engine import writing
from models.scope import Scope
from services.accounts import invite, lock_business, require_admin
from services.clients import ClientFields, add_client, assign, change_client, name_key
from services.csvfiles import Fault, Row, Table, read_table
from services.fields import email_address

_FIELDS = tuple(ClientFields.model_fields)


@dataclass(slots=True)
class ImportReport:
    """What an import of clients came to; clients and people by name and address."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    invited: list[str] = field(default_factory=list)
    assignments_started: int = 0
    assignments_ended: int = 0
    faults: list[Fault] = field(default_factory=list)
    """Rows that were left out."""
    notes: list[str] = field(default_factory=list)
    """Rows that went in but deserve a look, and remarks on the file."""

    @property
    def usable(self) -> bool:
        """Whether any row was good."""
        return bool(self.created or self.updated or self.unchanged)


def import_clients(
    scope: Scope, path: Path, *, on_row: Callable[[int, int], None] | None = None
) -> ImportReport:
    """Import the file in one transaction; UserError when no row of it can be read.

    ``on_row(done, of)`` is told how far it is.
    """
    require_admin(scope)
    table = read_table(path, required=("name",), optional=(*_FIELDS[1:], "assigned_to"))
    with writing(scope) as session:
        lock_business(scope, session)
        work = _Import(scope, session, table)
        for done, row in enumerate(table.rows, start=1):
            work.take(row)
            if on_row is not None:
                on_row(done, len(table.rows))
        report = work.report
        report.faults.sort(key=lambda fault: fault.row)
        counts = {name: len(getattr(report, name)) for name in ("created", "updated", "unchanged", "invited")}
        record(scope, session, "clients.imported", path.name[:200], refused=len(report.faults), **counts)
    return report


class _Import:
    """One import under way: what the business has, kept in step while rows go in."""

    def __init__(self, scope: Scope, session: Session, table: Table) -> None:
        self.scope = scope
        self.session = session
        self.table = table
        self.report = ImportReport(faults=table.faults, notes=table.notes)
        self.by_name: dict[str, Client] = {}
        self.by_crm_id: dict[str, Client] = {}
        self.by_domain: dict[str, Client] = {}
        self.row_of: dict[UUID, int] = {}
        self.people: dict[str, User] = {user.email: user for user in users(scope, session)}
        self.assigned: dict[UUID, list[ClientAssignment]] = {}
        for client in every_client(scope, session):
            self._learn(client)
        for row in open_assignment_rows(scope, session):
            self.assigned.setdefault(row.client_id, []).append(row)

    def take(self, row: Row) -> None:
        """Put a row in, or name what is wrong with it."""
        before = len(self.table.faults)
        addresses = self._assignees(row)
        fields = self._fields(row)
        client = self._same_client(row)
        if fields is None or len(self.table.faults) > before:
            return
        self._note_shared_domain(row, fields, client)
        if client is None:
            client = add_client(self.scope, self.session, fields)
            outcome = self.report.created
        else:
            self._forget(client)
            changed = change_client(self.scope, self.session, client, fields.model_dump(exclude_unset=True))
            outcome = self.report.updated if changed else self.report.unchanged
        self._learn(client)
        self.row_of[client.id] = row.number
        if client.archived_at is not None:
            self._note(row, "name", f"{client.name} is archived and stays so: restore it to watch it again")
        elif addresses and self._assign(row, client, addresses) and outcome is self.report.unchanged:
            outcome = self.report.updated
        outcome.append(client.name)

    def _note(self, row: Row, column: str, message: str) -> None:
        self.report.notes.append(str(Fault(self.table.file, row.number, column, message)))

    def _learn(self, client: Client) -> None:
        self.by_name[name_key(client.name)] = client
        if client.crm_id:
            self.by_crm_id[client.crm_id] = client
        if client.domain:
            self.by_domain.setdefault(client.domain, client)

    def _forget(self, client: Client) -> None:
        self.by_name.pop(name_key(client.name), None)
        if client.crm_id:
            self.by_crm_id.pop(client.crm_id, None)
        if client.domain and self.by_domain.get(client.domain) is client:
            del self.by_domain[client.domain]

    def _fields(self, row: Row) -> ClientFields | None:
        try:
            return ClientFields.model_validate({k: v for k, v in row.cells.items() if k in _FIELDS})
        except ValidationError as error:
            self.table.validation_faults(row, error, _FIELDS)
            return None

    def _assignees(self, row: Row) -> list[str]:
        addresses: list[str] = []
        for part in row.parts("assigned_to"):
            try:
                addresses.append(email_address(part))
            except ValueError as error:
                self.table.fault(row, "assigned_to", str(error))
        return addresses

    def _same_client(self, row: Row) -> Client | None:
        """The client this row speaks of, or None for a new one; what contradicts becomes a fault.

        Cells are looked at as they stand, so that a row with other faults is told of this one too.
        """
        name, crm_id = row.cells.get("name", ""), row.cells.get("crm_id", "")
        named = self.by_name.get(name_key(name))
        numbered = self.by_crm_id.get(crm_id) if crm_id else None
        again = False
        for client, column, value in ((named, "name", name), (numbered, "crm_id", crm_id)):
            if client is not None and client.id in self.row_of:
                stands = f"stands in row {self.row_of[client.id]} already"
                self.table.fault(row, column, f"duplicate: {value!r} {stands}")
                again = True
        if again:
            return None
        if named is not None and numbered is not None and named is not numbered:
            message = f"duplicate: {crm_id!r} is {numbered.name!r}, not {named.name!r}"
            self.table.fault(row, "crm_id", message)
        elif named is not None and named.crm_id and crm_id and numbered is None:
            stands = f"{named.name!r} stands with CRM id {named.crm_id!r}, not {crm_id!r}"
            mend = "give one of them another name, or correct the id in the app"
            self.table.fault(row, "crm_id", f"duplicate: {stands}; {mend}")
        return numbered or named

    def _note_shared_domain(self, row: Row, fields: ClientFields, client: Client | None) -> None:
        other = self.by_domain.get(fields.domain) if fields.domain else None
        if other is not None and (client is None or other.id != client.id):
            self._note(row, "domain", f"{fields.domain} is {other.name!r} too: a duplicate?")

    def _assign(self, row: Row, client: Client, addresses: list[str]) -> bool:
        """Give the client to these people, inviting those not yet known; True when somebody changed."""
        people: list[UUID] = []
        for address in addresses:
            user = self.people.get(address)
            if user is None:
                user = self.people[address] = invite(self.scope, self.session, address)
                self.report.invited.append(address)
            if user.state is UserState.DEACTIVATED:
                self._note(row, "assigned_to", f"{address} is deactivated and gets no mail")
            people.append(user.id)
        current = self.assigned.get(client.id, [])
        started, ended = assign(self.scope, self.session, client, people, current)
        self.report.assignments_started += started
        self.report.assignments_ended += ended
        return bool(started or ended)
