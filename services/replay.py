"""Digests of a replay: nobody waits for the morning after an archive, so each person's next window is written now."""

from datetime import timedelta
from itertools import takewhile
from uuid import UUID

from models.engine import reading
from models.mail import channel_of
from models.scope import Scope
from services.runs import source_answered
from tasks.filter.facts import load_people
from tasks.notify.outbox import send_due
from tasks.notify.planning import plan_digests, readers
from tasks.notify.stage import SEND_BATCH, transport_for
from tasks.notify.windows import Window
from tasks.plan import RunPlan, StageReport

_FURTHEST = timedelta(days=9)
"""No reader's next window lies further away: a week, and a day for zones and changed clocks."""


def is_replay(plan: RunPlan) -> bool:
    """Whether a run reads only archives or invented news: its clock is not the wall's."""
    return plan.force_mock or (bool(plan.sources) and all(s.startswith("archive:") for s in plan.sources))


def replay_digests(plan: RunPlan) -> StageReport:
    """Write and send, for every reader, the digest of the first window after the run's clock.

    Not when no source answered: there is nothing to tell, and an archive that cannot be read has no clock.
    """
    if not source_answered(plan.scope, plan.job_run_id):
        return StageReport(stage="digests")
    channel = channel_of(plan.deliver)
    report = StageReport(stage="digests")
    for user_id, window in _next_windows(plan.scope, plan).items():
        report += plan_digests(plan.scope, window.at, channel=channel, only=(user_id,))
        while True:
            sent = send_due(
                plan.scope,
                window.at,
                transport_for(channel),
                limit=SEND_BATCH,
                channel=channel,
                job_run_id=plan.job_run_id,
            )
            report += sent
            if not sent.done:
                break
    return StageReport(stage="digests", done=report.done, counts=report.counts, degraded=report.degraded)


def _next_windows(scope: Scope, plan: RunPlan) -> dict[UUID, Window]:
    with reading(scope) as session:
        people = readers(load_people(scope, session))
    windows = {}
    for reader in people:
        coming = list(takewhile(lambda w: w.at > plan.as_of, reader.windows(plan.as_of + _FURTHEST)))
        if coming:  # else away for all that time
            windows[reader.user.id] = coming[-1]
    return dict(sorted(windows.items(), key=lambda item: (item[1].at, item[0])))
