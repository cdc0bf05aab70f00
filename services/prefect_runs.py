"""Prefect's memory of ticks: most of 288 a day had nothing to do, and would hide those that had."""

from datetime import datetime, timedelta

from models.base import utc_now
from services.schedules.gateway import Refused, Unreachable, open_prefect

TICK = "tick"
"""The tag of the tick's deployment (prefect.yaml), and so of its runs."""
IDLE = "Idle"
"""The state of a tick that had nothing to do (flows/send_digests.py)."""
KEPT = timedelta(days=1)
_PATIENCE = 60.0
"""Seconds for one answer: a server that was not cleaned for long deletes slowly."""


def purge_idle_ticks(*, now: datetime | None = None) -> tuple[int, str]:
    """Delete ticks that did nothing and ended over a day ago: how many, and why there were not more, or ""."""
    try:
        with open_prefect(timeout=_PATIENCE) as prefect:
            return prefect.forget(tag=TICK, state_name=IDLE, ended_before=(now or utc_now()) - KEPT), ""
    except (Unreachable, Refused) as error:
        return 0, str(error)
