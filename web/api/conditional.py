"""Edits that do not undo somebody else's: an ETag with what is read, If-Match with what is written (RFC 9110)."""

import hashlib
from typing import Annotated

from fastapi import Header, Response
from pydantic import BaseModel

from web.api.problems import Refusal

IfMatch = Annotated[
    str | None,
    Header(max_length=200, description="the ETag that was read; an edit of another version is refused"),
]
IfNoneMatch = Annotated[str | None, Header(max_length=2000, description="the ETag the caller has already")]


def etag(shown: BaseModel) -> str:
    """A strong tag of what is shown: equal only for the same JSON."""
    return f'"{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:32]}"'


def tagged(response: Response, shown: BaseModel) -> None:
    """Send the tag with the answer."""
    response.headers["ETag"] = etag(shown)


def require_match(if_match: str | None, current: BaseModel) -> None:
    """Refuse an edit that does not say which version it is of (428), or is of an older one (412)."""
    if if_match is None:
        raise Refusal(428, "If-Match is missing", "read it, and send its ETag back; or * for any version")
    given = {part.strip() for part in if_match.split(",")}
    if "*" not in given and etag(current) not in given:
        raise Refusal(412, "it is not what you read any more", "read it again, then edit that")


def is_unchanged(if_none_match: str | None, shown: BaseModel) -> bool:
    """Whether the caller has exactly this already, so that 304 says it all."""
    if if_none_match is None:
        return False
    given = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in given or etag(shown) in given
