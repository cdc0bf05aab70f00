"""Why didn't I get …? An address or words of a headline in, what became of it out."""

import streamlit as st

from services.errors import UserError
from services.signin import Viewer
from services.why import why
from ui.parts.layout import empty
from ui.parts.why import timeline

_ASKED = "why"
"""The address's parameter: such a question can be kept and sent on as a link."""


def why_not(viewer: Viewer) -> None:
    """A button that asks, and the answer over the page. An address that asks is answered once, when it is opened."""
    asked = st.query_params.get(_ASKED, "")
    opened = asked and st.session_state.get("today-why-opened") != asked
    if st.button("Why didn't I get …?", icon=":material/help:", key="today-why", type="tertiary") or opened:
        st.session_state["today-why-opened"] = asked
        _ask(viewer, asked)


@st.dialog("Why didn't I get …?", width="medium", icon=":material/help:")
def _ask(viewer: Viewer, asked: str) -> None:
    with st.form("today-why-form", border=False):
        wanted = st.text_input(
            "The article's address, or words of its headline",
            asked,
            placeholder="https://… or chief executive steps down",
            max_chars=2000,
            key="today-why-words",
        )
        st.form_submit_button("Find out", type="primary")
    if not (wanted or "").strip():
        st.caption(
            "Every article that reached us has its story: where it was found, how it was judged, who got it."
        )
        return
    try:
        answer = why(viewer.scope, wanted.strip(), viewer.email)
    except UserError:
        empty(
            "No such article has reached us",
            "Pages change their headlines: try the address, or other words of it. If it is not there either, no source "
            "brought it; the page Runs shows which sources were asked, and whether one failed.",
            icon="search_off",
        )
        return
    timeline(answer)
