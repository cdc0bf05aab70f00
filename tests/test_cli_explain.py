"""The command line: explain, story, patterns, feedback; with a tenant, and in an empty folder."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Tenant
from desk import rows
from fakes import jsonl
from typer.testing import CliRunner

from cli.main import app
from models.engine import engine_for, get_engine
from models.events import Event
from models.feedback import Feedback
from models.settings import get_settings

DEAL = "Nordwind Energy agrees to buy Fabrikam for $6.5 billion"
DEAL_AGAIN = "Nordwind Energy to acquire Fabrikam in $6.5bn deal"
CLIENTS = "name,assigned_to\nNordwind Energy,maria@example.com\nAlba Textiles,tom@example.com\n"
NEWS: list[Any] = [
    {
        "title": DEAL,
        "snippet": "Nordwind Energy said it will acquire the analytics maker Fabrikam in cash.",
        "url": "https://thewire.example/deal",
        "source": "The Wire",
        "published_at": "2026-03-09T08:00:00Z",
    },
    {
        "title": DEAL_AGAIN,
        "snippet": "The analytics maker Fabrikam will become part of Nordwind Energy.",
        "url": "https://post.example/nordwind-deal",
        "source": "Example Post",
        "published_at": "2026-03-09T09:00:00Z",
    },
    {
        "title": "Alba Textiles names Maria Kern chief executive",
        "url": "https://thewire.example/kern",
        "source": "The Wire",
        "published_at": "2026-03-09T11:00:00Z",
    },
]


def call(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(*arguments: str | Path) -> str:
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert isinstance(result.stdout, str)
    return result.stdout


def refused(*arguments: str | Path) -> str:
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert "unexpected" not in result.output
    return str(result.stderr)


def the_json(*arguments: str | Path) -> Any:
    [line] = said(*arguments).splitlines()
    return json.loads(line)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder without a database."""
    monkeypatch.delenv("CM_DATABASE_URL", raising=False)
    monkeypatch.setenv("CM_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield tmp_path
    with contextlib.suppress(ValueError):
        get_engine().dispose()
    engine_for.cache_clear()
    get_settings.cache_clear()


@pytest.fixture
def house(tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """Two clients with their people, and a run over a small archive."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "clients.csv").write_text(CLIENTS)
    (tmp_path / "news.jsonl").write_text(jsonl(NEWS))
    said("import-clients", "clients.csv")
    said("run", "--plain", "--source", "archive:news.jsonl", "--no-baseline")
    return tenant


def test_explain_needs_no_database_and_makes_none(fresh: Path) -> None:
    page = said("explain", DEAL, "--client", "Nordwind Energy", "--client", "Alba Textiles")
    assert "about Nordwind Energy: name in headline “Nordwind Energy" in page
    assert "not about Alba Textiles: no name" in page
    assert "acquisition" in page
    assert "relevance" in page
    assert list(fresh.iterdir()) == []
    assert "names no client" in said("explain", DEAL)


def test_explain_says_the_same_as_json(fresh: Path) -> None:
    fields = json.dumps({"name": "Nordwind Energy", "industry": "energy", "tier": "strategic"})
    told = the_json("explain", DEAL, "--client-json", fields, "--json")
    assert set(told) == {"text", "story", "readers", "notes"}
    assert told["text"]["companies"][0]["about"] is True
    assert told["text"]["category"]["category"] == "acquisition"
    assert "tier" in told["text"]["companies"][0]["relevance"]["parts"]
    (fresh / "client.json").write_text(fields)
    assert the_json("explain", DEAL, "--client-json", "client.json", "--json")["text"] == told["text"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{", "no JSON"),
        ("[]", "one JSON object"),
        ("{}", "name"),
        ('{"nam": "x"}', "nam"),
        ("nope", "no file"),
    ],
)
def test_explain_names_what_is_wrong_with_a_client(fresh: Path, given: str, words: str) -> None:
    if given == "[]":
        (fresh / "list.json").write_text("[]")
        given = "list.json"
    assert words in refused("explain", DEAL, "--client-json", given)


def test_a_headline_steers_no_terminal(fresh: Path) -> None:
    page = said("explain", "Acme \x1b[31mbuys [bold]Fabrikam[/bold]", "--client", "Acme")
    assert "\x1b" not in page
    assert "[bold]" in page


def test_explain_with_a_tenant_tells_story_and_readers(house: Tenant) -> None:
    page = said("explain", "Nordwind Energy to buy Fabrikam")
    assert "about Nordwind Energy" in page
    assert "maria@example.com [Nordwind Energy]" in page
    assert "story" in page
    assert "Alba" not in page
    told = the_json("explain", "Nordwind Energy to buy Fabrikam", "--json")
    assert [one["person"] for one in told["readers"]] == ["maria@example.com"]


def test_a_story_is_told_with_its_record(house: Tenant) -> None:
    page = said("story", DEAL)
    assert DEAL_AGAIN in page
    assert "decided    founded" in page
    assert "decided    joined" in page
    assert "same story" in said("story", DEAL, DEAL_AGAIN)
    assert "two stories" in said("story", "Alba Textiles names", DEAL)
    assert the_json("story", DEAL, DEAL_AGAIN, "--json")["same_story"] is True
    assert "no article found" in refused("story", "never heard of")


def test_patterns_are_added_listed_tried_and_removed(house: Tenant, tmp_path: Path) -> None:
    assert "no patterns of your own" in said("patterns", "list")
    one = ("--category", "partnership", "--phrase", "agrees to buy", "--weight", "9")
    tried = said("patterns", "check", *one)
    assert "acquisition → partnership" in tried or "no events" in call("patterns", "check", *one).stderr
    assert "no patterns of your own" in said("patterns", "list")
    added = said("patterns", "add", *one)
    assert "1 added, 0 there already" in added
    assert "0 added, 1 there already" in said("patterns", "add", *one)
    pattern_id = added.split()[0]
    assert "partnership +9  agrees to buy" in said("patterns", "list")
    assert "your own pattern" in said("explain", DEAL)
    assert "removed: partnership" in said("patterns", "remove", pattern_id)
    assert "there is no pattern" in refused("patterns", "remove", pattern_id)
    (tmp_path / "bad.toml").write_text('[[group]]\ncategory = "award"\nphrases = ["<nowhere> x"]\n')
    assert "group 1, phrase 1" in refused("patterns", "add", "bad.toml")
    assert "either a file or one pattern" in refused("patterns", "add")
    assert "no file" in refused("patterns", "check", "absent.toml")


def test_feedback_is_tried_given_listed_and_undone(house: Tenant) -> None:
    wrong = ("feedback", "give", DEAL, "wrong-company", "--user", "maria@example.com")
    assert "wrong company [Nordwind Energy]" in said(*wrong, "--dry-run")
    assert rows(house, Feedback) == []
    given = said(*wrong, "--note", "another Nordwind")
    [feedback] = rows(house, Feedback)
    shown = feedback.id.hex[-8:]
    assert f"client-monitor feedback undo {shown} --user maria@example.com" in given
    listed = said("feedback", "list")
    assert shown in listed
    assert "maria@example.com: another Nordwind" in listed
    assert [event.withdrawn_at is not None for event in rows(house, Event)].count(True) == 1
    assert "undone" in said("feedback", "undo", shown, "--user", "maria@example.com")
    assert "nobody has said anything yet" in said("feedback", "list")
    assert "(undone " in said("feedback", "list", "--all")


def test_feedback_refuses_what_it_cannot_do(house: Tenant) -> None:
    maria = ("--user", "maria@example.com")
    assert "is no verdict" in refused("feedback", "give", DEAL, "boring", *maria)
    assert "no event found" in refused("feedback", "give", "never heard of", "useful", *maria)
    assert "nobody with the address" in refused("feedback", "give", DEAL, "useful", "--user", "x@example.com")
    assert "look after Nordwind Energy" in refused(
        "feedback", "give", DEAL, "wrong-company", "--user", "tom@example.com"
    )
    assert "does not say" in refused("feedback", "give", DEAL, "wrong-company", "--phrase", "tractor", *maria)
    assert "no verdict in force" in refused("feedback", "undo", "deadbeef", *maria)
