"""Filters of the email log as they stand in the page's address, so that a view can be kept and sent on."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from services.email_log import LogFilter

AFTER = "after"
"""From where on the list is shown."""
MAIL = "id"
"""The mail that is open."""
_NAMES = {
    "status": "states",
    "kind": "kinds",
    "person": "person",
    "since": "first",
    "until": "last",
    "find": "text",
}
_LISTS = ("states", "kinds")


def filter_of(params: Mapping[str, str], timezone: str) -> LogFilter:
    """The filter that an address names. What is no value of its field is left out, never an error."""
    wanted = LogFilter(timezone=timezone)
    for name, field in _NAMES.items():
        text = params.get(name, "")
        if field in _LISTS:
            kept: tuple[Any, ...] = ()
            for value in text.split(","):
                found = _with(wanted, field, (value,))
                kept += getattr(found, field) if found else ()
            wanted = wanted.model_copy(update={field: tuple(dict.fromkeys(kept))})
        elif text:
            wanted = _with(wanted, field, text) or wanted
    return wanted


def params_of(wanted: LogFilter) -> dict[str, str]:
    """The address's parameters of this filter; what asks for nothing is left out."""
    chosen = wanted.model_dump(mode="json", exclude_defaults=True)
    return {
        name: ",".join(chosen[field]) if field in _LISTS else str(chosen[field])
        for name, field in _NAMES.items()
        if field in chosen
    }


def _with(wanted: LogFilter, field: str, value: object) -> LogFilter | None:
    try:
        return LogFilter.model_validate({**wanted.model_dump(), field: value})
    except ValidationError:
        return None
