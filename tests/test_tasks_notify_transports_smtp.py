"""SMTP: encryption, logins, extensions and connections, against a real server on loopback."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from certificates import Authority, authority
from fakes import NewsServer, Reply
from mailserver import Mailbox, smtp_server

from models.settings import Settings
from tasks.notify.transports.smtp import SmtpTransport
from tasks.notify.transports.transport import Envelope, Outcome, Result, Transport

PLAIN: dict[str, Any] = {"smtp_security": "none", "smtp_timeout_seconds": 5}
Make = Callable[..., SmtpTransport]


def envelope(number: int = 0, data: bytes = b"Subject: x\r\n\r\nHello\r\n") -> Envelope:
    return Envelope("a@x.example", f"r{number}@x.example", f"<{number}@x>", data)


def transport(port: int, **more: Any) -> SmtpTransport:
    values = PLAIN | {"smtp_port": port} | more
    return SmtpTransport(Settings(_env_file=None, **values))  # type: ignore[call-arg]


def send(port: int, mail: Envelope | None = None, **more: Any) -> Outcome:
    """One mail over a transport of its own."""
    made = transport(port, **more)
    try:
        return made.send(mail or envelope())
    finally:
        made.close()


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


def test_it_is_a_transport() -> None:
    assert isinstance(transport(25), Transport)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encrypted_with_an_authority_of_ones_own(trusted: Authority, security: str) -> None:
    mailbox = Mailbox()
    how: dict[str, Any] = {"ssl_context": trusted.server}
    if security == "starttls":
        how = {"tls_context": trusted.server, "require_starttls": True}
    with smtp_server(mailbox, **how) as port:
        untrusted = send(port, smtp_security=security)
        sent = send(port, smtp_security=security, smtp_ca_file=trusted.ca_file)
    assert untrusted.result is Result.UNAVAILABLE
    assert "certificate verify failed" in untrusted.detail.lower()
    assert sent.result is Result.SENT
    assert len(mailbox.accepted) == 1


def test_a_missing_file_of_certificates_is_told(tmp_path: Path) -> None:
    outcome = send(1, smtp_security="tls", smtp_ca_file=tmp_path / "none.pem")
    assert (outcome.result, "No such file" in outcome.detail) == (Result.UNAVAILABLE, True)


class Bearer(Mailbox):
    """Takes XOAUTH2 with the tokens in ``good``."""

    good: tuple[str, ...] = ("T1",)
    seen: list[str]

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        said = base64.b64decode(args[1]).decode()
        self.seen.append(said)
        user, bearer, *_ = said.split("\x01")
        if user == "user=me@x.example" and bearer.removeprefix("auth=Bearer ") in self.good:
            return AuthResult(success=True, handled=False)
        # As Google and Microsoft do: the reason as a challenge, to which the client answers nothing.
        await server.challenge_auth('{"status":"400"}')
        return AuthResult(success=False, handled=False)


def oauth(news: NewsServer, **more: Any) -> dict[str, Any]:
    return {
        "smtp_user": "me@x.example",
        "smtp_oauth_token_url": news.url("/token"),
        "smtp_oauth_client_id": "the-client",
        "smtp_oauth_client_secret": "hunter2-client",
        "smtp_oauth_refresh_token": "hunter2-refresh",
        "smtp_oauth_scope": "https://mail.example/send",
    } | more


def token(value: str, **more: object) -> Reply:
    body = str({"access_token": value, "token_type": "Bearer", "expires_in": 3600} | more).replace("'", '"')
    return Reply(body.encode(), media_type="application/json")


def test_xoauth2_fetches_a_token_once_and_a_new_one_when_it_is_refused() -> None:
    mailbox = Bearer()
    mailbox.seen = []
    with NewsServer() as news, smtp_server(mailbox, auth_require_tls=False) as port:
        news.serve("/token", token("T1"), token("T2"))
        made = transport(port, smtp_mails_per_connection=1, **oauth(news))
        results = [made.send(envelope(number)).result for number in range(2)]
        assert news.count("/token") == 1, "kept while it is good"
        mailbox.good = ("T2",)
        refused, again = made.send(envelope(2)), made.send(envelope(3))
        made.close()
        form = news.asked[0].body.decode()
    assert results == [Result.SENT, Result.SENT]
    assert (refused.result, "login refused (535)" in refused.detail) == (Result.UNAVAILABLE, True)
    assert again.result is Result.SENT
    assert len(mailbox.accepted) == 3
    assert "grant_type=refresh_token" in form
    assert "refresh_token=hunter2-refresh" in form
    assert "scope=https" in form
    assert "hunter2" not in f"{refused} {made!r}"


def test_xoauth2_without_a_refresh_token_uses_the_clients_own_grant() -> None:
    mailbox = Bearer()
    mailbox.seen = []
    with NewsServer() as news, smtp_server(mailbox, auth_require_tls=False) as port:
        news.serve("/token", token("T1"))
        outcome = send(port, **oauth(news, smtp_oauth_refresh_token=None))
        assert "grant_type=client_credentials" in news.asked[0].body.decode()
    assert outcome.result is Result.SENT


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (
            Reply(b'{"error": "invalid_grant", "error_description": "hunter2"}', status=400),
            "400 invalid_grant",
        ),
        (Reply(b"<html>no</html>", status=502), "502"),
        (Reply(b'{"expires_in": 5}'), "without a reason"),
        (Reply(b"[1]"), "something else"),
        (Reply(b"", reset_after=0), "no token"),
    ],
)
def test_no_token_no_mail_and_the_reason_is_told(reply: Reply, says: str) -> None:
    mailbox = Mailbox()
    with NewsServer() as news, smtp_server(mailbox, auth_require_tls=False) as port:
        news.serve("/token", reply)
        outcome = send(port, **oauth(news))
    assert (outcome.result, mailbox.accepted) == (Result.UNAVAILABLE, [])
    assert says in outcome.detail
    assert "hunter2" not in outcome.detail
    assert "\n" not in outcome.detail


def test_mail_that_is_not_all_ascii_needs_a_server_that_takes_it() -> None:
    class Old(Mailbox):
        async def handle_EHLO(
            self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
        ) -> list[str]:
            session.host_name = hostname
            return [line for line in responses if "8BITMIME" not in line]

    mail = envelope(data="Subject: x\r\n\r\nGrüße\r\n".encode())
    modern, old = Mailbox(), Old()
    with smtp_server(modern, decode_data=False) as port:
        assert send(port, mail).result is Result.SENT
    assert modern.accepted[0].original_content == mail.data
    with smtp_server(old) as port:
        outcome = send(port, mail)
    assert (outcome.result, old.accepted) == (Result.PERMANENT, [])
    assert "not all ASCII" in outcome.detail


def test_a_connection_serves_so_many_mails_and_another_follows() -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        made = transport(port, smtp_mails_per_connection=3)
        assert {made.send(envelope(number)).result for number in range(7)} == {Result.SENT}
        made.close()
    assert (len(mailbox.accepted), mailbox.connections) == (7, 3)


@pytest.mark.parametrize("goes", ["421 too long idle", "cut"])
def test_a_kept_connection_that_is_gone_costs_the_next_mail_nothing(goes: str) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        made = transport(port)
        made.send(envelope(0))
        mailbox.says["MAIL"] = [goes]
        assert made.send(envelope(1)).result is Result.SENT
        made.close()
    assert [mail.rcpt_tos for mail in mailbox.accepted] == [["r0@x.example"], ["r1@x.example"]]
    assert mailbox.connections == 2


def test_a_refused_mail_leaves_the_connection_for_the_next() -> None:
    mailbox = Mailbox({"RCPT": ["550 nobody"], "DATA": ["554 spam"]})
    with smtp_server(mailbox) as port:
        made = transport(port)
        results = [made.send(envelope(number)).result for number in range(3)]
        made.close()
    assert results == [Result.PERMANENT, Result.PERMANENT, Result.SENT]
    assert mailbox.connections == 1


def test_threads_send_at_the_same_time_each_over_a_connection_of_its_own() -> None:
    mailbox, together = Mailbox(), Barrier(4)
    with smtp_server(mailbox) as port:
        made = transport(port, mail_connections=4)

        def work(lane: int) -> list[Result]:
            together.wait()
            return [made.send(envelope(lane * 10 + number)).result for number in range(5)]

        with ThreadPoolExecutor(4) as pool:
            results = [result for lane in pool.map(work, range(4)) for result in lane]
        made.close()
    assert set(results) == {Result.SENT}
    assert len({mail.rcpt_tos[0] for mail in mailbox.accepted}) == 20
    assert 1 <= mailbox.connections <= 4


@pytest.mark.parametrize(
    "values",
    [
        {"smtp_oauth_token_url": "http://login.example/token"},
        {"sendgrid_url": "http://api.example"},
        {"ses_url": "ftp://x"},
        {"sendgrid_api_key": "SG.your-key"},
    ],
)
def test_keys_are_sent_encrypted_and_are_no_placeholders(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"https|placeholder"):
        Settings(_env_file=None, **values)  # type: ignore[call-arg]
