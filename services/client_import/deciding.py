"""What becomes of each row, decided without a database: row after row, as if those before it were in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from models.accounts import User, UserState
from models.base import new_id
from models.clients import Client, ClientAssignment
from services.client_import.columns import ASSIGNED_TO
from services.client_import.report import RowLine
from services.clients import ClientFields, name_key
from services.crm_import.plan import Change, Outcome
from services.csvfiles import Fault, Row, Table
from services.fields import email_address

_FIELDS = tuple(ClientFields.model_fields)


@dataclass(slots=True)
class Known:
    """A client as it stands, or as the rows so far have left it."""

    id: UUID
    fields: dict[str, Any]
    is_archived: bool = False
    people: frozenset[str] = frozenset()
    """Addresses of those who look after it."""
    client: Client | None = None
    """None: it is new in this file, and not stored yet."""

    @property
    def name(self) -> str:
        return str(self.fields["name"])

    @property
    def crm_id(self) -> str | None:
        return self.fields.get("crm_id")

    @property
    def domain(self) -> str | None:
        return self.fields.get("domain")


@dataclass(frozen=True, slots=True)
class House:
    """What the business has."""

    clients: Sequence[Client]
    people: Sequence[User]
    assigned: Sequence[ClientAssignment]


@dataclass(frozen=True, slots=True)
class Decision:
    """A row's line, and what carrying it out takes."""

    line: RowLine
    known: Known | None = None
    """None: the row is left out."""
    fields: ClientFields | None = None
    people: tuple[str, ...] | None = None
    """Addresses of those who are to look after it; None: whoever does."""
    invited: tuple[str, ...] = ()
    """Those of them who are nobody here yet."""


Note = tuple[str, str]
"""A field and what deserves a look in it."""


