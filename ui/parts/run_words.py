"""What runs are called: their kinds, how they ended, what started them."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from models.jobs import JobType, RunState
from ui.parts.words import plain, words

JOBS: Mapping[JobType, str] = {
    JobType.CLIENT_MONITORING: "Monitoring",
    JobType.SEARCH_ONLY: "Search only",
    JobType.NOTIFICATION_DIGEST: "Digests",
}
JOBS_DO: Mapping[JobType, str] = {
    JobType.CLIENT_MONITORING: "Asks the sources about clients, judges what they say, and mails what is due.",
    JobType.SEARCH_ONLY: "Asks the sources and keeps what they say. The next monitoring judges it.",
    JobType.NOTIFICATION_DIGEST: "Writes the digests that are due by each person’s preferences.",
}
_STATES: Mapping[RunState, tuple[str, str, Any, str]] = {
    RunState.RUNNING: ("Running", "progress_activity", "blue", "It is at work"),
    RunState.COMPLETED: ("Done", "check", "green", "It did all it was asked"),
    RunState.DEGRADED: (
        "Done, with gaps",
        "warning",
        "orange",
        "It ended, and something it names did not work",
    ),
    RunState.FAILED: ("Failed", "error", "red", "It stopped before its end, or no source answered"),
    RunState.CRASHED: ("Broke off", "error", "red", "Its process ended; what it had found is kept"),
    RunState.CANCELLED: ("Stopped", "stop_circle", "gray", "Somebody stopped it"),
    RunState.SKIPPED: (
        "Skipped",
        "skip_next",
        "gray",
        "A later start was due already, or its schedule was stopped",
    ),
}
_TRIGGERS = {
    "app": "started in the app",
    "cli": "started from the command line",
    "on-demand": "started through Prefect",
    "run": "started through Prefect",
    "flow": "started through Prefect",
    "scheduled": "on schedule",
    "every-five-minutes": "on schedule",
}


def run_badge(state: RunState, *, is_silent: bool = False) -> None:
    """How a run stands, as a badge."""
    label, icon, colour, meaning = _STATES[state]
    if is_silent:
        label, icon, colour = "No sign of life", "help", "orange"
        meaning = "It has told nothing for a while: within minutes it is marked as broken off"
    st.badge(label, icon=f":material/{icon}:", color=colour, help=meaning)


def started_by(trigger: str, schedule: str) -> str:
    """What started a run, as Markdown."""
    how = _TRIGGERS.get(trigger) or plain(words(trigger).lower())
    return f"{how} (schedule {plain(schedule)})" if schedule else how
