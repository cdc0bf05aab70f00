"""What keeps schedules and runs right without anybody's asking; every tick does it, and ``client-monitor up``."""

import logging
from datetime import datetime

from services.schedules.first import adopt_legacy, first_schedules
from services.schedules.recovery import recover
from services.schedules.sync import SyncReport, sync

LOG = logging.getLogger(__name__)


def tend(*, now: datetime | None = None) -> SyncReport:
    """Bring every tenant's schedules into step, make first ones, and hand on runs that lost their process.

    Raises nothing for a Prefect that is away.
    """
    lines = [*adopt_legacy(), *first_schedules(now=now), *recover(now=now)]
    report = sync()
    report.done = [*lines, *report.done]
    for line in report.done:
        LOG.info("schedules: %s", line)
    for line in report.faults:
        LOG.warning("schedules: %s", line)
    return report
