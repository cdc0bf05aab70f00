"""From one section of the settings to another."""

import streamlit as st


def open_section(name: str, label: str, **query: str) -> None:
    """A button that leads to another section."""
    if st.button(label, key=f"to_{name}_{label}", icon=":material/arrow_forward:", icon_position="right"):
        st.query_params.from_dict({"section": name, **query})
        st.rerun()
