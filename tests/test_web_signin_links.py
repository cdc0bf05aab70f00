"""Account mails from the browser's side: forgotten passwords, invitations, new addresses."""

import re
from datetime import timedelta
from typing import Any

import pytest
from apptest import sign_in
from conftest import Tenant
from desk import another_tenant, change, counts, rows
from keyring import OTHER, PASSWORD, account_mails, add_person, links_to, person
from postbox import ORIGIN, Door

from models.accounts import User, UserState
from models.audit import AuditLog
from models.mail import Delivery, DeliveryState
from models.scope import Role, Scope
from models.settings import get_settings
from models.signin import AccountLink, Credential, LinkPurpose, SignInSession
from services.people import invite_person
from services.signin import viewer_of
from services.signin.attempt import check_password
from services.signin.credentials import request_new_address

COOKIE = "__Host-cm_session"
CHANGING = (AuditLog, Credential, SignInSession, AccountLink, Delivery)
TWICE = {"password": OTHER, "again": OTHER}


@pytest.fixture
def door(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("CM_PUBLIC_URL", ORIGIN)
    get_settings.cache_clear()
    door = Door.open()
    door.client.headers["Sec-Fetch-Site"] = "same-origin"
    return door


def post(door: Door, path: str, **form: str) -> Any:
    return door.client.post(f"/web/{path}", data=form)


def test_forgetting_looks_the_same_whoever_asks(door: Door, tenant: Tenant) -> None:
    add_person(tenant)
    known = post(door, "forgot", email="Maria@example.com")
    unknown = post(door, "forgot", email="nobody@example.com")
    nonsense = post(door, "forgot", email="x" * 500)
    assert (known.status_code, known.text, dict(known.headers)) == (
        unknown.status_code,
        unknown.text,
        dict(unknown.headers),
    )
    assert nonsense.text == known.text
    assert "If somebody here goes by this address" in known.text
    [mail] = rows(tenant, Delivery)
    assert (mail.recipient, mail.state) == ("maria@example.com", DeliveryState.SENT), "at once"


def test_a_forgotten_password_is_set_anew(door: Door, tenant: Tenant) -> None:
    user_id = add_person(tenant)
    token = sign_in(tenant, user_id)
    post(door, "forgot", email="maria@example.com")
    [secret] = links_to(tenant, LinkPurpose.RESET)
    page = door.client.get(f"/web/reset/{secret}")
    assert (page.status_code, 'value="maria@example.com"' in page.text) == (200, True)
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    for form, why in (
        ({"password": OTHER, "again": PASSWORD}, "differ"),
        ({"password": "short", "again": "short"}, "15 to 128"),
        ({}, "15 to 128"),
    ):
        refused = post(door, f"reset/{secret}", **form)
        assert (refused.status_code, why in refused.text) == (422, True)
        assert OTHER not in refused.text
    answer = post(door, f"reset/{secret}", **TWICE)
    assert answer.headers["location"] == "/web/sign-in?said=reset"
    assert "set-cookie" not in answer.headers
    assert viewer_of(token) is None
    assert check_password("maria@example.com", OTHER)
    assert post(door, f"reset/{secret}", **TWICE).status_code == 404
    assert [subject for _to, subject, _text in account_mails(tenant)][-1] == "Your password was changed"
    assert {mail.state for mail in rows(tenant, Delivery)} == {DeliveryState.SENT}


def test_an_invitation_is_accepted(door: Door, tenant: Tenant) -> None:
    user = invite_person(tenant.scope, "tom@example.com", timezone="Europe/Berlin", now=door.clock.at)
    [secret] = links_to(tenant, LinkPurpose.INVITATION)
    page = door.client.get(f"/web/join/{secret}").text
    assert "Welcome to Test" in page
    assert "<option selected>Europe/Berlin</option>" in page
    wrong = post(door, f"join/{secret}", name="Tom O", timezone="Asia/Tokyo", password=OTHER, again="")
    assert wrong.status_code == 422
    assert 'value="Tom O"' in wrong.text
    assert "<option selected>Asia/Tokyo</option>" in wrong.text
    assert person(tenant, user.id).state is UserState.INVITED
    answer = post(door, f"join/{secret}", name="Tom O", timezone="Asia/Tokyo", **TWICE)
    assert answer.headers["location"] == "/"
    viewer = viewer_of(door.client.cookies[COOKIE])
    assert viewer is not None
    assert (viewer.name, viewer.timezone, viewer.role) == ("Tom O", "Asia/Tokyo", Role.MANAGER)
    assert post(door, f"join/{secret}", name="Eve", timezone="UTC", **TWICE).status_code == 404
    assert door.client.get(f"/web/join/{secret}").status_code == 404


def test_a_new_address_is_confirmed_by_a_button(door: Door, tenant: Tenant) -> None:
    user_id = add_person(tenant)
    own = Scope(business_id=tenant.business_id, user_id=user_id, role=Role.MANAGER)
    request_new_address(own, "lopez@example.com", PASSWORD, now=door.clock.at)
    [secret] = links_to(tenant, LinkPurpose.NEW_ADDRESS)
    assert "lopez@example.com" in door.client.get(f"/web/new-address/{secret}").text
    assert person(tenant, user_id).email == "maria@example.com", "a scanner's look changes nothing"
    taken = tenant.add_user("lopez@example.com")
    refused = post(door, f"new-address/{secret}")
    assert (refused.status_code, "has this address" in refused.text) == (422, True)
    change(tenant, User, User.id == taken, email="other@example.com")
    assert "Your address is changed" in post(door, f"new-address/{secret}").text
    assert person(tenant, user_id).email == "lopez@example.com"
    assert post(door, f"new-address/{secret}").status_code == 404
    told = {(mail.recipient, mail.subject, mail.state) for mail in rows(tenant, Delivery)}
    assert ("maria@example.com", "Your address was changed", DeliveryState.SENT) in told


def test_no_get_and_no_head_changes_anything(door: Door, tenant: Tenant) -> None:
    user_id = add_person(tenant)
    own = Scope(business_id=tenant.business_id, user_id=user_id, role=Role.MANAGER)
    post(door, "forgot", email="maria@example.com")
    request_new_address(own, "lopez@example.com", PASSWORD, now=door.clock.at)
    invite_person(tenant.scope, "tom@example.com", now=door.clock.at)
    paths = [
        "forgot",
        *(f"reset/{secret}" for secret in links_to(tenant, LinkPurpose.RESET)),
        *(f"join/{secret}" for secret in links_to(tenant, LinkPurpose.INVITATION)),
        *(f"new-address/{secret}" for secret in links_to(tenant, LinkPurpose.NEW_ADDRESS)),
    ]
    assert len(paths) == 4
    before = counts(tenant, *CHANGING), [user.model_dump() for user in rows(tenant, User)]
    for path in paths:
        for method in ("GET", "HEAD", "OPTIONS"):
            assert door.client.request(method, f"/web/{path}").status_code in {200, 405}
    assert (counts(tenant, *CHANGING), [user.model_dump() for user in rows(tenant, User)]) == before
    assert all(link.used_at is None for link in rows(tenant, AccountLink))


def test_links_that_do_not_hold_all_look_alike(door: Door, tenant: Tenant) -> None:
    add_person(tenant)
    post(door, "forgot", email="maria@example.com")
    [secret] = links_to(tenant, LinkPurpose.RESET)
    door.clock.at += timedelta(hours=2)
    pages = {
        door.client.get(f"/web/{path}/{token}").text
        for path in ("reset", "join", "new-address")
        for token in (secret, "nonsense", "a" * 43)
    }
    assert len(pages) == 1
    assert "This link does not work" in pages.pop()
    for path in ("reset", "join", "new-address"):
        assert post(door, f"{path}/{secret}", **TWICE).status_code == 404


def test_a_link_opens_its_own_tenant_alone(door: Door, tenant: Tenant) -> None:
    here, there = add_person(tenant), another_tenant()
    over_there = add_person(there)
    post(door, "forgot", email="maria@example.com")
    [secret] = links_to(there, LinkPurpose.RESET)
    post(door, f"reset/{secret}", **TWICE)
    assert [found.user_id for found in check_password("maria@example.com", OTHER)] == [over_there]
    assert [found.user_id for found in check_password("maria@example.com", PASSWORD)] == [here]


def test_names_are_text(door: Door, tenant: Tenant) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    invite_person(tenant.scope, "tom@example.com", name=hostile, now=door.clock.at)
    [secret] = links_to(tenant, LinkPurpose.INVITATION)
    page = door.client.get(f"/web/join/{secret}").text
    assert hostile not in page
    assert not re.search(r"<script|<img", page)
