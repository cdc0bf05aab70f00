"""Which addresses we may connect to: news is public, so what a stranger's redirect names must be too."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from tasks.net.faults import Unreachable, UnsafeAddress

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as a network without IPv4 writes them (RFC 6052)."""
_INSIDE = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "::/96",  # IPv4-compatible (RFC 4291 2.5.5.1)
            "64:ff9b:1::/48",  # translation within a network (RFC 8215)
            "fec0::/10",  # site-local (RFC 3879)
        ),
    )
)
"""Not on the open internet, whatever the version of Python thinks of them."""

Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host, in the order the system would try them; OSError when it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an IP address is on the open internet: not loopback, private, link-local or reserved."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if any(ip in network for network in _INSIDE):
            return False
        if inner is None and ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        ip = inner or ip
    return ip.is_global and not ip.is_multicast


def is_literal(host: str) -> bool:
    """Whether a host is an IP address however written ("2130706433" is 127.0.0.1), or this machine by name."""
    if host.rstrip(".").lower().rpartition(".")[2] == "localhost":
        return True
    try:
        socket.inet_aton(host)
    except OSError:
        pass
    else:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def goes_through_proxy(scheme: str, host: str) -> bool:
    """Whether the deployment's outgoing proxy fetches this host for us, and so resolves its name."""
    return scheme in getproxies() and not proxy_bypass(host)


class Reach(NamedTuple):
    """Where a host is to be reached."""

    addresses: list[str]
    """Empty when the deployment's proxy will decide."""
    is_private: bool


def reach(url: str, resolve: Resolve, *, private_ok: bool) -> Reach:
    """Where to connect for ``url``. UnsafeAddress for what may not be fetched, Unreachable for an unknown name."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise UnsafeAddress("an address that cannot be read; check it") from None
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise UnsafeAddress(f"{host or 'an address'}: only http and https addresses are fetched")
    if goes_through_proxy(parts.scheme, host) and not is_literal(host):
        return Reach([], False)
    try:
        addresses = list(resolve(host, port))
    except (OSError, UnicodeError):
        raise Unreachable(f"{host}: this name has no address; check it, or the network", retry=True) from None
    private = not all(is_public(address) for address in addresses)
    if private and not private_ok:
        raise UnsafeAddress(
            f"{host}: a private address, which only feeds in CM_FEEDS may use; if it is yours, add it"
        )
    return Reach(addresses, private)
