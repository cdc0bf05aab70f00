"""What can go wrong between us and a provider: each fault once, as servers on loopback play it."""

import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from _pytest.mark import ParameterSet
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fakes import Asked, NewsServer, Reply


class Where(Enum):
    """What stands at a provider's address."""

    SERVER = auto()
    """A server that answers."""
    CLOSED = auto()
    """A machine where nobody listens."""
    NOWHERE = auto()
    """A name without an address."""
    UNTRUSTED = auto()
    """A server whose certificate nobody vouches for."""
    OUTSIDE = auto()
    """A public host, reached through the deployment's proxy."""


@dataclass(frozen=True, slots=True)
class Good:
    """A provider's own answers. Faults are made of them."""

    full: Reply
    """With one result."""
    empty: Reply
    quota: Reply | None = None
    """A spent quota in the provider's own words; None: it has none."""
    live: Callable[[Asked], Reply] | None = None
    """What answers in place of ``full`` where it is played as it is: a server that keeps a state."""


Play = Callable[[Good], tuple[Reply, ...]]
"""The replies in turn, of which the last is repeated; none: the fault does not exist at this provider."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail, or not to."""

    name: str
    """As the published table calls it."""
    play: Play
    says: str = ""
    """What the result must tell a person, where it is not good: a regular expression."""
    where: Where = Where.SERVER
    slow: bool = False
    """It takes as long as our patience: for short time-outs."""
    full: bool = False
    """So like another one that only the long tests play it."""


def _full(good: Good, **changes: object) -> tuple[Reply, ...]:
    return (replace(good.full, **changes),)  # type: ignore[arg-type]


def _status(status: int, **headers: str) -> Play:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (Reply(b"", status=status, media_type=None, headers=named),)


def _long(good: Good) -> bytes:
    """A good answer that does not end for a long time: white space is allowed in front of JSON and XML alike."""
    return b" " * 100_000 + good.full.body


INSIDE = "/inside"
"""What a redirect from outside must never reach."""

