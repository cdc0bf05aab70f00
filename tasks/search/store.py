"""The ledger side of search: items, result, cursor and heartbeat of a page, in one transaction."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import Session, col, or_, select

from models.accounts import Business
from models.base import new_id, utc_now
from models.clients import Client, active_clients
from models.engine import insert_rows, writing
from models.jobs import heartbeat
from models.news import RawItem, SourceCursor, SourceResult, SourceState, source_results
from models.scope import Scope
from tasks.plan import RunPlan
from tasks.search.source import Found, Page
from tasks.search.units import Unit

PROBLEMS_MAX = 50
ERROR_MAX = 500
UNFINISHED = "cut off before its end; the next run goes on from there"
"""The error of a unit whose last page is not stored yet: true if the process dies, else gone."""
SETTLED = (SourceState.OK, SourceState.EMPTY)
_ORDER = (SourceState.EMPTY, SourceState.OK, SourceState.PARTIAL, SourceState.QUOTA, SourceState.FAILED)
_MORE = re.compile(r"and (\d+) more$")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where and how a unit's pages are kept."""

    plan: RunPlan
    unit: Unit
    fetched_at: datetime
    """When items that do not say were first seen."""
    latest: datetime | None = None
    """An archive's items were not seen after this."""
    first_poll: bool = False
    """The client's first answer from a query source: history, whatever its dates."""
    is_mock: bool = False


class Kept(NamedTuple):
    """A unit's result so far in this run."""

    state: SourceState
    found: int
    """Of this page."""
    new: int
    """Of this page; the others were known."""
    error: str


def keep_page(scope: Scope, shelf: Shelf, page: Page, *, finished: bool) -> Kept:
    """Commit a page: new items, the unit's result, its cursor, the run's heartbeat; all or nothing.

    ``finished`` false says that more pages follow. A page kept twice inserts nothing the second time.
    """
    rows = raw_rows(shelf, page.items)
    with writing(scope) as session:
        new = insert_raw(scope, session, shelf, rows)
        result = record(scope, session, shelf, page, found=len(rows), new=new, finished=finished)
        if page.cursor is not None:
            move_cursor(scope, session, shelf.unit, page.cursor)
        heartbeat(scope, session, shelf.plan.job_run_id)
        return Kept(result.state, len(rows), new, result.error)


def raw_rows(shelf: Shelf, items: Sequence[Found]) -> list[dict[str, Any]]:
    """The items as rows of ``event_raw_data``."""
    unit, since = shelf.unit, shelf.plan.as_of - timedelta(days=shelf.plan.days_back)
    encode = json.JSONEncoder(
        ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False
    ).encode
    rows = []
    for item in items:
        content = _content(item)
        seen = item.first_seen_at or shelf.fetched_at
        if shelf.latest is not None and seen > shelf.latest:
            seen = shelf.latest
        rows.append(
            {
                "source_api": unit.source,
                "unit": unit.unit,
                "client_id": unit.client_id,
                "job_run_id": shelf.plan.job_run_id,
                "raw_content": content,
                "content_hash": hashlib.sha256(encode(content).encode()).hexdigest(),
                "is_processed": False,
                "is_history": shelf.first_poll or (item.published_at or seen) < since,
                "is_mock": shelf.is_mock,
                "published_at": item.published_at,
                "first_seen_at": seen,
            }
        )
    return rows


def _content(item: Found) -> dict[str, Any]:
    content: dict[str, Any] = {"title": item.title}
    if item.url:
        content["url"] = item.url
    if item.snippet:
        content["snippet"] = item.snippet
    if item.source:
        content["source"] = item.source
    if item.published_at is not None and not item.approximate:  # the same item must have the same hash
        content["published_at"] = item.published_at.isoformat()
    if item.first_seen_at is not None:
        content["first_seen_at"] = item.first_seen_at.isoformat()
    if item.extra:
        content["extra"] = dict(item.extra)
    return content


