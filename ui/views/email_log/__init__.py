"""Email log: who was written to, when, about what, how that went; and each mail as it was sent."""

from datetime import datetime

import streamlit as st

from models.base import utc_now
from models.mail import DeliveryState
from models.returns import Actor
from services.email_log import (
    COUNTED_TO,
    EXPORTED_AT_MOST,
    LogFilter,
    LogPage,
    LogStanding,
    MailLine,
    Met,
    log_page,
    log_standing,
    mails_csv,
)
from services.errors import UserError
from services.signin import Viewer
from ui.parts.layout import empty, heading, told
from ui.parts.words import counted, plain, when
from ui.views.email_log.address import AFTER, MAIL, params_of
from ui.views.email_log.bar import choose, chosen, filter_bar
from ui.views.email_log.mail import one_mail
from ui.views.email_log.met import how_mail_was_met
from ui.views.email_log.naming import KINDS, state_badge

_PAST = "email-log-past"
"""Where the pages before this one began."""


def page(viewer: Viewer) -> None:
    """The page: a mail where the address names one, else the list."""
    wanted = chosen(viewer.timezone)
    if MAIL in st.query_params:
        one_mail(viewer, st.query_params[MAIL], params_of(wanted))
        return
    with told():
        standing = log_standing(viewer.scope)
        whose = "Every mail to everybody here" if standing.sees_all else "Every mail to you"
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(width="content", gap=None):
                heading(
                    "Email log", f"{whose}: sent, planned, failed, or left out because it had nothing to say."
                )
            _tools(viewer, wanted, standing)
        _troubles(wanted, standing)
        filter_bar(wanted, standing)
        _list(viewer, wanted, _read(viewer, wanted))


def _tools(viewer: Viewer, wanted: LogFilter, standing: LogStanding) -> None:
    with st.container(horizontal=True, width="content"):
        if standing.sees_all and standing.tracks:
            with st.popover("Opens and clicks", icon=":material/visibility:"):
                how_mail_was_met(viewer)
        st.download_button(
            "CSV",
            data=lambda: b"".join(mails_csv(viewer.scope, wanted)),
            file_name="email-log.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            help=f"The mails of this filter, the newest {EXPORTED_AT_MOST:,} at most"
            + ("; the audit log says that you took them" if standing.sees_all else ""),
        )


def _troubles(wanted: LogFilter, standing: LogStanding) -> None:
    """What waits for somebody's decision, one click away."""
    if not (standing.failed or standing.unknown):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for count, state, name, icon in (
            (standing.failed, DeliveryState.FAILED, "failed", "error"),
            (standing.unknown, DeliveryState.UNKNOWN, "of unknown fate", "help"),
        ):
            if count:
                many = f"{COUNTED_TO} or more" if count >= COUNTED_TO else f"{count:,}"
                st.button(
                    f"{many} {name}",
                    icon=f":material/{icon}:",
                    on_click=choose,
                    args=(LogFilter(states=(state,), timezone=wanted.timezone),),
                )


def _read(viewer: Viewer, wanted: LogFilter) -> LogPage:
    after = st.query_params.get(AFTER, "")
    try:
        return log_page(viewer.scope, wanted, after=after)
    except UserError:
        if not after:
            raise
        # A place that somebody cut off: the list itself is fine.
        del st.query_params[AFTER]
        return log_page(viewer.scope, wanted)


def _list(viewer: Viewer, wanted: LogFilter, found: LogPage) -> None:
    now = utc_now()
    if found.lines:
        with st.container(border=True, gap="small"):
            for line in found.lines:
                _row(viewer, line, now)
    if not found.lines and not found.next:
        _nothing(wanted)
    if found.searched_back_to:
        back_to = when(datetime.fromisoformat(found.searched_back_to), viewer.timezone, now=now)
        st.caption(f"Searched back to {back_to}.")
    _pager(found)


def _row(viewer: Viewer, line: MailLine, now: datetime) -> None:
    with st.container(gap=None):
        subject = f"**{plain(line.subject)}**" if line.subject else "*Not written yet*"
        # No link: one that leads to the page one is on looks as if it were chosen already.
        st.button(subject, key=f"mail-{line.id}", type="tertiary", on_click=_open, args=(line,), wrap=False)
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            state_badge(line)
            st.caption(_small_print(viewer, line, now), width="content")


def _open(line: MailLine) -> None:
    st.query_params[MAIL] = str(line.id)


def _small_print(viewer: Viewer, line: MailLine, now: datetime) -> str:
    at = when(line.sent_at or line.planned_at, viewer.timezone, now=now)
    whom = plain(line.recipient) if not line.person else f"{plain(line.person)}, {plain(line.recipient)}"
    parts = [at, *([] if line.is_own and not viewer.is_admin else [f"to {whom}"]), KINDS[line.kind]]
    if line.items:
        more = f" and {line.more} more in the app" if line.more else ""
        parts.append(counted(line.items, "item") + more)
    if line.retries:
        parts.append(f"tried {counted(line.retries, 'time')}")
    if line.next_attempt_at and line.retries:
        parts.append(f"again {when(line.next_attempt_at, viewer.timezone, now=now)}")
    if line.met is not None:
        parts.append(met_words(line.met))
    told = " · ".join(parts)
    return f"{told}  \n{plain(line.last_error)}" if line.last_error else told


def met_words(met: Met) -> str:
    """How a mail was met, certain and unknown apart; machines are nobody."""
    said = []
    for name, hits in (("opened", met.opens), ("links followed", met.clicks)):
        human, unknown = hits[Actor.HUMAN], hits[Actor.UNKNOWN]
        perhaps = f", perhaps {human + unknown}×" if unknown else ""
        said.append(f"{name} {human}×{perhaps}")
    return " · ".join(said)


def _nothing(wanted: LogFilter) -> None:
    if AFTER in st.query_params:
        empty("That was all", "There is nothing older.", icon="done_all")
    elif wanted.asks_for_all:
        empty(
            "No mail yet",
            "The first comes with the first news, at the time set in the preferences.",
            icon="mail",
        )
    else:
        empty("No such mail", "Take a filter away, or search for other words.", icon="search_off")


def _pager(found: LogPage) -> None:
    past: list[str] = st.session_state.setdefault(_PAST, [])
    here = st.query_params.get(AFTER, "")
    if not here:
        past.clear()
    if not (here or found.next):
        return
    with st.container(horizontal=True, gap="small"):
        if here:
            st.button("Newer", icon=":material/arrow_back:", on_click=_newer)
        if found.next:
            label = "Search further back" if found.searched_back_to else "Older"
            st.button(label, icon=":material/arrow_forward:", on_click=_older, args=(here, found.next))


def _older(here: str, following: str) -> None:
    st.session_state[_PAST].append(here)
    st.query_params[AFTER] = following


def _newer() -> None:
    past = st.session_state.get(_PAST) or [""]
    before = past.pop()
    if before:
        st.query_params[AFTER] = before
    else:
        del st.query_params[AFTER]
