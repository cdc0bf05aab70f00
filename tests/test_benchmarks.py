"""The benchmarks' news: the same every time, and as much of it as was asked for. Nothing here measures time."""

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks import news, page


def test_the_news_is_the_same_every_time() -> None:
    assert news.articles(3) == news.articles(3)


def test_every_client_gets_its_articles_each_with_an_address_of_its_own() -> None:
    rows = news.articles(5, each=40)
    assert len(rows) == 200
    assert len({row["url"] for row in rows}) == 200
    marks = Counter(row["url"].rsplit("/", 1)[1].split("-")[0] for row in rows)
    assert set(marks.values()) == {40}


def test_four_in_ten_tell_a_story_again() -> None:
    slugs = [row["url"].rsplit("/", 1)[1] for row in news.articles(4)]
    assert sum(slug.count("-") == 2 for slug in slugs) == 160


def test_the_week_ends_at_the_archives_clock() -> None:
    times = [datetime.fromisoformat(row["published_at"]) for row in news.articles(4)]
    assert times == sorted(times)
    assert timedelta(0) <= news.AS_OF - times[-1]
    assert news.AS_OF - times[0] <= timedelta(days=news.DAYS)


def test_a_longer_list_of_clients_starts_with_a_shorter_one() -> None:
    names = [company.name for company in news.companies(400)]
    assert names[:40] == [company.name for company in news.companies(40)]
    assert len({name.split()[0] for name in names}) == 400
    assert any(" " not in name for name in names)


def test_an_archive_has_a_line_an_article(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    assert news.write_archive(path, 2) == 200
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert rows == news.articles(2)


def test_writing_figures_leaves_the_rest_of_the_page(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"# Speed\n\n{page.BEGIN}\nold\n{page.END}\n\nWhat is next.\n", encoding="utf-8")
    machine = {"date": "2026-03-10", "cores": 2, "system": "Linux", "python": "3.11", "load": 0.1}
    page.write(path, {"machine": machine, "end_to_end": [], "prefect": []})
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Speed\n")
    assert text.endswith("\n\nWhat is next.\n")
    assert "old" not in text
