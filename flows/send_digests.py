"""The tick: every five minutes, write the digests whose window has come and send what is due."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from models.clock import SystemClock
from services.accounts import every_business
from tasks.notify.task import send_digests as digest_task
from tasks.plan import StageReport


@flow(name="send-digests", persist_result=False)
def send_digests(business: str | None = None) -> State[Any]:
    """Windows come from each person's preferences; this only wakes up. Running it twice sends nothing twice."""
    total = StageReport(stage="notify")
    now = SystemClock().now()
    for tenant in every_business():
        if business not in {None, tenant.slug}:
            continue
        while True:
            report = digest_task(tenant.id, now)
            total += report
            if not report.done:
                break
    sent = total.counts.get("sent", 0)
    if total.degraded:
        return Completed(name="Degraded", message="; ".join(total.degraded)[:1000])
    return Completed(message=f"{sent} mails sent" if sent else "nothing due")
