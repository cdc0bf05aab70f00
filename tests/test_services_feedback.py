"""Readers' verdicts: narrow rules that can be read, shown before, undone after, and no person once erased."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import EARLIER, add_raw, another_tenant, change, classify, dedupe, rows
from newsroom import add_event, notes, plan_for
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from cli.main import app
from models.accounts import User
from models.audit import AuditLog
from models.clients import ClientMatchRule
from models.engine import reading, writing
from models.events import Decision, Event, Insight
from models.feedback import CategoryMute, Feedback, FeedbackVerdict, forget_person
from models.mail import Notification, NotificationState, SkipReason
from models.news import Article, ArticleClient, LinkState
from models.scope import Role, Scope
from services import feedback
from services.errors import UserError
from services.feedback import listing
from services.muting import set_client_exception
from services.preference_page import preference_page
from services.preferences import change_preferences, undo_change
from services.reactions import reaction
from services.runs import summarise
from services.teaching.threshold import threshold_hint
from services.why import why
from tasks.filter.facts import load_people
from tasks.filter.ledger import lines
from tasks.filter.recheck import recheck
from tasks.filter.stage import filter_batch
from tasks.plan import StageReport

WRONG, NOT_RELEVANT, USEFUL = (
    FeedbackVerdict.WRONG_COMPANY,
    FeedbackVerdict.NOT_RELEVANT,
    FeedbackVerdict.USEFUL,
)
DENTAL = "Velora Dental opens a clinic in Springfield and hires 40 dentists"
DENTAL_AGAIN = "Dentists' union signs a pay deal with Velora Dental in Ohio"
COURT = "Court dismisses a lawsuit against Velora over steel prices"
PRIZE = "Velora wins the national export award for its steel"
PRIZE_AGAIN = "Velora receives the safety award of the steel makers"


# The stages of these tests live in March 2026, and so do the verdicts.
give = partial(feedback.give, now=NOW)
undo = partial(feedback.undo, now=NOW)
preview = partial(feedback.preview, now=NOW)


class Desk:
    """Maria looks after Velora, a steel maker; there is a dental chain of the same name."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.velora = tenant.add_client("Velora", industry="steel", baseline_at=NOW - timedelta(days=9))
        self.other = tenant.add_client("Nordwind Energy", baseline_at=NOW - timedelta(days=9))
        self.maria = tenant.add_user("maria@example.com", clients=(self.velora,), relevance_threshold=0.1)
        self.tom = tenant.add_user("tom@example.com", clients=(self.velora,), relevance_threshold=0.1)
        self.plan = plan_for(tenant)

    def scope(self, user: UUID, role: Role = Role.MANAGER) -> Scope:
        return Scope(business_id=self.tenant.business_id, user_id=user, role=role)

    @property
    def by_maria(self) -> Scope:
        return self.scope(self.maria)

    def find(self, *titles: str) -> None:
        for title in titles:
            add_raw(
                self.tenant,
                title,
                url=f"https://wire.example/{title.lower().replace(' ', '-')}",
                source="The Wire",
            )
        dedupe(self.plan)

    def judge(self) -> StageReport:
        report = classify(self.plan)
        filter_batch(self.plan, 100)
        return report

    def run(self, *titles: str) -> StageReport:
        self.find(*titles)
        return self.judge()

    def event(self, title: str) -> Event:
        [article] = rows(self.tenant, Article, title=title)
        [event] = rows(self.tenant, Event, story_id=article.story_id)
        return event  # type: ignore[no-any-return]

    def link(self, title: str) -> ArticleClient:
        [article] = rows(self.tenant, Article, title=title)
        [link] = rows(self.tenant, ArticleClient, article_id=article.id, client_id=self.velora)
        return link  # type: ignore[no-any-return]

    def lines(self, title: str, user: UUID) -> list[Any]:
        return [
            (line.state, line.reason)
            for line in notes(self.tenant, event_id=self.event(title).id, user_id=user)
        ]


WAITS: list[Any] = [(NotificationState.WAITING, None)]


@pytest.fixture
def desk(tenant: Tenant) -> Desk:
    return Desk(tenant)


def skipped(reason: SkipReason) -> list[Any]:
    return [(NotificationState.SKIPPED, reason)]


