"""Today: cards and what can be done on them, filters in the address, verdicts that are shown before they are given."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from apptest import open_page, signed_in
from conftest import Tenant
from desk import change, rows
from hypothesis import given
from hypothesis import strategies as st
from newsroom import add_event, plan_for
from streamlit.testing.v1 import AppTest

from models.accounts import ClientPreference
from models.base import new_id, utc_now
from models.events import Category
from models.feedback import Feedback, FeedbackVerdict
from models.mail import SkipReason
from models.marks import EventMark
from models.news import Article
from models.scope import Role
from services.errors import UserError
from services.feed import Filters, Order, feed
from services.feed.shown import How, Standing
from services.signin import Viewer
from tasks.filter.stage import filter_batch
from ui.parts.cards import standing_words
from ui.parts.verdicts import ask_verdict
from ui.views.today import page
from ui.views.today.address import filters_of, params_of
from ui.views.today.bar import said


def ago(**past: float) -> Any:
    return utc_now() - timedelta(**past)


class Desk:
    """The page as a manager of one client sees it."""

    def __init__(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, role: Role = Role.MANAGER, **person: Any
    ) -> None:
        self.tenant, self.patch = tenant, monkeypatch
        self.client = tenant.add_client("Acme & Sons")
        self.token, self.viewer = signed_in(tenant, clients=(self.client,), **person)

    def news(self, title: str = "Acme wins", **fields: Any) -> UUID:
        fields.setdefault("at", ago(hours=1))
        return add_event(self.tenant, self.client, title, **fields)

    def open(self, **query: str) -> AppTest:
        test = open_page(self.patch, self.token, page, **query).run()
        assert not test.exception
        return test


@pytest.fixture
def desk(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tenant, monkeypatch)


def text(test: AppTest) -> str:
    """Everything that is written on the page, as Markdown."""
    kinds = ("title", "header", "markdown", "caption", "info", "warning", "error")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(test, kind))


def press(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click().run()
    assert not test.exception
    return test


def key(event: UUID, what: str) -> str:
    return f"today-{event.hex}-{what}"


# The page


def test_a_card_says_what_happened_and_why_and_escapes_what_the_world_wrote(desk: Desk) -> None:
    desk.news(
        "*Acme* [wins](https://evil.example) $5",
        summary="It won.",
        reason="names Acme",
        evidence="<b>wins</b>",
        category=Category.AWARD,
        relevance=0.86,
    )
    written = text(desk.open())
    assert r"\*Acme\* \[wins\]" in written
    assert "](https://evil" not in written
    assert "<b>" not in written.replace(r"\<b", "")
    for said_so in ("It won", "Award", "relevance 0.86", "The Example", "New"):
        assert said_so in written, said_so


def test_a_headline_whose_address_is_unsafe_is_no_link(desk: Desk) -> None:
    desk.news("Acme wins")
    assert "](<https://news.example/acme-wins>)" in text(desk.open())
    change(desk.tenant, Article, url="javascript:alert(1)")
    test = desk.open()
    assert "javascript" not in text(test)
    assert not test.get("link_button")


def test_days_are_headings_and_the_counts_are_on_top(desk: Desk) -> None:
    desk.news("now", at=utc_now(), relevance=0.9)
    desk.news("old", at=ago(days=9), relevance=0.9)
    test = desk.open()
    assert test.header[0].value == "Today"
    assert len(test.header) == 2
    assert {one.label: one.value for one in test.metric} == {
        "New since yesterday": "1",
        "Unread": "2",
        "High relevance": "1",
    }


def test_a_long_list_goes_on_by_a_button(desk: Desk) -> None:
    for n in range(25):
        desk.news(f"Story number {n}", at=ago(days=1).replace(hour=12, minute=n))
    test = desk.open()
    assert text(test).count("Story number") == 20
    [older] = [one for one in test.button if one.label == "Older"]
    older.click().run()
    assert text(test).count("Story number") == 5
    [back] = [one for one in test.button if one.label == "Back to the top"]
    back.click().run()
    assert "after" not in test.query_params
    assert text(test).count("Story number") == 20


def test_an_address_cut_off_shows_the_list_all_the_same(desk: Desk) -> None:
    desk.news("Acme wins")
    assert "Acme wins" in text(desk.open(after="17961330_zz"))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({}, "No news yet"),
        ({"find": "nothing like it"}, "Nothing fits these filters"),
        ({"unread": "1"}, "All read"),
        ({"order": "relevant"}, "Nothing in the last 30 days"),
    ],
)
def test_nothing_says_why_and_what_to_do(desk: Desk, query: Mapping[str, str], says: str) -> None:
    assert says in text(desk.open(**query))


def test_without_clients_one_is_told_how_to_get_some(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = tenant.add_client("Acme")
    add_event(tenant, acme, "Of nobody's", at=ago(hours=1))
    token, _ = signed_in(tenant, Role.VIEWER)
    assert "No client is yours yet" in text(open_page(monkeypatch, token, page).run())
    token, _ = signed_in(tenant, Role.ADMIN)
    test = open_page(monkeypatch, token, page).run()
    assert "No client is yours" in text(test)
    [show] = [one for one in test.button if one.label == "Show all clients"]
    show.click().run()
    assert "Of nobody" in text(test)


def test_a_manager_who_asks_for_everybodys_clients_is_refused_and_led_back(desk: Desk) -> None:
    desk.news("Acme wins")
    test = desk.open(all="1")
    assert "You may not do this" in text(test)
    [back] = [one for one in test.button if one.label == "Show my clients"]
    back.click().run()
    assert "Acme wins" in text(test)


def test_with_email_off_the_page_says_that_news_is_brought_here(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tenant, monkeypatch, email_notifications_enabled=False)
    desk.news(relevance=0.9)
    filter_batch(plan_for(tenant, deliver=True, as_of=utc_now()), 10)
    written = text(desk.open())
    assert "Your e-mail is off: your news is brought to you here (1 new item)" in written
    assert "Brought to you here" in written


# Marks


def test_read_star_and_back(desk: Desk) -> None:
    event = desk.news()
    test = desk.open()
    press(test, key(event, "read"))
    assert {one.label: one.value for one in test.metric}["Unread"] == "0"
    assert test.button(key=key(event, "read")).label == "Mark unread"
    press(test, key(event, "star"))
    assert "Starred" in text(test)
    press(test, key(event, "star"))
    assert "Starred" not in text(test)
    press(test, key(event, "read"))
    [mark] = rows(desk.tenant, EventMark)
    assert (mark.read_at, mark.starred_at) == (None, None)


def test_all_read_and_undone(desk: Desk) -> None:
    for n in range(3):
        desk.news(f"Story {n}")
    test = desk.open()
    [button] = [one for one in test.button if one.label == "Mark all read"]
    button.click().run()
    assert "3 items marked as read" in text(test)
    assert not [one for one in test.button if one.label == "Mark all read"]
    press(test, "today-undo-read-all")
    assert {one.label: one.value for one in test.metric}["Unread"] == "3"


def test_a_note_is_kept_and_an_error_loses_no_word_of_it(desk: Desk) -> None:
    event = desk.news()
    test = desk.open()
    test.session_state[key(event, "noting")] = True
    test.run()
    test.text_area(key=key(event, "note")).input("Call *Anna*")
    keep = next(one for one in test.button if one.label == "Keep the note")
    keep.click().run()
    assert rows(desk.tenant, EventMark)[0].note == "Call *Anna*"
    assert r"Call \*Anna\*" in text(test)

    test.session_state[key(event, "noting")] = True
    test.run()
    test.text_area(key=key(event, "note")).input("Something long and new")

    def gone(*_: object, **__: object) -> None:
        raise UserError("this item is not kept any more", "reload the page")

    desk.patch.setattr("services.marks.set_note", gone)
    next(one for one in test.button if one.label == "Keep the note").click().run()
    assert "this item is not kept any more" in text(test)
    assert test.text_area(key=key(event, "note")).value == "Something long and new"


# Verdicts


def test_useful_is_noted_and_undone(desk: Desk) -> None:
    event = desk.news()
    test = desk.open()
    press(test, key(event, "useful"))
    [given_] = rows(desk.tenant, Feedback)
    assert given_.verdict == "useful"
    assert "You said **useful**" in text(test)
    press(test, key(event, f"undo-{given_.id}"))
    assert rows(desk.tenant, Feedback)[0].undone_at is not None
    assert "You said" not in text(test)


def this_is_another_company(viewer: Viewer) -> None:
    """The first card's question, over the page."""
    for item in feed(viewer.scope, user_id=viewer.user_id).items[:1]:
        ask_verdict(viewer, item, FeedbackVerdict.WRONG_COMPANY)


