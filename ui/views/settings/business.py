"""The business as a whole: its name, sending, tracking, and the first steps."""

import streamlit as st

from services.accounts import rename_business
from services.business import SILENT_DAYS, Overview, change_silent_days, overview
from services.engagement import set_tracking
from services.first_steps import is_new, want_first_steps
from services.sending import current_hold, hold, release, waiting
from services.signin import Viewer
from ui import router
from ui.parts.layout import done, told
from ui.parts.words import counted, plain, when

WIDTH = 760


def show(viewer: Viewer) -> None:
    """The section."""
    told_of = overview(viewer.scope)
    with st.container(width=WIDTH):
        _names(viewer, told_of)
        _sending(viewer)
        _tracking(viewer, told_of)
        _first_steps(viewer)


def _names(viewer: Viewer, now: Overview) -> None:
    with st.form("business"):
        st.subheader("The business", anchor=False)
        name = st.text_input(
            "Name", now.name, max_chars=200, help="Stands in mails and at the top of the app."
        )
        least, most = SILENT_DAYS
        days = st.number_input(
            "Silent days",
            least,
            most,
            now.silent_days,
            help="When nothing at all came in for so many days, digests say so instead of saying nothing.",
        )
        st.caption(f"Its short name for the command line is {plain(now.slug)}, and stays.")
        if st.form_submit_button("Save", type="primary"):
            with told():
                rename_business(viewer.scope, name)
                change_silent_days(viewer.scope, int(days))
                done("Saved.")
                st.rerun()


def _sending(viewer: Viewer) -> None:
    held = current_hold(viewer.scope)
    with st.container(border=True):
        st.subheader("Sending", anchor=False)
        if held is None:
            st.write(
                "Mail goes out as people asked for it. Stop it when something looks wrong: runs go on, "
                "nothing is lost, and what was written waits."
            )
            with (
                st.popover("Stop all sending …", icon=":material/pause_circle:"),
                st.form("hold", border=False),
            ):
                reason = st.text_input("Why?", max_chars=200, placeholder="Checking the new look")
                st.caption("Everybody who looks after mail sees the reason.")
                if st.form_submit_button("Stop sending"):
                    with told():
                        hold(viewer.scope, reason)
                        done("Sending is stopped.")
                        st.rerun()
            return
        since = f" since {when(held.since, viewer.timezone)}" if held.since else ""
        reason = f" Reason: {plain(held.reason)}." if held.reason else ""
        st.warning(f"Sending is stopped{since}.{reason}", icon=":material/pause_circle:")
        count = waiting(viewer.scope)
        st.write(
            f"{counted(count, 'mail')} {'waits' if count == 1 else 'wait'}; due ones go out once you resume."
        )
        if st.button("Resume sending", icon=":material/play_circle:"):
            with told():
                release(viewer.scope)
                done("Sending is resumed.")
                st.rerun()


def _tracking(viewer: Viewer, now: Overview) -> None:
    with st.container(border=True):
        st.subheader("Opens and clicks", anchor=False)
        st.write(
            "Off: no pixel, and links lead straight to the publishers. On: mails carry a pixel, and links pass through "
            "Client Monitor. What is counted names nobody; only who agrees has opens and clicks kept under "
            "their own name, where only they see them."
        )
        st.caption(
            f"{now.consented} of {counted(now.people, 'person', 'people')} agreed. Each decides on "
            "their Account page, and withdrawing erases what was kept."
        )
        if not now.can_track:
            st.info(
                "This deployment is not reached by https, so nothing is tracked, whatever stands here. "
                "Whoever runs it sets CM\\_PUBLIC\\_URL.",
                icon=":material/info:",
            )
        wanted = st.toggle(
            "Count opens and clicks", now.tracking, disabled=not (now.can_track or now.tracking)
        )
        if wanted != now.tracking:
            with told():
                set_tracking(viewer.scope, wanted)
                done(
                    "Opens and clicks are counted from now on." if wanted else "Nothing is counted any more."
                )
                st.rerun()


def _first_steps(viewer: Viewer) -> None:
    with st.container(border=True):
        st.subheader("First steps", anchor=False)
        if is_new(viewer.scope):
            router.link("first_run", "Open the first steps", icon=":material/flag:")
            return
        st.write(
            "The guide through clients, sources, your mail and the first run can be shown again at any time."
        )
        if st.button("Show the first steps again", icon=":material/flag:"):
            with told():
                want_first_steps(viewer.scope, True)
                st.rerun()
