"""The command line: spend."""

import json

import pytest
from conftest import Tenant
from test_services_spend import paid, switch_on
from typer.testing import CliRunner

from cli.main import app
from models.base import utc_now


def shown(*options: str) -> str:
    result = CliRunner().invoke(app, ["spend", *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_what_was_spent_and_what_is_left(tenant: Tenant) -> None:
    switch_on(tenant, usd_per_day=0.5, calls_per_day=50)
    paid(tenant, created_at=utc_now())
    paid(tenant, created_at=utc_now(), cost_usd=0.5, purpose="insight")
    said = shown("--by", "purpose")
    assert "test: 0.7500 USD for 2 calls in 14 days, 260 tokens in (60 of them cached), 20 out" in said
    insight, classify = (line for line in said.splitlines() if line.startswith(("classify", "insight")))
    assert insight.startswith("insight")
    assert insight.count("█") == 2 * classify.count("█") > 0
    assert "openai may still spend today: 0.5000 of 0.5 USD, 50 of 50 calls" in said


def test_nothing_spent_and_nothing_switched_on(tenant: Tenant) -> None:
    said = shown()
    assert "0.0000 USD for 0 calls" in said
    assert "no language model is switched on" in said


@pytest.mark.parametrize("by", ["day", "model", "run", "purpose"])
def test_json_is_one_object(tenant: Tenant, by: str) -> None:
    switch_on(tenant)
    paid(tenant, created_at=utc_now())
    figures = json.loads(shown("--json", "--by", by).splitlines()[-1])
    assert figures["total"]["cost_usd"] == 0.25
    assert figures["lines"][0]["calls"] == 1
    assert by in figures["lines"][0]
    assert figures["classifier"] == "openai"
    assert {budget["period"] for budget in figures["budgets"]} == {"day", "month"}
