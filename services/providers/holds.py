"""Pauses that a provider asked for: they hold for its key over all runs, until they are over or somebody asks anew."""

from datetime import datetime

from sqlmodel import Session

from models.engine import writing
from models.limits import lift_holds, longest_hold
from models.providers import ProviderConfig, provider_config
from models.scope import Scope
from models.settings import Settings, get_settings
from models.vault import VaultClosed
from services.providers.catalogue import Provider
from tasks.keys import secrets_of


def lift(scope: Scope, one: Provider) -> None:
    """Ask the provider again at once with the keys the tenant uses."""
    with writing(scope) as session:
        config = provider_config(scope, session, one.kind, one.name)
        lift_holds(session, one.name, _credentials(get_settings(), one, config))


def held_until(
    session: Session, settings: Settings, one: Provider, config: ProviderConfig | None, now: datetime
) -> datetime | None:
    """Until when nobody asks the provider with a key the tenant uses; None: it may be asked."""
    until = longest_hold(session, one.name, _credentials(settings, one, config))
    return until if until is not None and until > now else None


def _credentials(settings: Settings, one: Provider, config: ProviderConfig | None) -> list[str | None]:
    """The keys that requests count for; None stands for those without one."""
    try:
        secrets = secrets_of(settings, one.about, config)
    except VaultClosed:
        return [None]
    return [None, *(secret.get_secret_value() for secret in secrets.values())]
