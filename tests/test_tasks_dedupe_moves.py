"""Stories that turn out to be one: before anybody was told they merge, afterwards they only point at each other."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import Cut, add_raw, change, classify, cut_before_commit, dedupe, rows, take_lease, tellings
from newsroom import notes, plan_for
from sqlmodel import col

from models.engine import writing
from models.events import Decision, Event, Stage
from models.links import judge_again
from models.mail import Notification, NotificationState
from models.news import Article, ArticleClient, LinkState, RawItem, Story
from tasks.dedupe.stage import dedupe_batch, leave
from tasks.filter.stage import filter_batch

# Two tellings that share little, and one that joins them; invented.
PRICE = ("Nordwind Energy buys Fabrikam for $6.5 billion", "Cash changes hands in May.")
MAKER = (
    "Analytics maker finds an owner: Nordwind Energy",
    "The software house from Porto has 900 staff and is sold by its founders.",
)
BOTH = (
    "Nordwind Energy buys Porto analytics maker Fabrikam, which has 900 staff, for $6.5 billion",
    "Its founders sell the software house for cash that changes hands in May.",
)
ONE = {frozenset({PRICE[0], MAKER[0], BOTH[0]})}
TWO = {frozenset({PRICE[0]}), frozenset({MAKER[0]})}


@pytest.fixture
def reader(tenant: Tenant) -> UUID:
    client = tenant.add_client("Nordwind Energy", baseline_at=NOW - timedelta(days=9))
    return tenant.add_user(clients=(client,), relevance_threshold=0.0)


def tell(tenant: Tenant, telling: tuple[str, str]) -> None:
    title, snippet = telling
    address = f"https://{len(title)}.example/{title[:9].lower().replace(' ', '-')}"
    add_raw(
        tenant,
        title,
        snippet=snippet,
        source=f"Outlet {len(title)}",
        url=address,
        at=NOW - timedelta(hours=3),
    )


def run(tenant: Tenant, *items: tuple[str, str]) -> Any:
    """Stages up to the filter, as a run does them; returns dedupe's report."""
    for item in items:
        tell(tenant, item)
    plan = plan_for(tenant)
    report = dedupe(plan)
    classify(plan)
    filter_batch(plan, 100)
    return report


def mail(tenant: Tenant, title: str, state: NotificationState = NotificationState.DELIVERED) -> None:
    """The reader got the event whose article has this title."""
    [article] = rows(tenant, Article, title=title)
    [event] = rows(tenant, Event, story_id=article.story_id)
    change(tenant, Notification, col(Notification.event_id) == event.id, state=state)


def consistent(tenant: Tenant) -> bool:
    """Every matched link has the event of its article's story, every event links, every story its count."""
    articles = {a.id: a for a in rows(tenant, Article)}
    events = {e.id: e for e in rows(tenant, Event)}
    links = rows(tenant, ArticleClient, state=LinkState.MATCHED)
    stories = {s.id: s for s in rows(tenant, Story)}
    return (
        all(events[link.event_id].story_id == articles[link.article_id].story_id for link in links)
        and {link.event_id for link in links} == events.keys()
        and {e.story_id for e in events.values()} <= stories.keys()
        and all(
            s.article_count == sum(a.story_id == s.id for a in articles.values()) for s in stories.values()
        )
        and {note.event_id for note in notes(tenant)} <= events.keys()
    )


def test_two_stories_that_nobody_was_told_of_become_one(tenant: Tenant, reader: UUID) -> None:
    run(tenant, PRICE)
    run(tenant, MAKER)
    assert tellings(tenant) == TWO
    assert len(notes(tenant, state=NotificationState.WAITING)) == 2

    report = run(tenant, BOTH)

    assert tellings(tenant) == ONE
    assert (report.counts["moved"], report.counts["stories"]) == (1, -1)
    assert len(rows(tenant, Event)) == 1
    assert len(notes(tenant, state=NotificationState.WAITING)) == 1
    assert consistent(tenant)


@pytest.mark.parametrize("order", list(permutations((PRICE, MAKER, BOTH))))
def test_stories_do_not_depend_on_the_order_of_runs(tenant: Tenant, reader: UUID, order: Any) -> None:
    for item in order:
        run(tenant, item)
    assert tellings(tenant) == ONE
    assert consistent(tenant)


