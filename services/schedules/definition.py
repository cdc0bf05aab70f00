"""What a schedule may say: six types, each with the fields it needs, kept in the row's ``cron`` and ``config``."""

from datetime import time
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from models.jobs import AutomationSchedule, JobType, ScheduleType
from services.errors import UserError
from services.explain import plain_message
from services.fields import TimeOfDay, Weekday, Zone

LAST_DAY = 31
_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_NEEDS: dict[ScheduleType, tuple[str, ...]] = {
    ScheduleType.MANUAL: (),
    ScheduleType.HOURLY: ("minute",),
    ScheduleType.DAILY: ("at",),
    ScheduleType.WEEKLY: ("weekdays", "at"),
    ScheduleType.MONTHLY: ("day", "at"),
    ScheduleType.CUSTOM: ("cron",),
}


def _member(value: object) -> object:
    return value.strip().lower().replace(" ", "_").replace("-", "_") if isinstance(value, str) else value


def _name(value: object) -> str:
    name = " ".join(str(value or "").split())
    if not any(character.isalnum() for character in name):
        raise ValueError("a schedule needs a name")
    return name


def _weekdays(value: object) -> object:
    parts = value.replace(";", ",").split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple | set | frozenset) or not parts:
        raise ValueError("choose at least one weekday")
    return [part for part in parts if str(part).strip()]


def cron_expression(value: object) -> str:
    """Five fields, blanks made one; ``@daily`` and its like become their five. ValueError for any other form."""
    text = " ".join(str(value or "").split())
    text = _ALIASES.get(text.lower(), text)
    fields = text.split(" ")
    if not text or len(fields) != 5:
        raise ValueError(
            "cron has five fields (minute, hour, day of month, month, day of week), such as 0 8 * * 1-5; "
            f"{len(fields) if text else 0} given"
        )
    return text


class Definition(BaseModel):
    """A schedule as a person means it. Times are wall-clock times in ``timezone``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, BeforeValidator(_name), Field(max_length=200)]
    job_type: Annotated[JobType, BeforeValidator(_member)] = JobType.CLIENT_MONITORING
    schedule_type: Annotated[ScheduleType, BeforeValidator(_member)]
    timezone: Zone = "UTC"
    minute: int = Field(default=0, ge=0, le=59)
    at: TimeOfDay = time(8, 0)
    weekdays: Annotated[tuple[Weekday, ...], BeforeValidator(_weekdays)] = (0, 1, 2, 3, 4)
    day: int = Field(default=1, ge=1, le=LAST_DAY, description="31 is the last day of whatever month")
    cron: Annotated[str, BeforeValidator(cron_expression), Field(max_length=120)] = "0 8 * * 1-5"
    client_ids: tuple[UUID, ...] | None = None
    """None: every client that is watched when it runs."""
    days_back: int = Field(default=7, ge=1, le=365)

    @model_validator(mode="after")
    def _fits_together(self) -> "Definition":
        if self.schedule_type is ScheduleType.CUSTOM and "cron" not in self.model_fields_set:
            raise ValueError("a custom schedule needs a cron expression, such as 0 8 * * 1-5")
        if self.client_ids is not None and self.job_type is JobType.NOTIFICATION_DIGEST:
            raise ValueError(
                "a digest schedule names no clients: each person's preferences say what they get"
            )
        if self.client_ids is not None and not self.client_ids:
            raise ValueError("choose at least one client, or all of them")
        return self

    @property
    def sorted_weekdays(self) -> list[int]:
        """0 (Monday) to 6, each once."""
        return sorted(set(self.weekdays))

    def values(self) -> dict[str, Any]:
        """The columns of a row that say the same."""
        config: dict[str, Any] = {}
        for name in _NEEDS[self.schedule_type]:
            match name:
                case "at":
                    config["at"] = f"{self.at:%H:%M}"
                case "weekdays":
                    config["weekdays"] = self.sorted_weekdays
                case "minute" | "day":
                    config[name] = getattr(self, name)
        if self.job_type is not JobType.NOTIFICATION_DIGEST:
            config["days_back"] = self.days_back
        return {
            "name": self.name,
            "job_type": self.job_type,
            "schedule_type": self.schedule_type,
            "timezone": self.timezone,
            "cron": self.cron if self.schedule_type is ScheduleType.CUSTOM else None,
            "client_ids": [str(one) for one in self.client_ids] if self.client_ids is not None else None,
            "config": config,
        }


def define(**fields: Any) -> Definition:
    """The definition these fields make; a UserError that names every field that is wrong."""
    try:
        made = Definition(**fields)
    except ValidationError as error:
        raise UserError(
            "; ".join(_fault(one) for one in error.errors()), "correct it and save again"
        ) from None
    return made


def _fault(error: Any) -> str:
    message = plain_message(str(error["msg"]))
    where = str(error["loc"][0]) if error["loc"] else ""
    # Our own sentences name what they speak of.
    return f"{where}: {message}" if where and error["type"] != "value_error" else message


def definition_of(row: AutomationSchedule) -> Definition:
    """What a stored row says."""
    given = {"cron": row.cron} if row.cron is not None else {}
    return Definition(
        name=row.name,
        job_type=row.job_type,
        schedule_type=row.schedule_type,
        timezone=row.timezone,
        client_ids=row.client_ids,
        **given,
        **{name: value for name, value in row.config.items() if name in Definition.model_fields},
    )
