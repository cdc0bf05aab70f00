"""Lines of the notification ledger: reading those that wait, and closing those that will not be mailed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select as sa_select
from sqlalchemy import update
from sqlmodel import Session, col

from models.engine import insert_rows
from models.events import Decision, Event, Stage
from models.mail import Channel, Notification, NotificationState, Route, SkipReason
from models.scope import Scope
from tasks.filter.facts import FACT_COLUMNS, event_facts
from tasks.filter.rules import EventFacts, Verdict

ENGINE_VERSION = "1"
_CHUNK = 5_000
_STATES = {
    None: NotificationState.SKIPPED,
    Route.INSTANT: NotificationState.WAITING,
    Route.DIGEST: NotificationState.WAITING,
    Route.IN_APP: NotificationState.DELIVERED,
}

T = TypeVar("T")


_LINE_COLUMNS: tuple[Any, ...] = (
    col(Notification.id).label("line_id"),
    col(Notification.revision).label("line_revision"),
    col(Notification.is_history).label("line_is_history"),
    *(Notification.user_id, Notification.route, Notification.state, Notification.reason),
)
_EVENT_COLUMNS: tuple[Any, ...] = (
    *FACT_COLUMNS,
    *(Event.revision, Event.story_id, Event.article_id, Event.title),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A notification with what its event says now."""

    id: UUID
    user_id: UUID
    client_id: UUID
    revision: int
    route: Route | None
    state: NotificationState
    reason: SkipReason | None
    is_history: bool
    event: EventFacts
    event_revision: int
    story_id: UUID
    article_id: UUID
    title: str


def lines(
    scope: Scope,
    session: Session,
    *,
    states: Sequence[NotificationState] = (NotificationState.WAITING,),
    route: Route | None = None,
    channel: Channel | None = None,
    user_ids: Sequence[UUID] | None = None,
    delivery_id: UUID | None = None,
    event_ids: Sequence[UUID] | None = None,
    only_history: bool = False,
) -> list[Line]:
    """The ledger's lines in these states, most relevant first, then newest; ties by title, so that two
    databases with the same news agree."""
    query = (
        # Columns, not objects: a digest that was long in coming weighs thousands of lines.
        sa_select(*_LINE_COLUMNS, *_EVENT_COLUMNS)
        .join(Event, col(Event.id) == col(Notification.event_id))
        .where(col(Notification.state).in_(states))
    )
    if route is not None:
        query = query.where(col(Notification.route) == route)
    if channel is not None:
        query = query.where(col(Notification.channel) == channel)
    if user_ids is not None:
        query = query.where(col(Notification.user_id).in_(user_ids))
    if delivery_id is not None:
        query = query.where(col(Notification.delivery_id) == delivery_id)
    if event_ids is not None:
        query = query.where(col(Notification.event_id).in_(event_ids))
    if only_history:
        query = query.where(col(Notification.is_history).is_(True))
    found = [_line(row) for row in session.execute(query)]
    found.sort(key=rank)
    return found


def _line(row: Any) -> Line:
    return Line(
        id=row.line_id,
        user_id=row.user_id,
        client_id=row.client_id,
        revision=row.line_revision,
        route=row.route,
        state=row.state,
        reason=row.reason,
        is_history=row.line_is_history,
        event=event_facts(row),
        event_revision=row.revision,
        story_id=row.story_id,
        article_id=row.article_id,
        title=row.title,
    )


def rank(line: Line) -> tuple[float, float, str, str]:
    """Sort key: most relevant first, then newest, then by title."""
    return (-line.event.relevance, -line.event.happened_at.timestamp(), line.title, str(line.event.event_id))


def superseded(line: Line) -> Verdict:
    """The verdict on a line whose event has a newer revision, which has a line of its own."""
    return Verdict(None, SkipReason.SUPERSEDED, f"revision {line.event_revision} of this event replaces it")


def skip(
    session: Session,
    verdicts: Mapping[Line, Verdict] | Iterable[tuple[Line, Verdict]],
    *,
    stage: Stage,
    at: datetime,
    job_run_id: UUID | None = None,
    delivery_id: UUID | None = None,
    states: Sequence[NotificationState] = (NotificationState.WAITING,),
) -> int:
    """Close lines that are still in ``states`` with their reason, a decision each; how many were closed.
    A verdict without a reason closes nothing.

    With ``delivery_id`` the line names the mail that left it out.
    """
    pairs = list(verdicts.items() if isinstance(verdicts, Mapping) else verdicts)
    by_reason: dict[SkipReason, list[tuple[Line, Verdict]]] = {}
    for line, verdict in pairs:
        if verdict.reason is not None:
            by_reason.setdefault(verdict.reason, []).append((line, verdict))
    closed = 0
    for reason, group in sorted(by_reason.items()):
        values: dict[str, Any] = {
            "state": NotificationState.SKIPPED,
            "reason": reason,
            "delivery_id": delivery_id,
            "updated_at": at,
        }
        changed = move(session, [line.id for line, _ in group], states=states, **values)
        insert_rows(
            session,
            Decision,
            [
                decision(
                    verdict,
                    stage=stage,
                    at=at,
                    event=line.event,
                    article_id=line.article_id,
                    user_id=line.user_id,
                    job_run_id=job_run_id,
                )
                for line, verdict in group
                if line.id in changed
            ],
        )
        closed += len(changed)
    return closed


def move(
    session: Session, ids: Sequence[UUID], *, states: Sequence[NotificationState], **values: Any
) -> set[UUID]:
    """Change lines that are still in ``states``; the ids of those that were."""
    changed: set[UUID] = set()
    for part in chunks(ids):
        rows = session.exec(
            update(Notification)
            .where(col(Notification.id).in_(part), col(Notification.state).in_(states))
            .values(**values)
            .returning(col(Notification.id))
            .execution_options(synchronize_session=False)
        )
        changed.update(row[0] for row in rows)
    return changed


def decision(
    verdict: Verdict,
    *,
    stage: Stage,
    at: datetime,
    event: EventFacts,
    article_id: UUID,
    user_id: UUID | None,
    job_run_id: UUID | None,
    bar: float | None = None,
) -> dict[str, Any]:
    """A row of the append-only record; it has every column, as ``insert_rows`` needs."""
    parts: dict[str, Any] = {"relevance": event.relevance}
    if bar is not None:
        parts["threshold"] = bar
    return {
        "stage": stage,
        "verdict": verdict.route.value if verdict.route else "skip",
        "reason_code": verdict.reason.value if verdict.reason else "wanted",
        "reason": verdict.sentence,
        "evidence": "",
        "parts": parts,
        "engine": "rules",
        "engine_version": ENGINE_VERSION,
        "article_id": article_id,
        "client_id": event.client_id,
        "event_id": event.event_id,
        "user_id": user_id,
        "job_run_id": job_run_id,
        "created_at": at,
    }


def line_row(
    verdict: Verdict,
    *,
    event: EventFacts,
    revision: int,
    user_id: UUID,
    channel: Channel,
    at: datetime,
) -> dict[str, Any]:
    """A new line as the verdict has it; it has every column, as ``insert_rows`` needs."""
    return {
        "event_id": event.event_id,
        "revision": revision,
        "user_id": user_id,
        "client_id": event.client_id,
        "channel": Channel.IN_APP if verdict.route is Route.IN_APP else channel,
        "route": verdict.route,
        "state": _STATES[verdict.route],
        "reason": verdict.reason,
        "is_history": verdict.is_history,
        "delivery_id": None,
        "created_at": at,
        "updated_at": at,
    }


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts small enough for one statement's parameters."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
