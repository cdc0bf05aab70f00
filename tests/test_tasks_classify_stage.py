"""The classify stage against its ledger: one event a story and client, whatever the order, and a reason for all."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from conftest import Tenant
from desk import (
    EARLIER,
    Cut,
    add_candidate,
    another_tenant,
    change,
    classify,
    counts,
    cut_before_commit,
    rows,
)
from newsroom import add_story, notes, plan_for
from sqlalchemy import delete

from models.base import utc_now
from models.clients import ClientMatchRule, MatchRuleKind, Tier
from models.engine import writing
from models.events import Category, Decision, Event, Insight, Stage
from models.mail import Notification, NotificationState, SkipReason
from models.news import Article, ArticleClient, LinkState
from models.scope import Role, Scope
from services.clients import archive_client
from tasks.classify import stage as classify_stage
from tasks.classify.classifier import RulesClassifier, Text, Verdict
from tasks.classify.stage import Contended, classify_batch
from tasks.filter.stage import filter_batch

WRITTEN = (Event, Insight, Decision)
DEAL = "Nordwind Energy agrees to buy Fabrikam for $6.5 billion"
DEAL_LEAD = "Nordwind Energy said it will acquire the analytics maker Fabrikam in cash."
GERMAN = "Nordwind Energy übernimmt den Windpark vor der Küste und schafft 300 neue Stellen"
TELLINGS = [
    (DEAL, DEAL_LEAD, "The Wire"),
    ("Nordwind Energy to acquire Fabrikam in $6.5bn deal", "It becomes part of Nordwind Energy.", "Post"),
    ("Nordwind Energy opens the books on its Fabrikam plans", None, "Daily Sample"),
    ("Nordwind Energy strikes takeover deal with Fabrikam", "It pays in cash.", "Morning Sheet"),
]  # fmt: skip


@pytest.fixture
def nordwind(tenant: Tenant) -> UUID:
    return tenant.add_client("Nordwind Energy", tier=Tier.STRATEGIC, keywords=["analytics"])


@pytest.fixture
def story(tenant: Tenant) -> UUID:
    return add_story(tenant, DEAL, at=EARLIER)


def tell(tenant: Tenant, story: UUID, client: UUID, telling: tuple[str, str | None, str]) -> UUID:
    hours = TELLINGS.index(telling)
    title, snippet, source = telling
    at = EARLIER + timedelta(hours=hours)
    return add_candidate(tenant, story, title, client, snippet=snippet, source=source, at=at)


def the_event(tenant: Tenant) -> Event:
    [event] = rows(tenant, Event)
    return event  # type: ignore[no-any-return]


def told(tenant: Tenant) -> Any:
    """What must not depend on batches or order: events and insights without ids of rows and times of the clock."""
    titles = {article.id: article.title for article in rows(tenant, Article)}
    insights = {one.event_id: (one.meaning, one.actions, one.urgency) for one in rows(tenant, Insight)}
    ours = {"id", "business_id", "story_id", "client_id", "created_at", "updated_at"}
    return [
        event.model_dump(exclude=ours)
        | {"article_id": titles[event.article_id], "insight": insights.get(event.id)}
        for event in rows(tenant, Event)
    ]


def matches(tenant: Tenant) -> list[Decision]:
    return rows(tenant, Decision, stage=Stage.MATCH)


def filtered(tenant: Tenant) -> None:
    """As when *filter* has decided about every event."""
    change(tenant, Event, needs_filter=False)


def test_what_is_about_the_client_becomes_an_event_with_its_reasons(
    tenant: Tenant, nordwind: UUID, story: UUID
) -> None:
    article = tell(tenant, story, nordwind, TELLINGS[0])
    plan = plan_for(tenant)

    report = classify(plan)

    assert report.counts == {"judged": 1, "about_the_client": 1, "turned_away": 0, "events": 1, "updates": 0}
    event = the_event(tenant)
    assert (event.story_id, event.client_id, event.article_id) == (story, nordwind, article)
    assert (event.category, event.title, event.summary) == (Category.ACQUISITION, DEAL, DEAL_LEAD)
    assert 0.7 <= event.relevance <= 1
    assert -1 <= event.sentiment <= 1
    assert 0 < event.confidence <= 1
    assert (event.revision, event.what_changed, event.needs_filter) == (1, "", True)
    assert (event.published_at, event.happened_at) == (EARLIER, EARLIER)
    assert event.reason
    assert event.evidence in f"{DEAL} {DEAL_LEAD}"
    [link] = rows(tenant, ArticleClient)
    assert (link.state, link.event_id) == (LinkState.MATCHED, event.id)

    [match] = matches(tenant)
    assert (match.verdict, match.reason_code) == ("about", "name_in_headline")
    assert match.evidence == "Nordwind Energy"
    assert match.parts["confidence"] > 0.5
    [verdict] = rows(tenant, Decision, stage=Stage.CLASSIFY)
    assert (verdict.verdict, verdict.reason_code) == ("acquisition", "acquisition")
    assert (verdict.event_id, verdict.evidence, verdict.reason) == (event.id, event.evidence, event.reason)
    assert verdict.parts["relevance"] == event.relevance
    assert (verdict.engine, verdict.engine_version) == ("rules", RulesClassifier.version)
    for one in (match, verdict):
        assert (one.article_id, one.client_id, one.job_run_id) == (article, nordwind, plan.job_run_id)
        assert one.engine
        assert one.engine_version


def test_what_is_not_about_the_client_is_turned_away_with_its_reason(tenant: Tenant, story: UUID) -> None:
    target = tenant.add_client("Target")
    add_candidate(tenant, story, "How to hit the target every time at the shooting range", target)
    report = classify(plan_for(tenant))
    assert (report.counts["turned_away"], report.counts["events"]) == (1, 0)
    [link] = rows(tenant, ArticleClient)
    assert (link.state, link.event_id) == (LinkState.REJECTED, None)
    [match] = matches(tenant)
    assert (match.verdict, match.reason_code, match.evidence) == (
        "not_about",
        "common_word_not_name",
        "target",
    )
    assert counts(tenant, *WRITTEN) == {"events": 0, "insights": 0, "decisions": 1}


def test_a_story_is_one_event_for_each_client_it_concerns(
    tenant: Tenant, nordwind: UUID, story: UUID
) -> None:
    fabrikam = tenant.add_client("Fabrikam")
    for title, snippet, source in TELLINGS[:2]:
        add_candidate(tenant, story, title, nordwind, fabrikam, snippet=snippet, source=source)
    report = classify(plan_for(tenant))
    assert (report.counts["about_the_client"], report.counts["events"]) == (4, 2)
    assert {event.client_id for event in rows(tenant, Event)} == {nordwind, fabrikam}


def test_a_second_pass_judges_nothing_again(tenant: Tenant, nordwind: UUID, story: UUID) -> None:
    tell(tenant, story, nordwind, TELLINGS[0])
    classify(plan_for(tenant))
    before = counts(tenant, *WRITTEN), told(tenant)
    assert classify(plan_for(tenant)).done == 0
    assert (counts(tenant, *WRITTEN), told(tenant)) == before


@pytest.fixture(scope="module")
def undivided() -> list[Any]:
    """What one batch in one order comes to; everything else must come to the same."""
    return []


@pytest.mark.parametrize("order", [0, 5, 9, 14, 23])
@pytest.mark.parametrize("limit", [None, 1, 3])
def test_the_event_is_the_same_whatever_the_batches_and_the_order(
    tenant: Tenant, nordwind: UUID, story: UUID, undivided: list[Any], order: int, limit: int | None
) -> None:
    for telling in list(permutations(TELLINGS))[order]:
        tell(tenant, story, nordwind, telling)
    classify(plan_for(tenant), limit)
    got = told(tenant)
    assert len(got) == 1
    assert got[0]["score_parts"]["outlet_count"] == 4
    assert got[0]["insight"]
    undivided[:] = undivided or got
    assert got == undivided


def test_an_insight_follows_its_event(tenant: Tenant, nordwind: UUID, story: UUID) -> None:
    """The first telling names one kind of event, all of them together another."""
    add_candidate(tenant, story, "Nordwind Energy names Maria Kern chief executive", nordwind, source="A")
    classify(plan_for(tenant))
    [first] = rows(tenant, Insight)
    for source in ("B", "C"):
        add_candidate(tenant, story, DEAL, nordwind, snippet=DEAL_LEAD, source=source)
    classify(plan_for(tenant))
    event = the_event(tenant)
    assert event.category is Category.ACQUISITION
    [now] = rows(tenant, Insight)
    assert now.event_id == event.id
    assert now.meaning != first.meaning
    assert (now.urgency, now.engine) == ("normal", "rules")  # it buys: nothing to do today


def test_only_what_matters_gets_an_insight(tenant: Tenant, story: UUID) -> None:
    small = tenant.add_client("Alba Textiles", tier=None)
    add_candidate(tenant, story, "Alba Textiles opens a visitor centre", small)
    classify(plan_for(tenant))
    assert the_event(tenant).relevance < 0.7
    assert rows(tenant, Insight) == []


def test_a_rewritten_copy_joins_the_event_without_a_new_revision(
    tenant: Tenant, nordwind: UUID, story: UUID
) -> None:
    tell(tenant, story, nordwind, TELLINGS[0])
    classify(plan_for(tenant))
    filtered(tenant)
    tell(tenant, story, nordwind, TELLINGS[1])
    report = classify(plan_for(tenant))
    assert (report.counts["events"], report.counts["updates"]) == (0, 0)
    event = the_event(tenant)
    assert (event.revision, event.what_changed, event.needs_filter) == (1, "", False)
    assert event.score_parts["outlet_count"] == 2
    assert {link.event_id for link in rows(tenant, ArticleClient)} == {event.id}


def test_a_material_update_of_what_was_filtered_is_a_new_revision(
    tenant: Tenant, nordwind: UUID, story: UUID
) -> None:
    tell(tenant, story, nordwind, TELLINGS[0])
    classify(plan_for(tenant))
    filtered(tenant)
    title = "Nordwind Energy completes purchase of Fabrikam"
    add_candidate(tenant, story, title, nordwind, source="Post", at=EARLIER + timedelta(hours=3))
    report = classify(plan_for(tenant))
    assert (report.counts["events"], report.counts["updates"]) == (0, 1)
    event = the_event(tenant)
    assert (event.revision, event.needs_filter) == (2, True)
    assert "completed" in event.what_changed
    # What was told once stays told: the next copy of it changes nothing.
    filtered(tenant)
    add_candidate(tenant, story, title, nordwind, source="Sheet", at=EARLIER + timedelta(hours=4))
    assert classify(plan_for(tenant)).counts["updates"] == 0
    event = the_event(tenant)
    assert (event.revision, event.needs_filter) == (2, False)
    assert "completed" in event.what_changed


def test_before_anybody_was_told_an_update_is_still_the_first_telling(
    tenant: Tenant, nordwind: UUID, story: UUID
) -> None:
    tell(tenant, story, nordwind, TELLINGS[0])
    classify(plan_for(tenant))
    add_candidate(tenant, story, "Nordwind Energy completes purchase of Fabrikam", nordwind, source="Post")
    assert classify(plan_for(tenant)).counts["updates"] == 0
    assert (the_event(tenant).revision, the_event(tenant).needs_filter) == (1, True)


def test_an_article_that_is_not_about_the_client_updates_nothing(
    tenant: Tenant, nordwind: UUID, story: UUID
) -> None:
    """It stands in the same story and tells of a new stage, beside a mere copy that is about the client."""
    tell(tenant, story, nordwind, TELLINGS[0])
    classify(plan_for(tenant))
    filtered(tenant)
    tell(tenant, story, nordwind, TELLINGS[1])
    add_candidate(tenant, story, "Fabrikam: purchase completed for $9.9 billion", nordwind, source="Sheet")
    report = classify(plan_for(tenant))
    assert (report.counts["about_the_client"], report.counts["turned_away"]) == (1, 1)
    assert report.counts["updates"] == 0
    assert the_event(tenant).revision == 1


def test_an_archived_clients_candidates_are_turned_away(tenant: Tenant, nordwind: UUID, story: UUID) -> None:
    tell(tenant, story, nordwind, TELLINGS[0])
    admin = Scope(tenant.business_id, None, Role.SYSTEM)
    archive_client(admin, nordwind)
    report = classify(plan_for(tenant))
    assert (report.done, report.counts["turned_away"]) == (1, 1)
    [link] = rows(tenant, ArticleClient)
    assert link.state is LinkState.REJECTED
    [match] = matches(tenant)
    assert (match.verdict, match.reason_code) == ("not_about", "client_archived")
    assert "archived" in match.reason


def test_an_unsupported_language_is_matched_marked_and_not_mailed(
    tenant: Tenant, nordwind: UUID, story: UUID
) -> None:
    tenant.add_user("maria@example.com", clients=(nordwind,), relevance_threshold=0.0)
    add_candidate(tenant, story, GERMAN, nordwind, snippet="Das Unternehmen will die Anlage ausbauen.")
    plan = plan_for(tenant)
    classify(plan)
    event = the_event(tenant)
    assert (event.language, event.language_supported, event.relevance) == ("de", False, 0.0)
    [verdict] = rows(tenant, Decision, stage=Stage.CLASSIFY)
    assert verdict.reason_code == "language_unsupported"
    assert rows(tenant, Insight) == []
    filter_batch(plan, 100)
    [note] = notes(tenant)
    assert (note.state, note.reason) == (NotificationState.SKIPPED, SkipReason.LANGUAGE_UNSUPPORTED)


@pytest.mark.parametrize("limit", [None, 1])
def test_a_telling_we_can_judge_stands_before_an_earlier_one_we_cannot(
    tenant: Tenant, nordwind: UUID, story: UUID, limit: int | None
) -> None:
    lead = "Das Unternehmen will die Anlage ausbauen."
    add_candidate(tenant, story, GERMAN, nordwind, snippet=lead, source="Blatt")
    later = EARLIER + timedelta(hours=2)
    add_candidate(tenant, story, "Nordwind Energy opens a visitor centre", nordwind, at=later)
    classify(plan_for(tenant), limit)
    event = the_event(tenant)
    assert (event.language, event.language_supported) == ("en", True)
    assert event.relevance > 0


def test_a_plans_clients_limit_what_is_judged(tenant: Tenant, nordwind: UUID, story: UUID) -> None:
    fabrikam = tenant.add_client("Fabrikam")
    add_candidate(tenant, story, DEAL, nordwind, fabrikam, snippet=DEAL_LEAD)
    assert classify(plan_for(tenant, client_ids=(fabrikam,))).done == 1
    assert the_event(tenant).client_id == fabrikam
    assert [k.client_id for k in rows(tenant, ArticleClient, state=LinkState.CANDIDATE)] == [nordwind]
    assert classify(plan_for(tenant)).done == 1
    assert len(rows(tenant, Event)) == 2


def test_a_taught_rule_acts_and_its_undoing_acts(tenant: Tenant, nordwind: UUID) -> None:
    rule = tenant.add(
        ClientMatchRule(
            business_id=tenant.business_id,
            client_id=nordwind,
            kind=MatchRuleKind.EXCLUDE_CONTEXT,
            phrase="visitor centre",
        )
    )
    title = "Nordwind Energy opens a visitor centre"
    add_candidate(tenant, add_story(tenant, title), title, nordwind, source="A")
    classify(plan_for(tenant))
    assert rows(tenant, Event) == []
    [match] = matches(tenant)
    assert (match.reason_code, match.evidence) == ("excluded_by_rule", "visitor centre")
    assert f"rule.{rule}" in match.parts

    change(tenant, ClientMatchRule, undone_at=utc_now())
    add_candidate(tenant, add_story(tenant, title), title, nordwind, source="B")
    classify(plan_for(tenant))
    assert the_event(tenant).title == title


def test_history_ends_with_the_first_telling_that_is_news(
    tenant: Tenant, nordwind: UUID, story: UUID
) -> None:
    add_candidate(tenant, story, DEAL, nordwind, source="A", is_history=True)
    classify(plan_for(tenant))
    assert the_event(tenant).is_history
    add_candidate(tenant, story, DEAL, nordwind, source="B")
    classify(plan_for(tenant))
    assert not the_event(tenant).is_history


def test_an_event_with_an_invented_telling_is_marked(tenant: Tenant, nordwind: UUID, story: UUID) -> None:
    add_candidate(tenant, story, DEAL, nordwind, source="A")
    add_candidate(tenant, story, DEAL, nordwind, source="B", is_mock=True)
    classify(plan_for(tenant))
    assert the_event(tenant).is_mock


def test_a_batch_that_was_cut_off_leaves_nothing(tenant: Tenant, nordwind: UUID, story: UUID) -> None:
    tell(tenant, story, nordwind, TELLINGS[0])
    plan = plan_for(tenant)
    with pytest.raises(Cut), cut_before_commit():
        classify_batch(plan)
    assert counts(tenant, *WRITTEN) == {"events": 0, "insights": 0, "decisions": 0}
    assert classify(plan).counts["events"] == 1


class Meeting:
    """Runs that meet after reading the backlog and before writing: the narrowest race, every time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, runs: int) -> None:
        self.barrier = threading.Barrier(runs)
        self.met = threading.local()
        classify_texts = RulesClassifier.classify

        def punctual(rules: RulesClassifier, texts: Sequence[Text]) -> list[Verdict]:
            if not getattr(self.met, "once", False):
                self.met.once = True
                self.barrier.wait(timeout=60)
            return classify_texts(rules, texts)

        monkeypatch.setattr(RulesClassifier, "classify", punctual)


