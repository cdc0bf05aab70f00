"""The fourth step: the first run, watched, and the digest that came of it."""

import streamlit as st

from models.jobs import RunState
from services.first_digest import FirstDigest, first_digest
from services.first_steps import FirstSteps
from services.portfolio.running import Watched, watch
from services.run_start import Started, run_started, start_run
from services.signin import Viewer
from ui import router
from ui.parts.frame import mail_frame
from ui.parts.layout import done, told
from ui.parts.stages import stage_bar, stage_list
from ui.parts.words import counted, lasted, plain, when, words
from ui.views.preferences.sayings import REASONS

DAYS_BACK = 30
"""As far back as the first digest shows history (promise 10)."""
_STARTED = "first_run_started"


def show(viewer: Viewer, steps: FirstSteps) -> None:
    """The step."""
    started: Started | None = st.session_state.get(_STARTED)
    if started is not None and run_started(viewer.scope, started) is None:
        _waiting(viewer, started)
        return
    if steps.run_state is RunState.RUNNING:
        _live(viewer, steps)
        return
    if steps.run_id is not None:
        _result(watch(viewer.scope, steps.run_id))
    _start(viewer, steps)
    if steps.has_good_run:
        _digest(viewer, first_digest(viewer.scope))


def _start(viewer: Viewer, steps: FirstSteps) -> None:
    missing = []
    if not steps.clients:
        missing.append("a client (step 1)")
    if not steps.sources:
        missing.append("a source (step 2)")
    if missing:
        st.info(f"Before the first run it takes {' and '.join(missing)}.", icon=":material/info:")
        return
    if not steps.has_good_run:
        st.write(
            f"Each source is asked about your {counted(steps.clients, 'client')}, {DAYS_BACK} days back. What it finds "
            "now is history: nobody is mailed at once, and the first digest shows the two best items of each client, "
            "marked as such. A few minutes for a hundred clients."
        )
    label = "Run again" if steps.run_id else "Start the first run"
    kind = "secondary" if steps.has_good_run else "primary"
    if st.button(label, type=kind, icon=":material/play_arrow:"):  # type: ignore[arg-type]
        with told(), st.spinner("Starting …"):
            st.session_state[_STARTED] = start_run(viewer.scope, days_back=DAYS_BACK)
            st.rerun()


@st.fragment(run_every="2s")
def _waiting(viewer: Viewer, started: Started) -> None:
    if run_started(viewer.scope, started) is not None:
        st.session_state.pop(_STARTED, None)
        st.rerun()
    st.info(
        f"{plain(words(started.sentence))}: waiting for a worker to take it.", icon=":material/hourglass_top:"
    )
    if st.button("Do not wait"):
        st.session_state.pop(_STARTED, None)
        st.rerun()


@st.fragment(run_every="1.5s")
def _live(viewer: Viewer, steps: FirstSteps) -> None:
    assert steps.run_id is not None  # as its state says
    run = watch(viewer.scope, steps.run_id)
    if run.is_over:
        st.session_state.pop(_STARTED, None)
        done("The first run is over.")
        st.rerun()
    stage_bar(run.done, run.seconds)
    stage_list(run.done)
    st.caption(
        f"{counted(run.items, 'item')} found so far. You may leave this page: the run goes on, and this is here when "
        "you come back."
    )


def _result(run: Watched) -> None:
    found = f"{counted(run.items, 'item')} found in {lasted(run.seconds)}"
    match run.state:
        case RunState.COMPLETED:
            st.success(f"The run is over: {found}.", icon=":material/check:")
        case RunState.DEGRADED:
            st.warning(f"The run is over: {found}; something did not work.", icon=":material/warning:")
        case _:
            st.error(
                f"The run did not end well: {plain(run.error or run.state.value)}.", icon=":material/error:"
            )
    for line in run.degraded[:5]:
        st.caption(f":material/warning: {plain(line)}")
    router.link("runs", "The run’s page", icon=":material/play_circle:", id=str(run.job_run_id))


def _digest(viewer: Viewer, mine: FirstDigest) -> None:
    st.subheader("Your first digest", anchor=False)
    if mine.stories:
        due = (
            f"It goes out {when(mine.due, viewer.timezone)}."
            if mine.due
            else "You are away: it waits for you."
        )
        history = f" {_share(mine)} from before we started watching." if mine.history else ""
        st.write(f"{due} It has {counted(mine.stories, 'story', 'stories')}.{history}")
        st.markdown(f"**{plain(mine.subject)}**")
        mail_frame(mine.html, title="Your first digest", height=680)
    elif mine.mails_sent:
        st.write("Your first mail has gone out already.")
        router.link("email_log", "Read it in the email log", icon=":material/mail:")
    else:
        st.write("No news for you yet. Client Monitor goes on looking, and tells you once there is some.")
    if mine.kept_back:
        st.caption("Not mailed, and under Today all the same:")
        for reason, count in mine.kept_back.items():
            st.caption(f"- {count:,} × {REASONS.get(reason, words(reason))}")


def _share(mine: FirstDigest) -> str:
    if mine.history == mine.stories:
        return "All of it is"
    return "One of them is" if mine.history == 1 else f"{mine.history} of them are"
