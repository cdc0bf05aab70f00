"""Several clients at once: give, archive, restore, export."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from models.base import utc_now
from services.clients import restore_client
from services.portfolio.export import export_clients
from services.portfolio.people import archive_clients
from services.portfolio.table import ClientRow
from services.signin import Viewer
from ui.parts.layout import done, told
from ui.parts.words import counted, plain
from ui.views.client_people import hand_over

_NAMED = 8


def bar(viewer: Viewer, ticked: Sequence[ClientRow], *, archived: bool) -> None:
    """What can be done with the ticked clients."""
    if not ticked:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
        st.markdown(f"**{counted(len(ticked), 'client')} ticked**", width="content")
        if archived:
            if st.button("Restore", icon=":material/unarchive:", key="bulk-restore"):
                _restore(viewer, ticked)
        else:
            if st.button("Give to …", icon=":material/group:", key="bulk-give"):
                hand_over(viewer, {row.id: row.name for row in ticked})
            if st.button("Archive …", icon=":material/archive:", key="bulk-archive"):
                archive(viewer, {row.id: row.name for row in ticked})
        export(viewer, [row.id for row in ticked], "Export these", key="bulk-export")


def export(viewer: Viewer, ids: Sequence[UUID], label: str, *, key: str = "clients-export") -> None:
    """A button that gives the clients as a CSV file; it is made, and noted in the audit log, when clicked."""
    st.download_button(
        label,
        partial(export_clients, viewer.scope, ids),
        file_name=f"clients-{utc_now():%Y-%m-%d}.csv",
        mime="text/csv",
        key=key,
        icon=":material/download:",
        on_click="ignore",
        help="All fields and how they stand, as CSV. It can be imported again.",
    )


@st.dialog("Archive clients?")
def archive(viewer: Viewer, names: dict[UUID, str]) -> None:
    """Ask, then stop watching these clients."""
    st.markdown(f"**{_list(names)}**")
    st.markdown(
        "Nothing is searched about them any more, and nobody looks after them. News of them that waits to be mailed is "
        "not mailed. What was found stays, and you can restore them at any time."
    )
    with st.container(horizontal=True):
        if st.button("Archive", type="primary", key="archive-yes"):
            with told():
                changed = archive_clients(viewer.scope, names)
                done(f"Archived: {counted(changed.clients, 'client')}. The filter “Archived” shows them.")
                st.rerun()
        if st.button("Keep them", key="archive-no"):
            st.rerun()


def _restore(viewer: Viewer, ticked: Sequence[ClientRow]) -> None:
    with told():
        count = sum(restore_client(viewer.scope, row.id) for row in ticked)
        done(f"Restored: {counted(count, 'client')}. Nobody looks after them yet: give them to somebody.")
        st.rerun()


def _list(names: dict[UUID, str]) -> str:
    shown = ", ".join(plain(name) for name in list(names.values())[:_NAMED])
    left = len(names) - _NAMED
    return f"{shown} and {left:,} more" if left > 0 else shown
