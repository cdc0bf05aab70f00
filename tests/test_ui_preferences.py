"""Preferences: what is typed shows its effect before it is saved, saving says what it did, and it can be undone."""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from apptest import open_page, signed_in
from conftest import Tenant
from desk import change, rows
from hypothesis import given
from hypothesis import strategies as st
from newsroom import add_event, notes, plan_for
from streamlit.testing.v1 import AppTest

from models.accounts import Business, ClientPreference, Frequency, UserPreference
from models.audit import AuditLog
from models.base import new_id, utc_now
from models.mail import Delivery, DeliveryKind, DeliveryState, NotificationState, SkipReason
from models.scope import Role
from services.muting import Exceptional
from services.preference_page import ClientWish
from services.preferences import Preferences, preferences_of_person
from services.subscriptions import stop
from tasks.filter.stage import filter_batch
from ui.views.preferences import page
from ui.views.preferences.clients import changed_exceptions, changes_of
from ui.views.preferences.sayings import FIELDS, REASONS, threshold_words


class Desk:
    """The page as somebody of this role sees it."""

    def __init__(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, role: Role = Role.VIEWER, **person: Any
    ) -> None:
        self.tenant, self.patch = tenant, monkeypatch
        self.token, self.viewer = signed_in(tenant, role, **person)

    def open(self, **query: str) -> AppTest:
        test = open_page(self.patch, self.token, page, **query).run()
        assert not test.exception
        return test

    def wants(self) -> Preferences:
        return preferences_of_person(self.viewer.scope, self.viewer.user_id)


@pytest.fixture
def desk(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tenant, monkeypatch)


