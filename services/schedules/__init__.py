"""Schedules are Prefect's; what they say is ours. The only package that talks to Prefect's API.

``create``, ``edit``, ``pause``, ``resume`` and ``delete`` write the row first and bring Prefect into step after;
``sync`` mends whatever drifted. What a run needs to know of its schedule is in ``turns`` and ``outcomes``.
"""

from services.schedules.access import may_keep, require_keeper
from services.schedules.definition import Definition, define, definition_of
from services.schedules.gateway import NotDeployed, Refused, Unreachable, open_prefect, reachable
from services.schedules.keeping import (
    Change,
    all_schedules,
    create,
    delete,
    edit,
    find_schedule,
    pause,
    resume,
)
from services.schedules.listing import Listed, list_schedules
from services.schedules.outcomes import FAILURES_ALLOWED
from services.schedules.recurrence import next_runs
from services.schedules.sync import SyncReport, parameters_of, slug_of, sync
from services.schedules.wording import in_words

__all__ = [
    "FAILURES_ALLOWED",
    "Change",
    "Definition",
    "Listed",
    "NotDeployed",
    "Refused",
    "SyncReport",
    "Unreachable",
    "all_schedules",
    "create",
    "define",
    "definition_of",
    "delete",
    "edit",
    "find_schedule",
    "in_words",
    "list_schedules",
    "may_keep",
    "next_runs",
    "open_prefect",
    "parameters_of",
    "pause",
    "reachable",
    "require_keeper",
    "resume",
    "slug_of",
    "sync",
]
