"""One run: how it went, stage by stage and source by source, what it cost, who got what."""

from collections import Counter
from collections.abc import Callable

import altair as alt
import streamlit as st

from models.news import SourceState
from services.run_views import RunDetail, StageLine, find_run, run_detail
from services.schedules.address import flow_run_page
from services.signin import Viewer
from ui.parts.charts import Chart, Numbers, figure, spec
from ui.parts.layout import told
from ui.parts.run_words import JOBS, run_badge, started_by
from ui.parts.stages import stage_bar, stage_list
from ui.parts.tables import text_table
from ui.parts.words import counted, lasted, plain, when, words

_SHOWN = 50
"""Lines of sources on the page; those in trouble come first."""
_ICONS = {
    SourceState.OK: "check",
    SourceState.EMPTY: "remove",
    SourceState.PARTIAL: "warning",
    SourceState.QUOTA: "hourglass_disabled",
    SourceState.FAILED: "error",
}
_ENDED = {
    SourceState.OK: "answered",
    SourceState.EMPTY: "nothing new",
    SourceState.PARTIAL: "answered in part",
    SourceState.QUOTA: "quota used up",
    SourceState.FAILED: "failed",
}
_BAR = 34


def one_run(viewer: Viewer, run_id: str, *, back: Callable[[], None]) -> None:
    """The run's page; ``back`` forgets it."""
    st.button("All runs", icon=":material/arrow_back:", type="tertiary", key="runs-back", on_click=back)
    with told():
        line = find_run(viewer.scope, run_id)
        st.title(f"{JOBS[line.job_type]}, {when(line.started_at, viewer.timezone)}", anchor=False)
        if line.is_live:
            _live(viewer, run_id)
            return
        _whole(viewer, run_detail(viewer.scope, run_id))


@st.fragment(run_every="1.5s")
def _live(viewer: Viewer, run_id: str) -> None:
    with told():
        line = find_run(viewer.scope, run_id)
        if not line.is_live:
            st.rerun()
        stage_bar(line.done, line.seconds)
        stage_list(line.done)
        so_far = f"So far: {line.said}. " if line.said else ""
        st.caption(f"{so_far}You may leave this page: the run goes on.")


def _whole(viewer: Viewer, run: RunDetail) -> None:
    _head(viewer, run)
    _trouble(run)
    _timeline(run)
    _counts(run)
    _sources(run)
    _clients(run)
    _people(viewer, run)
    _costs(run)


def _head(viewer: Viewer, run: RunDetail) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        run_badge(run.line.state, is_silent=run.line.is_silent)
        st.caption(
            f"{started_by(run.line.trigger, run.line.schedule)} · took {lasted(run.line.seconds)}",
            width="content",
        )
    about = "all clients" if run.clients is None else _some(run.clients)
    back = f", {counted(run.days_back, 'day')} back" if run.days_back else ""
    invented = " The news is invented: nobody was mailed." if run.is_mock else ""
    st.markdown(f"{(run.line.said or 'It counted nothing')}. Asked about {about}{back}.{invented}")
    if viewer.is_operator and run.flow_run_id and (address := flow_run_page(run.flow_run_id)):
        st.link_button("Open in Prefect", address, icon=":material/open_in_new:")


def _some(names: tuple[str, ...], shown: int = 5) -> str:
    told = ", ".join(plain(name) for name in names[:shown])
    return f"{told} and {len(names) - shown} more" if len(names) > shown else told


def _trouble(run: RunDetail) -> None:
    if run.line.error:
        mend = f" {run.line.mend[:1].upper()}{run.line.mend[1:]}." if run.line.mend else ""
        st.error(f"{plain(run.line.error)}.{mend}", icon=":material/error:")
    if run.line.degraded:
        st.warning(
            "Something did not work, and the rest went on:\n\n"
            + "\n".join(f"- {plain(text)}" for text in run.line.degraded),
            icon=":material/warning:",
        )


def _timeline(run: RunDetail) -> None:
    timed = [one for one in run.stages if one.seconds is not None]
    if not timed:
        return
    rows = [
        (words(one.stage), round(one.began or 0, 2), round(one.ended or 0, 2), lasted(one.seconds or 0))
        for one in timed
    ]
    longest = max(timed, key=lambda one: one.seconds or 0)
    said = (
        f"{words(longest.stage)} took longest: {lasted(longest.seconds or 0)} of {lasted(run.line.seconds)}."
    )
    numbers = Numbers(("Stage", "Start", "End", "Took"), rows)
    figure("Timeline, in seconds from its start", said, _bars(numbers), numbers, key="run-timeline")