def this_is_not_relevant(viewer: Viewer) -> None:
    """The first card's question, over the page."""
    for item in feed(viewer.scope, user_id=viewer.user_id).items[:1]:
        ask_verdict(viewer, item, FeedbackVerdict.NOT_RELEVANT)


def test_a_verdict_says_what_it_does_before_it_does_it(desk: Desk) -> None:
    event = desk.news("Acme <i>sued</i>", category=Category.LITIGATION)
    desk.news("Acme sued before", category=Category.LITIGATION, at=ago(days=5))
    test = open_page(desk.patch, desk.token, this_is_not_relevant).run()
    assert "no more litigation news of Acme" in text(test)
    assert "kept away 1 more, of 1 item" in text(test)
    assert "Acme sued before" in text(test)
    assert rows(desk.tenant, Feedback) == []
    test.text_input(key=f"say-{event}").input("we know").run()
    test.button(key=f"give-{event}").click().run()
    [given_] = rows(desk.tenant, Feedback)
    assert (given_.verdict, given_.note, given_.user_id) == ("not_relevant", "we know", desk.viewer.user_id)


def test_another_company_takes_the_card_away_and_can_be_undone_below(desk: Desk) -> None:
    event = desk.news("Acme sued")
    test = open_page(desk.patch, desk.token, this_is_another_company).run()
    test.text_input(key=f"phrase-{event}").input("words that are not in it").run()
    assert test.error
    test.text_input(key=f"phrase-{event}").input("").run()
    test.button(key=f"give-{event}").click().run()
    after = desk.open()
    assert "](<https://news.example/acme-sued>)" not in text(after)
    assert "**Wrong company**" in text(after)
    [given_] = rows(desk.tenant, Feedback)
    press(after, f"today-undo-{given_.id}")
    assert rows(desk.tenant, Feedback)[0].undone_at is not None
    assert "**Wrong company**" not in text(after)


