"""Salesforce's own words for what went wrong, as typed faults. Its sentences, which may quote data, go no further."""

import re
from typing import Any

from tasks.enrich.crm import FetchError
from tasks.net.documents import read_json
from tasks.net.faults import QuotaReached, Refused

SPENT_PAUSE = 3_600.0
"""Seconds an org is left alone whose calls are used up. They are counted over the last 24 hours, so room comes back bit
by bit, at a time that no answer tells."""


class Expired(Refused):
    """The access token is not accepted any more."""


class Lacking(Refused):
    """The org or its user does not have a field or object that was asked for."""

    def __init__(self, message: str, *, field: str | None, whole_object: bool) -> None:
        super().__init__(message, status=400)
        self.field = field
        """Its API name, when the answer says it."""
        self.whole_object = whole_object


class TokenRefused(Refused):
    """The token endpoint said no; ``code`` is OAuth's."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(f"Salesforce: no token: {code} ({status})", status=status)
        self.code = code


_MISSING = (
    re.compile(r"No such column '(?:\w+\.)*(\w+)'"),
    re.compile(r"Didn't understand relationship '(\w+)'"),
)
_MENDS = {
    "API_DISABLED_FOR_ORG": "this edition has no API; ask Salesforce for API access",
    "API_CURRENTLY_DISABLED": "the API is switched off for this user; give its profile API Enabled",
    "INSUFFICIENT_ACCESS": "the user may not read this; give it the permissions of docs/crm.md",
    "INSUFFICIENT_ACCESS_OR_READONLY": "the user may not read this; give it the permissions of docs/crm.md",
    "QUERY_TIMEOUT": "a query took too long; the next run tries again",
    "UNSUPPORTED_API_VERSION": "it does not know this API version; change the option api_version",
}


def explain(status: int, body: bytes) -> FetchError | None:
    """What an error answer of the REST API means; None leaves it to its status."""
    if status == 401:
        return Expired("Salesforce: the access token is not accepted (401)", status=401)
    code, message = _first(read_json(body))
    if code == "REQUEST_LIMIT_EXCEEDED":
        if "concurrent" in message.lower():
            return Refused(
                "Salesforce: too many requests at once; the next run tries again", status=status, retry=True
            )
        return QuotaReached(
            "Salesforce: the org's API calls of the last 24 hours are used up; asked again in an hour",
            status=status,
            after=SPENT_PAUSE,
        )
    if code in ("INVALID_FIELD", "INVALID_TYPE"):
        named = next((found[1] for pattern in _MISSING if (found := pattern.search(message))), None)
        return Lacking(
            "Salesforce: a field or object is not there, or its user may not read it (400)",
            field=named,
            whole_object=code == "INVALID_TYPE",
        )
    if code in _MENDS:
        return Refused(f"Salesforce: {_MENDS[code]} ({status})", status=status)
    return None


def explain_token(status: int, body: bytes) -> FetchError | None:
    """What the token endpoint's refusal means; None leaves it to its status."""
    said = read_json(body)
    code = said.get("error") if isinstance(said, dict) else None
    if status not in (400, 401, 403) or not isinstance(code, str) or not re.fullmatch(r"[a-z_]{1,40}", code):
        return None
    if code == "rate_limit_exceeded":
        return QuotaReached(
            "Salesforce: too many sign-ins; asked again in an hour", status=status, after=SPENT_PAUSE
        )
    return TokenRefused(code, status)


def _first(said: Any) -> tuple[str, str]:
    """Code and message of the first error: REST answers with a list of them."""
    first = said[0] if isinstance(said, list) and said else said
    if not isinstance(first, dict):
        return "", ""
    return str(first.get("errorCode", "")), str(first.get("message", ""))
