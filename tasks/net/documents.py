"""Reading JSON that a stranger sent."""

import json
from collections.abc import Callable
from typing import Any

from tasks.net.faults import FetchError, WrongType

JSON_TYPES = ("application/json", "text/json")


def read_json(body: bytes) -> Any:
    """What a body says; None when it is not JSON. Control characters inside strings are let through."""
    try:
        return json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return None


def read_object(
    body: bytes, title: str, unreadable: Callable[[bytes], FetchError | None] | None = None
) -> dict[str, Any]:
    """What a body says, when it is an object; else what ``unreadable`` makes of it, else WrongType.

    ``title`` is whose answer it is, for the message.
    """
    data = read_json(body)
    if isinstance(data, dict):
        return data
    raise (unreadable(body) if unreadable else None) or no_json(title)


def no_json(title: str) -> WrongType:
    """The fault of an answer that should have been JSON."""
    return WrongType(f"{title}: an answer that is not JSON, or is cut off; the next run tries again")


def looks_like_json(body: bytes) -> bool:
    """Whether a body sent under another media type is worth reading as JSON."""
    return body.lstrip()[:1] in (b"{", b"[")