def text(test: AppTest) -> str:
    """What is written on the page, without Markdown's escapes."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error", "success")
    written = "\n".join(str(element.value) for kind in kinds for element in getattr(test, kind))
    return written.replace("\\", "")


def field(test: AppTest, kind: str, name: str) -> Any:
    """The widget of a setting, whatever edition of the page it belongs to."""
    [found] = [one for one in getattr(test, kind) if one.key and one.key.endswith(f"-{name}")]
    return found


def press(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click().run()
    assert not test.exception
    return test


def test_everything_is_shown_as_it_is_saved_and_nothing_waits_to_be(desk: Desk) -> None:
    change(
        desk.tenant,
        UserPreference,
        relevance_threshold=0.43,
        notification_frequency=Frequency.WEEKLY,
        digest_day_of_week=4,
        notification_categories=["award", "funding"],
        max_items_per_client=7,
    )
    test = desk.open()
    assert field(test, "slider", "threshold").value == 0.43
    assert field(test, "selectbox", "digest_day").value == 4
    assert field(test, "number_input", "max_items_per_client").value == 7
    assert "All of it is saved." in text(test)
    assert test.button(key="preferences-save").disabled


def test_a_change_shows_its_effect_first_and_is_saved_when_asked(desk: Desk) -> None:
    test = desk.open()
    field(test, "slider", "threshold").set_value(0.7).run()
    written = text(test)
    assert "Important news only" in written
    assert "Not saved yet: relevance" in written
    assert "With these settings (not saved yet) you would have had" in written
    assert desk.wants().threshold == 0.5
    field(test, "toggle", "assigned_clients_only").set_value(False).run()
    press(test, "preferences-save")
    assert "Saved: relevance, whose clients." in text(test)
    assert (desk.wants().threshold, desk.wants().assigned_clients_only) == (0.7, False)
    assert test.button(key="preferences-save").disabled


def test_saving_says_what_became_of_what_waited_and_undo_brings_the_settings_back(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = tenant.add_client()
    desk = Desk(tenant, monkeypatch, clients=(acme,))
    for relevance in (0.6, 0.65, 0.9):
        add_event(tenant, acme, f"News {relevance}", relevance=relevance, at=utc_now() - timedelta(hours=1))
    filter_batch(plan_for(tenant, deliver=True, as_of=utc_now()), 10)
    test = desk.open()
    field(test, "slider", "threshold").set_value(0.8).run()
    press(test, "preferences-save")
    assert "2 waiting items are not mailed because of it." in text(test)
    assert sorted(str(note.state) for note in notes(tenant)) == ["skipped", "skipped", "waiting"]
    again = desk.open()  # after a refresh it can still be undone
    press(again, "preferences-undo")
    assert "As before: relevance." in text(again)
    assert field(again, "slider", "threshold").value == 0.5
    assert again.button(key="preferences-undo").label == "Change it again"
    press(again, "preferences-undo")
    assert desk.wants().threshold == 0.8


def test_discard_shows_what_is_saved_again(desk: Desk) -> None:
    test = desk.open()
    field(test, "slider", "threshold").set_value(0.9).run()
    press(test, "preferences-discard")
    assert field(test, "slider", "threshold").value == 0.5
    assert "All of it is saved." in text(test)


def test_quiet_hours_and_absence_go_in_and_out(desk: Desk) -> None:
    cover = desk.tenant.add_user("bea@example.com", user={"name": "Bea"})
    test = desk.open()
    field(test, "toggle", "quiet").set_value(True).run()
    field(test, "date_input", "absent_from").set_value(date(2027, 1, 4)).run()
    field(test, "date_input", "absent_until").set_value(date(2027, 1, 8)).run()
    field(test, "selectbox", "cover").set_value("bea@example.com").run()
    press(test, "preferences-save")
    wants = desk.wants()
    assert (str(wants.quiet_from), str(wants.quiet_until)) == ("20:00:00", "07:00:00")
    assert (wants.absent_from, wants.absent_until, wants.cover) == (
        date(2027, 1, 4),
        date(2027, 1, 8),
        "bea@example.com",
    )
    assert cover
    field(test, "toggle", "quiet").set_value(False).run()
    press(test, "preferences-save")
    assert desk.wants().quiet_from is None


def test_what_cannot_be_is_said_beside_the_button_that_waits(desk: Desk) -> None:
    test = desk.open()
    field(test, "date_input", "absent_until").set_value(date(2027, 1, 8)).run()
    assert "Say which day is the first one away." in text(test)
    assert test.button(key="preferences-save").disabled
    field(test, "date_input", "absent_from").set_value(date(2027, 1, 9)).run()
    assert "lies before the first" in text(test)


def test_no_kind_of_news_at_all_is_refused(desk: Desk) -> None:
    test = desk.open()
    field(test, "toggle", "every").set_value(False).run()
    field(test, "button_group", "categories").set_value([]).run()
    assert "at least one kind of news" in text(test)
    field(test, "button_group", "categories").set_value(["award"]).run()
    press(test, "preferences-save")
    assert desk.wants().categories == ["award"]


def test_an_admin_changes_somebody_elses_and_that_is_in_the_audit_log(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tom = tenant.add_user("tom@example.com", user={"name": "Tom <b>"})
    admin = Desk(tenant, monkeypatch, Role.ADMIN)
    test = admin.open(person=str(tom))
    assert "Tom" in test.title[0].value
    assert "<b>" not in test.title[0].value.replace(r"\<b", "")
    assert not [one for one in test.button if one.label == "Send me a sample"]
    field(test, "slider", "threshold").set_value(0.9).run()
    press(test, "preferences-save")
    assert preferences_of_person(admin.viewer.scope, tom).threshold == 0.9
    assert admin.wants().threshold == 0.5
    [line] = [row for row in rows(tenant, AuditLog) if row.action == "preferences.changed"]
    assert (line.actor_id, line.subject) == (admin.viewer.user_id, str(tom))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MANAGER])
def test_others_are_refused_and_led_to_their_own(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    tom = tenant.add_user("tom@example.com")
    desk = Desk(tenant, monkeypatch, role)
    test = desk.open(person=str(tom))
    assert "You may not do this" in text(test)
    assert not test.slider
    [back] = [one for one in test.button if one.label == "Go to my preferences"]
    back.click().run()
    assert test.title[0].value == "Preferences"


@pytest.mark.parametrize("person", ["", "nobody", str(UUID(int=0))])
def test_an_address_of_nobody_breaks_nothing(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    Desk(tenant, monkeypatch, Role.OWNER).open(person=person)


def test_consent_is_asked_only_where_it_matters_and_is_saved_at_once(desk: Desk) -> None:
    assert "open and click" not in str([one.label for one in desk.open().toggle])
    change(desk.tenant, Business, Business.id == desk.tenant.business_id, tracking_enabled=True)
    test = desk.open()
    [consent] = [one for one in test.toggle if "open and click" in one.label]
    consent.set_value(True).run()
    [stored] = rows(desk.tenant, UserPreference)
    assert stored.tracking_consent_at is not None
    [consent] = [one for one in test.toggle if "open and click" in one.label]
    consent.set_value(False).run()
    assert rows(desk.tenant, UserPreference)[0].tracking_consent_at is None


def test_mail_that_was_unsubscribed_from_is_said_and_can_be_had_again(desk: Desk) -> None:
    stop(desk.tenant.scope, desk.viewer.email, [DeliveryKind.DIGEST], how="a link")
    test = desk.open()
    assert "unsubscribed from digests" in text(test)
    press(test, "preferences-resume")
    assert "unsubscribed" not in text(test)


def test_a_sample_is_sent_once_a_click(desk: Desk) -> None:
    test = desk.open()
    [button] = [one for one in test.button if one.label == "Send me a sample"]
    button.click().run()
    [mail] = rows(desk.tenant, Delivery)
    assert (mail.recipient, mail.kind, mail.state) == (
        desk.viewer.email,
        DeliveryKind.SYSTEM,
        DeliveryState.SENT,
    )
    test.run()
    assert len(rows(desk.tenant, Delivery)) == 1


# The table


def wish(**fields: Any) -> ClientWish:
    return ClientWish(**{"client_id": new_id(), "client": "Acme", "muted": False, "threshold": None} | fields)


def test_only_what_differs_from_the_saved_is_a_change() -> None:
    same, muted, barred, freed = wish(), wish(), wish(), wish(muted=True, threshold=0.9)
    rows_ = [(False, math.nan), (True, None), (False, 0.7000001), (False, math.nan)]
    found = changed_exceptions([same, muted, barred, freed], rows_)
    assert found == {
        muted.client_id: Exceptional(muted=True),
        barred.client_id: Exceptional(threshold=0.7),
        freed.client_id: Exceptional(),
    }
    assert changes_of(barred, found[barred.client_id]) == {"threshold": 0.7}
    assert changes_of(freed, found[freed.client_id]) == {"muted": False, "threshold": None}


def test_the_table_is_there_for_who_has_clients_and_its_exceptions_show(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = tenant.add_client("Acme")
    desk = Desk(tenant, monkeypatch, clients=(acme,))
    tenant.add(
        ClientPreference(
            business_id=tenant.business_id, user_id=desk.viewer.user_id, client_id=acme, muted=True
        )
    )
    table = desk.open().dataframe[0].value
    assert list(table["Client"]) == ["Acme"]
    assert list(table["Muted"]) == [True]


def test_an_exception_is_saved_with_the_rest_and_says_what_it_did(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = tenant.add_client("Acme")
    desk = Desk(tenant, monkeypatch, clients=(acme,))
    add_event(tenant, acme, relevance=0.9, at=utc_now() - timedelta(hours=1))
    filter_batch(plan_for(tenant, deliver=True, as_of=utc_now()), 10)

    def first_one_muted(clients: Sequence[ClientWish], _key: str) -> dict[UUID, Exceptional]:
        return {clients[0].client_id: Exceptional(muted=True)} if not clients[0].muted else {}

    # AppTest cannot edit a table.
    monkeypatch.setattr("ui.views.preferences.client_table", first_one_muted)
    test = desk.open()
    assert "Not saved yet: 1 client" in text(test)
    press(test, "preferences-save")
    assert "Saved: 1 client. 1 waiting item is not mailed because of it." in text(test)
    assert notes(tenant)[0].state is NotificationState.SKIPPED
    assert rows(tenant, ClientPreference)[0].muted


# Words


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_sounds_lower(one: float, other: float) -> None:
    order = list(dict.fromkeys(threshold_words(step / 100) for step in range(101)))
    low, high = sorted((one, other))
    assert order.index(threshold_words(low)) <= order.index(threshold_words(high))


def test_every_setting_and_reason_has_a_name() -> None:
    assert set(FIELDS) == set(Preferences.model_fields)
    never = {SkipReason.NOT_ASSIGNED, SkipReason.DEACTIVATED, SkipReason.SUPERSEDED, SkipReason.WRONG_COMPANY}
    assert set(REASONS) == set(SkipReason) - never
