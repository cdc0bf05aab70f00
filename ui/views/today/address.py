"""The filters as they stand in the page's address, so that a view can be kept as a bookmark and sent to a colleague."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from services.feed import Filters

AFTER = "after"
"""The parameter that says from where on the list is shown."""
_NAMES = {
    "client": "clients",
    "kind": "categories",
    "since": "since",
    "until": "until",
    "score": "min_relevance",
    "find": "words",
    "unread": "unread",
    "starred": "starred",
    "all": "everyone",
    "order": "order",
}
_LISTS = ("clients", "categories")


def filters_of(params: Mapping[str, Sequence[str]]) -> Filters:
    """The filters that an address names. What is no value of its filter is left out, never an error."""
    filters = Filters()
    for name, field in _NAMES.items():
        values = [value for value in params.get(name, ()) if value]
        if field in _LISTS:
            kept: tuple[Any, ...] = ()
            for value in values:
                found = _with(filters, field, (value,))
                kept += getattr(found, field) if found else ()
            filters = filters.model_copy(update={field: tuple(dict.fromkeys(kept))})
        elif values:
            filters = _with(filters, field, values[0]) or filters
    return filters


def params_of(filters: Filters) -> dict[str, list[str]]:
    """The address's parameters of these filters; what is as usual is left out."""
    chosen = filters.model_dump(mode="json", exclude_defaults=True)
    params = {}
    for name, field in _NAMES.items():
        if field in chosen:
            value = chosen[field]
            values = value if isinstance(value, list) else ["1" if value is True else value]
            params[name] = [str(one) for one in values]
    return params


def _with(filters: Filters, field: str, value: object) -> Filters | None:
    try:
        return Filters.model_validate({**filters.model_dump(), field: value})
    except ValidationError:
        return None
