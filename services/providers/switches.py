"""Switching providers on and off and keeping their keys: admins only, every change audited, no key ever shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from models import breakers
from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.providers import ProviderConfig, ProviderKind, provider_config, provider_configs
from models.scope import Scope
from models.settings import Settings, get_settings, is_placeholder
from models.vault import VaultClosed, reseal, seal, unseal
from services.accounts import is_admin, lock_business
from services.errors import UserError
from services.providers.catalogue import ONE_IN_FORCE, Provider, find_provider
from services.providers.holds import lift
from services.providers.keystate import KeyState, keys_of, where_to_put
from services.providers.recipient import recipient_of
from tasks.about import about_of
from tasks.classify.classifier import ClassifierError
from tasks.classify.connect import build

SECRET_MAX = 20_000
"""Characters: a private key of 16,384 bits has 13,000."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a call changed; all empty when everything was so already."""

    provider: Provider
    switched: bool = False
    options: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """Fields whose secret was stored or forgotten; never a value."""
    switched_off: tuple[str, ...] = ()
    """Others of its kind, of which there is one in force."""


def require_switcher(scope: Scope) -> None:
    """PermissionError unless the scope may decide what leaves the house."""
    if not is_admin(scope):
        raise PermissionError(f"a {scope.role.value} may not switch or test outside services")


def enable(
    scope: Scope,
    name: str,
    *,
    kind: ProviderKind | None = None,
    options: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Change:
    """Switch a provider on for the tenant, with what is filled in; what is not named stays as it is.

    An empty option is forgotten. UserError for an unknown or unreadable field, for a required one that is missing, and
    for a provider that is no more; nothing is changed then.
    """
    require_switcher(scope)
    now, settings = now or utc_now(), get_settings()
    one = find_provider(name, kind)
    if one.about.ends is not None and one.about.ends <= now.date():
        raise UserError(f"{one.about.title} was shut down on {one.about.ends}", "choose another provider")
    read = _read_options(one, options or {})
    kept = _read_secrets(one, secrets or {})
    _try_on(scope, settings, one, read, kept)
    with writing(scope) as session:
        lock_business(scope, session)
        config = _config(scope, session, one)
        before = (config.is_enabled, dict(config.options))
        config.options = _merged(config.options, read)
        if kept:
            config.secret = _sealed(settings, config.secret, kept)
        keys = keys_of(settings, one.about, config)
        if keys.state is KeyState.UNREADABLE:
            raise UserError(
                f"{one.name}: its stored key cannot be read",
                "put the old key back into CM_SECRET_KEYS, or forget it: "
                f"client-monitor providers disable {one.name} --forget-key",
            )
        if keys.missing:
            needed = ", ".join(keys.missing)
            raise UserError(f"{one.name} needs {needed}", where_to_put(one.about, one.name, keys.missing))
        config.is_enabled = True
        changed = tuple(n for n in read if config.options.get(n) != before[1].get(n))
        off = _others_off(scope, session, one) if one.kind in ONE_IN_FORCE else ()
        change = Change(one, not before[0], changed, tuple(kept), off)
        _store(scope, session, config, change, "provider.enabled", now)
    if change.switched or change.options or change.keys:
        breakers.reset(scope, one.kind, one.name)  # what was wrong may be mended: ask it at once
        lift(scope, one)
    return change


def recipient_with(scope: Scope, one: Provider, options: Mapping[str, str]) -> str:
    """Who would receive what the provider is sent, were it switched on with these options."""
    with reading(scope) as session:
        stored = provider_config(scope, session, one.kind, one.name)
    return recipient_of(
        one.about, one.name, {**(stored.options if stored else {}), **options}, get_settings()
    )


def _merged(stored: Mapping[str, Any], read: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**stored, **read}.items() if value is not None}


def _try_on(
    scope: Scope, settings: Settings, one: Provider, read: Mapping[str, Any], kept: Mapping[str, str]
) -> None:
    """UserError for a model that could not be made with this: switching it on would switch off one that works.

    Outside the change's transaction, because an address is looked up. A missing key is the change's own to refuse.
    """
    if one.kind is not ProviderKind.CLASSIFIER:
        return
    with reading(scope) as session:
        stored = provider_config(scope, session, one.kind, one.name)
    worn = ProviderConfig(
        business_id=scope.business,
        kind=one.kind,
        name=one.name,
        options=_merged(stored.options if stored else {}, read),
        secret=stored.secret if stored else None,
    )
    if kept:
        worn.secret = _sealed(settings, worn.secret, kept)
    keys = keys_of(settings, one.about, worn)
    if keys.missing or keys.state is KeyState.UNREADABLE:
        return
    try:
        build(scope, one.name, worn, is_trial=True)
    except ClassifierError as error:
        raise UserError(
            f"{one.name}: {error}", f"fill it in: client-monitor providers enable {one.name} --set NAME=VALUE"
        ) from None


