"""Opens and clicks: scanners are no people, nobody is named who did not agree, rates say what they do not know."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from conftest import Tenant
from desk import rows
from postbox import CHROME, add_mail

from models.audit import AuditLog
from models.base import new_id
from models.mail import DeliveryKind, EmailEvent
from models.returns import Actor, EngagementCount, ReturnKind
from models.scope import Role, Scope
from services.engagement import Engagement, Hit, Rate, rates, set_tracking
from services.engagement.actors import FIRST_SECONDS, classify
from services.subscriptions import consent

OPEN, CLICK = ReturnKind.OPEN, ReturnKind.CLICK
SENT = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
LATER = SENT + timedelta(hours=2)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
OUTLOOK = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


def hit(
    kind: ReturnKind = CLICK, *, at: datetime = LATER, link: str = "https://a.example/", **fields: Any
) -> Hit:
    return Hit(kind=kind, at=at, link=link, **{"user_agent": CHROME} | fields)


@pytest.mark.parametrize(
    "agent", [CHROME, IPHONE, OUTLOOK, "Mozilla/5.0 (X11; Linux x86_64) Thunderbird/145.0"]
)
@pytest.mark.parametrize("kind", [OPEN, CLICK])
def test_a_person_is_a_person(agent: str, kind: ReturnKind) -> None:
    assert classify(hit(kind, user_agent=agent), SENT) is Actor.HUMAN


@pytest.mark.parametrize(
    ("fields", "actor"),
    [
        ({"user_agent": "Mozilla/5.0"}, Actor.MACHINE),  # Apple Mail Privacy Protection
        ({"user_agent": GMAIL}, Actor.UNKNOWN),
        (
            {"user_agent": "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"},
            Actor.UNKNOWN,
        ),
        ({"user_agent": f"{CHROME} OutlookImageProxy"}, Actor.UNKNOWN),
        ({"user_agent": f"{CHROME} SafeLinks"}, Actor.MACHINE),
        ({"user_agent": "Mozilla/5.0 (Windows NT 6.1; Trident/7.0) BingPreview/1.0b"}, Actor.MACHINE),
        ({"user_agent": "Mimecast Web Security"}, Actor.MACHINE),
        ({"user_agent": f"{CHROME} Proofpoint-URLDefense/1.0"}, Actor.MACHINE),
        ({"user_agent": "BarracudaCentral Link Scanner"}, Actor.MACHINE),
        ({"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, Actor.MACHINE),
        ({"user_agent": "python-httpx/0.28"}, Actor.MACHINE),
        ({"user_agent": "Mozilla/5.0 (X11; Linux) HeadlessChrome/140.0"}, Actor.MACHINE),
        ({"user_agent": ""}, Actor.UNKNOWN),
        ({"user_agent": "Something/1.0"}, Actor.UNKNOWN),
        ({"is_head": True}, Actor.MACHINE),
        ({"is_prefetch": True}, Actor.MACHINE),
        ({"told_machine": True}, Actor.MACHINE),
        ({"at": SENT - timedelta(seconds=1)}, Actor.MACHINE),
        ({"at": SENT + FIRST_SECONDS - timedelta(milliseconds=1)}, Actor.MACHINE),
        ({"at": SENT + FIRST_SECONDS}, Actor.HUMAN),
        ({"address": "198.51.100.7"}, Actor.UNKNOWN),
        ({"address": "203.0.113.7"}, Actor.HUMAN),
    ],
)
def test_scanners_and_proxies_are_told_by_rules(fields: dict[str, Any], actor: Actor) -> None:
    from ipaddress import ip_network

    assert classify(hit(**fields), SENT, (ip_network("198.51.100.0/24"),)) is actor


def test_before_sending_is_settled_nobody_can_have_read_it() -> None:
    assert classify(hit(), None) is Actor.MACHINE


class Post:
    """A tenant that tracks, a reader, and a mail that was sent at eight."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.maria = tenant.add_user()
        self.mail = add_mail(tenant, self.maria, sent_at=SENT).id
        self.engagement = Engagement(["198.51.100.0/24"])
        set_tracking(tenant.scope, True)

    def counts(self) -> dict[tuple[str, str], int]:
        return {
            (row.kind.value, row.actor.value): row.hits
            for row in rows(self.tenant, EngagementCount)
            if row.hits
        }

    def person(self) -> Scope:
        return Scope(self.tenant.business_id, self.maria, Role.MANAGER)


@pytest.fixture
def post(tenant: Tenant) -> Post:
    return Post(tenant)


def test_a_click_of_a_person_is_one_and_names_nobody(post: Post) -> None:
    assert post.engagement.take(post.mail, hit()) is Actor.HUMAN
    assert post.engagement.take(post.mail, hit(at=LATER + timedelta(seconds=2))) is None
    assert post.counts() == {("click", "human"): 1}
    [row] = rows(post.tenant, EngagementCount)
    assert (row.day, row.delivery_kind) == (SENT.date(), DeliveryKind.DIGEST)
    assert rows(post.tenant, EmailEvent) == []


