"""Lines that stand in the ledger already when *filter* takes up their event again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.engine import insert_rows
from models.events import Decision, Stage
from models.mail import Channel, Notification, NotificationState, SkipReason
from models.scope import Scope
from models.settings import get_settings
from tasks.filter.facts import People
from tasks.filter.ledger import Line, chunks, decision, lines, move, skip, superseded
from tasks.filter.recheck import objections, recheck
from tasks.filter.rules import WITHDRAWN
from tasks.plan import RunPlan

LineKey = tuple[UUID, int, UUID]
"""(event id, revision, user id)."""


def known_lines(
    session: Session, event_ids: Sequence[UUID], withdrawn: Collection[UUID]
) -> tuple[set[LineKey], dict[LineKey, UUID]]:
    """Lines these events have, and the ids of those that were taken back although their event counts again.

    An event has lines when it was set back by hand, or was withdrawn and then given back.
    """
    known: set[LineKey] = set()
    taken_back: dict[LineKey, UUID] = {}
    for part in chunks(event_ids):
        for line in session.exec(select(Notification).where(col(Notification.event_id).in_(part))):
            key = (line.event_id, line.revision, line.user_id)
            known.add(key)
            skipped = line.state is NotificationState.SKIPPED and line.reason is SkipReason.WRONG_COMPANY
            if skipped and line.event_id not in withdrawn:
                taken_back[key] = line.id
    return known, taken_back


def reopen(
    session: Session, rows: Sequence[Mapping[str, Any]], taken_back: Mapping[LineKey, UUID], at: datetime
) -> set[tuple[UUID, UUID]]:
    """Give lines that were taken back what ``rows`` decide now; the (event, person) of those changed."""
    changed = set()
    for row in rows:
        line_id = taken_back.get((row["event_id"], row["revision"], row["user_id"]))
        if line_id is None:
            continue
        values = {name: row[name] for name in ("route", "state", "reason", "is_history")}
        if move(
            session,
            [line_id],
            states=(NotificationState.SKIPPED,),
            **values,
            delivery_id=None,
            updated_at=at,
        ):
            changed.add((row["event_id"], row["user_id"]))
    return changed


def supersede(plan: RunPlan, session: Session, renewed: Sequence[UUID], at: datetime) -> int:
    """Older revisions that still wait give way; one in a mail on its way is looked at when that is claimed."""
    if not renewed:
        return 0
    old = [
        line for line in lines(plan.scope, session, event_ids=renewed) if line.revision < line.event_revision
    ]
    return skip(
        session,
        [(line, superseded(line)) for line in old],
        stage=Stage.FILTER,
        at=at,
        job_run_id=plan.job_run_id,
    )


def take_back(plan: RunPlan, session: Session, withdrawn: Sequence[UUID], at: datetime) -> int:
    """Lines of withdrawn events that still wait; one in a mail on its way is looked at when that is claimed."""
    if not withdrawn:
        return 0
    waiting = lines(plan.scope, session, event_ids=withdrawn)
    return skip(
        session,
        [(line, WITHDRAWN) for line in waiting],
        stage=Stage.FILTER,
        at=at,
        job_run_id=plan.job_run_id,
    )


def let_go(
    scope: Scope, session: Session, people: People, *, at: datetime, client_id: UUID | None = None
) -> int:
    """Close what waits for these people (of one client, where named) and no longer qualifies; how many."""
    waiting = lines(scope, session, channel=Channel.EMAIL, user_ids=sorted(people.users))
    mine = [line for line in waiting if client_id in (None, line.client_id)]
    verdicts = recheck(people, mine, now=at, freshness_days=get_settings().freshness_days)
    return skip(session, objections(verdicts), stage=Stage.FILTER, at=at)


def reconsider(session: Session, people: People, skipped: Sequence[Line], *, now: datetime) -> int:
    """Decide again about lines that were skipped for a reason that has gone; how many wait now."""
    verdicts = recheck(people, skipped, now=now, freshness_days=get_settings().freshness_days)
    wanted = {line: verdict for line, verdict in verdicts.items() if verdict.route is not None}
    for line, verdict in wanted.items():
        move(
            session,
            [line.id],
            states=(NotificationState.SKIPPED,),
            state=NotificationState.WAITING,
            route=verdict.route,
            reason=None,
            delivery_id=None,
            updated_at=now,
        )
    rows = [
        decision(
            verdict,
            stage=Stage.FILTER,
            at=now,
            event=line.event,
            article_id=line.article_id,
            user_id=line.user_id,
            job_run_id=None,
        )
        for line, verdict in wanted.items()
    ]
    insert_rows(session, Decision, rows)
    return len(wanted)
