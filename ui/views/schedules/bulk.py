"""Several schedules at once: activate, pause, run, delete."""

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from services.errors import UserError
from services.run_start import Started, start_schedule
from services.schedules import Listed, delete
from services.signin import Viewer
from ui.parts.layout import told
from ui.parts.words import counted, plain
from ui.views.schedules.actions import activate, pause_these, say, show_run

_NAMED = 8


def tick_key(schedule_id: UUID) -> str:
    """Where the page keeps whether a schedule is ticked."""
    return f"tick-{schedule_id}"


def bar(viewer: Viewer, found: Sequence[Listed]) -> None:
    """What can be done with the ticked schedules."""
    ticked = [one for one in found if st.session_state.get(tick_key(one.row.id))]
    if not ticked:
        return
    ids = [one.row.id for one in ticked]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
        st.markdown(f"**{counted(len(ticked), 'schedule')} ticked**", width="content")
        if st.button("Activate", icon=":material/play_circle:", key="bulk-activate"):
            activate(viewer, ids)
        if st.button("Pause", icon=":material/pause:", key="bulk-pause"):
            pause_these(viewer, ids)
        if st.button("Run now", icon=":material/play_arrow:", key="bulk-run"):
            _run(viewer, ticked)
        if st.button("Delete …", icon=":material/delete:", key="bulk-delete"):
            confirm_delete(viewer, {one.row.id: one.row.name for one in ticked})


@st.dialog("Delete schedules?")
def confirm_delete(viewer: Viewer, names: dict[UUID, str]) -> None:
    """Ask, then delete these schedules."""
    shown = ", ".join(plain(name) for name in list(names.values())[:_NAMED])
    left = len(names) - _NAMED
    st.markdown(f"**{shown}{f' and {left:,} more' if left > 0 else ''}**")
    st.markdown(
        "They stop at once and cannot be brought back. What their runs found stays, and so do the runs themselves. "
        "To stop for a while, pause them instead."
    )
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", key="delete-yes"):
            with told(), st.spinner("Deleting …"):
                say(delete(viewer.scope, list(names)), "Deleted")
        if st.button("Keep", key="delete-no"):
            st.rerun()


def _run(viewer: Viewer, ticked: Sequence[Listed]) -> None:
    """Start each. The first that cannot start is said, and those before it run."""
    started: list[Started] = []
    with told(), st.spinner("Starting …"):
        for one in ticked:
            try:
                started.append(start_schedule(viewer.scope, one.row))
            except UserError as error:
                so_far = f"{counted(len(started), 'schedule')} started, then " if started else ""
                raise UserError(f"{so_far}{one.row.name}: {error}", error.mend) from None
        show_run(started[-1])
