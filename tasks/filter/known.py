"""Lines that stand in the ledger already when *filter* takes up their event again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.engine import insert_rows
from models.events import Decision, Stage
from models.mail import Channel, Notification, NotificationState, Route, SkipReason
from models.scope import Scope
from models.settings import get_settings
from tasks.filter.facts import People
from tasks.filter.ledger import Line, chunks, decision, lines, move, skip, superseded
from tasks.filter.recheck import objections, recheck
from tasks.filter.rules import WITHDRAWN, Verdict
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
    verdicts = _still_waiting(scope, session, people, at)
    mine = {line: verdict for line, verdict in verdicts.items() if client_id in (None, line.client_id)}
    return skip(session, objections(mine), stage=Stage.FILTER, at=at)


def follow(scope: Scope, session: Session, people: People, changed: Collection[str], *, at: datetime) -> int:
    """Let what waits for these people follow a change of preferences (by name): closed, or sent another way. How many
    were closed. What was mailed stays mailed, and what was turned away stays so."""
    closed = let_go(scope, session, people, at=at)
    if "frequency" in changed:
        reroute(scope, session, people, at=at)
    return closed


def reroute(scope: Scope, session: Session, people: People, *, at: datetime) -> int:
    """Give what waits for these people the route their frequency asks for now, a decision each; how many changed.

    What is in a mail already stays in it. History goes into the digest whatever the frequency.
    """
    verdicts = _still_waiting(scope, session, people, at)
    # A line that keeps its route is told again too: "your weekly digest" may have become the daily one.
    wanted = {line: one for line, one in verdicts.items() if one.route is not None and not one.is_history}
    moved: set[UUID] = set()
    for route in Route:
        ids = [line.id for line, verdict in wanted.items() if verdict.route is route]
        moved |= move(session, ids, states=(NotificationState.WAITING,), route=route, updated_at=at)
    still = {line: verdict for line, verdict in wanted.items() if line.id in moved}
    insert_rows(session, Decision, [_again(line, verdict, at) for line, verdict in still.items()])
    return sum(line.route is not verdict.route for line, verdict in still.items())


def _still_waiting(scope: Scope, session: Session, people: People, at: datetime) -> dict[Line, Verdict]:
    waiting = lines(scope, session, channel=Channel.EMAIL, user_ids=sorted(people.users))
    return recheck(people, waiting, now=at, freshness_days=get_settings().freshness_days)


def _again(line: Line, verdict: Verdict, at: datetime) -> dict[str, Any]:
    return decision(
        verdict,
        stage=Stage.FILTER,
        at=at,
        event=line.event,
        article_id=line.article_id,
        user_id=line.user_id,
        job_run_id=None,
    )


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
    insert_rows(session, Decision, [_again(line, verdict, now) for line, verdict in wanted.items()])
    return len(wanted)
