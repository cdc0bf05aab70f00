"""What is kept how long and why, and what the next sweep would remove."""

import streamlit as st

from services.retention import due, kept
from services.signin import Viewer
from ui.parts.layout import told
from ui.parts.tables import text_table
from ui.parts.words import counted

_COUNTED = "retention_counted"


def show(viewer: Viewer) -> None:
    """The section."""
    st.write(
        "Each night what is past its time is removed, in every business alike. The times are the deployment's: whoever "
        "runs it changes them."
    )
    counts: dict[str, int] | None = st.session_state.get(_COUNTED)
    rows = kept()
    table = {
        "What": [row.what for row in rows],
        "Kept": [counted(row.days, "day") if row.days else "stays" for row in rows],
        "Why": [row.why for row in rows],
        "Setting": [row.setting for row in rows],
    }
    if counts is not None:
        table["Would go tonight"] = [f"{counts[row.table]:,}" if row.table in counts else "" for row in rows]
    text_table(table, alt="What is kept, how long, and why")
    if st.button("Count what would go tonight", icon=":material/calculate:"):
        with told():
            st.session_state[_COUNTED] = due(viewer.scope)
            st.rerun()
    if counts is not None:
        st.caption(
            f"Counted now: {counted(sum(counts.values()), 'row')} of your business. Nothing was removed by counting."
        )
    st.caption("Opens and clicks are counted without names; those counts stay.")