@pytest.fixture
def dental(desk: Desk) -> Desk:
    """The dental chain got through: as when the matcher knew no better."""
    desk.run(COURT)
    desk.find(DENTAL)
    # Whatever the matcher makes of this one, here it took it for the client.
    [article] = rows(desk.tenant, Article, title=DENTAL)
    with writing(desk.tenant.scope) as session:
        event = Event(
            business_id=desk.tenant.business_id,
            story_id=article.story_id,
            client_id=desk.velora,
            article_id=article.id,
            category="expansion",
            relevance=0.8,
            sentiment=0.2,
            confidence=0.9,
            title=DENTAL,
            happened_at=EARLIER,
        )
        session.add(event)
    change(
        desk.tenant,
        ArticleClient,
        ArticleClient.article_id == article.id,
        state=LinkState.MATCHED,
        event_id=event.id,
    )
    filter_batch(desk.plan, 100)
    assert desk.lines(DENTAL, desk.maria) == WAITS
    return desk


def test_wrong_company_takes_the_event_back_at_once_for_everybody(dental: Desk) -> None:
    said = give(dental.by_maria, DENTAL, WRONG)
    assert said.effect == "this story, and whatever says “velora dental”, is not about the client"
    for user in (dental.maria, dental.tom):
        assert dental.lines(DENTAL, user) == skipped(SkipReason.WRONG_COMPANY)
    assert dental.event(DENTAL).withdrawn_at is not None
    assert dental.lines(COURT, dental.maria) == WAITS


def test_the_next_run_drops_the_link_and_keeps_its_like_away(dental: Desk) -> None:
    give(dental.by_maria, DENTAL, WRONG)
    report = dental.run(DENTAL_AGAIN)
    assert report.counts["turned_away"] == 2
    for title in (DENTAL, DENTAL_AGAIN):
        assert (dental.link(title).state, dental.link(title).event_id) == (LinkState.REJECTED, None)
    [article] = rows(dental.tenant, Article, title=DENTAL_AGAIN)
    [match] = [d for d in rows(dental.tenant, Decision, article_id=article.id) if d.stage == "match"]
    assert (match.reason_code, match.evidence) == ("excluded_by_rule", "velora dental")
    assert dental.link(COURT).state is LinkState.MATCHED
    assert classify(dental.plan).done == 0, "a second run does nothing"


def test_a_dry_run_shows_what_would_go_and_changes_nothing(dental: Desk) -> None:
    told = preview(dental.by_maria, DENTAL, WRONG)
    assert (told.client, told.title, told.of) == ("Velora", DENTAL, 1)
    assert "velora dental" in told.effect
    assert "longer name" in told.why
    assert told.removes == []
    assert rows(dental.tenant, Feedback) == rows(dental.tenant, ClientMatchRule) == []
    assert dental.lines(DENTAL, dental.maria) == WAITS
    broad = preview(dental.by_maria, DENTAL, WRONG, phrase="in Springfield")
    assert broad.removes == []
    assert "in springfield" in broad.effect


def test_a_rule_in_ones_own_words_shows_what_else_it_would_remove(desk: Desk) -> None:
    desk.run(PRIZE, COURT)
    told = preview(desk.by_maria, PRIZE, WRONG, phrase="steel")
    assert [one.title for one in told.removes] == [COURT]
    assert (told.removes[0].source, told.of) == ("The Wire", 1)


@pytest.mark.parametrize("phrase", ["shipyard", "Velora", "", "  "])
def test_a_rule_must_be_words_of_the_text_and_more_than_the_name(dental: Desk, phrase: str) -> None:
    with pytest.raises(UserError) as caught:
        preview(dental.by_maria, DENTAL, WRONG, phrase=phrase)
    assert caught.value.mend


def test_why_tells_that_it_was_taken_back_and_by_which_rule(dental: Desk) -> None:
    give(dental.by_maria, DENTAL, WRONG)
    told = why(dental.tenant.scope, DENTAL, "tom@example.com")
    assert "not mailed (wrong_company)" in told.answer
    dental.judge()
    told = why(dental.tenant.scope, DENTAL, "tom@example.com")
    assert told.answer == "Found for a client, and judged not to be about it."
    assert told.steps[-1].reason_code == "excluded_by_rule"
    [verdict] = [step for step in told.steps if step.reason_code == "wrong_company"]
    assert "velora dental" in verdict.sentence


