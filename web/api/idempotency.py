"""POSTs that start work, sent twice: the same Idempotency-Key gives the first one's answer and starts nothing more.

The row that holds the answer is written before the work begins, so two at once start it once.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from fastapi import Header, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from models.base import utc_now
from services.access.answers import Known, begin, finish, forget
from services.access.caller import Caller
from web.api.problems import Refusal

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        description="sent again with it, a request starts its work once (24 hours)",
    ),
]
KEPT = timedelta(hours=24)


def once(
    request: Request, caller: Caller, key: str | None, body: BaseModel | None, work: Callable[[], Response]
) -> Response:
    """``work``'s answer; for a key seen before, the answer that was given then.

    422 when the key came with another request, 409 while the first is still at it.
    """
    if key is None:
        return work()
    asked = f"{request.method} {request.url.path}\n{body.model_dump_json() if body else ''}"
    known = begin(caller.scope, key, hashlib.sha256(asked.encode()).hexdigest(), since=utc_now() - KEPT)
    if known is Known.OTHER:
        raise Refusal(422, "this Idempotency-Key came with another request", "use a new key")
    if known is Known.UNDER_WAY:
        raise Refusal(409, "the first request with this Idempotency-Key is still at it", "ask again shortly")
    if not isinstance(known, Known):
        return JSONResponse(known.body, known.status, headers=known.headers | {"Idempotent-Replayed": "true"})
    try:
        answer = work()
    except BaseException:
        forget(caller.scope, key)
        raise
    finish(caller.scope, key, answer.status_code, dict(answer.headers), bytes(answer.body))
    return answer
