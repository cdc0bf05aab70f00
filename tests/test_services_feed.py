"""The feed: whose news it is, in which order and parts, narrowed how, and what became of each item for its reader."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, change, rows
from hypothesis import given
from hypothesis import strategies as st
from newsroom import add_event, add_many_events, mails, plan_for
from sqlalchemy import event as listening

from models.accounts import Business, ClientPreference, Frequency
from models.base import new_id
from models.clients import Client
from models.crm import CrmSnapshot
from models.engine import get_engine
from models.events import Category, Decision, Event, Insight, Stage
from models.feed import Place
from models.feedback import FeedbackVerdict
from models.mail import Channel, Delivery, DeliveryState, Notification, NotificationState, SkipReason
from models.marks import EventMark
from models.news import Article
from models.scope import Role, Scope
from services.errors import UserError
from services.feed import (
    FeedPage,
    Filters,
    Order,
    ShownEvent,
    feed,
    feed_of_client,
    shown_event,
    today,
)
from services.feed.filters import place_of, place_text, words_of
from services.feed.shown import How
from services.feedback import give
from tasks.filter.stage import filter_batch
from tasks.notify.planning import plan_digests, plan_instant

_HOUR = timedelta(hours=1)


def reader(tenant: Tenant, *clients: UUID, role: Role = Role.MANAGER, **person: Any) -> Scope:
    email = person.pop("email", f"{role.value}@example.com")
    fields = {"role": role} | person.pop("user", {})
    user_id = tenant.add_user(email, clients=clients, user=fields, **person)
    return Scope(tenant.business_id, user_id, role)


def read(
    scope: Scope, *, now: datetime = NOW, after: str | None = None, limit: int = 20, **filters: Any
) -> FeedPage:
    assert scope.user_id is not None
    return feed(scope, user_id=scope.user_id, filters=Filters(**filters), after=after, limit=limit, now=now)


def titles(page: FeedPage) -> list[str]:
    return [item.title for item in page.items]


def only(page: FeedPage) -> ShownEvent:
    [item] = page.items
    return item


# Whose news


def test_a_reader_sees_the_news_of_their_own_clients_alone(tenant: Tenant) -> None:
    mine, other, gone = tenant.add_client("Mine"), tenant.add_client("Other"), tenant.add_client("Gone")
    scope = reader(tenant, mine, gone)
    add_event(tenant, mine, "Of mine")
    add_event(tenant, other, "Of another")
    add_event(tenant, gone, "Of an archived one")
    add_event(tenant, mine, "Not about it after all", withdrawn_at=NOW)
    change(tenant, Client, Client.id == gone, archived_at=NOW)
    assert titles(read(scope)) == ["Of mine"]


def test_who_stands_in_sees_the_absent_colleagues_news_for_that_time(tenant: Tenant) -> None:
    hers = tenant.add_client("Hers")
    scope = reader(tenant)
    tenant.add_user(
        "ada@example.com",
        clients=(hers,),
        user={
            "name": "Ada",
            "absent_from": date(2026, 3, 9),
            "absent_until": date(2026, 3, 12),
            "cover_user_id": scope.user_id,
        },
    )
    add_event(tenant, hers, "Of hers")
    item = only(read(scope))
    assert (item.title, item.stands_in_for) == ("Of hers", "Ada")
    assert titles(read(scope, now=NOW + timedelta(days=4))) == []


def test_everybodys_clients_are_for_admins_and_for_who_follows_all(tenant: Tenant) -> None:
    acme = tenant.add_client()
    add_event(tenant, acme, "Of nobody's")
    manager, admin = reader(tenant), reader(tenant, role=Role.ADMIN)
    follower = reader(tenant, role=Role.VIEWER, assigned_clients_only=False)
    with pytest.raises(PermissionError, match="manager"):
        read(manager, everyone=True)
    assert titles(read(admin)) == []
    assert titles(read(admin, everyone=True)) == ["Of nobody's"]
    assert titles(read(follower)) == titles(read(follower, everyone=True)) == ["Of nobody's"]


def test_a_feed_with_its_notes_is_its_readers_own(tenant: Tenant) -> None:
    acme = tenant.add_client()
    manager, admin = reader(tenant, acme), reader(tenant, role=Role.OWNER)
    assert manager.user_id is not None
    with pytest.raises(PermissionError, match="own"):
        feed(admin, user_id=manager.user_id, now=NOW)
    with pytest.raises(PermissionError, match="own"):
        feed_of_client(admin, acme, user_id=manager.user_id, now=NOW)
    with pytest.raises(UserError, match="no such person"):
        feed(tenant.scope, user_id=new_id(), now=NOW)


def test_another_tenants_news_is_nowhere(tenant: Tenant) -> None:
    other = another_tenant()
    theirs = other.add_client("Theirs")
    event = add_event(other, theirs, "Theirs alone")
    scope = reader(tenant, role=Role.OWNER, assigned_clients_only=False)
    assert scope.user_id is not None
    assert titles(read(scope, everyone=True, clients=(theirs,))) == []
    assert feed_of_client(scope, theirs, user_id=scope.user_id, now=NOW).items == ()
    assert shown_event(scope, event, user_id=scope.user_id, now=NOW) is None
    stranger = Scope(other.business_id, scope.user_id, Role.OWNER)
    with pytest.raises(UserError, match="no such person"):
        read(stranger)


# Order and parts


def many(tenant: Tenant, client: UUID, count: int) -> None:
    """Events over several days, some of the same moment and some of the same relevance."""
    add_many_events(tenant, [client], count)
    ids = sorted(event.id for event in _all(tenant))
    for n, event_id in enumerate(ids):
        at = NOW - (n // 3) * timedelta(hours=5)
        change(tenant, Event, Event.id == event_id, happened_at=at, relevance=(n * 7 % 5) / 5)


def _all(tenant: Tenant) -> list[Event]:
    return rows(tenant, Event)


def walk(scope: Scope, *, limit: int, **filters: Any) -> list[FeedPage]:
    pages = [read(scope, limit=limit, **filters)]
    while pages[-1].next is not None:
        pages.append(read(scope, limit=limit, after=pages[-1].next, **filters))
    return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20, 100])
@pytest.mark.parametrize("order", list(Order))
def test_the_parts_make_the_whole_each_event_once(tenant: Tenant, order: Order, limit: int) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    many(tenant, acme, 40)
    pages = walk(scope, limit=limit, order=order)
    shown = [item.event_id for page in pages for item in page.items]
    assert sorted(shown) == sorted(event.id for event in _all(tenant))
    assert all(1 <= len(page.items) <= limit for page in pages)


def test_newest_first_and_each_day_by_relevance_in_the_readers_zone(tenant: Tenant) -> None:
    acme = tenant.add_client()
    # 23:30 in London on the 9th is the 10th in Helsinki already.
    scope = reader(tenant, acme, user={"timezone": "Europe/Helsinki"})
    night = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)
    for title, at, relevance in (
        ("late and minor", NOW - _HOUR, 0.2),
        ("night and major", night, 0.9),
        ("day before", night - 3 * _HOUR, 0.99),
    ):
        add_event(tenant, acme, title, at=at, relevance=relevance)
    assert titles(read(scope)) == ["night and major", "late and minor", "day before"]


def test_a_part_ends_with_a_day_where_that_leaves_at_least_half_of_it(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    for n in range(3):
        add_event(tenant, acme, f"today {n}", at=NOW - _HOUR * (n + 1), relevance=0.5)
    for n in range(4):
        add_event(tenant, acme, f"yesterday {n}", at=NOW - timedelta(days=1, hours=n), relevance=0.5 + n / 10)
    whole = read(scope, limit=5)
    assert titles(whole) == ["today 0", "today 1", "today 2"]
    rest = read(scope, limit=5, after=whole.next)
    assert titles(rest) == ["yesterday 3", "yesterday 2", "yesterday 1", "yesterday 0"]
    # Of seven, three would be less than half: the part goes on into the day.
    assert len(read(scope, limit=7).items) == 7
    assert len(read(scope, limit=6).items) == 3


def test_by_relevance_the_last_thirty_days_unless_a_time_is_asked_for(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    add_event(tenant, acme, "old and big", at=NOW - timedelta(days=40), relevance=0.99)
    add_event(tenant, acme, "small", relevance=0.3)
    add_event(tenant, acme, "big", at=NOW - timedelta(days=20), relevance=0.9)
    assert titles(read(scope, order=Order.RELEVANT)) == ["big", "small"]
    asked = read(scope, order=Order.RELEVANT, since=date(2026, 1, 1))
    assert titles(asked) == ["old and big", "big", "small"]


@given(
    relevance=st.floats(0, 1),
    happened_at=st.datetimes(
        timezones=st.just(UTC), min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)
    ),
    order=st.sampled_from(Order),
)
def test_a_place_survives_an_address(relevance: float, happened_at: datetime, order: Order) -> None:
    place = Place(relevance if order is Order.RELEVANT else 0.0, happened_at, new_id())
    assert place_of(place_text(place, order), order) == place


@pytest.mark.parametrize("after", ["x", "1_2_3", "1_zz", "9" * 40 + "_" + "0" * 32, ""])
def test_an_address_that_leads_nowhere_is_refused(tenant: Tenant, after: str) -> None:
    scope = reader(tenant)
    if after:
        with pytest.raises(UserError, match="no place in the list"):
            read(scope, after=after)
    else:
        assert read(scope, after=after).items == ()


@pytest.mark.parametrize("limit", [0, 101])
def test_a_part_is_of_one_to_a_hundred(tenant: Tenant, limit: int) -> None:
    with pytest.raises(UserError, match="no number of events"):
        read(reader(tenant), limit=limit)


# Narrowed


def test_each_filter_narrows_and_together_they_narrow_more(tenant: Tenant) -> None:
    acme, bolt = tenant.add_client("Acme"), tenant.add_client("Bolt")
    scope = reader(tenant, acme, bolt)
    add_event(tenant, acme, "Acme raises money", category=Category.FUNDING, relevance=0.9)
    add_event(tenant, acme, "Acme is sued", category=Category.LITIGATION, relevance=0.6)
    add_event(tenant, bolt, "Bolt is sued", category=Category.LITIGATION, relevance=0.4)
    add_event(tenant, bolt, "Bolt won", category=Category.AWARD, at=NOW - timedelta(days=3), relevance=0.8)
    assert {*titles(read(scope, clients=(bolt,)))} == {"Bolt is sued", "Bolt won"}
    assert {*titles(read(scope, categories=(Category.LITIGATION,)))} == {"Acme is sued", "Bolt is sued"}
    assert {*titles(read(scope, min_relevance=0.6))} == {"Acme raises money", "Acme is sued", "Bolt won"}
    assert titles(read(scope, until=date(2026, 3, 9))) == ["Bolt won"]
    assert "Bolt won" not in titles(read(scope, since=date(2026, 3, 8)))
    assert titles(read(scope, since=date(2026, 3, 7), until=date(2026, 3, 7))) == ["Bolt won"]
    assert titles(read(scope, clients=(acme,), categories=(Category.LITIGATION,), min_relevance=0.5)) == [
        "Acme is sued"
    ]


def test_text_is_found_in_title_and_summary_in_any_case_and_means_itself(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    add_event(tenant, acme, "Ørsted sells 50% of a unit", summary="The chief executive steps down.")
    add_event(tenant, acme, "500 jobs go", summary="A step up, and later down.")
    for words, found in (
        ("øRSTED", ["Ørsted sells 50% of a unit"]),
        ("STEPS sells", ["Ørsted sells 50% of a unit"]),
        ('"steps down"', ["Ørsted sells 50% of a unit"]),
        ("50%", ["Ørsted sells 50% of a unit"]),
        ("_0", []),
        ("unit jobs", []),
    ):
        assert titles(read(scope, words=words)) == found, words
    assert {*titles(read(scope, words="down step"))} == {"Ørsted sells 50% of a unit", "500 jobs go"}


def test_words_and_phrases() -> None:
    assert words_of('a "b c" “d e”  f ""') == ("a", "b c", "d e", "f")
    assert len(words_of(" ".join("abcdefghijkl"))) == 8


def test_unread_and_starred_are_the_readers_own(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    other = reader(tenant, acme, role=Role.VIEWER)
    read_one, starred, old = (
        add_event(tenant, acme, "read"),
        add_event(tenant, acme, "starred"),
        add_event(tenant, acme, "old", at=NOW - timedelta(days=31)),
    )
    assert old
    for event_id, field in ((read_one, "read_at"), (starred, "starred_at")):
        tenant.add(
            EventMark(
                business_id=tenant.business_id, user_id=scope.user_id, event_id=event_id, **{field: NOW}
            )
        )
    assert titles(read(scope, unread=True)) == ["starred"]
    assert titles(read(scope, starred=True)) == ["starred"]
    assert {*titles(read(other, unread=True))} == {"read", "starred"}
    assert titles(read(other, starred=True)) == []
    new = {item.title: item.is_new for item in read(scope).items}
    assert new == {"read": False, "starred": True, "old": False}


def test_the_counts_are_of_the_readers_clients_and_days(tenant: Tenant) -> None:
    acme, other = tenant.add_client("Acme"), tenant.add_client("Other")
    scope = reader(tenant, acme, user={"timezone": "Europe/Berlin"})
    assert scope.user_id is not None
    yesterday = datetime(2026, 3, 8, 23, 30, tzinfo=UTC)  # half past midnight of the 9th in Berlin
    add_event(tenant, acme, "new, major", at=yesterday, relevance=0.7)
    add_event(tenant, acme, "older", at=yesterday - _HOUR, relevance=0.8)
    add_event(tenant, acme, "much older", at=NOW - timedelta(days=8), relevance=0.9)
    add_event(tenant, acme, "too old to count", at=NOW - timedelta(days=31), relevance=0.9)
    add_event(tenant, other, "not mine", relevance=0.9)
    found = today(scope, user_id=scope.user_id, filters=Filters(words="nothing at all"), now=NOW)
    assert (found.counts.new, found.counts.important, found.counts.unread) == (1, 2, 3)
    assert found.page.items == ()
    assert found.clients == {acme: "Acme"}
    assert not found.may_see_everyone


# What is shown


def test_a_card_has_everything_that_is_known(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    scope = reader(tenant, acme)
    event_id = add_event(
        tenant, acme, "Acme sued", outlets=3, revision=2, what_changed="new figure: 40 million", risk="high"
    )
    [event] = [one for one in _all(tenant) if one.id == event_id]
    for source in ("Wire", "Times"):
        tenant.add(
            Article(
                business_id=tenant.business_id,
                identity=new_id().hex,
                title="Acme sued",
                source=source,
                publisher=source.lower(),
                first_seen_at=NOW,
                story_id=event.story_id,
            )
        )
    tenant.add(
        Insight(
            business_id=tenant.business_id,
            event_id=event_id,
            meaning="It ties people up.",
            actions=["Call the contact.", "Wait."],
            engine="openai",
        )
    )
    tenant.add(
        Decision(
            business_id=tenant.business_id,
            stage=Stage.CLASSIFY,
            verdict="litigation",
            reason_code="ai",
            engine="openai",
            event_id=event_id,
        )
    )
    tenant.add(
        CrmSnapshot(
            business_id=tenant.business_id,
            client_id=acme,
            provider="hubspot",
            open_pipeline=1200,
            currency="EUR",
            owner_name="Kim",
            taken_at=NOW,
        )
    )
    item = only(read(scope))
    assert item.outlets == 3
    assert item.outlet_names == ("The Example", "Wire", "Times")
    assert (item.meaning, item.next_step) == ("It ties people up.", "Call the contact.")
    assert item.judged_by == item.advised_by == "AI, openai"
    assert item.crm_line == "Growth tier · open pipeline 1,200 EUR · owner Kim"
    assert (item.what_changed, item.risk, item.client) == ("new figure: 40 million", "high", "Acme")


def test_an_invented_crm_and_an_unsafe_address_reach_no_card(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    add_event(tenant, acme, "Acme wins")
    change(tenant, Article, url="javascript:alert(1)")
    tenant.add(
        CrmSnapshot(
            business_id=tenant.business_id, client_id=acme, provider="mock", owner_name="Nobody", taken_at=NOW
        )
    )
    item = only(read(scope))
    assert item.url is None
    assert item.crm_line == "Growth tier"
    change(tenant, Article, url="https://news.example/a b")
    assert only(read(scope)).url is None
    change(tenant, Article, url="https://news.example/(a)>b")
    assert only(read(scope)).url == "https://news.example/(a)%3Eb"


def test_a_story_of_two_of_ones_clients_stands_once_and_names_both(tenant: Tenant) -> None:
    acme, bolt, other = tenant.add_client("Acme"), tenant.add_client("Bolt"), tenant.add_client("Other")
    scope = reader(tenant, acme, bolt)
    first = add_event(tenant, acme, "Acme buys Bolt", relevance=0.9)
    [story] = [event.story_id for event in _all(tenant)]
    second = add_event(tenant, bolt, "Acme buys Bolt", story_id=story, relevance=0.7)
    add_event(tenant, other, "Acme buys Bolt", story_id=story, relevance=0.8)
    item = only(read(scope))
    assert (item.event_id, item.client) == (first, "Acme")
    assert [(one.client, one.event_id) for one in item.others] == [("Bolt", second)]
    assert item.event_ids == (first, second)
    # Asked for one client it is that client's, and still says whom else it concerns.
    alone = only(read(scope, clients=(bolt,)))
    assert (alone.client, [one.client for one in alone.others]) == ("Bolt", ["Acme"])


def test_what_the_reader_said_and_muted_is_on_the_card_for_them_alone(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    scope, other = reader(tenant, acme), reader(tenant, acme, role=Role.VIEWER)
    event_id = add_event(tenant, acme)
    give(scope, str(event_id), FeedbackVerdict.NOT_RELEVANT, now=NOW)
    tenant.add(
        ClientPreference(business_id=tenant.business_id, user_id=scope.user_id, client_id=acme, muted=True)
    )
    item = only(read(scope))
    assert [one.verdict for one in item.said] == [FeedbackVerdict.NOT_RELEVANT]
    assert item.client_muted
    theirs = only(read(other))
    assert (theirs.said, theirs.client_muted) == ((), False)
    assert scope.user_id is not None
    [said] = today(scope, user_id=scope.user_id, filters=Filters(), now=NOW).said
    assert (said.client, said.title, said.verdict) == ("Acme", "Acme wins", FeedbackVerdict.NOT_RELEVANT)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found.append(statement)

    engine = get_engine()
    listening.listen(engine, "before_cursor_execute", note)
    yield found
    listening.remove(engine, "before_cursor_execute", note)


def test_a_part_takes_as_many_queries_however_long_it_is(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    add_many_events(tenant, [acme], 60)
    filter_batch(plan_for(tenant, deliver=True), 100)
    with counted() as few:
        assert len(read(scope, limit=2).items) == 2
    with counted() as more:
        assert len(read(scope, limit=50).items) == 50
    assert len(more) == len(few) < 30


# What became of it


def standing_of(tenant: Tenant, scope: Scope, **kwargs: Any) -> Any:
    return only(read(scope, **kwargs)).standing


def test_from_undecided_to_mailed(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme, digest_time=time(8, 0), user={"timezone": "Europe/Berlin"})
    add_event(tenant, acme, relevance=0.8)
    assert standing_of(tenant, scope).how is How.UNDECIDED
    filter_batch(plan_for(tenant, deliver=True), 10)
    waiting = standing_of(tenant, scope)
    due = datetime(2026, 3, 11, 7, 0, tzinfo=UTC)
    assert (waiting.how, waiting.mail, waiting.at) == (How.WAITS, "daily", due)
    plan_digests(tenant.scope, due)
    assert standing_of(tenant, scope).how is How.ON_ITS_WAY
    [mail] = mails(tenant)
    change(tenant, Delivery, Delivery.id == mail.id, state=DeliveryState.SENT, sent_at=due)
    change(tenant, Notification, state=NotificationState.DELIVERED)
    mailed = standing_of(tenant, scope)
    assert (mailed.how, mailed.mail, mailed.at, mailed.delivery_id) == (How.MAILED, "daily", due, mail.id)
    assert not mailed.is_dry


def test_instant_waits_and_then_says_so(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme, frequency=Frequency.INSTANT)
    add_event(tenant, acme, relevance=0.8)
    filter_batch(plan_for(tenant, deliver=True), 10)
    waiting = standing_of(tenant, scope)
    assert (waiting.how, waiting.mail) == (How.WAITS, "instant")
    plan_instant(tenant.scope, NOW)
    assert standing_of(tenant, scope).mail == "instant"


def test_what_is_not_mailed_says_why(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    add_event(tenant, acme, relevance=0.2)
    filter_batch(plan_for(tenant, deliver=True), 10)
    kept_back = standing_of(tenant, scope)
    assert (kept_back.how, kept_back.reason) == (How.NOT_MAILED, SkipReason.BELOW_THRESHOLD)
    assert "0.20 is below your threshold of 0.50" in kept_back.sentence


def test_over_the_limit_names_the_mail_that_left_it_out(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme, max_items_per_client=1)
    add_event(tenant, acme, "first", relevance=0.9)
    add_event(tenant, acme, "second", relevance=0.8)
    filter_batch(plan_for(tenant, deliver=True), 10)
    plan_digests(tenant.scope, NOW + timedelta(days=1))
    second = read(scope).items[1].standing
    assert (second.how, second.reason) == (How.NOT_MAILED, SkipReason.OVER_LIMIT)
    assert second.delivery_id == mails(tenant)[0].id


def test_with_email_off_it_is_here_and_counted_as_new(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme, email_notifications_enabled=False)
    assert scope.user_id is not None
    event_id = add_event(tenant, acme, relevance=0.8)
    add_event(tenant, acme, "below", relevance=0.1)
    filter_batch(plan_for(tenant, deliver=True), 10)
    found = today(scope, user_id=scope.user_id, filters=Filters(), now=NOW)
    assert found.page.items[0].standing.how is How.IN_APP
    assert found.email_is_off
    assert found.counts.in_app == 1
    tenant.add(
        EventMark(business_id=tenant.business_id, user_id=scope.user_id, event_id=event_id, read_at=NOW)
    )
    assert today(scope, user_id=scope.user_id, filters=Filters(), now=NOW).counts.in_app == 0


def test_a_dry_run_is_told_from_mail_and_never_hides_it(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    event_id = add_event(tenant, acme, relevance=0.8)
    line = {
        "business_id": tenant.business_id,
        "event_id": event_id,
        "user_id": scope.user_id,
        "client_id": acme,
        "state": NotificationState.DELIVERED,
    }
    tenant.add(Notification(**line, channel=Channel.FILE))
    assert standing_of(tenant, scope).is_dry
    tenant.add(Notification(**line, channel=Channel.EMAIL))
    assert not standing_of(tenant, scope).is_dry


def test_what_was_sorted_for_others_alone_says_so(tenant: Tenant) -> None:
    acme = tenant.add_client()
    add_event(tenant, acme, relevance=0.8)
    filter_batch(plan_for(tenant, deliver=True), 10)
    scope = reader(tenant, acme)
    assert standing_of(tenant, scope).how is How.NOT_YOURS


# One client, one event


def test_a_clients_page_has_its_events_folded_with_nothing(tenant: Tenant) -> None:
    acme, bolt = tenant.add_client("Acme"), tenant.add_client("Bolt")
    scope = reader(tenant, role=Role.VIEWER)
    assert scope.user_id is not None
    add_event(tenant, acme, "Acme buys Bolt")
    [story] = [event.story_id for event in _all(tenant)]
    add_event(tenant, bolt, "Acme buys Bolt", story_id=story)
    add_event(tenant, acme, "Acme, long ago", at=NOW - timedelta(days=100))
    change(tenant, Client, Client.id == acme, archived_at=NOW)
    first = feed_of_client(scope, acme, user_id=scope.user_id, limit=1, now=NOW)
    assert titles(first) == ["Acme buys Bolt"]
    rest = feed_of_client(scope, acme, user_id=scope.user_id, limit=1, after=first.next, now=NOW)
    assert (titles(rest), rest.next) == (["Acme, long ago"], None)
    since = NOW - timedelta(days=90)
    assert titles(feed_of_client(scope, acme, user_id=scope.user_id, since=since, now=NOW)) == [
        "Acme buys Bolt"
    ]


def test_one_event_can_be_read_alone(tenant: Tenant) -> None:
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    assert scope.user_id is not None
    event_id = add_event(tenant, acme)
    shown = shown_event(scope, event_id, user_id=scope.user_id, now=NOW)
    assert shown is not None
    assert shown.title == "Acme wins"
    assert shown_event(scope, new_id(), user_id=scope.user_id, now=NOW) is None


def test_a_demo_shows_its_invented_crm(tenant: Tenant) -> None:
    change(tenant, Business, Business.id == tenant.business_id, is_demo=True)
    acme = tenant.add_client()
    scope = reader(tenant, acme)
    add_event(tenant, acme)
    tenant.add(
        CrmSnapshot(
            business_id=tenant.business_id, client_id=acme, provider="mock", owner_name="Kim", taken_at=NOW
        )
    )
    assert "owner Kim" in only(read(scope)).crm_line
