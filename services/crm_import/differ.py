"""The difference between an account of the CRM and what we have, decided without a database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from models.accounts import User, UserState
from models.clients import Client, ClientAssignment, Tier
from models.crm import CrmImport
from services.crm_import.matching import ID, House, Register
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
    """Accounts are decided one after the other: what one takes the next cannot have."""

    def __init__(self, house: House, choices: Choices) -> None:
        self._choices = choices
        self._imports = house.imports
        self._people = {person.email: person for person in house.people}
        self._address = {person.id: person.email for person in house.people}
        self._assigned: dict[UUID, list[ClientAssignment]] = {}
        for row in house.assigned:
            self._assigned.setdefault(row.client_id, []).append(row)
        self._register = Register(house)

    def order(self, every: Sequence[Wanted]) -> list[tuple[Wanted, Decision]]:
        """Decide them all, in an order in which what one account leaves (a name) is there for the next.

        So a second import finds nothing that the first could not do yet.
        """
        waiting: list[Wanted] = []
        fresh: list[Wanted] = []
        for wanted in every:
            (waiting if self._register.linked(wanted) else fresh).append(wanted)
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
        linked = self._register.linked(wanted)
        clash = None if linked else self._clash(wanted)
        if clash is not None:
            return clash
        client = linked[0] if linked else self._register.alike(wanted)
        holder = self._register.holder(wanted)
        if holder is not None and holder is not client:
            problem = f"crm_id: client {holder.name!r} has {wanted.crm_id} from another CRM"
            return _refused(wanted, problem, "clear that client's CRM id, then import again")
        if client is None:
            return self._new(wanted)
        self._register.link(wanted, client)
        return self._same(wanted, client, linked[1:])

    def _clash(self, wanted: Wanted) -> Decision | None:
        """Why an account that no client is linked to cannot go in under its name."""
        if wanted.namesakes:
            others = ", ".join(wanted.namesakes[:5])
            problem = f"name: {wanted.name!r} is the name of {others} too"
            return _refused(wanted, problem, "merge them in the CRM, or tell their names apart")
        theirs = self._register.id_for(wanted.name)
        if theirs:
            problem = f"crm_id: client {wanted.name!r} is {theirs} in the CRM, not {wanted.crm_id}"
            return _refused(wanted, problem, "correct that client's CRM id, or give one of them another name")
        return None

    def _new(self, wanted: Wanted) -> Decision:
        self._register.take_name(wanted)
        person, notes = self._person(wanted)
        notes = (*wanted.notes, *notes)
        if self._register.is_shared(wanted):
            notes += (f"domain: {wanted.said['domain']} is another account's or client's too: a duplicate?",)
        values = dict(wanted.said)
        changes = [Change(name, None, _text(value)) for name, value in values.items()]
        if person is not None:
            changes.append(Change("assigned_to", None, person.email))
        line = Line(wanted.crm_id, wanted.name, Outcome.NEW, tuple(changes), notes=notes)
        owner = Owner(person.id, start=True) if person is not None else Owner()
        values[ID] = wanted.crm_id
        return Decision(line, None, values, _said(values), owner)

    def _same(self, wanted: Wanted, client: Client, doubles: Sequence[Client]) -> Decision:
        if client.archived_at is not None:
            note = "is archived here and stays so: restore it to watch it again"
            return Decision(Line(wanted.crm_id, client.name, Outcome.UNCHANGED, notes=(note,)), client)
        before = self._imports.get(client.id)
        said = before.said if before is not None else {}
        fields: dict[str, Any] = {}
        remember = dict(said)
        notes = [*wanted.notes, *_doubles(doubles)]
        waits = False
        for name, theirs in wanted.said.items():
            ours, text = getattr(client, name), _text(theirs)
            takes = self._takes(_text(ours), text, said.get(name))
            if takes and name == "name" and not self._register.rename(client, wanted):
                notes.append(f"name: is {text!r} in the CRM, which another client is called: not renamed")
                waits = True
                continue
            remember[name] = text or ""
            if takes:
                fields[name] = theirs
            elif ours != theirs and said.get(name) != text:
                notes.append(f"{name}: is {text!r} in the CRM; {_text(ours)!r}, as set here, stands")
        remember[ID] = wanted.crm_id
        if client.crm_id != wanted.crm_id:
            fields[ID] = wanted.crm_id
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
    """Clients that this CRM gave us, are watched, and have none of these ids."""
    present = set(ids)
    return [
        Gone(client.id, crm_id, client.name)
        for client in house.clients
        if client.id in house.imports
        and client.archived_at is None
        and (crm_id := house.id_of(client))
        and crm_id not in present
    ]


def _doubles(clients: Iterable[Client]) -> list[str]:
    return [
        f"crm_id: client {one.name!r} is this account too, as {one.crm_id}: archive one of them"
        for one in clients
        if one.archived_at is None
    ]


def _refused(wanted: Wanted, problem: str, mend: str) -> Decision:
    line = Line(wanted.crm_id, wanted.name, Outcome.REFUSED, problem=problem, mend=mend, notes=wanted.notes)
    return Decision(line)


def _said(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(value) or "" for name, value in values.items()}


def _text(value: Any) -> str | None:
    """A field's value as text; a tier is its word."""
    return str(value) if value is not None and value != "" else None