def test_where_no_rule_is_safe_only_the_story_goes(desk: Desk) -> None:
    desk.run(COURT, PRIZE)
    said = give(desk.by_maria, PRIZE, WRONG)
    assert said.effect.startswith("this story is not about the client; no rule")
    assert rows(desk.tenant, ClientMatchRule) == []
    desk.judge()
    assert desk.link(PRIZE).state is LinkState.REJECTED
    assert desk.link(COURT).state is LinkState.MATCHED
    [article] = rows(desk.tenant, Article, title=PRIZE)
    last = rows(desk.tenant, Decision, article_id=article.id, stage="match")[-1]
    assert (last.verdict, last.reason_code, last.engine) == ("not_about", "wrong_company", "feedback")
    assert last.reason == "A reader said that this story is about another company."


def test_a_rule_of_one_story_takes_others_back_on_the_next_run(desk: Desk) -> None:
    desk.run(PRIZE, COURT)
    give(desk.by_maria, PRIZE, WRONG, phrase="steel")
    assert desk.lines(COURT, desk.tom) == WAITS, "not before it is judged"
    assert desk.judge().counts["turned_away"] == 2
    assert desk.lines(COURT, desk.tom) == skipped(SkipReason.WRONG_COMPANY)
    assert desk.event(COURT).withdrawn_at is not None
    assert rows(desk.tenant, Insight) == []


@pytest.mark.parametrize("ran", [True, False])
def test_undone_it_is_as_it_was(dental: Desk, ran: bool) -> None:
    said = give(dental.by_maria, DENTAL, WRONG)
    if ran:
        dental.run(DENTAL_AGAIN)
    again, judged = undo(dental.by_maria, str(said.id))
    assert again.undone_at is not None
    assert judged == (2 if ran else 1)
    [rule] = rows(dental.tenant, ClientMatchRule)
    assert rule.undone_at is not None
    classify(dental.plan)
    # What the matcher says without the rule is what counts again.
    for title in (DENTAL, *([DENTAL_AGAIN] if ran else [])):
        [article] = rows(dental.tenant, Article, title=title)
        last = rows(dental.tenant, Decision, article_id=article.id, stage="match")[-1]
        assert last.reason_code not in {"excluded_by_rule", "wrong_company"}


def test_undone_what_was_taken_back_waits_again_and_is_mailed_once(desk: Desk) -> None:
    desk.run(PRIZE)
    said = give(desk.by_maria, PRIZE, WRONG)
    desk.judge()
    assert desk.lines(PRIZE, desk.tom) == skipped(SkipReason.WRONG_COMPANY)
    undo(desk.by_maria, said.id.hex[-8:])
    desk.judge()
    assert desk.event(PRIZE).withdrawn_at is None
    assert desk.event(PRIZE).revision == 1
    for user in (desk.maria, desk.tom):
        assert desk.lines(PRIZE, user) == WAITS


def test_what_was_mailed_already_is_not_mailed_again_when_undone(desk: Desk) -> None:
    desk.run(PRIZE)
    change(desk.tenant, Notification, state=NotificationState.DELIVERED)
    said = give(desk.by_maria, PRIZE, WRONG)
    desk.judge()
    undo(desk.by_maria, str(said.id))
    desk.judge()
    assert desk.lines(PRIZE, desk.tom) == [(NotificationState.DELIVERED, None)]


def test_what_is_in_a_mail_on_its_way_is_dropped_when_that_is_claimed(desk: Desk) -> None:
    desk.run(PRIZE)
    change(desk.tenant, Notification, state=NotificationState.ATTACHED)
    give(desk.by_maria, PRIZE, WRONG)
    scope = desk.tenant.scope
    with reading(scope) as session:
        held = lines(scope, session, states=(NotificationState.ATTACHED,))
        verdicts = recheck(load_people(scope, session), held, now=NOW, freshness_days=7)
    assert [verdict.reason for verdict in verdicts.values()] == [SkipReason.WRONG_COMPANY] * 2


