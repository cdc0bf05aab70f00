"""What every page is made of: its heading, what it says when there is nothing, how it says that something failed."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from services.errors import UserError
from ui.parts.words import plain


def heading(title: str, lead: str = "") -> None:
    """The page's name and, below it, one sentence of what it is for. ``title`` may be text from the world."""
    st.title(plain(title), anchor=False)
    if lead:
        st.caption(lead)


def empty(title: str, text: str, *, icon: str = "inbox") -> None:
    """What stands where a list would be, when there is nothing: why, and what to do about it."""
    with st.container(border=True, horizontal_alignment="center", key=None):
        st.markdown(f":material/{icon}: **{plain(title)}**", width="content")
        st.caption(text, width="content", text_alignment="center")


@contextmanager
def told() -> Iterator[None]:
    """Around something a person asked for: what they can mend is said with its mend, what they may not is said too."""
    try:
        yield
    except UserError as error:
        mend = f" {error.mend[:1].upper()}{error.mend[1:]}." if error.mend else ""
        st.error(f"{plain(error)}.{plain(mend)}", icon=":material/error:")
    except PermissionError as error:
        st.error(f"You may not do this: {plain(error)}.", icon=":material/lock:")


def done(text: str) -> None:
    """Say, after the next rerun too, that it worked."""
    st.session_state["said"] = text


def say_done() -> None:
    """What ``done`` was told before the rerun; the frame calls this once a run."""
    text = st.session_state.pop("said", None)
    if text:
        st.toast(plain(text), icon=":material/check_circle:")
