"""Addresses we do not write to, why, and the way back."""

import streamlit as st

from models.mail import EVERY_TOPIC
from services.signin import Viewer
from services.suppression import Listed, lift, listing
from ui.parts.layout import done, empty, told
from ui.parts.words import counted, day, plain, words

_PAGE = 20
_REASONS = {
    "hard_bounce": "The mailbox does not exist, or refuses our mail",
    "soft_bounces": "Five mails in two weeks came back",
    "complaint": "Marked as spam",
    "unsubscribed": "Unsubscribed",
}
_TOPICS = {EVERY_TOPIC: "all mail", "digest": "digests", "event_notification": "instant mail"}


def show(viewer: Viewer) -> None:
    """The section."""
    st.write(
        "Client Monitor stops writing to an address by itself when a mailbox refuses mail for good, when its reader "
        "complains, or when they unsubscribe. You can allow it again, with a reason that is kept."
    )
    lifted = st.toggle("Also those that were allowed again", key="suppressions_lifted")
    found = listing(viewer.scope, lifted=lifted)
    sought = (
        st.text_input("Find an address", key="suppressions_sought", icon=":material/search:").strip().lower()
    )
    found = [one for one in found if sought in one.address]
    if not found:
        empty("No address is stopped", "Mail goes to everybody who asked for it.", icon="mark_email_read")
        return
    st.caption(counted(len(found), "entry", "entries"))
    pages = -(-len(found) // _PAGE)
    page = st.pagination(pages, key=f"suppressions_page_{pages}") if pages > 1 else 1
    for one in found[(page - 1) * _PAGE : page * _PAGE]:
        _entry(viewer, one)


def _entry(viewer: Viewer, one: Listed) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{plain(one.address)}** · {_TOPICS.get(one.topic, words(one.topic).lower())}")
            told_of = _REASONS.get(one.reason, words(one.reason))
            st.caption(
                f"{told_of}, {day(one.created_at, viewer.timezone)}"
                + (f" · {plain(one.detail)}" if one.detail else "")
            )
        if one.lifted_at is not None:
            st.badge(f"allowed again {day(one.lifted_at, viewer.timezone)}", color="gray")
            return
        with st.popover("Allow again …"), st.form(f"lift_{one.id}", border=False):
            why = st.text_input("Why may it be written to again?", max_chars=500, key=f"why_{one.id}")
            st.caption("From the next mail on. What was not sent meanwhile stays unsent.")
            if st.form_submit_button("Allow again"):
                with told():
                    lift(viewer.scope, str(one.id), why)
                    done(f"{one.address} gets mail again.")
                    st.rerun()
