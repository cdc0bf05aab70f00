"""The HTTP client: every fault is typed, says the host, and gives no secret away."""

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from conftest import Tenant
from fakes import NewsServer, Reply, rss
from faults import world

from models.engine import reading
from models.limits import held_until
from models.news import SourceState
from models.scope import Scope
from models.settings import Settings
from tasks.net.faults import (
    FetchError,
    QuotaReached,
    Refused,
    TooLarge,
    Unreachable,
    UnsafeAddress,
    WrongType,
)
from tasks.net.guard import is_public
from tasks.net.http import Http, Pace, meant_for_too

FEED = rss([{"title": "Acme opens a plant", "link": "https://news.example/1"}])
XML = ("application/rss+xml",)


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with NewsServer() as running:
        yield running


@pytest.fixture
def slept() -> list[float]:
    return []


def make(slept: list[float], **settings: object) -> Http:
    values = {"http_timeout_seconds": 5, "contact": "ops@house.example", **settings}
    return Http(Settings(_env_file=None, **values), sleep=slept.append)


@pytest.fixture
def http(slept: list[float]) -> Iterator[Http]:
    with make(slept) as client:
        yield client


@contextmanager
def dripping(start: bytes) -> Iterator[int]:
    """The port of a server that sends ``start`` and then header-like bytes, one at a time, without an end."""
    over = threading.Event()

    def drip(listening: socket.socket) -> None:
        with suppress(OSError), listening.accept()[0] as connection:
            connection.sendall(start)
            while not over.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,), daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()


def fault(http: Http, url: str, **options: object) -> FetchError:
    with pytest.raises(FetchError) as caught:
        http.fetch(url, allow_private=True, **options)
    return caught.value


def test_a_document_comes_whole_with_its_validators(server: NewsServer, http: Http) -> None:
    url = server.serve("/feed", Reply(FEED.encode(), headers={"ETag": '"a1"', "Last-Modified": "yesterday"}))
    got = http.fetch(url, expect=XML, allow_private=True)
    assert (got.status, got.body.decode(), got.media_type) == (200, FEED, "application/rss+xml")
    assert (got.etag, got.last_modified, got.url) == ('"a1"', "yesterday", url)
    sent = server.asked[0].headers
    assert sent["User-Agent"] == "ClientMonitor/0.1 (ops@house.example)"
    assert sent["Host"] == f"127.0.0.1:{server.port}"


def test_gzip_is_unpacked_and_counted_unpacked(server: NewsServer, slept: list[float]) -> None:
    squeezed = gzip.compress(b"x" * 2_000_000)
    url = server.serve("/z", Reply(squeezed, headers={"Content-Encoding": "gzip"}))
    with make(slept, http_max_bytes=3_000_000) as http:
        assert len(http.fetch(url, allow_private=True).body) == 2_000_000
    with make(slept, http_max_bytes=1_000_000) as http:
        assert isinstance(fault(http, url), TooLarge)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_refusal_is_final(server: NewsServer, http: Http, slept: list[float], status: int) -> None:
    error = fault(http, server.serve("/x", Reply(status=status)))
    assert isinstance(error, Refused)
    assert (error.status, error.state) == (status, SourceState.FAILED)
    assert str(status) in str(error)
    assert server.count("/x") == 1
    assert slept == []


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503])
def test_a_passing_fault_is_tried_again(
    server: NewsServer, http: Http, slept: list[float], status: int
) -> None:
    url = server.serve("/x", Reply(status=status), FEED)
    assert http.fetch(url, allow_private=True).body.decode() == FEED
    assert len(slept) == 1
    assert 0.5 <= slept[0] <= 1.0


def test_attempts_are_bounded_and_wait_longer_each_time(
    server: NewsServer, http: Http, slept: list[float]
) -> None:
    error = fault(http, server.serve("/x", Reply(status=500)))
    assert (type(error), error.state, server.count("/x")) == (Refused, SourceState.FAILED, 3)
    assert len(slept) == 2
    assert slept[1] >= 1.0