def test_a_viewer_may_not_teach_what_is_about_a_client(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = tenant.add_client()
    add_event(tenant, acme, at=ago(hours=1))
    token, _ = signed_in(tenant, Role.VIEWER, clients=(acme,))
    test = open_page(monkeypatch, token, this_is_another_company).run()
    assert "You may not do this" in text(test)
    assert not [one for one in test.button if one.label == "Yes, do this"]


def test_a_muted_client_is_said_to_be_muted(desk: Desk) -> None:
    desk.news()
    assert "is muted" not in text(desk.open())
    desk.tenant.add(
        ClientPreference(
            business_id=desk.tenant.business_id,
            user_id=desk.viewer.user_id,
            client_id=desk.client,
            muted=True,
        )
    )
    assert "is muted: nothing of it is mailed to you" in text(desk.open())


# The address

FILTERS = st.builds(
    Filters,
    clients=st.lists(st.builds(new_id), max_size=3, unique=True).map(tuple),
    categories=st.lists(st.sampled_from(Category), max_size=3, unique=True).map(tuple),
    since=st.none() | st.dates(),
    until=st.none() | st.dates(),
    min_relevance=st.floats(0, 1).map(lambda found: round(found, 2)),
    words=st.text(max_size=200).map(str.strip),
    unread=st.booleans(),
    starred=st.booleans(),
    everyone=st.booleans(),
    order=st.sampled_from(Order),
)


@given(FILTERS)
def test_filters_survive_the_address(filters: Filters) -> None:
    assert filters_of(params_of(filters)) == filters


@given(
    st.dictionaries(
        st.sampled_from(["client", "kind", "since", "score", "find", "all", "order", "x"]),
        st.lists(st.text()),
    )
)
def test_any_address_is_some_view(params: dict[str, list[str]]) -> None:
    assert filters_of(params_of(filters_of(params))) == filters_of(params)


def test_what_is_as_usual_is_not_in_the_address() -> None:
    assert params_of(Filters()) == {}
    assert params_of(Filters(unread=True, min_relevance=0.5)) == {"unread": ["1"], "score": ["0.5"]}


def test_the_widgets_follow_the_address_and_change_it(desk: Desk) -> None:
    desk.news("Acme wins", category=Category.AWARD, relevance=0.9)
    desk.news("Acme is sued", category=Category.LITIGATION, relevance=0.4)
    test = desk.open(kind="litigation", after="nowhere")
    assert ("Acme is sued" in text(test), "Acme wins" in text(test)) == (True, False)
    assert "Showing litigation news" in text(test)
    assert test.multiselect(key="today-filter-categories").value == [Category.LITIGATION]
    test.multiselect(key="today-filter-categories").set_value([]).run()
    assert "kind" not in test.query_params
    test.text_input(key="today-filter-words").input("WINS").run()
    assert test.query_params["find"] == "WINS"
    assert ("Acme is sued" in text(test), "Acme wins" in text(test)) == (False, True)
    [clear] = [one for one in test.button if one.label == "Clear filters"]
    clear.click().run()
    assert test.text_input(key="today-filter-words").value == ""
    test.slider(key="today-filter-score").set_value(0.5).run()
    assert "Acme is sued" not in text(test)


def test_the_filters_as_a_sentence() -> None:
    client = new_id()
    filters = Filters(
        clients=(client,),
        categories=(Category.AWARD, Category.FUNDING),
        since=date(2026, 3, 1),
        min_relevance=0.5,
        words="a*b",
        unread=True,
    )
    assert said(filters, {client: "Acme"}) == (
        r"unread award or funding news of Acme from 2026-03-01 of relevance 0.50 or more with “a\*b”"
    )


# Words


@pytest.mark.parametrize("how", list(How))
def test_every_standing_has_its_sentence(how: How) -> None:
    words = standing_words(Standing(how=how, mail="daily", at=utc_now(), sentence="it *is* so"), "UTC")
    assert words.endswith(".")
    assert "*is*" not in words.replace(r"\*", "")


def test_why_it_is_not_mailed_is_said_in_the_ledgers_words(desk: Desk) -> None:
    desk.news(relevance=0.2)
    filter_batch(plan_for(desk.tenant, deliver=True, as_of=utc_now()), 10)
    assert "Not mailed" in text(desk.open())
    standing = Standing(how=How.NOT_MAILED, reason=SkipReason.STALE, sentence="it is 9 days old")
    assert standing_words(standing, "UTC") == "Not mailed. It is 9 days old."


# Why


def test_why_didnt_i_get_it_is_answered_by_the_words_of_the_headline(desk: Desk) -> None:
    desk.news("Acme opens a plant", relevance=0.2)
    filter_batch(plan_for(desk.tenant, deliver=True, as_of=utc_now()), 10)
    test = desk.open(why="opens a plant")
    assert "Acme opens a plant" in text(test)
    assert test.text_input(key="today-why-words").value == "opens a plant"
    written = text(desk.open(why="something that never came"))
    assert "No such article has reached us" in written
