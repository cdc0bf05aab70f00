"""A client changes hands: what waits moves, what was told stays."""

from datetime import timedelta

from conftest import Tenant
from newsroom import add_event, notes, plan_for

from models.base import utc_now
from models.mail import NotificationState, SkipReason
from services.clients import assign_people
from tasks.filter.stage import filter_batch
from tasks.notify.planning import plan_digests


def decide(tenant: Tenant) -> None:
    filter_batch(plan_for(tenant, as_of=utc_now()), 100)


def lines_of(tenant: Tenant, user_id: object) -> list[tuple[NotificationState, SkipReason | None]]:
    return [(note.state, note.reason) for note in notes(tenant) if note.user_id == user_id]


def test_what_waits_moves_to_the_new_reader(tenant: Tenant) -> None:
    acme, other = tenant.add_client("Acme"), tenant.add_client("Other")
    old = tenant.add_user("old@example.com", clients=(acme, other))
    new = tenant.add_user("new@example.com")
    add_event(tenant, acme, "Acme grows", at=utc_now())
    add_event(tenant, other, "Other grows", at=utc_now())
    decide(tenant)
    assign_people(tenant.scope, acme, [new])
    assert lines_of(tenant, new) == [(NotificationState.WAITING, None)]
    assert sorted(lines_of(tenant, old)) == [
        (NotificationState.SKIPPED, SkipReason.NOT_ASSIGNED),
        (NotificationState.WAITING, None),
    ]


def test_what_somebody_was_told_is_not_told_again(tenant: Tenant) -> None:
    acme = tenant.add_client()
    old, new = tenant.add_user("old@example.com", clients=(acme,)), tenant.add_user("new@example.com")
    add_event(tenant, acme, "Acme grows", at=utc_now() - timedelta(hours=30))
    decide(tenant)
    plan_digests(tenant.scope, utc_now())
    assign_people(tenant.scope, acme, [new])
    assert lines_of(tenant, new) == []
    assert [state for state, _ in lines_of(tenant, old)] == [NotificationState.ATTACHED]


def test_news_that_nobody_looked_after_finds_its_first_reader(tenant: Tenant) -> None:
    acme = tenant.add_client()
    add_event(tenant, acme, "Fresh", at=utc_now())
    add_event(tenant, acme, "Old", at=utc_now() - timedelta(days=20))
    decide(tenant)
    new = tenant.add_user("new@example.com")
    assign_people(tenant.scope, acme, [new])
    assert lines_of(tenant, new) == [(NotificationState.WAITING, None)]


def test_giving_a_client_back_doubles_no_line(tenant: Tenant) -> None:
    acme = tenant.add_client()
    one, two = tenant.add_user("one@example.com", clients=(acme,)), tenant.add_user("two@example.com")
    add_event(tenant, acme, "Acme grows", at=utc_now())
    decide(tenant)
    for people in ([two], [one], [two], [one]):
        assign_people(tenant.scope, acme, people)
    assert lines_of(tenant, one) == [(NotificationState.WAITING, None)]
    assert lines_of(tenant, two) == [(NotificationState.SKIPPED, SkipReason.NOT_ASSIGNED)]


def test_a_colleague_who_joins_gets_what_still_waits(tenant: Tenant) -> None:
    acme = tenant.add_client()
    one, two = tenant.add_user("one@example.com", clients=(acme,)), tenant.add_user("two@example.com")
    add_event(tenant, acme, "Acme grows", at=utc_now())
    decide(tenant)
    assign_people(tenant.scope, acme, [one, two])
    waiting = [(NotificationState.WAITING, None)]
    assert (lines_of(tenant, one), lines_of(tenant, two)) == (waiting, waiting)
