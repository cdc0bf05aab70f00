"""Insights: how much news there was, how good and how useful it was, what it cost, and how the sources do."""

from collections.abc import Callable
from uuid import UUID

import streamlit as st

from services.errors import UserError
from services.insights import RANGES, Insights, insights
from services.signin import Viewer
from ui import router
from ui.parts.layout import empty, heading, told
from ui.views.insights import news, operation, use

_WEEKS, _CLIENT = "weeks", "client"
_USUAL = 12
_KEY = "insights-"


def page(viewer: Viewer) -> None:
    """The page."""
    heading("Insights", "What the weeks came to. Days are UTC days; the last week is not over yet.")
    with told():
        found = _read(viewer)
        _choose(found)
        if not found.clients:
            _no_clients(viewer)
        elif not any(week.events for week in found.weeks) and found.sources is None:
            empty(
                "Nothing happened", "No news in this time. Choose a longer one, or wait.", icon="monitoring"
            )
        else:
            _figures(viewer, found)


def _figures(viewer: Viewer, found: Insights) -> None:
    news.by_category(found)
    _pair(lambda: news.sentiment(found), lambda: use.precision(found))
    if found.client_id is None:
        _pair(lambda: use.noisiest(found), lambda: use.most_useful(found))
    _pair(lambda: use.funnel(found), lambda: use.skipped(found))
    if found.ai is not None:
        operation.ai(found.ai)
    if found.sources is not None:
        operation.sources(viewer, found.sources)
    elif found.sees_all:
        st.caption("What AI costs and how sources do is shown for all clients together.")


def _pair(left: Callable[[], None], right: Callable[[], None]) -> None:
    for column, show in zip(st.columns(2), (left, right), strict=True):
        with column:
            show()


def _read(viewer: Viewer) -> Insights:
    weeks, client = _chosen_weeks(), _chosen_client()
    try:
        return insights(viewer.scope, weeks=weeks, client_id=client)
    except UserError:
        if client is None:
            raise
        # An old bookmark: the client left, or somebody else looks after it now.
        del st.query_params[_CLIENT]
        return insights(viewer.scope, weeks=weeks)


def _chosen_weeks() -> int:
    text = st.query_params.get(_WEEKS, "")
    return int(text) if text in {str(weeks) for weeks in RANGES} else _USUAL


def _chosen_client() -> UUID | None:
    try:
        return UUID(st.query_params.get(_CLIENT, ""))
    except ValueError:
        return None


def _choose(found: Insights) -> None:
    st.session_state[f"{_KEY}{_WEEKS}"] = len(found.weeks)
    st.session_state[f"{_KEY}{_CLIENT}"] = found.client_id
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Time",
            RANGES,
            format_func=lambda weeks: f"{weeks} weeks",
            key=f"{_KEY}{_WEEKS}",
            required=True,
            on_change=_changed,
        )
        st.selectbox(
            "Client",
            list(found.clients),
            index=None,
            format_func=lambda client: found.clients[client],
            key=f"{_KEY}{_CLIENT}",
            placeholder="All clients" if found.sees_all else "All my clients",
            on_change=_changed,
            width=300,
        )


def _changed() -> None:
    weeks, client = st.session_state.get(f"{_KEY}{_WEEKS}"), st.session_state.get(f"{_KEY}{_CLIENT}")
    chosen = {
        _WEEKS: str(weeks) if weeks and weeks != _USUAL else "",
        _CLIENT: str(client) if client else "",
    }
    st.query_params.from_dict({name: value for name, value in chosen.items() if value})


def _no_clients(viewer: Viewer) -> None:
    if viewer.is_admin:
        empty("No clients yet", "Figures come with the first news of a client.", icon="domain")
        router.link("clients", "Go to the clients", icon=":material/domain:")
    else:
        empty(
            "No client is yours yet",
            "You see the figures of the clients you look after, once an admin assigns you to one.",
            icon="domain",
        )
