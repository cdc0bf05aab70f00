"""Whether the providers that are switched on can do their work, and for how long they will."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlmodel import Session, col, select

from models.accounts import Business
from models.clock import Clock
from models.providers import ProviderConfig, ProviderKind
from models.settings import Settings
from services.doctor.checks import Check
from services.doctor.database import from_ledger
from services.providers.catalogue import Provider, catalogue
from services.providers.keystate import KeyState, keys_of, where_to_put

WARN_AHEAD = timedelta(days=90)
"""A quarter: time to choose another provider and to have it approved."""
_CHECKED = (ProviderKind.SOURCE, ProviderKind.CLASSIFIER)
"""What a CRM needs depends on how one signs in: ``services.doctor.crm`` knows."""


def check_providers(settings: Settings, clock: Clock) -> list[Check]:
    """The deployment's keys, then each business's switches, in the order of their names."""
    known = {(one.kind, one.name): one for one in catalogue()}
    shared = [
        check
        for one in known.values()
        if one.about.key_setting and getattr(settings, one.about.key_setting, None) is not None
        for check in _end(f"CM_{one.about.key_setting.upper()}", one, clock)
    ]
    found = [*shared, *from_ledger(settings, lambda session: _of_tenants(session, settings, known, clock))]
    return found or [Check.ok("providers", "those that are switched on have what they need")]


def _of_tenants(
    session: Session,
    settings: Settings,
    known: Mapping[tuple[ProviderKind, str], Provider],
    clock: Clock,
) -> list[Check]:
    checks: list[Check] = []
    for business in session.exec(select(Business).order_by(col(Business.slug))):
        configs = session.exec(
            select(ProviderConfig)
            .where(ProviderConfig.business_id == business.id)
            .order_by(col(ProviderConfig.kind), col(ProviderConfig.name))
        ).all()
        if not business.is_demo:
            checks += _search(business.slug, configs, settings)
        for config in configs:
            one = known.get((config.kind, config.name))
            checks += _one(business.slug, config, one, settings, clock)
    return checks


def _search(slug: str, configs: Sequence[ProviderConfig], settings: Settings) -> list[Check]:
    on = [config for config in configs if config.is_enabled and config.kind is ProviderKind.SOURCE]
    if on or settings.feeds:
        return []
    mend = f"client-monitor providers enable google_news --business {slug}, or name feeds in CM_FEEDS"
    return [
        Check.warning("providers", f"{slug}: no source is switched on; its runs find nothing to ask", mend)
    ]


def _one(
    slug: str, config: ProviderConfig, one: Provider | None, settings: Settings, clock: Clock
) -> list[Check]:
    where = f"{slug}: {config.name}"
    if one is None:
        if not config.is_enabled:
            return []
        mend = "install the package that brings it, or switch it off"
        return [Check.failed("providers", f"{where} is on, but is not installed", mend)]
    keys = keys_of(settings, one.about, config)
    if keys.state is KeyState.UNREADABLE:
        why = "does not hold the key that sealed it" if settings.secret_keys else "is not set"
        mend = "put that key back into CM_SECRET_KEYS, or store the provider's key anew"
        return [
            Check.failed("providers", f"{where}: its stored key cannot be read: CM_SECRET_KEYS {why}", mend)
        ]
    if not config.is_enabled:
        return []
    checks = _end(where, one, clock)
    if keys.missing and one.kind in _CHECKED:
        message = f"{where} is on, but lacks {', '.join(keys.missing)}"
        checks.append(Check.failed("providers", message, where_to_put(one.about, one.name, keys.missing)))
    return checks


def _end(where: str, one: Provider, clock: Clock) -> list[Check]:
    """A word on a service that is about to end, or has."""
    end, today = one.about.ends, clock.now().date()
    if end is None or today < end - WARN_AHEAD:
        return []
    mend = "switch another source on, and this one off"
    if end <= today:
        return [Check.failed("providers", f"{where}: {one.about.title} was shut down on {end}", mend)]
    return [Check.warning("providers", f"{where}: {one.about.title} is shut down on {end}", mend)]
