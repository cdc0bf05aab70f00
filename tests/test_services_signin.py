"""Passwords and attempts: what may be one, how it is kept, and how slowly it can be guessed."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from apptest import sign_in
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from hypothesis import given
from hypothesis import strategies as st
from keyring import OTHER, PASSWORD, account_mails, add_person, credential, person
from pwdlib.hashers.argon2 import Argon2Hasher

from models.accounts import User, UserState
from models.audit import AuditLog
from models.scope import Role, Scope
from models.signin import Credential, SignInSession
from services.errors import UserError
from services.signin import passwords, ticket, viewer_of
from services.signin.attempt import (
    FIRST_REST,
    FREE_FAILURES,
    LAST_FAILURE,
    LONGEST_REST,
    check_password,
    rest_after,
)
from services.signin.credentials import change_password, set_password
from services.signin.sessions import end_sessions, open_sessions

MARIA = "maria@example.com"
CONTEXT = ("María López", "m.lopez@meridian.example", "Meridian Partners", "meridian")


@pytest.mark.parametrize(
    "password",
    [PASSWORD, OTHER, "x" + "kq7vbz" * 21, "Sieben Blüten im Regen", "七つの灯りが静かな港の上に輝いている"],
)
def test_any_characters_make_a_password(password: str) -> None:
    passwords.refuse_weak(password, CONTEXT)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "15 to 128"),
        ("kq7vbz!Lm2#pXw", "15 to 128"),
        ("kq7vbz" * 22, "15 to 128"),
        ("passwordpassword", "easy to guess|guess"),
        ("aaaaaaaaaaaaaaaaaaaa", "easy to guess"),
        ("password123456789", "commonly used"),
        ("qwertyuiopasdfghjkl", "guess|common"),
        ("123456789012345678", "common|guess"),
        ("correct horse battery staple", "famous"),
        ("Correct-Horse-Battery-Staple-1", "famous"),
        ("maria lopez 2026 !!", "your name"),
        ("Meridian-Partners-2026", "your company"),
        ("client monitor 2026", "your company"),
        ("m.lopez@meridian.example", "your address"),
        ("seven lanterns\nover a quiet harbour", "control"),
    ],
)
def test_what_is_guessed_first_is_none(password: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        passwords.refuse_weak(password, ("Maria Lopez", *CONTEXT[1:]))


def test_every_keyboard_writes_the_same_password(tenant: Tenant) -> None:
    composed, decomposed = "sieben Blüten im Regen", "sieben Blu\u0308ten im Regen"
    set_password(tenant.scope, tenant.add_user(), composed, now=NOW)
    assert check_password(MARIA, decomposed, now=NOW)


def test_a_hash_is_argon2_and_never_the_same(tenant: Tenant) -> None:
    first, second = passwords.hashed(PASSWORD), passwords.hashed(PASSWORD)
    assert first.startswith("$argon2id$")
    assert first != second
    assert passwords.matches(PASSWORD, first) == (True, None)
    assert passwords.matches(PASSWORD + "x", first) == (False, None)
    assert passwords.matches(PASSWORD, "no hash at all") == (False, None)
    long = "kq7vbz!" * 40
    assert passwords.matches(long, passwords.hashed(long[: passwords.MAX_LENGTH])) == (False, None), "not cut"


def test_an_older_hash_is_renewed_at_sign_in(tenant: Tenant) -> None:
    user_id = add_person(tenant)
    weak = Argon2Hasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    change(tenant, Credential, password_hash=weak)
    assert check_password(MARIA, OTHER, now=NOW) == []
    assert credential(tenant, user_id).password_hash == weak
    assert check_password(MARIA, PASSWORD, now=NOW)
    assert "m=19456,t=2,p=1" in credential(tenant, user_id).password_hash
    assert check_password(MARIA, PASSWORD, now=NOW)


def test_address_and_password_open_the_account(tenant: Tenant) -> None:
    user_id = add_person(tenant, role=Role.ADMIN)
    [found] = check_password(" Maria@Example.com", PASSWORD, now=NOW)
    assert (found.user_id, found.business) == (user_id, "Test")
    assert found.scope == Scope(business_id=tenant.business_id, user_id=user_id, role=Role.ADMIN)


def test_nobody_can_tell_why_it_failed(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    add_person(tenant)
    add_person(tenant, "gone@example.com")
    change(tenant, User, User.email == "gone@example.com", state=UserState.DEACTIVATED)
    tenant.add_user("invited@example.com", user={"state": UserState.INVITED})
    tenant.add_user("keyless@example.com")
    add_person(tenant, "resting@example.com")
    twice = another_tenant()
    for where in (tenant, twice):
        add_person(where, "twice@example.com")
    for _ in range(FREE_FAILURES):
        check_password("resting@example.com", OTHER, now=NOW)
    checked: list[str] = []
    genuine = passwords.matches

    def counted(password: str, stored: str) -> tuple[bool, str | None]:
        checked.append(stored)
        return genuine(password, stored)

    monkeypatch.setattr(passwords, "matches", counted)
    work = {}
    for name in ("maria", "nobody", "gone", "invited", "keyless", "resting", "twice"):
        checked.clear()
        assert check_password(f"{name}@example.com", OTHER, now=NOW) == []
        work[name] = len(checked)
    assert set(work.values()) == {2}, work
    assert check_password("gone@example.com", PASSWORD, now=NOW) == []


def fail(times: int, at: Any = NOW) -> None:
    for _ in range(times):
        assert check_password(MARIA, OTHER, now=at) == []


def test_an_account_rests_longer_and_longer(tenant: Tenant) -> None:
    user_id = add_person(tenant)
    fail(FREE_FAILURES - 1)
    assert check_password(MARIA, PASSWORD, now=NOW), "a few slips are nobody's business"
    assert credential(tenant, user_id).failures == 0
    fail(FREE_FAILURES)
    assert check_password(MARIA, PASSWORD, now=NOW) == [], "the right one too"
    assert check_password(MARIA, PASSWORD, now=NOW + FIRST_REST - timedelta(seconds=1)) == []
    fail(1, NOW + FIRST_REST)
    later = NOW + FIRST_REST + FIRST_REST
    assert check_password(MARIA, PASSWORD, now=later) == [], "twice as long"
    assert check_password(MARIA, PASSWORD, now=later + FIRST_REST)
    fail(FREE_FAILURES - 1, later + 2 * FIRST_REST)
    assert check_password(MARIA, PASSWORD, now=later + 2 * FIRST_REST), "all is forgotten"
    rested = [row for row in rows(tenant, AuditLog) if row.action == "credential.rests"]
    assert [(row.details["failures"], row.details["minutes"], row.actor_id) for row in rested] == [
        (5, 1, None),
        (6, 2, None),
    ]


@given(st.integers(0, LAST_FAILURE - 1), st.integers(0, LAST_FAILURE - 1))
def test_rests_grow_and_are_bounded(one: int, other: int) -> None:
    fewer, more = sorted((one, other))
    short, long = (rest_after(number) or timedelta(0) for number in (fewer, more))
    assert timedelta(0) <= short <= long <= LONGEST_REST
    assert (rest_after(more) is None) == (more < FREE_FAILURES)


def test_after_a_hundred_failures_only_a_new_password_helps(tenant: Tenant) -> None:
    user_id = add_person(tenant)
    change(tenant, Credential, failures=LAST_FAILURE - 1)
    fail(1)
    assert check_password(MARIA, PASSWORD, now=NOW + timedelta(days=365)) == []
    set_password(tenant.scope, user_id, OTHER, now=NOW)
    assert check_password(MARIA, OTHER, now=NOW)


def test_many_guesses_at_once_are_counted_too(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = add_person(tenant)
    stored, checked = credential(tenant, user_id).password_hash, []
    together = threading.Barrier(12, timeout=60)

    def slow(_password: str, against: str) -> tuple[bool, str | None]:
        checked.append(against)
        return False, None

    monkeypatch.setattr(passwords, "matches", slow)

    def guess() -> None:
        together.wait()
        check_password(MARIA, OTHER, now=NOW)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert checked.count(stored) == FREE_FAILURES
    assert credential(tenant, user_id).failures == FREE_FAILURES


def test_an_address_of_two_businesses_is_not_punished_for_being_right_once(tenant: Tenant) -> None:
    there = another_tenant()
    here_id = add_person(tenant)
    there_id = add_person(there, password=OTHER)
    for _ in range(2 * FREE_FAILURES):
        assert [one.user_id for one in check_password(MARIA, PASSWORD, now=NOW)] == [here_id]
    assert credential(there, there_id).failures == 0
    assert [one.business for one in check_password(MARIA, OTHER, now=NOW)] == ["Other"]
    change(there, Credential, password_hash=passwords.hashed(PASSWORD))
    assert [one.business for one in check_password(MARIA, PASSWORD, now=NOW)] == ["Other", "Test"]


def test_a_password_changed_while_it_was_checked_opens_nothing(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = add_person(tenant)
    newer = passwords.hashed(OTHER)
    genuine = passwords.matches

    def slow(password: str, stored: str) -> tuple[bool, str | None]:
        found = genuine(password, stored)
        change(tenant, Credential, password_hash=newer)
        return found

    monkeypatch.setattr(passwords, "matches", slow)
    assert check_password(MARIA, PASSWORD, now=NOW) == []
    assert credential(tenant, user_id).password_hash == newer


def test_a_ticket_is_worth_five_minutes_and_only_ours(tenant: Tenant) -> None:
    add_person(tenant)
    [account] = check_password(MARIA, PASSWORD, now=NOW)
    made = ticket.issue([account], NOW)
    assert ticket.accounts_of(made, NOW + timedelta(minutes=4)) == [account]
    assert ticket.accounts_of(made, NOW + timedelta(minutes=5)) == []
    assert ticket.accounts_of(made, NOW - timedelta(minutes=1)) == []
    for forged in ("", "x", made[:-1], "W10.aaaa", sign_in(tenant, account.user_id)):
        assert ticket.accounts_of(forged, NOW) == []
    change(tenant, User, state=UserState.DEACTIVATED)
    assert ticket.accounts_of(made, NOW) == []


def test_changing_a_password_signs_every_other_browser_out(tenant: Tenant) -> None:
    user_id = add_person(tenant)
    here, there = sign_in(tenant, user_id), sign_in(tenant, user_id)
    viewer = viewer_of(here)
    assert viewer is not None
    with pytest.raises(UserError, match="not your present password"):
        change_password(viewer.scope, OTHER, OTHER, keep=viewer.session_id, now=NOW)
    with pytest.raises(UserError, match="15 to 128"):
        change_password(viewer.scope, PASSWORD, "short", keep=viewer.session_id, now=NOW)
    assert viewer_of(there) is not None
    change_password(viewer.scope, PASSWORD, OTHER, keep=viewer.session_id, now=NOW)
    assert viewer_of(here) is not None
    assert viewer_of(there) is None
    assert check_password(MARIA, PASSWORD, now=NOW) == []
    assert check_password(MARIA, OTHER, now=NOW)
    assert [(to, subject) for to, subject, _text in account_mails(tenant)] == [
        (MARIA, "Your password was changed")
    ]


def test_the_present_password_cannot_be_guessed_from_inside(tenant: Tenant) -> None:
    user_id = add_person(tenant)
    own = Scope(business_id=tenant.business_id, user_id=user_id, role=Role.MANAGER)
    for _ in range(FREE_FAILURES):
        with pytest.raises(UserError):
            change_password(own, OTHER, OTHER, now=NOW)
    with pytest.raises(UserError, match="too many attempts"):
        change_password(own, PASSWORD, OTHER, now=NOW)


def test_the_first_password_is_set_without_a_mail(tenant: Tenant) -> None:
    user_id = tenant.add_user(user={"state": UserState.INVITED})
    with pytest.raises(UserError):
        set_password(tenant.scope, user_id, "maria maria maria", now=NOW)
    set_password(tenant.scope, user_id, PASSWORD, now=NOW)
    assert person(tenant, user_id).state is UserState.ACTIVE
    assert account_mails(tenant) == []
    change(tenant, User, state=UserState.DEACTIVATED)
    with pytest.raises(UserError, match="deactivated"):
        set_password(tenant.scope, user_id, OTHER, now=NOW)


def test_sessions_are_seen_and_ended_by_their_owner_and_by_admins(tenant: Tenant) -> None:
    maria, paul = add_person(tenant), add_person(tenant, "paul@example.com")
    first, second, pauls = (sign_in(tenant, one) for one in (maria, maria, paul))
    own = Scope(business_id=tenant.business_id, user_id=maria, role=Role.VIEWER)
    other = Scope(business_id=tenant.business_id, user_id=paul, role=Role.MANAGER)
    assert len(open_sessions(own, maria)) == 2
    for act in (open_sessions, end_sessions):
        with pytest.raises(PermissionError):
            act(other, maria)
    kept = viewer_of(first)
    assert kept is not None
    assert end_sessions(own, maria, but=kept.session_id) == 1
    assert (viewer_of(first) is None, viewer_of(second) is None) == (False, True)
    foreign = another_tenant()
    assert end_sessions(foreign.scope, maria) == 0, "another tenant's admin"
    assert viewer_of(first) is not None
    assert end_sessions(own, maria, only=kept.session_id) == 1
    assert open_sessions(own, maria) == []
    assert viewer_of(pauls) is not None
    assert end_sessions(tenant.scope, paul) == 1
    assert viewer_of(pauls) is None


def test_no_secret_is_in_the_records(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    user_id = add_person(tenant)
    fail(FREE_FAILURES)
    set_password(tenant.scope, user_id, OTHER, now=NOW)
    [account] = check_password(MARIA, OTHER, now=NOW)
    token = sign_in(tenant, user_id)
    told = " ".join(
        [
            *(row.model_dump_json() for row in rows(tenant, AuditLog)),
            *(repr(row) for table in (Credential, SignInSession) for row in rows(tenant, table)),
            repr(account),
            repr(viewer_of(token)),
            caplog.text,
        ]
    )
    [row] = rows(tenant, SignInSession)
    for secret in (PASSWORD, OTHER, "$argon2", token, token.partition(".")[0], row.token_hash):
        assert secret not in told