def disable(
    scope: Scope,
    name: str,
    *,
    kind: ProviderKind | None = None,
    forget_key: bool = False,
    now: datetime | None = None,
) -> Change:
    """Switch a provider off; its options stay, and so does its key unless it is to be forgotten."""
    require_switcher(scope)
    one = _known_or_stored(scope, name, kind)
    with writing(scope) as session:
        lock_business(scope, session)
        config = _config(scope, session, one)
        # A row that says "off" is kept even where there was none: feeds are read unless one says so.
        is_new = config not in session
        forgotten = ("all keys",) if forget_key and config.secret is not None else ()
        change = Change(one, config.is_enabled or is_new, keys=forgotten)
        config.is_enabled = False
        if forget_key:
            config.secret = None
        _store(scope, session, config, change, "provider.disabled", now or utc_now())
    return change


def reseal_keys() -> int:
    """Seal every tenant's stored keys with the first of CM_SECRET_KEYS, so that an older one may go; how many.

    For the operator. All or nothing: UserError when one cannot be read.
    """
    settings = get_settings()
    with writing(Scope.operator()) as session:
        sealed = select(ProviderConfig).where(col(ProviderConfig.secret).is_not(None)).with_for_update()
        rows = list(session.exec(sealed))
        for row in rows:
            assert row.secret is not None  # as the query asks
            try:
                row.secret = reseal(settings, row.secret)
            except VaultClosed as error:
                raise UserError(
                    f"{row.name}: {error}",
                    "nothing was changed: put the old key behind the new one in CM_SECRET_KEYS, or store this one anew",
                ) from None
            session.add(row)
    return len(rows)


def _config(scope: Scope, session: Session, one: Provider) -> ProviderConfig:
    """The tenant's row, locked: a CRM may be storing a new token in it just now."""
    mine = (ProviderConfig.kind == one.kind, ProviderConfig.name == one.name)
    found = session.exec(select(ProviderConfig).where(*mine).with_for_update()).first()
    return found or ProviderConfig(business_id=scope.business, kind=one.kind, name=one.name)


def _known_or_stored(scope: Scope, name: str, kind: ProviderKind | None) -> Provider:
    """The installed provider of this name; else one that was switched on while it was installed."""
    try:
        return find_provider(name, kind)
    except UserError:
        with reading(scope) as session:
            rows = [row for row in provider_configs(scope, session, kind) if row.name == name]
        if len(rows) != 1:
            raise
        return Provider(rows[0].kind, name, about_of(name, object))


def _read_options(one: Provider, given: Mapping[str, str]) -> dict[str, Any]:
    """The options as they are stored; None for those to forget."""
    fields = {field.name: field for field in one.about.options}
    read: dict[str, Any] = {}
    for name, typed in given.items():
        if name in {field.name for field in one.about.secrets}:
            raise UserError(f"{name} is a secret", f"give it with --secret {name}: it is asked for unseen")
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise UserError(f"{one.name} has no option {name!r}", f"its options: {known}")
        try:
            read[name] = fields[name].read(typed) if typed.strip() else None
        except ValueError as error:
            raise UserError(f"{name}: {error}", f"correct --set {name}=…") from None
    return read


def _read_secrets(one: Provider, given: Mapping[str, str]) -> dict[str, str]:
    known = {field.name for field in one.about.secrets}
    for name, value in given.items():
        if name not in known:
            fields = ", ".join(sorted(known)) or "none"
            raise UserError(f"{one.name} has no secret {name!r}", f"its secrets: {fields}")
        if not value.strip() or is_placeholder(value) or len(value) > SECRET_MAX:
            raise UserError(f"{name}: this looks like no key", "give the real one")
    return {name: value.strip() for name, value in given.items()}


def _sealed(settings: Settings, sealed: bytes | None, kept: Mapping[str, str]) -> bytes:
    try:
        own = {name: value.get_secret_value() for name, value in unseal(settings, sealed).items()}
        return seal(settings, {**own, **kept})
    except VaultClosed as error:
        raise UserError(str(error), "set it in .env or the environment, then try again") from None


def _others_off(scope: Scope, session: Session, one: Provider) -> tuple[str, ...]:
    others = session.exec(
        select(ProviderConfig).where(
            ProviderConfig.kind == one.kind,
            ProviderConfig.name != one.name,
            col(ProviderConfig.is_enabled).is_(True),
        )
    )
    names = []
    for row in others:
        row.is_enabled, row.changed_by, row.changed_at = False, scope.user_id, utc_now()
        session.add(row)
        record(scope, session, "provider.disabled", f"{row.kind.value}/{row.name}", instead=one.name)
        names.append(row.name)
    return tuple(names)


def _store(
    scope: Scope, session: Session, config: ProviderConfig, change: Change, action: str, now: datetime
) -> None:
    """Write the row and its line in the audit log, where anything changed."""
    if not (change.switched or change.options or change.keys):
        return
    config.changed_by, config.changed_at = scope.user_id, now
    session.add(config)
    details = {name: config.options.get(name) for name in change.options}
    subject = f"{config.kind.value}/{config.name}"
    record(scope, session, action, subject, options=details, keys=list(change.keys))
