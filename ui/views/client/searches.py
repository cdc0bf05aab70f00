"""What is searched about the client, in the very words, and how each source last answered."""

import streamlit as st

from models.base import utc_now
from services.portfolio.page import ClientFacts
from services.portfolio.searches import Asked, Searches, searches
from services.signin import Viewer
from ui.parts.layout import empty, told
from ui.parts.words import ago, counted, plain, when
from ui.views.client_words import STATE

_MARKS = {"green": "check_circle", "orange": "warning", "red": "error"}


def show(viewer: Viewer, facts: ClientFacts) -> None:
    """The section."""
    with told():
        found = searches(viewer.scope, facts.id)
        _promise(found)
        st.subheader("Sources", anchor=False)
        if not found.sources:
            empty(
                "No source is switched on",
                "Nothing is searched about any client."
                + (" Switch one on under Settings, Providers." if viewer.is_admin else ""),
                icon="travel_explore",
            )
        for asked in found.sources:
            _source(viewer, asked)
        _terms(found)


def _promise(found: Searches) -> None:
    if found.archived:
        st.info("Archived: nothing is searched about it.", icon=":material/archive:")
    elif found.confidential:
        st.info(
            "Confidential: nobody outside is asked about this client, and no AI reads of it. It is found only in feeds "
            "that are read whole, which tells nobody whom you look for.",
            icon=":material/lock:",
        )
    else:
        st.caption(
            f"A run looks back on {found.days_back} days. These are the questions, word for word as they are sent."
        )


def _source(viewer: Viewer, asked: Asked) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            recipient = f" · {plain(asked.recipient)}" if asked.recipient else " · stays in the house"
            st.markdown(f"**{plain(asked.title)}**:small[{recipient}]", width="content")
            _state(asked)
        if asked.why_not:
            st.markdown(f":material/block: Not asked: {plain(asked.why_not)}.")
        elif asked.question:
            st.code(asked.question, language=None, wrap_lines=True)
        elif not asked.is_query:
            st.caption("Read whole; the client is looked for in it here, by the names below.")
        else:
            st.caption("It does not tell in which words it asks.")
        if asked.at is not None:
            counts = f"{counted(asked.found, 'item')}, {asked.new:,} of them new"
            st.caption(f"Last {ago(asked.at, now=utc_now())}: {counts}.")
        if asked.error:
            st.caption(f":material/error: {plain(asked.error)}")
        if asked.asked_again_at is not None:
            st.caption(
                f"Left alone because it kept failing; tried again {when(asked.asked_again_at, viewer.timezone)}."
            )


def _state(asked: Asked) -> None:
    if asked.state is None:
        st.badge("Not asked yet" if not asked.why_not else "Not asked", color="gray")
        return
    label, colour = STATE[asked.state]
    st.badge(label, icon=f":material/{_MARKS[colour]}:", color=colour)


def _terms(found: Searches) -> None:
    st.subheader("By which words it is known in a text", anchor=False)
    st.caption(
        "Whatever a source brings, an article must name the client in one of these ways, and be about it rather than "
        "about a namesake."
    )
    _line("Any way of writing", found.forms)
    _line("Only as written", found.exact)
    _line("Ticker, where markets are the topic", (found.ticker,) if found.ticker else ())
    _line("Pages of", (found.domain,) if found.domain else ())
    _line("Never where a text says", found.excluded_terms)
    _line("Told from namesakes by", found.keywords)


def _line(label: str, values: tuple[str, ...]) -> None:
    if values:
        shown = " · ".join(f"**{plain(value)}**" for value in values)
        st.markdown(f"{label}: {shown}")
