"""The one dependency that says who calls. It fails closed: no route of the API has another way to a scope."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from services.access.caller import Caller, Grant
from services.access.keys import caller_by_key
from services.access.tokens import caller_by_token
from services.accounts import is_admin
from web.api.problems import Refusal

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="an access token, from POST /tokens")
_key = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="key", description="a tenant's API key")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="client-monitor"'}


def caller(
    request: Request,
    token: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    key: Annotated[str | None, Security(_key)],
) -> Caller:
    """Whom the request acts for; 401 unless exactly one credential is given and holds."""
    if (token is None) == (key is None):
        raise Refusal(401, "give an access token or an API key", headers=_CHALLENGE)
    found = caller_by_token(token.credentials) if token else caller_by_key(key or "")
    if found is None:
        raise Refusal(401, "this credential does not hold", "sign in again", headers=_CHALLENGE)
    request.state.caller = found
    return found


def _with(grant: Grant, *, is_admins: bool = False) -> Callable[[Caller], Caller]:
    def check(found: Annotated[Caller, Depends(caller)]) -> Caller:
        if grant not in found.grants:
            raise Refusal(403, f"this key may not {grant.value}", "use one with that grant")
        if is_admins and not is_admin(found.scope):
            raise Refusal(403, f"a {found.scope.role.value} may not do this")
        return found

    return check


Reader = Annotated[Caller, Depends(_with(Grant.READ))]
Writer = Annotated[Caller, Depends(_with(Grant.WRITE))]
Runner = Annotated[Caller, Depends(_with(Grant.RUN))]
AdminReader = Annotated[Caller, Depends(_with(Grant.READ, is_admins=True))]
AdminWriter = Annotated[Caller, Depends(_with(Grant.WRITE, is_admins=True))]
