"""A run that somebody just started, until the page Runs has found it."""

import streamlit as st

from services.run_start import Started

_KEY = "run_just_started"


def remember(started: Started) -> None:
    """Let the page Runs wait for it."""
    st.session_state[_KEY] = started


def started_run() -> Started | None:
    """What is waited for."""
    started: Started | None = st.session_state.get(_KEY)
    return started


def forget() -> None:
    """Wait no more; the run itself goes on."""
    st.session_state.pop(_KEY, None)
