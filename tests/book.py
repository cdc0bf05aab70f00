"""What stands beside a client, for tests of the portfolio: CRM snapshots, source results, switches."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from conftest import NOW, Tenant
from sqlalchemy import event

from models.crm import CrmSnapshot
from models.engine import get_engine
from models.jobs import JobRun, JobType, RunState
from models.news import SourceResult, SourceState
from models.providers import ProviderConfig, ProviderKind
from models.scope import Role, Scope

EARLIER = NOW - timedelta(hours=3)


def switch_on(tenant: Tenant, *names: str, kind: ProviderKind = ProviderKind.SOURCE, **options: Any) -> None:
    for name in names:
        tenant.add(
            ProviderConfig(
                business_id=tenant.business_id, kind=kind, name=name, is_enabled=True, options=options
            )
        )


def snapshot(tenant: Tenant, client: UUID, health: str | None = "at risk", **fields: Any) -> UUID:
    """What a CRM said three hours ago."""
    values: dict[str, Any] = {
        "provider": "salesforce",
        "taken_at": EARLIER,
        "owner_name": "Robin Hale",
        "open_pipeline": 47_000.0,
        "currency": "EUR",
        "renewal_on": date(2026, 5, 9),
        "details": {
            "pipeline": {"EUR": 47_000.0},
            "health": {"verdict": health, "source": "reckoned", "points": 50, "parts": {"urgent_cases": 50}},
            "engagement": {"score": 0.4, "parts": {"activity": 0.8}},
            "open_deals": 2,
            "open_cases": 3,
            "urgent_cases": 2,
            "last_activity_at": (NOW - timedelta(days=80)).isoformat(),
        },
    }
    row = CrmSnapshot(business_id=tenant.business_id, client_id=client, health=health, **values | fields)
    return tenant.add(row)


def run(tenant: Tenant, at: datetime = EARLIER, state: RunState = RunState.COMPLETED, **fields: Any) -> UUID:
    over = None if state is RunState.RUNNING else at + timedelta(minutes=1)
    row = JobRun(
        business_id=tenant.business_id,
        job_type=JobType.CLIENT_MONITORING,
        as_of=at,
        started_at=at,
        state=state,
        finished_at=over,
        **fields,
    )
    return tenant.add(row)


def result(
    tenant: Tenant,
    run_id: UUID,
    source: str,
    client: UUID | None,
    state: SourceState = SourceState.OK,
    *,
    at: datetime = EARLIER,
    **fields: Any,
) -> UUID:
    """How a source answered about a client, or about a feed."""
    unit = fields.pop("unit", str(client))
    row = SourceResult(
        business_id=tenant.business_id,
        job_run_id=run_id,
        source_api=source,
        unit=unit,
        client_id=client,
        state=state,
        created_at=at,
        **fields,
    )
    return tenant.add(row)


def as_person(tenant: Tenant, role: Role, user_id: UUID | None = None) -> Scope:
    """The scope of somebody of this role, made for the purpose where nobody is named."""
    if user_id is None:
        user_id = tenant.add_user(f"{role.value}-book@example.com", user={"role": role})
    return Scope(tenant.business_id, user_id, role)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL statements sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = get_engine()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
