"""The providers commands at a terminal: what they show, where keys may come from, and how they fail."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Tenant
from desk import rows
from fakes import NewsServer, Reply, google_news
from sqlalchemy import Engine
from typer.testing import CliRunner

from cli.main import app
from models import breakers
from models.jobs import JobRun, RunState
from models.providers import ProviderConfig, ProviderKind
from models.settings import Settings, get_settings
from models.vault import new_key
from tasks.about import About, KeyUse
from tasks.keys import secrets_of

SECRET = "k-3f9a-very-secret"


@pytest.fixture
def env(db: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("CM_SECRET_KEYS", new_key())
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    get_settings.cache_clear()
    yield monkeypatch
    get_settings.cache_clear()


@pytest.fixture
def house(tenant: Tenant, env: pytest.MonkeyPatch) -> Tenant:
    tenant.add_client("Acme")
    tenant.add_client("Secret", confidential=True)
    return tenant


def call(*arguments: str, piped: str | None = None) -> Any:
    result = CliRunner().invoke(app, ["providers", *arguments], input=piped)
    assert SECRET not in result.output
    return result


def stored(house: Tenant, name: str) -> str:
    row = next(row for row in rows(house, ProviderConfig) if row.name == name)
    about = About("x", "x", "x", key=KeyUse.REQUIRED)
    return secrets_of(get_settings(), about, row)["key"].get_secret_value()


def test_the_list_tells_who_receives_what_and_what_it_costs(house: Tenant) -> None:
    result = call("list")
    assert result.exit_code == 0, result.output
    assert "Google LLC (USA)" in result.stdout
    assert "needs contact" in result.stdout
    assert "newsapi" in result.stdout
    assert "The client's name, legal name, aliases" in result.stdout
    assert "reckoned for 2 clients, 1 of them confidential and not counted and 24 runs a day" in result.stdout
    assert "no source is on: client-monitor providers enable google_news" in result.stderr
    told = json.loads(call("list", "--json", "--kind", "source", "--runs-a-day", "1").stdout)
    assert {one["kind"] for one in told["providers"]} == {"source"}
    news = next(one for one in told["providers"] if one["name"] == "google_news")
    assert (news["enabled"], news["key"], news["state"], news["calls_a_month"]) == (
        False,
        "none",
        "closed",
        30,
    )


def test_on_off_and_what_is_left_alone(house: Tenant) -> None:
    result = call("enable", "google_news", "--set", "language=de", "--set", "calls_per_day=500")
    assert result.exit_code == 0, result.output
    assert "Google LLC (USA) receives: The client's name" in result.stdout
    assert "google_news is on; set: language, calls_per_day" in result.stdout
    assert "google_news is on already" in call("enable", "google_news").stdout
    for _ in range(5):
        breakers.failed(house.scope, ProviderKind.SOURCE, "google_news", "news.example: answered 503")
    listed = call("list")
    assert "google_news: left alone until" in listed.stderr
    assert "after 5 failures in a row (news.example: answered 503)" in listed.stderr
    assert "google_news is off" in call("disable", "google_news").stdout


def test_a_key_comes_from_a_variable_a_pipe_or_a_prompt(house: Tenant, env: pytest.MonkeyPatch) -> None:
    env.setenv("MY_NEWS_KEY", SECRET)
    assert "keys changed: key" in call("enable", "newsapi", "--secret", "key=MY_NEWS_KEY").stdout
    assert stored(house, "newsapi") == SECRET
    assert call("enable", "serper", "--stdin", piped=f"{SECRET}\n").exit_code == 0
    assert stored(house, "serper") == SECRET
    assert call("enable", "brave", "--stdin", piped=f"key={SECRET}\n").exit_code == 0
    assert stored(house, "brave") == SECRET
    assert call("enable", "tavily", "--secret", "key", piped=f"{SECRET}\n").exit_code == 0
    assert stored(house, "tavily") == SECRET
    assert "keys changed: all keys" in call("disable", "newsapi", "--forget-key").stdout


def test_several_secrets_come_as_lines_and_a_private_key_has_many(house: Tenant) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIE=\nabc\n-----END PRIVATE KEY-----"
    piped = f"client_secret={SECRET}\nprivate_key={pem}\n"
    result = call("enable", "salesforce", "--set", "client_id=3MVG", "--stdin", piped=piped)
    assert result.exit_code == 0, result.output
    row = next(row for row in rows(house, ProviderConfig) if row.name == "salesforce")
    held = secrets_of(get_settings(), About("x", "x", "x"), row)
    assert held["private_key"].get_secret_value() == pem
    assert held["client_secret"].get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("enable", "newsapi"), ("newsapi needs key", "CM_NEWSAPI_API_KEY")),
        (("enable", "newsapi", "--secret", f"key={SECRET}"), ("no environment variable", "shell's history")),
        (("enable", "google_news", "--set", "language"), ("has no value", "--set NAME=VALUE")),
        (("enable", "nix"), ("no provider that can be switched is called 'nix'", "known: ")),
        (("test", "nix"), ("no provider that can be switched is called 'nix'", "known: ")),
    ],
)
def test_bad_input_is_refused_with_what_to_do(
    house: Tenant, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    for word in words:
        assert word in result.stderr


def test_a_trial_that_fails_is_one_line(house: Tenant, env: pytest.MonkeyPatch) -> None:
    with NewsServer() as server:
        env.setenv(
            "CM_GOOGLE_NEWS_URL", server.serve("/rss", Reply(status=403), google_news([("A", "Wire")]))
        )
        get_settings.cache_clear()
        result = call("test", "google_news")
        assert result.exit_code == 1
        assert "answered 403" in result.stderr
        assert "Google News: answered, with 1 item" in call("test", "google_news").stdout


def test_keys_are_rotated(house: Tenant, env: pytest.MonkeyPatch) -> None:
    assert call("enable", "newsapi", "--stdin", piped=SECRET).exit_code == 0
    fresh = CliRunner().invoke(app, ["new-key"])
    key = fresh.stdout.strip()
    assert Settings(_env_file=None, secret_keys=key).secret_keys[0].get_secret_value() == key
    assert "providers reseal" in fresh.stderr
    env.setenv("CM_SECRET_KEYS", f"{key} {get_settings().secret_keys[0].get_secret_value()}")
    get_settings.cache_clear()
    assert "1 stored key sealed" in call("reseal").stdout
    env.setenv("CM_SECRET_KEYS", key)
    get_settings.cache_clear()
    assert stored(house, "newsapi") == SECRET


def test_a_run_with_nothing_on_fails_and_says_how_to_go_on(house: Tenant) -> None:
    result = CliRunner().invoke(app, ["run"])
    assert result.exit_code == 2
    assert "no source is switched on" in result.stderr
    assert "client-monitor providers enable google_news" in result.stderr
    [run] = rows(house, JobRun)
    assert run.state is RunState.FAILED
    assert "no source is switched on" in run.error
