"""Own patterns: phrases of this business that speak for a category, tried before they are added."""

import streamlit as st

from models.events import Category
from services.patterns import (
    OwnPattern,
    Trial,
    add_patterns,
    list_patterns,
    read_patterns,
    remove_pattern,
    try_patterns,
)
from services.signin import Viewer
from tasks.classify.rules import Pattern
from ui.parts.layout import done, empty, told
from ui.parts.tables import text_table
from ui.parts.words import category, counted, day, plain

_TRIED = "pattern_tried"
_SHOWN = 15
_PAGE = 20
_WEIGHTS = {3.0: "a plain statement of it", 1.5: "a hint, enough alone", 6.0: "overrules the rules' own"}


def show(viewer: Viewer) -> None:
    """The section."""
    st.write(
        "The rules know thousands of phrases. Add those of your trade that they miss, or let a phrase count as Other "
        "where they see too much."
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _stored(viewer)
    with right:
        _form(viewer)
    trial = st.session_state.get(_TRIED)
    if trial is not None:
        _tell(viewer, *trial)


def _form(viewer: Viewer) -> None:
    with st.form("pattern"):
        st.markdown("**Try a phrase**")
        phrase = st.text_input("Phrase", max_chars=500, placeholder="commissions ~2 plant|mill")
        st.caption(
            "`buy|buys` is either word, `acqui*` any word that begins so, `~2` allows up to two words between, `word?` "
            "may be missing. Case does not matter."
        )
        speaks_for = st.selectbox("Speaks for", [one.value for one in Category], format_func=category)
        weight = st.selectbox(
            "How strongly", list(_WEIGHTS), format_func=lambda one: f"{_WEIGHTS[one]} ({one:g})"
        )
        says = st.text_input("What it says of the news", max_chars=200, placeholder="Opens a plant")
        if st.form_submit_button("Try it", type="primary"):
            with told():
                given = {"category": speaks_for, "weight": weight, "phrases": [phrase.strip()]}
                group = given | ({"says": says.strip()} if says.strip() else {})
                patterns = read_patterns({"group": [group]})
                st.session_state[_TRIED] = (patterns, try_patterns(viewer.scope, patterns))
                st.rerun()


def _tell(viewer: Viewer, patterns: tuple[Pattern, ...], trial: Trial) -> None:
    with st.container(border=True):
        st.markdown(f"**What “{plain(patterns[0].phrase)}” would do**")
        if not trial.tried:
            st.write(f"There are no events of the last {trial.days} days to try it on.")
        else:
            st.write(
                f"Of {counted(trial.tried, 'event')} of the last {trial.days} days, {len(trial.changes):,} would be "
                "put elsewhere. What was mailed stays as it was."
            )
        if trial.changes:
            text_table(
                {
                    "News": [one.title for one in trial.changes[:_SHOWN]],
                    "Now": [category(one.before) for one in trial.changes[:_SHOWN]],
                    "Then": [category(one.after) for one in trial.changes[:_SHOWN]],
                },
                alt="News that would be put elsewhere",
            )
            if len(trial.changes) > _SHOWN:
                st.caption(f"… and {len(trial.changes) - _SHOWN} more")
        with st.container(horizontal=True):
            if st.button("Add it", type="primary"):
                with told():
                    added = add_patterns(viewer.scope, patterns)
                    del st.session_state[_TRIED]
                    done("Added: it counts from the next run on." if added else "It was there already.")
                    st.rerun()
            if st.button("Not this one"):
                del st.session_state[_TRIED]
                st.rerun()


def _stored(viewer: Viewer) -> None:
    stored = list_patterns(viewer.scope)
    if not stored:
        empty("No pattern of your own", "The rules' own phrases decide. Try one on the right.", icon="rule")
        return
    pages = -(-len(stored) // _PAGE)
    page = st.pagination(pages, key=f"patterns_page_{pages}") if pages > 1 else 1
    for one in stored[(page - 1) * _PAGE : page * _PAGE]:
        _line(viewer, one)


def _line(viewer: Viewer, one: OwnPattern) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            st.markdown(f"**{plain(one.phrase)}**")
            st.caption(
                f"{category(one.category)}, {one.weight:g} · {plain(one.says)} · "
                f"since {day(one.created_at, viewer.timezone)}"
            )
        if not one.readable:
            st.badge(
                "has no effect any more", color="orange", help="The rules' word lists have changed under it."
            )
        with st.popover("Remove …"):
            st.write("The next run does without it. What it decided stays.")
            if st.button("Remove", key=f"remove_{one.id}"):
                with told():
                    remove_pattern(viewer.scope, str(one.id))
                    done("Removed.")
                    st.rerun()
