"""Half a year of runs and what each source gave, a year of AI calls and of the audit log."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine

from benchmarks.pages.bulk import Row, id_at, load
from benchmarks.pages.large import Tenant, common
from models.ai import AiSpend
from models.audit import AuditLog
from models.crm import CrmSnapshot
from models.jobs import AutomationSchedule, JobRun, JobType, RunState, ScheduleType
from models.news import SourceResult, SourceState
from models.providers import ProviderHealth, ProviderKind

_RUN, _RESULT = 8 << 40, 9 << 40
RUN_DAYS = 180
"""As long as runs are kept."""
_FEEDS = 5
_STATES = (SourceState.OK, SourceState.EMPTY, SourceState.FAILED, SourceState.QUOTA, SourceState.PARTIAL)
_WEIGHTS = (50, 44, 4, 1, 1)


def load_work(engine: Engine, tenant: Tenant) -> None:
    load(engine, JobRun, _runs(tenant))
    load(engine, SourceResult, _results(tenant))
    load(engine, AiSpend, _calls(tenant))
    load(engine, AuditLog, _audit(tenant))
    load(engine, CrmSnapshot, _snapshots(tenant))
    load(engine, AutomationSchedule, _schedules(tenant))
    load(engine, ProviderHealth, _health(tenant))


def _hours() -> Iterator[tuple[int, timedelta]]:
    for number in range(RUN_DAYS * 24):
        yield number, timedelta(hours=RUN_DAYS * 24 - number)


def _runs(tenant: Tenant) -> Iterator[Row]:
    for number, back in _hours():
        at = tenant.end - back
        is_degraded = number % 20 == 0
        yield common(
            tenant,
            id_at(at, _RUN + number),
            job_type=JobType.CLIENT_MONITORING,
            trigger="schedule",
            state=RunState.DEGRADED if is_degraded else RunState.COMPLETED,
            as_of=at,
            counts={"found": 120, "events": 23, "sent": 114},
            costs={"ai_usd": 0.12},
            degraded=["google_news"] if is_degraded else [],
            started_at=at,
            heartbeat_at=at + timedelta(minutes=2),
            finished_at=at + timedelta(minutes=2),
        )


def _results(tenant: Tenant) -> Iterator[Row]:
    dice = tenant.dice("results")
    units: list[tuple[str, str, UUID | None]] = [
        ("google_news", str(client), client) for client in tenant.clients
    ]
    units += [("rss", f"https://feed-{number}.example/rss", None) for number in range(_FEEDS)]
    for number, back in _hours():
        at = tenant.end - back
        for place, (source, unit, client) in enumerate(units):
            state = dice.choices(_STATES, _WEIGHTS)[0]
            yield common(
                tenant,
                id_at(at, _RESULT + number * 1024 + place),
                job_run_id=id_at(at, _RUN + number),
                source_api=source,
                unit=unit,
                client_id=client,
                state=state,
                found=3 if state is SourceState.OK else 0,
                new=1 if state is SourceState.OK else 0,
                error="timed out" if state is SourceState.FAILED else "",
                created_at=at,
            )


def _calls(tenant: Tenant) -> Iterator[Row]:
    dice = tenant.dice("calls")
    count = 100 * 365
    for number in range(count):
        yield {
            "business_id": tenant.business_id,
            "provider": "openai",
            "model": "small",
            "input_tokens": dice.randrange(400, 2_000),
            "output_tokens": dice.randrange(40, 200),
            "cost_usd": dice.uniform(0.0005, 0.004),
            "created_at": tenant.moment(number, count),
        }


def _audit(tenant: Tenant) -> Iterator[Row]:
    actions = ("client.updated", "assignment.started", "user.updated", "mail.read", "session.started")
    count = 50_000
    for number in range(count):
        at = tenant.moment(number, count)
        yield {
            "id": id_at(at, number),
            "business_id": tenant.business_id,
            "actor_id": tenant.people[number % 20],
            "action": actions[number % len(actions)],
            "subject": str(tenant.clients[number % len(tenant.clients)]),
            "details": {"fields": ["name"]},
            "created_at": at,
        }


def _snapshots(tenant: Tenant) -> Iterator[Row]:
    for number, client in enumerate(tenant.clients):
        for week in range(26):
            yield {
                "business_id": tenant.business_id,
                "client_id": client,
                "provider": "hubspot",
                "tier": "gold",
                "health": ("good", "fair", "poor")[number % 3],
                "owner_name": f"Person {number}",
                "open_pipeline": 1000.0 * number,
                "currency": "EUR",
                "renewal_on": (tenant.end + timedelta(days=30 + number)).date(),
                "taken_at": tenant.end - timedelta(weeks=week),
            }


def _schedules(tenant: Tenant) -> Iterator[Row]:
    for number in range(12):
        yield {
            "business_id": tenant.business_id,
            "name": f"Schedule {number}",
            "job_type": JobType.CLIENT_MONITORING,
            "schedule_type": ScheduleType.DAILY,
            "cron": f"{number} 7 * * *",
            "timezone": "Europe/Berlin",
            "created_by": tenant.people[0],
            "created_at": tenant.start,
        }


def _health(tenant: Tenant) -> Iterator[Row]:
    yield {
        "business_id": tenant.business_id,
        "kind": ProviderKind.SOURCE,
        "name": "google_news",
        "failures": 2,
        "last_error": "timed out",
        "last_failed_at": tenant.end,
        "last_ok_at": tenant.end,
    }
