"""How useful it was: which clients, what readers said, and how much of it reached them."""

from collections.abc import Sequence

from services.insights import Insights
from services.insights.shapes import ClientUse, Funnel, Hits, share_useful
from ui.parts.charts import Numbers, figure, line, ranked
from ui.parts.words import counted, plain, words

_SHOWN = 10
_VERDICTS = ("Useful", "Not relevant", "Wrong company")
_COLUMNS = ("Client", "Events", *_VERDICTS)


def noisiest(found: Insights) -> None:
    """The clients with the most events."""
    top = [use for use in found.uses if use.events][:_SHOWN]
    numbers = Numbers(_COLUMNS, [_row(use) for use in top])
    total = sum(use.events for use in found.uses)
    said = "No client had an event."
    if top:
        share = sum(use.events for use in top) / total
        said = (
            f"{plain(top[0].client)} leads with {counted(top[0].events, 'event')}; "
            f"these {len(top)} have {share:.0%} of all."
        )
    chart = ranked(numbers, name="Client", value="Events") if top else None
    figure("Noisiest clients, by events", said, chart, numbers, key="noisiest-clients")


def most_useful(found: Insights) -> None:
    """The clients whose news was called useful most often, with what else was said of it."""
    top = sorted((use for use in found.uses if use.useful), key=lambda use: -use.useful)[:_SHOWN]
    numbers = Numbers(
        ("Client", "Verdict", "Said"),
        [
            (use.client, verdict, count)
            for use in top
            for verdict, count in zip(_VERDICTS, _verdicts(use), strict=True)
        ],
    )
    said = "Nobody called anything useful yet. One click under an item says so."
    if top:
        share = top[0].precision or 0
        said = (
            f"{plain(top[0].client)} leads: {counted(top[0].useful, 'item')} called useful, {share:.0%} of what was "
            "judged there."
        )
    chart = ranked(numbers, name="Client", value="Said", colour="Verdict", order=_VERDICTS) if top else None
    figure("Most useful clients, by what readers said", said, chart, numbers, key="most-useful-clients")


def _row(use: ClientUse) -> tuple[object, ...]:
    return use.client, use.events, *_verdicts(use)


def _verdicts(use: ClientUse) -> tuple[int, int, int]:
    return use.useful, use.not_relevant, use.wrong_company


def precision(found: Insights) -> None:
    """The useful part of what readers judged, by week."""
    useful, not_relevant, wrong = (
        sum(getattr(week, name) for week in found.weeks)
        for name in ("useful", "not_relevant", "wrong_company")
    )
    numbers = Numbers(
        ("Week", "Useful part", *_VERDICTS),
        [
            (week.monday, week.precision, week.useful, week.not_relevant, week.wrong_company)
            for week in found.weeks
        ],
    )
    share = share_useful(useful, not_relevant, wrong)
    said = "Nobody has judged an item in this time. One click under an item does."
    if share is not None:
        said = (
            f"{share:.0%} of {counted(useful + not_relevant + wrong, 'judged item')} useful; {not_relevant:,} not "
            f"relevant, {wrong:,} about another company."
        )
    chart = line(numbers, x="Week", y="Useful part") if share is not None else None
    figure("Useful part of what readers judged, by week", said, chart, numbers, key="useful-part")


def funnel(found: Insights) -> None:
    """From what was found to what reached a reader."""
    of = found.funnel
    steps: list[tuple[str, int]] = [
        *([("Articles found", of.articles)] if of.articles is not None else []),
        ("Stories", of.stories),
        ("Events", of.events),
        ("Wanted by a reader", of.wanted),
        ("Mailed", of.mailed),
    ]
    numbers = Numbers(("Step", "Count"), [*steps, ("Mails", of.mails), *_hits(of)])
    chart = ranked(Numbers(("Step", "Count"), steps), name="Step", value="Count") if of.events else None
    whose = "" if found.sees_all else " to you"
    said = f"{counted(of.mails, 'mail')} with news went out{whose}. {_met(of)}"
    figure("From articles found to events mailed", said.strip(), chart, numbers, key="funnel")


def _hits(of: Funnel) -> Sequence[tuple[str, int]]:
    told = (("Opens", of.opens), ("Links followed", of.clicks))
    return [
        (f"{name}, {who}", getattr(hits, field))
        for name, hits in told
        if hits is not None
        for who, field in (("people", "human"), ("not known", "unknown"), ("machines", "machine"))
    ]


def _met(of: Funnel) -> str:
    if of.hits_withheld:
        return "Too few readers to show opens and clicks."
    if of.opens is None or of.clicks is None:
        return ""
    return f"Opened {_between(of.opens)}×, links followed {_between(of.clicks)}×; machines apart."


def _between(hits: Hits) -> str:
    most = hits.human + hits.unknown
    return f"{hits.human:,}" if most == hits.human else f"{hits.human:,} to {most:,}"


def skipped(found: Insights) -> None:
    """Why items did not reach a reader."""
    rows = [(words(reason.value), count) for reason, count in found.skipped.items()]
    numbers = Numbers(("Reason", "Items"), rows)
    said = "Nothing was left out."
    if rows:
        total = sum(found.skipped.values())
        most, count = rows[0]
        said = f"{counted(total, 'item')} left out for a reader; {count / total:.0%} of them: {most.lower()}."
    chart = ranked(numbers, name="Reason", value="Items") if rows else None
    figure("Why items were left out", said, chart, numbers, key="left-out")
