"""The Settings page, section by section: what is shown, what a click does, and who is turned away."""

import io
from typing import Any

import pytest
from apptest import open_page, signed_in
from conftest import NOW, Tenant
from cryptography.fernet import Fernet
from desk import another_tenant, rows
from newsroom import add_event
from PIL import Image
from streamlit.testing.v1 import AppTest

from models.accounts import Business, User, UserState
from models.ai import AiSpend
from models.audit import AuditLog
from models.base import utc_now
from models.clients import ClientAssignment
from models.engine import writing
from models.feedback import Feedback, FeedbackVerdict
from models.mail import Delivery
from models.patterns import CategoryPattern
from models.providers import ProviderConfig, ProviderKind
from models.returns import SuppressionReason
from models.scope import Role
from models.settings import get_settings
from services.appearance import logo_of, look_of
from services.providers import enable
from services.sending import current_hold, hold
from services.signin import Viewer
from services.suppression import suppress
from ui.views.settings import SECTIONS, page

SECTION_NAMES = [section.name for section in SECTIONS]


class Desk:
    """An owner who looks at the settings."""

    def __init__(self, tenant: Tenant, patch: pytest.MonkeyPatch) -> None:
        self.tenant, self.patch = tenant, patch
        self.token, self.viewer = signed_in(tenant, Role.OWNER, "ada@example.com")

    def open(self, section: str = "", **query: str) -> AppTest:
        asked = {"section": section, **query} if section else query
        return clean(open_page(self.patch, self.token, page, **asked).run())