_PAGE = b"<html><p>Hello</p></html>"
FAULTS = (
    Fault("200, good", lambda good: (good.full,)),
    Fault("200, no results", lambda good: (good.empty,)),
    Fault(
        "200, a web page",
        lambda _: (Reply(_PAGE, media_type="text/html"),),
        "not what was asked|refused the q",
    ),
    Fault("200, nothing at all", lambda good: _full(good, body=b""), "empty answer|not JSON|cut off"),
    Fault(
        "200, another form",
        lambda _: (Reply(b'{"hits": 1}', media_type="application/json"),),
        "format may have changed|not what was asked",
    ),
    Fault(
        "200, cut in the middle",
        lambda good: _full(good, body=good.full.body[: len(good.full.body) // 2]),
        "cut off|ends in the middle",
    ),
    Fault("200, 10 MB", lambda good: _full(good, body=b" " * 10_000_000), "longer than"),
    Fault(
        "200, a byte at a time", lambda good: _full(good, body=_long(good), drip=True), "too slow", slow=True
    ),
    Fault("200, hung up in the middle", lambda good: _full(good, cut_after=20), "cut off"),
    Fault("200, reset in the middle", lambda good: _full(good, body=_long(good), reset_after=20), "cut off"),
    Fault("no answer", lambda good: _full(good, stall=True), "no answer in time", slow=True),
    Fault("400", _status(400), "does not accept"),
    Fault("401", _status(401), "check the key"),
    Fault("403", _status(403), "check the key"),
    Fault("404", _status(404), "nothing is there", full=True),
    Fault("408", _status(408), "next run tries again", full=True),
    Fault("409", _status(409), "does not accept", full=True),
    Fault("425", _status(425), "next run tries again", full=True),
    Fault("429", _status(429), "wait|busy"),
    Fault(
        "429, Retry-After 2 s, then good",
        lambda good: (*_status(429, Retry_After="2")(good), good.full),
        "wait|busy",
    ),
    Fault("429, Retry-After 10 min", _status(429, Retry_After="600"), "wait|busy"),
    Fault(
        "quota in its own words",
        lambda good: (good.quota,) if good.quota else (),
        "used up|no credits|too many requests",
    ),
    Fault("500", _status(500), "next run tries again"),
    Fault("500 twice, then good", lambda good: (*_status(500)(good) * 2, good.full)),
    Fault("502, a web page", lambda _: (Reply(_PAGE, 502, "text/html"),), "next run tries again"),
    Fault("503", _status(503), "next run tries again", full=True),
    Fault("503, Retry-After 10 min", _status(503, Retry_After="600"), "wait"),
    Fault("connection refused", lambda good: (good.full,), "cannot connect", where=Where.CLOSED),
    Fault("no such name", lambda good: (good.full,), "no address", where=Where.NOWHERE),
    Fault(
        "certificate not trusted",
        lambda good: (good.full,),
        "certificate is not trusted",
        where=Where.UNTRUSTED,
    ),
    Fault(
        "redirect to a private address",
        _status(302, Location=f"{{inside}}{INSIDE}"),
        "private address|does not accept",  # what is posted is not sent on at all
        where=Where.OUTSIDE,
    ),
)


SHORT = {
    "200, good",
    "200, no results",
    "200, a web page",
    "200, cut in the middle",
    "200, a byte at a time",
    "200, reset in the middle",
    "401",
    "429",
    "429, Retry-After 10 min",
    "quota in its own words",
    "500",
    "500 twice, then good",
    "no such name",
    "certificate not trusted",
    "redirect to a private address",
}
"""One fault of every kind: enough where the same client plays them for other providers already."""


def played(faults: Sequence[Fault], *, short: bool = False) -> list[ParameterSet]:
    """The faults as parameters of a test; with ``short``, most of them are for the long tests."""
    return [
        pytest.param(
            fault,
            id=fault.name,
            marks=[pytest.mark.full] if fault.full or (short and fault.name not in SHORT) else [],
        )
        for fault in faults
    ]


@dataclass(slots=True)
class World:
    """The servers, and the names under which providers are found on them."""

    server: NewsServer
    untrusted: NewsServer
    closed_port: int
    looked_up: Counter[str] = field(default_factory=Counter)
    """How often each host was asked for."""

    def serve(self, fault: Fault, provider: str, path: str, good: Good) -> str | None:
        """Play the fault to this provider; returns its base address, or None where the fault does not exist.

        ``path`` is what it asks for below that address.
        """
        replies = fault.play(good)
        if not replies:
            return None
        base = f"/{provider}"
        filled = [
            good.live if good.live and reply is good.full else replace(reply, headers=self._filled(reply))
            for reply in replies
        ]
        server = self.untrusted if fault.where is Where.UNTRUSTED else self.server
        server.serve(base + path, *filled)
        return self.base(fault, provider)

    def base(self, fault: Fault, provider: str) -> str:
        """Where a provider stands while the fault lasts."""
        hosts = {
            Where.SERVER: f"http://{_host(provider)}.localhost:{self.server.port}",
            Where.CLOSED: f"http://{_host(provider)}.localhost:{self.closed_port}",
            Where.NOWHERE: f"http://{_host(provider)}.invalid",
            Where.UNTRUSTED: f"https://{_host(provider)}.localhost:{self.untrusted.port}",
            Where.OUTSIDE: f"http://{_host(provider)}.example",
        }
        return f"{hosts[fault.where]}/{provider}"

    def environment(self, fault: Fault) -> dict[str, str]:
        """Environment variables that the fault needs: an outgoing proxy is how loopback plays a public host."""
        return {"http_proxy": self.server.url("")} if fault.where is Where.OUTSIDE else {}

    def resolve(self, host: str, _port: int) -> list[str]:
        """Every name but ``.invalid`` is this machine."""
        self.looked_up[host] += 1
        if host.endswith(".invalid"):
            raise socket.gaierror("no such name")
        return ["127.0.0.1"]

    def attempts(self, fault: Fault, provider: str, path: str) -> int:
        """How often the provider was asked, or where no request got through, tried."""
        host = _host(provider)
        tried = self.looked_up[f"{host}.localhost"] + self.looked_up[f"{host}.invalid"]
        return self.server.count(f"/{provider}{path}") or tried

    def _filled(self, reply: Reply) -> dict[str, str]:
        return {name: value.replace("{inside}", self.server.url("")) for name, value in reply.headers.items()}


def _host(provider: str) -> str:
    return provider.replace("_", "-")


@contextmanager
def world() -> Iterator[World]:
    """A world in which nothing is asked yet."""
    with ExitStack() as stack, socket.socket() as taken:
        # Bound but not listening: refused, and nobody else gets the port meanwhile.
        taken.bind(("127.0.0.1", 0))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        yield World(
            stack.enter_context(NewsServer()),
            stack.enter_context(NewsServer(tls=_self_signed(folder))),
            taken.getsockname()[1],
        )


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
