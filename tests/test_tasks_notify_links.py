"""Links in mails: signed, bound to one mail and its reader, the same each time, and telling strangers nothing."""

import multiprocessing
import re
import stat
from base64 import urlsafe_b64decode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from models.base import new_id, utc_now
from models.settings import Settings
from models.tokens import LIFETIME, Purpose, Tokens, made_at, tokens_of
from tasks.notify.links import NOT_SENT, PREFIX, Links, unsubscribe_headers

OLD, NEW = b"old-key-" * 4, b"new-key-" * 4
MAIL, EVENT = new_id(), new_id()
MARIA = "maria@example.com"
ARTICLE = "https://publisher.example/a?b=1&c=ü#top"


def links(*, tracking: bool = False, url: str = "https://monitor.example", **fields: Any) -> Links:
    fields = {"delivery_id": MAIL, "recipient": MARIA} | fields
    return Links(Tokens([NEW]), url, tracking=tracking, **fields)


def every_link(made: Links) -> list[str | None]:
    about = [made.useful(EVENT), made.not_relevant(EVENT), made.wrong_company(EVENT), made.mute(EVENT)]
    return [made.unsubscribe, made.preferences, *about, made.article(ARTICLE), made.pixel]


def token(link: str | None) -> str:
    assert link is not None
    return link.rpartition("/")[2].removesuffix(".gif")


def test_a_mail_written_again_has_the_same_links_and_no_other_mail_has_them() -> None:
    first = every_link(links(tracking=True))
    assert every_link(links(tracking=True)) == first
    assert len(set(first)) == len(first)
    assert set(first).isdisjoint(every_link(links(tracking=True, delivery_id=new_id())))
    assert set(first).isdisjoint(every_link(links(tracking=True, recipient="paul@example.com")))


def test_a_link_holds_no_address_and_no_name_and_fits_a_line() -> None:
    for link in every_link(links(tracking=True)):
        assert link is not None
        payload = token(link).partition(".")[0]
        held = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        assert b"maria" not in held
        assert b"example.com" not in held
        assert re.fullmatch(
            r"https://monitor\.example/web/[a-z/-]+/[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.gif)?", link
        )
    assert len(links().unsubscribe) < 100


def test_without_tracking_articles_are_the_publishers_own_and_there_is_no_pixel() -> None:
    for made in (links(), links(tracking=True, url="http://monitor.example")):
        assert made.article(ARTICLE) == "https://publisher.example/a?b=1&c=%C3%BC#top"
        assert made.pixel is None
    for unsafe in ("javascript:alert(1)", "https://user:pw@x.example/", "//x.example", "", None):
        assert links().article(unsafe) is None
        assert links(tracking=True).article(unsafe) is None


def test_the_headers_of_rfc_8058_need_https() -> None:
    private = links()
    assert unsubscribe_headers(private) == {
        "List-Unsubscribe": f"<{private.unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert list(unsubscribe_headers(links(url="http://monitor.example"))) == ["List-Unsubscribe"]


def test_a_token_is_good_for_its_purpose_its_reader_and_its_time() -> None:
    tokens, now = Tokens([NEW]), utc_now()
    for purpose in Purpose:
        given_out = tokens.issue(purpose, MAIL, MARIA, EVENT.bytes)
        grant = tokens.read(purpose, given_out, now)
        assert grant is not None
        assert (grant.delivery_id, grant.subject) == (MAIL, EVENT)
        assert tokens.is_for(grant, "Maria@Example.com")
        assert not tokens.is_for(grant, "paul@example.com")
        assert all(tokens.read(other, given_out, now) is None for other in Purpose if other is not purpose)
        assert tokens.read(purpose, given_out, made_at(MAIL) + LIFETIME[purpose]) is not None
        assert (
            tokens.read(purpose, given_out, made_at(MAIL) + LIFETIME[purpose] + timedelta(seconds=1)) is None
        )
        assert tokens.read(purpose, given_out, now - timedelta(days=1)) is None


def test_keys_are_changed_one_by_one() -> None:
    before, between, after = Tokens([OLD]), Tokens([NEW, OLD]), Tokens([NEW])
    now = utc_now()
    old = before.issue(Purpose.UNSUBSCRIBE, MAIL, MARIA)
    grant = between.read(Purpose.UNSUBSCRIBE, old, now)
    assert grant is not None
    assert between.is_for(grant, MARIA)
    assert after.read(Purpose.UNSUBSCRIBE, old, now) is None
    new = between.issue(Purpose.UNSUBSCRIBE, MAIL, MARIA)
    assert after.read(Purpose.UNSUBSCRIBE, new, now) is not None
    assert before.read(Purpose.UNSUBSCRIBE, new, now) is None


GOOD = Tokens([NEW]).issue(Purpose.MUTE, MAIL, MARIA, EVENT.bytes)


@given(st.one_of(st.text(), st.integers(0, len(GOOD) - 1)), st.characters())
def test_what_was_not_signed_grants_nothing(garbage: str | int, letter: str) -> None:
    given_out = garbage if isinstance(garbage, str) else f"{GOOD[:garbage]}{letter}{GOOD[garbage + 1 :]}"
    if given_out == GOOD:
        return
    grant = Tokens([NEW]).read(Purpose.MUTE, given_out, utc_now())
    # The last letter of base64 has bits to spare: another spelling of the same bytes grants the same.
    assert grant is None or grant == Tokens([NEW]).read(Purpose.MUTE, GOOD, utc_now())


def _first_token(folder: str, ready: Any, told: Any) -> None:
    settings = Settings(_env_file=None, data_dir=Path(folder))  # type: ignore[call-arg]
    ready.wait()
    told.put(tokens_of(settings).issue(Purpose.UNSUBSCRIBE, MAIL, MARIA))


def test_processes_that_start_together_keep_one_key_for_their_owners_eyes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready, told = context.Event(), context.Queue()
    arguments = (str(tmp_path / "var"), ready, told)
    processes = [context.Process(target=_first_token, args=arguments) for _ in range(6)]
    for process in processes:
        process.start()
    ready.set()
    assert len({told.get(timeout=30) for _ in processes}) == 1
    for process in processes:
        process.join()
    [key] = (tmp_path / "var").iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) >= 64


def test_the_settings_key_wins_and_weak_ones_are_refused(tmp_path: Path) -> None:
    def settings(keys: str) -> Settings:
        return Settings(_env_file=None, data_dir=tmp_path / "var", signing_keys=keys)  # type: ignore[call-arg, arg-type]

    strong = f"{'k' * 40} {'l' * 40}"
    assert settings(strong).signing_keys == [SecretStr("k" * 40), SecretStr("l" * 40)]
    made = tokens_of(settings(strong)).issue(Purpose.MUTE, MAIL, MARIA)
    assert made == Tokens([b"k" * 40]).issue(Purpose.MUTE, MAIL, MARIA)
    assert not (tmp_path / "var").exists()
    for weak in ("short", "x" * 40, "change-me-" * 5):
        with pytest.raises(ValidationError, match="too weak"):
            settings(weak)


def test_a_mail_that_is_never_sent_has_links_that_do_nothing() -> None:
    dry = links(tracking=True, is_sent=False)
    about = EVENT
    said = {dry.unsubscribe, dry.preferences, dry.useful(about), dry.wrong_company(about), dry.mute(about)}
    assert said == {f"{dry.public_url}{PREFIX}{NOT_SENT}"}
    assert dry.article("https://n.example/1") == "https://n.example/1"
    assert dry.pixel is None