def test_a_move_is_in_the_decision_log_beside_the_first_verdict(tenant: Tenant, reader: UUID) -> None:
    for item in (PRICE, MAKER, BOTH):
        run(tenant, item)
    articles = {a.title: a for a in rows(tenant, Article)}
    log = rows(tenant, Decision, stage=Stage.DEDUPE, article_id=articles[MAKER[0]].id)
    assert [d.verdict for d in log] == ["founded", "moved"]
    assert log[1].evidence in {str(a.id) for a in articles.values()}
    assert log[1].parts["story_id"] == str(articles[MAKER[0]].story_id)


@pytest.mark.parametrize(
    "state", [NotificationState.ATTACHED, NotificationState.DELIVERED, NotificationState.UNKNOWN]
)
@pytest.mark.parametrize("anew", [False, True])
def test_what_was_mailed_stays_where_it_is(
    tenant: Tenant, reader: UUID, state: NotificationState, anew: bool
) -> None:
    run(tenant, PRICE)
    run(tenant, MAKER)
    mail(tenant, PRICE[0], state)
    mail(tenant, MAKER[0], state)
    before = {a.title: a.story_id for a in rows(tenant, Article)}
    if anew:
        leave(plan_for(tenant))

    run(tenant, BOTH)

    after = {a.title: a.story_id for a in rows(tenant, Article)}
    assert {title: after[title] for title in before} == before
    one, two = rows(tenant, Story)
    assert (one.related_story_id, two.related_story_id) == (two.id, one.id)
    assert len(rows(tenant, Event)) == 2
    assert consistent(tenant)


def test_an_unmailed_story_joins_the_mailed_one(tenant: Tenant, reader: UUID) -> None:
    run(tenant, PRICE)
    run(tenant, MAKER)
    mail(tenant, MAKER[0])
    mailed = {a.title: a.story_id for a in rows(tenant, Article)}[MAKER[0]]

    run(tenant, BOTH)

    assert {a.story_id for a in rows(tenant, Article)} == {mailed}
    assert len(rows(tenant, Event)) == 1
    assert NotificationState.DELIVERED in {n.state for n in notes(tenant)}
    assert consistent(tenant)


def test_a_story_mailed_while_it_was_being_moved_stays(tenant: Tenant, reader: UUID) -> None:
    """The index of a running process does not know of the mail; the transaction finds it, and the batch goes again."""
    held = take_lease(tenant)
    for item in (PRICE, MAKER):
        tell(tenant, item)
        dedupe_batch(plan_for(tenant), held)
    classify(plan_for(tenant))
    filter_batch(plan_for(tenant), 100)
    mail(tenant, PRICE[0])
    mail(tenant, MAKER[0])
    tell(tenant, BOTH)
    assert dedupe_batch(plan_for(tenant), held).done == 1
    classify(plan_for(tenant))
    assert len(tellings(tenant)) == 2
    assert consistent(tenant)


def test_a_move_cut_short_leaves_nothing_and_goes_again(tenant: Tenant, reader: UUID) -> None:
    run(tenant, PRICE)
    run(tenant, MAKER)
    events = {e.id for e in rows(tenant, Event)}
    tell(tenant, BOTH)
    plan, held = plan_for(tenant), take_lease(tenant)
    with pytest.raises(Cut), cut_before_commit():
        dedupe_batch(plan, held)
    assert tellings(tenant) == TWO
    assert {e.id for e in rows(tenant, Event)} == events
    assert consistent(tenant)

    dedupe_batch(plan, held)
    classify(plan)
    filter_batch(plan, 100)

    assert tellings(tenant) == ONE
    assert consistent(tenant)


def test_links_that_feedback_put_back_into_the_backlog_do_not_hold_their_event(
    tenant: Tenant, reader: UUID
) -> None:
    run(tenant, PRICE)
    run(tenant, MAKER)
    links = [link.id for link in rows(tenant, ArticleClient)]
    with writing(tenant.scope) as session:
        assert judge_again(tenant.scope, session, links) == 2
    assert {(link.state, link.event_id is None) for link in rows(tenant, ArticleClient)} == {
        (LinkState.CANDIDATE, False)
    }

    run(tenant, BOTH)

    assert tellings(tenant) == ONE
    assert len(rows(tenant, Event)) == 1
    assert consistent(tenant)


def test_nothing_is_moved_twice(tenant: Tenant, reader: UUID) -> None:
    for item in (PRICE, MAKER, BOTH):
        run(tenant, item)
    decisions = len(rows(tenant, Decision))
    assert run(tenant).done == 0
    assert len(rows(tenant, Decision)) == decisions
    assert rows(tenant, RawItem, is_processed=False) == []