@pytest.mark.parametrize("limits", [(None, None), (1, None), (2, 3)])
def test_runs_at_the_same_moment_double_nothing(
    tenant: Tenant,
    nordwind: UUID,
    story: UUID,
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int | None, int | None],
) -> None:
    other = add_story(tenant, "Nordwind Energy opens a visitor centre")
    for telling in TELLINGS:
        tell(tenant, story, nordwind, telling)
        add_candidate(tenant, other, "Nordwind Energy opens a visitor centre", nordwind, source=telling[2])
    plans = [plan_for(tenant) for _ in limits]
    Meeting(monkeypatch, len(plans))
    with ThreadPoolExecutor(len(plans)) as pool:
        reports = list(pool.map(classify, plans, limits))
    assert sum(report.done for report in reports) == 2 * len(TELLINGS)
    assert sum(report.counts.get("events", 0) for report in reports) == len(rows(tenant, Event)) == 2
    assert sum(report.counts.get("updates", 0) for report in reports) == 0
    assert len(matches(tenant)) == 2 * len(TELLINGS)
    assert {event.score_parts["outlet_count"] for event in rows(tenant, Event)} == {4}


def test_the_run_that_comes_second_is_told_and_writes_nothing(
    tenant: Tenant, nordwind: UUID, story: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(tenant, story, nordwind, TELLINGS[0])
    plans = [plan_for(tenant), plan_for(tenant)]
    Meeting(monkeypatch, 2)

    def once(plan: Any) -> Any:
        try:
            return classify_batch(plan).done
        except Contended as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        said = sorted(map(str, pool.map(once, plans)))
    assert said == ["1", "another run judged some of these candidates first"]
    assert counts(tenant, *WRITTEN) == {"events": 1, "insights": 1, "decisions": 2}


@pytest.mark.parametrize("what", ["article moved", "event dropped"])
def test_a_story_that_changes_while_it_is_judged_is_judged_again(
    tenant: Tenant, nordwind: UUID, story: UUID, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    elsewhere = add_story(tenant, "Another story", at=EARLIER)
    tell(tenant, story, nordwind, TELLINGS[0])
    if what == "event dropped":
        classify(plan_for(tenant))
        tell(tenant, story, nordwind, TELLINGS[1])
    judge = classify_stage.judge_batch

    def meanwhile(*args: Any) -> Any:
        judged = judge(*args)
        if what == "article moved":
            change(tenant, Article, story_id=elsewhere)
        else:
            change(tenant, ArticleClient, event_id=None, state=LinkState.CANDIDATE)
            with writing(tenant.scope) as session:
                session.exec(delete(Event).execution_options(synchronize_session=False))
        return judged

    monkeypatch.setattr(classify_stage, "judge_batch", meanwhile)
    with pytest.raises(Contended):
        classify_batch(plan_for(tenant))
    monkeypatch.undo()
    classify(plan_for(tenant))
    assert the_event(tenant).story_id == (elsewhere if what == "article moved" else story)
    assert rows(tenant, ArticleClient, state=LinkState.CANDIDATE) == []


def test_another_tenants_candidates_are_left_alone(tenant: Tenant, nordwind: UUID, story: UUID) -> None:
    tell(tenant, story, nordwind, TELLINGS[0])
    assert classify(plan_for(another_tenant())).done == 0
    assert len(rows(tenant, ArticleClient, state=LinkState.CANDIDATE)) == 1


def test_the_parts_of_the_score_sum_to_it(tenant: Tenant, nordwind: UUID, story: UUID) -> None:
    for telling in TELLINGS:
        tell(tenant, story, nordwind, telling)
    classify(plan_for(tenant))
    event = the_event(tenant)
    parts = {name: part for name, part in event.score_parts.items() if name != "outlet_count"}
    assert parts["outlets"] > 0
    assert event.relevance == pytest.approx(min(1, sum(parts.values())), abs=0.001)


def judged_again(tenant: Tenant) -> None:
    """As when a rule that was taught put all that was matched in question."""
    change(tenant, ArticleClient, state=LinkState.CANDIDATE)


@pytest.mark.parametrize("limit", [None, 1, 2])
def test_an_event_judged_again_is_judged_whole_and_stays_as_it_was(
    tenant: Tenant, nordwind: UUID, story: UUID, limit: int | None
) -> None:
    for telling in TELLINGS:
        tell(tenant, story, nordwind, telling)
    classify(plan_for(tenant))
    filtered(tenant)
    before = told(tenant)
    judged_again(tenant)
    report = classify(plan_for(tenant), limit)
    assert (report.counts["judged"], report.counts.get("withdrawn", 0)) == (4, 0)
    assert (report.counts["events"], report.counts["updates"]) == (0, 0)
    assert told(tenant) == before
    assert the_event(tenant).withdrawn_at is None


def test_an_event_loses_what_a_rule_takes_and_goes_with_the_last(
    tenant: Tenant, nordwind: UUID, story: UUID
) -> None:
    for telling in TELLINGS[:2]:
        tell(tenant, story, nordwind, telling)
    classify(plan_for(tenant))
    rule = {"business_id": tenant.business_id, "client_id": nordwind, "kind": MatchRuleKind.EXCLUDE_CONTEXT}
    tenant.add(ClientMatchRule(**rule, phrase="agrees to buy"))
    judged_again(tenant)
    classify(plan_for(tenant))
    event = the_event(tenant)
    assert (event.title, event.withdrawn_at, event.score_parts["outlet_count"]) == (TELLINGS[1][0], None, 1)
    assert {link.state: link.event_id for link in rows(tenant, ArticleClient)} == {
        LinkState.REJECTED: None,
        LinkState.MATCHED: event.id,
    }
    filtered(tenant)
    tenant.add(ClientMatchRule(**rule, phrase="to acquire fabrikam"))
    judged_again(tenant)
    report = classify(plan_for(tenant))
    event = the_event(tenant)
    assert report.counts["withdrawn"] == 1
    assert event.withdrawn_at is not None
    assert event.needs_filter, "its lines are still to be taken back"
    assert rows(tenant, Insight) == []
    change(tenant, ClientMatchRule, undone_at=utc_now())
    judged_again(tenant)
    classify(plan_for(tenant))
    event = the_event(tenant)
    assert (event.withdrawn_at, event.revision, event.needs_filter) == (None, 1, True)
    assert event.score_parts["outlet_count"] == 2


def test_a_cut_while_judging_again_loses_nothing(tenant: Tenant, nordwind: UUID, story: UUID) -> None:
    tell(tenant, story, nordwind, TELLINGS[0])
    classify(plan_for(tenant))
    before = told(tenant)
    judged_again(tenant)
    with pytest.raises(Cut), cut_before_commit():
        classify_batch(plan_for(tenant))
    assert rows(tenant, ArticleClient)[0].state is LinkState.CANDIDATE
    classify(plan_for(tenant))
    assert told(tenant) == before


def test_what_was_told_lately_is_less_new(tenant: Tenant, nordwind: UUID, story: UUID) -> None:
    tell(tenant, story, nordwind, TELLINGS[0])
    classify(plan_for(tenant))
    first = the_event(tenant)
    assert first.score_parts["novelty"] == pytest.approx(0.1)
    again = add_story(tenant, "Once more", at=EARLIER)
    add_candidate(tenant, again, TELLINGS[1][0], nordwind, source="Evening Sheet")
    classify(plan_for(tenant))
    [second] = rows(tenant, Event, story_id=again)
    assert second.score_parts["novelty"] == pytest.approx(0.1)  # nobody was told yet
    moment = utc_now()
    line = Notification(
        business_id=tenant.business_id,
        event_id=first.id,
        user_id=tenant.add_user(),
        client_id=nordwind,
        state=NotificationState.DELIVERED,
        created_at=moment,
        updated_at=moment,
    )
    tenant.add(line)
    change(tenant, ArticleClient, ArticleClient.event_id == second.id, state=LinkState.CANDIDATE)
    classify(plan_for(tenant))
    [second] = rows(tenant, Event, story_id=again)
    assert 0 <= second.score_parts["novelty"] < 0.08
    # Its own telling makes no event older.
    change(tenant, ArticleClient, ArticleClient.event_id == first.id, state=LinkState.CANDIDATE)
    classify(plan_for(tenant))
    [first] = rows(tenant, Event, story_id=story)
    assert first.score_parts["novelty"] == pytest.approx(0.1)
