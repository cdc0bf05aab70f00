"""What a person sees when a page breaks: that it is our fault, that it is written down, and what to quote."""

import logging
import secrets

import streamlit as st

_log = logging.getLogger(__name__)


def on_script_error(error: Exception) -> bool:
    """Streamlit's hook for what no page caught: True keeps its own red box, with its search links, away."""
    reference = secrets.token_hex(4)
    _log.error("page failed [%s]", reference, exc_info=error)
    st.error(
        "That went wrong, and it is our fault. Nothing you had saved is lost. Reload the page; if it happens again, "
        f"tell whoever looks after Client Monitor this number: **{reference}**.",
        icon=":material/build:",
    )
    return True
