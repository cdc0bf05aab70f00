"""Today: what happened at my clients, newest and most relevant first, and what I make of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import streamlit as st

from models.base import utc_now
from services import marks
from services.errors import UserError
from services.feed import Filters, LatelySaid, Order, ShownEvent, Today, today
from services.signin import Viewer
from tasks.notify.windows import zone_of
from ui import router
from ui.parts.cards import SAID, event_card, undo_verdict
from ui.parts.layout import done, empty, heading, told
from ui.parts.words import ago, counted, day, plain
from ui.views.today.address import AFTER
from ui.views.today.bar import choose, chosen, filter_bar
from ui.views.today.why_not import why_not

_READ_ALL = "today-read-all"
_UNDO_FOR = timedelta(minutes=10)


def page(viewer: Viewer) -> None:
    """The page."""
    filters = chosen()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap=None):
            heading("Today", "What happened at your clients: newest first, each day by what matters most.")
        why_not(viewer)
    found = _read(viewer, filters)
    if found is None:
        return
    _counts(viewer, found, filters)
    if not found.has_own_clients and not filters.everyone:
        _no_clients(viewer, found)
        return
    filter_bar(filters, found.clients, may_see_everyone=found.may_see_everyone)
    _list(viewer, found, filters)
    _said_lately(viewer, found.said, found.now)


def _read(viewer: Viewer, filters: Filters) -> Today | None:
    after = st.query_params.get(AFTER)
    with told():
        try:
            return today(viewer.scope, user_id=viewer.user_id, filters=filters, after=after)
        except UserError:
            if after is None:
                raise
            # A place of another order, or one that somebody cut off: the list itself is fine.
            del st.query_params[AFTER]
            return today(viewer.scope, user_id=viewer.user_id, filters=filters)
    st.button("Show my clients", on_click=choose, args=(filters.model_copy(update={"everyone": False}),))
    return None


def _counts(viewer: Viewer, found: Today, filters: Filters) -> None:
    counts = found.counts
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, gap="medium", width="content"):
            for label, value, meaning in (
                ("New since yesterday", counts.new, "Happened yesterday or today"),
                ("Unread", counts.unread, "Of the last 30 days; older news counts as read"),
                ("High relevance", counts.important, "Of the last 7 days, relevance 0.70 or more"),
            ):
                st.metric(label, f"{value:,}", help=meaning, width="content")
        if any(item.is_new for item in found.page.items):
            words = "Mark these read" if filters.is_narrowed else "Mark all read"
            st.button(words, icon=":material/done_all:", on_click=_read_all, args=(viewer, filters))
    _undo_read_all(viewer)
    if found.email_is_off:
        with st.container(horizontal=True, vertical_alignment="center"):
            new = counted(counts.in_app, "new item") if counts.in_app else "no new items"
            st.markdown(
                f":material/notifications: Your e-mail is off: your news is brought to you here ({new}).",
                width="content",
            )
            router.link("preferences", "Switch it on")


def _read_all(viewer: Viewer, filters: Filters) -> None:
    st.session_state[_READ_ALL] = marks.read_all(viewer.scope, filters)


def _undo_read_all(viewer: Viewer) -> None:
    marked = st.session_state.get(_READ_ALL)
    if marked is None or utc_now() - marked.at > _UNDO_FOR:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/done_all: {counted(marked.count, 'item')} marked as read.", width="content")
        if st.button("Undo", key="today-undo-read-all", type="tertiary", icon=":material/undo:"):
            del st.session_state[_READ_ALL]
            with told():
                again = marks.undo_read_all(viewer.scope, marked.at)
                done(f"{counted(again, 'item is', 'items are')} unread again")
                st.rerun()


def _no_clients(viewer: Viewer, found: Today) -> None:
    if viewer.is_admin:
        empty("No client is yours", "Assign yourself to clients, or look at everybody's.", icon="domain")
        router.link("clients", "Go to the clients", icon=":material/domain:")
    else:
        empty(
            "No client is yours yet",
            "News comes once an admin assigns you to a client. You can also follow all clients: see your preferences.",
            icon="domain",
        )
        router.link("preferences", "Go to my preferences", icon=":material/tune:")
    if found.may_see_everyone:
        st.button("Show all clients", on_click=choose, args=(Filters(everyone=True),))


def _list(viewer: Viewer, found: Today, filters: Filters) -> None:
    items = found.page.items
    if not items:
        _nothing(filters)
    elif filters.order is Order.RELEVANT:
        _cards(viewer, items)
    else:
        zone = zone_of(viewer.timezone) or ZoneInfo("UTC")
        for _, of_day in groupby(items, key=lambda item: item.happened_at.astimezone(zone).date()):
            same_day = list(of_day)
            name = day(same_day[0].happened_at, viewer.timezone, now=found.now)
            st.header(name[:1].upper() + name[1:], anchor=False)
            _cards(viewer, same_day)
    _pager(found)


def _cards(viewer: Viewer, items: Sequence[ShownEvent]) -> None:
    for item in items:
        event_card(viewer, item, key=f"today-{item.event_id.hex}")


def _nothing(filters: Filters) -> None:
    if AFTER in st.query_params:
        empty("That was all", "There is nothing older.", icon="done_all")
    elif filters == Filters(unread=True, everyone=filters.everyone, order=filters.order):
        empty(
            "All read",
            "Nothing of the last 30 days is unread. New items show here as they come.",
            icon="done_all",
        )
    elif filters.is_narrowed:
        empty(
            "Nothing fits these filters", "Take one away, or search for fewer words.", icon="filter_list_off"
        )
    elif filters.order is Order.RELEVANT:
        empty(
            "Nothing in the last 30 days", "By relevance the last 30 days are shown: choose a time for more."
        )
    else:
        empty(
            "No news yet",
            "Nothing has been found about your clients so far. The page Runs shows when the sources were last asked.",
            icon="newspaper",
        )
        router.link("runs", "See the runs", icon=":material/play_circle:")


def _pager(found: Today) -> None:
    with st.container(horizontal=True):
        if AFTER in st.query_params:
            st.button("Back to the top", icon=":material/vertical_align_top:", on_click=_go_to, args=(None,))
        if found.page.next:
            st.button("Older", icon=":material/arrow_downward:", on_click=_go_to, args=(found.page.next,))


def _go_to(after: str | None) -> None:
    if after is None:
        st.query_params.pop(AFTER, None)
    else:
        st.query_params[AFTER] = after


def _said_lately(viewer: Viewer, said: Sequence[LatelySaid], now: datetime) -> None:
    if not said:
        return
    with st.expander(f"What you said in the last days ({len(said)})", icon=":material/rate_review:"):
        for one in said:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(
                    f"**{SAID[one.verdict].capitalize()}** · {plain(one.client)} · {plain(one.title)}  \n"
                    f"{plain(one.effect)} · {ago(one.created_at, now=now)}"
                )
                if st.button(
                    "Undo", key=f"today-undo-{one.feedback_id}", icon=":material/undo:", type="tertiary"
                ):
                    undo_verdict(viewer, str(one.feedback_id))
