"""Reading JSON that a stranger sent."""

import json
from typing import Any

JSON_TYPES = ("application/json", "text/json")


def read_json(body: bytes) -> Any:
    """What a body says; None when it is not JSON. Control characters inside strings are let through."""
    try:
        return json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return None


def looks_like_json(body: bytes) -> bool:
    """Whether a body sent under another media type is worth reading as JSON."""
    return body.lstrip()[:1] in (b"{", b"[")
