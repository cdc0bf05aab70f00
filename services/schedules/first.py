"""The schedule that a tenant begins with, so that it is monitored without anybody's asking: once an hour.

It stood in prefect.yaml once, as ``main-hourly``. Prefect keeps what is removed there, so what is found
of it becomes a row, a pause included, and goes.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import select

from models import jobs
from models.audit import AuditLog
from models.base import new_id, utc_now
from models.clients import active_clients
from models.engine import reading, writing
from models.jobs import PausedBy, ScheduleType
from models.providers import ProviderKind, provider_configs
from models.scope import Scope
from models.settings import get_settings
from services.accounts import every_business, own_business
from services.errors import UserError
from services.schedules.definition import Definition
from services.schedules.gateway import NotDeployed, Unreachable, open_prefect
from services.schedules.keeping import add
from services.schedules.sync import MONITORING
from tasks.plan import RunPlan
from tasks.search.units import specs_of

LEGACY = "main-hourly"
_LEGACY_MINUTE = 7


def first_schedules(*, now: datetime | None = None) -> list[str]:
    """Give each tenant that is ready and never had a schedule its first; a line for each that was made.

    Ready is who watches a client and has a source switched on: before that every run would fail. The demo has none.
    """
    now = now or utc_now()
    return [
        line for business in every_business() if not business.is_demo for line in _first(business.id, now)
    ]


def adopt_legacy() -> list[str]:
    """Turn a ``main-hourly`` that Prefect still has into the tenant's row; a line when there was one."""
    try:
        with open_prefect() as prefect:
            found = [one for one in prefect.schedules(prefect.deployment(MONITORING)) if one.slug == LEGACY]
            if not found:
                return []
            lines = _adopt(active=found[0].active)
            prefect.remove(found[0])
    except (Unreachable, NotDeployed):
        return []
    return lines or [f"{LEGACY}: removed from Prefect"]


def _adopt(*, active: bool) -> list[str]:
    try:
        business = own_business(None)
    except UserError:
        return []
    scope = Scope.system(business.id)
    if _ever_had_one(scope):
        return []
    paused = {} if active else {"is_active": False, "paused_by": PausedBy.PREFECT}
    with writing(scope) as session:
        row = add(scope, session, _hourly(_LEGACY_MINUTE), **paused)
    return [f"{LEGACY}: is now the schedule {row.name!r} of {business.slug}"]


def _first(business_id: UUID, now: datetime) -> list[str]:
    scope = Scope.system(business_id)
    if _ever_had_one(scope) or not _is_ready(scope, now):
        return []
    with writing(scope) as session:
        # Tenants are spread over the hour.
        row = add(scope, session, _hourly(business_id.int % 60))
    return [f"{row.name}: the first schedule was made"]


def _hourly(minute: int) -> Definition:
    return Definition(name="Every hour", schedule_type=ScheduleType.HOURLY, minute=minute)


def _ever_had_one(scope: Scope) -> bool:
    with reading(scope) as session:
        made = select(AuditLog.id).where(AuditLog.action == "schedule.created").limit(1)
        return bool(jobs.schedules(scope, session, deleted=True)) or session.exec(made).first() is not None


def _is_ready(scope: Scope, now: datetime) -> bool:
    with reading(scope) as session:
        if not active_clients(scope, session):
            return False
        configs = {one.name: one for one in provider_configs(scope, session, ProviderKind.SOURCE)}
    plan = RunPlan(business_id=scope.business, job_run_id=new_id(), as_of=now)
    return bool(specs_of(plan, get_settings(), configs))
