"""One mail: as it was sent, what was in it and why, and what became of it."""

from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from models.base import utc_now
from models.mail import NotificationState
from services import sending
from services.email_log import ITEMS, Item, MailDetail, MailLine, Moment, mail_detail
from services.email_log.detail import What
from services.errors import UserError
from services.mailview import MailView, view
from services.signin import Viewer
from services.why import why
from ui import router
from ui.parts.frame import mail_frame
from ui.parts.layout import done, empty, heading, told
from ui.parts.tables import text_table
from ui.parts.why import timeline
from ui.parts.words import CATEGORY_ICONS, category, counted, plain, when, words
from ui.views.email_log.naming import KINDS, WHAT, state_badge

_WANTED = "email-log-wanted"
"""The mail of somebody else that one asked to read."""
_OPEN = "email-log-open"
"""That mail and what it says: looked at once, and so written down once."""


def one_mail(viewer: Viewer, mail_id: str, query: Mapping[str, str]) -> None:
    """The mail's page; ``query`` leads back to the list it was chosen from."""
    router.link("email_log", "Back to the list", icon=":material/arrow_back:", **query)
    with told():
        detail = mail_detail(viewer.scope, _id(mail_id))
        line = detail.line
        heading(line.subject or "A mail that is not written yet")
        _head(viewer, line)
        _decide(viewer, detail)
        shown, items, history = st.tabs(
            ["As it was sent", f"What was in it ({len(detail.items)})", "History"]
        )
        with shown:
            _as_sent(viewer, line)
        with items:
            _items(viewer, detail)
        with history:
            _history(viewer, detail)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UserError("there is no such mail", "look for it in the email log") from None


def _head(viewer: Viewer, line: MailLine) -> None:
    now = utc_now()
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        state_badge(line)
        st.badge(KINDS[line.kind], color="gray")
        at = when(line.sent_at or line.planned_at, viewer.timezone, now=now)
        whom = f"{plain(line.person)}, {plain(line.recipient)}" if line.person else plain(line.recipient)
        st.caption(f"{'sent' if line.sent_at else 'planned'} {at} · to {whom}", width="content")
    if line.last_error:
        st.caption(f":material/info: {plain(line.last_error)}")


def _decide(viewer: Viewer, detail: MailDetail) -> None:
    """What an admin may decide about it."""
    mail_id = str(detail.line.id)
    if detail.may_retry:
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Send it again", type="primary", icon=":material/restart_alt:"):
                sending.retry(viewer.scope, mail_id)
                done("It goes out within a few minutes")
                st.rerun()
            st.caption("The same mail, without what no longer qualifies.", width="content")
    if detail.may_resolve:
        st.info(
            "It was cut off while it was sent. Ask its reader, or look it up at your mail provider by its Message-ID "
            "(below), then say how it ended.",
            icon=":material/help:",
        )
        with st.container(horizontal=True):
            if st.button("It arrived", icon=":material/check:"):
                sending.resolve(viewer.scope, mail_id, sent=True)
                done("It counts as sent")
                st.rerun()
            if st.button("It did not arrive: send it", icon=":material/restart_alt:"):
                sending.resolve(viewer.scope, mail_id, sent=False)
                done("It goes out within a few minutes")
                st.rerun()


def _as_sent(viewer: Viewer, line: MailLine) -> None:
    if not line.is_own and st.session_state.get(_WANTED) != line.id:
        st.caption("This mail was for somebody else. Opening it is noted in the audit log.")
        st.button("Open the mail", icon=":material/drafts:", on_click=_want, args=(line.id,))
        return
    found = _view(viewer, line)
    if found is None:
        empty(
            "Its text is not kept",
            "It was never written, or is older than mails are kept. What was in it is still listed beside.",
            icon="drafts",
        )
        return
    mail_frame(found.html, title=f"The mail: {found.subject}") if found.html else st.text(found.text)
    st.caption("Nothing in it loads or acts: links, personal ones above all, are taken out.")
    with st.container(horizontal=True):
        st.download_button(
            "Keep as .eml",
            data=found.eml,
            file_name=found.file_name,
            mime="message/rfc822",
            icon=":material/download:",
            on_click="ignore",
            help="Without its personal links, so its signature no longer holds",
        )
    with st.expander("Plain text"):
        st.text(found.text)
    with st.expander("Headers"):
        names, values = zip(*found.headers, strict=True) if found.headers else ((), ())
        text_table({"Header": names, "Value": values}, alt="Headers of the mail")


