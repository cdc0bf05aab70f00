"""Access tokens for XOAUTH2: fetched from the identity provider's token endpoint, kept until shortly before their end.

RFC 6749 section 6 (refresh token) where one is configured, else section 4.4 (client credentials).
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

import httpx
from pydantic import SecretStr

from models.settings import Settings
from tasks.notify.transports.transport import one_line

_EARLY = 60.0
"""Seconds before its end at which a token is no longer used: a batch of mails may follow the login."""
_SHORTEST = 300.0
"""Assumed life of a token whose answer does not say."""


class TokenRefused(Exception):
    """No token: one line that says what to mend, without secrets."""


class Tokens:
    """The access token of one mailbox. Safe to share between threads."""

    def __init__(self, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._lock = Lock()
        self._token: SecretStr | None = None
        self._good_until = 0.0

    def get(self) -> str:
        """A token that holds for a while; TokenRefused when there is none to be had."""
        with self._lock:
            if self._token is None or self._monotonic() >= self._good_until:
                answer = self._ask()
                self._token = SecretStr(answer["access_token"])
                self._good_until = self._monotonic() + _life(answer) - _EARLY
            return self._token.get_secret_value()

    def forget(self) -> None:
        """The mail server did not take it: the next one is fetched anew."""
        with self._lock:
            self._token = None

    def _ask(self) -> dict[str, Any]:
        settings = self._settings
        url = settings.smtp_oauth_token_url
        host = httpx.URL(url).host
        try:
            response = httpx.post(
                url,
                data=_form(settings),
                headers={"Accept": "application/json"},
                timeout=settings.http_timeout_seconds,
            )
        except httpx.HTTPError as error:
            raise TokenRefused(
                f"{host}: no token: {type(error).__name__}; check CM_SMTP_OAUTH_TOKEN_URL"
            ) from None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise TokenRefused(
                f"{host}: no token: answered {response.status_code} with something else; check CM_SMTP_OAUTH_TOKEN_URL"
            )
        if response.status_code != 200 or not isinstance(answer.get("access_token"), str):
            # The code alone ("invalid_grant"): a description may repeat what was sent.
            code = one_line(answer.get("error", "without a reason"), 40)
            raise TokenRefused(
                f"{host}: no token: {response.status_code} {code}; check CM_SMTP_OAUTH_CLIENT_ID, its secret and the"
                " refresh token: a person may have to agree again"
            )
        return answer


def _form(settings: Settings) -> dict[str, str]:
    form = {"client_id": settings.smtp_oauth_client_id, "grant_type": "client_credentials"}
    if settings.smtp_oauth_refresh_token is not None:
        form |= {
            "grant_type": "refresh_token",
            "refresh_token": settings.smtp_oauth_refresh_token.get_secret_value(),
        }
    if settings.smtp_oauth_client_secret is not None:
        form["client_secret"] = settings.smtp_oauth_client_secret.get_secret_value()
    if settings.smtp_oauth_scope:
        form["scope"] = settings.smtp_oauth_scope
    return form


def _life(answer: dict[str, Any]) -> float:
    try:
        return max(float(answer["expires_in"]), 0.0)
    except (KeyError, TypeError, ValueError):
        return _SHORTEST
