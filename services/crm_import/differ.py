"""The difference between an account of the CRM and what we have, decided without a database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from models.accounts import User, UserState
from models.clients import Client, ClientAssignment, Tier
from models.crm import CrmImport
from services.clients import name_key
from services.crm_import.plan import Change, Gone, Line, Outcome
from services.crm_import.reading import Wanted


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person who imports decides."""

    tiers: Mapping[str, Tier] = field(default_factory=dict)
    """The CRM's words for tiers, in small letters, and ours."""
    prefer_crm: bool = False
    """Take the CRM's values where people have set others."""
    archive_missing: bool = False


@dataclass(frozen=True, slots=True)
class House:
    """What we have: every client, person, open assignment, and what the CRM said last time by client id."""

    clients: Sequence[Client]
    people: Sequence[User]
    assigned: Sequence[ClientAssignment]
    imports: Mapping[UUID, CrmImport]


@dataclass(frozen=True, slots=True)
class Owner:
    """Who looks after the client for the CRM, and what of it is still to be done here."""

    user_id: UUID | None = None
    """None: the CRM names nobody we know; what was, stays."""
    start: bool = False
    end: UUID | None = None
    """The user whose assignment, which the import had started, ends."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A line, and what carrying it out takes."""

    line: Line
    client: Client | None = None
    """None: a new one, or none at all."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """To be set."""
    said: Mapping[str, str] = field(default_factory=dict)
    """To be remembered of what the CRM says."""
    owner: Owner = Owner()
    waits: bool = False
    """It would take a name that another client has now."""


class Differ:
    """Accounts are decided one after the other: what one takes (a name, a client) the next cannot have."""

    def __init__(self, house: House, choices: Choices) -> None:
        self._choices = choices
        self._imports = house.imports
        self._people = {person.email: person for person in house.people}
        self._address = {person.id: person.email for person in house.people}
        self._assigned: dict[UUID, list[ClientAssignment]] = {}
        for row in house.assigned:
            self._assigned.setdefault(row.client_id, []).append(row)
        self._by_id = {client.crm_id: client for client in house.clients if client.crm_id}
        self._linked = {client.id: crm_id for crm_id, client in self._by_id.items()}
        self._by_name = {name_key(client.name): client for client in house.clients}
        self._names = {name_key(client.name): client.crm_id or "" for client in house.clients}
        self._by_domain: dict[str, list[Client]] = {}
        for client in house.clients:
            if client.domain:
                self._by_domain.setdefault(client.domain, []).append(client)

    def order(self, every: Sequence[Wanted]) -> list[tuple[Wanted, Decision]]:
        """Decide them all, in an order in which what one account leaves (a name) is there for the next.

        So a second import finds nothing that the first could not do yet.
        """
        waiting = [wanted for wanted in every if wanted.crm_id in self._by_id]
        fresh = [wanted for wanted in every if wanted.crm_id not in self._by_id]
        done: list[tuple[Wanted, Decision]] = []
        while waiting:
            decided = [(wanted, self.decide(wanted)) for wanted in waiting]
            stuck = [wanted for wanted, decision in decided if decision.waits]
            if len(stuck) == len(waiting):
                return done + decided + [(wanted, self.decide(wanted)) for wanted in fresh]
            done += [pair for pair in decided if not pair[1].waits]
            waiting = stuck
        return done + [(wanted, self.decide(wanted)) for wanted in fresh]

    def decide(self, wanted: Wanted) -> Decision:
        """What becomes of this account."""
        if wanted.faults:
            return _refused(wanted, "; ".join(wanted.faults), wanted.mend)
        client = self._by_id.get(wanted.crm_id)
        if client is None:
            clash = self._clash(wanted)
            if clash is not None:
                return clash
            client = self._by_name.get(name_key(wanted.name)) or self._of_domain(wanted)
        if client is None:
            return self._new(wanted)
        self._by_id[wanted.crm_id] = client
        self._linked[client.id] = wanted.crm_id
        self._names[name_key(client.name)] = wanted.crm_id
        return self._same(wanted, client)

    def _clash(self, wanted: Wanted) -> Decision | None:
        """Why an account that no client is linked to cannot go in under its name."""
        if wanted.namesakes:
            others = ", ".join(wanted.namesakes[:5])
            problem = f"name: {wanted.name!r} is the name of {others} too"
            return _refused(wanted, problem, "merge them in the CRM, or tell their names apart")
        theirs = self._names.get(name_key(wanted.name))
        if theirs:
            problem = f"crm_id: client {wanted.name!r} is {theirs} in the CRM, not {wanted.crm_id}"
            return _refused(wanted, problem, "correct that client's CRM id, or give one of them another name")
        return None

    def _of_domain(self, wanted: Wanted) -> Client | None:
        """The client with this domain, if the domain is nobody else's on either side and no CRM id speaks against."""
        domain = wanted.said.get("domain")
        found = self._by_domain.get(domain, []) if domain and not wanted.shares_domain else []
        return found[0] if len(found) == 1 and found[0].id not in self._linked else None

    def _new(self, wanted: Wanted) -> Decision:
        self._names[name_key(wanted.name)] = wanted.crm_id
        person, notes = self._person(wanted)
        notes = (*wanted.notes, *notes)
        domain = wanted.said.get("domain")
        if domain and (wanted.shares_domain or self._by_domain.get(domain)):
            notes += (f"domain: {domain} is another account's or client's too: a duplicate?",)
        values = dict(wanted.said)
        changes = [Change(name, None, _text(value)) for name, value in values.items()]
        if person is not None:
            changes.append(Change("assigned_to", None, person.email))
        line = Line(wanted.crm_id, wanted.name, Outcome.NEW, tuple(changes), notes=notes)
        owner = Owner(person.id, start=True) if person is not None else Owner()
        return Decision(line, None, values | {"crm_id": wanted.crm_id}, _said(values), owner)

    def _same(self, wanted: Wanted, client: Client) -> Decision:
        if client.archived_at is not None:
            note = "is archived here and stays so: restore it to watch it again"
            return Decision(Line(wanted.crm_id, client.name, Outcome.UNCHANGED, notes=(note,)), client)
        before = self._imports.get(client.id)
        said = before.said if before is not None else {}
        fields: dict[str, Any] = {}
        remember = dict(said)
        notes = list(wanted.notes)
        waits = False
        for name, theirs in wanted.said.items():
            ours, text = getattr(client, name), _text(theirs)
            takes = self._takes(_text(ours), text, said.get(name))
            if takes and name == "name" and not self._rename(client, wanted):
                notes.append(f"name: is {text!r} in the CRM, which another client is called: not renamed")
                waits = True
                continue
            remember[name] = text or ""
            if takes:
                fields[name] = theirs
            elif ours != theirs and said.get(name) != text:
                notes.append(f"{name}: is {text!r} in the CRM; {_text(ours)!r}, as set here, stands")
        if client.crm_id != wanted.crm_id:
            fields["crm_id"] = wanted.crm_id
        changes = [Change(name, _text(getattr(client, name)), _text(value)) for name, value in fields.items()]
        owner, more, move = self._owner(wanted, client, before)
        changes += [move] if move is not None else []
        line = Line(
            wanted.crm_id,
            client.name,
            Outcome.CHANGED if changes else Outcome.UNCHANGED,
            tuple(changes),
            notes=(*notes, *more),
        )
        return Decision(line, client, fields, remember, owner, waits)

    def _takes(self, ours: str | None, theirs: str | None, last: str | None) -> bool:
        """Whether the CRM's value goes in: it is news, and nobody has decided otherwise here."""
        if ours == theirs:
            return False
        return self._choices.prefer_crm or (theirs != last and ours in (None, last))

    def _rename(self, client: Client, wanted: Wanted) -> bool:
        """Take the name, if it is free."""
        key, old = name_key(wanted.name), name_key(client.name)
        if key != old and key in self._names:
            return False
        self._names.pop(old, None)
        self._by_name.pop(old, None)
        self._names[key] = wanted.crm_id
        self._by_name[key] = client
        return True

    def _person(self, wanted: Wanted) -> tuple[User | None, tuple[str, ...]]:
        if wanted.owner is None:
            return None, ()
        person = self._people.get(wanted.owner)
        if person is None:
            mend = "bring them in with client-monitor import-users, then import again"
            return None, (f"assigned_to: the CRM's owner {wanted.owner} is nobody here: {mend}",)
        if person.state is UserState.DEACTIVATED:
            return None, (f"assigned_to: the CRM's owner {wanted.owner} is deactivated here",)
        return person, ()

    def _owner(
        self, wanted: Wanted, client: Client, before: CrmImport | None
    ) -> tuple[Owner, tuple[str, ...], Change | None]:
        person, notes = self._person(wanted)
        if person is None or (before is not None and before.owner_id == person.id):
            return Owner(), notes, None
        rows = self._assigned.get(client.id, [])
        ours = before.assignment_id if before is not None else None
        ends = next((row.user_id for row in rows if row.id == ours and row.user_id != person.id), None)
        start = all(row.user_id != person.id for row in rows)
        owner = Owner(person.id, start, ends)
        if not start and ends is None:
            return owner, notes, None
        left = self._address.get(ends) if ends is not None else None
        return owner, notes, Change("assigned_to", left, person.email)


def gone_of(house: House, ids: Iterable[str]) -> list[Gone]:
    """Clients that this CRM gave us, are watched, and are not among these accounts."""
    present = set(ids)
    return [
        Gone(client.id, client.crm_id, client.name)
        for client in house.clients
        if client.id in house.imports
        and client.archived_at is None
        and client.crm_id
        and client.crm_id not in present
    ]


def _refused(wanted: Wanted, problem: str, mend: str) -> Decision:
    line = Line(wanted.crm_id, wanted.name, Outcome.REFUSED, problem=problem, mend=mend, notes=wanted.notes)
    return Decision(line)


def _said(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(value) or "" for name, value in values.items()}


def _text(value: Any) -> str | None:
    """A field's value as text; a tier is its word."""
    return str(value) if value is not None and value != "" else None