def _bars(numbers: Numbers) -> Chart:
    stages = [str(one) for one in numbers.table()["Stage"]]
    base = alt.Chart(numbers.data(), height=_BAR * max(len(stages), 2) + 40).encode(
        y=alt.Y("Stage:N", title=None, sort=stages)
    )
    bars = base.mark_bar(cornerRadius=2).encode(
        x=alt.X("Start:Q", title=None),
        x2="End:Q",
        tooltip=["Stage:N", "Took:N", alt.Tooltip("Start:Q"), alt.Tooltip("End:Q")],
    )
    # Beside the bar: what is too short to be seen is told all the same.
    text = base.mark_text(align="left", dx=4, color="#6f7b88").encode(x="End:Q", text="Took:N")
    return spec(alt.layer(bars, text))


def _counts(run: RunDetail) -> None:
    if not run.stages:
        return
    st.subheader("Stages", anchor=False)
    text_table(
        {
            "Stage": [words(one.stage) for one in run.stages],
            "Took": ["–" if one.seconds is None else lasted(one.seconds) for one in run.stages],
            "Counted": [_counted(one) for one in run.stages],
        },
        alt="What each stage of the run counted",
    )


def _counted(stage: StageLine) -> str:
    told = [f"{name.replace('_', ' ')} {value:,}" for name, value in stage.counts if value]
    return ", ".join(told) or "nothing"


def _sources(run: RunDetail) -> None:
    if not run.sources:
        return
    st.subheader("Sources", anchor=False)
    ended = Counter(one.state for one in run.sources)
    st.caption(", ".join(f"{ended[state]:,} {_ENDED[state]}" for state in _ENDED if ended[state]))
    bad = [
        one
        for one in run.sources
        if one.state in {SourceState.FAILED, SourceState.QUOTA, SourceState.PARTIAL}
    ]
    for one in bad[:10]:
        whom = plain(one.client or one.unit)
        reason = f": {plain(one.error)}" if one.error else ""
        st.markdown(
            f":material/{_ICONS[one.state]}: **{plain(one.source)}**, {whom}, {_ENDED[one.state]}{reason}"
        )
        for problem in one.problems[:3]:
            st.caption(plain(problem))
    with st.expander(f"All {counted(len(run.sources), 'answer')}"):
        shown = run.sources[:_SHOWN]
        text_table(
            {
                "Source": [one.source for one in shown],
                "Asked about": [one.client or one.unit for one in shown],
                "Ended": [_ENDED[one.state] for one in shown],
                "Found (new)": [f"{one.found:,} ({one.new:,})" for one in shown],
            },
            alt="How each source answered",
        )
        if len(run.sources) > _SHOWN:
            st.caption(f"The first {_SHOWN} of {len(run.sources):,}; those in trouble come first.")


def _clients(run: RunDetail) -> None:
    told_of = [one for one in run.summary.clients if one.found or one.events]
    if not told_of:
        return
    with st.expander(f"Clients with news: {len(told_of):,}"):
        text_table(
            {
                "Client": [one.name for one in told_of[:_SHOWN]],
                "Found": [f"{one.found:,}" for one in told_of[:_SHOWN]],
                "Events": [f"{one.events:,}" for one in told_of[:_SHOWN]],
                "Foremost": [one.top or "–" for one in told_of[:_SHOWN]],
            },
            alt="What the run found about each client",
        )


def _people(viewer: Viewer, run: RunDetail) -> None:
    if not run.people:
        return
    st.subheader("Who got what" if viewer.is_admin else "What you got", anchor=False)
    text_table(
        {
            "Person": [one.email for one in run.people],
            "Mailed at once": [f"{one.mailed:,}" for one in run.people],
            "In a digest": [f"{one.in_digest:,}" for one in run.people],
            "Waits now": [f"{one.waiting:,}" for one in run.people],
            "Kept back": [_kept(one.skipped) for one in run.people],
        },
        alt="What the run brought to each person",
    )


def _kept(skipped: dict[str, int]) -> str:
    return ", ".join(f"{words(reason).lower()} {count:,}" for reason, count in skipped.items()) or "–"


def _costs(run: RunDetail) -> None:
    st.subheader("Cost", anchor=False)
    line = run.summary.ai_line
    st.markdown(plain(line) if line else "No AI was asked anything: it cost nothing.")
