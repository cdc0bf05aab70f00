"""How the business's mails look and sound, with a preview that follows every change."""

from collections.abc import Mapping
from typing import get_args

import streamlit as st

from services.appearance import (
    LookFields,
    change_look,
    logo_of,
    look_of,
    preview,
    remove_logo,
    reset_look,
    set_logo,
)
from services.errors import UserError
from services.signin import Viewer
from tasks.notify.letter import Kind
from tasks.notify.subject import MAX_FORM, MAX_PREFIX, PLACES
from ui.parts.frame import mail_frame
from ui.parts.layout import done, told
from ui.parts.words import plain

_KINDS: Mapping[Kind, str] = {
    "daily": "Daily digest",
    "instant": "Instant mail",
    "weekly": "Weekly digest",
    "alert": "Alert",
    "system": "Account mail",
}
assert set(_KINDS) == set(get_args(Kind))
_ROUND = "look_round"
"""Counts up when the fields are to begin anew."""


def show(viewer: Viewer) -> None:
    """The section: what can be changed, beside what comes of it."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
        wanted = _fields(viewer)
        _logo(viewer)
        _reset(viewer)
    with right:
        _preview(viewer, wanted)


def _fields(viewer: Viewer) -> dict[str, str]:
    stored = look_of(viewer.scope)
    turn = st.session_state.get(_ROUND, 0)
    wanted = {
        "accent": st.color_picker(
            "Colour of links and headings",
            stored.accent,
            key=f"accent_{turn}",
            help="Dark enough to be read on white.",
        ),
        "background": st.color_picker(
            "Ground around the news",
            stored.background,
            key=f"background_{turn}",
            help="Light enough for words to be read on it. At night mail programs show a dark one.",
        ),
        "subject": st.text_input(
            "Subject of news",
            stored.subject,
            max_chars=MAX_FORM,
            key=f"subject_{turn}",
            placeholder="{headline} · {date}",
            help=f"In braces: {', '.join(PLACES)}. Empty for the product's own.",
        ),
        "subject_prefix": st.text_input(
            "Before every subject",
            stored.subject_prefix,
            max_chars=MAX_PREFIX,
            key=f"prefix_{turn}",
            placeholder="[Clients]",
        ),
        "intro": st.text_area("Above the news", stored.intro, max_chars=300, key=f"intro_{turn}", height=80),
        "footer": st.text_area(
            "Below the news", stored.footer, max_chars=300, key=f"footer_{turn}", height=80
        ),
    }
    changed = {name: value for name, value in wanted.items() if value != getattr(stored, name)}
    with st.container(horizontal=True):
        if st.button("Save", type="primary", disabled=not changed):
            with told():
                change_look(viewer.scope, changed)
                _begin_anew("Mails written from now on look like this.")
        if changed and st.button("Discard"):
            _begin_anew("")
    return wanted


def _logo(viewer: Viewer) -> None:
    logo = logo_of(viewer.scope)
    with st.container(border=True):
        st.markdown("**Logo**")
        if logo is not None:
            st.image(logo.data, width=logo.width, caption="At the head of every mail, in place of the name")
            if st.button("Remove the logo"):
                with told():
                    remove_logo(viewer.scope)
                    _begin_anew("The name stands at the head of mails again.")
        given = st.file_uploader(
            "A new logo" if logo else "Put a logo at the head of mails",
            type=["png", "jpg", "jpeg"],
            max_upload_size=1,
            key=f"logo_{st.session_state.get(_ROUND, 0)}",
            help="PNG or JPEG, at most 64 kB and 600 by 200 dots. It travels in the mail; nothing is loaded.",
        )
        if given is not None:
            with told():
                set_logo(viewer.scope, given.getvalue())
                _begin_anew("The logo stands at the head of mails written from now on.")


def _reset(viewer: Viewer) -> None:
    if look_of(viewer.scope) == LookFields() and logo_of(viewer.scope) is None:
        return
    with st.popover("Back to the product's own look …", type="tertiary"):
        st.write("Colour, words and logo go. Mails sent before stay as they are.")
        if st.button("Reset"):
            with told():
                reset_look(viewer.scope)
                _begin_anew("Mails look as they come.")


def _begin_anew(said: str) -> None:
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    if said:
        done(said)
    st.rerun()


def _preview(viewer: Viewer, wanted: Mapping[str, object]) -> None:
    kind = st.segmented_control(
        "Preview of",
        list(_KINDS),
        default="daily",
        required=True,
        format_func=lambda one: _KINDS[one],
        key="look_kind",
    )
    try:
        shown = preview(viewer.scope, kind or "daily", wanted)
    except UserError as error:
        st.warning(f"{plain(error)}. {plain(error.mend)}.", icon=":material/palette:")
        return
    st.markdown(f"**{plain(shown.subject)}**")
    mail_frame(shown.html, title="Preview of a mail of invented news", height=760)
    st.caption("Companies and news are invented. Nothing is stored until you save.")
