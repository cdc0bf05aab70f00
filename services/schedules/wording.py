"""A schedule in plain words: "every weekday at 08:00, Europe/Berlin"."""

from cron_descriptor import FormatError, Options, get_description  # type: ignore[import-untyped]

from models.jobs import AutomationSchedule, ScheduleType
from services.fields import DAYS
from services.schedules.definition import LAST_DAY, Definition
from services.schedules.recurrence import as_definition

_WEEKDAYS, _WEEKEND, _ALL = [0, 1, 2, 3, 4], [5, 6], [0, 1, 2, 3, 4, 5, 6]


def in_words(schedule: Definition | AutomationSchedule, timezone: str | None = None) -> str:
    """When it starts, and in which zone (``timezone``, or its own)."""
    one = as_definition(schedule)
    if one.schedule_type is ScheduleType.MANUAL:
        return "only when somebody starts it"
    return f"{_recurrence(one)}, {timezone or one.timezone}"


def _recurrence(one: Definition) -> str:
    clock = f"{one.at:%H:%M}"
    match one.schedule_type:
        case ScheduleType.HOURLY if one.minute == 0:
            return "every hour, on the hour"
        case ScheduleType.HOURLY:
            minutes = "1 minute" if one.minute == 1 else f"{one.minute} minutes"
            return f"every hour, {minutes} past"
        case ScheduleType.DAILY:
            return f"every day at {clock}"
        case ScheduleType.WEEKLY:
            return f"every {_days(one.sorted_weekdays)} at {clock}"
        case ScheduleType.MONTHLY:
            return f"{_day_of_month(one.day)} at {clock}"
        case _:
            return _cron(one.cron)


def _days(days: list[int]) -> str:
    if days == _ALL:
        return "day"
    if days == _WEEKDAYS:
        return "weekday"
    if days == _WEEKEND:
        return "Saturday and Sunday"
    names = [DAYS[day].capitalize() for day in days]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _day_of_month(day: int) -> str:
    if day == LAST_DAY:
        return "on the last day of every month"
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in {11, 12, 13} else 0, "th")
    said = f"on the {day}{suffix} of every month"
    return f"{said} (its last day where it is shorter)" if day > 28 else said


def _cron(cron: str) -> str:
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = "en_US"
    try:
        said = str(get_description(cron, options))
    except (FormatError, ValueError, IndexError, KeyError):
        return f"cron {cron}"
    return said[:1].lower() + said[1:]
