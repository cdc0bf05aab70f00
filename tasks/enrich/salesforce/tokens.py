"""An org's access token: one for all processes, kept in the tenant's sealed credentials until it expires."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from models.base import utc_now
from models.limits import fingerprint
from tasks.enrich.crm import CrmContext, CrmError, Pace
from tasks.enrich.salesforce.faults import TokenRefused, explain_token
from tasks.enrich.salesforce.hosts import safe_base
from tasks.enrich.salesforce.options import NAME, Options
from tasks.enrich.salesforce.signing import Grant, Secrets, flow_for, refused
from tasks.net.documents import JSON_TYPES, read_json
from tasks.net.faults import WrongType


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the instance it is for."""

    access: SecretStr
    instance: str


class Tokens:
    """What one tenant's keys give. CrmError at once when there are none, or its address is not Salesforce's."""

    def __init__(self, context: CrmContext, options: Options) -> None:
        self._context = context
        self._options = options
        self._gateway = context.settings.source_urls.get(NAME)
        self._login = self._base(options.login_url)
        self._flow = flow_for(options, context.credentials.read())
        self._refusal: CrmError | None = None
        self.renewals = 0
        """How many new tokens were asked for here."""

    def current(self, expired: Token | None = None) -> Token:
        """The stored token, unless it is the ``expired`` one; else a new one, renewed by one process alone."""
        if self._refusal is not None:
            raise self._refusal
        credentials = self._context.credentials
        token = self._stored(credentials.read())
        if token is None or token == expired:
            with credentials.exclusive():
                secrets = credentials.read()  # another process may have renewed it while we waited
                token = self._stored(secrets)
                if token is None or token == expired:
                    token = self._renew(secrets)
        return token

    def _renew(self, secrets: Secrets) -> Token:
        """Spend the grant; keep what came back before it is looked at, let alone used."""
        self.renewals += 1
        answer = self._ask(secrets)
        access, instance = _text(answer, "access_token"), _text(answer, "instance_url")
        kept = {"access_token": access, "instance_url": instance}
        rotated = _text(answer, self._flow.needs) if self._flow.is_spent else ""
        if rotated:
            kept[self._flow.needs] = rotated
        kept["access_for"] = self._grant(rotated or secrets[self._flow.needs].get_secret_value())
        self._context.credentials.replace(kept)
        if not access or not instance:
            raise WrongType("Salesforce: an answer without a token; the next run tries again")
        return Token(SecretStr(access), self._base(instance))

    def _ask(self, secrets: Secrets) -> Mapping[str, Any]:
        form = self._flow.form(Grant(self._options, secrets, utc_now()))
        try:
            fetched = self._context.http.fetch(
                f"{self._gateway or self._login}/services/oauth2/token",
                method="POST",
                form={"client_id": self._options.client_id, **form},
                expect=JSON_TYPES,
                allow_private=self._gateway is not None,
                explain=explain_token,
                # A token that is spent is sent once, and without a wait for a turn, which could outlast the lease.
                attempts=1 if self._flow.is_spent else None,
                pace=None if self._flow.is_spent else self._pace(secrets),
            )
        except TokenRefused as error:
            # Asking again cannot change it, and each try counts against the user.
            self._refusal = refused(self._flow, error.code)
            raise self._refusal from None
        answer = read_json(fetched.body)
        if not isinstance(answer, dict):
            raise WrongType("Salesforce: an answer without a token; the next run tries again")
        return answer

    def _pace(self, secrets: Secrets) -> Pace:
        """Sign-ins need no distance, but what is asked of us (Retry-After) is known to all processes."""
        return Pace(f"{NAME}-login", 0.0, secrets[self._flow.needs].get_secret_value())

    def _stored(self, secrets: Secrets) -> Token | None:
        """The token kept beside the grant it came from; one of other keys or another address is not this org's."""
        said = {name: secret.get_secret_value() for name, secret in secrets.items()}
        access, instance = said.get("access_token"), said.get("instance_url")
        if (
            not access
            or not instance
            or said.get("access_for") != self._grant(said.get(self._flow.needs, ""))
        ):
            return None
        try:
            return Token(SecretStr(access), self._base(instance))
        except CrmError:
            return None

    def _grant(self, key: str) -> str:
        options = self._options
        return fingerprint(
            "\n".join((self._flow.name, self._login, options.client_id, options.username, key))
        )

    def _base(self, url: str) -> str:
        return safe_base(url, self._gateway)


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""
