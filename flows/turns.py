"""Whether a flow run is to do anything: what Prefect's runtime knows of it, put to the schedules."""

from typing import Any
from uuid import UUID

from prefect import runtime
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.states import Completed

from services.schedules.turns import Turn, take_turn, whose_start

SKIPPED = "Skipped"
_BY_SCHEDULE = "auto-scheduled"
"""The tag that Prefect's scheduler gives to the runs it makes."""


def this_turn(business: str | None, schedule_id: UUID | None, retry_of: UUID | None) -> Turn:
    """The turn of the flow run that asks. One that another process works already is left to it, its state too."""
    run = runtime.flow_run
    is_scheduled = _BY_SCHEDULE in run.tags
    if is_scheduled and schedule_id is None:
        business, schedule_id = whose_start(run.id) or (business, None)
    turn = take_turn(
        business,
        schedule_id,
        flow_run_id=run.id,
        slot=run.scheduled_start_time if is_scheduled else None,
        retry_of=retry_of,
    )
    if turn.is_double:
        raise Abort(turn.skipped)
    return turn


def skipped(reason: str) -> State[Any]:
    """The end of a run that had nothing to do."""
    return Completed(name=SKIPPED, message=reason)
