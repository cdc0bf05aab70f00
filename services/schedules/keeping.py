"""Making and changing schedules. Our row is written first and owns the definition; Prefect is brought into step after.

With Prefect away the row stays pending, and says so; the tick brings it into step later.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from models import jobs
from models.audit import record
from models.base import utc_now
from models.clients import active_clients
from models.engine import reading, writing
from models.jobs import AutomationSchedule, PausedBy, SyncState
from models.scope import Scope
from services.accounts import lock_business
from services.errors import UserError
from services.schedules.access import require_keeper
from services.schedules.definition import Definition, define, definition_of
from services.schedules.recurrence import checked
from services.schedules.sync import SyncReport, sync


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed here, and how far Prefect knows of it."""

    schedules: list[AutomationSchedule]
    report: SyncReport

    @property
    def is_live(self) -> bool:
        """Whether Prefect works by it already."""
        return self.report.is_in_step


def all_schedules(scope: Scope) -> list[AutomationSchedule]:
    """The tenant's schedules, by name."""
    with reading(scope) as session:
        return jobs.schedules(scope, session)


def find_schedule(scope: Scope, name_or_id: str | UUID) -> AutomationSchedule:
    """The schedule of this name or id; a UserError lists those there are."""
    wanted = str(name_or_id).strip().casefold()
    known = all_schedules(scope)
    for row in known:
        if wanted in {str(row.id), row.name.casefold()}:
            return row
    names = ", ".join(row.name for row in known) or "none yet"
    raise UserError(f"there is no schedule {str(name_or_id)!r}; known: {names}", "name one of those")


def create(scope: Scope, definition: Definition, *, now: datetime | None = None) -> Change:
    """A new schedule, active at once. UserError for one that Prefect would refuse or whose name is taken."""
    require_keeper(scope)
    checked(definition, now=now or utc_now())
    with writing(scope) as session:
        row = add(scope, session, definition)
    return _told(scope, [row])


def add(scope: Scope, session: Session, definition: Definition, **values: Any) -> AutomationSchedule:
    """The row of a new schedule, in the caller's transaction; ``sync`` brings it to Prefect."""
    lock_business(scope, session)
    _refuse_clashes(scope, session, definition, None)
    row = AutomationSchedule(
        business_id=scope.business, created_by=scope.user_id, **definition.values(), **values
    )
    session.add(row)
    session.flush()
    record(scope, session, "schedule.created", str(row.id), name=row.name, type=row.schedule_type.value)
    return row


def edit(scope: Scope, schedule_id: UUID, *, now: datetime | None = None, **changes: Any) -> Change:
    """Change the named fields of a schedule (see ``Definition``); the others stay. A pause stays too."""
    require_keeper(scope)
    with reading(scope) as session:
        before = _owned(scope, session, schedule_id)
    definition = define(**_said(before) | changes)
    checked(definition, now=now or utc_now())
    with writing(scope) as session:
        lock_business(scope, session)
        row = _owned(scope, session, schedule_id)
        _refuse_clashes(scope, session, definition, row.id)
        values = definition.values()
        changed = [name for name, value in values.items() if getattr(row, name) != value]
        if changed:
            for name in changed:
                setattr(row, name, values[name])
            _touch(row)
            session.add(row)
            record(scope, session, "schedule.changed", str(row.id), name=row.name, fields=changed)
    return _told(scope, [row])


def pause(scope: Scope, ids: Collection[UUID]) -> Change:
    """Stop schedules until a person resumes them."""

    def stop(session: Session, row: AutomationSchedule) -> None:
        if row.is_active or row.paused_by is not PausedBy.PERSON:
            row.is_active, row.paused_by = False, PausedBy.PERSON
            _touch(row)
            record(scope, session, "schedule.paused", str(row.id), name=row.name)

    return _each(scope, ids, stop)


def resume(scope: Scope, ids: Collection[UUID]) -> Change:
    """Let schedules start again, whoever stopped them; their failures in a row count from nought."""

    def start(session: Session, row: AutomationSchedule) -> None:
        if not row.is_active or row.consecutive_failures:
            was = row.paused_by
            row.is_active, row.paused_by, row.consecutive_failures = True, None, 0
            _touch(row)
            by = was.value if was else None
            record(scope, session, "schedule.resumed", str(row.id), name=row.name, was_paused_by=by)

    return _each(scope, ids, start)


def delete(scope: Scope, ids: Collection[UUID]) -> Change:
    """Remove schedules. Their runs stay in the history."""

    def remove(session: Session, row: AutomationSchedule) -> None:
        row.deleted_at, row.is_active = utc_now(), False
        _touch(row)
        record(scope, session, "schedule.deleted", str(row.id), name=row.name)

    return _each(scope, ids, remove)


def _each(
    scope: Scope, ids: Collection[UUID], change: Callable[[Session, AutomationSchedule], None]
) -> Change:
    require_keeper(scope)
    with writing(scope) as session:
        lock_business(scope, session)
        rows = [_owned(scope, session, one) for one in dict.fromkeys(ids)]
        for row in rows:
            change(session, row)
            session.add(row)
    return _told(scope, rows)


def _told(scope: Scope, rows: list[AutomationSchedule]) -> Change:
    """Bring the rows to Prefect, and read them back."""
    report = sync(scope, only=[row.id for row in rows])
    with reading(scope) as session:
        fresh = {row.id: row for row in jobs.schedules(scope, session, deleted=True)}
    return Change([fresh.get(row.id, row) for row in rows], report)


def _owned(scope: Scope, session: Session, schedule_id: UUID) -> AutomationSchedule:
    row = jobs.schedule_by_id(scope, session, schedule_id)
    if row is None:
        raise UserError("this schedule is not there any more", "look at the list again: somebody deleted it")
    return row


def _said(row: AutomationSchedule) -> dict[str, Any]:
    """What a row says, in the fields that somebody set; the rest keep their defaults."""
    return definition_of(row).model_dump(exclude_unset=True)


def _touch(row: AutomationSchedule) -> None:
    row.revision += 1
    row.sync_state, row.sync_error = SyncState.PENDING, ""


def _refuse_clashes(scope: Scope, session: Session, definition: Definition, own: UUID | None) -> None:
    """UserError when the name is taken or a client is not watched."""
    taken = {row.name.casefold() for row in jobs.schedules(scope, session) if row.id != own}
    if definition.name.casefold() in taken:
        raise UserError(f"there is a schedule called {definition.name!r} already", "give it another name")
    if definition.client_ids is None:
        return
    watched = {client.id for client in active_clients(scope, session, list(definition.client_ids))}
    if missing := [one for one in definition.client_ids if one not in watched]:
        raise UserError(
            f"{len(missing)} of the chosen clients are not watched (any more)", "choose among those that are"
        )
