"""What happened at the client, month by month, as cards."""

from itertools import groupby
from zoneinfo import ZoneInfo

import streamlit as st

from models.base import utc_now
from services.errors import UserError
from services.feed import FeedPage, ShownEvent, feed_of_client
from services.portfolio.page import ClientFacts
from services.signin import Viewer
from ui.parts.cards import event_card
from ui.parts.layout import empty, told

_AFTER = "after"
_PAGE = 20


def show(viewer: Viewer, facts: ClientFacts) -> None:
    """The section."""
    found = _read(viewer, facts)
    if found is None:
        return
    if not found.items:
        _nothing(facts)
        return
    for month, events in groupby(found.items, key=lambda one: _month(one, viewer.timezone)):
        st.subheader(month, anchor=False)
        for event in events:
            event_card(viewer, event, key=f"event-{event.event_id}", with_client=False)
    _turn(found)


def _read(viewer: Viewer, facts: ClientFacts) -> FeedPage | None:
    after = st.query_params.get(_AFTER)
    with told():
        try:
            return feed_of_client(
                viewer.scope, facts.id, user_id=viewer.user_id, after=after, limit=_PAGE, now=utc_now()
            )
        except UserError:
            if after is None:
                raise
            # A place that somebody cut off: the timeline itself is fine.
            del st.query_params[_AFTER]
            return feed_of_client(viewer.scope, facts.id, user_id=viewer.user_id, limit=_PAGE, now=utc_now())
    return None


def _nothing(facts: ClientFacts) -> None:
    if facts.archived_at is not None:
        text = "Nothing was found before it was archived."
    elif facts.baseline_at is None:
        text = "It was not searched yet: the next run does, or start one with “Run now”."
    else:
        text = (
            "Nothing about it was found so far. “Searches” shows where and in which words it is looked for."
        )
    empty("No events yet", text, icon="newspaper")


def _month(event: ShownEvent, zone: str) -> str:
    return f"{event.happened_at.astimezone(ZoneInfo(zone)):%B %Y}"


def _turn(found: FeedPage) -> None:
    """Older and newest: the place is in the address."""
    with st.container(horizontal=True):
        if found.next is not None and st.button(
            "Older", icon=":material/arrow_forward:", key="timeline-older"
        ):
            st.query_params[_AFTER] = found.next
            st.rerun()
        if _AFTER in st.query_params and st.button("Newest", key="timeline-newest"):
            del st.query_params[_AFTER]
            st.rerun()
