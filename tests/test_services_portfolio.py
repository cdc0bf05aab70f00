"""The portfolio: its table, one client's page, searches, teachings, people, the try of terms, the file."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from book import as_person, result, run, snapshot, statements, switch_on
from conftest import NOW, Tenant
from desk import add_candidate, another_tenant, change, rows
from hypothesis import given
from hypothesis import strategies as st
from newsroom import add_event, add_story

from models.accounts import Business
from models.audit import AuditLog
from models.clients import Client, ClientAssignment, Tier
from models.crm import CrmSnapshot
from models.events import Category
from models.feedback import FeedbackVerdict
from models.jobs import JobRun, RunState
from models.mail import Notification, NotificationState
from models.news import ArticleClient, LinkState, SourceState
from models.providers import ProviderKind
from models.scope import Role, Scope
from models.settings import get_settings
from services import feedback
from services.client_import import guess, preview_sheet, read_upload
from services.clients import archive_client
from services.crm_import import Outcome
from services.errors import UserError
from services.portfolio.check import check_terms
from services.portfolio.crm import crm_on, unknown_tiers
from services.portfolio.export import export_clients
from services.portfolio.page import client_facts
from services.portfolio.people import Change, archive_clients, history, moves, reassign
from services.portfolio.running import watch
from services.portfolio.searches import CONFIDENTIAL, searches
from services.portfolio.sources import Answered
from services.portfolio.standing import Health, health_of, standing_of
from services.portfolio.table import ClientRow, Order, Wanted, choose, portfolio_rows, team
from services.portfolio.taught import taught
from tasks.enrich.crm import Record
from tasks.search.sources.gdelt import GdeltSource


def row_of(tenant: Tenant, name: str = "Acme") -> ClientRow:
    return next(row for row in portfolio_rows(tenant.scope, now=NOW) if row.name == name)


# the table


def test_a_row_tells_how_a_client_stands(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme", tier=Tier.STRATEGIC, confidential=True)
    tenant.add_user("tom@example.com", clients=(acme,))
    maria = tenant.add_user("maria@example.com", clients=(acme,))
    snapshot(tenant, acme, "healthy", taken_at=NOW - timedelta(days=4))
    snapshot(tenant, acme, "at risk")
    add_event(tenant, acme, "Acme raises money", at=NOW - timedelta(days=3))
    add_event(tenant, acme, "Acme long ago", at=NOW - timedelta(days=31))
    add_event(tenant, acme, "Acme shares slip", category=Category.OTHER)
    add_event(tenant, acme, "Not Acme after all", withdrawn_at=NOW)
    row = row_of(tenant)
    assert (row.tier, row.confidential, row.archived_at) == (Tier.STRATEGIC, True, None)
    assert [person.name for person in row.people] == ["Maria", "Tom"]
    assert row.people[0].id == maria
    assert (row.health, row.engagement) == (Health.AT_RISK, 0.4)
    assert row.last_event is not None
    assert (row.last_event.title, row.last_event.category) == ("Acme raises money", Category.FUNDING)
    assert row.last_event.at == NOW - timedelta(days=3)
    assert row.recent_events == 1


def test_news_in_a_language_that_is_not_read_counts_and_has_no_kind(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    add_event(tenant, acme, "Acme 買収", category=Category.OTHER, language_supported=False)
    row = row_of(tenant)
    assert row.last_event is not None
    assert (row.last_event.title, row.last_event.category, row.recent_events) == ("Acme 買収", None, 1)


def test_invented_crm_facts_are_the_demo_s_alone(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    snapshot(tenant, acme, provider="mock")
    assert row_of(tenant).standing is None
    assert client_facts(tenant.scope, acme, now=NOW).standing is None


def test_the_number_of_queries_does_not_grow_with_the_clients(tenant: Tenant) -> None:
    switch_on(tenant, "google_news", "gdelt")
    people = [tenant.add_user(f"p{number}@example.com") for number in range(3)]

    def fill(count: int, begin: int) -> None:
        job = run(tenant)
        for number in range(begin, begin + count):
            client = tenant.add_client(f"Client {number:03}")
            tenant.add(
                ClientAssignment(business_id=tenant.business_id, client_id=client, user_id=people[number % 3])
            )
            snapshot(tenant, client)
            add_event(tenant, client, f"News {number}")
            result(tenant, job, "google_news", client)

    fill(2, 0)
    with statements() as few:
        assert len(portfolio_rows(tenant.scope, now=NOW)) == 2
    fill(30, 2)
    with statements() as many:
        found = portfolio_rows(tenant.scope, now=NOW)
    assert len(found) == 32
    assert len(many) == len(few)
    assert {row.sources.state for row in found} == {Answered.OK}
    assert all(row.last_event and row.people and row.standing for row in found)


@pytest.mark.parametrize(
    ("states", "confidential", "expected", "failing"),
    [
        ({}, False, Answered.WAITING, ()),
        ({"google_news": SourceState.OK, "gdelt": SourceState.EMPTY}, False, Answered.OK, ()),
        ({"google_news": SourceState.OK, "gdelt": SourceState.QUOTA}, False, Answered.TROUBLE, ("GDELT",)),
        ({"google_news": SourceState.PARTIAL}, False, Answered.TROUBLE, ("Google News",)),
        (
            {"google_news": SourceState.FAILED, "gdelt": SourceState.FAILED},
            False,
            Answered.DOWN,
            ("GDELT", "Google News"),
        ),
        ({"google_news": SourceState.OK}, True, Answered.CLOSED, ()),
    ],
)
def test_the_state_of_sources_is_that_of_the_last_answers(
    tenant: Tenant,
    states: dict[str, SourceState],
    confidential: bool,
    expected: Answered,
    failing: tuple[str, ...],
) -> None:
    switch_on(tenant, "google_news", "gdelt")
    acme = tenant.add_client("Acme", confidential=confidential)
    before, last = run(tenant, NOW - timedelta(days=1)), run(tenant)
    for name, state in states.items():
        result(tenant, before, name, acme, SourceState.FAILED, at=NOW - timedelta(days=1))
        result(tenant, last, name, acme, state)
    result(tenant, last, "brave", acme, SourceState.FAILED)  # it was switched off since
    found = row_of(tenant).sources
    assert (found.state, found.failing) == (expected, failing)


def test_without_a_source_that_is_asked_that_is_said(tenant: Tenant) -> None:
    tenant.add_client("Acme")
    assert row_of(tenant).sources.state is Answered.NOBODY


def test_the_demo_has_its_invented_source_and_crm(tenant: Tenant) -> None:
    change(tenant, Business, is_demo=True)
    acme = tenant.add_client("Acme")
    result(tenant, run(tenant), "mock", acme)
    snapshot(tenant, acme, "watch", provider="mock")
    row = row_of(tenant)
    assert (row.sources.state, row.health) == (Answered.OK, Health.WATCH)


def test_filters_and_order(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme", tier=Tier.STRATEGIC, domain="acme.example.com", aliases=["Roadrunner"])
    bolt = tenant.add_client("bolt", tier=None)
    cask = tenant.add_client("Cask", tier=Tier.GROWTH)
    gone = tenant.add_client("Dune", archived_at=NOW)
    tom = tenant.add_user("tom@example.com", clients=(acme,))
    snapshot(tenant, cask, "at risk")
    snapshot(tenant, acme, "healthy")
    add_event(tenant, bolt, "One", at=NOW - timedelta(days=2))
    add_event(tenant, bolt, "Two", at=NOW - timedelta(days=2))
    add_event(tenant, cask, "Three", at=NOW - timedelta(days=1))
    every = portfolio_rows(tenant.scope, now=NOW)

    def names(**wanted: Any) -> list[str]:
        return [row.name for row in choose(every, Wanted(**wanted))]

    assert names() == ["Acme", "bolt", "Cask"]
    assert names(archived=True) == ["Dune"]
    assert names(text="roadRUNNER acme") == ["Acme"]
    assert names(text="example.com") == ["Acme"]
    assert names(tiers={Tier.GROWTH, None}) == ["bolt", "Cask"]
    assert names(healths={Health.AT_RISK}) == ["Cask"]
    assert names(healths={Health.UNKNOWN}) == ["bolt"]
    assert names(people={tom}) == ["Acme"]
    assert names(people={None}) == ["bolt", "Cask"]
    assert names(people={tom, None}) == ["Acme", "bolt", "Cask"]
    assert names(order=Order.NEWS) == ["Cask", "bolt", "Acme"]
    assert names(order=Order.BUSY) == ["bolt", "Cask", "Acme"]
    assert names(order=Order.HEALTH) == ["Cask", "Acme", "bolt"]
    assert names(order=Order.TIER) == ["Acme", "Cask", "bolt"]
    assert gone


_ROWS = st.lists(
    st.builds(
        ClientRow,
        id=st.uuids(),
        name=st.text(min_size=1, max_size=6),
        tier=st.sampled_from([None, *Tier]),
        archived_at=st.sampled_from([None, NOW]),
        recent_events=st.integers(0, 5),
    ),
    max_size=12,
)


@given(_ROWS, st.sampled_from(Order), st.frozensets(st.sampled_from([None, *Tier]), max_size=2))
def test_choosing_loses_and_invents_nothing(
    every: list[ClientRow], order: Order, tiers: frozenset[Tier | None]
) -> None:
    watched = choose(every, Wanted(order=order, tiers=tiers))
    archived = choose(every, Wanted(order=order, tiers=tiers, archived=True))
    fitting = [row for row in every if not tiers or row.tier in tiers]
    assert sorted(row.id for row in (*watched, *archived)) == sorted(row.id for row in fitting)
    assert choose(watched, Wanted(order=order, tiers=tiers)) == watched


# what the CRM said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (None, Health.UNKNOWN),
        ("  ", Health.UNKNOWN),
        ("at risk", Health.AT_RISK),
        ("At_Risk", Health.AT_RISK),
        ("RED", Health.AT_RISK),
        ("Yellow", Health.WATCH),
        ("green", Health.HEALTHY),
        ("Tier 1 happy", Health.OTHER),
    ],
)
def test_a_crm_s_own_words_for_health_are_sorted(words: str | None, expected: Health) -> None:
    assert health_of(words) is expected


def test_a_snapshot_is_told_with_its_parts(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    snapshot(tenant, acme)
    facts = client_facts(tenant.scope, acme, now=NOW)
    standing = facts.standing
    assert standing is not None
    assert (standing.is_reckoned, [(part.name, part.value) for part in standing.risks]) == (
        True,
        [("urgent_cases", 50.0)],
    )
    assert (standing.pipeline, standing.open_deals, standing.urgent_cases) == ((("EUR", 47_000.0),), 2, 2)
    assert standing.last_activity_at == NOW - timedelta(days=80)
    assert facts.is_standing_old is False
    late = NOW + timedelta(hours=get_settings().crm_max_age_hours)
    assert client_facts(tenant.scope, acme, now=late).is_standing_old is True


def test_a_crm_that_does_not_have_the_client_says_nothing(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    none = {"owner_name": None, "open_pipeline": None, "currency": None, "renewal_on": None, "details": {}}
    snapshot(tenant, acme, None, **none)
    standing = client_facts(tenant.scope, acme, now=NOW).standing
    assert standing is not None
    assert (standing.is_empty, standing.health) == (True, Health.UNKNOWN)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
_DETAILS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("pipeline", "health", "engagement", "open_deals", "open_cases", "last_activity_at"), _JSON
    ),
)


@given(_DETAILS)
def test_details_of_any_form_break_nothing(details: dict[str, Any]) -> None:
    row = CrmSnapshot(business_id=uuid4(), client_id=uuid4(), provider="x", details=details, taken_at=NOW)
    told = standing_of(row)
    assert told.health is Health.UNKNOWN
    assert told.last_activity_at is None or told.last_activity_at.tzinfo is not None


def test_the_crm_that_is_on_and_its_words(tenant: Tenant) -> None:
    assert crm_on(tenant.scope) is None
    switch_on(tenant, "hubspot", kind=ProviderKind.CRM)
    found = crm_on(tenant.scope)
    assert found is not None
    assert (found.name, bool(found.title)) == ("hubspot", True)
    records = [
        Record("1", "A", tier="Gold"),
        Record("2", "B", tier=" gold "),
        Record("3", "C", tier="Growth"),
        Record("4", "D", tier="Bronze"),
        Record("5", "E"),
    ]
    assert unknown_tiers(records) == ["Bronze", "Gold"]


# what is searched


def test_the_questions_are_told_as_they_are_asked(tenant: Tenant) -> None:
    switch_on(tenant, "google_news", "gdelt", "sec_edgar")
    acme = tenant.add_client("Acme", legal_name="Acme Corp.", ticker="ACM", excluded_terms=["cartoon"])
    job = run(tenant)
    result(tenant, job, "google_news", acme, SourceState.FAILED, error="no answer", found=0)
    found = searches(tenant.scope, acme, now=NOW)
    asked = {one.source: one for one in found.sources}
    assert asked["google_news"].question == '("Acme" OR "Acme Corp.") -cartoon when:7d'
    assert asked["gdelt"].question == '("Acme" OR "Acme Corp.") -"cartoon" sourcelang:english'
    assert "ACM" in asked["sec_edgar"].question
    assert (asked["google_news"].state, asked["google_news"].error) == (SourceState.FAILED, "no answer")
    assert asked["gdelt"].state is None
    assert "Google" in asked["google_news"].recipient
    assert "acme" in found.forms
    assert (found.ticker, found.excluded_terms) == ("ACM", ("cartoon",))


def test_nothing_of_a_confidential_client_leaves_the_house(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_FEEDS", '["https://news.example/feed.xml"]')
    get_settings.cache_clear()
    switch_on(tenant, "google_news")
    acme = tenant.add_client("Acme", confidential=True)
    result(tenant, run(tenant), "rss", None, unit="https://news.example/feed.xml", found=9, new=2)
    found = searches(tenant.scope, acme, now=NOW)
    asked = {one.source: one for one in found.sources}
    assert found.confidential is True
    assert (asked["google_news"].why_not, asked["google_news"].question) == (CONFIDENTIAL, "")
    assert (asked["rss"].why_not, asked["rss"].is_query, asked["rss"].found) == ("", False, 9)


def test_a_source_that_breaks_when_asked_for_its_question_breaks_no_page(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("broken package")

    monkeypatch.setattr(GdeltSource, "question", fail)
    switch_on(tenant, "gdelt", "google_news")
    asked = {one.source: one.question for one in searches(tenant.scope, tenant.add_client("Acme")).sources}
    assert (asked["gdelt"], bool(asked["google_news"])) == ("", True)


def test_an_archived_client_is_asked_about_nowhere(tenant: Tenant) -> None:
    switch_on(tenant, "google_news")
    acme = tenant.add_client("Acme", archived_at=NOW)
    [asked] = searches(tenant.scope, acme, now=NOW).sources
    assert (asked.question, asked.why_not) == ("", "archived: nothing is searched")


# what was taught


def _linked(
    tenant: Tenant, client: UUID, title: str, snippet: str, state: LinkState = LinkState.MATCHED
) -> UUID:
    """An event of the client with its article; returns the event."""
    story = add_story(tenant, title)
    article = add_candidate(tenant, story, title, client, snippet=snippet)
    event = add_event(tenant, client, title, story_id=story)
    change(
        tenant,
        ArticleClient,
        ArticleClient.article_id == article,  # type: ignore[arg-type]
        state=state,
        event_id=event,
    )
    return event


def test_a_rule_is_told_with_what_it_keeps_away_and_who_said_so(tenant: Tenant) -> None:
    velora = tenant.add_client("Velora", industry="steel")
    maria = tenant.add_user("maria@example.com", clients=(velora,))
    event = _linked(tenant, velora, "Velora opens a clinic in Springfield", "Dentists hire.")
    _linked(tenant, velora, "Velora opens a second clinic", "In Ohio.", LinkState.REJECTED)
    scope = as_person(tenant, Role.MANAGER, maria)
    feedback.give(
        scope, str(event), FeedbackVerdict.WRONG_COMPANY, phrase="clinic", note="the dentists", now=NOW
    )
    found = taught(scope, velora, now=NOW)
    [rule] = found.rules
    assert rule.sentence == "not about it where the text says “clinic”"
    kept = ["Velora opens a second clinic", "Velora opens a clinic in Springfield"]
    assert (rule.keeps_away, [one.title for one in rule.examples]) == (2, kept)
    [said] = rule.teachings
    assert (said.person, said.note, said.may_undo) == ("Maria", "the dentists", True)
    colleague = as_person(tenant, Role.MANAGER)
    [seen] = taught(colleague, velora, now=NOW).rules[0].teachings
    assert (seen.person, seen.note, seen.may_undo) == ("", "", False)
    feedback.undo(scope, str(said.feedback_id), now=NOW)
    [rule] = taught(scope, velora, now=NOW).rules
    assert (rule.undone_at, rule.keeps_away, rule.teachings) == (NOW, 0, ())


def test_mutes_are_one_s_own_and_an_admin_sees_all(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    maria = tenant.add_user("maria@example.com", clients=(acme,))
    event = _linked(tenant, acme, "Acme raises money", "")
    scope = as_person(tenant, Role.MANAGER, maria)
    feedback.give(scope, str(event), FeedbackVerdict.NOT_RELEVANT, now=NOW)
    [mute] = taught(scope, acme, now=NOW).mutes
    assert (mute.category, mute.is_own, len(mute.teachings)) == (Category.FUNDING, True, 1)
    assert taught(as_person(tenant, Role.VIEWER), acme, now=NOW).mutes == ()
    [mute] = taught(as_person(tenant, Role.ADMIN), acme, now=NOW).mutes
    assert (mute.person, mute.is_own) == ("Maria", False)


# who looks after it


def _waits(tenant: Tenant, client: UUID, user: UUID) -> None:
    event = add_event(tenant, client, f"News {uuid4()}", needs_filter=False)
    tenant.add(
        Notification(
            business_id=tenant.business_id,
            event_id=event,
            user_id=user,
            client_id=client,
            state=NotificationState.WAITING,
        )
    )


def test_what_a_change_of_hands_moves_is_said_before_it_happens(tenant: Tenant) -> None:
    acme, bolt = tenant.add_client("Acme"), tenant.add_client("Bolt")
    maria = tenant.add_user("maria@example.com", clients=(acme, bolt))
    everything = tenant.add_user("eve@example.com", clients=(acme,), assigned_clients_only=False)
    tom = tenant.add_user("tom@example.com")
    _waits(tenant, acme, maria)
    _waits(tenant, bolt, maria)
    _waits(tenant, acme, everything)
    change_of_hands = Change(give=frozenset({tom}), take=None)
    told = moves(tenant.scope, [acme, bolt], change_of_hands)
    assert [(one.name, one.clients, one.waiting) for one in told.leaving] == [
        ("Eve", 1, 0),  # she follows all clients and keeps what waits
        ("Maria", 2, 2),
    ]
    assert [(one.name, one.clients) for one in told.joining] == [("Tom", 2)]
    assert told.orphaned == ()
    assert moves(tenant.scope, [bolt], Change(take=frozenset({maria}))).orphaned == ("Bolt",)
    assert rows(tenant, ClientAssignment, user_id=tom) == []
    changed = reassign(tenant.scope, [acme, bolt], change_of_hands)
    assert (changed.clients, changed.started, changed.ended) == (2, 2, 3)
    assert reassign(tenant.scope, [acme, bolt], change_of_hands).clients == 0
    waiting = rows(tenant, Notification, state=NotificationState.WAITING)
    assert [line.user_id for line in waiting if line.user_id == maria] == []
    past = history(tenant.scope, acme)
    assert [(one.person.name, one.ended_at is None) for one in past] == [
        ("Tom", True),
        ("Eve", False),
        ("Maria", False),
    ]


def test_giving_beside_and_taking_away_leave_the_others(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    maria = tenant.add_user("maria@example.com", clients=(acme,))
    tom = tenant.add_user("tom@example.com")
    reassign(tenant.scope, [acme], Change(give=frozenset({tom})))
    assert [person.name for person in row_of(tenant).people] == ["Maria", "Tom"]
    reassign(tenant.scope, [acme], Change(take=frozenset({maria})))
    assert [person.name for person in row_of(tenant).people] == ["Tom"]


def test_a_change_of_many_happens_whole_or_not_at_all(tenant: Tenant) -> None:
    acme, gone = tenant.add_client("Acme"), tenant.add_client("Gone")
    tom = tenant.add_user("tom@example.com")
    archive_client(tenant.scope, gone)
    give = Change(give=frozenset({tom}))
    with pytest.raises(UserError, match="Gone is archived"):
        reassign(tenant.scope, [acme, gone], give)
    with pytest.raises(UserError, match="not in this business"):
        reassign(tenant.scope, [acme, uuid4()], give)
    with pytest.raises(UserError, match="does not belong"):
        reassign(tenant.scope, [acme], Change(give=frozenset({uuid4()})))
    with pytest.raises(UserError, match="no client is chosen"):
        reassign(tenant.scope, [], give)
    with pytest.raises(UserError, match="not in this business"):
        archive_clients(tenant.scope, [acme, uuid4()])
    assert rows(tenant, ClientAssignment) == []
    assert row_of(tenant).archived_at is None
    assert archive_clients(tenant.scope, [acme, gone]).clients == 1


def test_only_people_who_are_there_can_be_given_clients(tenant: Tenant) -> None:
    tenant.add_user("zoe@example.com")
    tenant.add_user("ann@example.com")
    tenant.add_user("left@example.com", user={"state": "deactivated"})
    assert [person.name for person in team(tenant.scope)] == ["Ann", "Zoe"]


# terms, tried


def test_terms_are_tried_on_the_news_that_is_here(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    recent = NOW - timedelta(days=2)
    story = add_story(tenant, "Acme opens a plant")
    kept = add_candidate(tenant, story, "Acme opens a plant in Leeds", acme, at=recent)
    lost = add_candidate(tenant, story, "Acme cartoon festival opens", acme, at=recent)
    add_candidate(tenant, story, "Roadrunner Systems names a finance chief", at=recent)
    add_candidate(tenant, story, "Acme was here last winter", acme, at=NOW - timedelta(days=40))
    for article in (kept, lost):
        change(tenant, ArticleClient, ArticleClient.article_id == article, state=LinkState.MATCHED)  # type: ignore[arg-type]
    before = rows(tenant, Client)
    fields = {"name": "Acme", "excluded_terms": ["cartoon"], "aliases": ["Roadrunner Systems"]}
    told = check_terms(tenant.scope, fields, acme, now=NOW)
    assert told.looked_at == 3
    assert [one.title for one in told.gains] == ["Roadrunner Systems names a finance chief"]
    assert [(one.title, one.why) for one in told.losses] == [
        ("Acme cartoon festival opens", "excluded term: “cartoon”")
    ]
    assert (told.matching, told.gained, told.lost) == (2, 1, 1)
    assert rows(tenant, Client) == before
    assert len(rows(tenant, ArticleClient)) == 3
    new = check_terms(tenant.scope, {"name": "Roadrunner Systems"}, now=NOW)
    assert (new.matching, new.gained, new.lost) == (1, 1, 0)
    with pytest.raises(UserError, match="name: a client needs a name"):
        check_terms(tenant.scope, {"name": ""}, now=NOW)


def test_of_a_name_that_is_everywhere_the_newest_articles_are_judged(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.portfolio.check.MOST_NAMED", 2)
    acme = tenant.add_client("Acme")
    story = add_story(tenant, "Acme opens plants")
    for days in (3, 1, 2):
        article = add_candidate(
            tenant, story, f"Acme opens plant {days}", acme, at=NOW - timedelta(days=days)
        )
        change(tenant, ArticleClient, ArticleClient.article_id == article, state=LinkState.MATCHED)  # type: ignore[arg-type]
    told = check_terms(tenant.scope, {"name": "Acme"}, acme, now=NOW)
    assert told.is_partial
    assert [one.title for one in told.sample] == ["Acme opens plant 1", "Acme opens plant 2"]
    assert (told.matching, told.gained, told.lost) == (2, 0, 0)


# a run, watched


def test_a_run_is_watched_until_it_is_over(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    begun = NOW - timedelta(minutes=5)
    job = run(
        tenant, begun, RunState.RUNNING, stages={"search": {}}, counts={"search.found": 7, "search.new": 2}
    )
    told = watch(tenant.scope, job, acme, now=NOW)
    assert (told.is_over, told.done, told.items, told.new_items, told.made) == (False, ("search",), 7, 2, ())
    assert 0 < told.share < 1
    assert told.seconds == 300
    add_event(
        tenant,
        acme,
        "Acme long before",
        created_at=begun - timedelta(days=1),
        updated_at=begun - timedelta(days=1),
    )
    add_event(tenant, acme, "Acme told anew", created_at=begun - timedelta(days=1), updated_at=NOW)
    add_event(tenant, acme, "Acme new", created_at=NOW, updated_at=NOW, relevance=0.9)
    change(tenant, JobRun, state=RunState.DEGRADED, finished_at=NOW, degraded=["gdelt for Acme: no answer"])
    told = watch(tenant.scope, job, acme)
    assert (told.is_over, told.share, told.degraded) == (True, 1.0, ("gdelt for Acme: no answer",))
    assert [(one.title, one.is_new) for one in told.made] == [("Acme new", True), ("Acme told anew", False)]


# the file


def test_what_is_exported_is_safe_and_comes_back_unchanged(tenant: Tenant) -> None:
    acme = tenant.add_client(
        "=cmd|' /C calc'!A0",
        aliases=["+Plus", "Acme, Co"],
        excluded_terms=["@home"],
        tier=Tier.GROWTH,
        confidential=True,
        domain="acme.example.com",
    )
    tenant.add_user("tom@example.com", clients=(acme,))
    bolt = tenant.add_client("Bolt", tier=None)
    data = export_clients(tenant.scope, [acme, bolt], now=NOW)
    text = data.decode("utf-8-sig")
    assert "\r\n'=cmd" in text
    assert not any(
        cell.startswith(("=", "+", "-", "@")) for line in text.splitlines() for cell in line.split(",")
    )
    sheet = read_upload("clients.csv", data)
    report = preview_sheet(tenant.scope, sheet, guess(sheet))
    assert [line.outcome for line in report.lines] == [Outcome.UNCHANGED, Outcome.UNCHANGED], report.lines
    [line] = rows(tenant, AuditLog, action="clients.exported")
    assert line.details == {"clients": 2}


# whose it is


def test_a_viewer_and_a_manager_read_and_change_nothing(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    for role in (Role.VIEWER, Role.MANAGER):
        scope = as_person(tenant, role)
        assert [row.name for row in portfolio_rows(scope, now=NOW)] == ["Acme"]
        assert client_facts(scope, acme, now=NOW).name == "Acme"
        assert searches(scope, acme, now=NOW).forms
        for change_it in (
            lambda scope=scope: reassign(scope, [acme], Change()),
            lambda scope=scope: moves(scope, [acme], Change()),
            lambda scope=scope: archive_clients(scope, [acme]),
            lambda scope=scope: check_terms(scope, {"name": "Acme"}, acme),
        ):
            with pytest.raises(PermissionError):
                change_it()


def test_another_tenant_sees_nothing_of_it(tenant: Tenant) -> None:
    acme = tenant.add_client("Acme")
    maria = tenant.add_user("maria@example.com", clients=(acme,))
    job = run(tenant)
    add_event(tenant, acme)
    other = another_tenant()
    stranger = Scope(other.business_id, None, Role.ADMIN)
    assert portfolio_rows(stranger, now=NOW) == []
    assert team(stranger) == []
    for look in (
        lambda: client_facts(stranger, acme, now=NOW),
        lambda: searches(stranger, acme, now=NOW),
        lambda: taught(stranger, acme, now=NOW),
        lambda: history(stranger, acme),
        lambda: moves(stranger, [acme], Change()),
        lambda: reassign(stranger, [acme], Change(take=frozenset({maria}))),
        lambda: archive_clients(stranger, [acme]),
        lambda: check_terms(stranger, {"name": "Acme"}, acme),
        lambda: watch(stranger, job, acme),
    ):
        with pytest.raises(UserError):
            look()
    assert export_clients(stranger, [acme], now=NOW).count(b"\r\n") == 1
    assert row_of(tenant).archived_at is None
