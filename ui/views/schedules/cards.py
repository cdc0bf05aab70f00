"""A schedule in the list: what it says, what comes next, how it went, and what can be done with it."""

from collections.abc import Callable

import streamlit as st

from models.base import utc_now
from models.jobs import PausedBy, SyncState
from services.run_start import start_schedule
from services.schedules import Listed, may_keep
from services.signin import Viewer
from ui.parts.layout import told
from ui.parts.run_words import JOBS, run_badge
from ui.parts.words import counted, plain, when
from ui.views.schedules.actions import activate, pause_these, show_run
from ui.views.schedules.bulk import confirm_delete, tick_key

_SHOWN = 4


def card(viewer: Viewer, one: Listed, *, edit: Callable[[str], None]) -> None:
    """The card; ``edit`` opens the form for an id."""
    row = one.row
    with st.container(border=True, gap="xsmall", key=f"schedule-{row.id}"):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if may_keep(viewer.scope):
                st.checkbox(f"Choose {plain(row.name)}", key=tick_key(row.id), label_visibility="collapsed")
            st.markdown(f"**{plain(row.name)}**", width="content")
            _standing(one)
        st.markdown(f"{_first_up(plain(one.words))} · {JOBS[row.job_type]} of {_clients(one)}")
        _coming(viewer, one)
        _last(viewer, one)
        if row.sync_state is not SyncState.IN_STEP:
            st.caption(f":material/sync_problem: Prefect: {plain(one.sync)}")
        if may_keep(viewer.scope):
            _buttons(viewer, one, edit)


def _standing(one: Listed) -> None:
    row = one.row
    if not row.is_active:
        colour = "red" if row.paused_by is PausedBy.FAILURES else "gray"
        st.badge(_first_up(one.standing), icon=":material/pause_circle:", color=colour)  # type: ignore[arg-type]
    elif row.consecutive_failures:
        st.badge("Failing", icon=":material/error:", color="red")
    else:
        st.badge("Active", icon=":material/check:", color="green")


def _clients(one: Listed) -> str:
    if one.row.job_type.value == "notification_digest":
        return "each person’s mail"
    if one.clients is None:
        return "all clients"
    told = ", ".join(plain(name) for name in one.clients[:_SHOWN])
    left = len(one.clients) - _SHOWN
    return f"{told} and {left} more" if left > 0 else told


def _coming(viewer: Viewer, one: Listed) -> None:
    if not one.next_runs:
        return
    now = utc_now()
    told = ", ".join(when(at, viewer.timezone, now=now) for at in one.next_runs)
    st.caption(f":material/event: Next: {told} ({plain(viewer.timezone)})")


def _last(viewer: Viewer, one: Listed) -> None:
    row = one.row
    if row.last_run_at is None or row.last_run_state is None:
        st.caption("It has not run yet.")
    else:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.caption(f"Last run {when(row.last_run_at, viewer.timezone)}", width="content")
            run_badge(row.last_run_state)
    if row.consecutive_failures:
        reason = f": {plain(row.last_error)}" if row.last_error else ""
        st.caption(f":material/error: {counted(row.consecutive_failures, 'failure')} in a row{reason}")
    elif row.last_error:
        at = when(row.last_error_at, viewer.timezone)
        st.caption(f"Last error, {at}: {plain(row.last_error)}")


def _buttons(viewer: Viewer, one: Listed, edit: Callable[[str], None]) -> None:
    row = one.row
    with st.container(horizontal=True, gap="small"):
        if st.button("Run now", icon=":material/play_arrow:", type="tertiary", key=f"run-{row.id}"):
            with told(), st.spinner("Starting …"):
                show_run(start_schedule(viewer.scope, row))
        st.button(
            "Edit",
            icon=":material/edit:",
            type="tertiary",
            key=f"edit-{row.id}",
            on_click=edit,
            args=(str(row.id),),
        )
        if row.is_active and st.button(
            "Pause", icon=":material/pause:", type="tertiary", key=f"pause-{row.id}"
        ):
            pause_these(viewer, [row.id])
        if not row.is_active and st.button(
            "Activate", icon=":material/play_circle:", type="tertiary", key=f"activate-{row.id}"
        ):
            activate(viewer, [row.id])
        if st.button("Delete", icon=":material/delete:", type="tertiary", key=f"delete-{row.id}"):
            confirm_delete(viewer, {row.id: row.name})


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]
