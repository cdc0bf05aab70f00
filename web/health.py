"""Whether the service lives, and whether it can do its work: for load balancers and people."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from services.doctor.checks import State
from services.doctor.database import check_database
from web.routes import look
from web.service import TheService

router = APIRouter()

_TIMEOUT = 3.0
"""Seconds; a probe that waits longer has been given up by who asked."""
_STATES: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
_JSON = {"content": {"application/json": {"schema": _STATES}}}


@look(
    router,
    "/healthz",
    response_class=JSONResponse,
    responses={200: {"description": "Alive", **_JSON}},
)
def alive() -> JSONResponse:
    """The process answers; nothing else is asked."""
    return JSONResponse({"state": "alive"})


@look(
    router,
    "/readyz",
    response_class=JSONResponse,
    responses={200: {"description": "Ready", **_JSON}, 503: {"description": "Not ready", **_JSON}},
)
def ready(service: TheService) -> JSONResponse:
    """The database can be reached and has our tables as they are now. Says which does not hold, and no address."""
    checks = check_database(service.settings, timeout=_TIMEOUT)
    states = {check.name: check.state.value for check in checks}
    is_ready = {"database", "schema"} <= states.keys() and set(states.values()) == {State.OK.value}
    state = {"state": "ready" if is_ready else "not ready", **states}
    return JSONResponse(state, 200 if is_ready else 503)
