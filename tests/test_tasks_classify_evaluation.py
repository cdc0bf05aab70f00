"""`evaluate categories`: the figures, the lines that cannot be read, and the list to learn from."""

import json
from pathlib import Path

import pytest

from services.evaluation.categories import evaluate_categories, misjudged
from tasks.classify.rules import Category, Verdict

FIELDS = {"accuracy", "macro_f1", "macro_f1_with_alt", "per_category", "items_per_second"}


def says(title: str, snippet: str | None) -> Verdict:
    """A classifier that answers with the title's first word; "xx" stands for another language."""
    word = title.split(maxsplit=1)[0]
    return Verdict(
        category=Category.OTHER if word == "xx" else Category(word),
        confidence=0.5,
        sentiment=0,
        risk="none",
        language=word if word == "xx" else "en",
        language_supported=word != "xx",
        certainty="stated",
        evidence=word,
        reason=f"Says {word}.",
        parts={},
    )


def write(path: Path, *rows: object) -> Path:
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8"
    )
    return path


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return write(
        tmp_path / "labelled.jsonl",
        {"title": "funding a", "category": "funding"},
        {"title": "funding b", "category": "funding", "snippet": "more", "source": "ignored"},
        {"title": "award c", "category": "funding", "alt": "award"},
        {"title": "award d", "category": "award"},
        {"title": "layoffs e", "category": "award"},
    )


def test_the_figures(labelled: Path) -> None:
    report = evaluate_categories(labelled, says)
    # funding: 2 of 3 found, none wrongly; award: 1 of 2 found, 1 wrongly; layoffs is not in the gold labels.
    assert report.accuracy == 0.6
    assert report.macro_f1 == pytest.approx((0.8 + 0.5) / 2)
    assert report.macro_f1_with_alt == pytest.approx((1.0 + 2 / 3) / 2, abs=1e-4)
    assert set(report.per_category) == {"funding", "award"}
    assert report.per_category["funding"].model_dump() == {
        "precision": 1.0,
        "recall": 0.6667,
        "f1": 0.8,
        "items": 3,
    }
    assert report.items_per_second > 0


def test_the_dump_has_exactly_the_promised_fields(labelled: Path) -> None:
    assert set(evaluate_categories(labelled, says).model_dump()) == FIELDS
    assert set(json.loads(evaluate_categories(labelled, says).model_dump_json())) == FIELDS


def test_broken_lines_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = write(
        tmp_path / "broken.jsonl",
        {"title": "funding a", "category": "funding"},
        "not json",
        "",
        {"title": "funding b", "category": "fundraising"},
        {"category": "funding"},
        "[1]",
    )
    report = evaluate_categories(path, says)
    assert report.accuracy == 1.0
    assert [error.split(":")[0] for error in report.errors] == ["line 2", "line 4", "line 5", "line 6"]
    assert "category" in report.errors[1]
    assert "title" in report.errors[2]


def test_an_empty_file_is_no_crash(tmp_path: Path) -> None:
    report = evaluate_categories(write(tmp_path / "empty.jsonl"), says)
    assert (report.accuracy, report.macro_f1, report.per_category) == (0.0, 0.0, {})


def test_an_unsupported_language_is_never_counted_right(tmp_path: Path) -> None:
    path = write(tmp_path / "foreign.jsonl", {"title": "xx a", "category": "other"})
    assert evaluate_categories(path, says).accuracy == 0.0
    assert misjudged(evaluate_categories(path, says))[0].got == "language_unsupported"


def test_the_misjudged_are_listed_with_what_decided(labelled: Path) -> None:
    (wrong,) = misjudged(evaluate_categories(labelled, says))
    assert wrong.model_dump() == {
        "title": "layoffs e",
        "expected": "award",
        "alt": None,
        "got": "layoffs",
        "evidence": "layoffs",
        "reason": "Says layoffs.",
    }


def test_without_a_classifier_the_rules_judge(tmp_path: Path) -> None:
    path = write(tmp_path / "one.jsonl", {"title": "Castor to shed one in ten staff", "category": "layoffs"})
    assert evaluate_categories(path).accuracy == 1.0
