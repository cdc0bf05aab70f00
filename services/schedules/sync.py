"""Our schedules and Prefect's, brought into step: what ours say is made so there, and a pause made there is kept here.

Order matters. Prefect is read before our rows: whatever of ours is in Prefect had its row committed before, so a
schedule without a row is an orphan. Our row is marked in step only if nobody changed it meanwhile, and only after
Prefect was read again.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlmodel import Session, select

from models import jobs
from models.accounts import Business
from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.jobs import AutomationSchedule, JobType, PausedBy, SyncState
from models.scope import Scope
from services.errors import UserError
from services.schedules.gateway import Deployed, NotDeployed, Prefect, Remote, Unreachable, open_prefect
from services.schedules.recurrence import next_runs, prefect_schedule, recurrence

MONITORING = "monitor-clients/scheduled"
DIGESTS = "send-digests/every-five-minutes"
DEPLOYMENTS = (MONITORING, DIGESTS)
SLUG = "cm-"


class SyncReport(BaseModel):
    """What bringing schedules into step came to; every line names a schedule."""

    done: list[str] = Field(default_factory=list)
    """What was changed, there or here."""
    faults: list[str] = Field(default_factory=list)
    """What could not be brought into step, and why."""
    in_step: int = 0
    pending: int = 0
    """Schedules whose definition Prefect does not have yet."""
    unreachable: str = ""
    mend: str = ""

    @property
    def is_in_step(self) -> bool:
        """Whether Prefect works by all that we have."""
        return not (self.faults or self.pending or self.unreachable)

    @property
    def sentence(self) -> str:
        """How it stands, in one line."""
        if self.unreachable:
            return f"{self.unreachable}; changes wait until it is back"
        if self.faults:
            return "; ".join(self.faults)
        return "waiting for Prefect" if self.pending else "in step with Prefect"


@dataclass(slots=True)
class _Seen:
    """Prefect's side, as read at one moment."""

    deployed: dict[str, Deployed] = field(default_factory=dict)
    missing: dict[str, NotDeployed] = field(default_factory=dict)
    remotes: list[Remote] = field(default_factory=list)

    def of(self, row: AutomationSchedule) -> list[Remote]:
        return [one for one in self.remotes if one.slug == slug_of(row.id)]

    def wanted(self, row: AutomationSchedule) -> Remote | None:
        """The row's schedule where it belongs."""
        home = deployment_for(row.job_type)
        return next((one for one in self.of(row) if one.deployment.name == home), None)


def slug_of(schedule_id: UUID) -> str:
    """The name of a schedule in Prefect; it never changes."""
    return f"{SLUG}{schedule_id}"


def deployment_for(job_type: JobType) -> str:
    """The deployment that runs schedules of this type."""
    return DIGESTS if job_type is JobType.NOTIFICATION_DIGEST else MONITORING


def parameters_of(row: AutomationSchedule, business: str) -> dict[str, Any]:
    """What the flow is told: ids only, the row says the rest."""
    told: dict[str, Any] = {"business": business, "schedule_id": str(row.id)}
    if row.job_type is JobType.NOTIFICATION_DIGEST:
        return told
    told["days_back"] = row.config.get("days_back", 7)
    told["search_only"] = row.job_type is JobType.SEARCH_ONLY
    if row.client_ids is not None:
        told["clients"] = list(row.client_ids)
    return told


def sync(
    scope: Scope | None = None, *, only: Collection[UUID] | None = None, timeout: float = 5.0
) -> SyncReport:
    """Bring the tenant's schedules (every tenant's without ``scope``) into step with Prefect.

    ``only``: these, and no look for schedules in Prefect that have no row. With Prefect away nothing changes, and the
    report says so: this raises no error for it.
    """
    scope = scope or Scope.operator()
    report = SyncReport()
    try:
        with open_prefect(timeout=timeout) as prefect:
            _mend(prefect, scope, only, report)
    except Unreachable as error:
        report.unreachable, report.mend = str(error), error.mend
    with reading(scope) as session:
        rows = _chosen(jobs.schedules(scope, session, deleted=True), only)
    report.in_step = sum(row.sync_state is SyncState.IN_STEP for row in rows)
    report.pending = sum(row.sync_state is SyncState.PENDING for row in rows)
    return report


def _mend(prefect: Prefect, scope: Scope, only: Collection[UUID] | None, report: SyncReport) -> None:
    before = _look(prefect)
    with reading(scope) as session:
        rows = _chosen(jobs.schedules(scope, session, deleted=True), only)
        slugs = {business.id: business.slug for business in session.exec(select(Business))}
    faults: dict[UUID, str] = {}
    touched = False
    for row in rows:
        try:
            touched |= _push(prefect, before, row, slugs[row.business_id], report)
        except Unreachable:
            raise
        except UserError as error:
            faults[row.id] = str(error)
    if only is None:
        touched |= _remove_orphans(prefect, scope, before, rows, slugs, report)
    after = _look(prefect) if touched else before
    for row in rows:
        _settle(after, row, slugs[row.business_id], faults.get(row.id, ""), report)


def _chosen(rows: Iterable[AutomationSchedule], only: Collection[UUID] | None) -> list[AutomationSchedule]:
    return [row for row in rows if only is None or row.id in only]


def _look(prefect: Prefect) -> _Seen:
    seen = _Seen()
    for name in DEPLOYMENTS:
        try:
            deployed = prefect.deployment(name)
        except NotDeployed as error:
            seen.missing[name] = error
            continue
        seen.deployed[name] = deployed
        seen.remotes += prefect.schedules(deployed)
    return seen


