"""The tick: every five minutes, write the digests whose window has come, send what is due, and look for troubles."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.stopping import batches_end_first
from flows.turns import skipped, this_turn
from models.clock import SystemClock
from models.scope import Scope
from services.accounts import every_business
from services.alerts import beat, watch
from services.prefect_runs import IDLE
from services.schedules.tending import tend
from services.schedules.turns import SlotTaken, Turn
from services.tick_runs import recorded_tick
from tasks.notify.task import send_digests as digest_task
from tasks.notify.wording import plural
from tasks.plan import StageReport
from tasks.stage_task import stage_task

LOG = logging.getLogger(__name__)

Step = Callable[[UUID, datetime], StageReport]


@stage_task("watch")
def watch_tenant(business_id: UUID, now: datetime) -> StageReport:
    """Open, close and tell the tenant's alerts."""
    return watch(Scope.system(business_id), now)


@stage_task("heartbeat")
def heartbeat() -> bool:
    """Tell the operator's monitor that ticks come to their end."""
    return beat()


@stage_task("tend")
def tend_schedules() -> list[str]:
    """Bring schedules into step with Prefect and hand on runs that lost their process; what was done."""
    return tend().done


@flow(name="send-digests", persist_result=False)
def send_digests(
    business: str | None = None, schedule_id: UUID | None = None, retry_of: UUID | None = None
) -> State[Any]:
    """Windows come from each person's preferences; this only wakes up. Running it twice sends nothing twice.

    schedule_id, retry_of: set by a tenant's own schedules, and where a run that lost its process is handed on.
    """
    turn = this_turn(business, schedule_id, retry_of) if schedule_id is not None else Turn()
    if turn.skipped:
        return skipped(turn.skipped)
    tenants = [one.id for one in every_business() if business in {None, one.slug}]
    known = {"trigger": runtime.deployment.name or "flow", "flow_run_id": runtime.flow_run.id}
    try:
        with recorded_tick(business, turn, **known) as record, batches_end_first() as stop:
            record.total = run_tick(
                tenants, SystemClock().now(), send=stop.after(digest_task), look=stop.after(watch_tenant)
            )
    except SlotTaken as taken:
        return skipped(str(taken))
    if business is None:
        _tend()
    heartbeat()
    return end_state(record.total)


def run_tick(tenants: Iterable[UUID], now: datetime, *, send: Step, look: Step) -> StageReport:
    """For each tenant: ``send`` until nothing is done, ``look`` for troubles, send what was said about them."""
    total = StageReport(stage="tick")
    for tenant in tenants:
        total += _drain(send, tenant, now)
        seen = _look(look, tenant, now)
        total += seen
        if seen.done:
            total += _drain(send, tenant, now)
    return total


def _drain(send: Step, tenant: UUID, now: datetime) -> StageReport:
    total = StageReport(stage="tick")
    while True:
        report = send(tenant, now)
        total += report
        if not report.done:
            return total


def _look(look: Step, tenant: UUID, now: datetime) -> StageReport:
    """No mail waits for this, so when it breaks, the tick says so and goes on."""
    try:
        return look(tenant, now)
    except Exception as error:
        LOG.exception("the look for troubles broke")
        return StageReport(stage="tick", degraded=(f"alerts: {type(error).__name__}",))


def _tend() -> None:
    """No mail waits for this either."""
    try:
        tend_schedules()
    except Exception:
        LOG.exception("schedules could not be brought into step")


def end_state(total: StageReport) -> State[Any]:
    """Prefect's state of a tick: Completed, Degraded, or Idle when there was nothing to do."""
    if total.degraded:
        return Completed(name="Degraded", message="; ".join(total.degraded)[:1000])
    if not total.done:
        return Completed(name=IDLE, message="nothing due")
    return Completed(message=f"{plural(total.counts.get('sent', 0), 'mail')} sent")
