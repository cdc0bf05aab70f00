"""A run for this client alone, started here and watched until it is over."""

import streamlit as st

from models.jobs import RunState
from services.portfolio.page import ClientFacts
from services.portfolio.running import STAGES, Watched, watch
from services.run_start import Started, run_started, start_run
from services.schedules import may_keep
from services.signin import Viewer
from ui import router
from ui.parts.layout import done, told
from ui.parts.words import category, counted, lasted, plain

_SAYS = {
    "search": "Searching",
    "dedupe": "Grouping into stories",
    "enrich": "Asking the CRM",
    "classify": "Judging",
    "filter": "Weighing for each reader",
    "notify": "Writing mails",
}
_ENDED = {
    RunState.COMPLETED: ("success", "Done"),
    RunState.DEGRADED: ("warning", "Done, but something did not work"),
    RunState.FAILED: ("error", "The run failed"),
    RunState.CRASHED: ("error", "The run broke off"),
}


def button(viewer: Viewer, facts: ClientFacts) -> None:
    """Start a run of the client, for who may and where it makes sense."""
    if not may_keep(viewer.scope) or facts.archived_at is not None:
        return
    is_running = _started(facts) is not None and not st.session_state.get(_over(facts), False)
    if st.button(
        "Run now",
        type="primary",
        icon=":material/play_arrow:",
        disabled=is_running,
        help="Searches for this client at once and decides what is new.",
        key="client-run",
    ):
        with told(), st.spinner("Starting …"):
            st.session_state[_key(facts)] = start_run(viewer.scope, [facts.id])
            st.session_state[_over(facts)] = False
            st.rerun()


def progress(viewer: Viewer, facts: ClientFacts) -> None:
    """How the run that was started here goes, or what it came to; nothing when there is none."""
    started = _started(facts)
    if started is None:
        return
    if st.session_state.get(_over(facts), False):
        _result(viewer, facts, started)
    else:
        _live(viewer, facts, started)


@st.fragment(run_every="1.5s")
def _live(viewer: Viewer, facts: ClientFacts, started: Started) -> None:
    run_id = run_started(viewer.scope, started)
    if run_id is None:
        st.info(
            f"{plain(started.sentence)}: waiting for a worker to take it.", icon=":material/hourglass_top:"
        )
        return
    with told():
        watched = watch(viewer.scope, run_id, facts.id)
        if watched.is_over:
            st.session_state[_over(facts)] = True
            done(f"The run for {facts.name} is over")
            st.rerun()
        st.progress(max(watched.share, 0.02), f"{_now_doing(watched)} … {lasted(watched.seconds)}")


def _now_doing(watched: Watched) -> str:
    stage = STAGES[min(len(watched.done), len(STAGES) - 1)]
    items = f" ({counted(watched.items, 'item')} found)" if watched.items else ""
    return _SAYS[stage] + items


def _result(viewer: Viewer, facts: ClientFacts, started: Started) -> None:
    run_id = run_started(viewer.scope, started)
    if run_id is None:
        return
    with told(), st.container(border=True, gap="xsmall"):
        watched = watch(viewer.scope, run_id, facts.id)
        _, sentence = _ENDED.get(watched.state, ("info", "The run is over"))
        new = [one for one in watched.made if one.is_new]
        found = f"{counted(watched.items, 'item')} found, {watched.new_items:,} new; "
        found += counted(len(new), "new event") if new else "no new event"
        icon = "check_circle" if watched.state is RunState.COMPLETED else "warning"
        st.markdown(f":material/{icon}: **{sentence}** after {lasted(watched.seconds)}: {found}.")
        for one in watched.made[:5]:
            mark = "" if one.is_new else " (told anew)"
            st.markdown(f"- {category(one.category.value)}: {plain(one.title)}{mark}")
        for line in watched.degraded[:3]:
            st.caption(f":material/warning: {plain(line)}")
        if watched.error:
            st.caption(f":material/error: {plain(watched.error)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            router.link("runs", "The run’s page", icon=":material/play_circle:", id=str(run_id))
            if st.button("Close", type="tertiary", key="run-close"):
                st.session_state.pop(_key(facts), None)
                st.rerun()


def _started(facts: ClientFacts) -> Started | None:
    return st.session_state.get(_key(facts))


def _key(facts: ClientFacts) -> str:
    return f"run-{facts.id}"


def _over(facts: ClientFacts) -> str:
    return f"run-over-{facts.id}"