def _want(mail_id: UUID) -> None:
    st.session_state[_WANTED] = mail_id


def _view(viewer: Viewer, line: MailLine) -> MailView | None:
    if line.is_own:
        return view(viewer.scope, line.id)
    opened, found = st.session_state.get(_OPEN, (None, None))
    if opened != line.id:
        found = view(viewer.scope, line.id)
        st.session_state[_OPEN] = (line.id, found)
    assert found is None or isinstance(found, MailView)
    return found


def _items(viewer: Viewer, detail: MailDetail) -> None:
    if not detail.items:
        empty("No news in it", "Alerts and account mails have none.", icon="mail")
        return
    line = detail.line
    if line.more:
        st.caption(
            f"{counted(line.more, 'more item waits', 'more items wait')} in the app: its limits were reached."
        )
    for item in detail.items:
        if item.left_out is None:
            _item(viewer, item, reader=line.recipient)
    left_out = [item for item in detail.items if item.left_out is not None]
    if left_out:
        st.subheader("Left out", anchor=False)
    for item in left_out:
        _item(viewer, item, reader=line.recipient)
    if detail.has_more_items:
        st.caption(f"Only the first {ITEMS} are shown.")


def _item(viewer: Viewer, item: Item, *, reader: str) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.badge(
                category(item.category), icon=f":material/{CATEGORY_ICONS[item.category]}:", color="gray"
            )
            if item.left_out is not None:
                st.badge(words(item.left_out.value), color="orange")
            elif item.state is not NotificationState.DELIVERED:
                st.badge(words(item.state.value), color="blue")
            if item.is_history:
                st.badge("From before we watched", icon=":material/history:", color="gray")
        st.markdown(f"**{plain(item.title)}**")
        if item.why:
            st.caption(f":material/help: {plain(item.why)}")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            router.link("client", plain(item.client), icon=":material/domain:", id=str(item.client_id))
            told_at = when(item.happened_at, viewer.timezone)
            st.caption(f"{told_at} · relevance {item.relevance:.2f}", width="content")
            if st.button(
                "Step by step", key=f"why-{item.event_id}", type="tertiary", icon=":material/timeline:"
            ):
                _ask_why(viewer, str(item.article_id), reader)


@st.dialog("Why was this mailed?", width="medium", icon=":material/help:")
def _ask_why(viewer: Viewer, article_id: str, reader: str) -> None:
    with told():
        timeline(why(viewer.scope, article_id, reader))


def _history(viewer: Viewer, detail: MailDetail) -> None:
    now = utc_now()
    for moment in detail.history:
        icon, what = WHAT[moment.what]
        at = when(moment.at, viewer.timezone, now=now)
        st.markdown(f":material/{icon}: **{what}** · {at}{_told(moment)}")
    line = detail.line
    ids = {
        "Message-ID": line.message_id,
        "Provider's id": line.provider_id,
        "Sent by": line.transport,
        "Slot": line.slot,
        "Id": str(line.id),
    }
    if detail.window_start and detail.window_end:
        start, end = (when(at, viewer.timezone, now=now) for at in (detail.window_start, detail.window_end))
        ids["News from"] = f"{start} to {end}"
    known = {name: value for name, value in ids.items() if value}
    text_table({"What": list(known), "Value": list(known.values())}, alt="What identifies this mail")


def _told(moment: Moment) -> str:
    by = f" · {plain(moment.by)}" if moment.by else ""
    actor = f" · {moment.actor.value}" if moment.actor else ""
    detail = f"  \n{plain(moment.detail)}" if moment.detail and moment.what is not What.PLANNED else ""
    return f"{by}{actor}{detail}"
