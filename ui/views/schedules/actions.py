"""What is done with schedules from the list, one or several, and what is said about it."""

from collections.abc import Collection
from uuid import UUID

import streamlit as st

from services.run_start import Started
from services.schedules import Change, pause, resume
from services.signin import Viewer
from ui import router
from ui.parts.layout import done, told
from ui.parts.starting import remember
from ui.parts.words import counted, words


def pause_these(viewer: Viewer, ids: Collection[UUID]) -> None:
    """Stop them until a person activates them."""
    with told(), st.spinner("Pausing …"):
        say(pause(viewer.scope, ids), "Paused")


def activate(viewer: Viewer, ids: Collection[UUID]) -> None:
    """Let them run again."""
    with told(), st.spinner("Activating …"):
        say(resume(viewer.scope, ids), "Active again")


def say(change: Change, what: str) -> None:
    """What was changed and whether Prefect works by it, after the next rerun; which comes now."""
    waits = "" if change.is_live else ". Prefect does not know yet: the change waits for it"
    done(f"{what}: {counted(len(change.schedules), 'schedule')}{waits}.")
    st.rerun()


def show_run(started: Started) -> None:
    """Go where the run that was started can be watched."""
    done(f"{words(started.sentence)}.")
    if started.job_run_id is not None:
        router.go("runs", id=str(started.job_run_id))
    remember(started)
    router.go("runs")
