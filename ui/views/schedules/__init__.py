"""Schedules: what runs by itself, when it comes next, how it went; made and changed here."""

import streamlit as st

from models.jobs import SyncState
from services.schedules import Listed, list_schedules, may_keep, sync
from services.signin import Viewer
from ui.parts.layout import done, empty, heading, told
from ui.parts.words import counted, plain
from ui.views.schedules.bulk import bar
from ui.views.schedules.cards import card
from ui.views.schedules.form import edit_page

EDIT = "edit"
NEW = "new"
_PAGE = 25
_NEXT = 3


def page(viewer: Viewer) -> None:
    """The page: the form where the address says so, else the list."""
    if EDIT in st.query_params:
        wanted = st.query_params[EDIT]
        edit_page(viewer, None if wanted == NEW else wanted, back=_to_list)
        return
    can_keep = may_keep(viewer.scope)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap=None):
            heading("Schedules", "What Client Monitor does without anybody’s asking, and when.")
        if can_keep:
            st.button(
                "New schedule",
                type="primary",
                icon=":material/add:",
                key="schedule-new",
                on_click=_open,
                args=(NEW,),
            )
    if not can_keep:
        st.caption(":material/lock: You can read schedules. Managers and admins change them.")
    with told():
        # A process's first reckoning loads Prefect's scheduler, which takes seconds.
        with st.spinner("Reckoning the next starts …"):
            found = list_schedules(viewer.scope, runs=_NEXT)
        _out_of_step(viewer, found)
        if not found:
            empty(
                "No schedule yet",
                "Nothing runs by itself: somebody has to press “Run now”. Make a schedule, such as every hour.",
                icon="schedule",
            )
            return
        if can_keep:
            bar(viewer, found)
        for one in _shown(found):
            card(viewer, one, edit=_open)


def _out_of_step(viewer: Viewer, found: list[Listed]) -> None:
    """What Prefect does not know yet, and how that is mended."""
    waiting = [one for one in found if one.row.sync_state is SyncState.PENDING]
    if not waiting:
        return
    with st.container(border=True):
        st.markdown(
            f":material/sync_problem: **Prefect has not taken {counted(len(waiting), 'schedule')} yet.** "
            "If it is not running, the change waits until it is: start it with `make up` (or "
            "`client-monitor up`). Nothing is lost meanwhile."
        )
        if may_keep(viewer.scope) and st.button("Try again", icon=":material/sync:", key="schedules-sync"):
            with told(), st.spinner("Asking Prefect …"):
                report = sync(viewer.scope)
                if report.is_in_step:
                    done("Prefect works by all schedules.")
                    st.rerun()
                mend = f" {report.mend[:1].upper()}{report.mend[1:]}." if report.mend else ""
                st.warning(f"{plain(report.sentence)}.{plain(mend)}", icon=":material/warning:")


def _shown(found: list[Listed]) -> list[Listed]:
    if len(found) <= _PAGE:
        return found
    pages = -(-len(found) // _PAGE)
    at = st.pagination(pages, key="schedules-page")
    return found[(at - 1) * _PAGE : at * _PAGE]


def _open(wanted: str) -> None:
    st.query_params[EDIT] = wanted


def _to_list() -> None:
    st.query_params.pop(EDIT, None)
