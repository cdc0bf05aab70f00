"""Where a model is asked: at an address of the tenant's own, or where the deployment says."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from tasks.classify.classifier import ClassifierContext, ClassifierError
from tasks.net.faults import Unreachable, UnsafeAddress
from tasks.net.guard import reach, resolve


def read_address(typed: str) -> str:
    """An https address: prompts, and mostly a key, are sent there. ValueError otherwise."""
    parts = urlsplit(typed.strip())
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query:
        raise ValueError("an address such as https://ai.example.com/v1, without user, password or query")
    return typed.strip().rstrip("/")


class Place(NamedTuple):
    """Where a model is asked."""

    url: str
    """Empty: where its SDK goes by itself."""
    addresses: Sequence[str] = ()
    """The checked IP addresses of a tenant's own host; none where the deployment's word or its proxy decides."""
    is_own: bool = False


def place_of(context: ClassifierContext, deployments: str) -> Place:
    """The tenant's own address, else the deployment's.

    A tenant's must lie on the open internet, and only the addresses found now are connected to: nobody looks into our
    network with it, whatever the name leads to later.
    """
    own = str(context.options.get("base_url") or "")
    if not own:
        return Place(deployments)
    host = urlsplit(own).hostname or "an address that cannot be read"
    try:
        found = reach(own, resolve, private_ok=False)
    except UnsafeAddress:
        raise ClassifierError(
            f"{host} is no public address: inside your network it is the deployment's to set"
        ) from None
    except Unreachable:
        raise ClassifierError(f"there is no host {host!r}") from None
    return Place(own, found.addresses, is_own=True)
