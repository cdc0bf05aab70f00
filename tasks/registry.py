"""One door for providers, ours and anybody's: Python entry points, a group a stage."""

import sys
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

SOURCES = "client_monitor.sources"
CRMS = "client_monitor.crms"
CLASSIFIERS = "client_monitor.classifiers"
TRANSPORTS = "client_monitor.transports"


class UnknownProvider(LookupError):
    """No installed package registers a provider of that name; the message lists those that are."""


def installed(group: str) -> dict[str, EntryPoint]:
    """Providers of a group by name, loaded or not."""
    return {point.name: point for point in _registered(group, tuple(sys.path))}


@cache
def _registered(group: str, _path: tuple[str, ...]) -> EntryPoints:
    """Read once for a search path: it takes a look into every installed package."""
    return entry_points(group=group)


def load(group: str, name: str) -> Any:
    """The class or function a provider's entry point names."""
    known = installed(group)
    if name not in known:
        kind = group.removeprefix("client_monitor.").removesuffix("s")
        raise UnknownProvider(
            f"no {kind} is called {name!r}; installed: {', '.join(sorted(known)) or 'none'}"
        )
    return known[name].load()
