"""The benchmarks: the news they invent, what they compare and how they count. Nothing here measures time."""

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks import growth, news, page, pictures, plots, quality_page
from benchmarks.__main__ import COMMANDS, main
from benchmarks.grouping import batches, ours, scale, sets, tables, trials
from benchmarks.grouping.labelled import Article, Labelled, halves, invented, read
from benchmarks.grouping.measures import scores
from benchmarks.grouping.methods import METHODS, OURS, PEER, Method
from services.evaluation.stories import evaluate_stories


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


def _story(key: str, story: str, title: str, snippet: str = "") -> Article:
    return Article(key, story, title, snippet)


def test_scores_of_a_worked_example() -> None:
    # One story of three articles found as two and one, the odd one put with another story's only article.
    found = scores(["a", "a", "a", "b"], [1, 1, 2, 2])
    assert found.b3_precision == pytest.approx((1 + 1 + 0.5 + 0.5) / 4)
    assert found.b3_recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)
    assert found.pairwise_precision == pytest.approx(1 / 2)
    assert found.pairwise_recall == pytest.approx(1 / 3)
    assert found.pairwise_f1 == pytest.approx(2 / 5)


def test_nothing_to_find_is_found() -> None:
    alone = scores(["a", "b"], [1, 2])
    assert alone.b3_f1 == alone.pairwise_f1 == 1.0


def test_the_benchmark_counts_as_the_evaluation_does(tmp_path: Path) -> None:
    path = _file(tmp_path / "labelled.jsonl", invented(2, 30))
    report = evaluate_stories(path)
    mine = read(path)
    found = scores([one.story for one in mine], ours.group(ours.read(mine)))
    for name in (
        "b3_precision",
        "b3_recall",
        "b3_f1",
        "pairwise_precision",
        "pairwise_recall",
        "pairwise_f1",
    ):
        assert getattr(found, name) == pytest.approx(getattr(report, name), abs=1e-4)