def test_of_several_articles_the_others_go_with_the_story_and_late_ones_too(desk: Desk) -> None:
    desk.run(PRIZE, f"{PRIZE} division")
    assert len(rows(desk.tenant, Event)) == 1
    give(desk.by_maria, PRIZE, WRONG)
    desk.run(f"{PRIZE} unit")
    assert {link.state for link in rows(desk.tenant, ArticleClient)} == {LinkState.REJECTED}
    assert desk.event(PRIZE).withdrawn_at is not None


def test_not_relevant_mutes_the_kind_at_that_client_for_that_reader(desk: Desk) -> None:
    desk.run(PRIZE, COURT)
    told = preview(desk.by_maria, PRIZE, NOT_RELEVANT)
    assert (told.effect, told.of, told.removes) == ("no more award news of Velora for this reader", 1, [])
    give(desk.by_maria, PRIZE, NOT_RELEVANT)
    assert desk.lines(PRIZE, desk.maria) == skipped(SkipReason.CATEGORY_MUTED)
    assert desk.lines(PRIZE, desk.tom) == WAITS
    assert desk.lines(COURT, desk.maria) == WAITS
    desk.run(PRIZE_AGAIN)
    assert desk.lines(PRIZE_AGAIN, desk.maria) == skipped(SkipReason.CATEGORY_MUTED)
    assert desk.lines(PRIZE_AGAIN, desk.tom) == WAITS
    said = [d.reason for d in rows(desk.tenant, Decision, user_id=desk.maria) if d.verdict == "skip"]
    assert "you said that award news of this client is not relevant to you" in said


def test_a_mute_undone_gives_back_what_it_kept(desk: Desk) -> None:
    desk.run(PRIZE)
    said = give(desk.by_maria, PRIZE, NOT_RELEVANT)
    _, back = undo(desk.by_maria, str(said.id))
    assert back == 1
    assert desk.lines(PRIZE, desk.maria) == WAITS
    desk.run(PRIZE_AGAIN)
    assert desk.lines(PRIZE_AGAIN, desk.maria) == WAITS


def test_said_twice_is_said_once(desk: Desk) -> None:
    desk.run(PRIZE)
    first = give(desk.by_maria, PRIZE, NOT_RELEVANT)
    assert give(desk.by_maria, PRIZE, NOT_RELEVANT).id == first.id
    assert len(rows(desk.tenant, Feedback)) == len(rows(desk.tenant, CategoryMute)) == 1
    give(desk.scope(desk.tom), PRIZE, USEFUL)
    assert [one.verdict for one in listing(desk.tenant.scope)] == ["useful", "not_relevant"]


def test_a_rule_that_two_taught_goes_with_the_second(dental: Desk) -> None:
    first = give(dental.by_maria, DENTAL, WRONG)
    second = give(dental.scope(dental.tom), DENTAL, WRONG)
    [rule] = rows(dental.tenant, ClientMatchRule)
    undo(dental.by_maria, str(first.id))
    assert rows(dental.tenant, ClientMatchRule)[0].undone_at is None
    undo(dental.scope(dental.tom), str(second.id))
    assert rows(dental.tenant, ClientMatchRule, id=rule.id)[0].undone_at is not None


def test_who_may_say_what(desk: Desk) -> None:
    desk.run(PRIZE)
    stranger = desk.tenant.add_user("eve@example.com")
    viewer = desk.scope(desk.maria, Role.VIEWER)
    with pytest.raises(PermissionError, match="viewer"):
        give(viewer, PRIZE, WRONG)
    with pytest.raises(PermissionError, match="look after Velora"):
        give(desk.scope(stranger), PRIZE, WRONG)
    with pytest.raises(PermissionError, match="say whose"):
        give(desk.tenant.scope, PRIZE, NOT_RELEVANT)
    with pytest.raises(PermissionError):
        preview(viewer, PRIZE, WRONG)
    said = give(viewer, PRIZE, NOT_RELEVANT)
    with pytest.raises(PermissionError, match="only an admin"):
        undo(desk.scope(desk.tom), str(said.id))
    give(desk.scope(stranger, Role.ADMIN), PRIZE, WRONG)
    undo(desk.scope(stranger, Role.ADMIN), str(said.id))


