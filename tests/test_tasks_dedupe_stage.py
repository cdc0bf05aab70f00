"""The dedupe stage against its ledger: every item becomes an article once, every article finds its story."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from conftest import NOW, Tenant
from desk import (
    EARLIER,
    Cut,
    add_raw,
    another_tenant,
    change,
    counts,
    cut_before_commit,
    dedupe,
    rows,
    story_of,
    take_lease,
    tellings,
)
from newsroom import plan_for

from models.clients import Client
from models.engine import reading
from models.events import Decision, Stage
from models.leases import LeaseBusy, LeaseLost
from models.news import Article, ArticleClient, LinkState, RawItem, Story, raw_backlog_size
from tasks.dedupe import stage
from tasks.dedupe.stage import dedupe_batch, identity_of

WRITTEN = (Article, Story, ArticleClient, Decision)

# Two stories that nobody would confuse, told by several outlets; written for these tests.
TAKEOVER = [
    (
        "Nordwind Energy agrees to buy Fabrikam for $6.5 billion",
        "Nordwind Energy said it will acquire the analytics maker Fabrikam in cash.",
        "The Wire",
    ),
    (
        "Nordwind Energy to acquire Fabrikam in $6.5bn deal",
        "The analytics maker Fabrikam will become part of Nordwind Energy.",
        "Example Post",
    ),
    (
        "Fabrikam shares jump as Nordwind Energy strikes takeover deal",
        "Nordwind Energy pays $6.5 billion in cash for analytics maker Fabrikam.",
        "Daily Sample",
    ),
]
RECALL = [
    (
        "Alba Textiles recalls 40,000 heated blankets over fire risk",
        "Regulators were told of six overheated blankets made by Alba Textiles.",
        "The Wire",
    ),
    (
        "Fire risk leads Alba Textiles to recall heated blankets",
        "Some 40,000 heated blankets can overheat, the regulator said.",
        "Example Post",
    ),
]
ALL = [*TAKEOVER, *RECALL]
STORIES = {frozenset(title for title, *_ in TAKEOVER), frozenset(title for title, *_ in RECALL)}


def tell(tenant: Tenant, items: list[tuple[str, str, str]], *, of: Any = EARLIER) -> None:
    """These articles, half an hour apart in the order of ``ALL``, handed in in the order of ``items``."""
    for title, snippet, source in items:
        hours = [one[0] for one in ALL].index(title)
        address = f"https://{source.lower().replace(' ', '')}.example/{title.lower().replace(' ', '-')}"
        add_raw(
            tenant, title, snippet=snippet, source=source, url=address, at=of + timedelta(hours=hours) / 2
        )


@pytest.fixture
def clients(tenant: Tenant) -> dict[str, Any]:
    names = ("Nordwind Energy", "Alba Textiles")
    return {name: tenant.add_client(name, baseline_at=NOW - timedelta(days=9)) for name in names}


def decided(tenant: Tenant) -> list[Decision]:
    return rows(tenant, Decision, stage=Stage.DEDUPE)


def summary(tenant: Tenant) -> Any:
    """What must not depend on batches, order, or the process that did it."""
    articles = {a.id: a for a in rows(tenant, Article)}
    return {
        "stories": tellings(tenant),
        "counts": sorted(
            (s.article_count, s.outlet_count, s.first_at, s.last_at) for s in rows(tenant, Story)
        ),
        "links": sorted(
            (articles[k.article_id].title, str(k.client_id), k.asked_for, k.is_history, str(k.state))
            for k in rows(tenant, ArticleClient)
        ),
    }


def test_every_item_becomes_an_article_once_and_finds_its_story(
    tenant: Tenant, clients: dict[str, Any]
) -> None:
    tell(tenant, ALL)
    add_raw(tenant, "Pilots vote on a new contract", url="https://thewire.example/pilots")
    plan = plan_for(tenant)

    report = dedupe(plan)

    assert report.counts == {"items": 6, "articles": 6, "copies": 0, "candidates": 5, "stories": 2}
    assert tellings(tenant) == STORIES
    takeover, recall = story_of(tenant, TAKEOVER[0][0]), story_of(tenant, RECALL[0][0])
    assert (takeover.title, takeover.article_count, takeover.outlet_count) == (TAKEOVER[0][0], 3, 3)
    assert (takeover.first_at, takeover.last_at) == (EARLIER, EARLIER + timedelta(hours=1))
    assert (recall.article_count, recall.outlet_count) == (2, 2)
    [pilots] = rows(tenant, Article, title="Pilots vote on a new contract")
    assert pilots.story_id is None
    assert rows(tenant, ArticleClient, article_id=pilots.id) == []
    items = rows(tenant, RawItem)
    assert all(item.is_processed for item in items)
    assert {item.article_id for item in items} == {article.id for article in rows(tenant, Article)}
    with reading(tenant.scope) as session:
        assert raw_backlog_size(tenant.scope, session) == 0


def test_every_placement_is_written_down_with_its_reason(tenant: Tenant, clients: dict[str, Any]) -> None:
    tell(tenant, ALL)
    plan = plan_for(tenant)
    dedupe(plan)
    said = decided(tenant)
    articles = {str(article.id): article for article in rows(tenant, Article)}
    assert sorted(one.verdict for one in said) == ["founded"] * 2 + ["joined"] * 3
    assert all(one.job_run_id == plan.job_run_id and one.engine == "stories" for one in said)
    assert all(one.engine_version and one.reason and one.reason_code for one in said)
    for one in said:
        mine = articles[str(one.article_id)]
        if one.verdict == "joined":
            assert articles[one.evidence].story_id == mine.story_id
            assert 0 < one.parts["score"] <= 1
        else:
            assert mine.story_id == mine.id
            assert one.evidence == ""


def test_a_second_pass_finds_nothing_to_do(tenant: Tenant, clients: dict[str, Any]) -> None:
    tell(tenant, ALL)
    dedupe(plan_for(tenant))
    before = counts(tenant, *WRITTEN)
    assert dedupe(plan_for(tenant)).done == 0
    assert counts(tenant, *WRITTEN) == before


@pytest.mark.parametrize(
    "same",
    [
        "https://thewire.example/2026/03/deal",
        "https://thewire.example/2026/03/deal?utm_source=rss&utm_medium=feed",
        "https://www.thewire.example/2026/03/deal#comments",
        "http://m.thewire.example/2026/03/deal?fbclid=abc",
        "https://thewire.example/2026/03/deal/amp",
    ],
)
@pytest.mark.parametrize("limit", [None, 1])
def test_one_document_is_one_article_whatever_its_address_carries(
    tenant: Tenant, clients: dict[str, Any], same: str, limit: int | None
) -> None:
    title, snippet, source = TAKEOVER[0]
    first = "https://thewire.example/2026/03/deal"
    add_raw(tenant, title, snippet=snippet, source=source, url=first, unit="one")
    add_raw(tenant, title, snippet=snippet, source=source, url=same, unit="two", at=NOW)
    report = dedupe(plan_for(tenant), limit)
    assert (report.counts["articles"], report.counts["copies"]) == (1, 1)
    [article] = rows(tenant, Article)
    assert (article.url, article.published_at) == (first, EARLIER)
    assert len(rows(tenant, ArticleClient)) == len(rows(tenant, Story)) == 1
    assert {item.article_id for item in rows(tenant, RawItem)} == {article.id}


def test_without_an_address_content_and_publisher_make_the_document(
    tenant: Tenant, clients: dict[str, Any]
) -> None:
    title, snippet, _ = TAKEOVER[0]
    for unit, source in (("one", "The Wire"), ("two", "The Wire"), ("three", "Example Post")):
        add_raw(tenant, title, snippet=snippet, source=source, unit=unit)
    report = dedupe(plan_for(tenant))
    assert (report.counts["articles"], report.counts["stories"]) == (2, 1)
    [story] = rows(tenant, Story)
    assert (story.article_count, story.outlet_count) == (2, 2)


def test_identities_tell_addresses_and_texts_apart() -> None:
    address = "https://thewire.example/a"
    assert identity_of(address, "One", None, None) == identity_of(address, "Other", "x", "y")
    assert identity_of(None, "One", None, "A") != identity_of(None, "One", None, "B")
    assert identity_of(None, "One", "x", "A") != identity_of(None, "One", "y", "A")
    assert len(identity_of(None, "", None, None)) == 64


@pytest.mark.parametrize("limit", [None, 1])
def test_what_two_questions_found_is_one_article_asked_for_by_two_clients(
    tenant: Tenant, clients: dict[str, Any], limit: int | None
) -> None:
    """A question may find what the text does not say; both clients are candidates, marked as asked for."""
    nordwind, alba = clients["Nordwind Energy"], clients["Alba Textiles"]
    title, snippet, source = TAKEOVER[0]
    for client in (nordwind, alba):
        add_raw(
            tenant, title, snippet=snippet, source=source, url="https://thewire.example/x", asked_for=client
        )
    dedupe(plan_for(tenant), limit)
    assert len(rows(tenant, Article)) == 1
    assert {link.client_id: link.asked_for for link in rows(tenant, ArticleClient)} == {
        nordwind: True,
        alba: True,
    }


def test_a_feeds_item_has_the_clients_it_names_for_candidates(
    tenant: Tenant, clients: dict[str, Any]
) -> None:
    add_raw(tenant, "Nordwind Energy and Alba Textiles open a joint plant in Porto")
    dedupe(plan_for(tenant))
    links = rows(tenant, ArticleClient)
    assert {link.client_id for link in links} == set(clients.values())
    assert not any(link.asked_for for link in links)
    assert {link.state for link in links} == {LinkState.CANDIDATE}


def test_an_archived_client_is_no_candidate_even_when_it_was_asked_for(
    tenant: Tenant, clients: dict[str, Any]
) -> None:
    add_raw(tenant, TAKEOVER[0][0], asked_for=clients["Nordwind Energy"])
    change(tenant, Client, Client.name == "Nordwind Energy", archived_at=NOW)
    assert dedupe(plan_for(tenant)).counts["candidates"] == 0
    [article] = rows(tenant, Article)
    assert article.story_id is None


def test_a_known_article_gains_the_client_that_asks_for_it_later(
    tenant: Tenant, clients: dict[str, Any]
) -> None:
    tell(tenant, TAKEOVER[:1])
    dedupe(plan_for(tenant))
    [before] = rows(tenant, Article)
    decisions = len(decided(tenant))
    later = tenant.add_client("Fabrikam")
    add_raw(tenant, TAKEOVER[0][0], url=before.url, asked_for=later, at=NOW)
    report = dedupe(plan_for(tenant))
    assert (report.counts["articles"], report.counts["stories"]) == (0, 0)
    assert rows(tenant, Article) == [before]
    assert later in {link.client_id for link in rows(tenant, ArticleClient)}
    assert len(decided(tenant)) == decisions


def test_an_article_that_named_nobody_gets_its_story_when_somebody_asks_for_it(
    tenant: Tenant, clients: dict[str, Any]
) -> None:
    add_raw(tenant, "Litware opens a glass factory", url="https://thewire.example/glass")
    dedupe(plan_for(tenant))
    assert rows(tenant, Story) == []
    litware = tenant.add_client("Litware")
    add_raw(tenant, "Litware opens a glass factory", url="https://thewire.example/glass", asked_for=litware)
    dedupe(plan_for(tenant))
    [article] = rows(tenant, Article)
    [story] = rows(tenant, Story)
    assert article.story_id == story.id
    assert [link.client_id for link in rows(tenant, ArticleClient)] == [litware]


def test_a_later_run_joins_the_story_of_an_earlier_one(tenant: Tenant, clients: dict[str, Any]) -> None:
    tell(tenant, [TAKEOVER[0], RECALL[0]])
    dedupe(plan_for(tenant))
    founded = {story.id: story.title for story in rows(tenant, Story)}
    assert {(s.article_count, s.outlet_count) for s in rows(tenant, Story)} == {(1, 1)}
    tell(tenant, [TAKEOVER[1], TAKEOVER[2], RECALL[1]])
    report = dedupe(plan_for(tenant, as_of=NOW + timedelta(days=1)))
    assert report.counts["stories"] == 0
    assert tellings(tenant) == STORIES
    assert {story.id: story.title for story in rows(tenant, Story)} == founded
    assert story_of(tenant, TAKEOVER[0][0]).article_count == 3
    assert story_of(tenant, TAKEOVER[0][0]).last_at == EARLIER + timedelta(hours=1)


def test_the_same_words_weeks_later_are_another_story(tenant: Tenant, clients: dict[str, Any]) -> None:
    title, snippet, source = TAKEOVER[0]
    for days in (0, 30):
        at = EARLIER - timedelta(days=days)
        add_raw(
            tenant, title, snippet=snippet, source=source, at=at, url=f"https://thewire.example/{days}/deal"
        )
        dedupe(plan_for(tenant))
    assert len(rows(tenant, Story)) == 2


@pytest.mark.parametrize("limit", [None, 2, 1])
@pytest.mark.parametrize("order", [0, 37, 85, 119])
def test_neither_order_of_arrival_nor_batches_change_the_stories(
    tenant: Tenant, clients: dict[str, Any], order: int, limit: int | None
) -> None:
    tell(tenant, list(permutations(ALL))[order])
    dedupe(plan_for(tenant), limit)
    got = summary(tenant)
    assert got["stories"] == STORIES
    assert got["counts"] == [
        (2, 2, EARLIER + timedelta(hours=1.5), EARLIER + timedelta(hours=2)),
        (3, 3, EARLIER, EARLIER + timedelta(hours=1)),
    ]


@pytest.mark.parametrize("backwards", [False, True])
def test_articles_of_one_story_may_come_in_any_run(
    tenant: Tenant, clients: dict[str, Any], backwards: bool
) -> None:
    for item in reversed(ALL) if backwards else ALL:
        tell(tenant, [item])
        dedupe(plan_for(tenant))
    assert tellings(tenant) == STORIES


def test_an_index_from_the_database_places_as_the_running_one_does(
    tenant: Tenant, clients: dict[str, Any]
) -> None:
    """One tenant keeps its process, the other starts anew before each article."""
    twin = another_tenant()
    for name in clients:
        twin.add_client(name, baseline_at=NOW - timedelta(days=9))
    outcomes = []
    for house in (tenant, twin):
        held = take_lease(house)
        plan = plan_for(house)
        for item in ALL:
            tell(house, [item])
            if house is twin:
                stage.leave(plan)
            dedupe_batch(plan, held)
        told = {str(a.id): a.title for a in rows(house, Article)}
        outcomes.append(
            [
                (told[str(d.article_id)], d.verdict, d.reason_code, told.get(d.evidence, ""))
                for d in decided(house)
            ]
        )
        assert tellings(house) == STORIES
    assert outcomes[0] == outcomes[1]


def test_a_batch_whose_lease_was_taken_leaves_nothing_and_the_next_holder_completes_it(
    tenant: Tenant, clients: dict[str, Any]
) -> None:
    tell(tenant, ALL)
    plan = plan_for(tenant)
    slow = take_lease(tenant)
    assert dedupe_batch(plan, slow, 2).done == 2
    before = counts(tenant, *WRITTEN)

    quick = take_lease(tenant, by_force=True)
    with pytest.raises(LeaseLost):
        dedupe_batch(plan, slow, 2)

    assert counts(tenant, *WRITTEN) == before
    assert len(rows(tenant, RawItem, is_processed=False)) == 3
    assert dedupe_batch(plan, quick).done == 3
    assert tellings(tenant) == STORIES


def test_a_batch_that_was_rolled_back_is_not_remembered(tenant: Tenant, clients: dict[str, Any]) -> None:
    """Under the same lease: an index that remembered would put later articles into stories that do not exist."""
    plan, held = plan_for(tenant), take_lease(tenant)
    tell(tenant, [TAKEOVER[0]])
    with pytest.raises(Cut), cut_before_commit():
        dedupe_batch(plan, held)
    assert counts(tenant, *WRITTEN) == {"articles": 0, "stories": 0, "article_clients": 0, "decisions": 0}
    tell(tenant, [*TAKEOVER[1:], *RECALL])
    assert dedupe_batch(plan, held).done == 5
    assert tellings(tenant) == STORIES
    assert story_of(tenant, TAKEOVER[1][0]).title == TAKEOVER[0][0]


def test_a_held_lease_keeps_another_run_out(tenant: Tenant, clients: dict[str, Any]) -> None:
    take_lease(tenant)
    with pytest.raises(LeaseBusy, match="holds the lease"):
        dedupe(plan_for(tenant))


def test_to_a_client_that_is_polled_for_the_first_time_a_feeds_items_are_history(tenant: Tenant) -> None:
    known = tenant.add_client("Nordwind Energy", baseline_at=NOW - timedelta(days=9))
    new = tenant.add_client("Alba Textiles")
    add_raw(tenant, "Nordwind Energy and Alba Textiles open a joint plant in Porto")
    dedupe(plan_for(tenant))
    assert {link.client_id: link.is_history for link in rows(tenant, ArticleClient)} == {
        known: False,
        new: True,
    }


def test_without_a_baseline_only_what_is_old_is_history(tenant: Tenant) -> None:
    tenant.add_client("Alba Textiles")
    add_raw(tenant, "Alba Textiles opens a plant in Porto")
    add_raw(tenant, "Alba Textiles hires a chief designer", is_history=True, at=NOW - timedelta(days=40))
    dedupe(plan_for(tenant, baseline=False))
    history = {a.title: a.is_history for a in rows(tenant, Article)}
    assert history == {
        "Alba Textiles opens a plant in Porto": False,
        "Alba Textiles hires a chief designer": True,
    }
    assert sorted(link.is_history for link in rows(tenant, ArticleClient)) == [False, True]


def test_an_unknown_date_stays_unknown(tenant: Tenant, clients: dict[str, Any]) -> None:
    add_raw(tenant, TAKEOVER[0][0], at=None, seen=EARLIER)
    dedupe(plan_for(tenant))
    [article] = rows(tenant, Article)
    assert (article.published_at, article.first_seen_at) == (None, EARLIER)
    [story] = rows(tenant, Story)
    assert (story.first_at, story.last_at) == (EARLIER, EARLIER)


def test_invented_items_stay_marked(tenant: Tenant, clients: dict[str, Any]) -> None:
    add_raw(tenant, TAKEOVER[0][0], is_mock=True)
    dedupe(plan_for(tenant))
    assert [article.is_mock for article in rows(tenant, Article)] == [True]


def test_tenants_share_no_article_and_no_story(tenant: Tenant, clients: dict[str, Any]) -> None:
    stranger = another_tenant()
    stranger.add_client("Nordwind Energy")
    tell(tenant, TAKEOVER[:2])
    tell(stranger, TAKEOVER[:1])
    dedupe(plan_for(tenant))
    assert len(rows(stranger, RawItem, is_processed=False)) == 1
    dedupe(plan_for(stranger))
    assert story_of(tenant, TAKEOVER[0][0]).article_count == 2
    assert story_of(stranger, TAKEOVER[0][0]).article_count == 1
