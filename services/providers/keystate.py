"""What of a provider's keys and required fields is there, without ever telling a key."""

from dataclasses import dataclass
from enum import StrEnum

from models.providers import ProviderConfig
from models.settings import Settings
from models.vault import VaultClosed, unseal
from tasks.about import About, KeyUse
from tasks.keys import KEY, secrets_of


class KeyState(StrEnum):
    OWN = "own"
    """The tenant's own."""
    DEPLOYMENT = "deployment"
    """From the environment, shared with the deployment's other tenants."""
    NONE = "none"
    """None, and none is needed."""
    NEEDED = "needed"
    UNREADABLE = "unreadable"
    """There is one, sealed with a key that CM_SECRET_KEYS does not have."""


@dataclass(frozen=True, slots=True)
class Keys:
    """How a provider stands with what it needs."""

    state: KeyState
    missing: tuple[str, ...] = ()
    """Names of required fields that nobody filled in."""


def keys_of(settings: Settings, about: About, config: ProviderConfig | None) -> Keys:
    """Which of the provider's keys and required fields are there."""
    try:
        own = unseal(settings, config.secret if config is not None else None)
        held = secrets_of(settings, about, config)
    except VaultClosed:
        return Keys(KeyState.UNREADABLE)
    options = config.options if config is not None else {}
    names = [field.name for field in about.secrets] or [KEY]
    missing = [field.name for field in about.secrets if field.required and field.name not in held]
    if about.key is KeyUse.REQUIRED and not held and not missing:
        missing.append(names[0])  # one of several will do: which, depends on how one signs in
    missing += [
        field.name
        for field in about.options
        if field.required
        and not options.get(field.name)
        and not getattr(settings, field.setting or "_", None)
    ]
    if set(names) & set(missing):
        state = KeyState.NEEDED
    elif own:
        state = KeyState.OWN
    else:
        state = KeyState.DEPLOYMENT if held else KeyState.NONE
    return Keys(state, tuple(missing))


def where_to_put(about: About, name: str, missing: tuple[str, ...]) -> str:
    """How to mend missing fields, in a sentence."""
    ways = []
    if KEY in missing and about.key_setting:
        ways.append(f"set CM_{about.key_setting.upper()} for the whole deployment")
    settings = {field.name: field.setting for field in about.options if field.setting}
    ways += [f"set CM_{settings[field].upper()}" for field in missing if field in settings]
    secrets = {field.name for field in about.secrets}
    given = " ".join(f"--secret {field}" if field in secrets else f"--set {field}=…" for field in missing)
    ways.append(f"give this business its own: client-monitor providers enable {name} {given}")
    return ", or ".join(ways)
