"""Every error of the API as problem details (RFC 9457): what is wrong, in which field, and how to mend it."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from services.errors import UserError

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_TITLES = {
    400: "That cannot be read",
    401: "Sign in first",
    403: "Not yours to do",
    404: "There is no such thing here",
    405: "That method is not for this address",
    406: "No such form of an answer",
    409: "It was changed meanwhile, or is done already",
    412: "It was changed meanwhile",
    413: "Too much at once",
    415: "Send JSON",
    422: "A field is wrong",
    428: "Say which version you saw",
    429: "Too many requests",
    500: "That went wrong, and it is our fault",
    503: "Not now, please",
}


class FieldFault(BaseModel):
    """A field and what is wrong with it."""

    field: str = Field(examples=["digest_time"])
    detail: str = Field(examples=["write a time as 08:30"])


class Problem(BaseModel):
    """RFC 9457. ``type`` is about:blank: the status says which kind, ``detail`` what it is this time."""

    type: str = "about:blank"
    title: str = Field(examples=["A field is wrong"])
    status: int = Field(examples=[422])
    detail: str = Field(default="", examples=["threshold: at most 1"])
    mend: str = Field(default="", description="what to do about it")
    errors: list[FieldFault] = Field(default_factory=list)


class Refusal(Exception):
    """An answer that is a problem. ``headers`` go with it."""

    def __init__(
        self, status: int, detail: str = "", mend: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.mend, self.headers = status, detail, mend, headers or {}


class NotFound(Refusal):
    """There is none, or it is another tenant's: nobody can tell which."""

    def __init__(self, what: str = "it") -> None:
        super().__init__(404, f"there is no such {what}")


def answer(
    status: int,
    detail: str = "",
    mend: str = "",
    *,
    errors: Sequence[FieldFault] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """A problem as a response."""
    problem = Problem(
        title=_TITLES.get(status, "That did not work"),
        status=status,
        detail=detail,
        mend=mend,
        errors=list(errors),
    )
    body = problem.model_dump(exclude_defaults=True) | {"type": problem.type}
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of ``app`` come out as a problem."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(UserError, _user_error)
    app.add_exception_handler(PermissionError, _not_allowed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _no_database)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route's schema says of these statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _TITLES[status], "content": content} for status in statuses}


def _refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return answer(error.status, error.detail, error.mend, headers=error.headers)


def _user_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, UserError)
    return answer(422, str(error), error.mend)


def _not_allowed(_request: Request, error: Exception) -> Response:
    return answer(403, str(error))


def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        FieldFault(
            field=".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0]),
            # What was sent is not said again: it may be a password.
            detail=str(one["msg"]).removeprefix("Value error, "),
        )
        for one in error.errors()
    ]
    is_body_broken = any(one["type"] == "json_invalid" for one in error.errors())
    return answer(400 if is_body_broken else 422, errors=faults)


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    # The framework's own words ("There was an error parsing the body") say less than ours.
    return answer(error.status_code, headers=dict(error.headers or {}))


def _no_database(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)
    # The statement's parameters are people's data.
    _log.error("the database said %s", type(error.orig).__name__)
    return answer(503, "the database cannot be reached", headers={"Retry-After": "60"})
