"""The measurement of the company match, and its floors on the labelled files where these are present."""

import json
from pathlib import Path

from services.evaluation.companies import by_company, evaluate_companies, misjudged

GOOD = {
    "client": {"name": "Siemens", "industry": "Machinery"},
    "title": "Siemens cuts 300 jobs",
    "about": True,
}
WRONG = {"client": {"name": "Siemens"}, "title": "Ex-Siemens engineer starts a firm", "about": True}
NO = {"client": {"name": "Boots", "aliases": None}, "title": "The best boots for winter", "about": False}


def write(path: Path, *lines: object) -> Path:
    file = path / "pairs.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return file


def test_the_figures_are_those_of_the_command(tmp_path: Path) -> None:
    report = evaluate_companies(write(tmp_path, GOOD, WRONG, NO))
    dump = report.model_dump()
    assert set(dump) == {"precision", "recall", "f1", "accuracy", "items_per_second"}
    assert (report.precision, report.recall, report.f1, report.accuracy) == (1.0, 0.5, 0.6667, 0.6667)


def test_broken_lines_are_named_and_the_good_ones_go_on(tmp_path: Path) -> None:
    no_title = {"client": {"name": "Boots"}, "about": True}
    no_name = {"client": {}, "title": "x", "about": "perhaps"}
    report = evaluate_companies(write(tmp_path, "{broken", GOOD, no_title, "", no_name, "[1]", NO))
    assert len(report.judged) == 2
    assert [error.split(":")[0] for error in report.errors] == [
        "line 1",
        "line 3",
        "line 5",
        "line 5",
        "line 6",
    ]
    assert "title" in report.errors[1]
    assert "client.name" in report.errors[2]
    assert "about" in report.errors[3]


def test_an_empty_file_measures_zero(tmp_path: Path) -> None:
    report = evaluate_companies(write(tmp_path))
    assert (report.f1, report.items_per_second, report.errors) == (0.0, 0.0, [])


def test_the_misjudged_are_listed_with_reason_and_evidence(tmp_path: Path) -> None:
    (item,) = misjudged(evaluate_companies(write(tmp_path, GOOD, WRONG, NO)))
    assert item.model_dump() == {
        "title": "Ex-Siemens engineer starts a firm",
        "expected": True,
        "got": False,
        "reason": "former_employee",
        "evidence": "Ex-Siemens",
        "company": "Siemens",
    }


def test_the_figures_are_cut_by_company(tmp_path: Path) -> None:
    cut = by_company(evaluate_companies(write(tmp_path, GOOD, WRONG, NO)))
    assert list(cut) == ["Boots", "Siemens"]
    assert cut["Siemens"].recall == 0.5
    assert cut["Boots"].accuracy == 1.0


def test_floors_on_the_labelled_pairs(shared_data: Path) -> None:
    report = evaluate_companies(shared_data / "companies_dev.jsonl")
    assert report.errors == []
    assert report.f1 >= 0.96
    assert report.precision >= 0.96