def test_what_others_said_is_told_without_their_name(desk: Desk) -> None:
    desk.run(PRIZE)
    give(desk.by_maria, PRIZE, NOT_RELEVANT, note="prizes bore me")
    [mine] = listing(desk.by_maria)
    [theirs] = listing(desk.scope(desk.tom))
    [admins] = listing(desk.scope(desk.tom, Role.ADMIN))
    assert (mine.person, theirs.person, admins.person) == ("maria@example.com", "", "maria@example.com")


def test_the_record_keeps_the_rule_and_not_the_person(dental: Desk) -> None:
    dental.run(PRIZE)
    give(dental.by_maria, DENTAL, WRONG, note="maria knows them")
    give(dental.by_maria, PRIZE, NOT_RELEVANT)
    with pytest.raises(IntegrityError), writing(dental.tenant.scope) as session:
        session.delete(session.get_one(User, dental.maria))
    with writing(dental.tenant.scope) as session:
        assert forget_person(dental.tenant.scope, session, dental.maria) == 2
        session.delete(session.get_one(User, dental.maria))
    told = listing(dental.tenant.scope)
    assert [one.person for one in told] == ["", ""]
    assert [one.note for one in told] == ["", ""]
    assert any("velora dental" in one.effect for one in told)
    assert len(rows(dental.tenant, ClientMatchRule)) == 1
    assert rows(dental.tenant, CategoryMute) == []
    dental.run(DENTAL_AGAIN)
    assert dental.link(DENTAL_AGAIN).state is LinkState.REJECTED


def test_everything_is_audited_without_the_text(dental: Desk) -> None:
    said = give(dental.by_maria, DENTAL, WRONG)
    undo(dental.by_maria, str(said.id))
    log = [(row.action, row.actor_id) for row in rows(dental.tenant, AuditLog)]
    assert log[-2:] == [("feedback.given", dental.maria), ("feedback.undone", dental.maria)]
    assert all(DENTAL not in str(row.details) for row in rows(dental.tenant, AuditLog))
    assert not [d for d in rows(dental.tenant, Decision, engine="feedback") if d.user_id is not None]


def test_an_event_is_named_clearly_or_asked_for(desk: Desk) -> None:
    both = "Velora and Nordwind Energy sign a steel supply deal for wind towers"
    desk.run(PRIZE, both)
    with pytest.raises(UserError, match="several clients: Nordwind Energy, Velora"):
        preview(desk.by_maria, both, NOT_RELEVANT)
    assert preview(desk.by_maria, both, NOT_RELEVANT, client="velora").client == "Velora"
    assert preview(desk.by_maria, str(desk.event(PRIZE).id), NOT_RELEVANT).title == PRIZE
    for wanted, client in (("never heard of", None), (PRIZE, "Nordwind Energy"), ("", None)):
        with pytest.raises(UserError):
            preview(desk.by_maria, wanted, NOT_RELEVANT, client=client)
    with pytest.raises(UserError, match="no verdict in force"):
        undo(desk.by_maria, "00000000")


def test_nothing_is_taught_across_tenants(desk: Desk) -> None:
    desk.run(PRIZE)
    other = another_tenant()
    spy = other.add_user("spy@example.com")
    scope = Scope(business_id=other.business_id, user_id=spy, role=Role.OWNER)
    said = give(desk.by_maria, PRIZE, NOT_RELEVANT)
    for attempt in (PRIZE, str(desk.event(PRIZE).id)):
        with pytest.raises(UserError):
            give(scope, attempt, WRONG)
    with pytest.raises(UserError):
        undo(scope, str(said.id))
    assert listing(scope) == []


def test_a_withdrawn_event_is_no_news_of_a_run(desk: Desk) -> None:
    desk.run(PRIZE)
    give(desk.by_maria, PRIZE, WRONG)
    [velora] = [
        line for line in summarise(desk.tenant.scope, desk.plan.job_run_id).clients if line.name == "Velora"
    ]
    assert (velora.events, velora.top) == (0, "")


