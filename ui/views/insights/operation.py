"""What it costs, and how the sources do."""

import streamlit as st

from models.base import utc_now
from models.breakers import BreakerState
from models.news import SourceState
from services.insights.shapes import AiUse, Budget, SourceHealth, SourceNow
from services.signin import Viewer
from ui import router
from ui.parts.charts import Numbers, daily, figure, stacked
from ui.parts.words import ago, counted, plain, when

_STATES = {
    SourceState.OK: "Found something",
    SourceState.FAILED: "Failed",
    SourceState.EMPTY: "Had nothing",
    SourceState.QUOTA: "Out of quota",
    SourceState.PARTIAL: "In part",
}
"""In the order of the bars; what matters first has the colours that differ most."""
_BREAKERS = {
    BreakerState.CLOSED: ("Answers", "green", "check"),
    BreakerState.HALF_OPEN: ("Being tried again", "orange", "sync"),
    BreakerState.OPEN: ("Left alone", "red", "pause"),
}


def ai(use: AiUse) -> None:
    """Dollars a day for language models, and what is allowed."""
    numbers = Numbers(("Day", "USD", "Calls"), [(day.day, round(day.usd, 4), day.calls) for day in use.days])
    if not use.days:
        said = "No call was paid for in this time."
        said += f" {plain(use.classifier)} is switched on." if use.classifier else " The rules work alone."
        figure("AI spend by day", said, None, numbers, key="ai-spend")
        return
    dollars, calls = sum(day.usd for day in use.days), sum(day.calls for day in use.days)
    said = f"{dollars:,.2f} USD for {counted(calls, 'call')}."
    budgets = " ".join(_budget(one) for one in use.budgets)
    limit = next((one.limit for one in use.budgets if (one.unit, one.period) == ("usd", "day")), None)
    chart = daily(numbers, x="Day", y="USD", limit=limit)
    line = " The dashed line is what a day may cost." if limit is not None else ""
    figure("AI spend by day", f"{said} {budgets}{line}".strip(), chart, numbers, key="ai-spend")


def _budget(one: Budget) -> str:
    period = {"day": "Today", "month": "This month"}.get(one.period, one.period)
    if one.unit == "usd":
        return f"{period}: {one.taken:,.2f} of {one.limit:,.2f} USD."
    return f"{period}: {one.taken:,.0f} of {one.limit:,.0f} calls."


def sources(viewer: Viewer, health: SourceHealth) -> None:
    """How fetches ended by day, and each source as it stands."""
    order = list(_STATES.values())
    numbers = Numbers(
        ("Day", "Ended", "Fetches"),
        [
            (day.day, _STATES[state], day.results[state])
            for day in health.days
            for state in _STATES
            if day.results.get(state)
        ],
    )
    total = sum(sum(day.results.values()) for day in health.days)
    bad = sum(
        day.results.get(state, 0) for day in health.days for state in (SourceState.FAILED, SourceState.QUOTA)
    )
    days = len(health.days)
    said = f"Nothing was fetched in {days} days."
    if total:
        said = f"{counted(total, 'fetch', 'fetches')} in {days} days; {bad / total:.1%} failed or ran out of quota."
    chart = stacked(numbers, x="Day", y="Fetches", colour="Ended", order=order) if total else None
    figure("How fetches ended, by day", said, chart, numbers, key="source-results")
    for source in health.sources:
        _source(viewer, source)
    if not health.sources:
        st.caption("No source is switched on.")
        router.link("settings", "Switch one on", icon=":material/settings:")


def _source(viewer: Viewer, source: SourceNow) -> None:
    label, colour, icon = _BREAKERS[source.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(label, color=colour, icon=f":material/{icon}:")  # type: ignore[arg-type]
        st.markdown(f"**{plain(source.title)}**", width="content")
        parts = [f"answered {ago(source.last_ok_at, now=utc_now())}"]
        if source.fetched:
            parts.append(f"{source.failed / source.fetched:.1%} of {source.fetched:,} fetches in trouble")
        if source.asked_again_at is not None:
            parts.append(f"asked again {when(source.asked_again_at, viewer.timezone)}")
        if source.last_error:
            parts.append(plain(source.last_error))
        st.caption(" · ".join(parts), width="content")