def test_429_with_a_short_retry_after_is_honoured(server: NewsServer, http: Http, slept: list[float]) -> None:
    url = server.serve("/x", Reply(status=429, headers={"Retry-After": "7"}), FEED)
    assert http.fetch(url, allow_private=True).status == 200
    assert slept == [7.0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after_is_quota_at_once(
    server: NewsServer, http: Http, slept: list[float], status: int
) -> None:
    error = fault(http, server.serve("/x", Reply(status=status, headers={"Retry-After": "3600"})))
    assert isinstance(error, QuotaReached)
    assert (error.state, server.count("/x"), slept) == (SourceState.QUOTA, 1, [])
    assert "3600 s" in str(error)


@pytest.mark.parametrize("asked", ["315360000", "99999999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_nobody_can_have_us_wait_for_years(
    server: NewsServer, http: Http, tenant: Tenant, asked: str
) -> None:
    url = server.serve("/x", Reply(status=429, headers={"Retry-After": asked}))
    error = fault(http, url, pace=Pace("x", 0))
    assert isinstance(error, QuotaReached)
    with reading(Scope.operator()) as session:
        over = held_until(session, "x", None)
    assert over is not None
    assert over - datetime.now(UTC) <= timedelta(hours=25)


def test_a_retry_after_may_be_a_date(server: NewsServer, http: Http) -> None:
    late = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    assert isinstance(
        fault(http, server.serve("/x", Reply(status=429, headers={"Retry-After": late}))), QuotaReached
    )


def test_429_without_retry_after_ends_as_quota(server: NewsServer, http: Http, slept: list[float]) -> None:
    error = fault(http, server.serve("/x", Reply(status=429)))
    assert (error.state, server.count("/x"), len(slept)) == (SourceState.QUOTA, 3, 2)


def test_another_content_type_is_not_a_feed(server: NewsServer, http: Http) -> None:
    url = server.serve("/x", Reply(b"<html>Before you continue</html>", media_type="text/html"))
    error = fault(http, url, expect=XML, looks_right=lambda body: body.startswith(b"<rss"))
    assert isinstance(error, WrongType)
    assert "text/html" in str(error)
    assert http.fetch(url, expect=XML, looks_right=lambda _: True, allow_private=True).status == 200


@pytest.mark.parametrize("announced", [True, False])
def test_ten_megabytes_are_refused(server: NewsServer, http: Http, announced: bool) -> None:
    body = b"x" * 10_000_000
    reply = Reply(body) if announced else Reply(gzip.compress(body), headers={"Content-Encoding": "gzip"})
    error = fault(http, server.serve("/x", reply))
    assert isinstance(error, TooLarge)
    assert "CM_HTTP_MAX_BYTES" in str(error)
    assert server.count("/x") == 1


def test_a_body_that_is_cut_off_is_no_body(server: NewsServer, http: Http) -> None:
    url = server.serve("/x", Reply(FEED.encode(), cut_after=40), FEED)
    assert http.fetch(url, allow_private=True).body.decode() == FEED
    assert isinstance(fault(http, server.serve("/y", Reply(FEED.encode(), cut_after=40))), Unreachable)


def test_a_server_that_does_not_answer_is_left(server: NewsServer, slept: list[float]) -> None:
    with make(slept, http_timeout_seconds=0.1, http_attempts=2) as http:
        error = fault(http, server.serve("/x", Reply(stall=True)))
    assert (type(error), len(slept)) == (Unreachable, 1)


@pytest.mark.parametrize("part", ["headers", "body", "body without a length"])
def test_a_server_that_drips_is_left_in_the_end(slept: list[float], part: str) -> None:
    """Each byte comes well within the time-out for one silence; all of them together never end."""
    start = b"HTTP/1.1 200 OK\r\n"
    if part == "body":
        start += b"Content-Length: 100000\r\n\r\n"
    elif part == "body without a length":
        start += b"\r\n"
    with dripping(start) as port, make(slept, http_timeout_seconds=0.1, http_attempts=1) as http:
        error = fault(http, f"http://127.0.0.1:{port}/x")
    assert isinstance(error, Unreachable)
    assert "too slow" in str(error)


def test_a_certificate_that_nobody_vouches_for_is_final(slept: list[float]) -> None:
    with world() as made, make(slept) as http:
        error = fault(http, made.untrusted.url("/x"))
        assert made.untrusted.asked == []
    assert "certificate is not trusted" in str(error)
    assert slept == []


def test_a_server_without_encryption_is_named(server: NewsServer, http: Http) -> None:
    assert "no encrypted connection" in str(fault(http, f"https://127.0.0.1:{server.port}/x"))


@pytest.mark.parametrize(
    ("url", "target", "may"),
    [
        ("https://h.example/a", "https://h.example/b", True),
        ("http://h.example/a", "https://h.example/a", True),
        ("https://h.example/a", "http://h.example/a", False),
        ("https://h.example/a", "https://h.example.evil.example/a", False),
        ("https://h.example/a", "https://h.example:8443/a", False),
    ],
)
def test_a_key_goes_on_to_the_same_host_only_and_never_in_clear(url: str, target: str, may: bool) -> None:
    assert meant_for_too(url, target) is may


def test_a_closed_port_is_named(http: Http, slept: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = fault(http, f"http://127.0.0.1:{port}/feed")
    assert isinstance(error, Unreachable)
    assert str(error) == f"127.0.0.1:{port}: cannot connect; check the address, or whether the host is up"
    assert len(slept) == 2


def test_an_unknown_host_is_named(slept: list[float]) -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise socket.gaierror("no such host")

    with Http(Settings(_env_file=None), sleep=slept.append, resolve=nowhere) as http:
        error = fault(http, "https://feeds.nowhere.example/x")
    assert "feeds.nowhere.example" in str(error)


def test_no_secret_in_a_message(server: NewsServer, http: Http) -> None:
    server.serve("/x", Reply(status=403))
    error = fault(http, f"http://maria:hunter2@127.0.0.1:{server.port}/x?api_key=s3cret")
    assert "hunter2" not in repr(error)
    assert "s3cret" not in repr(error)
    assert server.asked[0].headers["Authorization"].startswith("Basic ")


def test_credentials_and_headers_stay_with_their_host(server: NewsServer, slept: list[float]) -> None:
    with NewsServer() as other, make(slept) as http:
        server.serve("/x", Reply(status=302, headers={"Location": other.url("/y")}))
        other.serve("/y", FEED)
        url = f"http://maria:hunter2@127.0.0.1:{server.port}/x"
        http.fetch(url, headers={"X-Api-Key": "k"}, allow_private=True)
        assert {"Authorization", "X-Api-Key"} <= set(server.asked[0].headers)
        assert not {"Authorization", "X-Api-Key"} & set(other.asked[0].headers)


def test_a_private_address_needs_the_operator(server: NewsServer, http: Http) -> None:
    with pytest.raises(UnsafeAddress, match="CM_FEEDS"):
        http.fetch(server.serve("/x", FEED))
    assert server.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "0.0.0.0", "2130706433", "127.1", "localhost"])
def test_a_public_host_may_not_redirect_inside(
    server: NewsServer, slept: list[float], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """The deployment's proxy, which loopback can play, is how a public host is reached here."""
    monkeypatch.setenv("http_proxy", server.url(""))
    server.serve("/secret", FEED)
    server.serve("/go", Reply(status=302, headers={"Location": f"http://{host}:{server.port}/secret"}))
    with make(slept) as http:
        error = fault(http, "http://public.example/go")
    assert isinstance(error, UnsafeAddress)
    assert [request.path for request in server.asked] == ["/go"]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/"])
def test_only_http_is_followed(server: NewsServer, http: Http, target: str) -> None:
    url = server.serve("/go", Reply(status=302, headers={"Location": target}))
    assert isinstance(fault(http, url), UnsafeAddress)


def test_a_circle_of_redirects_ends(server: NewsServer, http: Http) -> None:
    url = server.serve("/go", Reply(status=301, headers={"Location": "/go"}))
    assert "circle" in str(fault(http, url))
    assert server.count("/go") == 6


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::a00:1", False),
        ("fec0::1", False),
        ("::7f00:1", False),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_requests_of_one_provider_keep_their_distance(
    tenant: Tenant, server: NewsServer, http: Http, slept: list[float]
) -> None:
    url = server.serve("/x", FEED)
    for _ in range(3):
        http.fetch(url, allow_private=True, pace=Pace("google_news", 30.0))
    assert len(slept) == 2
    assert 25 < slept[0] <= 30
    assert 50 < slept[1] <= 60


def test_a_provider_that_said_stop_is_left_alone(
    tenant: Tenant, server: NewsServer, http: Http, slept: list[float]
) -> None:
    url = server.serve("/x", Reply(status=429, headers={"Retry-After": "3600"}))
    assert fault(http, url, pace=Pace("google_news", 1.0)).state is SourceState.QUOTA
    again = fault(http, url, pace=Pace("google_news", 1.0))
    assert again.state is SourceState.QUOTA
    assert "left alone until" in str(again)
    assert (server.count("/x"), slept) == (1, [])
