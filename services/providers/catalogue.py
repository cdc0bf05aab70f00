"""The installed providers that a tenant may switch on: ours and plug-ins'."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.providers import ProviderKind
from services.errors import UserError
from tasks import registry
from tasks.about import About, about_of

LOG = logging.getLogger(__name__)
GROUPS: Mapping[ProviderKind, str] = {
    ProviderKind.SOURCE: registry.SOURCES,
    ProviderKind.CRM: registry.CRMS,
    ProviderKind.CLASSIFIER: registry.CLASSIFIERS,
}
"""Transports are the deployment's to choose (CM_TRANSPORT), not a tenant's."""
ONE_IN_FORCE = frozenset({ProviderKind.CRM, ProviderKind.CLASSIFIER})
"""Kinds of which a tenant has one at a time: switching one on switches the others off."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider and what it says of itself."""

    kind: ProviderKind
    name: str
    about: About


def catalogue(kind: ProviderKind | None = None) -> list[Provider]:
    """Every provider that somebody outside hears from, by kind and name; one that cannot be loaded is left out.

    What stays in the house (archives, the rules, inventions) needs no switch.
    """
    found = []
    for one in (kind,) if kind is not None else GROUPS:
        for name in sorted(registry.installed(GROUPS[one])) if one in GROUPS else ():
            loaded = _load(one, name)
            if loaded is None or getattr(loaded, "is_mock", False) or getattr(loaded, "is_archive", False):
                continue
            about = about_of(name, loaded)
            if about.recipient:
                found.append(Provider(one, name, about))
    return found


def find_provider(name: str, kind: ProviderKind | None = None) -> Provider:
    """The provider of this name; UserError that lists the known ones, or asks for the kind where two share it."""
    known = catalogue(kind)
    found = [one for one in known if one.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        kinds = " or ".join(one.kind.value for one in found)
        raise UserError(f"{name!r} is the name of several providers", f"say which one: --kind {kinds}")
    names = ", ".join(one.name for one in known) or "none"
    raise UserError(
        f"no provider that can be switched is called {name!r}",
        f"known: {names}; others come with the package that brings them",
    )


def _load(kind: ProviderKind, name: str) -> Any:
    try:
        return registry.load(GROUPS[kind], name)
    except Exception as error:  # somebody's package is broken: the others are listed all the same
        LOG.warning("provider %s cannot be loaded: %s", name, type(error).__name__)
        return None
