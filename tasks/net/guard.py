"""Which addresses we may connect to: news is public, so what a stranger's redirect names must be too."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from urllib.request import getproxies, proxy_bypass

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
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        ip = inner or ip
    return ip.is_global and not ip.is_multicast


def is_literal(host: str) -> bool:
    """Whether a host is written as an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def goes_through_proxy(scheme: str, host: str) -> bool:
    """Whether the deployment's outgoing proxy fetches this host for us, and so resolves its name."""
    return scheme in getproxies() and not proxy_bypass(host)