def test_a_labelled_file_is_read_and_its_broken_line_named(tmp_path: Path) -> None:
    articles = [replace(one, client=None) for one in invented(1, 10)]
    path = _file(tmp_path / "good.jsonl", articles)
    assert read(path) == articles
    path.write_text(path.read_text(encoding="utf-8") + '{"id": "x"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"good\.jsonl, line 11"):
        read(path)


def test_an_id_used_twice_is_refused(tmp_path: Path) -> None:
    first = invented(1, 10)[0]
    with pytest.raises(ValueError, match="used before"):
        read(_file(tmp_path / "twice.jsonl", [first, first]))


def test_invented_articles_keep_their_address_to_themselves() -> None:
    found = invented(3, 20)
    assert len(found) == len({one.key for one in found}) == 60
    assert {one.url for one in found} == {None}
    # Four in ten tell a story again.
    assert len({one.story for one in found}) == 36


def test_halves_share_no_story_and_are_the_same_again() -> None:
    articles = invented(4, 30)
    first, second = halves(articles)
    assert sorted(one.key for one in (*first, *second)) == sorted(one.key for one in articles)
    assert not {one.story for one in first} & {one.story for one in second}
    assert len({one.story for one in first}) == pytest.approx(len({one.story for one in second}), abs=2)
    assert halves(articles) == (first, second)
    assert halves(articles, seed=99) != (first, second)


def test_halves_keep_look_alikes_together() -> None:
    articles = [
        _story("1", "quake-north", "Earthquake shakes the northern valley villages"),
        _story("2", "quake-south", "Earthquake shakes the southern valley villages"),
        _story("3", "merger", "Shipyard and ferry operator agree on merger"),
        _story("4", "merger-off", "Shipyard and ferry operator call off merger"),
        _story("5", "harvest", "Poor olive harvest lifts cooking oil costs"),
        _story("6", "harvest-2", "Poor grape harvest lifts cooking wine costs"),
        _story("7", "strike", "Tram drivers vote for strike over night shifts"),
        _story("8", "strike-2", "Tram drivers vote against strike over night shifts"),
    ]
    for seed in range(5):
        first = {one.story for one in halves(articles, seed)[0]}
        for pair in (("quake-north", "quake-south"), ("merger", "merger-off"), ("strike", "strike-2")):
            assert len(first & set(pair)) in {0, 2}


@pytest.mark.parametrize("one", METHODS, ids=lambda one: one.name)
def test_every_method_joins_copies_and_keeps_strangers_apart(one: Method) -> None:
    lead = "The yard in the harbour town will build four electric ferries, the operator said on Monday."
    articles = [
        _story("1", "ferries", "Harbour shipyard wins order for four electric ferries", lead),
        _story("2", "ferries", "Harbour shipyard wins order for four electric ferries", lead),
        _story(
            "3", "olives", "Drought halves olive harvest", "Growers expect dearer cooking oil this winter."
        ),
        _story(
            "4", "bridge", "Council closes old bridge", "Engineers found rust in the cables of the crossing."
        ),
    ]
    for variant in one.variants:
        if variant.endswith("cores of 3"):
            continue  # two copies alone are no core
        threshold = one.thresholds[len(one.thresholds) // 2] if one.thresholds else 0.0
        groups = list(one.group(one.read(articles, variant), threshold))
        assert len(groups) == 4
        assert groups[0] == groups[1]
        # With words of one article only left out, nothing is left of the strangers: they are nobody's neighbours.
        assert len(set(groups)) == 3


def test_our_stories_do_not_depend_on_the_order_of_a_batch() -> None:
    articles = invented(2, 40)
    backwards = articles[::-1]
    told = ours.group(ours.read(articles))
    told_backwards = ours.group(ours.read(backwards))
    assert scores(told, told_backwards[::-1]).b3_f1 == pytest.approx(1.0)


@pytest.mark.parametrize("size", [1, 7, None])
@pytest.mark.parametrize("mailed", [False, True])
def test_batches_place_every_article(size: int | None, mailed: bool) -> None:
    articles = invented(1, 20)
    stories = batches.grouped(articles, size, mailed=mailed)
    assert len(stories) == 20
    assert set(stories) <= {one.key for one in articles}


def test_orders_are_permutations_and_the_first_is_that_of_time() -> None:
    articles = invented(1, 20)
    found = batches.orders(articles[::-1], 3)
    assert [one.at for one in found[0]] == sorted(one.at or "" for one in articles)
    assert all({one.key for one in order} == {one.key for one in articles} for order in found)
    assert found == batches.orders(articles[::-1], 3)
    assert found[1] != found[2]


def test_a_file_that_is_not_there_is_skipped_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = _file(tmp_path / "there.jsonl", invented(1, 20))
    asked = argparse.Namespace(quick=False, files=[tmp_path / "gone.jsonl", there])
    names = [one.name for one in sets.chosen(asked)]
    assert names == ["there, title and lead", "there, titles only", sets.INVENTED]
    assert "gone.jsonl is not here: skipped" in capsys.readouterr().err


def test_a_threshold_is_chosen_on_one_half_and_judged_on_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(
        one: Method, articles: Sequence[Article], setting: tuple[str, float], repeats: int
    ) -> dict[str, Any]:
        measured_on.append({article.story for article in articles})
        groups = one.group(one.read(articles, setting[0]), setting[1])
        return {"seconds": 0.5, "peak_mb": 2.0, "added_mb": 1.0, "groups": list(groups)}

    measured_on: list[set[str]] = []
    monkeypatch.setattr(trials.job, "measure", measure)
    chosen = [one for one in METHODS if one.name in {OURS, PEER}]
    monkeypatch.setattr(trials, "METHODS", chosen)
    articles = tuple(invented(3, 20))
    said: list[str] = []
    one_set = [Labelled("invented", articles, diagnostic=True)]
    rows = trials.compare(one_set, 1, said.append)
    assert [row["method"] for row in rows] == [OURS, PEER]
    assert len(said) == trials.count(one_set)
    first, second = ({one.story for one in half} for half in halves(articles))
    assert measured_on == [second, first] * 2
    peer = rows[1]
    assert peer["times_peer"] == 1.0
    assert peer["articles_per_second"] == 60
    # With one set, the threshold for all is the one for it.
    assert peer["b3_f1_one_threshold_for_all"] == pytest.approx(peer["b3_f1"])


def test_a_method_that_would_take_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(one: Method, articles: Sequence[Article], setting: tuple[str, float]) -> dict[str, Any]:
        seconds = scale.LONGEST if one.name == OURS else 0.5
        return {"seconds": seconds, "peak_mb": 2.0, "added_mb": 1.0}

    monkeypatch.setattr(scale.job, "measure", measure)
    rows = scale.measure([50, 100], {one.name: ("", 0.1) for one in METHODS}, lambda _: None)
    mine = [row for row in rows if row["method"] == OURS]
    assert mine[0]["times_peer"] == pytest.approx(0.5 / scale.LONGEST)
    assert mine[1]["articles_per_second"] is None
    assert "more than" in mine[1]["why"]
    heads, lines = tables.scale(rows)
    assert heads[1:] == ["50 articles", "100 articles"]
    assert lines[0][2] == "left out: more than 120 s"


def test_an_archive_is_cut_to_its_first_lines(tmp_path: Path) -> None:
    path = tmp_path / "archive.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(f'{{"title": "Headline {number}"}}\n' for number in range(9))
    growth.cut(path, tmp_path / "part.jsonl", 4)
    titles = [json.loads(line)["title"] for line in (tmp_path / "part.jsonl").read_text().splitlines()]
    assert titles == [f"Headline {number}" for number in range(4)]


def test_growth_says_what_further_headlines_cost() -> None:
    _, lines = growth.table([_grown(1000, 5.0, 200.0), _grown(4000, 10.0, 300.0)])
    told = {line[0]: line[1:] for line in lines}
    assert told["seconds for each further 1,000"] == ["", "1.67"]
    assert told["MB for each further 1,000"] == ["", "33.3"]


def test_each_part_of_the_quality_page_is_renewed_alone(tmp_path: Path) -> None:
    path = tmp_path / "quality.md"
    path.write_text(
        "# Quality\n\nWhy.\n\n<!-- begin growth -->\nold\n<!-- end growth -->\n\nAfter.\n", encoding="utf-8"
    )
    machine = {"date": "2026-03-10", "cores": 2, "system": "Linux", "python": "3.11", "load": 0.1}
    quality_page.write(path, "growth", machine, ["a table", "another"])
    quality_page.write(path, "stories", machine, ["a third"])
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Quality\n\nWhy.\n\n<!-- begin growth -->\n")
    assert "a table\n\nanother\n<!-- end growth -->\n\nAfter.\n" in text
    assert text.endswith("a third\n<!-- end stories -->\n")
    assert "old" not in text


def test_plots_are_pictures(tmp_path: Path) -> None:
    page_path = tmp_path / "quality.md"
    rows = [
        {"set": name, "method": method.name, "articles_per_second": 10.0 + place, "b3_f1": 0.5}
        for name in ("one", "two", "three")
        for place, method in enumerate(METHODS)
    ]
    timed = [
        {"method": one.name, "articles": size, "articles_per_second": 100.0, "added_mb": 3.0}
        for one in METHODS
        for size in (100, 200)
    ]
    timed[-1] |= {"articles_per_second": None}
    batched = [
        {"set": "one", "mode": mode, "batch": size, "b3_f1": 0.8, "b3_f1_lowest": 0.7, "b3_f1_highest": 0.9}
        for mode in batches.MODES
        for size in (1, None)
    ]
    plots.stories(quality_page.image(page_path, "stories"), rows)
    plots.scale(quality_page.image(page_path, "scale"), timed)
    plots.batches(quality_page.image(page_path, "batches"), batched)
    plots.growth(quality_page.image(page_path, "growth"), [_grown(10, 1.0, 50.0), _grown(20, 2.0, 60.0)])
    for name in ("stories", "scale", "batches", "growth"):
        assert (tmp_path / "images" / f"quality-{name}.png").read_bytes().startswith(b"\x89PNG")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in COMMANDS)


def test_what_is_no_command_are_options_of_the_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--sizes", "many"])
    assert "python -m benchmarks pipeline" in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.parametrize("command", ["stories", "batches"])
def test_a_quick_run_prints_json_last_and_writes_its_part(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "quality.md"
    assert main([command, "--quick", "--docs", str(path)]) == 0
    results = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert results[command]
    assert f"<!-- end {command} -->" in path.read_text(encoding="utf-8")


@pytest.mark.full
def test_a_small_load_test_without_any_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["growth", str(tmp_path / "gone.jsonl"), "--sizes", "80,40"]) == 0
    results = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert results["invented"]
    assert [row["headlines"] for row in results["growth"]] == [40, 80]
    assert all(row["database_mb"] > 0 and row["peak_mb"] > 0 for row in results["growth"])


def _file(path: Path, articles: Sequence[Article]) -> Path:
    rows = [
        {
            "id": one.key,
            "title": one.title,
            "snippet": one.snippet,
            "source": one.source,
            "published_at": one.at,
            "story": one.story,
        }
        for one in articles
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def _grown(headlines: int, seconds: float, peak: float) -> dict[str, Any]:
    return {
        "headlines": headlines,
        "seconds": seconds,
        "cpu": seconds,
        "articles_per_second": headlines / seconds,
        "peak_mb": peak,
        "database_mb": 1.5,
        "candidates": 3,
        "stories": 2,
        "events": 2,
    }


def test_the_docs_show_every_mail_at_every_width_and_in_the_dark() -> None:
    shown = (pictures.ROOT / "docs" / "mail.md").read_text(encoding="utf-8")
    for kind in pictures.KINDS:
        for view in pictures.VIEWS:
            name = f"mail-{kind}{view.suffix}.png"
            assert f"images/{name}" in shown
            with Image.open(pictures.FOLDER / name) as picture:
                assert abs(picture.width - view.width * view.scale) <= 1
                assert picture.mode == "P", "few colours"
            assert (pictures.FOLDER / name).stat().st_size < 130_000


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_a_picture_loads_nothing(kind: str) -> None:
    html = pictures.page_of(kind)
    assert "cid:" not in html
    assert ("data:image/png" in html) == (kind in pictures.WITH_LOGO)
    assert 'src="http' not in html
