"""The command line: evaluate. Whatever it is asked for, the one JSON object of the figures is the last line."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import jsonl
from typer.testing import CliRunner

from cli.main import app

STORIES = [
    {"id": "1", "title": "Nordwind Energy agrees to buy Fabrikam", "snippet": "In cash.", "story": "a"},
    {"id": "2", "title": "Nordwind Energy to buy Fabrikam in cash deal", "snippet": "A deal.", "story": "a"},
    {"id": "3", "title": "Pilots vote on a new contract", "snippet": "In May.", "story": "b"},
    {"id": "4", "title": "Court dismisses the case against Velora", "snippet": "On Monday.", "story": "a"},
]
COMPANIES = [
    {"client": {"name": "Nordwind Energy"}, "title": "Nordwind Energy opens a plant", "about": True},
    {"client": {"name": "Nordwind Energy"}, "title": "Nordwind Energy opens a depot", "about": False},
    {"client": {"name": "Target"}, "title": "How to hit the target every time", "about": False},
]
CATEGORIES = [
    {"title": "Nordwind Energy agrees to buy Fabrikam for $6 billion", "category": "acquisition"},
    {"title": "Velora fires up its kiln hall", "category": "expansion", "alt": "other"},
]
LINES: dict[str, list[Any]] = {"stories": STORIES, "companies": COMPANIES, "categories": CATEGORIES}
FIGURES = {
    "stories": "pairwise_precision pairwise_recall pairwise_f1 b3_precision b3_recall b3_f1 articles "
    "articles_per_second",
    "companies": "precision recall f1 accuracy items_per_second",
    "categories": "accuracy macro_f1 macro_f1_with_alt per_category items_per_second",
}


def evaluate(tmp_path: Path, what: str, *options: str) -> tuple[list[str], dict[str, Any]]:
    """The lines before the last, and the last as the object it is."""
    path = tmp_path / f"{what}.jsonl"
    path.write_text(jsonl(LINES[what]))
    result = CliRunner().invoke(app, ["evaluate", what, str(path), *options])
    assert result.exit_code == 0, result.output
    *before, last = result.stdout.splitlines()
    figures = json.loads(last)
    assert isinstance(figures, dict)
    return before, figures


@pytest.mark.parametrize(
    ("what", "options"),
    [
        ("stories", ()),
        ("stories", ("--errors", "--by", "text")),
        ("stories", ("--by", "batch", "--at-most", "1")),
        ("stories", ("--batch", "1", "--shuffle", "7", "--by", "text")),
        ("companies", ("--errors", "--by", "company")),
        ("categories", ("--errors", "--by", "category")),
        ("categories", ("--classifier", "rules")),
    ],
)
def test_the_figures_are_the_last_line_and_always_the_same_ones(
    tmp_path: Path, what: str, options: tuple[str, ...]
) -> None:
    before, figures = evaluate(tmp_path, what, *options)
    assert set(FIGURES[what].split()) == set(figures)
    assert bool(before) == (bool(options) and "--classifier" not in options)


def test_cuts_are_named_and_errors_are_shown_side_by_side(tmp_path: Path) -> None:
    before, _ = evaluate(tmp_path, "stories", "--by", "batch")
    assert [line.partition(":")[0] for line in before] == [
        "1 at a time",
        "10 at a time",
        "50 at a time",
        "asked for",
    ]
    before, _ = evaluate(tmp_path, "stories", "--errors")
    assert any("Velora" in line for line in before)
    before, _ = evaluate(tmp_path, "companies", "--by", "company")
    assert {line.partition(":")[0] for line in before} == {"Nordwind Energy", "Target"}


def test_own_patterns_are_measured_beside_ours(tmp_path: Path) -> None:
    _, plain = evaluate(tmp_path, "categories")
    own = tmp_path / "own.toml"
    own.write_text('[[group]]\ncategory = "expansion"\nweight = 6\nphrases = ["fires up ~3 hall"]\n')
    _, with_own = evaluate(tmp_path, "categories", "--patterns", str(own))
    assert (plain["accuracy"], with_own["accuracy"]) == (0.5, 1.0)


def test_an_order_needs_batches(tmp_path: Path) -> None:
    path = tmp_path / "stories.jsonl"
    path.write_text(jsonl(STORIES))
    result = CliRunner().invoke(app, ["evaluate", "stories", str(path), "--shuffle", "1"])
    assert result.exit_code == 2
    assert "--shuffle needs --batch" in result.stderr
