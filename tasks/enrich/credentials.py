"""A tenant's secrets for one CRM: sealed in its switch's row, and changed by one process at a time.

A refresh token that rotates is dead the moment it was used, and its successor exists only in the answer. So the
answer is stored, committed, before anything else is done with it, and only by a process that holds the lease.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr
from sqlmodel import select
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from models.engine import reading, writing
from models.leases import LeaseBusy, lease
from models.providers import ProviderConfig, ProviderKind, provider_config
from models.scope import Scope
from models.settings import Settings
from models.vault import VaultClosed, seal, unseal
from tasks.about import About
from tasks.enrich.crm import CrmError
from tasks.keys import secrets_of
from tasks.retry import is_transient

LEASE_FACTOR = 10
"""The lease lasts so many HTTP time-outs: one attempt may take four of them (see ``tasks.net.http``), and who loses the
lease while the answer is under way lets another process spend the same token."""
_STORING = Retrying(
    retry=retry_if_exception(is_transient),
    wait=wait_random_exponential(multiplier=0.2, max=5),
    stop=stop_after_attempt(8),
    reraise=True,
)
"""What is not stored now is lost for good: a database that is busy is asked for half a minute."""


@dataclass(slots=True)
class StoredCredentials:
    """The ``Credentials`` of a tenant's CRM, over its row in ``provider_configs``."""

    scope: Scope
    name: str
    about: About
    settings: Settings
    _seen: Mapping[str, SecretStr] | None = field(default=None, repr=False)

    def read(self) -> Mapping[str, SecretStr]:
        """The tenant's own secrets, else the deployment's. CrmError when they cannot be unsealed."""
        with reading(self.scope) as session:
            config = provider_config(self.scope, session, ProviderKind.CRM, self.name)
        with _in_one_line():
            seen = secrets_of(self.settings, self.about, config)
        self._seen = seen
        return seen

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Held by one process of all; CrmError when another one keeps it for longer than we wait."""
        seconds = LEASE_FACTOR * self.settings.http_timeout_seconds
        try:
            # Who waits for longer than the lease lasts has outlived any holder.
            with lease(self.scope, f"crm-keys:{self.name}"[:60], seconds=seconds, wait_seconds=seconds + 5):
                yield
        except LeaseBusy:
            raise CrmError("another process is renewing its token; the next run tries again") from None

    def replace(self, values: Mapping[str, str]) -> None:
        """Seal these beside what is stored; committed when it returns.

        A lease that ran out meanwhile does not matter here: whoever spent a token holds its only successor, and late
        is better than never. What somebody else stored since ``read`` is newer, and stays.
        """
        for attempt in _STORING.copy():
            with attempt:
                self._store(values)

    def _store(self, values: Mapping[str, str]) -> None:
        with writing(self.scope) as session, _in_one_line():
            config = session.exec(
                select(ProviderConfig)
                .where(ProviderConfig.kind == ProviderKind.CRM, ProviderConfig.name == self.name)
                .with_for_update()
            ).first()
            if config is None:
                raise CrmError("its keys were removed meanwhile")
            stored = unseal(self.settings, config.secret)
            seen = stored if self._seen is None else self._seen
            ours = {name: value for name, value in values.items() if stored.get(name) == seen.get(name)}
            kept = {name: secret.get_secret_value() for name, secret in stored.items()}
            config.secret = seal(self.settings, kept | ours)
            session.add(config)


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except VaultClosed as closed:
        raise CrmError(str(closed)) from None
