"""One-time links: invitations, resets, new addresses. Once, in time, for one purpose, in one tenant."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from apptest import sign_in
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from keyring import OTHER, PASSWORD, account_mails, add_person, links_to, person, text_of

from models.accounts import Business, User, UserPreference, UserState
from models.audit import AuditLog
from models.engine import writing
from models.mail import Delivery, DeliveryState
from models.scope import Role, Scope
from models.signin import AccountLink, LinkPurpose
from services.errors import UserError
from services.mailview import view
from services.people import invite_again, invite_person, send_reset
from services.signin import links, viewer_of
from services.signin.attempt import check_password
from services.signin.credentials import (
    AGAIN_AFTER,
    confirm_new_address,
    join,
    request_new_address,
    request_reset,
    reset_password,
)
from services.signin.letters import send_now
from services.signin.links import LIFETIME

MARIA = "maria@example.com"
MINUTE = timedelta(minutes=1)


def own(tenant: Tenant, user_id: UUID) -> Scope:
    return Scope(business_id=tenant.business_id, user_id=user_id, role=Role.MANAGER)


def invited(tenant: Tenant) -> str:
    invite_person(tenant.scope, "tom@example.com", now=NOW)
    return links_to(tenant, LinkPurpose.INVITATION)[-1]


def forgotten(tenant: Tenant) -> str:
    add_person(tenant)
    request_reset(MARIA, now=NOW)
    return links_to(tenant, LinkPurpose.RESET)[-1]


def moving(tenant: Tenant) -> str:
    user_id = add_person(tenant)
    request_new_address(own(tenant, user_id), "lopez@example.com", PASSWORD, now=NOW)
    return links_to(tenant, LinkPurpose.NEW_ADDRESS)[-1]


def accept(secret: str, at: datetime) -> object:
    return join(secret, name="Tom", password=OTHER, timezone="Europe/Paris", now=at)


def renew(secret: str, at: datetime) -> object:
    return reset_password(secret, OTHER, now=at)


def move(secret: str, at: datetime) -> object:
    return confirm_new_address(secret, now=at)


Case = tuple[LinkPurpose, Callable[[Tenant], str], Callable[[str, datetime], object]]
CASES: list[Case] = [
    (LinkPurpose.INVITATION, invited, accept),
    (LinkPurpose.RESET, forgotten, renew),
    (LinkPurpose.NEW_ADDRESS, moving, move),
]
every_purpose = pytest.mark.parametrize("case", CASES, ids=[case[0].value for case in CASES])


@every_purpose
def test_a_link_works_once(tenant: Tenant, case: Case) -> None:
    _purpose, ask, act = case
    secret = ask(tenant)
    assert act(secret, NOW + MINUTE)
    assert act(secret, NOW + MINUTE) is None


@every_purpose
def test_a_link_works_in_its_time(tenant: Tenant, case: Case) -> None:
    purpose, ask, act = case
    secret = ask(tenant)
    assert links.held(purpose, secret, NOW + LIFETIME[purpose] - timedelta(seconds=1)) is not None
    assert act(secret, NOW + LIFETIME[purpose]) is None


@every_purpose
def test_a_link_is_for_one_purpose(tenant: Tenant, case: Case) -> None:
    secret = case[1](tenant)
    for _purpose, _ask, act in CASES:
        if act is not case[2]:
            assert act(secret, NOW + MINUTE) is None
    for forged in ("", "x", secret[:-1], secret + "x", secret.swapcase()):
        assert case[2](forged, NOW + MINUTE) is None
    assert case[2](secret, NOW + MINUTE)


@every_purpose
def test_a_newer_link_voids_the_older(tenant: Tenant, case: Case) -> None:
    _purpose, ask, act = case
    first = ask(tenant)
    again = NOW + AGAIN_AFTER
    if ask is invited:
        invite_person(tenant.scope, "tom@example.com", now=again)
    elif ask is forgotten:
        request_reset(MARIA, now=again)
    else:
        [maria] = rows(tenant, User)
        request_new_address(own(tenant, maria.id), "third@example.com", PASSWORD, now=again)
    second = links_to(tenant, case[0])[-1]
    assert second != first
    assert act(first, again + MINUTE) is None
    assert act(second, again + MINUTE)


@every_purpose
def test_a_link_ends_with_the_account(tenant: Tenant, case: Case) -> None:
    secret = case[1](tenant)
    change(tenant, User, state=UserState.DEACTIVATED)
    assert case[2](secret, NOW + MINUTE) is None


@every_purpose
def test_two_who_are_equally_fast_use_it_once(tenant: Tenant, case: Case) -> None:
    purpose, ask, _act = case
    one = links.held(purpose, ask(tenant), NOW + MINUTE)
    assert one is not None
    with writing(tenant.scope) as session:
        links.use(one, session, NOW)
    with pytest.raises(UserError, match="used already"), writing(tenant.scope) as session:
        links.use(one, session, NOW)


@every_purpose
def test_only_a_hash_is_kept_and_only_the_mail_has_the_link(tenant: Tenant, case: Case) -> None:
    secret = case[1](tenant)
    [link] = rows(tenant, AccountLink)
    assert secret not in link.model_dump_json()
    assert link.token_hash not in repr(link)
    assert secret not in " ".join(row.model_dump_json() for row in rows(tenant, AuditLog))
    assert secret not in " ".join(row.model_dump_json() for row in rows(tenant, Delivery))
    [(_to, _subject, text)] = account_mails(tenant)
    assert secret in text
    shown = view(tenant.scope, rows(tenant, Delivery)[0].id)
    assert shown is not None
    assert f"/web/{links.PATH[case[0]]}/" in shown.text
    for part in (shown.text, shown.html, text_of(shown.eml), shown.eml.decode("ascii")):
        assert secret not in part


def test_an_invitation_makes_somebody_active_with_what_they_chose(tenant: Tenant) -> None:
    secret = invited(tenant)
    [(to, subject, text)] = account_mails(tenant)
    assert (to, subject) == ("tom@example.com", "Your invitation to Client Monitor at Test")
    assert f"Accept the invitation: http://127.0.0.1:8501/web/join/{secret}" in text
    for name, password, zone in (
        (" ", OTHER, "UTC"),
        ("x" * 201, OTHER, "UTC"),
        ("Tom", "short", "UTC"),
        ("Anneliese Zimmermann", "anneliese zimmermann", "UTC"),
        ("Tom", OTHER, "Mars/Base"),
    ):
        with pytest.raises(UserError):
            join(secret, name=name, password=password, timezone=zone, now=NOW + MINUTE)
    account = join(secret, name=" Tom  Okafor ", password=OTHER, timezone="europe/paris", now=NOW + MINUTE)
    assert account is not None
    tom = person(tenant, account.user_id)
    assert (tom.name, tom.timezone, tom.state) == ("Tom Okafor", "Europe/Paris", UserState.ACTIVE)
    assert [one.user_id for one in check_password("tom@example.com", OTHER, now=NOW)] == [tom.id]


def test_a_new_password_ends_sessions_and_is_told(tenant: Tenant) -> None:
    secret = forgotten(tenant)
    [maria] = rows(tenant, User)
    token = sign_in(tenant, maria.id)
    with pytest.raises(UserError):
        reset_password(secret, "maria maria maria", now=NOW + MINUTE)
    assert reset_password(secret, OTHER, now=NOW + MINUTE) is not None
    assert viewer_of(token) is None
    assert check_password(MARIA, PASSWORD, now=NOW) == []
    assert check_password(MARIA, OTHER, now=NOW)
    assert [subject for _to, subject, _text in account_mails(tenant)] == [
        "Choose a new password",
        "Your password was changed",
    ]


def test_a_reset_lets_an_account_that_rests_in_again(tenant: Tenant) -> None:
    secret = forgotten(tenant)
    for _ in range(20):
        check_password(MARIA, OTHER, now=NOW)
    reset_password(secret, OTHER, now=NOW)
    assert check_password(MARIA, OTHER, now=NOW)


def test_who_is_written_to(tenant: Tenant) -> None:
    add_person(tenant)
    there = another_tenant()
    add_person(there)
    tenant.add_user("invited@example.com", user={"state": UserState.INVITED})
    tenant.add_user("gone@example.com", user={"state": UserState.DEACTIVATED})
    demo = another_tenant("demo")
    with writing(Scope.operator()) as session:
        session.get_one(Business, demo.business_id).is_demo = True
    add_person(demo)
    assert request_reset("nobody@example.com", now=NOW) == []
    assert request_reset("gone@example.com", now=NOW) == []
    assert request_reset("invited@example.com", now=NOW) == [tenant.scope]
    assert request_reset(" Maria@Example.com ", now=NOW) == [there.scope, tenant.scope]
    assert sorted(subject for _to, subject, _text in account_mails(tenant)) == [
        "Choose a new password",
        "Your invitation to Client Monitor at Test",
    ]
    assert [to for to, _subject, _text in account_mails(there)] == [MARIA]
    assert account_mails(demo) == []
    actions = {(row.action, row.actor_id) for row in rows(tenant, AuditLog)}
    assert actions == {("reset.mailed", None), ("invitation.mailed", None)}


def test_nobody_is_flooded(tenant: Tenant) -> None:
    add_person(tenant)
    for _ in range(5):
        request_reset(MARIA, now=NOW)
    assert len(account_mails(tenant)) == 1
    request_reset(MARIA, now=NOW + AGAIN_AFTER)
    assert len(account_mails(tenant)) == 2
    [maria] = rows(tenant, User)
    with pytest.raises(UserError, match="just now"):
        send_reset(tenant.scope, maria.id, now=NOW + AGAIN_AFTER)


def test_account_mail_goes_out_at_once_and_to_who_wants_no_news(tenant: Tenant) -> None:
    add_person(tenant)
    change(tenant, UserPreference, notification_enabled=False, email_notifications_enabled=False)
    [scope] = request_reset(MARIA, now=NOW)
    send_now(scope, NOW)
    [mail] = rows(tenant, Delivery)
    assert (mail.state, mail.recipient) == (DeliveryState.SENT, MARIA)


def test_what_cannot_be_sent_now_stays_in_the_outbox(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add_person(tenant)
    [scope] = request_reset(MARIA, now=NOW)

    def broken(_channel: object) -> object:
        raise OSError("no such host: mail.internal")

    monkeypatch.setattr("services.signin.letters.transport_for", broken)
    send_now(scope, NOW)
    assert [mail.state for mail in rows(tenant, Delivery)] == [DeliveryState.INTENT]
    assert "waits for the next tick: OSError" in caplog.text
    assert "mail.internal" not in caplog.text


def test_a_new_address_is_proven_before_it_counts(tenant: Tenant) -> None:
    user_id = add_person(tenant)
    scope = own(tenant, user_id)
    for address, password, why in (
        ("nonsense", PASSWORD, "no e-mail address"),
        (MARIA.upper(), PASSWORD, "already"),
        ("lopez@example.com", OTHER, "not your present password"),
    ):
        with pytest.raises(UserError, match=why):
            request_new_address(scope, address, password, now=NOW)
    assert account_mails(tenant) == []
    assert request_new_address(scope, "Lopez@Example.com", PASSWORD, now=NOW) == "lopez@example.com"
    assert person(tenant, user_id).email == MARIA
    request_reset(MARIA, now=NOW)
    in_old_mailbox = links_to(tenant, LinkPurpose.RESET)[-1]
    done = confirm_new_address(links_to(tenant, LinkPurpose.NEW_ADDRESS)[-1], now=NOW + MINUTE)
    assert done is not None
    assert person(tenant, user_id).email == "lopez@example.com"
    assert check_password(MARIA, PASSWORD, now=NOW) == []
    assert check_password("lopez@example.com", PASSWORD, now=NOW)
    assert reset_password(in_old_mailbox, OTHER, now=NOW + MINUTE) is None
    told = [(to, subject) for to, subject, _text in account_mails(tenant)]
    assert told[0] == ("lopez@example.com", "Confirm your new address")
    assert told[-1] == (MARIA, "Your address was changed")
    send_now(tenant.scope, NOW + MINUTE)
    assert {mail.state for mail in rows(tenant, Delivery)} == {DeliveryState.SENT}


def test_a_colleague_s_address_is_not_taken(tenant: Tenant) -> None:
    secret = moving(tenant)
    tenant.add_user("lopez@example.com")
    with pytest.raises(UserError, match="has this address"):
        confirm_new_address(secret, now=NOW + MINUTE)
    assert {user.email for user in rows(tenant, User)} == {MARIA, "lopez@example.com"}


def test_in_another_business_the_address_is_free(tenant: Tenant) -> None:
    secret = moving(tenant)
    another_tenant().add_user("lopez@example.com")
    assert confirm_new_address(secret, now=NOW + MINUTE) is not None


def test_a_new_password_stops_a_move_that_is_under_way(tenant: Tenant) -> None:
    secret = moving(tenant)
    request_reset(MARIA, now=NOW)
    reset_password(links_to(tenant, LinkPurpose.RESET)[-1], OTHER, now=NOW + MINUTE)
    assert confirm_new_address(secret, now=NOW + MINUTE) is None


def test_without_a_password_there_is_no_move(tenant: Tenant) -> None:
    scope = own(tenant, tenant.add_user())
    with pytest.raises(UserError, match="no password yet"):
        request_new_address(scope, "lopez@example.com", "", now=NOW)


def test_invitations_go_again_only_to_who_never_came_in(tenant: Tenant) -> None:
    invited(tenant)
    [tom] = rows(tenant, User)
    invite_again(tenant.scope, tom.id, now=NOW + AGAIN_AFTER)
    assert len(links_to(tenant, LinkPurpose.INVITATION)) == 2
    change(tenant, User, state=UserState.ACTIVE)
    with pytest.raises(UserError, match="not invited"):
        invite_again(tenant.scope, tom.id, now=NOW + 2 * AGAIN_AFTER)
    send_reset(tenant.scope, tom.id, now=NOW + 2 * AGAIN_AFTER)
    assert len(links_to(tenant, LinkPurpose.RESET)) == 1
