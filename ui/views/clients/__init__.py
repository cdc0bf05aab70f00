"""Clients: the portfolio as a table, and the ways in and out of it."""

import streamlit as st

from models.base import utc_now
from services.portfolio.crm import crm_on
from services.portfolio.table import ClientRow, choose, portfolio_rows
from services.signin import Viewer
from ui.parts.layout import empty, heading
from ui.parts.words import ago, counted
from ui.views.client_form import add_client
from ui.views.clients import bulk, from_crm, from_csv
from ui.views.clients.cards import cards
from ui.views.clients.filters import chosen
from ui.views.clients.table import table

VIEW = "view"
"""The part of the address that names the way in which is open; without it the table is."""
_CSV, _CRM = "csv", "crm"


def page(viewer: Viewer) -> None:
    """The page."""
    view = st.query_params.get(VIEW)
    if view == _CSV and viewer.is_admin:
        from_csv.page(viewer, back=_close)
        return
    if view == _CRM and viewer.is_admin:
        from_crm.page(viewer, back=_close)
        return
    rows = portfolio_rows(viewer.scope)
    _head(viewer, rows)
    if not rows:
        _nothing(viewer)
        return
    wanted = chosen(viewer, rows)
    found = choose(rows, wanted)
    _count(rows, found, archived=wanted.archived)
    if not found:
        empty("No client fits", "Take a filter away, or search for less.", icon="filter_alt_off")
        return
    with st.container(key="clients-table"):
        ticked = table(viewer, found)
        bulk.bar(viewer, ticked, archived=wanted.archived)
    with st.container(key="clients-cards"):
        cards(viewer, found)


def _head(viewer: Viewer, rows: list[ClientRow]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap=None):
            heading("Clients", "The companies that are watched: how they stand, and who looks after them.")
        with st.container(horizontal=True, width="content", gap="small"):
            if viewer.is_admin:
                if st.button("Add a client", type="primary", icon=":material/add:"):
                    add_client(viewer)
                _ways_in(viewer)
            if rows:
                bulk.export(viewer, [row.id for row in rows], "Export")


def _ways_in(viewer: Viewer) -> None:
    ways = {"From a CSV file": _CSV}
    crm = crm_on(viewer.scope)
    if crm is not None:
        ways[f"From {crm.title}"] = _CRM
    chosen_way = st.menu_button("Import", list(ways), key="clients-import", icon=":material/upload:")
    if chosen_way is not None:
        st.query_params[VIEW] = ways[chosen_way]
        st.rerun()


def _nothing(viewer: Viewer) -> None:
    if viewer.is_admin:
        empty(
            "No clients yet",
            "Add one above, or import many from a CSV file: a name is enough, everything else helps to find the right "
            "company.",
            icon="domain_add",
        )
    else:
        empty("No clients yet", "An owner or admin of your business adds them.", icon="domain_add")


def _count(rows: list[ClientRow], found: list[ClientRow], *, archived: bool) -> None:
    all_of_them = [row for row in rows if (row.archived_at is not None) is archived]
    kind = "archived client" if archived else "client"
    said = counted(len(found), kind)
    if len(found) < len(all_of_them):
        said = f"{len(found):,} of {counted(len(all_of_them), kind)}"
    searched = max((row.sources.at for row in found if row.sources.at), default=None)
    if searched is not None and not archived:
        said += f" · last searched {ago(searched, now=utc_now())}"
    st.caption(said)


def _close() -> None:
    st.query_params.pop(VIEW, None)
    st.rerun()