class Decider:
    """One import: rows are taken in the file's order, and each sees what those before it will have done."""

    def __init__(self, house: House, table: Table) -> None:
        self._table = table
        self._people = {user.email: user.state for user in house.people}
        address = {user.id: user.email for user in house.people}
        assigned: dict[UUID, set[str]] = {}
        for row in house.assigned:
            assigned.setdefault(row.client_id, set()).add(address[row.user_id])
        self._by_name: dict[str, Known] = {}
        self._by_crm_id: dict[str, Known] = {}
        self._by_domain: dict[str, Known] = {}
        self._row_of: dict[UUID, int] = {}
        for client in house.clients:
            fields = {name: getattr(client, name) for name in _FIELDS}
            people = frozenset(assigned.get(client.id, ()))
            self._learn(Known(client.id, fields, client.archived_at is not None, people, client))

    def decide(self, row: Row) -> Decision:
        """What becomes of the row. Its faults and notes are kept in the table, too."""
        before = len(self._table.faults)
        addresses = self._assignees(row)
        fields = self._fields(row)
        known = self._same_client(row)
        faults = self._table.faults[before:]
        if fields is None or faults:
            problems = tuple(f"{fault.field}: {fault.message}" for fault in faults)
            return Decision(RowLine(row.number, row.cells.get("name", ""), Outcome.REFUSED, notes=problems))
        return self._accept(row, fields, known, addresses)

    def _accept(self, row: Row, fields: ClientFields, known: Known | None, addresses: list[str]) -> Decision:
        notes = self._shared_domain(fields, known)
        set_now = fields.model_dump(exclude_unset=True)
        is_new = known is None
        if known is None:
            known = Known(new_id(), fields.model_dump())
            changes = [Change(name, None, word) for name, value in set_now.items() if (word := words(value))]
        else:
            self._forget(known)
            before = known.fields
            known.fields = {**before, **set_now}
            changes = [
                Change(name, words(before[name]), words(value))
                for name, value in set_now.items()
                if before[name] != value
            ]
        self._learn(known)
        self._row_of[known.id] = row.number
        people, invited = self._given(known, addresses, changes, notes)
        outcome = Outcome.NEW if is_new else Outcome.CHANGED if changes else Outcome.UNCHANGED
        self._table.notes += [str(Fault(self._table.file, row.number, *note)) for note in notes]
        told = tuple(f"{column}: {message}" for column, message in notes)
        line = RowLine(row.number, known.name, outcome, tuple(changes), told)
        return Decision(line, known, fields, people, invited)

    def _given(
        self, known: Known, addresses: list[str], changes: list[Change], notes: list[Note]
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """(who is to look after it, who of them is invited for it)."""
        if known.is_archived:
            note = f"{known.name} is archived and stays so: restore it to watch it again"
            notes.append(("name", note))
            return None, ()
        if not addresses:
            return None, ()
        invited = tuple(one for one in dict.fromkeys(addresses) if one not in self._people)
        self._people.update(dict.fromkeys(invited, UserState.INVITED))
        for address in addresses:
            if self._people[address] is UserState.DEACTIVATED:
                notes.append((ASSIGNED_TO, f"{address} is deactivated and gets no mail"))
        if frozenset(addresses) != known.people:
            before = words(sorted(known.people))
            changes.append(Change(ASSIGNED_TO, before, words(sorted(set(addresses)))))
            known.people = frozenset(addresses)
        return tuple(addresses), invited

    def _learn(self, known: Known) -> None:
        self._by_name[name_key(known.name)] = known
        if known.crm_id:
            self._by_crm_id[known.crm_id] = known
        if known.domain:
            self._by_domain.setdefault(known.domain, known)

    def _forget(self, known: Known) -> None:
        self._by_name.pop(name_key(known.name), None)
        if known.crm_id:
            self._by_crm_id.pop(known.crm_id, None)
        if known.domain and self._by_domain.get(known.domain) is known:
            del self._by_domain[known.domain]

    def _fields(self, row: Row) -> ClientFields | None:
        try:
            return ClientFields.model_validate({k: v for k, v in row.cells.items() if k in _FIELDS})
        except ValidationError as error:
            self._table.validation_faults(row, error, _FIELDS)
            return None

    def _assignees(self, row: Row) -> list[str]:
        addresses: list[str] = []
        for part in row.parts(ASSIGNED_TO):
            try:
                addresses.append(email_address(part))
            except ValueError as error:
                self._table.fault(row, ASSIGNED_TO, str(error))
        return addresses

    def _same_client(self, row: Row) -> Known | None:
        """The client this row speaks of, or None for a new one; what contradicts becomes a fault.

        Cells are looked at as they stand, so that a row with other faults is told of this one too.
        """
        name, crm_id = row.cells.get("name", ""), row.cells.get("crm_id", "")
        named = self._by_name.get(name_key(name))
        numbered = self._by_crm_id.get(crm_id) if crm_id else None
        again = False
        for known, column, value in ((named, "name", name), (numbered, "crm_id", crm_id)):
            if known is not None and known.id in self._row_of:
                stands = f"stands in row {self._row_of[known.id]} already"
                self._table.fault(row, column, f"duplicate: {value!r} {stands}")
                again = True
        if again:
            return None
        if named is not None and numbered is not None and named is not numbered:
            message = f"duplicate: {crm_id!r} is {numbered.name!r}, not {named.name!r}"
            self._table.fault(row, "crm_id", message)
        elif named is not None and named.crm_id and crm_id and numbered is None:
            stands = f"{named.name!r} stands with CRM id {named.crm_id!r}, not {crm_id!r}"
            mend = "give one of them another name, or correct the id in the app"
            self._table.fault(row, "crm_id", f"duplicate: {stands}; {mend}")
        return numbered or named

    def _shared_domain(self, fields: ClientFields, known: Known | None) -> list[Note]:
        other = self._by_domain.get(fields.domain) if fields.domain else None
        if other is None or (known is not None and other.id == known.id):
            return []
        return [("domain", f"{fields.domain} is {other.name!r} too: a duplicate?")]


def words(value: object) -> str | None:
    """A field's value as a person reads it; None where it is empty."""
    if value is None or value in ("", []):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def counted(lines: Iterable[RowLine]) -> Mapping[Outcome, list[str]]:
    """The rows' names by what becomes of them, in the file's order."""
    found: dict[Outcome, list[str]] = {outcome: [] for outcome in Outcome}
    for line in lines:
        found[line.outcome].append(line.name)
    return found
