"""A page that is not ours, such as a mail's, shown within one that is."""

import re
from html import escape

import streamlit as st

# The inner page inherits this: it loads nothing, runs nothing, and what is left of links is blocked.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_HREF = re.compile(r"""\shref\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)


def mail_frame(html: str, *, title: str, height: int = 720) -> None:
    """A mail's page in a sandboxed frame: nothing in it acts, leads anywhere or reaches our page.

    ``title`` is what readers of the screen hear. The mail scrolls within ``height`` pixels.
    """
    named = escape(title, quote=True)
    # A link that is blocked only when it is followed leaves a broken page behind.
    shown = escape(_HREF.sub("", html), quote=True)
    st.iframe(
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{named}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        "<style>html,body{margin:0;height:100%;overflow:hidden}iframe{border:0;width:100%;height:100%;background:#fff}"
        "</style></head><body>"
        f'<iframe sandbox="" referrerpolicy="no-referrer" title="{named}" srcdoc="{shown}"></iframe></body></html>',
        height=height,
        alt=title,
    )