def test_an_admin_reads_what_was_said_page_by_page(desk: Desk) -> None:
    desk.run(PRIZE, COURT)
    said = [give(desk.by_maria, PRIZE, USEFUL), give(desk.scope(desk.tom), PRIZE, NOT_RELEVANT, note="dull")]
    said.append(give(desk.by_maria, COURT, USEFUL))
    undo(desk.by_maria, str(said[0].id))
    scope = desk.tenant.scope
    first = feedback.page(scope, undone=True, limit=2)
    rest = feedback.page(scope, undone=True, limit=2, after=first.next)
    assert [one.id for one in (*first.said, *rest.said)] == [one.id for one in reversed(said)]
    assert (bool(first.next), rest.next) == (True, "")
    dull = first.said[1]
    assert (dull.person, dull.client, dull.title, dull.note) == ("tom@example.com", "Velora", PRIZE, "dull")
    assert [one.id for one in feedback.page(scope).said] == [said[2].id, said[1].id]
    assert [one.id for one in feedback.page(scope, verdict=USEFUL).said] == [said[2].id]
    with pytest.raises(UserError):
        feedback.page(scope, after="nowhere")


def test_what_everybody_said_is_for_admins_of_the_tenant(desk: Desk) -> None:
    desk.run(PRIZE)
    give(desk.by_maria, PRIZE, USEFUL)
    assert feedback.page(another_tenant().scope, undone=True).said == ()
    with pytest.raises(PermissionError):
        feedback.page(desk.by_maria)


def test_verdicts_hint_at_a_threshold_which_the_person_may_take_and_take_back(tenant: Tenant) -> None:
    acme, bolt = tenant.add_client("Acme"), tenant.add_client("Bolt")
    maria = tenant.add_user("maria@example.com", clients=(acme, bolt))
    me = Scope(business_id=tenant.business_id, user_id=maria, role=Role.MANAGER)
    found = {
        f"N{value}": add_event(tenant, acme, f"N{value}", relevance=value) for value in (0.52, 0.55, 0.58)
    }
    filter_batch(plan_for(tenant), 100)
    said = [give(me, str(event), NOT_RELEVANT) for event in list(found.values())[:2]]
    assert threshold_hint(me, maria, now=NOW) is None
    said.append(give(me, str(found["N0.58"]), NOT_RELEVANT))
    hint = threshold_hint(me, maria, now=NOW)
    assert hint is not None
    assert hint.sentence == (
        "a threshold of 0.60 instead of 0.50 would have kept away all 3 called not relevant lately, and nothing "
        "called useful"
    )
    assert reaction(me, found["N0.52"], NOT_RELEVANT, now=NOW).hint == hint.sentence
    assert preference_page(me, maria, now=NOW).hint == hint.sentence
    # It is the person's own, counts 90 days, and holds for the general threshold only.
    with pytest.raises(PermissionError):
        threshold_hint(Scope(tenant.business_id, tenant.add_user("ivo@example.com"), Role.MANAGER), maria)
    assert threshold_hint(me, maria, now=NOW + timedelta(days=91)) is None
    undo(me, str(said[0].id))
    assert threshold_hint(me, maria, now=NOW) is None
    give(me, str(found["N0.52"]), NOT_RELEVANT)
    set_client_exception(me, maria, acme, {"threshold": 0.55}, now=NOW)
    assert threshold_hint(me, maria, now=NOW) is None
    set_client_exception(me, maria, acme, {"threshold": None}, now=NOW)
    # Taken, it acts on the next run; taken back, it is as it was.
    change_preferences(me, maria, {"threshold": hint.threshold}, now=NOW)
    assert threshold_hint(me, maria, now=NOW) is None
    add_event(tenant, bolt, "Chatter", relevance=0.55)
    filter_batch(plan_for(tenant), 100)
    assert [line.reason for line in notes(tenant, client_id=bolt)] == [SkipReason.BELOW_THRESHOLD]
    undo_change(me, maria, now=NOW)
    assert threshold_hint(me, maria, now=NOW) == hint


def test_the_command_line_shows_the_hint_and_how_to_take_it(tenant: Tenant) -> None:
    acme = tenant.add_client()
    tenant.add_user("maria@example.com", clients=(acme,))
    said = []
    for value in (0.52, 0.55, 0.58):
        event = add_event(tenant, acme, f"N{value}", relevance=value)
        words = ["feedback", "give", str(event), "not-relevant", "--user", "maria@example.com"]
        said.append(CliRunner().invoke(app, words).output)
    take = "client-monitor preferences set maria@example.com threshold=0.6"
    assert [take in output for output in said] == [False, False, True]
    assert take in CliRunner().invoke(app, ["preferences", "show", "maria@example.com"]).output
