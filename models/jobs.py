"""Runs and schedules, in our own database: Prefect forgets, and one run may cross its process."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, delete, func, text, update
from sqlmodel import Field, Session, col, select

from models.base import (
    Json,
    TenantRow,
    enum_field,
    json_field,
    list_field,
    table_args,
    tenant_fk,
    utc_field,
    utc_now,
)
from models.leases import died_here
from models.scope import Scope


class JobType(StrEnum):
    CLIENT_MONITORING = "client_monitoring"
    SEARCH_ONLY = "search_only"
    NOTIFICATION_DIGEST = "notification_digest"


class ScheduleType(StrEnum):
    MANUAL = "manual"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    CUSTOM = "custom"


class SyncState(StrEnum):
    """How far Prefect knows of a schedule: our row is written first, and stays the definition."""

    PENDING = "pending"
    IN_STEP = "in_step"
    FAULT = "fault"


class PausedBy(StrEnum):
    """Who stopped a schedule. Only a person starts it again, whoever it was."""

    PERSON = "person"
    PREFECT = "prefect"
    FAILURES = "failures"


class RunState(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    DEGRADED = "degraded"
    FAILED = "failed"
    CRASHED = "crashed"
    CANCELLED = "cancelled"
    """A person stopped it."""
    SKIPPED = "skipped"
    """A scheduled start that did nothing, because a newer one was due or its schedule was stopped."""


class AutomationSchedule(TenantRow, table=True):
    __tablename__ = "automation_schedules"
    __table_args__ = table_args(
        tenant_fk("created_by", "users"),
        Index("ix_automation_schedules_active", "business_id", "is_active"),
    )

    name: str = Field(max_length=200)
    job_type: JobType = enum_field(JobType)
    schedule_type: ScheduleType = enum_field(ScheduleType)
    cron: str | None = Field(default=None, max_length=120)
    timezone: str = Field(default="UTC", max_length=64)
    client_ids: list[str] | None = Field(default=None, sa_type=Json, nullable=True)
    config: dict[str, Any] = json_field()
    is_active: bool = True
    paused_by: PausedBy | None = enum_field(PausedBy, None, nullable=True)
    created_by: UUID | None = None
    sync_state: SyncState = enum_field(SyncState, SyncState.PENDING)
    sync_error: str = ""
    prefect_schedule_id: str | None = Field(default=None, max_length=64)
    prefect_active: bool | None = None
    """Whether it was active in Prefect when that was last read: what differs since then was done there."""
    revision: int = 1
    """Grows with every change made here, so that what was brought to Prefect meanwhile is known to be older."""
    deleted_at: datetime | None = utc_field()
    """Deleted here; the row goes once Prefect has no such schedule any more."""
    last_run_at: datetime | None = utc_field()
    last_run_state: RunState | None = enum_field(RunState, None, nullable=True)
    next_run_at: datetime | None = utc_field()
    consecutive_failures: int = 0
    last_error: str = ""
    last_error_at: datetime | None = utc_field()
    created_at: datetime = utc_field(nullable=False)


class JobRun(TenantRow, table=True):
    """One run: what it was asked, how it goes, what it came to. It heartbeats with every batch it commits."""

    __tablename__ = "job_runs"
    __table_args__ = table_args(
        tenant_fk("schedule_id", "automation_schedules"),
        Index("ix_job_runs_time", "business_id", "started_at"),
        Index("ix_job_runs_flow_run", "business_id", "flow_run_id"),
        Index(
            "uq_job_runs_slot",
            "business_id",
            "schedule_id",
            "slot",
            unique=True,
            sqlite_where=text("slot IS NOT NULL"),
            postgresql_where=text("slot IS NOT NULL"),
        ),
    )

    schedule_id: UUID | None = None
    slot: datetime | None = utc_field()
    """When its schedule meant it to start; one run a slot. None for what a person started, and for a second attempt."""
    attempt: int = 1
    holder: str = Field(default="", max_length=200)
    """The process that works it (``models.leases.this_process``)."""
    job_type: JobType = enum_field(JobType)
    trigger: str = Field(default="cli", max_length=40)
    state: RunState = enum_field(RunState, RunState.RUNNING)
    params: dict[str, Any] = json_field()
    as_of: datetime = utc_field(nullable=False)
    counts: dict[str, Any] = json_field()
    costs: dict[str, Any] = json_field()
    degraded: list[str] = list_field()
    error: str = ""
    flow_run_id: str | None = Field(default=None, max_length=64)
    started_at: datetime = utc_field(nullable=False)
    heartbeat_at: datetime = utc_field(nullable=False)
    finished_at: datetime | None = utc_field()
    resubmitted_at: datetime | None = utc_field()
    """When a run that lost its process was handed on, or was found to need no successor."""
    stages: dict[str, Any] = json_field()
    """By stage, in order of their beginnings: ``{"search": {"from": ISO, "until": ISO}, …}``."""


def heartbeat(scope: Scope, session: Session, job_run_id: UUID) -> None:
    """Say that the run is alive, in the caller's transaction."""
    session.exec(
        update(JobRun)
        .where(col(JobRun.id) == job_run_id)
        .values(heartbeat_at=utc_now())
        .execution_options(synchronize_session=False)
    )


