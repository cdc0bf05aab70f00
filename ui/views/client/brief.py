"""The brief for the next meeting: shown as it prints, to print or to keep."""

import streamlit as st

from services.brief import brief_of, brief_page, file_name
from services.portfolio.page import ClientFacts
from services.signin import Viewer
from ui.parts.layout import told
from ui.parts.paper import paper

_DAYS = {"30 days": 30, "90 days": 90, "Half a year": 182, "A year": 365}


def show(viewer: Viewer, facts: ClientFacts) -> None:
    """The section."""
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        chosen = st.segmented_control(
            "Looking back on", list(_DAYS), default="90 days", required=True, key="brief-days"
        )
        with told():
            brief = brief_of(viewer.scope, facts.id, days=_DAYS[chosen], timezone=viewer.timezone)
            html = brief_page(brief)
            st.download_button(
                "Download",
                html,
                file_name=file_name(brief),
                mime="text/html",
                icon=":material/download:",
                on_click="ignore",
                help="One page that opens in any browser, without scripts; print it from there, too.",
            )
    with told():
        paper(html, title=f"Brief of {facts.name}")
    st.caption(
        "Made of the news and CRM data that are here now; nothing is asked for it. It is meant for you "
        "and your colleagues: keep it in the house."
    )
