"""When a schedule starts: Prefect's own schedule for it, and the next starts that Prefect's scheduler will make of it.

Cron says all but the 29th and 30th of a month, which shorter months lack: there a recurrence rule takes the last day
that is left. Prefect's cron knows ``L``, the last day.
"""

import importlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.jobs import AutomationSchedule, ScheduleType
from services.errors import UserError
from services.schedules.definition import LAST_DAY, Definition, definition_of

if TYPE_CHECKING:
    from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule

CRON_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_MEND = "try it with the next runs shown, such as 0 8 * * 1-5 for every weekday at 08:00"


def load_ahead() -> None:
    """Load Prefect's own schedules now, so that who first asks for the next starts need not wait seconds for it."""
    importlib.import_module("prefect.server.schemas.schedules")


def as_definition(schedule: Definition | AutomationSchedule) -> Definition:
    """The definition, whether it is given as itself or as its row."""
    return schedule if isinstance(schedule, Definition) else definition_of(schedule)


def recurrence(schedule: Definition | AutomationSchedule) -> dict[str, str] | None:
    """``{"cron": …, "timezone": …}`` or ``{"rrule": …, "timezone": …}``; None for one that only people start.

    Weekdays are written by name: cron counts them from Sunday, people and we from Monday.
    """
    one = as_definition(schedule)
    clock = f"{one.at.minute} {one.at.hour}"
    match one.schedule_type:
        case ScheduleType.MANUAL:
            return None
        case ScheduleType.HOURLY:
            cron = f"{one.minute} * * * *"
        case ScheduleType.DAILY:
            cron = f"{clock} * * *"
        case ScheduleType.WEEKLY:
            cron = f"{clock} * * {','.join(CRON_DAYS[day] for day in one.sorted_weekdays)}"
        case ScheduleType.MONTHLY if 28 < one.day < LAST_DAY:
            days = ",".join(str(day) for day in range(28, one.day + 1))
            rule = (
                f"FREQ=MONTHLY;BYMONTHDAY={days};BYSETPOS=-1;"
                f"BYHOUR={one.at.hour};BYMINUTE={one.at.minute};BYSECOND=0"
            )
            return {"rrule": rule, "timezone": one.timezone}
        case ScheduleType.MONTHLY:
            cron = f"{clock} {'L' if one.day == LAST_DAY else one.day} * *"
        case ScheduleType.CUSTOM:
            cron = one.cron
    return {"cron": cron, "timezone": one.timezone}


def prefect_schedule(
    schedule: Definition | AutomationSchedule,
) -> "CronSchedule | RRuleSchedule | None":
    """The schedule as Prefect's client takes it. UserError for what Prefect does not."""
    said = recurrence(schedule)
    if said is None:
        return None
    from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule  # noqa: PLC0415  takes seconds

    try:
        return CronSchedule(**said) if "cron" in said else RRuleSchedule(**said)
    except ValueError as error:
        raise _refused(said, error) from None


def next_runs(schedule: Definition | AutomationSchedule, n: int = 5, *, after: datetime) -> list[datetime]:
    """The next ``n`` starts later than ``after``, UTC, as Prefect's scheduler makes them.

    Where clocks go forward Prefect starts what lies in the missing hour an hour early; where they go back, in the first
    of the two. Empty for a manual schedule. UserError for an expression that Prefect refuses, or that never comes true.
    """
    said = recurrence(schedule)
    if said is None:
        return []
    # The scheduler's own classes: the client's only carry the words.
    from prefect.server.schemas.schedules import CronSchedule, RRuleSchedule  # noqa: PLC0415

    try:
        made: Any = CronSchedule(**said) if "cron" in said else RRuleSchedule(**said)
        found = [_utc(at) for at in made._get_dates_generator(n=n + 1, start=after.astimezone(UTC))]
    except ValueError as error:  # croniter's errors are ValueErrors, pydantic's too
        raise _refused(said, error) from None
    later = sorted(at for at in found if at > after)[:n]
    if not later:
        raise UserError(f"{said.get('cron', said.get('rrule'))} never comes true", _MEND)
    return later


def checked(definition: Definition, *, now: datetime) -> Definition:
    """The definition, once Prefect takes it and it has a next run. UserError otherwise."""
    prefect_schedule(definition)
    next_runs(definition, 1, after=now)
    return definition


def _refused(said: Mapping[str, str], error: ValueError) -> UserError:
    text = said.get("cron") or said["rrule"]
    if type(error).__name__ == "CroniterBadDateError":
        return UserError(f"{text} never comes true", _MEND)
    if "cron" in said and "imezone" not in str(error):
        return UserError(f"{text} is no cron expression that Prefect knows{_why(text)}", _MEND)
    return UserError(f"Prefect does not know the time zone {said['timezone']}", "choose another one")


def _why(cron: str) -> str:
    """Which field is at fault, where it is one alone."""
    from prefect.client.schemas.schedules import CronSchedule  # noqa: PLC0415

    for place, (name, field) in enumerate(zip(_FIELDS, cron.split(), strict=True)):
        probe = ["*"] * len(_FIELDS)
        probe[place] = field
        try:
            CronSchedule(cron=" ".join(probe))
        except ValueError:
            return f": its {name} {field!r} is not possible"
    return ""


def _utc(at: datetime) -> datetime:
    moved = at.astimezone(UTC)
    # Prefect's are pendulum's; what we hand on is the standard library's.
    return datetime.fromtimestamp(moved.timestamp(), UTC)