def mark_crashed(scope: Scope, session: Session, *, silent_for: timedelta) -> list[JobRun]:
    """Runs that lost their process become crashed; returns them.

    A process of this machine that is gone is known at once, any other by the heartbeat it owes.
    """
    now = utc_now()
    running = list(session.exec(select(JobRun).where(JobRun.state == RunState.RUNNING)))
    lost = [run for run in running if run.heartbeat_at < now - silent_for or died_here(run.holder)]
    values = {"state": RunState.CRASHED, "finished_at": now, "error": "its process died or was cut off"}
    ended = [end_run(scope, session, run, **values) for run in lost]
    return [run for run in ended if run is not None]


def end_run(scope: Scope, session: Session, seen: JobRun, **values: Any) -> JobRun | None:
    """End a run that still runs as it was ``seen``, and return it; None when it moved or ended meanwhile."""
    ended = session.exec(
        update(JobRun)
        .where(
            col(JobRun.id) == seen.id,
            col(JobRun.state) == RunState.RUNNING,
            col(JobRun.heartbeat_at) == seen.heartbeat_at,
        )
        .values(**values)
        .returning(col(JobRun.id))
        .execution_options(synchronize_session=False)
    ).first()
    if ended is None:
        return None
    again = select(JobRun).where(JobRun.id == seen.id).execution_options(populate_existing=True)
    return session.exec(again).one()


def schedules(scope: Scope, session: Session, *, deleted: bool = False) -> list[AutomationSchedule]:
    """Schedules by name; those that were deleted and still wait for Prefect only when asked for."""
    query = select(AutomationSchedule).order_by(
        func.lower(AutomationSchedule.name), col(AutomationSchedule.id)
    )
    if not deleted:
        query = query.where(col(AutomationSchedule.deleted_at).is_(None))
    return list(session.exec(query))


def schedule_by_id(scope: Scope, session: Session, schedule_id: UUID) -> AutomationSchedule | None:
    """The schedule, unless it was deleted."""
    row = session.exec(select(AutomationSchedule).where(AutomationSchedule.id == schedule_id)).first()
    return None if row is None or row.deleted_at is not None else row


def change_schedule(scope: Scope, session: Session, row: AutomationSchedule, **values: Any) -> bool:
    """Set columns of a schedule unless somebody changed it since ``row`` was read; whether that was done."""
    done = session.exec(
        update(AutomationSchedule)
        .where(col(AutomationSchedule.id) == row.id, col(AutomationSchedule.revision) == row.revision)
        .values(**values)
        .returning(col(AutomationSchedule.id))
        .execution_options(synchronize_session=False)
    ).first()
    return done is not None


def forget_schedule(scope: Scope, session: Session, schedule_id: UUID) -> None:
    """Remove a schedule's row; its runs stay, and keep its name in their parameters."""
    session.exec(
        update(JobRun)
        .where(col(JobRun.schedule_id) == schedule_id)
        .values(schedule_id=None, slot=None)
        .execution_options(synchronize_session=False)
    )
    session.exec(delete(AutomationSchedule).where(col(AutomationSchedule.id) == schedule_id))


def newer_slot(scope: Scope, session: Session, schedule_id: UUID, slot: datetime) -> datetime | None:
    """The newest start of the schedule after ``slot`` that a run has taken."""
    query = select(func.max(JobRun.slot)).where(
        JobRun.schedule_id == schedule_id, col(JobRun.slot) > slot, JobRun.state != RunState.SKIPPED
    )
    return session.exec(query).one()


def recent_runs(scope: Scope, session: Session, limit: int = 20) -> list[JobRun]:
    """The newest runs first."""
    order = (col(JobRun.started_at).desc(), col(JobRun.id).desc())
    return list(session.exec(select(JobRun).order_by(*order).limit(limit)))


def run_of_flow(scope: Scope, session: Session, flow_run_id: str) -> JobRun | None:
    """The run that a Prefect flow run opened."""
    return session.exec(select(JobRun).where(JobRun.flow_run_id == flow_run_id)).first()
