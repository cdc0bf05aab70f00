"""What a tenant's source may use: the tenant's own key and options, else the deployment's, and its caps."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr

from models.limits import fingerprint
from models.providers import ProviderConfig
from models.settings import Settings
from models.vault import VaultClosed
from tasks.about import About
from tasks.keys import KEY, secrets_of
from tasks.net.http import Http
from tasks.net.pace import Cap, Period
from tasks.search.source import FetchContext

CAPS = {"calls_per_day": Period.DAY, "calls_per_month": Period.MONTH}
"""The options that cap a source, and what each is counted over."""


def context_of(
    business_id: UUID,
    name: str,
    about: About,
    config: ProviderConfig | None,
    *,
    http: Http,
    settings: Settings,
    as_of: datetime,
    days_back: int,
    arguments: tuple[str, ...] = (),
) -> FetchContext:
    """The context of the source of this name; a key that cannot be unsealed is an error only once it is used."""
    secrets: Mapping[str, SecretStr] = {}
    locked = ""
    try:
        secrets = secrets_of(settings, about, config)
    except VaultClosed as error:
        locked = str(error)
    options = config.options if config is not None else {}
    return FetchContext(
        http=http,
        settings=settings,
        as_of=as_of,
        days_back=days_back,
        arguments=arguments,
        keys={name: secrets[KEY]} if KEY in secrets else {},
        options=options,
        caps=(*_own_caps(business_id, name, options), *_shared_caps(name, secrets, config, settings)),
        locked=locked,
        key_setting=about.key_setting,
    )


def _own_caps(business_id: UUID, name: str, options: Mapping[str, object]) -> tuple[Cap, ...]:
    """What the tenant allows itself."""
    return tuple(
        Cap(f"calls/{name}/{business_id}", limit, period)
        for option, period in CAPS.items()
        if isinstance(limit := options.get(option), int)
    )


def _shared_caps(
    name: str, secrets: Mapping[str, SecretStr], config: ProviderConfig | None, settings: Settings
) -> tuple[Cap, ...]:
    """What the deployment allows all tenants together that use its key, or none."""
    limit = settings.calls_per_day.get(name)
    if limit is None or (config is not None and config.secret is not None):
        return ()
    key = secrets[KEY].get_secret_value() if KEY in secrets else None
    return (Cap(f"calls/{name}/{fingerprint(key) or 'keyless'}", limit, Period.DAY),)
