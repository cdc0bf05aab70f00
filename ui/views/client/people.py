"""Who looks after the client, and who did."""

import streamlit as st

from services.portfolio.page import ClientFacts
from services.portfolio.people import Stint, history
from services.signin import Viewer
from ui.parts.layout import empty, told
from ui.parts.tables import text_table
from ui.parts.words import day, plain
from ui.views.client_people import hand_over


def show(viewer: Viewer, facts: ClientFacts) -> None:
    """The section."""
    with told():
        stints = history(viewer.scope, facts.id)
        now = [one for one in stints if one.ended_at is None]
        before = [one for one in stints if one.ended_at is not None]
        st.subheader("Now", anchor=False)
        if not now:
            empty(
                "Nobody looks after it",
                "Its news is mailed only to people who follow all clients.",
                icon="person_off",
            )
        for one in now:
            _person(viewer, one)
        if (
            viewer.is_admin
            and facts.archived_at is None
            and st.button("Change who looks after it", icon=":material/group:", key="people-change")
        ):
            hand_over(viewer, {facts.id: facts.name}, facts.people)
        if before:
            st.subheader("Before", anchor=False)
            text_table(
                {
                    "Who": [one.person.name for one in before],
                    "From": [day(one.started_at, viewer.timezone) for one in before],
                    "Until": [day(one.ended_at, viewer.timezone) for one in before],
                },
                alt="Who looked after it before",
            )


def _person(viewer: Viewer, one: Stint) -> None:
    with st.container(border=True, gap=None):
        away = "" if one.person.is_active else " :orange-badge[deactivated: gets no mail]"
        st.markdown(f":material/person: **{plain(one.person.name)}**{away}")
        st.caption(f"{plain(one.person.email)} · since {day(one.started_at, viewer.timezone)}")
