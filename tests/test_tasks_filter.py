"""The filter stage: a line of the ledger for everybody considered, once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from conftest import NOW, Tenant
from newsroom import add_event, add_many_events, add_run, notes, plan_for
from sqlalchemy import event, update
from sqlmodel import col, select

from models.accounts import Business, ClientPreference, Frequency, User, UserPreference, UserState
from models.base import utc_now
from models.clients import ClientAssignment
from models.engine import reading, writing
from models.events import Decision, Event, Stage
from models.jobs import JobRun
from models.mail import Channel, NotificationState, Route, SkipReason, Suppression
from models.scope import Scope
from tasks.filter.facts import load_people
from tasks.filter.ledger import lines
from tasks.filter.recheck import recheck
from tasks.filter.stage import filter_backlog, filter_batch


def decisions(tenant: Tenant) -> list[Decision]:
    with reading(tenant.scope) as session:
        return list(session.exec(select(Decision).order_by(col(Decision.id))))


def change(tenant: Tenant, model, where, **values):
    with writing(tenant.scope) as session:
        session.exec(update(model).where(where).values(**values))


def revise(tenant: Tenant, event_id, revision: int) -> None:
    change(tenant, Event, col(Event.id) == event_id, revision=revision, needs_filter=True)


def test_everybody_considered_gets_one_line_and_one_decision(tenant):
    acme, other = tenant.add_client("Acme"), tenant.add_client("Other")
    maria = tenant.add_user("maria@example.com", clients=(acme,))
    ivo = tenant.add_user("ivo@example.com", clients=(acme,), frequency=Frequency.INSTANT)
    gone = tenant.add_user("gone@example.com", clients=(acme,), user={"state": UserState.DEACTIVATED})
    every = tenant.add_user("every@example.com", assigned_clients_only=False)
    tenant.add_user("elsewhere@example.com", clients=(other,))
    event_id = add_event(tenant, acme)
    plan = plan_for(tenant)

    report = filter_batch(plan, 100)

    assert report.done == 1
    assert report.counts == {"events": 1, "instant": 1, "digest": 2, "skipped": 1, "skipped_deactivated": 1}
    by_user = {note.user_id: note for note in notes(tenant)}
    assert by_user.keys() == {maria, ivo, gone, every}
    assert (by_user[maria].state, by_user[maria].route) == (NotificationState.WAITING, Route.DIGEST)
    assert by_user[ivo].route is Route.INSTANT
    assert (by_user[gone].state, by_user[gone].reason) == (NotificationState.SKIPPED, SkipReason.DEACTIVATED)
    assert all(note.channel is Channel.EMAIL and note.event_id == event_id for note in by_user.values())
    said = {row.user_id: row for row in decisions(tenant)}
    assert said.keys() == by_user.keys()
    assert said[maria].verdict == "digest"
    assert (said[gone].verdict, said[gone].reason_code) == ("skip", "deactivated")
    assert all(row.stage is Stage.FILTER and row.job_run_id == plan.job_run_id for row in said.values())
    assert said[maria].parts == {"relevance": 0.8, "threshold": 0.5}


def test_invented_news_left_over_from_a_mock_run_reaches_no_mailbox(tenant):
    """A mock run that died after its search leaves a backlog that the next real run takes up."""
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,), frequency=Frequency.INSTANT)
    add_event(tenant, acme, "Invented", is_mock=True)
    filter_batch(plan_for(tenant, deliver=True), 100)
    (note,) = notes(tenant)
    assert (note.channel, note.state, note.reason) == (
        Channel.EMAIL, NotificationState.SKIPPED, SkipReason.INVENTED,
    )  # fmt: skip
    add_event(tenant, acme, "Invented for a demonstration", is_mock=True)
    filter_batch(plan_for(tenant, deliver=False), 100)
    assert {n.state for n in notes(tenant) if n.channel is Channel.FILE} == {NotificationState.WAITING}


def test_a_second_run_does_nothing(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme)
    assert filter_batch(plan_for(tenant), 100).done == 1
    before = notes(tenant), decisions(tenant)
    assert filter_batch(plan_for(tenant), 100).done == 0
    assert (notes(tenant), decisions(tenant)) == before


def test_an_event_set_back_by_hand_is_not_decided_again_on_any_channel(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    event_id = add_event(tenant, acme)
    filter_batch(plan_for(tenant), 100)
    revise(tenant, event_id, 1)
    report = filter_batch(plan_for(tenant, deliver=False), 100)
    assert (report.done, len(notes(tenant)), len(decisions(tenant))) == (1, 1, 1)


def test_nobody_looks_after_the_client(tenant):
    event_id = add_event(tenant, tenant.add_client())
    assert filter_batch(plan_for(tenant), 100).done == 1
    assert notes(tenant) == []
    (row,) = decisions(tenant)
    assert (row.event_id, row.user_id, row.reason_code) == (event_id, None, "not_assigned")
    assert row.reason == "nobody looks after this client"


def test_each_reason_of_a_person_is_seen(tenant):
    acme = tenant.add_client()
    off = tenant.add_user("a@example.com", clients=(acme,), notification_enabled=False)
    no_mail = tenant.add_user("b@example.com", clients=(acme,), email_notifications_enabled=False)
    muted = tenant.add_user("c@example.com", clients=(acme,))
    tenant.add(ClientPreference(business_id=tenant.business_id, user_id=muted, client_id=acme, muted=True))
    bounced = tenant.add_user("D@Example.com", clients=(acme,))
    tenant.add(Suppression(business_id=tenant.business_id, recipient="d@example.com", reason="bounce"))
    lifted = tenant.add_user("e@example.com", clients=(acme,))
    tenant.add(
        Suppression(
            business_id=tenant.business_id, recipient="e@example.com", reason="x", lifted_at=utc_now()
        )
    )
    picky = tenant.add_user("f@example.com", clients=(acme,), notification_categories=["award"])
    strict = tenant.add_user("g@example.com", clients=(acme,), relevance_threshold=0.9)
    lenient = tenant.add_user("h@example.com", clients=(acme,), relevance_threshold=0.9)
    tenant.add(
        ClientPreference(
            business_id=tenant.business_id, user_id=lenient, client_id=acme, relevance_threshold=0.1
        )
    )
    past = tenant.add_user("i@example.com")
    tenant.add(
        ClientAssignment(business_id=tenant.business_id, client_id=acme, user_id=past, ended_at=utc_now())
    )
    add_event(tenant, acme)
    filter_batch(plan_for(tenant), 100)
    assert {note.user_id: note.reason for note in notes(tenant)} == {
        off: SkipReason.NOTIFICATIONS_OFF,
        no_mail: None,
        muted: SkipReason.CLIENT_MUTED,
        bounced: SkipReason.SUPPRESSED,
        lifted: None,
        picky: SkipReason.CATEGORY_NOT_WANTED,
        strict: SkipReason.BELOW_THRESHOLD,
        lenient: None,
    }


def test_who_switched_mail_off_finds_it_in_the_app(tenant):
    acme = tenant.add_client()
    reader = tenant.add_user(clients=(acme,), email_notifications_enabled=False)
    add_event(tenant, acme)
    report = filter_batch(plan_for(tenant), 100)
    (note,) = notes(tenant)
    assert (note.user_id, note.channel, note.state) == (reader, Channel.IN_APP, NotificationState.DELIVERED)
    assert (note.route, note.reason, note.delivery_id) == (Route.IN_APP, None, None)
    assert report.counts["in_app"] == 1
    assert decisions(tenant)[0].reason.endswith("you have switched e-mail off, so it is in the app")


def test_a_dry_run_shows_nothing_in_the_app(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,), email_notifications_enabled=False)
    add_event(tenant, acme)
    filter_batch(plan_for(tenant, deliver=False), 100)
    assert [note.reason for note in notes(tenant)] == [SkipReason.EMAIL_OFF]


def test_who_is_away_gets_it_later_and_who_stands_in_gets_it_now(tenant):
    acme, other = tenant.add_client("Acme"), tenant.add_client("Other")
    cover = tenant.add_user("ivo@example.com", frequency=Frequency.INSTANT)
    away = tenant.add_user("maria@example.com", clients=(acme,), frequency=Frequency.INSTANT)
    tenant.add_user("third@example.com", clients=(other,))
    absence = {"absent_from": NOW.date(), "absent_until": NOW.date() + timedelta(days=3)}
    change(tenant, User, col(User.id) == away, **absence, cover_user_id=cover)
    add_event(tenant, acme)
    filter_batch(plan_for(tenant), 100)
    assert {note.user_id: note.route for note in notes(tenant)} == {away: Route.DIGEST, cover: Route.INSTANT}
    sentences = {row.user_id: row.reason for row in decisions(tenant)}
    assert "waits for one digest on your return" in sentences[away]
    assert "you stand in for Maria" in sentences[cover]


def test_an_unsupported_language_is_kept_but_not_mailed(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme, language="fi", language_supported=False, relevance=0.0)
    filter_batch(plan_for(tenant), 100)
    assert [note.reason for note in notes(tenant)] == [SkipReason.LANGUAGE_UNSUPPORTED]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_the_two_best_items_of_history_pass_whatever_the_batches(tenant, size):
    acme, other = tenant.add_client("Acme"), tenant.add_client("Other")
    tenant.add_user(clients=(acme, other), frequency=Frequency.INSTANT)
    at = NOW - timedelta(days=12)
    for relevance in (0.6, 0.9, 0.5, 0.7, 0.95, 0.2):
        add_event(tenant, acme, f"Old {relevance}", relevance=relevance, is_history=True, at=at)
    add_event(tenant, acme, "Older", is_history=True, at=NOW - timedelta(days=40))
    add_event(tenant, other, "Other's", relevance=0.5, is_history=True, at=at)
    while filter_batch(plan_for(tenant), size).done:
        pass
    with reading(tenant.scope) as session:
        waiting = lines(tenant.scope, session)
    assert [line.title for line in waiting] == ["Old 0.95", "Old 0.9", "Other's"]
    assert all(line.is_history and line.route is Route.DIGEST for line in waiting)
    reasons = Counter(note.reason for note in notes(tenant, state=NotificationState.SKIPPED))
    assert reasons == {SkipReason.HISTORY: 4, SkipReason.BELOW_THRESHOLD: 1}


def test_a_newer_revision_replaces_what_still_waits(tenant):
    acme = tenant.add_client()
    maria = tenant.add_user(clients=(acme,))
    event_id = add_event(tenant, acme)
    filter_batch(plan_for(tenant), 100)
    revise(tenant, event_id, 2)
    report = filter_batch(plan_for(tenant), 100)
    assert report.counts["superseded"] == 1
    first, second = sorted(notes(tenant), key=lambda note: note.revision)
    assert (first.state, first.reason) == (NotificationState.SKIPPED, SkipReason.SUPERSEDED)
    assert (second.state, second.revision, second.user_id) == (NotificationState.WAITING, 2, maria)
    assert [row.reason_code for row in decisions(tenant)].count("superseded") == 1


def test_only_the_plans_clients_and_no_more_than_the_limit(tenant):
    acme, other = tenant.add_client("Acme"), tenant.add_client("Other")
    tenant.add_user(clients=(acme, other))
    for number in range(3):
        add_event(tenant, acme, f"A{number}")
    add_event(tenant, other, "B")
    plan = plan_for(tenant, client_ids=(acme,))
    assert [filter_batch(plan, 2).done for _ in range(3)] == [2, 1, 0]
    assert {note.client_id for note in notes(tenant)} == {acme}
    assert filter_batch(plan_for(tenant), 100).done == 1


def test_a_run_that_may_not_deliver_has_a_channel_of_its_own(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme)
    filter_batch(plan_for(tenant, deliver=False), 100)
    assert [note.channel for note in notes(tenant)] == [Channel.FILE]


def test_two_runs_at_once_decide_everything_once(tenant):
    clients = [tenant.add_client(f"C{number}") for number in range(5)]
    for number in range(3):
        tenant.add_user(f"u{number}@example.com", clients=tuple(clients))
    add_many_events(tenant, clients, 200)
    plans = [plan_for(tenant) for _ in range(2)]

    def drain(plan):
        done = 0
        while batch := filter_batch(plan, 30).done:
            done += batch
        return done

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(drain, plans))
    # On PostgreSQL a run passes over what another holds, and may stop while that one still works.
    assert sum(done) == 200
    assert len(notes(tenant)) == 600
    assert len(decisions(tenant)) == 600


def test_a_crash_in_the_transaction_leaves_the_backlog(tenant):
    acme = tenant.add_client()
    tenant.add_user(clients=(acme,))
    add_event(tenant, acme)
    plan = plan_for(tenant)

    def crash(*_args):
        raise RuntimeError("power cut")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.filter.stage.heartbeat", crash)
        with pytest.raises(RuntimeError):
            filter_batch(plan, 100)
    assert (notes(tenant), decisions(tenant)) == ([], [])
    assert filter_batch(plan, 100).done == 1
    assert (len(notes(tenant)), len(decisions(tenant))) == (1, 1)


def test_the_run_heartbeats(tenant):
    acme = tenant.add_client()
    add_event(tenant, acme)
    run = add_run(tenant, heartbeat_at=NOW - timedelta(hours=1))
    filter_batch(plan_for(tenant, job_run_id=run), 100)
    with reading(tenant.scope) as session:
        assert session.exec(select(JobRun.heartbeat_at).where(JobRun.id == run)).one() > NOW


def test_another_tenants_events_are_not_touched(tenant):
    with writing(Scope.operator()) as session:
        business = Business(slug="other", name="Other")
        session.add(business)
        session.flush()
    stranger = Tenant(business.id)
    theirs = stranger.add_client("Acme")
    stranger.add_user(clients=(theirs,))
    add_event(stranger, theirs)
    mine = tenant.add_client("Acme")
    tenant.add_user(clients=(mine,))
    add_event(tenant, mine)
    assert filter_batch(plan_for(tenant), 100).done == 1
    assert notes(stranger) == []
    assert filter_batch(plan_for(stranger), 100).done == 1
    assert {note.client_id for note in notes(stranger)} == {theirs}


def test_the_backlog_is_read_by_its_partial_index(tenant, db):
    if db.dialect.name == "postgresql":
        pytest.skip("PostgreSQL chooses by statistics, and an empty table has none")
    said = []

    @event.listens_for(db, "before_cursor_execute")
    def listen(_connection, _cursor, statement, parameters, *_rest):
        said.append((statement, parameters))

    with reading(tenant.scope) as session:
        filter_backlog(tenant.scope, session, None, 10)
        statement, parameters = said[-1]
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        assert "ix_events_backlog" in str(plan.all())
    event.remove(db, "before_cursor_execute", listen)


def test_recheck_sees_every_change(tenant):
    acme = tenant.add_client()
    maria = tenant.add_user(clients=(acme,))
    event_id = add_event(tenant, acme)
    filter_batch(plan_for(tenant), 100)

    def verdict(now=NOW):
        with reading(tenant.scope) as session:
            people = load_people(tenant.scope, session, [maria])
            waiting = lines(tenant.scope, session, user_ids=[maria])
            (found,) = recheck(people, waiting, now=now, freshness_days=7).values()
            return found.reason

    assert verdict() is None
    assert verdict(NOW + timedelta(days=8)) is SkipReason.STALE
    assert verdict(NOW + timedelta(days=7, hours=12)) is None, "it waited for its window"
    change(tenant, UserPreference, col(UserPreference.user_id) == maria, relevance_threshold=0.9)
    assert verdict() is SkipReason.BELOW_THRESHOLD
    change(tenant, ClientAssignment, col(ClientAssignment.user_id) == maria, ended_at=utc_now())
    assert verdict() is SkipReason.NOT_ASSIGNED
    change(tenant, Event, col(Event.id) == event_id, revision=2)
    assert verdict() is SkipReason.SUPERSEDED
