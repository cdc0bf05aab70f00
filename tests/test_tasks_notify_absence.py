"""Who is away gets nothing meanwhile and one capped digest on return; silence is mailed though there is no news."""

from datetime import date, timedelta

import pytest
from conftest import NOW, Tenant
from newsroom import add_event, add_run, mails, notes, plan_for
from test_tasks_notify_compose import Answers, digest

from models.accounts import Frequency
from models.clock import FixedClock
from models.jobs import RunState
from models.mail import DeliveryKind, DeliveryState, NotificationState, SkipReason
from models.news import SourceResult, SourceState
from services.preferences import change_preferences
from services.replay import replay_digests
from tasks.filter.stage import filter_batch

DAY = timedelta(days=1)


@pytest.mark.parametrize("frequency", [Frequency.INSTANT, Frequency.DAILY])
def test_one_capped_digest_on_return_with_all_that_waited(tenant: Tenant, frequency: Frequency) -> None:
    clients = [tenant.add_client(f"Client {number}") for number in range(8)]
    maria = tenant.add_user(clients=tuple(clients), frequency=frequency)
    away = {"absent_from": date(2026, 3, 10), "absent_until": date(2026, 3, 18)}
    change_preferences(tenant.scope, maria, away, now=NOW)
    transport = Answers()
    for day in range(9):  # longer than news waits for others
        now = NOW + day * DAY
        add_event(tenant, clients[day % 8], f"A{day}", at=now, relevance=0.9)
        add_event(tenant, clients[day % 8], f"B{day}", at=now, relevance=0.8)
        filter_batch(plan_for(tenant, as_of=now), 100, clock=FixedClock(now))
        digest(tenant, now, transport=transport)
    assert transport.accepted == []
    assert [mail for mail in mails(tenant) if mail.kind is not DeliveryKind.DIGEST] == []
    assert {note.state for note in notes(tenant)} == {NotificationState.WAITING}
    for tick in range(3):
        digest(tenant, NOW + 9 * DAY + tick * timedelta(minutes=5), transport=transport)
    assert len(transport.accepted) == 1
    [sent] = mails(tenant, state=DeliveryState.SENT)
    assert (sent.kind, sent.slot, sent.item_count, sent.more_count) == (
        DeliveryKind.DIGEST,
        "daily:2026-03-19",
        10,
        8,
    )
    left = notes(tenant, state=NotificationState.SKIPPED)
    assert {note.reason for note in left} == {SkipReason.OVER_LIMIT}
    assert len(left) + sent.item_count == 18


def test_who_comes_back_early_gets_it_with_the_next_window(tenant: Tenant) -> None:
    acme = tenant.add_client()
    maria = tenant.add_user(clients=(acme,))
    change_preferences(
        tenant.scope, maria, {"absent_from": date(2026, 3, 10)}, now=NOW
    )  # until further notice
    add_event(tenant, acme, at=NOW)
    filter_batch(plan_for(tenant), 100, clock=FixedClock(NOW))
    transport = Answers()
    digest(tenant, NOW + 3 * DAY, transport=transport)
    assert transport.accepted == []
    change_preferences(tenant.scope, maria, {"absent_from": ""}, now=NOW + 3 * DAY)
    digest(tenant, NOW + 4 * DAY, transport=transport)
    assert len(transport.accepted) == 1


def test_days_of_silence_are_mailed_and_a_day_without_news_is_not(tenant: Tenant) -> None:
    # Said on the third day, and then a week later: 08:00 of the 12th is three days after the 9th, 06:00.
    acme = tenant.add_client(created_at=NOW.replace(day=9, hour=6))
    tenant.add_user(clients=(acme,))
    transport = Answers()
    for day in range(4):
        now = NOW + day * DAY
        add_run(tenant, state=RunState.COMPLETED, started_at=now, finished_at=now)
        digest(tenant, now, transport=transport)
    [mail] = transport.accepted
    assert b"Nothing at all was found about your client for 3 days" in mail.data.replace(b"=\r\n", b"")
    assert [one.state for one in mails(tenant)] == [
        DeliveryState.EMPTY,
        DeliveryState.EMPTY,
        DeliveryState.SENT,
        DeliveryState.EMPTY,
    ]


def test_a_replay_writes_nothing_for_who_is_away_for_longer_than_it_looks(tenant: Tenant) -> None:
    acme = tenant.add_client()
    maria = tenant.add_user("maria@example.com", clients=(acme,))
    tenant.add_user("ivo@example.com", clients=(acme,))
    change_preferences(tenant.scope, maria, {"absent_from": NOW.date()}, now=NOW)
    plan = plan_for(tenant, deliver=False, sources=("archive:day.jsonl",))
    read = {"source_api": "archive", "unit": "day.jsonl", "state": SourceState.OK}
    tenant.add(SourceResult(business_id=tenant.business_id, job_run_id=plan.job_run_id, **read))
    add_event(tenant, acme)
    filter_batch(plan, 100, clock=FixedClock(NOW))
    replay_digests(plan)
    assert [mail.recipient for mail in mails(tenant)] == ["ivo@example.com"]
