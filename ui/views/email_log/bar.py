"""The bar above the log: search and filters. The address holds what was chosen; the widgets follow it."""

from uuid import UUID

import streamlit as st

from models.mail import DeliveryKind, DeliveryState
from services.email_log import LogFilter, LogStanding, Reader
from ui.parts.words import plain
from ui.views.email_log.address import filter_of, params_of
from ui.views.email_log.naming import KINDS, STATES

_KEY = "email-log-"
_FIELDS = ("text", "states", "kinds", "person", "first", "last", "timezone")


def chosen(timezone: str) -> LogFilter:
    """What the page's address asks for; its days are those of the reader's zone."""
    return filter_of(st.query_params.to_dict(), timezone)


def choose(wanted: LogFilter) -> None:
    """Put this filter into the address, and begin at the newest mail."""
    st.query_params.from_dict(params_of(wanted))


def filter_bar(wanted: LogFilter, standing: LogStanding) -> None:
    """The widgets, as the address has them; each change goes into the address at once."""
    readers = {reader.id: reader for reader in standing.readers}
    for name in _FIELDS:
        value = getattr(wanted, name)
        st.session_state[f"{_KEY}{name}"] = list(value) if isinstance(value, tuple) else value
    if wanted.person not in readers:
        st.session_state[f"{_KEY}person"] = None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Search",
            key=f"{_KEY}text",
            max_chars=300,
            placeholder="Subject, person, address or Message-ID",
            icon=":material/search:",
            on_change=_changed,
            width=340,
        )
        narrowed = sum(map(bool, (wanted.kinds, wanted.person, wanted.first or wanted.last)))
        with st.popover(f"Filter ({narrowed})" if narrowed else "Filter", icon=":material/filter_list:"):
            _inside(readers)
        st.pills(
            "Status",
            list(DeliveryState),
            selection_mode="multi",
            format_func=lambda state: STATES[state].label,
            key=f"{_KEY}states",
            on_change=_changed,
            wrap=True,
        )
    if not wanted.asks_for_all:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"Showing {said(wanted, readers)}.", width="content")
            st.button(
                "Clear filters",
                type="tertiary",
                icon=":material/close:",
                on_click=choose,
                args=(LogFilter(timezone=wanted.timezone),),
            )


def said(wanted: LogFilter, readers: dict[UUID, Reader]) -> str:
    """The filter as the middle of a sentence, in Markdown."""
    states = " or ".join(STATES[state].label.lower() for state in wanted.states)
    kinds = " or ".join(KINDS[kind].lower() for kind in wanted.kinds)
    told = [" ".join(part for part in (kinds, "mails") if part)]
    if states:
        told.append(f"that are “{states}”")
    if wanted.person in readers:
        told.append(f"to {plain(readers[wanted.person].name)}")
    if wanted.first:
        told.append(f"from {wanted.first}")
    if wanted.last:
        told.append(f"until {wanted.last}")
    if wanted.text.strip():
        told.append(f"with “{plain(wanted.text.strip())}”")
    return " ".join(told)


def _inside(readers: dict[UUID, Reader]) -> None:
    st.pills(
        "Kind",
        list(DeliveryKind),
        selection_mode="multi",
        format_func=lambda kind: KINDS[kind],
        key=f"{_KEY}kinds",
        on_change=_changed,
    )
    if readers:
        st.selectbox(
            "To whom",
            list(readers),
            index=None,
            format_func=lambda one: f"{readers[one].name} ({readers[one].email})",
            key=f"{_KEY}person",
            placeholder="Everybody",
            on_change=_changed,
        )
    with st.container(horizontal=True):
        st.date_input(
            "Planned from", value=None, key=f"{_KEY}first", format="YYYY-MM-DD", on_change=_changed, width=150
        )
        st.date_input(
            "Until", value=None, key=f"{_KEY}last", format="YYYY-MM-DD", on_change=_changed, width=150
        )


def _changed() -> None:
    state = {name: st.session_state.get(f"{_KEY}{name}") for name in _FIELDS}
    choose(
        LogFilter(
            states=tuple(state["states"] or ()),
            kinds=tuple(state["kinds"] or ()),
            person=state["person"],
            first=state["first"],
            last=state["last"],
            timezone=state["timezone"] or "UTC",
            text=(state["text"] or "").strip(),
        )
    )
