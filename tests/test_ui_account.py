"""The Account page: everybody's own name, address, password, browsers, and what is kept about them."""

from typing import Any

import pytest
from apptest import open_page, sign_in, signed_in
from conftest import Tenant
from desk import change, rows
from sqlmodel import col
from streamlit.testing.v1 import AppTest

from models.accounts import Business, User, UserPreference
from models.mail import Delivery
from models.scope import Role
from models.signin import SignInMethod, SignInSession
from services.signin import viewer_of
from services.signin.attempt import check_password
from services.signin.credentials import set_password
from ui.parts.browsers import browser
from ui.views.account import page

OLD, NEW = "four horses graze there", "seven kettles boil over"


class Mine:
    """Somebody of any role, signed in with a password, who looks at their account."""

    def __init__(self, tenant: Tenant, patch: pytest.MonkeyPatch, role: Role = Role.VIEWER) -> None:
        self.tenant, self.patch = tenant, patch
        self.token, self.viewer = signed_in(tenant, role, "maria@example.com")
        set_password(tenant.scope, self.viewer.user_id, OLD, keep=self.viewer.session_id)

    def open(self) -> AppTest:
        return clean(open_page(self.patch, self.token, page).run())

    def may_sign_in(self, password: str) -> bool:
        return bool(check_password("maria@example.com", password))

    @property
    def row(self) -> User:
        return rows(self.tenant, User, id=self.viewer.user_id)[0]  # type: ignore[no-any-return]


@pytest.fixture
def mine(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Mine:
    return Mine(tenant, monkeypatch)


def clean(test: AppTest) -> AppTest:
    assert not test.exception, test.exception
    return test


def press(test: AppTest, label: str) -> AppTest:
    found = [button for button in test.button if button.label == label]
    assert found, [button.label for button in test.button]
    return clean(found[0].click().run())


def field(elements: Any, label: str) -> Any:
    return next(one for one in elements if one.label.startswith(label))


def text(test: AppTest) -> str:
    parts = (test.markdown, test.caption, test.subheader, test.error)
    tables = [str(table.value.to_dict()) for table in test.table]
    shown = "\n".join([*(str(one.value) for part in parts for one in part), *tables])
    return shown.replace("\\", "").replace("\u2060", "")


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.MANAGER, Role.VIEWER])
def test_everybody_has_an_account(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    said = text(Mine(tenant, monkeypatch, role).open())
    assert "maria@example.com" in said
    assert f"Your role is {role.value}" in said
    assert "What is kept about you" in said


def test_name_and_zone_are_changed(mine: Mine) -> None:
    test = mine.open()
    field(test.text_input, "Name").input("María López")
    field(test.selectbox, "Time zone").select("Europe/Lisbon")
    press(test, "Save")
    assert (mine.row.name, mine.row.timezone) == ("María López", "Europe/Lisbon")


def test_the_password_is_changed_by_proof_of_the_old_one(mine: Mine) -> None:
    other = sign_in(mine.tenant, mine.viewer.user_id)
    test = mine.open()
    for label, typed in (("Present password", OLD), ("New password", NEW), ("New password again", NEW)):
        field(test.text_input, label).input(typed)
    test = press(test, "Change password")
    assert (mine.may_sign_in(NEW), mine.may_sign_in(OLD)) == (True, False)
    assert viewer_of(other) is None, "other browsers are signed out"
    assert viewer_of(mine.token) is not None
    assert not [one for one in test.text_input if one.value in (OLD, NEW)], "nothing typed stays on the page"


@pytest.mark.parametrize(
    ("current", "new", "again", "said"),
    [
        ("wrong password, surely", NEW, NEW, "password"),
        (OLD, NEW, NEW + "x", "differ"),
        (OLD, "short", "short", "15 to 128"),
        (OLD, "maria maria maria", "maria maria maria", "your name"),
    ],
)
def test_a_change_of_password_that_does_not_hold_changes_nothing(
    mine: Mine, current: str, new: str, again: str, said: str
) -> None:
    test = mine.open()
    fields = [
        one
        for one in test.text_input
        if one.label in ("Present password", "New password", "New password again")
    ]
    for one, typed in zip(fields, (current, new, again), strict=True):
        one.input(typed)
    assert said in text(press(test, "Change password"))
    assert mine.may_sign_in(OLD)


def test_another_address_waits_for_its_proof(mine: Mine) -> None:
    test = mine.open()
    field(test.text_input, "New address").input("new@example.com")
    field(test.text_input, "Your password").input(OLD)
    press(test, "Mail me the link")
    assert mine.row.email == "maria@example.com"
    assert "new@example.com" in {mail.recipient for mail in rows(mine.tenant, Delivery)}


def test_another_address_takes_the_password(mine: Mine) -> None:
    test = mine.open()
    field(test.text_input, "New address").input("new@example.com")
    field(test.text_input, "Your password").input("not my password at all")
    assert test.button
    assert press(test, "Mail me the link").error
    assert "new@example.com" not in {mail.recipient for mail in rows(mine.tenant, Delivery)}


def test_browsers_are_signed_out_one_by_one_and_all_but_this(mine: Mine) -> None:
    one, two, three = (sign_in(mine.tenant, mine.viewer.user_id) for _ in range(3))
    colleague = sign_in(mine.tenant, mine.tenant.add_user("tom@example.com"))
    first_id = viewer_of(one).session_id  # type: ignore[union-attr]
    test = mine.open()
    assert text(test).count("A browser") == 4
    clean(test.button(key=f"end_{first_id}").click().run())
    assert (viewer_of(one), viewer_of(two) is not None) == (None, True)
    test = press(test, "Sign out all others")
    assert viewer_of(two) is viewer_of(three) is None
    assert viewer_of(mine.token) is not None
    assert viewer_of(colleague) is not None
    assert "Only here" in text(test)


def test_consent_is_given_and_withdrawn_where_anything_is_counted(mine: Mine) -> None:
    assert not mine.open().toggle
    change(mine.tenant, Business, col(Business.id) == mine.tenant.business_id, tracking_enabled=True)
    test = mine.open()
    clean(test.toggle[0].set_value(True).run())
    assert rows(mine.tenant, UserPreference)[0].tracking_consent_at is not None
    clean(test.toggle[0].set_value(False).run())
    assert rows(mine.tenant, UserPreference)[0].tracking_consent_at is None


def test_who_comes_through_their_organisation_has_no_password_here(
    mine: Mine, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(mine.tenant, SignInSession, method=SignInMethod.OIDC)
    test = mine.open()
    assert "You sign in with your organisation" in text(test)
    assert not [one for one in test.text_input if "assword" in one.label]


def test_a_person_sees_nobody_elses_account(mine: Mine) -> None:
    tom = mine.tenant.add_user("tom@example.com")
    change(mine.tenant, User, col(User.id) == tom, name="Tom Secret")
    assert "tom" not in text(mine.open()).lower().replace("custom", "")


@pytest.mark.parametrize(
    ("user_agent", "told"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 "
            "Safari/537.36 Edg/142.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
            "Safari on an iPhone",
        ),
        ("", "A browser"),
        ("curl/8.5", "A browser"),
    ],
)
def test_browsers_go_by_the_names_people_know(user_agent: str, told: str) -> None:
    assert browser(user_agent) == told
