"""The three ways to a token. Each is data: what it needs, what it posts, and what to do when it is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import jwt
from pydantic import SecretStr

from tasks.enrich.crm import CrmError, SignInRefused
from tasks.enrich.salesforce.options import Options

Secrets = Mapping[str, SecretStr]

_ASSERTION_LASTS = timedelta(minutes=3)
"""The longest that Salesforce accepts of a JWT."""
_SANDBOX = (".sandbox.my.salesforce.com", "test.salesforce.com")


class Grant(NamedTuple):
    """What a flow makes its form of."""

    options: Options
    secrets: Secrets
    now: datetime


@dataclass(frozen=True, slots=True)
class Flow:
    """An OAuth grant."""

    name: str
    needs: str
    """The secret without which it cannot be used."""
    form: Callable[[Grant], dict[str, str]]
    again: str
    """How to mend ``invalid_grant``."""
    is_spent: bool = False
    """Whether the secret may be dead once it was posted: sent once only, and its successor is in the answer."""


def _refresh(grant: Grant) -> dict[str, str]:
    form = {"grant_type": "refresh_token", "refresh_token": grant.secrets["refresh_token"].get_secret_value()}
    if "client_secret" in grant.secrets:
        form["client_secret"] = grant.secrets["client_secret"].get_secret_value()
    return form


def _client_credentials(grant: Grant) -> dict[str, str]:
    if urlsplit(grant.options.login_url).hostname in ("login.salesforce.com", "test.salesforce.com"):
        raise CrmError(
            "Salesforce: client credentials need your My Domain: set the option login_url to https://….my.salesforce.com"
        )
    return {
        "grant_type": "client_credentials",
        "client_secret": grant.secrets["client_secret"].get_secret_value(),
    }


def _bearer(grant: Grant) -> dict[str, str]:
    if not grant.options.username:
        raise CrmError("Salesforce: the JWT bearer flow needs the option username: whom shall we sign in?")
    sandbox = (urlsplit(grant.options.login_url).hostname or "").endswith(_SANDBOX)
    claims = {
        "iss": grant.options.client_id,
        "sub": grant.options.username,
        "aud": "https://test.salesforce.com" if sandbox else "https://login.salesforce.com",
        "exp": int((grant.now + _ASSERTION_LASTS).timestamp()),
    }
    # Whoever pastes a key into one line writes its line ends as \n.
    key = grant.secrets["private_key"].get_secret_value().replace("\\n", "\n")
    try:
        assertion = jwt.encode(claims, key, algorithm="RS256")
    except Exception:  # the library's and OpenSSL's, of many kinds, and they may quote the key
        raise CrmError("Salesforce: the private key cannot be read: store an RSA key in PEM") from None
    return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}


FLOWS = (
    Flow(
        "refresh_token",
        "refresh_token",
        _refresh,
        "the consent has ended (revoked, expired, or its last token was lost): consent again and store the new "
        "refresh token",
        is_spent=True,
    ),
    Flow(
        "jwt",
        "private_key",
        _bearer,
        "the user is not approved for the app, or its certificate is another: approve it in the app's policies",
    ),
    Flow(
        "client_credentials",
        "client_secret",
        _client_credentials,
        "the app has no user to run as: choose one in its policies",
    ),
)
_REFUSALS = {
    "invalid_client": "the consumer key or secret is wrong, or the app is not active yet",
    "invalid_client_id": "the consumer key is wrong, or the app is not active yet",
    "invalid_client_credentials": "the consumer secret is wrong",
    "invalid_app_access": "the user is not admitted to the app: change the app's policies",
    "invalid_scope": "the app lacks the scopes api and refresh_token",
    "inactive_user": "the user is deactivated",
    "inactive_org": "the org is locked or closed",
    "unauthorized_client": "this flow is not enabled for the app",
    "unsupported_grant_type": "this flow is not enabled for the app",
}


def flow_for(options: Options, secrets: Secrets) -> Flow:
    """The flow the options name, else the first whose secret is stored. CrmError: there is none."""
    for flow in FLOWS:
        if flow.name == (options.flow or flow.name) and flow.needs in secrets:
            return flow
    wanted = [flow.needs for flow in FLOWS if flow.name == (options.flow or flow.name)]
    raise CrmError(
        f"Salesforce: no key is stored: it needs {' or '.join(wanted)} (client-monitor providers enable salesforce)"
    )


def refused(flow: Flow, code: str) -> SignInRefused:
    """The error for a person, from OAuth's error code."""
    why = flow.again if code == "invalid_grant" else _REFUSALS.get(code, "see the login history of its user")
    return SignInRefused(f"Salesforce: no token ({code}): {why}")
