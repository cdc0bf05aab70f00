"""Small tables that read well on a phone and aloud."""

from collections.abc import Mapping, Sequence

import streamlit as st

from ui.parts.words import plain


def text_table(columns: Mapping[str, Sequence[object]], *, alt: str) -> None:
    """A static table whose every cell is shown exactly as it is: Streamlit reads Markdown in cells otherwise.

    ``alt`` is what readers of the screen hear first.
    """
    shown = {plain(name): [plain(value) for value in values] for name, values in columns.items()}
    st.table(shown, hide_index=True, border="horizontal", alt=alt)
