"""The filter stage: takes events off its backlog and writes the ledger's line for every person considered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import true, update
from sqlmodel import Session, col, select

from models.clock import Clock, SystemClock
from models.engine import insert_rows, writing
from models.events import Decision, Event, Stage
from models.jobs import heartbeat
from models.mail import Channel, Notification, NotificationState, SkipReason, channel_of
from models.scope import Scope
from models.settings import get_settings
from tasks.filter.facts import FACT_COLUMNS, People, event_facts, load_people
from tasks.filter.known import known_lines, reopen, supersede, take_back
from tasks.filter.ledger import Line, chunks, decision, line_row, lines, rank, skip
from tasks.filter.rules import HISTORY_PER_CLIENT, EventFacts, Verdict, decide, reach
from tasks.plan import RunPlan, StageReport

_NOBODY = Verdict(None, SkipReason.NOT_ASSIGNED, "nobody looks after this client")
_INVENTED = Verdict(None, SkipReason.INVENTED, "invented news, left over from a mock run, is never mailed")
_ENOUGH_HISTORY = Verdict(
    None,
    SkipReason.HISTORY,
    f"history: the first digest shows the {HISTORY_PER_CLIENT} most relevant items of a client",
)


@dataclass(frozen=True, slots=True)
class _Taken:
    """An event this batch took off the backlog."""

    facts: EventFacts
    revision: int
    article_id: UUID
    title: str
    is_mock: bool


@dataclass(slots=True)
class _Judged:
    """One event weighed for one person."""

    taken: _Taken
    user_id: UUID
    verdict: Verdict
    bar: float


def filter_batch(plan: RunPlan, limit: int, *, clock: Clock | None = None) -> StageReport:
    """Decide up to ``limit`` events of the backlog, in one transaction.

    Every (event revision, person considered) gets one notification, waiting or skipped with its reason, and
    one decision; an event nobody is considered for gets a decision without a person. Older revisions that still
    wait are superseded; lines of a withdrawn event are taken back, and decided again when it turns out to be about
    its client after all. Two runs at once take different events.
    """
    at = (clock or SystemClock()).now()
    counts = dict.fromkeys(("events", "instant", "digest", "skipped"), 0)
    with writing(plan.scope) as session:
        taken = _take(plan.scope, session, plan, limit)
        if not taken:
            return StageReport(stage=Stage.FILTER.value)
        people = load_people(plan.scope, session)
        judged = _judge(people, taken, plan)
        _limit_history(plan, session, judged, at)
        fresh = _write(plan, session, taken, judged, at)
        renewed = [item.facts.event_id for item in taken if item.revision > 1]
        superseded_lines = supersede(plan, session, renewed, at)
        gone = [item.facts.event_id for item in taken if item.facts.withdrawn]
        withdrawn_lines = take_back(plan, session, gone, at)
        heartbeat(plan.scope, session, plan.job_run_id)
    counts["events"] = len(taken)
    for item in fresh:
        verdict = item.verdict
        way = verdict.route.value if verdict.route else "skipped"
        counts[way] = counts.get(way, 0) + 1
        if verdict.reason:
            key = f"skipped_{verdict.reason.value}"
            counts[key] = counts.get(key, 0) + 1
    if superseded_lines:
        counts["superseded"] = superseded_lines
    if withdrawn_lines:
        counts["taken_back"] = withdrawn_lines
    return StageReport(stage=Stage.FILTER.value, done=len(taken), counts=counts)


def filter_backlog(
    scope: Scope, session: Session, client_ids: Sequence[UUID] | None, limit: int
) -> list[UUID]:
    """The oldest events that wait for *filter* and no other run is taking now."""
    # "= true", not "IS true": SQLite uses a partial index only for the words of its own condition.
    query = select(Event.id).where(col(Event.needs_filter) == true())
    if client_ids is not None:
        query = query.where(col(Event.client_id).in_(client_ids))
    return list(session.exec(query.order_by(col(Event.id)).limit(limit).with_for_update(skip_locked=True)))


def _take(scope: Scope, session: Session, plan: RunPlan, limit: int) -> list[_Taken]:
    ids = filter_backlog(scope, session, plan.client_ids, limit)
    wanted = (*FACT_COLUMNS, Event.revision, Event.article_id, Event.title, Event.is_mock)
    rows: list[Any] = []
    for part in chunks(ids):
        # The condition is said again: on PostgreSQL a row may have been taken while we waited for its lock.
        rows += session.exec(
            update(Event)
            .where(col(Event.id).in_(part), col(Event.needs_filter) == true())
            .values(needs_filter=False)
            .returning(*wanted)
            .execution_options(synchronize_session=False)
        ).all()
    rows.sort(key=lambda row: str(row.id))
    return [_Taken(event_facts(row), row.revision, row.article_id, row.title, row.is_mock) for row in rows]


def _judge(people: People, taken: Sequence[_Taken], plan: RunPlan) -> list[_Judged]:
    delivers = channel_of(plan.deliver) is Channel.EMAIL
    days = get_settings().freshness_days
    considered: dict[UUID, list[Any]] = {}
    judged: list[_Judged] = []
    for item in taken:
        client_id = item.facts.client_id
        readers = considered.get(client_id)
        if readers is None:
            considering = people.considered(client_id, plan.as_of)
            readers = [people.facts(user_id, client_id, plan.as_of) for user_id in considering]
            considered[client_id] = readers
        for person in readers:
            # What may not be delivered is not shown in the app as news either.
            weigh = reach if delivers else decide
            verdict = weigh(item.facts, person, as_of=plan.as_of, freshness_days=days)
            if item.is_mock and delivers and verdict.reason is None:
                verdict = _INVENTED
            judged.append(_Judged(item, person.user_id, verdict, person.bar))
    return judged


def _limit_history(plan: RunPlan, session: Session, judged: Sequence[_Judged], at: datetime) -> None:
    """Keep the best history of each (person, client) over this batch and those before it, however they were cut.

    What earlier batches let through and still waits gives way to something more relevant; what is already in a
    mail keeps its place.
    """
    candidates: dict[tuple[UUID, UUID], list[_Judged]] = {}
    for item in judged:
        if item.verdict.is_history:
            candidates.setdefault((item.user_id, item.taken.facts.client_id), []).append(item)
    if not candidates:
        return
    live = tuple(state for state in NotificationState if state is not NotificationState.SKIPPED)
    readers = sorted({user_id for user_id, _ in candidates})
    earlier = lines(plan.scope, session, states=live, user_ids=readers, only_history=True)
    displaced: list[tuple[Line, Verdict]] = []
    for (user_id, client_id), new in candidates.items():
        kept = [line for line in earlier if (line.user_id, line.client_id) == (user_id, client_id)]
        movable = [line for line in kept if line.state is NotificationState.WAITING]
        room = HISTORY_PER_CLIENT - (len(kept) - len(movable))
        pool: list[Line | _Judged] = [*movable, *new]
        pool.sort(key=lambda entry: _rank(entry) if isinstance(entry, _Judged) else rank(entry))
        for loser in pool[max(room, 0) :]:
            if isinstance(loser, _Judged):
                loser.verdict = _ENOUGH_HISTORY
            else:
                displaced.append((loser, _ENOUGH_HISTORY))
    skip(session, displaced, stage=Stage.FILTER, at=at, job_run_id=plan.job_run_id)


def _rank(item: _Judged) -> tuple[float, float, str, str]:
    facts = item.taken.facts
    return (-facts.relevance, -facts.happened_at.timestamp(), item.taken.title, str(facts.event_id))


def _write(
    plan: RunPlan, session: Session, taken: Sequence[_Taken], judged: Sequence[_Judged], at: datetime
) -> list[_Judged]:
    channel = channel_of(plan.deliver)
    rows = [
        line_row(
            item.verdict,
            event=item.taken.facts,
            revision=item.taken.revision,
            user_id=item.user_id,
            channel=channel,
            at=at,
        )
        for item in judged
    ]
    # A line that exists stays as it is, on whichever channel: what a person has got is not decided again.
    withdrawn = {item.facts.event_id for item in taken if item.facts.withdrawn}
    known, taken_back = known_lines(session, [item.facts.event_id for item in taken], withdrawn)
    fresh_rows = [row for row in rows if (row["event_id"], row["revision"], row["user_id"]) not in known]
    inserted = insert_rows(
        session, Notification, fresh_rows, ignore_conflicts=True, returning=("event_id", "user_id")
    )
    new = {(row["event_id"], row["user_id"]) for row in inserted}
    new |= reopen(session, rows, taken_back, at)
    fresh = [item for item in judged if (item.taken.facts.event_id, item.user_id) in new]
    someone = {item.taken.facts.event_id for item in judged}
    decisions = [
        _decision(plan, item.taken, item.verdict, at=at, reader=(item.user_id, item.bar)) for item in fresh
    ]
    decisions += [
        _decision(plan, item, _NOBODY, at=at) for item in taken if item.facts.event_id not in someone
    ]
    insert_rows(session, Decision, decisions)
    return fresh


def _decision(
    plan: RunPlan, item: _Taken, verdict: Verdict, *, at: datetime, reader: tuple[UUID, float] | None = None
) -> Mapping[str, Any]:
    return decision(
        verdict,
        stage=Stage.FILTER,
        at=at,
        event=item.facts,
        article_id=item.article_id,
        user_id=reader[0] if reader else None,
        job_run_id=plan.job_run_id,
        bar=reader[1] if reader else None,
    )
