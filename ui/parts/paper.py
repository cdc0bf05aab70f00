"""A page of ours that is meant for paper, shown as it prints, with a button that prints it alone."""

from base64 import b64encode
from hashlib import sha256
from html import escape

import streamlit as st

_PRINT = (
    'document.getElementById("print").addEventListener("click", function () {'
    'document.getElementById("sheet").contentWindow.print(); });'
)
_HASH = b64encode(sha256(_PRINT.encode()).digest()).decode()
# The inner page inherits this, and runs nothing at all: its sandbox allows no scripts.
_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{_HASH}'"
_STYLE = """
html, body { margin: 0; height: 100%; }
body { display: flex; flex-direction: column; gap: 10px; font: 15px/1.4 system-ui, sans-serif; }
button { align-self: flex-start; padding: 8px 16px; border: 1px solid #c6ced6; border-radius: 8px; background: #fff;
  color: #1c2733; font: inherit; cursor: pointer; }
button:focus-visible { outline: 3px solid #7db8ee; outline-offset: 2px; }
iframe { flex: 1; width: 100%; box-sizing: border-box; border: 1px solid #c6ced6; border-radius: 8px;
  background: #fff; }
"""


def paper(html: str, *, title: str, height: int = 1060) -> None:
    """The page in a sandboxed frame below a "Print" button; ``title`` is what readers of the screen hear.

    ``html`` is a whole page. Nothing in it runs: the frame allows no scripts, only that we ask it to print itself.
    """
    named = escape(title, quote=True)
    st.iframe(
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{named}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head><body>'
        f'<button id="print" type="button">Print</button>'
        f'<iframe id="sheet" sandbox="allow-same-origin allow-modals" referrerpolicy="no-referrer" title="{named}" '
        f'srcdoc="{escape(html, quote=True)}"></iframe><script>{_PRINT}</script></body></html>',
        height=height,
        alt=title,
    )