def test_a_scanner_that_opens_every_link_at_once_adds_no_person(post: Post) -> None:
    """Such as SafeLinks, Mimecast, Proofpoint and Barracuda do, with the User-Agent of a browser."""
    consent(post.person(), True, now=SENT)
    for number in range(5):
        moment = LATER + timedelta(milliseconds=150 * number)
        post.engagement.take(post.mail, hit(at=moment, link=f"https://a.example/{number}"))
    assert post.counts() == {("click", "machine"): 5}
    assert {row.actor for row in rows(post.tenant, EmailEvent)} == {"machine"}
    # Its reader, an hour later, is one.
    assert post.engagement.take(post.mail, hit(at=LATER + timedelta(hours=1))) is Actor.HUMAN
    assert post.counts() == {("click", "machine"): 5, ("click", "human"): 1}


def test_two_mails_at_the_same_second_are_two_people(post: Post) -> None:
    other = add_mail(post.tenant, post.maria, sent_at=SENT).id
    assert post.engagement.take(post.mail, hit(link="https://a.example/1")) is Actor.HUMAN
    assert post.engagement.take(other, hit(link="https://a.example/2")) is Actor.HUMAN


def test_hits_that_come_at_the_same_time_are_all_counted(post: Post) -> None:
    mails = [add_mail(post.tenant, post.maria, sent_at=SENT).id for _ in range(12)]
    with ThreadPoolExecutor(8) as pool:
        actors = list(pool.map(lambda mail: post.engagement.take(mail, hit()), mails))
    assert actors == [Actor.HUMAN] * 12
    assert post.counts() == {("click", "human"): 12}


def test_a_prefetch_does_not_hide_the_click_after_it(post: Post) -> None:
    post.engagement.take(post.mail, hit(is_prefetch=True))
    assert post.engagement.take(post.mail, hit(at=LATER + timedelta(seconds=3))) is Actor.HUMAN
    assert post.counts() == {("click", "machine"): 1, ("click", "human"): 1}


def test_nothing_is_counted_where_tracking_is_off(post: Post) -> None:
    assert set_tracking(post.tenant.scope, False)
    assert not set_tracking(post.tenant.scope, False)
    assert post.engagement.take(post.mail, hit()) is None
    assert post.engagement.take(new_id(), hit()) is None
    assert rows(post.tenant, EngagementCount) == []
    assert [row.action for row in rows(post.tenant, AuditLog)] == ["tracking.enabled", "tracking.disabled"]


def test_who_agreed_is_kept_by_name_until_they_withdraw(post: Post) -> None:
    consent(post.person(), True, now=LATER)
    post.engagement.take(post.mail, hit(at=LATER - timedelta(minutes=1), link="https://a.example/before"))
    post.engagement.take(post.mail, hit(link="https://a.example/1", target="https://a.example/1"))
    [row] = rows(post.tenant, EmailEvent)
    assert (row.delivery_id, row.kind, row.actor, row.target) == (
        post.mail,
        "click",
        "human",
        "https://a.example/1",
    )
    consent(post.person(), False, now=LATER)
    assert rows(post.tenant, EmailEvent) == []
    assert post.counts() == {("click", "human"): 2}
    actions = [row.action for row in rows(post.tenant, AuditLog)]
    assert actions == ["tracking.enabled", "tracking.consent_given", "tracking.consent_withdrawn"]


def readers(tenant: Tenant, count: int) -> list[UUID]:
    people = [tenant.add_user(f"p{number}@example.com") for number in range(count)]
    return [
        add_mail(tenant, person, f"p{number}@example.com", sent_at=SENT).id
        for number, person in enumerate(people)
    ]


def test_a_rate_says_what_is_certain_and_what_nobody_knows(post: Post) -> None:
    mails = readers(post.tenant, 4)
    for mail in (post.mail, *mails):
        post.engagement.take(mail, hit(OPEN, user_agent=GMAIL, link="pixel"))
        post.engagement.take(mail, hit(OPEN, user_agent="Mozilla/5.0", link="pixel"))
    post.engagement.take(post.mail, hit(at=LATER + timedelta(minutes=1)))
    [rate] = rates(post.tenant.scope, now=SENT + timedelta(days=1))
    assert (rate.delivery_kind, rate.mails, rate.readers, rate.withheld) == (DeliveryKind.DIGEST, 5, 5, False)
    assert rate.opens == {Actor.HUMAN: 0, Actor.MACHINE: 5, Actor.UNKNOWN: 5}
    assert Rate.share(rate.opens, rate.mails) == (0, 1)
    assert Rate.share(rate.clicks, rate.mails) == (0.2, 0.2)
    assert Rate.share(rate.clicks, 0) is None


def test_the_figures_of_a_few_are_withheld(post: Post) -> None:
    post.engagement.take(post.mail, hit())
    [rate] = rates(post.tenant.scope, now=SENT + timedelta(days=1))
    assert (rate.readers, rate.withheld) == (1, True)
    assert sum(rate.clicks.values()) == 0
    assert rates(post.tenant.scope, now=SENT + timedelta(days=90)) == []


def test_only_admins_see_rates_and_turn_tracking(post: Post) -> None:
    with pytest.raises(PermissionError):
        rates(post.person())
    with pytest.raises(PermissionError):
        set_tracking(post.person(), False)
