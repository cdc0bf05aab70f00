"""What these settings would have brought: the last week, in numbers and as the mail itself."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import streamlit as st

from models.base import utc_now
from services.errors import UserError
from services.muting import Exceptional
from services.people import send_now
from services.preference_page import PreferencePage
from services.preview import Preview, preview
from services.sample_mail import send_sample
from services.signin import Viewer
from ui.parts.frame import mail_frame
from ui.parts.layout import done, told
from ui.parts.words import counted, plain, when
from ui.views.preferences.sayings import MAILS, REASONS


def preview_pane(
    viewer: Viewer,
    page: PreferencePage,
    changes: Mapping[str, Any],
    exceptions: Mapping[UUID, Exceptional],
) -> None:
    """The pane, by the settings as they stand in the widgets."""
    st.subheader("The last seven days, by these settings", anchor=False)
    try:
        found = preview(viewer.scope, page.user_id, changes, exceptions=exceptions)
    except UserError as error:
        st.caption(f"Nothing to show: {plain(error)}.")
        return
    zone = str(changes.get("timezone", page.wants.timezone))
    _numbers(page, found, is_unsaved=bool(changes or exceptions))
    _mails(found, zone)
    _left_out(found)
    _by_client(found)
    _mail(found, zone)
    if (
        page.is_own
        and not viewer.is_demo
        and st.button(
            "Send me a sample",
            icon=":material/outgoing_mail:",
            help="The mail shown here, to your address, marked as a sample. At most five a day.",
        )
    ):
        _send(viewer, changes, exceptions)


def _numbers(page: PreferencePage, found: Preview, *, is_unsaved: bool) -> None:
    whom = "you" if page.is_own else plain(page.name)
    mails = counted(len(found.mails), "mail")
    unsaved = " (not saved yet)" if is_unsaved else ""
    st.markdown(
        f"With these settings{unsaved} {whom} would have had **{mails}** "
        f"with {counted(found.stories, 'story', 'stories')}."
    )
    with st.container(horizontal=True, gap="medium"):
        st.metric("Mails", len(found.mails), width="content")
        st.metric("Stories", found.stories, width="content")
        if found.in_app:
            st.metric("In the app", found.in_app, width="content")
        st.metric("Left out", sum(one.items for one in found.left_out), width="content")
        if found.waiting:
            st.metric("Waiting", found.waiting, width="content", help="For the next mail")


def _mails(found: Preview, zone: str) -> None:
    if not found.mails:
        return
    with st.expander(f"The mails ({len(found.mails)})", icon=":material/mail:"):
        for mail in reversed(found.mails):
            left = f", {mail.left_in_app} more in the app" if mail.left_in_app else ""
            stories = counted(len(mail.titles), "story", "stories")
            st.markdown(f"**{MAILS[mail.kind]}** · {when(mail.at, zone)} · {stories}{left}")
            st.caption("  \n".join(plain(title) for title in mail.titles[:3]))


def _left_out(found: Preview) -> None:
    if not found.left_out:
        return
    count = sum(one.items for one in found.left_out)
    with st.expander(f"Left out, and why ({count})", icon=":material/filter_alt:"):
        for one in found.left_out:
            reason = REASONS.get(one.reason, one.reason.replace("_", " "))
            st.markdown(f"**{plain(reason)}** · {counted(one.items, 'item')}")
            st.caption("  \n".join(f"for example {plain(title)}" for title in one.examples[:2]))


def _by_client(found: Preview) -> None:
    if not found.clients:
        return
    with st.expander(f"By client ({len(found.clients)})", icon=":material/domain:"):
        st.dataframe(
            {
                "Client": [one.client for one in found.clients],
                "Mailed": [one.mailed for one in found.clients],
                "Left out": [one.left_out for one in found.clients],
            },
            hide_index=True,
            height=min(38 + 35 * len(found.clients), 360),
            alt="Items mailed and left out, by client",
        )


def _mail(found: Preview, zone: str) -> None:
    if not found.html:
        st.caption("There would have been no mail to show.")
        return
    st.markdown(f"**{plain(found.subject)}**")
    st.caption(f"As it would have come {when(found.mail_at, zone)}. Its links do nothing here.")
    mail_frame(found.html, title="The newest mail these settings would have brought", height=560)


def _send(viewer: Viewer, changes: Mapping[str, Any], exceptions: Mapping[UUID, Exceptional]) -> None:
    with told():
        sent = send_sample(viewer.scope, changes, exceptions=exceptions)
        if not sent.is_held:
            with st.spinner("Sending …"):
                send_now(viewer.scope, utc_now())
        after = "; sending is on hold, so it waits" if sent.is_held else ""
        what = "A sample with invented news" if sent.is_invented else "A sample"
        done(f"{what} is on its way to {sent.recipient}{after}")
        st.rerun()