def _push(prefect: Prefect, seen: _Seen, row: AutomationSchedule, business: str, report: SyncReport) -> bool:
    """Make Prefect's side say what the row says; whether anything was changed there."""
    wanted = prefect_schedule(row) if row.deleted_at is None else None
    home = deployment_for(row.job_type)
    touched = False
    for stray in seen.of(row):
        if wanted is None or stray.deployment.name != home:
            prefect.remove(stray)
            touched = True
    if wanted is None:
        return touched
    if home in seen.missing:
        raise seen.missing[home]
    remote = seen.wanted(row)
    if remote is None:
        parameters = parameters_of(row, business)
        prefect.add(seen.deployed[home], slug_of(row.id), wanted, parameters, active=row.is_active)
        was_there = row.prefect_schedule_id is not None and row.sync_state is SyncState.IN_STEP
        report.done.append(f"{row.name}: {'was gone from Prefect, made again' if was_there else 'made'}")
        return True
    return _update(prefect, row, remote, business, report) or touched


def _update(
    prefect: Prefect, row: AutomationSchedule, remote: Remote, business: str, report: SyncReport
) -> bool:
    parameters = parameters_of(row, business)
    changes: dict[str, Any] = {}
    said: list[str] = []
    if remote.recurrence != recurrence(row):
        changes["schedule"] = prefect_schedule(row)
        said.append("schedule")
    if remote.parameters != parameters:
        said.append("parameters")
    if remote.active != row.is_active and not _was_done_there(row, remote):
        changes["active"] = row.is_active
        said.append("resumed" if row.is_active else "paused")
    if not said:
        return False
    prefect.change(remote, parameters=parameters, **changes)
    if said == ["parameters"] and remote.active != row.is_active:
        return True  # Prefect empties them when somebody pauses or resumes there: that is said, not this
    report.done.append(f"{row.name}: brought to Prefect: {', '.join(said)}")
    return True


def _was_done_there(row: AutomationSchedule, remote: Remote) -> bool:
    """Whether somebody paused it in Prefect, or took back such a pause, since it was last read.

    A pause that was made here, or by failures, is not taken back there: only a person here does.
    """
    if row.prefect_active is None or remote.active == row.prefect_active:
        return False
    return not remote.active or row.paused_by is PausedBy.PREFECT


def _remove_orphans(
    prefect: Prefect,
    scope: Scope,
    seen: _Seen,
    rows: Collection[AutomationSchedule],
    slugs: dict[UUID, str],
    report: SyncReport,
) -> bool:
    """Remove from Prefect what bears our slug and has no row: of one tenant only what names it."""
    known = {slug_of(row.id) for row in rows}
    tenants = {slug: business_id for business_id, slug in slugs.items()}
    touched = False
    for remote in seen.remotes:
        if not remote.slug or not remote.slug.startswith(SLUG) or remote.slug in known:
            continue
        owner = tenants.get(str(remote.parameters.get("business")))
        if scope.business_id is not None and owner != scope.business_id:
            continue
        prefect.remove(remote)
        touched = True
        report.done.append(f"{remote.slug}: removed from Prefect, there is no such schedule")
        if owner is not None:
            own = Scope.system(owner)
            with writing(own) as session:
                record(own, session, "schedule.orphan_removed", remote.slug, was=remote.recurrence)
    return touched


def _settle(seen: _Seen, row: AutomationSchedule, business: str, fault: str, report: SyncReport) -> None:
    """Write down how far Prefect is in step with the row, unless the row was changed meanwhile."""
    own = Scope.system(row.business_id)
    if row.deleted_at is not None:
        if not seen.of(row) and not fault:
            with writing(own) as session:
                jobs.forget_schedule(own, session, row.id)
            report.done.append(f"{row.name}: removed")
        return
    values = _standing(seen, row, business, fault)
    if values["sync_state"] is SyncState.FAULT:
        report.faults.append(f"{row.name}: {values['sync_error']}")
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not changed:
        return
    if "is_active" in changed:
        changed["revision"] = row.revision + 1
    with writing(own) as session:
        if jobs.change_schedule(own, session, row, **changed) and "is_active" in changed:
            _audit_pause(own, session, row, report, active=changed["is_active"])


def _standing(seen: _Seen, row: AutomationSchedule, business: str, fault: str) -> dict[str, Any]:
    remote = seen.wanted(row)
    values: dict[str, Any] = {"sync_state": SyncState.IN_STEP, "sync_error": ""}
    if fault:
        state = SyncState.PENDING if deployment_for(row.job_type) in seen.missing else SyncState.FAULT
        return values | {"sync_state": state, "sync_error": fault}
    said = recurrence(row)
    if said is None:
        nothing = {"prefect_schedule_id": None, "prefect_active": None, "next_run_at": None}
        return values | nothing
    if remote is None or remote.recurrence != said or remote.parameters != parameters_of(row, business):
        return values | {"sync_state": SyncState.FAULT, "sync_error": "Prefect did not keep what it was told"}
    values |= {"prefect_schedule_id": str(remote.id), "prefect_active": remote.active}
    if remote.active != row.is_active:
        values["is_active"] = remote.active
        values["paused_by"] = None if remote.active else PausedBy.PREFECT
    starts = next_runs(row, 1, after=utc_now()) if remote.active else []
    return values | {"next_run_at": starts[0] if starts else None}


def _audit_pause(
    scope: Scope, session: Session, row: AutomationSchedule, report: SyncReport, *, active: bool
) -> None:
    action = "schedule.resumed_in_prefect" if active else "schedule.paused_in_prefect"
    record(scope, session, action, str(row.id), name=row.name)
    report.done.append(
        f"{row.name}: {'its pause in Prefect was taken back there' if active else 'was paused in Prefect'}"
    )
