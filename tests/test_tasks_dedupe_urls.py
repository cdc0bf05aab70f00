"""Canonical addresses and publishers: what must fall together, what must stay apart, and the laws."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.dedupe.urls import canonical_url, identifies_article, publisher

ARTICLE = "https://example.com/2026/05/story-about-contoso"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/2026/05/story-about-contoso",
        "HTTPS://WWW.Example.COM:443/2026/05/story-about-contoso/",
        "https://m.example.com/2026/05/story-about-contoso#comments",
        "https://mobile.example.com/2026/05/story-about-contoso",
        "https://amp.example.com/2026/05/story-about-contoso",
        "https://www.example.com/2026/05/story-about-contoso/amp/",
        "https://www.example.com/amp/2026/05/story-about-contoso",
        "https://example.com/2026/05/story-about-contoso?amp=1",
        "https://example.com/2026/05/story-about-contoso?utm_source=x&utm_medium=rss&gclid=1&fbclid=2&mc_cid=3&cmpid=4",
        "https://reader:secret@example.com/2026/05/story-about-contoso",
        "https://www.google.com/amp/s/www.example.com/2026/05/story-about-contoso",
        "https://www-example-com.cdn.ampproject.org/c/s/www.example.com/2026/05/story-about-contoso/amp",
        "https://www.google.com/url?rct=j&url=https://example.com/2026/05/story-about-contoso&ct=ga",
        "https://example.com//2026/05/story%2Dabout-contoso",
        "  https://example.com/2026/05/story-about-contoso  ",
    ],
)
def test_all_renderings_of_an_article_have_one_address(url: str) -> None:
    assert canonical_url(url) == ARTICLE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/story?id=1", "https://example.com/story?id=2"),
        ("https://example.com/?p=17", "https://example.com/?p=18"),
        ("https://example.com/Story", "https://example.com/story"),
        ("https://uk.example.com/story", "https://example.com/story"),
        ("https://example.com:8443/story", "https://example.com/story"),
        ("https://m.co/story", "https://amp.co/story"),
    ],
)
def test_what_names_another_article_stays(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


def test_query_is_sorted_and_tracking_leaves_the_identity() -> None:
    assert (
        canonical_url("https://example.com/read?z=2&utm_campaign=a&id=7")
        == "https://example.com/read?id=7&z=2"
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mailto:a@example.com",
        "ftp://example.com/x",
        "https://",
        "/story",
        "javascript:alert(1)",
        "https://[::1",
        "http://e x/",
    ],
)
def test_what_is_no_web_address_has_none(url: str) -> None:
    assert canonical_url(url) is None


def test_a_front_page_identifies_no_article() -> None:
    assert not identifies_article(canonical_url("https://www.example.com/?utm_source=x") or "")
    assert identifies_article(canonical_url("https://www.example.com/?p=3") or "")


segments = st.lists(st.text(min_size=1, max_size=8), max_size=4)


@given(
    host=st.from_regex(r"(www\.|m\.|amp\.)?[a-z]{1,6}\.(com|co\.uk|org)", fullmatch=True),
    path=segments,
    query=st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=3),
    user=st.sampled_from(["", "user:hunter2@"]),
)
def test_canonical_is_idempotent_and_without_credentials(
    host: str, path: list[str], query: dict[str, str], user: str
) -> None:
    url = f"https://{user}{host}/" + "/".join(path) + "?" + "&".join(f"{k}={v}" for k, v in query.items())
    once = canonical_url(url)
    if once is not None:
        assert canonical_url(once) == once
        assert urlsplit(once).username is None
        assert "hunter2" not in once or "hunter2" in "".join(path) + "".join(query.values())


@given(st.text(max_size=60))
def test_canonical_never_raises_and_is_idempotent_on_anything(text: str) -> None:
    for url in (text, f"https://{text}", f"http://example.com/{text}"):
        once = canonical_url(url)
        assert once is None or canonical_url(once) == once


def test_publisher_is_the_registrable_domain() -> None:
    assert publisher("https://news.example.co.uk/a", "Example News") == "example.co.uk"
    assert publisher("https://www.example.com/a", None) == publisher("http://m.example.com/b", "Other")


def test_publisher_falls_back_to_the_source() -> None:
    assert publisher(None, "The Daily  Example") == publisher(None, "daily example")
    assert publisher(None, "Example.com") == "example.com"
    assert publisher("https://news.google.com/rss/articles/x", "Daily Example") == "daily example"
    assert publisher(None, None) == ""
