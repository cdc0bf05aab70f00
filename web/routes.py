"""How routes are declared, and what they say of themselves in the schema."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.responses import HTMLResponse

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def look(router: APIRouter, path: str, **route: Any) -> Callable[[Endpoint], Endpoint]:
    """Answer GET and HEAD. HEAD stands beside the schema: an operation's name in it may be given once."""

    def add(endpoint: Endpoint) -> Endpoint:
        router.add_api_route(path, endpoint, methods=["GET"], **route)
        router.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False, **route)
        return endpoint

    return add


_HTML: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}


def _said(description: str) -> dict[str, Any]:
    return {"description": description, **_HTML}


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: _said("A form that cannot be read"),
    404: _said("The link does not hold: unknown, expired or forged"),
    413: _said("A body larger than any form here"),
    429: _said("Too many requests"),
    503: _said("The database cannot be reached"),
}
PAGE: dict[str, Any] = {"response_class": HTMLResponse, "responses": REFUSALS}
PAGE_OR_REFUSAL: dict[str, Any] = PAGE | {"responses": {**REFUSALS, 403: _said("Not this person's to say")}}
OWN_FORM: dict[str, Any] = PAGE | {
    "responses": {
        **REFUSALS,
        303: {"description": "Done; the page to go on with"},
        401: _said("Not the right address and password, or too many attempts"),
        403: _said("A form that does not stand on a page of ours"),
        422: _said("Something in the form cannot stand; the page says what"),
    }
}
