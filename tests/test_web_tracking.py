"""Pixel and redirect: signed destinations only, counted where tracking is on, never between a reader and an article."""

from datetime import timedelta
from typing import Any

import pytest
from conftest import Tenant
from desk import rows
from postbox import Door, add_mail, links_of, settings_with

from models.engine import engine_for
from models.mail import Delivery
from models.returns import EngagementCount
from models.settings import get_settings
from models.tokens import Purpose, tokens_of
from services.engagement import set_tracking
from tasks.notify.links import Links

ARTICLE = "https://publisher.example/news?id=1&x=%22"


@pytest.fixture
def mail(tenant: Tenant) -> Delivery:
    set_tracking(tenant.scope, True)
    return add_mail(tenant, tenant.add_user())


@pytest.fixture
def links(mail: Delivery) -> Links:
    return links_of(mail, tracking=True)


def counted(tenant: Tenant) -> dict[tuple[str, str], int]:
    return {(row.kind.value, row.actor.value): row.hits for row in rows(tenant, EngagementCount) if row.hits}


def test_a_click_leads_to_the_article_and_counts_one(tenant: Tenant, links: Links) -> None:
    door = Door.open()
    answer = door.get(links.article(ARTICLE))
    assert (answer.status_code, answer.headers["location"]) == (302, ARTICLE)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "no-store" in answer.headers["cache-control"]
    assert counted(tenant) == {("click", "human"): 1}


def test_the_pixel_is_an_image_webmail_may_show(tenant: Tenant, links: Links) -> None:
    answer = Door.open().get(links.pixel)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.content.startswith(b"GIF89a")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert counted(tenant) == {("open", "human"): 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Mozilla/5.0"},
        {
            "User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
        },
        {"Sec-Purpose": "prefetch;prerender"},
        {"X-Moz": "prefetch"},
    ],
)
def test_machines_get_the_same_answer_and_add_no_person(
    tenant: Tenant, links: Links, headers: dict[str, str]
) -> None:
    door = Door.open()
    assert door.get(links.pixel, **headers).status_code == 200
    assert door.get(links.article(ARTICLE), **headers).status_code == 302
    assert door.head(links.article("https://publisher.example/2")).status_code == 302
    assert not [actor for _, actor in counted(tenant) if actor == "human"]


def test_all_links_at_once_are_a_scanners_and_the_reader_after_it_is_one(
    tenant: Tenant, links: Links
) -> None:
    door = Door.open()
    for number in range(6):
        door.get(links.article(f"https://publisher.example/{number}"))
        door.clock.at += timedelta(milliseconds=120)
    assert counted(tenant) == {("click", "machine"): 6}
    door.clock.at += timedelta(hours=1)
    door.get(links.article(ARTICLE))
    assert counted(tenant) == {("click", "machine"): 6, ("click", "human"): 1}


def test_with_tracking_off_links_lead_on_and_count_nothing(tenant: Tenant, links: Links) -> None:
    set_tracking(tenant.scope, False)
    door = Door.open()
    assert door.get(links.article(ARTICLE)).headers["location"] == ARTICLE
    assert door.get(links.pixel).status_code == 200
    assert counted(tenant) == {}


def test_an_article_is_reached_without_a_database(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door.open()
    monkeypatch.setenv("CM_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    get_settings.cache_clear()
    answer = door.get(links.article(ARTICLE))
    assert answer.headers["location"] == ARTICLE
    assert door.get(links.preferences).status_code == 503
    engine_for.cache_clear()


def test_there_is_no_open_redirect(tenant: Tenant, mail: Delivery, links: Links) -> None:
    door, tokens = Door.open(), tokens_of(settings_with())

    def signed(about: bytes) -> str:
        token = tokens.issue(Purpose.READ, mail.id, mail.recipient, about)
        return f"https://monitor.example/web/read/{token}"

    assert door.get(signed(ARTICLE.encode())).status_code == 302
    genuine = links.article(ARTICLE) or ""
    bad: list[Any] = [
        signed(about) for about in (b"", b"javascript:alert(1)", b"//evil.example", b"\xff\xfe")
    ]
    bad += [
        genuine[:-5],
        f"{genuine}?to=https://evil.example"[:-60],
        genuine.replace("/read/", "/unsubscribe/"),
    ]
    bad += [f"https://monitor.example/web/open/{genuine.rpartition('/')[2]}.gif"]
    for link in bad:
        answer = door.get(link)
        assert (answer.status_code, "location" in answer.headers) == (404, False), link
    with_extra = door.get(f"{genuine}?to=https://evil.example&url=//evil.example")
    assert with_extra.headers["location"] == ARTICLE
    assert counted(tenant)[("click", "human")] >= 1
