"""Signing in a program: tokens for a person's address and password, renewed, and given back."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.responses import Response

from services.access import tokens
from services.access.caller import Caller
from services.signin.attempt import check_password
from web.api.caller import caller
from web.api.problems import Refusal, described

router = APIRouter(prefix="/tokens", tags=["tokens"])


class SignIn(BaseModel):
    """``business`` is needed where the same address and password are good in several."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=320, examples=["maria@example.com"])
    password: SecretStr = Field(max_length=1_000)
    business: str | None = Field(default=None, max_length=200, examples=["Meridian Partners"])


class Renewal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    refresh_token: SecretStr = Field(max_length=200)


class Tokens(BaseModel):
    """Shown now or never."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105  the word RFC 6750 gives it
    expires_in: int = Field(description="seconds that the access token lasts", examples=[900])


@router.post("", status_code=201, responses=described(401, 409, 422, 429))
def sign_in(given: SignIn) -> Tokens:
    """Tokens for a person. The answer to a wrong address and a wrong password is the same."""
    accounts = check_password(given.email, given.password.get_secret_value())
    if given.business is not None:
        accounts = [one for one in accounts if one.business.casefold() == given.business.casefold()]
    if not accounts:
        raise Refusal(401, "address or password is wrong, or the account rests", "wait a little, or reset it")
    if len(accounts) > 1:
        raise Refusal(409, "this address is good in several businesses", "name one as business")
    return _shown(tokens.begin(accounts[0]))


@router.post("/refresh", status_code=201, responses=described(401, 422, 429))
def renew(given: Renewal) -> Tokens:
    """The next pair. A refresh token is good once; one that comes again ends everything renewed from it."""
    pair = tokens.renew(given.refresh_token.get_secret_value())
    if pair is None:
        raise Refusal(401, "this refresh token does not hold", "sign in again")
    return _shown(pair)


@router.delete("/current", status_code=204, responses=described(401))
def sign_out(who: Annotated[Caller, Depends(caller)]) -> Response:
    """Give the tokens of this sign-in back."""
    tokens.end(who)
    return Response(status_code=204)


def _shown(pair: tokens.Pair) -> Tokens:
    return Tokens(
        access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in
    )
