"""The comparison: a threshold is chosen on one half of the stories and judged on the other, both ways round."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from benchmarks.console import Step
from benchmarks.grouping import job
from benchmarks.grouping.labelled import Article, Labelled, halves
from benchmarks.grouping.measures import Scores, scores
from benchmarks.grouping.methods import METHODS, PEER, Method

Setting = tuple[str, float]
Tuned = dict[Setting, float]
"""B-cubed F1 of each setting on a half."""


def methods_for(sets: Sequence[Labelled]) -> list[tuple[Labelled, Method]]:
    return [
        (one, method) for one in sets for method in METHODS if one.knows_clients or not method.needs_clients
    ]


def count(sets: Sequence[Labelled]) -> int:
    """How many steps ``compare`` reports: choosing and judging, for each set and method."""
    return 2 * len(methods_for(sets))


def compare(sets: Sequence[Labelled], repeats: int, step: Step) -> list[dict[str, Any]]:
    """A row a set and method, in that order. Scores are means over the two halves judged; time is their sum."""
    parts = {one.name: halves(one.articles) for one in sets}
    tuned: dict[tuple[str, str], tuple[Tuned, Tuned]] = {}
    for one, method in methods_for(sets):
        step(f"choosing: {method.name}, {one.name}")
        first, second = parts[one.name]
        tuned[one.name, method.name] = (_tune(method, first), _tune(method, second))
    rows = []
    for one, method in methods_for(sets):
        step(f"judging: {method.name}, {one.name}")
        rows.append(_judge(one, method, parts[one.name], tuned, _voters(sets), repeats))
    _relate(rows)
    return rows


def chosen(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Setting]:
    """The setting each method got for the named set, chosen on its first half."""
    first = {row["method"]: row["settings"][0] for row in rows if row["set"] == name}
    return {method: (setting["variant"], setting["threshold"]) for method, setting in first.items()}


def _voters(sets: Sequence[Labelled]) -> list[str]:
    """The sets that a threshold for all must suit."""
    return [one.name for one in sets if not one.diagnostic] or [one.name for one in sets]


def _tune(method: Method, articles: Sequence[Article]) -> Tuned:
    truth = [article.story for article in articles]
    found: Tuned = {}
    for variant in method.variants:
        read = method.read(articles, variant)
        for threshold in method.thresholds or (0.0,):
            found[variant, threshold] = scores(truth, method.group(read, threshold)).b3_f1
    return found


def _judge(
    one: Labelled,
    method: Method,
    parts: tuple[list[Article], list[Article]],
    tuned: dict[tuple[str, str], tuple[Tuned, Tuned]],
    voters: Sequence[str],
    repeats: int,
) -> dict[str, Any]:
    mine = tuned[one.name, method.name]
    settings, judged, runs, for_all = [], [], [], []
    for chosen_on, judged_on in ((0, 1), (1, 0)):
        setting = _best([mine[chosen_on]])
        articles = parts[judged_on]
        run = job.measure(method, articles, setting, repeats)
        judged.append(scores([article.story for article in articles], run.pop("groups")))
        runs.append(run)
        settings.append({"variant": setting[0], "threshold": setting[1]})
        common = _best(
            [tuned[name, method.name][chosen_on] for name in voters if (name, method.name) in tuned]
            or [mine[chosen_on]]
        )
        for_all.append(mine[judged_on][common])
    seconds = sum(run["seconds"] for run in runs)
    return {
        "set": one.name,
        "method": method.name,
        "settings": settings,
        **asdict(_mean(judged)),
        "b3_f1_one_threshold_for_all": sum(for_all) / len(for_all),
        "articles_per_second": len(one.articles) / seconds,
        "peak_mb": max(run["peak_mb"] for run in runs),
        "added_mb": max(run["added_mb"] for run in runs),
    }


def _best(tuned: Sequence[Tuned]) -> Setting:
    """The setting with the highest mean; of equals the highest threshold, which joins least."""
    return max(tuned[0], key=lambda setting: (sum(one[setting] for one in tuned), setting[1], setting[0]))


def _mean(judged: Sequence[Scores]) -> Scores:
    return Scores(
        **{
            field.name: sum(getattr(one, field.name) for one in judged) / len(judged)
            for field in fields(Scores)
        }
    )


def _relate(rows: Sequence[dict[str, Any]]) -> None:
    """Add each row's speed relative to the named peer on the same set."""
    peer = {row["set"]: row["articles_per_second"] for row in rows if row["method"] == PEER}
    for row in rows:
        row["times_peer"] = row["articles_per_second"] / peer[row["set"]]
