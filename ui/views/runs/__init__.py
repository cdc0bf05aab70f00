"""Runs: what ran, what it came to, what went wrong, and what runs now."""

import streamlit as st

from models.base import utc_now
from services.errors import UserError
from services.run_start import run_started, start_run
from services.run_views import RunLine, RunsPage, runs_page
from services.schedules import may_keep
from services.signin import Viewer
from ui.parts.layout import empty, heading, told
from ui.parts.run_words import JOBS, run_badge, started_by
from ui.parts.stages import stage_bar
from ui.parts.starting import forget, started_run
from ui.parts.starting import remember as remember_start
from ui.parts.words import lasted, plain, when, words
from ui.views.runs.one import one_run

ID, AFTER = "id", "after"
_EVERY = "2s"


def page(viewer: Viewer) -> None:
    """The page: a run where the address names one, else the list."""
    if ID in st.query_params:
        one_run(viewer, st.query_params[ID], back=_to_list)
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap=None):
            heading("Runs", "Every search for news: when, what came of it, and what did not work.")
        _run_now(viewer)
    _waiting(viewer)
    with told():
        found = _read(viewer)
        # Only what runs is worth asking for again and again.
        is_live = any(line.is_live for line in found.lines)
        st.fragment(_list, run_every=_EVERY if is_live else None)(viewer, found if not is_live else None)


def _run_now(viewer: Viewer) -> None:
    if not may_keep(viewer.scope):
        return
    if st.button(
        "Run now",
        type="primary",
        icon=":material/play_arrow:",
        key="runs-now",
        help="Asks the sources about every client at once, and mails what is due.",
    ):
        with told(), st.spinner("Starting …"):
            remember_start(start_run(viewer.scope))
            st.query_params.pop(AFTER, None)
            st.rerun()


def _waiting(viewer: Viewer) -> None:
    """Where a run that was just started stands until it is written down; then its page opens."""
    started = started_run()
    if started is None:
        return
    run_id = run_started(viewer.scope, started)
    if run_id is not None:
        forget()
        st.query_params[ID] = str(run_id)
        st.rerun()
    _wait(viewer)


@st.fragment(run_every=_EVERY)
def _wait(viewer: Viewer) -> None:
    started = started_run()
    if started is None or run_started(viewer.scope, started) is not None:
        st.rerun()
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(
            f":material/hourglass_top: {plain(words(started.sentence))}: waiting for a worker to take it."
        )
        st.button("Do not wait", type="tertiary", key="runs-do-not-wait", on_click=forget)


def _read(viewer: Viewer) -> RunsPage:
    after = st.query_params.get(AFTER, "")
    try:
        return runs_page(viewer.scope, after=after)
    except UserError:
        if not after:
            raise
        # A place that somebody cut off: the list itself is fine.
        del st.query_params[AFTER]
        return runs_page(viewer.scope)


def _list(viewer: Viewer, found: RunsPage | None) -> None:
    if found is None:
        found = _read(viewer)
        if not any(line.is_live for line in found.lines):
            st.rerun()
    if not found.lines:
        empty(
            "Nothing has run yet",
            "Press “Run now”, or make a schedule: then news is looked for without anybody’s asking.",
            icon="play_circle",
        )
        return
    with st.container(border=True, gap="small"):
        for line in found.lines:
            _row(viewer, line)
    _pager(found)


def _row(viewer: Viewer, line: RunLine) -> None:
    now = utc_now()
    with st.container(gap=None):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            # No link: one that leads to the page one is on looks as if it were chosen already.
            title = f"**{JOBS[line.job_type]}, {when(line.started_at, viewer.timezone, now=now)}**"
            st.button(title, key=f"run-{line.id}", type="tertiary", on_click=_open, args=(line,))
            run_badge(line.state, is_silent=line.is_silent)
        parts = [started_by(line.trigger, line.schedule), f"took {lasted(line.seconds)}"]
        if line.is_live:
            parts = parts[:1]
        st.caption(" · ".join([*parts, *([line.said] if line.said else [])]))
        if line.is_live:
            stage_bar(line.done, line.seconds)
        for text in line.degraded[:2]:
            st.caption(f":material/warning: {plain(text)}")
        if len(line.degraded) > 2:
            st.caption(f"and {len(line.degraded) - 2} more")
        if line.error:
            mend = f" {line.mend[:1].upper()}{line.mend[1:]}." if line.mend else ""
            st.caption(f":material/error: {plain(line.error)}.{mend}")


def _pager(found: RunsPage) -> None:
    is_first = AFTER not in st.query_params
    if is_first and not found.next:
        return
    with st.container(horizontal=True):
        st.button("Newest", key="runs-newest", disabled=is_first, on_click=_turn, args=("",))
        st.button("Older", key="runs-older", disabled=not found.next, on_click=_turn, args=(found.next,))


def _turn(after: str) -> None:
    if after:
        st.query_params[AFTER] = after
    else:
        st.query_params.pop(AFTER, None)


def _open(line: RunLine) -> None:
    st.query_params[ID] = str(line.id)


def _to_list() -> None:
    st.query_params.pop(ID, None)
