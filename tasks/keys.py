"""Where a provider's secrets come from: the tenant's own, else the deployment's."""

from pydantic import SecretStr

from models.providers import ProviderConfig
from models.settings import Settings
from models.vault import unseal
from tasks.about import About

KEY = "key"
"""The name under which a provider that needs one secret finds it."""


def secrets_of(settings: Settings, about: About, config: ProviderConfig | None) -> dict[str, SecretStr]:
    """A provider's secrets by field name. VaultClosed when the tenant's own cannot be unsealed."""
    own = unseal(settings, config.secret if config is not None else None)
    if KEY not in own and about.key_setting:
        shared = getattr(settings, about.key_setting, None)
        if isinstance(shared, SecretStr):
            own[KEY] = shared
    return own
