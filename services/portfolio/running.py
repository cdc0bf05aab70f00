"""A run of one client, watched: how far it is, and what it found about the client."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, select

from models.base import utc_now
from models.engine import reading
from models.events import Category, Event
from models.jobs import JobRun, RunState
from models.portfolio import events_made_since
from models.scope import Scope
from services.errors import UserError

STAGES = ("search", "dedupe", "enrich", "classify", "filter", "notify")
"""In the order in which a run goes through them."""


class Made(BaseModel):
    """An event that the run made, or told anew."""

    model_config = ConfigDict(frozen=True)

    event_id: UUID
    title: str
    category: Category
    is_new: bool


class Watched(BaseModel):
    """A run as somebody who waits for it sees it."""

    model_config = ConfigDict(frozen=True)

    job_run_id: UUID
    state: RunState
    is_over: bool
    seconds: float
    done: tuple[str, ...]
    """Stages that have told of themselves, the last of which may go on."""
    share: float
    """How much of the way lies behind it, from 0 to 1."""
    items: int
    """Found by its sources, known ones too."""
    new_items: int
    degraded: tuple[str, ...]
    error: str
    made: tuple[Made, ...] = ()
    """What it made of the client; only once it is over."""


def watch(
    scope: Scope, job_run_id: UUID, client_id: UUID | None = None, *, now: datetime | None = None
) -> Watched:
    """The run as it stands; what it made, of one client. UserError when the business has none of this id."""
    with reading(scope) as session:
        run = session.exec(select(JobRun).where(JobRun.id == job_run_id)).first()
        if run is None:
            raise UserError("there is no such run in this business", "start one")
        is_over = run.state is not RunState.RUNNING
        made = _made(scope, session, run, client_id) if is_over and client_id is not None else ()
    done = tuple(stage for stage in STAGES if stage in run.stages)
    return Watched(
        job_run_id=run.id,
        state=run.state,
        is_over=is_over,
        seconds=((run.finished_at or now or utc_now()) - run.started_at).total_seconds(),
        done=done,
        share=1.0 if is_over else len(done) / len(STAGES),
        items=int(run.counts.get("search.found", 0)),
        new_items=int(run.counts.get("search.new", 0)),
        degraded=tuple(run.degraded),
        error=run.error,
        made=made,
    )


def _made(scope: Scope, session: Session, run: JobRun, client_id: UUID) -> tuple[Made, ...]:
    events: list[Event] = events_made_since(scope, session, client_id, run.started_at)
    return tuple(
        Made(
            event_id=event.id,
            title=event.title,
            category=event.category,
            is_new=event.created_at >= run.started_at,
        )
        for event in events
    )
