"""What the routes say of themselves in the schema."""

from typing import Any

from starlette.responses import HTMLResponse

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
