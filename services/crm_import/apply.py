"""Carrying an import out: a transaction a batch, each decided anew from what the database holds by then."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from sqlmodel import Session

from models.accounts import users
from models.audit import record
from models.base import utc_now
from models.clients import Client, every_client, open_assignment_rows
from models.crm import CrmImport, crm_imports
from models.engine import reading, writing
from models.scope import Scope
from services.accounts import lock_business, require_admin
from services.clients import ClientFields, add_client, assign, change_client, retire
from services.crm_import.differ import Choices, Decision, Differ, Owner, gone_of
from services.crm_import.matching import ID, House
from services.crm_import.plan import Gone, Line, Outcome, Plan
from services.crm_import.reading import Wanted, checked
from tasks.enrich.crm import Record

BATCH = 500
"""Accounts a transaction: long enough to be quick, short enough that a run is not kept waiting."""


def preview(scope: Scope, provider: str, records: Iterable[Record], choices: Choices) -> Plan:
    """What an import of these accounts would do. Nothing is written."""
    require_admin(scope)
    every = checked(records, choices.tiers)
    with reading(scope) as session:
        house = _house(scope, session, provider)
    lines = [decision.line for _, decision in Differ(house, choices).order(every)]
    return _plan(provider, lines, gone_of(house, (crm_id for one in every for crm_id in one.ids)))


def apply(
    scope: Scope,
    provider: str,
    records: Iterable[Record],
    choices: Choices,
    *,
    on_batch: Callable[[int, int], None] | None = None,
    batch: int = BATCH,
) -> Plan:
    """Import these accounts, the whole portfolio; what it did. ``on_batch(done, of)`` is told how far it is.

    Each ``batch`` is one transaction: a crash keeps those before it, and the next import goes on from there.
    """
    require_admin(scope)
    every = checked(records, choices.tiers)
    with reading(scope) as session:
        house = _house(scope, session, provider)
    every = [wanted for wanted, _ in Differ(house, choices).order(every)]
    lines: list[Line] = []
    for start in range(0, len(every), batch):
        lines += _batch(scope, provider, every[start : start + batch], choices)
        if on_batch is not None:
            on_batch(len(lines), len(every))
    gone, archived = _farewell(scope, provider, {crm_id for one in every for crm_id in one.ids}, choices)
    return _plan(provider, lines, gone, archived, applied=True)


def _house(scope: Scope, session: Session, provider: str) -> House:
    imports = crm_imports(scope, session)
    return House(
        clients=every_client(scope, session),
        people=users(scope, session),
        assigned=open_assignment_rows(scope, session),
        imports={row.client_id: row for row in imports if row.provider == provider},
        elsewhere={
            (row.client_id, row.said[ID]) for row in imports if row.provider != provider and row.said.get(ID)
        },
    )


def _batch(scope: Scope, provider: str, every: Sequence[Wanted], choices: Choices) -> list[Line]:
    with writing(scope) as session:
        lock_business(scope, session)
        house = _house(scope, session, provider)
        differ = Differ(house, choices)
        decisions = [differ.decide(wanted) for wanted in every]
        for decision in decisions:
            if decision.line.outcome is not Outcome.REFUSED:
                _carry_out(scope, session, provider, decision, house)
        counts = Counter(decision.line.outcome for decision in decisions)
        if counts[Outcome.NEW] or counts[Outcome.CHANGED]:
            told = {outcome.value: counts[outcome] for outcome in Outcome}
            record(scope, session, "portfolio.imported", provider, **told)
    return [decision.line for decision in decisions]


def _carry_out(scope: Scope, session: Session, provider: str, decision: Decision, house: House) -> None:
    client = decision.client
    if client is None:
        client = add_client(scope, session, ClientFields(**decision.fields))
    elif client.archived_at is not None:
        return
    elif decision.fields:
        change_client(scope, session, client, dict(decision.fields))
    memory = house.imports.get(client.id) or CrmImport(
        business_id=scope.business, provider=provider, client_id=client.id
    )
    before = (dict(memory.said), memory.owner_id, memory.assignment_id)
    memory.said = dict(decision.said)
    if decision.owner.user_id is not None:
        memory.owner_id = decision.owner.user_id
        memory.assignment_id = _hand_over(scope, session, client, decision.owner.user_id, decision.owner)
    if client.id not in house.imports or before != (memory.said, memory.owner_id, memory.assignment_id):
        memory.imported_at = utc_now()
        session.add(memory)


def _hand_over(scope: Scope, session: Session, client: Client, user_id: UUID, owner: Owner) -> UUID | None:
    """Assign the owner beside whoever else is assigned; the id of the assignment this started, if it did."""
    rows = open_assignment_rows(scope, session, client.id)
    staying = {row.user_id for row in rows if row.user_id != owner.end}
    assign(scope, session, client, staying | {user_id}, rows)
    if not owner.start:
        return None
    now = open_assignment_rows(scope, session, client.id)
    return next((row.id for row in now if row.user_id == user_id), None)


def _farewell(
    scope: Scope, provider: str, present: set[str], choices: Choices
) -> tuple[list[Gone], list[str]]:
    """Clients that are gone from the CRM, and the names of those archived for it."""
    if not choices.archive_missing:
        with reading(scope) as session:
            return gone_of(_house(scope, session, provider), present), []
    with writing(scope) as session:
        lock_business(scope, session)
        house = _house(scope, session, provider)
        gone = gone_of(house, present)
        clients = {client.id: client for client in house.clients}
        return [], [one.name for one in gone if retire(scope, session, clients[one.client_id])]


def _plan(
    provider: str,
    lines: Sequence[Line],
    gone: Sequence[Gone],
    archived: Sequence[str] = (),
    *,
    applied: bool = False,
) -> Plan:
    counts = Counter(line.outcome for line in lines)
    return Plan(provider, tuple(lines), tuple(gone), tuple(archived), applied, counts)
