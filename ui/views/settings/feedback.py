"""What people said of their news, what that taught, and how to take it back."""

import streamlit as st

from models.feedback import FeedbackVerdict
from services.feedback import Said, page, undo
from services.signin import Viewer
from ui.parts.layout import done, empty, told
from ui.parts.words import counted, day, plain, words

_COLOURS = {
    FeedbackVerdict.USEFUL: "green",
    FeedbackVerdict.NOT_RELEVANT: "gray",
    FeedbackVerdict.WRONG_COMPANY: "orange",
}


def show(viewer: Viewer) -> None:
    """The section."""
    st.write(
        "“Wrong company” makes a rule that keeps a namesake's news away from the client; “not relevant” mutes a kind "
        "of news at a client for its reader alone; “useful” is counted. Everything can be taken back."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        verdict = st.selectbox(
            "Verdict",
            [None, *FeedbackVerdict],
            format_func=lambda one: words(one.value) if one else "All",
            key="feedback_verdict",
            on_change=_from_the_newest,
            width=220,
        )
        undone = st.toggle("Also what was taken back", key="feedback_undone", on_change=_from_the_newest)
    after = st.query_params.get("after", "")
    with told():
        found = page(viewer.scope, verdict=verdict, undone=undone, after=after)
        if not found.said:
            empty(
                "Nobody said anything yet",
                "Readers do, by the links in mails and on Today.",
                icon="thumbs_up_down",
            )
        for one in found.said:
            _entry(viewer, one)
        with st.container(horizontal=True):
            if after and st.button("Newest", icon=":material/first_page:"):
                _from_the_newest()
                st.rerun()
            if found.next and st.button("Older", icon=":material/chevron_right:", icon_position="right"):
                st.query_params["after"] = found.next
                st.rerun()


def _from_the_newest() -> None:
    st.query_params.pop("after", None)


def _entry(viewer: Viewer, one: Said) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            st.markdown(f"{plain(one.title)} · **{plain(one.client)}**")
            who = plain(one.person) if one.person else "somebody who was erased"
            st.caption(f"{who}, {day(one.created_at, viewer.timezone)} · {plain(one.effect)}")
            if one.note:
                st.caption(f"“{plain(one.note)}”")
        verdict = FeedbackVerdict(one.verdict)
        st.badge(words(one.verdict), color=_COLOURS[verdict])  # type: ignore[arg-type]
        if one.undone_at is not None:
            st.badge(f"taken back {day(one.undone_at, viewer.timezone)}", color="gray")
        elif st.button("Take back", key=f"undo_{one.id}", help="Undoes what it taught"):
            with told():
                _, again = undo(viewer.scope, str(one.id))
                more = f" {counted(again, 'item')} will be decided again." if again else ""
                done(f"Taken back.{more}")
                st.rerun()