@pytest.fixture
def desk(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("CM_SECRET_KEYS", Fernet.generate_key().decode())
    get_settings.cache_clear()
    return Desk(tenant, monkeypatch)


def clean(test: AppTest) -> AppTest:
    assert not test.exception, test.exception
    return test


def press(test: AppTest, label: str, nth: int = 0) -> AppTest:
    """The button of this label, pressed."""
    found = [button for button in test.button if button.label == label]
    assert found, [button.label for button in test.button]
    return clean(found[nth].click().run())


def field(elements: Any, label: str) -> Any:
    return next(one for one in elements if one.label.startswith(label))


def text(test: AppTest) -> str:
    parts = (test.markdown, test.caption, test.subheader, test.success, test.warning, test.error, test.info)
    tables = [str(table.value.to_dict()) for table in test.table]
    return (
        "\n".join([*(str(one.value) for part in parts for one in part), *tables])
        .replace("\\", "")
        .replace("\u2060", "")
    )


def test_every_section_opens_on_an_empty_business(desk: Desk) -> None:
    test = desk.open()
    for section in SECTION_NAMES:
        test.query_params["section"] = section
        assert clean(test.run()).title[0].value == "Settings", section


@pytest.mark.parametrize("section", ["", "../accounts"])
def test_an_unknown_section_is_the_first(desk: Desk, section: str) -> None:
    assert field(desk.open(section).text_input, "Name").value == "Test"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_who_is_no_admin_sees_nothing_of_it(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    token, _ = signed_in(tenant, role)
    test = open_page(monkeypatch, token, page)
    for section in SECTION_NAMES:
        test.query_params["section"] = section
        assert "Only for admins" in text(clean(test.run()))
        assert not [*test.button, *test.text_input, *test.table]


def test_nothing_of_another_business_is_shown(desk: Desk) -> None:
    other = another_tenant("hidden")
    client = other.add_client("Hidden Client")
    eve = other.add_user("eve@hidden.example", clients=(client,))
    with writing(other.scope) as session:
        suppress(
            other.scope, session, "eve@hidden.example", SuppressionReason.COMPLAINT, detail="Hidden", now=NOW
        )
    event = add_event(other, client, "Hidden news")
    other.add(
        Feedback(
            business_id=other.business_id,
            event_id=event,
            client_id=client,
            user_id=eve,
            verdict=FeedbackVerdict.USEFUL,
        )
    )
    test = desk.open()
    for section in SECTION_NAMES:
        test.query_params["section"], test.query_params["person"] = section, str(eve)
        assert "hidden" not in text(clean(test.run())).lower(), section


# Business


def test_the_business_is_renamed(desk: Desk) -> None:
    test = desk.open("business")
    field(test.text_input, "Name").input("Meridian")
    field(test.number_input, "Silent days").set_value(5)
    press(test, "Save")
    [business] = rows(desk.tenant, Business, id=desk.tenant.business_id)
    assert (business.name, business.silent_days) == ("Meridian", 5)


def test_a_name_that_cannot_be_one_is_said_to_be_none(desk: Desk) -> None:
    test = desk.open("business")
    field(test.text_input, "Name").input("   ")
    assert "needs a name" in text(press(test, "Save"))
    assert rows(desk.tenant, Business, id=desk.tenant.business_id)[0].name == "Test"


def test_sending_is_stopped_with_a_reason_and_resumed(desk: Desk) -> None:
    test = desk.open("business")
    field(test.text_input, "Why?").input("new [look](http://x)")
    test = press(test, "Stop sending")
    held = current_hold(desk.tenant.scope)
    assert held is not None
    assert held.reason == "new [look](http://x)"
    assert "(http://x)" not in test.warning[0].value, "shown as text, not as a link"
    press(test, "Resume sending")
    assert current_hold(desk.tenant.scope) is None


def test_tracking_is_turned_on_only_where_it_can_work(desk: Desk) -> None:
    test = desk.open("business")
    assert field(test.toggle, "Count opens").disabled
    assert "https" in text(test)
    desk.patch.setenv("CM_PUBLIC_URL", "https://monitor.example.com")
    get_settings.cache_clear()
    test = desk.open("business")
    clean(field(test.toggle, "Count opens").set_value(True).run())
    assert rows(desk.tenant, Business, id=desk.tenant.business_id)[0].tracking_enabled


def test_the_first_steps_are_shown_again(desk: Desk) -> None:
    from services.first_steps import is_new, want_first_steps

    want_first_steps(desk.viewer.scope, False)
    press(desk.open("business"), "Show the first steps again")
    assert is_new(desk.viewer.scope)


# People


def test_people_are_listed_with_what_admins_need(desk: Desk) -> None:
    acme = desk.tenant.add_client("Acme")
    desk.tenant.add_user("tom@example.com", clients=(acme,), user={"state": UserState.INVITED})
    said = text(desk.open("people"))
    assert "tom@example.com" in said
    assert "1 client · daily mail · UTC" in said
    assert "2 people" in said


def test_somebody_is_invited_and_mailed(desk: Desk) -> None:
    test = desk.open("people")
    field(test.text_input, "E-mail address").input("Zoe@example.com")
    field(test.selectbox, "Role").select(Role.VIEWER)
    press(test, "Send the invitation")
    [zoe] = rows(desk.tenant, User, email="zoe@example.com")
    assert (zoe.state, zoe.role) == (UserState.INVITED, Role.VIEWER)
    assert [mail.recipient for mail in rows(desk.tenant, Delivery)] == ["zoe@example.com"]


def test_an_invitation_that_is_none_says_why(desk: Desk) -> None:
    test = desk.open("people")
    field(test.text_input, "E-mail address").input("no address")
    assert "is no e-mail address" in text(press(test, "Send the invitation"))
    assert len(rows(desk.tenant, User)) == 1


def test_a_role_is_changed_and_the_last_owner_kept(desk: Desk) -> None:
    tom = desk.tenant.add_user("tom@example.com")
    test = desk.open("people", person=str(tom))
    field(test.selectbox, "Role").select(Role.ADMIN)
    press(test, "Change role")
    assert rows(desk.tenant, User, email="tom@example.com")[0].role is Role.ADMIN
    own = desk.open("people", person=str(desk.viewer.user_id))
    field(own.selectbox, "Role").select(Role.VIEWER)
    assert "is the only owner" in text(press(own, "Change role"))
    assert rows(desk.tenant, User, email="ada@example.com")[0].role is Role.OWNER
    assert not [b for b in own.button if b.label.startswith("Deactivate")], "nobody puts themselves out"


def test_who_leaves_hands_their_clients_over(desk: Desk) -> None:
    acme, bolt = desk.tenant.add_client("Acme"), desk.tenant.add_client("Bolt")
    tom = desk.tenant.add_user("tom@example.com", clients=(acme, bolt))
    zoe = desk.tenant.add_user("zoe@example.com", clients=(bolt,))
    test = desk.open("people", person=str(tom))
    heirs = field(test.selectbox, "Give their 2 clients to")
    heirs.select_index(next(n for n, label in enumerate(heirs.options) if "zoe" in label))
    test = press(test, "Deactivate Tom")
    assert rows(desk.tenant, User, email="tom@example.com")[0].state is UserState.DEACTIVATED
    open_now = {
        (row.client_id, row.user_id) for row in rows(desk.tenant, ClientAssignment) if not row.ended_at
    }
    assert open_now == {(acme, zoe), (bolt, zoe)}
    assert "Gets no mail" in text(test)
    press(test, "Let back in")
    assert rows(desk.tenant, User, email="tom@example.com")[0].state is UserState.INVITED


def test_an_admin_cannot_touch_an_owner(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    token, _ = signed_in(desk.tenant, Role.ADMIN)
    owner = str(desk.viewer.user_id)
    test = clean(open_page(monkeypatch, token, page, section="people", person=owner).run())
    assert "Only an owner" in text(test)
    assert not test.selectbox


def test_people_come_in_by_file(desk: Desk) -> None:
    test = desk.open("people")
    upload = field(test.get("file_uploader"), "CSV file")
    upload.set_value(("people.csv", b"email,role\nnew@example.com,viewer\nbad,viewer\n", "text/csv"))
    said = text(press(clean(test.run()), "Import"))
    assert "1 added" in said
    assert "people.csv row 3" in said
    assert rows(desk.tenant, User, email="new@example.com")[0].role is Role.VIEWER


# Outside services


def test_a_service_is_switched_on_only_with_consent(desk: Desk) -> None:
    test = desk.open("providers")
    assert "Google LLC (USA) receives" in text(test)
    test = desk.open("providers", provider="source/google_news")
    assert "What leaves the house" in text(test)
    test = press(test, "Switch on")
    assert "Say that you agree first" in text(test)
    assert not rows(desk.tenant, ProviderConfig)
    field(test.checkbox, "I agree that Google News").check()
    press(test, "Switch on")
    [config] = rows(desk.tenant, ProviderConfig)
    assert (config.name, config.is_enabled) == ("google_news", True)
    test = press(desk.open("providers", provider="source/google_news"), "Switch off")
    assert not rows(desk.tenant, ProviderConfig)[0].is_enabled


def test_a_key_is_taken_and_never_shown(desk: Desk) -> None:
    key = "an-own-key-of-ours-123"
    test = desk.open("providers", provider="source/newsapi")
    field(test.text_input, "API key").input(key)
    field(test.checkbox, "I agree").check()
    test = press(test, "Switch on")
    [config] = rows(desk.tenant, ProviderConfig)
    assert config.is_enabled
    assert key.encode() not in config.secret
    again = desk.open("providers", provider="source/newsapi")
    for shown in (test, again):
        assert key not in str(shown.main)
        assert field(shown.text_input, "API key").value == ""
        assert field(shown.text_input, "API key").placeholder == "kept, sealed today"
    field(again.text_input, "Requests a day").input("9")
    press(again, "Save")
    [config] = rows(desk.tenant, ProviderConfig)
    assert config.options == {"calls_per_day": 9}
    assert config.secret is not None, "an empty field leaves the key"
    field(again.checkbox, "Also forget").check()
    press(again, "Switch off")
    assert rows(desk.tenant, ProviderConfig)[0].secret is None


def test_what_is_wrong_with_an_option_is_said_and_nothing_stored(desk: Desk) -> None:
    test = desk.open("providers", provider="source/google_news")
    field(test.text_input, "Requests a day").input("many")
    field(test.checkbox, "I agree").check()
    assert "whole number" in text(press(test, "Switch on"))
    assert not rows(desk.tenant, ProviderConfig)


def test_a_test_says_how_it_went(desk: Desk) -> None:
    enable(desk.tenant.scope, "google_news")
    desk.patch.setattr("ui.views.settings.provider.try_provider", lambda *_a, **_k: "Google News: answered")
    test = press(desk.open("providers", provider="source/google_news"), "Test it now")
    assert "answered" in text(test)


def test_another_model_takes_the_place_of_the_one_that_was_on(desk: Desk) -> None:
    desk.patch.setenv("CM_OPENAI_API_KEY", "sk-of-the-house-000")
    desk.patch.setenv("CM_ANTHROPIC_API_KEY", "sk-ant-of-the-house-000")
    get_settings.cache_clear()
    enable(desk.tenant.scope, "openai", kind=ProviderKind.CLASSIFIER)
    test = desk.open("providers", provider="classifier/anthropic")
    field(test.checkbox, "I agree").check()
    press(test, "Switch on")
    on = {config.name: config.is_enabled for config in rows(desk.tenant, ProviderConfig)}
    assert on == {"openai": False, "anthropic": True}


# Budgets


def test_limits_are_shown_with_where_they_come_from_and_lowered(desk: Desk) -> None:
    desk.patch.setenv("CM_OPENAI_API_KEY", "sk-of-the-house-000")
    desk.patch.setenv("CM_AI_USD_PER_DAY", "1")
    get_settings.cache_clear()
    enable(desk.tenant.scope, "openai", kind=ProviderKind.CLASSIFIER)
    desk.tenant.add(
        AiSpend(
            business_id=desk.tenant.business_id,
            provider="openai",
            model="m",
            cost_usd=0.25,
            created_at=utc_now(),
        )
    )
    test = desk.open("budgets")
    assert "0.25 US dollars for 1 call" in text(test)
    day = field(test.text_input, "US dollars a day")
    assert (day.value, day.placeholder) == ("", "1")
    day.input("0.5")
    press(test, "Save limits")
    [config] = rows(desk.tenant, ProviderConfig)
    assert config.options == {"usd_per_day": 0.5}
    again = desk.open("budgets")
    assert field(again.metric, "US dollars today").value == "0.50 USD"


# Appearance


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (120, 40), "#0a5394").save(out, "PNG")
    return out.getvalue()


def frame(test: AppTest) -> str:
    return str(test.get("iframe")[0].proto)


def test_the_preview_follows_before_anything_is_stored(desk: Desk) -> None:
    test = desk.open("appearance")
    field(test.text_input, "Before every subject").input("[Ours]")
    field(test.text_area, "Above the news").input("Good <b>morning</b>.")
    test = clean(test.run())
    assert "[Ours] 3 clients" in text(test)
    assert "Good &amp;lt;b&amp;gt;morning" in frame(test), "words, never markup"
    assert look_of(desk.tenant.scope).subject_prefix == ""
    press(test, "Save")
    look = look_of(desk.tenant.scope)
    assert (look.subject_prefix, look.intro) == ("[Ours]", "Good <b>morning</b>.")
    press(desk.open("appearance"), "Reset")
    assert look_of(desk.tenant.scope).subject_prefix == ""


def test_a_colour_too_light_for_links_is_refused_in_words(desk: Desk) -> None:
    test = desk.open("appearance")
    field(test.color_picker, "Colour").set_value("#ffff00")
    test = clean(test.run())
    assert "too light" in text(test)
    assert "too light" in text(press(test, "Save"))
    assert rows(desk.tenant, Business, id=desk.tenant.business_id)[0].appearance == {}


def test_the_frame_is_sandboxed_and_leads_nowhere(desk: Desk) -> None:
    shown = frame(desk.open("appearance"))
    assert 'sandbox=\\"\\"' in shown or 'sandbox=""' in shown
    assert "default-src" in shown
    assert "href=" not in shown


def test_a_logo_is_put_up_and_taken_down(desk: Desk) -> None:
    test = desk.open("appearance")
    upload = field(test.get("file_uploader"), "Put a logo")
    upload.set_value(("logo.png", picture(), "image/png"))
    test = clean(test.run())
    assert logo_of(desk.tenant.scope) is not None
    press(test, "Remove the logo")
    assert logo_of(desk.tenant.scope) is None
    test = desk.open("appearance")
    field(test.get("file_uploader"), "Put a logo").set_value(("logo.png", b"no picture", "image/png"))
    assert "no picture" in text(clean(test.run()))


# Stopped addresses


def test_an_address_is_allowed_again_for_a_reason(desk: Desk) -> None:
    scope = desk.tenant.scope
    with writing(scope) as session:
        suppress(scope, session, "tom@example.com", SuppressionReason.HARD_BOUNCE, detail="550 gone", now=NOW)
    test = desk.open("suppressions")
    assert "tom@example.com** · all mail" in text(test)
    assert "550 gone" in text(test)
    assert "for a reason" in text(press(test, "Allow again"))
    field(test.text_input, "Why may it").input("the mailbox was mended")
    test = press(test, "Allow again")
    assert "No address is stopped" in text(test)
    assert rows(desk.tenant, AuditLog)[-1].details["because"] == "the mailbox was mended"
    clean(field(test.toggle, "Also those").set_value(True).run())
    assert "tom@example.com" in text(test)


# Own patterns


def test_a_phrase_is_tried_then_added_then_removed(desk: Desk) -> None:
    acme = desk.tenant.add_client("Acme")
    add_event(desk.tenant, acme, "Acme commissions a kiln", at=utc_now())
    test = desk.open("patterns")
    field(test.text_input, "Phrase").input("commissions ~2 kiln")
    field(test.selectbox, "Speaks for").select("expansion")
    field(test.selectbox, "How strongly").select(6.0)
    test = press(test, "Try it")
    assert "Of 1 event" in text(test)
    assert not rows(desk.tenant, CategoryPattern), "trying stores nothing"
    test = press(test, "Add it")
    [stored] = rows(desk.tenant, CategoryPattern)
    assert (stored.phrase, stored.weight) == ("commissions ~2 kiln", 6.0)
    press(test, "Remove")
    assert rows(desk.tenant, CategoryPattern)[0].removed_at is not None


def test_a_phrase_that_cannot_be_read_is_explained(desk: Desk) -> None:
    test = desk.open("patterns")
    field(test.text_input, "Phrase").input("~")
    test = press(test, "Try it")
    assert test.error
    assert not [button for button in test.button if button.label == "Add it"]


# Feedback


def test_a_verdict_is_taken_back(desk: Desk) -> None:
    acme = desk.tenant.add_client("Acme")
    event = add_event(desk.tenant, acme, "Acme *wins*")
    desk.tenant.add(
        Feedback(
            business_id=desk.tenant.business_id,
            event_id=event,
            client_id=acme,
            user_id=desk.viewer.user_id,
            verdict=FeedbackVerdict.USEFUL,
        )
    )
    test = desk.open("feedback")
    assert "Acme *wins*" in text(test)
    assert "ada@example.com" in text(test)
    test = press(test, "Take back")
    assert rows(desk.tenant, Feedback)[0].undone_at is not None
    assert "Nobody said anything yet" in text(test)


# Kept data and the audit log


def test_what_would_go_is_counted_on_a_click(desk: Desk) -> None:
    test = desk.open("retention")
    assert "CM_KEEP_RAW_DAYS" in text(test)
    assert "Would go tonight" not in text(test)
    assert "Would go tonight" in text(press(test, "Count what would go tonight"))


def test_the_audit_log_is_read_page_by_page(desk: Desk) -> None:
    for n in range(60):
        desk.tenant.add(
            AuditLog(
                business_id=desk.tenant.business_id,
                actor_id=desk.viewer.user_id,
                action="client.created",
                details={"name": f"Client <{n}>"},
            )
        )
    test = desk.open("audit")
    assert "Added the client Client <59>" in text(test)
    assert "Client <3>" not in text(test)
    test = press(test, "Older")
    assert "Client <3>" in text(test)
    assert (
        "Client <59>" not in text(press(test, "Older"))
        if [b for b in test.button if b.label == "Older"]
        else True
    )
    test = press(test, "Newest")
    field(test.selectbox, "Person").select("machinery")
    assert "Nothing here" in text(clean(test.run()))


def test_a_place_in_the_log_that_is_none_is_no_crash(desk: Desk) -> None:
    assert "no place in the list" in text(desk.open("audit", after="x"))


def held(viewer: Viewer) -> None:
    """Sending may be held from elsewhere while the page is open."""
    hold(viewer.scope, "elsewhere")


def test_what_changed_meanwhile_is_no_crash(desk: Desk) -> None:
    test = desk.open("business")
    held(desk.viewer)
    field(test.text_input, "Why?").input("me too")
    assert "elsewhere" in text(press(test, "Stop sending"))
