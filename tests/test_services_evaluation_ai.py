"""Measuring a language model: as a run asks it, over real HTTP on loopback, with nothing kept and money limited."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Tenant
from desk import rows
from fakes import Reply, jsonl
from oracle import KEY, Oracle, consulted
from typer.testing import CliRunner

from cli.main import app
from models.ai import AiCache, AiSpend
from models.settings import get_settings

ACME = {"name": "Nordwind Energy", "industry": "energy"}
COMPANIES: list[dict[str, Any]] = [
    {"client": ACME, "title": "Nordwind Energy agrees to buy Fabrikam", "about": False},
    {"client": ACME, "title": "Nordwind Energy opens a plant", "about": True},
    {"client": ACME, "title": "Fabrikam, a rival of Nordwind Energy, buys a wind farm", "about": True},
    {"client": ACME, "title": "Bakers of the year are named", "about": False},
]
CATEGORIES: list[dict[str, Any]] = [
    {"title": f"Velora fires up its kiln hall {n}", "category": "expansion"} for n in range(14)
]


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    with consulted(monkeypatch) as found:
        yield found


def evaluate(tmp_path: Path, what: str, lines: list[dict[str, Any]], *options: str) -> dict[str, Any]:
    path = tmp_path / f"{what}.jsonl"
    path.write_text(jsonl(lines))
    result = CliRunner().invoke(app, ["evaluate", what, str(path), "--classifier", "openai", *options])
    assert result.exit_code == 0, result.output
    assert KEY not in result.output
    figures: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return figures


def test_what_a_model_says_of_a_company_counts_as_in_a_run(tmp_path: Path, oracle: Oracle) -> None:
    oracle.judge = lambda _client, story: {"about": "no" if "agrees" in story["title"] else "main"}
    figures = evaluate(tmp_path, "companies", COMPANIES)
    assert figures["accuracy"] == 1.0
    # Nobody asks about a text that does not name the client.
    assert "Bakers of the year are named" not in oracle.titles
    assert len(oracle.titles) == 3
    assert figures["ai"] == {
        "classifier": "openai",
        "version": "gpt-6-luna/2",
        "calls": 1,
        "input_tokens": 900,
        "cached_tokens": 100,
        "output_tokens": 100,
        "cost_usd": pytest.approx((900 * 0.1 + 100 * 0.01 + 100 * 0.5) / 1e6),
        "left_to_rules": {},
    }


def test_what_a_model_says_of_a_category_counts(tmp_path: Path, oracle: Oracle) -> None:
    oracle.judge = lambda _client, _story: {"category": "expansion"}
    figures = evaluate(tmp_path, "categories", CATEGORIES, "--errors")
    assert figures["accuracy"] == 1.0
    assert figures["ai"]["calls"] == oracle.calls == 2, "twelve a call, and the errors cost no more"


def test_money_is_limited_and_the_rules_judge_the_rest(tmp_path: Path, oracle: Oracle) -> None:
    figures = evaluate(tmp_path, "categories", CATEGORIES, "--budget", "0.000001")
    assert oracle.calls == 0
    assert figures["ai"]["cost_usd"] == 0
    assert figures["ai"]["left_to_rules"] == {"ai_budget": 14}
    assert set(figures) >= {"accuracy", "macro_f1", "macro_f1_with_alt", "per_category", "items_per_second"}


def test_an_outage_is_said_and_the_rules_judge(tmp_path: Path, oracle: Oracle) -> None:
    oracle.fault = Reply(b"{}", 401, "application/json")
    path = tmp_path / "c.jsonl"
    path.write_text(jsonl(COMPANIES))
    result = CliRunner().invoke(app, ["evaluate", "companies", str(path), "--classifier", "openai"])
    assert result.exit_code == 0
    assert "refused the key" in result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["ai"]["left_to_rules"] == {"ai_outage": 3}


def test_nothing_is_kept_or_booked(tmp_path: Path, tenant: Tenant, oracle: Oracle) -> None:
    evaluate(tmp_path, "categories", CATEGORIES)
    assert (rows(tenant, AiCache), rows(tenant, AiSpend)) == ([], [])
    evaluate(tmp_path, "categories", CATEGORIES)
    assert oracle.calls == 4


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("openai", "CM_OPENAI_API_KEY"),
        ("anthropic", "CM_ANTHROPIC_API_KEY"),
        ("openai_compatible", "base_url"),
        ("nobody", "no classifier is called 'nobody'"),
    ],
)
def test_without_a_key_a_line_says_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    for setting in ("CM_OPENAI_API_KEY", "CM_ANTHROPIC_API_KEY", "CM_COMPATIBLE_BASE_URL"):
        monkeypatch.delenv(setting, raising=False)
    get_settings.cache_clear()
    path = tmp_path / "c.jsonl"
    path.write_text(jsonl(CATEGORIES))
    result = CliRunner().invoke(app, ["evaluate", "categories", str(path), "--classifier", name])
    assert result.exit_code != 0
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) <= 2
    get_settings.cache_clear()
