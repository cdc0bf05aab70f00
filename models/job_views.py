"""Runs as people look through them: by pages, or one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from models.jobs import JobRun
from models.scope import Scope


def runs_page(
    scope: Scope, session: Session, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[JobRun]:
    """The newest runs first; ``after`` is the last of the page before."""
    query = select(JobRun).order_by(col(JobRun.started_at).desc(), col(JobRun.id).desc()).limit(limit)
    if after is not None:
        at, row_id = after
        same_time = and_(col(JobRun.started_at) == at, col(JobRun.id) < row_id)
        query = query.where(or_(col(JobRun.started_at) < at, same_time))
    return list(session.exec(query))


def run_by_id(scope: Scope, session: Session, run_id: UUID) -> JobRun | None:
    """The run of this id, if the business has one."""
    return session.exec(select(JobRun).where(JobRun.id == run_id)).first()
