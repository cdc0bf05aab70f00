"""What a tenant still has to do before its first digest: read off what is there, so that no progress can be lost."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import func, update
from sqlmodel import Session, col, select

from models.accounts import Business
from models.audit import AuditLog, record
from models.base import new_id, utc_now
from models.clients import Client, ClientAssignment, active_clients, open_assignments
from models.engine import reading, writing
from models.jobs import JobRun, JobType, RunState
from models.providers import ProviderKind, provider_configs
from models.scope import Scope
from models.settings import get_settings
from services.accounts import require_admin
from services.portfolio.people import Change, reassign
from tasks.plan import RunPlan
from tasks.search.units import specs_of

AT_WORK_AFTER = timedelta(days=1)
"""A tenant with a good run older than this has found its way."""
_GOOD = (RunState.COMPLETED, RunState.DEGRADED)


class FirstSteps(BaseModel):
    """How far the tenant is, as seen by the scope's person."""

    clients: int
    mine: int
    """Of those, how many the person looks after."""
    orphans: int
    """Of those, how many nobody looks after: nobody is told of them unless they follow all clients."""
    sources: list[str]
    """Names of the sources that a run would ask."""
    has_set_mail: bool
    run_id: UUID | None = None
    """The newest run that looked for news."""
    run_state: RunState | None = None
    has_good_run: bool = False

    @property
    def done(self) -> tuple[bool, bool, bool, bool]:
        """Whether each of the four steps is."""
        return (self.clients > 0, bool(self.sources), self.has_set_mail, self.has_good_run)


def is_new(scope: Scope, *, now: datetime | None = None) -> bool:
    """Whether the tenant is to be led: nobody said otherwise, and it has not been at work for a day. One query."""
    at_work = (
        select(JobRun.id)
        .where(
            JobRun.business_id == scope.business,
            JobRun.started_at < (now or utc_now()) - AT_WORK_AFTER,
            JobRun.job_type == JobType.CLIENT_MONITORING,
            col(JobRun.state).in_(_GOOD),
        )
        .exists()
    )
    with reading(scope) as session:
        wanted, is_demo, works = session.exec(
            select(Business.first_steps_wanted, Business.is_demo, at_work).where(
                Business.id == scope.business
            )
        ).one()
    return not (is_demo or works) if wanted is None else wanted


def first_steps(scope: Scope) -> FirstSteps:
    """How far the tenant is with each step. For admins."""
    require_admin(scope)
    with reading(scope) as session:
        watched = select(func.count()).select_from(Client).where(col(Client.archived_at).is_(None))
        run = _newest_run(session)
        return FirstSteps(
            clients=session.exec(watched).one(),
            mine=_looked_after(session, scope.user_id),
            orphans=len(_orphans(scope, session)),
            sources=_sources(scope, session),
            has_set_mail=_has_set_mail(session, scope.user_id),
            run_id=run.id if run else None,
            run_state=run.state if run else None,
            has_good_run=_has_good_run(session),
        )


def want_first_steps(scope: Scope, wanted: bool) -> bool:
    """End the tenant's first steps, or take them up again; whether that changed anything. For admins."""
    require_admin(scope)
    with writing(scope) as session:
        changed = session.exec(
            update(Business)
            .where(
                col(Business.id) == scope.business, col(Business.first_steps_wanted).is_distinct_from(wanted)
            )
            .values(first_steps_wanted=wanted)
            .returning(col(Business.id))
            .execution_options(synchronize_session=False)
        ).first()
        if changed is not None:
            record(scope, session, "first_steps.resumed" if wanted else "first_steps.ended")
        return changed is not None


def look_after_orphans(scope: Scope) -> int:
    """Let the scope's person look after the watched clients that nobody looks after; how many. For admins."""
    require_admin(scope)
    if scope.user_id is None:
        raise PermissionError("clients are looked after by a person: say whom")
    with reading(scope) as session:
        ids = _orphans(scope, session)
    return reassign(scope, ids, Change(give=frozenset({scope.user_id}))).clients if ids else 0


def _orphans(scope: Scope, session: Session) -> list[UUID]:
    assigned = open_assignments(scope, session)
    return [client.id for client in active_clients(scope, session) if not assigned.get(client.id)]


def _looked_after(session: Session, user_id: UUID | None) -> int:
    theirs = (
        select(func.count())
        .select_from(ClientAssignment)
        .join(Client, col(Client.id) == ClientAssignment.client_id)
        .where(
            ClientAssignment.user_id == user_id,
            col(ClientAssignment.ended_at).is_(None),
            col(Client.archived_at).is_(None),
        )
    )
    return session.exec(theirs).one()


def _sources(scope: Scope, session: Session) -> list[str]:
    configs = {one.name: one for one in provider_configs(scope, session, ProviderKind.SOURCE)}
    plan = RunPlan(business_id=scope.business, job_run_id=new_id(), as_of=utc_now())
    return sorted(spec.name for spec in specs_of(plan, get_settings(), configs))


def _has_set_mail(session: Session, user_id: UUID | None) -> bool:
    changed = select(AuditLog.id).where(
        AuditLog.actor_id == user_id,
        AuditLog.action == "preferences.changed",
        AuditLog.subject == str(user_id),
    )
    return session.exec(changed.limit(1)).first() is not None


def _newest_run(session: Session) -> JobRun | None:
    looked = select(JobRun).where(JobRun.job_type == JobType.CLIENT_MONITORING)
    return session.exec(
        looked.order_by(col(JobRun.started_at).desc(), col(JobRun.id).desc()).limit(1)
    ).first()


def _has_good_run(session: Session) -> bool:
    good = select(JobRun.id).where(JobRun.job_type == JobType.CLIENT_MONITORING, col(JobRun.state).in_(_GOOD))
    return session.exec(good.limit(1)).first() is not None
