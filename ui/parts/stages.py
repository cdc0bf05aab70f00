"""What a run is doing, in words and as it goes."""

from collections.abc import Mapping, Sequence

import streamlit as st

from services.portfolio.running import STAGES
from ui.parts.words import lasted

DOING: Mapping[str, str] = {
    "search": "Asking the sources",
    "dedupe": "Grouping articles into stories",
    "enrich": "Asking the CRM",
    "classify": "Judging what is about your clients",
    "filter": "Weighing it for each reader",
    "notify": "Writing mails",
}


def stage_bar(done: Sequence[str], seconds: float) -> None:
    """How far a run is that has these stages behind it, and what it does now."""
    at = min(len(done), len(STAGES) - 1)
    st.progress(max(len(done) / len(STAGES), 0.02), f"{DOING[STAGES[at]]} … {lasted(seconds)}")


def stage_list(done: Sequence[str]) -> None:
    """All stages, with what is behind a run and what it does now."""
    at = min(len(done), len(STAGES) - 1)
    for number, stage in enumerate(STAGES):
        mark = "check_circle" if number < at else "pending" if number == at else "radio_button_unchecked"
        st.markdown(f":material/{mark}: {DOING[stage]}")
