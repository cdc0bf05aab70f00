"""What an admin reads before switching: who receives what, on which terms, at what cost, and how it does now."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from pydantic import BaseModel
from sqlmodel import Session

from models.base import utc_now
from models.breakers import BreakerState, all_health, state_of
from models.clients import active_clients
from models.engine import reading
from models.providers import ProviderConfig, ProviderHealth, ProviderKind, provider_configs
from models.scope import Scope
from models.settings import Settings, get_settings
from services.providers.catalogue import Provider, catalogue
from services.providers.holds import held_until
from services.providers.keystate import KeyState, keys_of
from services.providers.recipient import recipient_of
from tasks.search.units import RSS

RUNS_A_DAY = 24
"""What the deployment ``monitor-clients/scheduled`` does: hourly."""
DAYS_A_MONTH = 30
FORGOTTEN_AFTER = timedelta(days=7)
"""A feed that is left alone is tried every few hours; one that was not for so long is no longer read."""


_NEVER = datetime.min.replace(tzinfo=UTC)


class ProviderLine(BaseModel):
    """One provider as it stands for this tenant; no field holds a key."""

    kind: ProviderKind
    name: str
    title: str
    recipient: str
    sends: str
    terms: str
    fields: dict[str, str]
    """What may be filled in, by name: what it is."""
    ends: date | None
    enabled: bool
    key: KeyState
    missing: list[str]
    """Required fields that nobody filled in."""
    options: dict[str, object]
    state: BreakerState
    """Of its circuit breaker; of the worst feed for feeds."""
    failures: int
    asked_again_at: datetime | None
    held_until: datetime | None
    """It asked for a pause, with a key that this tenant uses."""
    last_error: str
    last_failed_at: datetime | None
    last_ok_at: datetime | None
    calls_a_month: int | None
    """For this portfolio; None where it does not depend on clients."""
    usd_a_month: float | None
    """None: by plan, or not known."""
    beyond_free: bool
    """More calls than the free plan has."""


class Listing(BaseModel):
    """The providers, and what the estimates assume."""

    providers: list[ProviderLine]
    clients: int
    confidential: int
    """Of those: never sent to a third party, and not counted."""
    runs_a_day: float


def list_providers(
    scope: Scope,
    *,
    kind: ProviderKind | None = None,
    runs_a_day: float = RUNS_A_DAY,
    now: datetime | None = None,
) -> Listing:
    """Every provider that can be switched on, with its state for this tenant and its cost for this portfolio."""
    now, settings = now or utc_now(), get_settings()
    with reading(scope) as session:
        configs = {(row.kind, row.name): row for row in provider_configs(scope, session, kind)}
        clients, confidential = _portfolio(scope, session)
        providers = catalogue(kind)
        held = {
            (one.kind, one.name): held_until(session, settings, one, configs.get((one.kind, one.name)), now)
            for one in providers
        }
    health = all_health(scope)
    lines = [
        _line(
            one,
            configs.get((one.kind, one.name)),
            _health_of(one, health, now),
            settings,
            held=held[one.kind, one.name],
            calls=_calls(one, clients - confidential, runs_a_day),
            now=now,
        )
        for one in providers
    ]
    return Listing(providers=lines, clients=clients, confidential=confidential, runs_a_day=runs_a_day)


def _portfolio(scope: Scope, session: Session) -> tuple[int, int]:
    clients = active_clients(scope, session)
    return len(clients), sum(client.confidential for client in clients)


def _calls(one: Provider, clients: int, runs_a_day: float) -> int | None:
    # A CRM and an AI are asked about clients in the news only, many at a time: no figure is better than a wrong one.
    if one.kind is not ProviderKind.SOURCE or not one.about.calls_per_client:
        return None
    return round(one.about.calls_per_client * clients * runs_a_day * DAYS_A_MONTH)


def _health_of(
    one: Provider, health: Mapping[tuple[ProviderKind, str], ProviderHealth], now: datetime
) -> ProviderHealth | None:
    """The provider's breaker; a source of feeds has one for each, of which the worst is told."""
    own = [row for (kind, name), row in health.items() if kind is one.kind and name == one.name]
    feeds = [
        row
        for (kind, name), row in health.items()
        if kind is one.kind
        and name.startswith(f"{one.name}:")
        and max(row.last_failed_at or _NEVER, row.last_ok_at or _NEVER) > now - FORGOTTEN_AFTER
    ]
    rows = sorted(own + feeds, key=lambda row: (state_of(row, now) is BreakerState.CLOSED, -row.failures))
    return rows[0] if rows else None


def _line(
    one: Provider,
    config: ProviderConfig | None,
    health: ProviderHealth | None,
    settings: Settings,
    *,
    held: datetime | None,
    calls: int | None,
    now: datetime,
) -> ProviderLine:
    about, keys = one.about, keys_of(settings, one.about, config)
    beyond = calls is not None and about.free_calls is not None and calls > about.free_calls
    state = state_of(health, now)
    return ProviderLine(
        kind=one.kind,
        name=one.name,
        title=about.title,
        recipient=recipient_of(about, one.name, config.options if config else {}, settings),
        sends=about.sends,
        terms=about.terms,
        fields={field.name: field.label for field in about.fields},
        ends=about.ends,
        enabled=is_asked(one.kind, one.name, config, settings),
        key=keys.state,
        missing=list(keys.missing),
        options=dict(config.options) if config is not None else {},
        state=state,
        failures=health.failures if health else 0,
        asked_again_at=health.open_until if health and state is not BreakerState.CLOSED else None,
        held_until=held,
        last_error=health.last_error if health and health.failures else "",
        last_failed_at=health.last_failed_at if health else None,
        last_ok_at=health.last_ok_at if health else None,
        calls_a_month=calls,
        usd_a_month=_cost(one, calls),
        beyond_free=beyond,
    )


def is_asked(kind: ProviderKind, name: str, config: ProviderConfig | None, settings: Settings) -> bool:
    """Whether a run asks it; feeds that the deployment configured are read unless somebody switched them off."""
    if config is None:
        return kind is ProviderKind.SOURCE and name == RSS and bool(settings.feeds)
    return config.is_enabled


def _cost(one: Provider, calls: int | None) -> float | None:
    if calls is None or not one.about.usd_per_call:
        return None
    return round(max(0, calls - (one.about.free_calls or 0)) * one.about.usd_per_call, 2)
