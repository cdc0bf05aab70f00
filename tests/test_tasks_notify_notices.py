"""What a mail says besides news: notices, days of silence, the week in numbers."""

import zlib
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from conftest import NOW, Tenant
from desk import rows
from newsroom import add_event, add_run, add_story

from models.accounts import User
from models.clients import Client
from models.engine import reading
from models.events import Category
from models.jobs import RunState
from models.mail import Delivery, DeliveryKind, DeliveryState, EmailBody
from models.news import Article, ArticleClient
from tasks.notify.notices import post
from tasks.notify.silence import silence
from tasks.notify.stage import digest_batch
from tasks.notify.trend import trend

DAY = timedelta(days=1)


def person(tenant: Tenant) -> User:
    tenant.add_user("maria@example.com")
    [found] = rows(tenant, User)
    assert isinstance(found, User)
    return found


def test_a_notice_is_posted_once_a_cause_and_sent(tenant: Tenant) -> None:
    maria = person(tenant)
    told = {"heading": "You are invited", "body": ("Welcome.", "Open the app."), "at": NOW}
    first = post(tenant.scope, maria, DeliveryKind.SYSTEM, "invitation:1", **told)
    assert first is not None
    assert post(tenant.scope, maria, DeliveryKind.SYSTEM, "invitation:1", **told) is None
    assert post(tenant.scope, maria, DeliveryKind.SYSTEM, "invitation:2", **told) is not None
    while digest_batch(tenant.business_id, NOW).done:
        pass
    sent = [mail for mail in rows(tenant, Delivery) if mail.kind is DeliveryKind.SYSTEM]
    assert [mail.state for mail in sent] == [DeliveryState.SENT, DeliveryState.SENT]
    assert {mail.subject for mail in sent} == {"You are invited"}
    bodies = [zlib.decompress(body.mime) for body in rows(tenant, EmailBody)]
    assert all(b"Welcome." in body and b"List-Unsubscribe" not in body for body in bodies)


def test_a_notice_may_have_a_button_of_its_own_and_go_to_another_address(tenant: Tenant) -> None:
    maria = person(tenant)
    told = {"heading": "Confirm", "body": ("Please.",), "at": NOW, "recipient": "new@example.com"}
    link = "https://monitor.example/web/join/abc"
    post(tenant.scope, maria, DeliveryKind.SYSTEM, "a", action=("Join <now>", link), **told)
    [mail] = rows(tenant, Delivery)
    message = message_from_bytes(zlib.decompress(rows(tenant, EmailBody)[0].mime), policy=default)
    html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))  # type: ignore[union-attr]
    assert (mail.recipient, message["To"].addresses[0].addr_spec) == ("new@example.com", "new@example.com")
    assert f"Join <now>: {link}" in text
    assert f'href="{link}"' in html
    assert "Join &lt;now&gt;" in html
    assert "Open Client Monitor" not in html + text


def silent(tenant: Tenant, days: int = 3, *, weekly: bool = False) -> str:
    with reading(tenant.scope) as session:
        return silence(tenant.scope, session, NOW, clients=None, silent_days=days, weekly=weekly)


def searched(tenant: Tenant, ago: timedelta) -> None:
    add_run(tenant, state=RunState.COMPLETED, started_at=NOW - ago, finished_at=NOW - ago)


def found(tenant: Tenant, client_id: object, ago: timedelta) -> None:
    story = add_story(tenant, "Something")
    article = Article(
        business_id=tenant.business_id,
        identity=str(ago),
        title="Something",
        first_seen_at=NOW - ago,
        story_id=story,
    )
    tenant.add(article)
    tenant.add(ArticleClient(business_id=tenant.business_id, article_id=article.id, client_id=client_id))


@pytest.mark.parametrize(
    ("days", "said"), [(0, False), (2, False), (3, True), (4, False), (9, False), (10, True), (17, True)]
)
def test_silence_is_said_when_it_has_lasted_and_then_weekly(tenant: Tenant, days: int, said: bool) -> None:
    acme = tenant.add_client(created_at=NOW - 90 * DAY)
    searched(tenant, timedelta(hours=1))
    found(tenant, acme, days * DAY + timedelta(hours=2))
    assert bool(silent(tenant)) is said
    if said:
        assert f"{days} days" in silent(tenant)


def test_a_weekly_digest_says_it_as_long_as_it_lasts(tenant: Tenant) -> None:
    acme = tenant.add_client(created_at=NOW - 90 * DAY)
    searched(tenant, timedelta(hours=1))
    found(tenant, acme, 5 * DAY)
    assert "5 days" in silent(tenant, weekly=True)


def test_a_search_that_stopped_is_said_first(tenant: Tenant) -> None:
    tenant.add_client(created_at=NOW - 90 * DAY)
    searched(tenant, 3 * DAY + timedelta(hours=1))
    assert silent(tenant).startswith("No search for news has succeeded for 3 days")


def test_a_client_that_is_new_is_not_silent(tenant: Tenant) -> None:
    tenant.add_client(created_at=NOW - DAY)
    searched(tenant, timedelta(hours=1))
    assert silent(tenant) == ""


def test_nobody_to_watch_is_no_silence(tenant: Tenant) -> None:
    assert silent(tenant) == ""


def test_the_week_in_numbers(tenant: Tenant) -> None:
    acme, bolt, corvus = (tenant.add_client(name) for name in ("Acme", "Bolt", "Corvus"))
    for number in range(3):
        add_event(tenant, acme, f"A{number}", at=NOW - timedelta(days=1, hours=number))
    add_event(tenant, acme, "Before", at=NOW - 8 * DAY)
    add_event(tenant, acme, "Long ago", at=NOW - 20 * DAY)
    add_event(tenant, acme, "Background", at=NOW - DAY, is_history=True)
    add_event(tenant, acme, "Chatter", at=NOW - DAY, category=Category.OTHER)
    add_event(tenant, bolt, "B", at=NOW - 2 * DAY)
    add_event(tenant, corvus, "Only before", at=NOW - 9 * DAY)
    with reading(tenant.scope) as session:
        every = trend(tenant.scope, session, NOW, clients=None)
        mine = trend(tenant.scope, session, NOW, clients={bolt})
        assert session.get(Client, corvus)
    assert [(row.client, row.this_week, row.last_week) for row in every] == [("Acme", 3, 1), ("Bolt", 1, 0)]
    assert [row.client for row in mine] == ["Bolt"]
