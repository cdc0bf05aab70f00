"""What we ask Google Custom Search, held against Google's own discovery document of the service."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from apis import google_says, result
from conftest import NOW, SHARED
from fakes import Asked, NewsServer, Reply
from pydantic import SecretStr

from models.settings import Settings
from tasks.net.http import Http
from tasks.search.source import FetchContext, Profile
from tasks.search.sources import google_search

pytestmark = pytest.mark.usefixtures("db")

SPEC = SHARED / "specs" / "customsearch.v1.discovery.json"
PATTERNS = {
    "dateRestrict": r"[dwmy]\d+",
    "lr": r"lang_[a-z]{2}(-[A-Z]{2})?(\|lang_[a-z]{2}(-[A-Z]{2})?)*",
    "gl": r"[a-z]{2}",
    "sort": r"date(:[ad])?(:s)?",
}
"""What the document says in prose: in its descriptions of the parameters."""


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    if not SPEC.is_file():
        pytest.skip(f"the discovery document is not on this machine (specs/{SPEC.name})")
    return json.loads(SPEC.read_text(encoding="utf-8"))


@pytest.fixture
def asked() -> Iterator[list[Asked]]:
    """All the pages about a client whose name, aliases and terms would break a careless address."""
    full = google_says([result(number) for number in range(10)])
    client = Profile(
        key="1", name="Ämé & Co", aliases=('The "A" #1', "50% + More"), excluded_terms=("a=b&c",)
    )
    with NewsServer() as server:
        server.serve("/customsearch/v1", Reply(json.dumps(full).encode(), media_type="application/json"))
        made = Settings(
            _env_file=None,
            source_urls={"google_search": server.url("/customsearch/v1")},
            google_search_engine="engine1",
        )
        with Http(made, sleep=lambda _: None) as http:
            context = FetchContext(http, made, NOW, 7, keys={"google_search": SecretStr("k-1")})
            list(google_search.GoogleSearchSource().fetch(client, None, context))
        yield server.asked


def test_the_address_and_method_are_the_services(spec: dict[str, Any], asked: list[Asked]) -> None:
    method = spec["resources"]["cse"]["methods"]["list"]
    assert google_search.API.url == spec["rootUrl"] + spec["servicePath"] + method["path"]
    assert {request.method for request in asked} == {method["httpMethod"]}
    assert urlsplit(google_search.API.url).scheme == "https"


def test_every_parameter_exists_and_has_a_value_of_its_type(spec: dict[str, Any], asked: list[Asked]) -> None:
    known = spec["resources"]["cse"]["methods"]["list"]["parameters"] | spec["parameters"]
    assert len(asked) > 1
    for request in asked:
        for name, values in request.query.items():
            told = known[name]
            assert told["location"] == "query"
            assert not told.get("deprecated")
            assert len(values) == 1 or told.get("repeated"), name
            for value in values:
                assert told["type"] != "integer" or value.isdecimal(), name
                assert value in told.get("enum", [value]), name
                assert re.fullmatch(PATTERNS.get(name, r"(?s).+"), value), name


def test_pages_stay_within_the_hundred_results_that_it_gives(asked: list[Asked]) -> None:
    pages = [(int(request.query["start"][0]), int(request.query["num"][0])) for request in asked]
    assert pages == [(1, 10), (11, 10), (21, 10)]
    assert all(1 <= num <= 10 and start + num <= 100 for start, num in pages)


def test_a_name_cannot_change_the_question(asked: list[Asked]) -> None:
    [question] = {request.query["q"][0] for request in asked}
    assert "Ämé" in question
    assert question.count('"') == 2 * 4  # three names and a term, and no quotation mark of theirs
    assert len(question.split()) <= 32


def test_what_we_read_is_what_it_answers(spec: dict[str, Any]) -> None:
    search, found = spec["schemas"]["Search"]["properties"], spec["schemas"]["Result"]["properties"]
    assert {"items", "queries"} <= search.keys()
    assert {"title", "link", "snippet", "displayLink", "pagemap"} <= found.keys()
    assert "nextPage" in search["queries"]["properties"]