def insert_raw(scope: Scope, session: Session, shelf: Shelf, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert what is new and say how many that was."""
    if not rows:
        return 0
    first = new_id()
    insert_rows(session, RawItem, rows, ignore_conflicts=True)
    # Cheaper than RETURNING: ids are ordered by time, so the rows of this page stand together in the key's
    # index.
    counted = select(func.count()).where(
        col(RawItem.id).between(first, new_id()),
        RawItem.source_api == shelf.unit.source,
        RawItem.unit == shelf.unit.unit,
        RawItem.job_run_id == shelf.plan.job_run_id,
    )
    return session.exec(counted).one()


def record(
    scope: Scope, session: Session, shelf: Shelf, page: Page, *, found: int, new: int, finished: bool
) -> SourceResult:
    """Add a page to the unit's result in this run; the worst state of its pages stands.

    A fault of an earlier attempt in the same run gives way to what this one came to.
    """
    unit, run = shelf.unit, shelf.plan.job_run_id
    blank = {
        "job_run_id": run,
        "source_api": unit.source,
        "unit": unit.unit,
        "client_id": unit.client_id,
        "state": SourceState.EMPTY,
        "found": 0,
        "new": 0,
        "error": "",
        "problems": [],
        "created_at": utc_now(),
    }
    insert_rows(session, SourceResult, [blank], ignore_conflicts=True)
    query = select(SourceResult).where(
        SourceResult.job_run_id == run, SourceResult.source_api == unit.source, SourceResult.unit == unit.unit
    )
    result = session.exec(query.with_for_update()).one()
    before = (result.state, result.error)
    if before[0] in (SourceState.FAILED, SourceState.QUOTA):
        before = (SourceState.EMPTY, "")
    elif before[1] == UNFINISHED:
        before = (SourceState.OK, "")
    state, error = max(before, (page.state, page.error[:ERROR_MAX]), key=lambda pair: _ORDER.index(pair[0]))
    if not finished and state in SETTLED:
        state, error = SourceState.PARTIAL, UNFINISHED
    result.state, result.error = state, error
    result.found += found
    result.new += new
    result.problems = merge_problems(result.problems, page.problems)
    session.add(result)
    session.flush()
    return result


def merge_problems(known: Sequence[str], more: Sequence[str]) -> list[str]:
    """At most fifty problems, then how many more there are."""
    kept: list[str] = []
    beyond = 0
    for problem in (*known, *more):
        if counted := _MORE.match(problem):
            beyond += int(counted[1])
        elif len(kept) < PROBLEMS_MAX:
            kept.append(problem[:ERROR_MAX])
        else:
            beyond += 1
    return [*kept, f"and {beyond} more"] if beyond else kept


def move_cursor(scope: Scope, session: Session, unit: Unit, cursor: Mapping[str, Any]) -> None:
    """Where the unit's next fetch starts; only ever in the transaction that keeps its items."""
    now = utc_now()
    row = {"source_api": unit.source, "unit": unit.unit, "cursor": dict(cursor), "updated_at": now}
    insert_rows(session, SourceCursor, [row], ignore_conflicts=True)
    session.exec(
        update(SourceCursor)
        .where(col(SourceCursor.source_api) == unit.source, col(SourceCursor.unit) == unit.unit)
        .values(cursor=dict(cursor), updated_at=now)
        .execution_options(synchronize_session=False)
    )


def settled(scope: Scope, session: Session, job_run_id: UUID) -> set[tuple[str, str]]:
    """(source, unit) of what this run has already fetched well; a retry leaves them alone."""
    rows = source_results(scope, session, job_run_id)
    return {(row.source_api, row.unit) for row in rows if row.state in SETTLED}


def finish_baseline(plan: RunPlan) -> int:
    """End the first poll of clients in scope that had none; returns how many. Doing it again changes nothing.

    To be called when the run is through, because *dedupe* needs ``baseline_at`` as it was. A client's
    baseline ends with a run in which its own units and the feeds were all fetched; after one with a failure
    it stays open for one more run only, or a dead feed would turn all its news into history for ever.
    Invented items end the baseline of a demo business alone.
    """
    scope = plan.scope
    with writing(scope) as session:
        business = session.exec(select(Business).where(Business.id == plan.business_id)).one()
        if plan.force_mock and not business.is_demo:
            return 0
        wanted = None if plan.client_ids is None else list(plan.client_ids)
        waiting = [client for client in active_clients(scope, session, wanted) if client.baseline_at is None]
        if not waiting:
            return 0
        done = _polled_well(scope, session, plan, waiting)
        if done:
            session.exec(
                update(Client)
                .where(col(Client.id).in_(done), col(Client.baseline_at).is_(None))
                .values(baseline_at=plan.as_of)
                .execution_options(synchronize_session=False)
            )
        return len(done)


def _polled_well(scope: Scope, session: Session, plan: RunPlan, clients: Sequence[Client]) -> list[UUID]:
    results = source_results(scope, session, plan.job_run_id)
    faults = (SourceState.FAILED, SourceState.QUOTA)
    feeds = [row for row in results if row.client_id is None]
    own: dict[UUID, list[SourceResult]] = {}
    for row in results:
        if row.client_id is not None:
            own.setdefault(row.client_id, []).append(row)
    done = []
    for client in clients:
        rows = [*own.get(client.id, []), *feeds]
        good = [row for row in rows if row.state not in faults]
        if good and (len(good) == len(rows) or _polled_before(scope, session, plan, client)):
            done.append(client.id)
    return done


def _polled_before(scope: Scope, session: Session, plan: RunPlan, client: Client) -> bool:
    """Whether an earlier run already got something about the client, from its own units or a feed."""
    query = select(SourceResult.id).where(
        SourceResult.job_run_id != plan.job_run_id,
        or_(col(SourceResult.client_id) == client.id, col(SourceResult.client_id).is_(None)),
        col(SourceResult.state).not_in([SourceState.FAILED, SourceState.QUOTA]),
        col(SourceResult.created_at) >= client.created_at,
    )
    return session.exec(query.limit(1)).first() is not None
