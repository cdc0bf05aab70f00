"""What an operator sees of a run in the Prefect UI: progress while it works, a summary and a table at its end.

Artifacts carry counts and client names, never a headline or a line of mail: the Prefect UI crosses tenants.
"""

import logging
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.pipeline import STAGES
from models.jobs import RunState
from services.runs import RunSummary, progress
from tasks.plan import RunPlan, StageReport

LOG = logging.getLogger(__name__)


class Progress:
    """Follows a run: a progress artifact for Prefect, counts for our own database."""

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._totals: dict[str, StageReport] = {}
        made = create_progress_artifact(progress=0.0, key="run-progress", description="starting")
        self._artifact: UUID = made  # type: ignore[assignment]  # the sync form returns the id

    @property
    def reports(self) -> list[StageReport]:
        """What is known of each stage so far."""
        return list(self._totals.values())

    def watch(self, total: StageReport) -> None:
        """Take a stage's running total."""
        self._totals[total.stage] = total
        LOG.info(_words(total))
        progress(self._plan, total)
        done = 100.0 * (STAGES.index(total.stage) + 1) / len(STAGES)
        update_progress_artifact(self._artifact, progress=done, description=_words(total))

    def finish(self) -> None:
        """The work is done."""
        update_progress_artifact(self._artifact, progress=100.0, description="done")


def _words(report: StageReport) -> str:
    counts = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in report.counts.items())
    return f"{report.stage}: {counts}" if counts else report.stage


def publish(summary: RunSummary) -> None:
    """Leave the run's summary and its table of clients as artifacts."""
    lines = [
        f"# {summary.business}: {summary.state.value}",
        f"As of {summary.as_of:%Y-%m-%d %H:%M} UTC, {summary.seconds:.1f} s, {summary.mails} mails sent.",
        "",
    ]
    if summary.ai_line:
        lines += [f"AI: {summary.ai_line}.", ""]
    if summary.error:
        lines += [f"**Error:** {summary.error}", ""]
    if summary.degraded:
        lines += ["**Degraded:**", *(f"- {line}" for line in summary.degraded), ""]
    lines += ["| stage | counts |", "|---|---|"]
    lines += [f"| {name.replace('.', ': ')} | {count} |" for name, count in summary.counts.items()]
    create_markdown_artifact("\n".join(lines), key="run-summary")
    table: list[dict[str, Any]] = [
        {"client": c.name, "found": c.found, "stories": c.stories, "events": c.events}
        for c in summary.clients
    ]
    create_table_artifact(table, key="run-clients")


def end_state(summary: RunSummary) -> State[Any]:
    """Prefect's state for a run that came to an end: Completed, Degraded or Failed."""
    if summary.state is RunState.FAILED:
        return Failed(message=summary.error)
    if summary.state is RunState.DEGRADED:
        return Completed(name="Degraded", message="; ".join(summary.degraded)[:1000])
    return Completed(message=f"{sum(c.events for c in summary.clients)} events, {summary.mails} mails")
