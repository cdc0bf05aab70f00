"""The audit log as people read it: newest first, a page at a time, in words. For admins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.accounts import users
from models.audit import AuditLog, AuditWanted, audit_lines, record
from models.clients import client_names
from models.engine import reading, writing
from models.scope import Scope
from services.accounts import require_admin
from services.audit_words import Topic, families_of, ids_in, sentence, topic_of
from services.csvout import csv_bytes
from services.keyset import mark, place

PAGE = 50
EXPORTED_AT_MOST = 100_000
_CHUNK = 1_000
_MACHINERY = "Client Monitor itself"
_GONE = "somebody who is gone"


class AuditFilter(BaseModel):
    """Which lines to show. Days are those of ``timezone``, both included."""

    model_config = ConfigDict(frozen=True)

    person: UUID | None = None
    machinery: bool = False
    topic: Topic | None = None
    first: date | None = None
    last: date | None = None
    timezone: str = "UTC"


class AuditLine(BaseModel):
    """One line, in words."""

    id: UUID
    at: datetime
    person: str
    action: str
    topic: Topic | None
    says: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Lines, newest first."""

    lines: tuple[AuditLine, ...]
    next: str
    """What to ask for the page of older lines with; empty on the last page."""


def audit_page(
    scope: Scope, wanted: AuditFilter | None = None, *, after: str = "", limit: int = PAGE
) -> AuditPage:
    """A page of the audit log. UserError for an ``after`` that no page gave."""
    require_admin(scope)
    with reading(scope) as session:
        query = _query(wanted or AuditFilter())
        rows = audit_lines(scope, session, query, after=place(after), limit=limit + 1)
        shown = rows[:limit]
        lines = _told(scope, session, shown)
    following = mark(shown[-1].created_at, shown[-1].id) if len(rows) > limit else ""
    return AuditPage(tuple(lines), following)


def audit_csv(scope: Scope, wanted: AuditFilter | None = None) -> bytes:
    """The lines that are asked for, at most the newest ``EXPORTED_AT_MOST``, as a file; itself a line of the log."""
    require_admin(scope)
    wanted = wanted or AuditFilter()
    with reading(scope) as session:
        chunks = _chunks(scope, session, _query(wanted))
        lines = [line for rows in chunks for line in _told(scope, session, rows)]
    with writing(scope) as session:
        record(scope, session, "audit.exported", lines=len(lines))
    told = ((f"{line.at:%Y-%m-%d %H:%M:%S}", line.person, line.action, line.says) for line in lines)
    return csv_bytes(("time (UTC)", "person", "action", "what"), told)


def _chunks(scope: Scope, session: Session, query: AuditWanted) -> Iterator[list[AuditLog]]:
    after = None
    for _ in range(EXPORTED_AT_MOST // _CHUNK):
        rows = audit_lines(scope, session, query, after=after, limit=_CHUNK)
        yield rows
        if len(rows) < _CHUNK:
            return
        after = (rows[-1].created_at, rows[-1].id)


def _query(wanted: AuditFilter) -> AuditWanted:
    zone = ZoneInfo(wanted.timezone)

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time(), zone).astimezone(UTC)

    return AuditWanted(
        actor_id=wanted.person,
        by_machinery=wanted.machinery,
        families=families_of(wanted.topic) if wanted.topic else (),
        since=midnight(wanted.first) if wanted.first else None,
        until=midnight(wanted.last + timedelta(days=1)) if wanted.last else None,
    )


def _told(scope: Scope, session: Session, rows: Sequence[AuditLog]) -> list[AuditLine]:
    people = {user.id: user.name for user in users(scope, session)}
    mentioned = {one for row in rows for one in ids_in(row.subject, row.details)}
    names = people | client_names(scope, session, mentioned - people.keys())
    return [
        AuditLine(
            id=row.id,
            at=row.created_at,
            person=_MACHINERY if row.actor_id is None else people.get(row.actor_id, _GONE),
            action=row.action,
            topic=topic_of(row.action),
            says=sentence(row.action, row.subject, row.details, names),
        )
        for row in rows
    ]
