"""The notify stage: plan what the moment calls for, then send what is due."""

from datetime import datetime
from uuid import UUID

from models.clock import Clock
from models.mail import Channel, channel_of
from models.scope import Scope
from models.settings import get_settings
from tasks.notify.outbox import send_due
from tasks.notify.planning import plan_digests, plan_instant
from tasks.notify.transports.file import FileTransport
from tasks.notify.transports.transport import Transport, open_transport
from tasks.plan import RunPlan, StageReport

SEND_BATCH = 100


def transport_for(channel: Channel) -> Transport:
    """The configured transport; for mail that may not be delivered always the ``file`` one."""
    settings = get_settings()
    return open_transport(FileTransport.name if channel is Channel.FILE else settings.transport, settings)


def notify_batch(
    plan: RunPlan,
    limit: int = SEND_BATCH,
    *,
    transport: Transport | None = None,
    clock: Clock | None = None,
) -> StageReport:
    """A run's instant mail: attach what waits to this tick's mail, then send up to ``limit`` deliveries."""
    channel = channel_of(plan.deliver)
    planned = plan_instant(plan.scope, plan.as_of, channel=channel, clock=clock)
    return planned + send_due(
        plan.scope,
        plan.as_of,
        transport or transport_for(channel),
        limit=limit,
        channel=channel,
        clock=clock,
        job_run_id=plan.job_run_id,
    )


def digest_batch(
    business_id: UUID,
    now: datetime,
    limit: int = SEND_BATCH,
    *,
    deliver: bool = True,
    transport: Transport | None = None,
    clock: Clock | None = None,
    job_run_id: UUID | None = None,
) -> StageReport:
    """One five-minute tick of a tenant: instant mail that waited for quiet hours to end, the digests whose window
    has come, and whatever else is due. Repeat until ``done`` is 0."""
    scope, channel = Scope.system(business_id), channel_of(deliver)
    planned = plan_instant(scope, now, channel=channel, clock=clock)
    planned += plan_digests(scope, now, channel=channel, clock=clock)
    return planned + send_due(
        scope,
        now,
        transport or transport_for(channel),
        limit=limit,
        channel=channel,
        clock=clock,
        job_run_id=job_run_id,
    )
