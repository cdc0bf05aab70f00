"""How much news there was, of what kind, and how good."""

from collections import Counter
from collections.abc import Sequence

from models.events import Category
from services.insights import Insights
from services.insights.shapes import Week
from ui.parts.charts import Numbers, figure, stacked
from ui.parts.words import category, counted

_COLOURS = 7
"""The theme's: with more kinds than colours two would look the same."""
_REST = "Other kinds"


def by_category(found: Insights) -> None:
    """Events a week, by kind."""
    total = Counter[Category]()
    for week in found.weeks:
        total.update(week.by_category)
    named = [kind for kind, _ in total.most_common(_COLOURS - (len(total) > _COLOURS))]
    numbers = Numbers(
        ("Week", "Kind", "Events"),
        [(week.monday, kind, count) for week in found.weeks for kind, count in _kinds(week, named)],
    )
    order = [*map(category, named), _REST]
    chart = stacked(numbers, x="Week", y="Events", colour="Kind", order=order) if total else None
    figure("Events a week, by kind", _said(total, len(found.weeks)), chart, numbers, key="events-by-kind")


def _kinds(week: Week, named: Sequence[Category]) -> list[tuple[str, int]]:
    rest = sum(count for kind, count in week.by_category.items() if kind not in named)
    told = [(category(kind), week.by_category.get(kind, 0)) for kind in named]
    return [*told, (_REST, rest)] if rest else told


def _said(total: Counter[Category], weeks: int) -> str:
    if not total:
        return f"No events in {weeks} weeks."
    [(kind, count)] = total.most_common(1)
    share = count / total.total()
    return (
        f"{counted(total.total(), 'event')} in {weeks} weeks; the most frequent kind is "
        f"{category(kind).lower()}, with {share:.0%}."
    )


def sentiment(found: Insights) -> None:
    """Good and bad news a week."""
    good, bad = sum(week.good for week in found.weeks), sum(week.bad for week in found.weeks)
    numbers = Numbers(
        ("Week", "Tone", "Events", "Mean sentiment"),
        [
            (week.monday, tone, count, _mean(week))
            for week in found.weeks
            for tone, count in (("Good news", week.good), ("Bad news", -week.bad))
        ],
    )
    chart = (
        stacked(numbers, x="Week", y="Events", colour="Tone", order=("Good news", "Bad news"))
        if good or bad
        else None
    )
    said = (
        f"{good:,} good and {bad:,} bad of {counted(sum(week.events for week in found.weeks), 'event')}; "
        "the rest reads neutral."
    )
    figure("Good and bad news a week", said, chart, numbers, key="good-and-bad-news")


def _mean(week: Week) -> float | None:
    return None if week.sentiment is None else round(week.sentiment, 2)
