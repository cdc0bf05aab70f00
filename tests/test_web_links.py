"""Links in mails: stopping and resuming mail, verdicts and mutes, always by a POST and in the reader's own name."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, change, counts, rows
from newsroom import add_event, notes, plan_for
from postbox import ORIGIN, Door, add_mail, links_of
from sqlmodel import SQLModel

from models.accounts import ClientPreference, User, UserPreference, UserState
from models.audit import AuditLog
from models.base import new_id, utc_now
from models.events import Event
from models.feedback import CategoryMute, Feedback
from models.mail import (
    Channel,
    Delivery,
    DeliveryKind,
    EmailEvent,
    NotificationState,
    SkipReason,
    Suppression,
)
from models.scope import Role
from models.settings import get_settings
from models.tokens import LIFETIME, Purpose
from services import subscriptions, suppression
from tasks.filter.stage import filter_batch
from tasks.notify.links import Links
from tasks.notify.stage import digest_batch
from tasks.notify.transports.file import FileTransport

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
CHANGING = (AuditLog, Suppression, Feedback, CategoryMute, ClientPreference, EmailEvent)


def words(answer: Any) -> str:
    """What a page says, without its markup."""
    body = re.sub(r"<style>.*?</style>", "", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


class Desk:
    """A reader with a client, an item of theirs, and the mail it came in."""

    def __init__(self, tenant: Tenant, **user: Any) -> None:
        self.tenant = tenant
        self.client = tenant.add_client("Acme")
        self.maria = tenant.add_user(clients=(self.client,), user=user or None)
        self.event = add_event(tenant, self.client, "Acme raises money", at=utc_now() - timedelta(hours=3))
        self.mail = add_mail(tenant, self.maria)
        self.links = links_of(self.mail)
        self.door = Door.open()

    def active(self) -> list[tuple[str, str, str]]:
        found = rows(self.tenant, Suppression)
        return [(row.recipient, row.topic, row.reason) for row in found if row.lifted_at is None]


@pytest.fixture
def desk(tenant: Tenant) -> Desk:
    return Desk(tenant)


def acting(links: Links, event: UUID, client: UUID) -> list[str]:
    about = [links.useful(event), links.not_relevant(event), links.wrong_company(event), links.mute(client)]
    return [links.unsubscribe, links.preferences, *about]


def test_no_get_and_no_head_changes_anything(desk: Desk) -> None:
    before = counts(desk.tenant, *CHANGING)
    for link in acting(desk.links, desk.event, desk.client):
        shown = desk.door.get(link)
        assert (shown.status_code, "<button" in shown.text) == (200, True)
        assert "m…@example.com" in shown.text
        assert "maria@" not in shown.text
        head = desk.door.head(link)
        assert (head.status_code, head.content) == (200, b"")
    assert counts(desk.tenant, *CHANGING) == before


def test_one_click_stops_that_kind_of_mail_once(desk: Desk) -> None:
    for _ in range(2):
        answer = desk.door.post(desk.links.unsubscribe, **ONE_CLICK)
        assert (answer.status_code, "location" in answer.headers) == (200, False)
    assert desk.active() == [("maria@example.com", "digest", "unsubscribed")]
    [line] = rows(desk.tenant, AuditLog)
    assert (line.action, line.actor_id) == ("suppression.added", desk.maria)
    assert "No more digests" in words(answer)


def test_every_link_of_a_mail_that_went_out_is_answered(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_PUBLIC_URL", ORIGIN)
    get_settings.cache_clear()
    client = tenant.add_client("Acme")
    tenant.add_user(clients=(client,))
    add_event(tenant, client, "Acme raises money")
    filter_batch(plan_for(tenant), 10)
    digest_batch(tenant.business_id, NOW, transport=FileTransport(get_settings()))
    [path] = get_settings().outbox_dir.glob("*.eml")
    mail = message_from_bytes(path.read_bytes(), policy=default)
    door = Door.open(get_settings())
    page = mail.get_body(("html",))
    assert page is not None
    found = set(re.findall(rf'href="({ORIGIN}/web/[^"]+)"', page.get_content()))
    assert len(found) >= 5
    assert {door.get(link).status_code for link in found} == {200}
    one_click = mail["List-Unsubscribe"].strip("<>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "No more digests" in words(door.post(one_click, **ONE_CLICK))


def test_the_links_of_a_dry_run_say_that_they_do_nothing(desk: Desk) -> None:
    dry = links_of(add_mail(desk.tenant, desk.maria, channel=Channel.FILE))
    assert "This mail was never sent" in words(desk.door.get(dry.unsubscribe))
    assert desk.door.post(dry.unsubscribe, **ONE_CLICK).status_code == 405
    assert desk.active() == []


def test_a_form_of_many_parts_is_one_click_too(desk: Desk) -> None:
    answer = desk.door.client.post(
        desk.links.unsubscribe.removeprefix("https://monitor.example"),
        files={"List-Unsubscribe": (None, "One-Click")},
    )
    assert answer.status_code == 200
    assert len(desk.active()) == 1


def test_stopping_everything_and_undoing_it(desk: Desk) -> None:
    stopped = desk.door.post(desk.links.unsubscribe, do="stop-all")
    assert "m…@example.com gets no more news mail" in words(stopped)
    assert {topic for _, topic, _ in desk.active()} == {"digest", "event_notification"}
    undone = desk.door.post(desk.links.unsubscribe, do="resume")
    assert "Stop digests?" in words(undone)
    assert desk.active() == []
    assert [line.action for line in rows(desk.tenant, AuditLog)] == ["suppression.added"] * 2 + [
        "suppression.lifted"
    ] * 2


def test_a_link_undoes_nothing_but_what_links_did(desk: Desk) -> None:
    desk.tenant.add(
        Suppression(business_id=desk.tenant.business_id, recipient="maria@example.com", reason="complaint")
    )
    desk.door.post(desk.links.unsubscribe, do="resume")
    desk.door.post(desk.links.preferences, do="resume:digest")
    assert desk.active() == [("maria@example.com", "all", "complaint")]
    assert "reported as spam" in words(desk.door.get(desk.links.preferences))


def test_preferences_stop_and_resume_each_kind(desk: Desk) -> None:
    page = desk.door.post(desk.links.preferences, do="stop:event_notification")
    assert desk.active() == [("maria@example.com", "event_notification", "unsubscribed")]
    assert "Stopped Resume" in words(page)
    desk.door.post(desk.links.preferences, do="resume:event_notification")
    for nonsense in ("stop:system", "stop:", "consent:perhaps", "x" * 500):
        assert desk.door.post(desk.links.preferences, do=nonsense).status_code == 200
    assert desk.active() == []


def test_consent_is_asked_only_where_something_is_tracked(desk: Desk) -> None:
    assert "Opens and clicks" not in words(desk.door.get(desk.links.preferences))
    from services.engagement import set_tracking

    set_tracking(desk.tenant.scope, True)
    assert "Not kept: only totals are counted" in words(desk.door.get(desk.links.preferences))
    assert "as you agreed" in words(desk.door.post(desk.links.preferences, do="consent:yes"))
    [wants] = rows(desk.tenant, UserPreference, user_id=desk.maria)
    assert wants.tracking_consent_at == desk.door.clock.now()
    desk.door.post(desk.links.preferences, do="consent:no")
    [wants] = rows(desk.tenant, UserPreference, user_id=desk.maria)
    assert wants.tracking_consent_at is None


def test_what_is_stopped_is_not_decided_for_mail_and_the_ledger_says_why(desk: Desk) -> None:
    desk.door.post(desk.links.unsubscribe, **ONE_CLICK)
    filter_batch(plan_for(desk.tenant, as_of=utc_now()), 10)
    [line] = notes(desk.tenant)
    assert (line.state, line.reason) == (NotificationState.SKIPPED, SkipReason.SUPPRESSED)


def test_not_relevant_mutes_its_like_and_is_undone(desk: Desk) -> None:
    add_event(desk.tenant, desk.client, "Acme closes its round", at=utc_now() - timedelta(days=2))
    link = desk.links.not_relevant(desk.event)
    asked = words(desk.door.get(link))
    assert "No more funding news of Acme for you." in asked
    assert "it would have kept away 1 of the client's 1 other item." in asked
    assert "closes its round" not in asked  # a mail may be forwarded
    for _ in range(2):
        assert "Noted: not relevant" in words(desk.door.post(link, do="say"))
    [said] = rows(desk.tenant, Feedback)
    assert (said.user_id, said.undone_at) == (desk.maria, None)
    assert len(rows(desk.tenant, CategoryMute)) == 1
    for _ in range(2):
        assert "Not relevant to you?" in words(desk.door.post(link, do="undo"))
    [said] = rows(desk.tenant, Feedback)
    assert said.undone_at is not None


def test_the_third_not_relevant_hints_at_a_threshold(desk: Desk) -> None:
    at = utc_now() - timedelta(days=2)
    for number in range(2):
        other = add_event(desk.tenant, desk.client, f"Acme {number}", at=at, relevance=0.55)
        page = words(desk.door.post(desk.links.not_relevant(other), do="say"))
        assert "threshold" not in page
    change(desk.tenant, Event, Event.id == desk.event, relevance=0.52)
    page = words(desk.door.post(desk.links.not_relevant(desk.event), do="say"))
    assert "A threshold of 0.60 instead of 0.50 would have kept away all 3 called not relevant lately" in page
    assert "You can set it in your preferences." in page


def test_wrong_company_withdraws_the_event_for_those_who_may_say_so(desk: Desk) -> None:
    desk.door.post(desk.links.wrong_company(desk.event), do="say")
    [event] = rows(desk.tenant, Event)
    assert event.withdrawn_at is not None


def test_a_viewer_may_not_say_wrong_company_and_is_told(tenant: Tenant) -> None:
    desk = Desk(tenant, name="Maria", role=Role.VIEWER)
    for answer in (
        desk.door.get(desk.links.wrong_company(desk.event)),
        desk.door.post(desk.links.wrong_company(desk.event), do="say"),
    ):
        assert answer.status_code == 403
        assert "A viewer may not teach what is about a client." in words(answer)
    assert rows(tenant, Feedback) == []
    assert desk.door.post(desk.links.useful(desk.event), do="say").status_code == 200


def test_a_muted_client_takes_back_what_waits_and_unmuted_gives_it_back(desk: Desk) -> None:
    filter_batch(plan_for(desk.tenant, as_of=utc_now()), 10)
    link = desk.links.mute(desk.client)
    assert "Acme is muted" in words(desk.door.post(link, do="mute"))
    assert "Acme is muted" in words(desk.door.post(link, do="mute"))
    [line] = notes(desk.tenant)
    assert (line.state, line.reason) == (NotificationState.SKIPPED, SkipReason.CLIENT_MUTED)
    assert "Mute Acme? " in words(desk.door.post(link, do="unmute"))
    [line] = notes(desk.tenant)
    assert (line.state, line.reason) == (NotificationState.WAITING, None)
    actions = [entry.action for entry in rows(desk.tenant, AuditLog)]
    assert actions == ["client.muted", "client.unmuted"]


def test_links_that_do_not_hold_all_look_the_same(desk: Desk) -> None:
    sound = acting(desk.links, desk.event, desk.client)
    forged = [f"{link[:-4]}AAAA" for link in sound]
    swapped = [desk.links.unsubscribe.replace("/unsubscribe/", "/preferences/")]
    elsewhere = [links_of(desk.mail.model_copy(update={"id": new_id()})).unsubscribe]
    unknown_item = [desk.links.mute(new_id()), desk.links.useful(new_id())]
    nowhere = ["https://monitor.example/web/", "https://monitor.example/web/feedback/x/y"]
    answers = [
        ask
        for link in (*forged, *swapped, *elsewhere, *unknown_item, *nowhere)
        for ask in (desk.door.get(link), desk.door.post(link, do="stop"))
    ]
    desk.door.clock.at += LIFETIME[Purpose.UNSUBSCRIBE] + timedelta(days=1)
    answers += [desk.door.get(link) for link in sound]
    assert {answer.status_code for answer in answers} <= {404, 405}
    assert len({answer.text for answer in answers if answer.status_code == 404}) == 1
    assert "Nothing was changed" in answers[0].text
    assert counts(desk.tenant, *CHANGING) == dict.fromkeys(counts(desk.tenant, *CHANGING), 0)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (Delivery, {"recipient": "erased@invalid.example"}),
        (User, {"state": UserState.DEACTIVATED}),
        (User, {"email": "maria.lopez@example.com"}),
    ],
)
def test_who_left_or_was_erased_has_no_links_any_more(
    desk: Desk, table: type[SQLModel], values: dict[str, Any]
) -> None:
    change(desk.tenant, table, **values)
    assert desk.door.get(desk.links.preferences).status_code == 404
    assert desk.door.post(desk.links.unsubscribe, **ONE_CLICK).status_code == 404
    assert desk.active() == []


def test_a_mail_to_nobodys_account_can_be_stopped_but_says_nothing_of_items(tenant: Tenant) -> None:
    desk = Desk(tenant)
    alert = add_mail(tenant, None, "ops@example.com", kind=DeliveryKind.ALERT)
    links = links_of(alert)
    desk.door.post(links.unsubscribe, **ONE_CLICK)
    assert desk.active() == [("ops@example.com", "alert", "unsubscribed")]
    assert desk.door.post(links.useful(desk.event), do="say").status_code == 403
    assert desk.door.post(links.mute(desk.client), do="mute").status_code == 403


def test_an_item_of_another_tenant_is_nobodys(tenant: Tenant) -> None:
    desk, other = Desk(tenant), another_tenant()
    theirs = other.add_client("Theirs")
    event = add_event(other, theirs, "Theirs wins")
    assert desk.door.post(desk.links.useful(event), do="say").status_code == 404
    assert desk.door.post(desk.links.mute(theirs), do="mute").status_code == 404
    assert rows(other, Feedback) == []


def test_hostile_words_stay_words(tenant: Tenant) -> None:
    desk = Desk(tenant)
    change(tenant, Event, title='<script>alert(1)</script>"><img src=x>\u202egnp')
    page = desk.door.get(desk.links.useful(desk.event))
    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert "\u202e" not in page.text
    assert '<script>alert(1)</script>"><img src=x>gnp' in words(page).replace("> <", "><")


def test_suppressions_of_links_are_lifted_by_admins_too(desk: Desk) -> None:
    desk.door.post(desk.links.unsubscribe, **ONE_CLICK)
    [lifted] = suppression.lift(desk.tenant.scope, "maria@example.com", "she asked for it by phone")
    assert lifted.topic == "digest"
    assert subscriptions.standing(desk.tenant.scope, "maria@example.com").stopped == frozenset()
