"""The dialog that gives clients to people: who has them after, and what moves with it."""

from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from services.portfolio.people import Change, Moves, moves, reassign
from services.portfolio.table import Person, team
from services.signin import Viewer
from ui.parts.layout import done, told
from ui.parts.words import counted, plain

_INSTEAD, _BESIDE, _AWAY = "Give to these instead", "Give to these as well", "Take away from these"
_NAMED = 6


@st.dialog("Who looks after it?", width="medium")
def hand_over(viewer: Viewer, names: Mapping[UUID, str], current: tuple[Person, ...] = ()) -> None:
    """Give clients (by id: name) to people. For one client, ``current`` are those who have it."""
    people = {person.id: person for person in team(viewer.scope)}
    people |= {person.id: person for person in current}
    shown = ", ".join(plain(name) for name in list(names.values())[:_NAMED])
    left = len(names) - _NAMED
    st.markdown(f"**{shown}**" + (f" and {left:,} more" if left > 0 else ""))
    change = _asked(people, current, only_one=len(names) == 1)
    if change is None:
        return
    with told():
        _say(moves(viewer.scope, names, change), len(names))
    if st.button("Save", type="primary", key="hand-over-save"):
        with told():
            changed = reassign(viewer.scope, names, change)
            done(
                f"{counted(changed.clients, 'client')} changed hands"
                if changed.clients
                else "Nothing had to change"
            )
            st.rerun()


def _asked(people: Mapping[UUID, Person], current: tuple[Person, ...], *, only_one: bool) -> Change | None:
    how = _INSTEAD
    if not only_one:
        how = st.radio("What to do", [_INSTEAD, _BESIDE, _AWAY], key="hand-over-how")
    picked = st.multiselect(
        "Looked after by" if only_one else "People",
        list(people),
        default=[person.id for person in current] if only_one else None,
        format_func=lambda user_id: f"{people[user_id].name} ({people[user_id].email})",
        key="hand-over-people",
        placeholder="Choose people",
    )
    if not picked and not only_one:
        return None
    if how == _INSTEAD:
        return Change(give=frozenset(picked), take=None)
    return Change(give=frozenset(picked)) if how == _BESIDE else Change(take=frozenset(picked))


def _say(would: Moves, count: int) -> None:
    """What the change would move, as sentences."""
    if not would.leaving and not would.joining:
        st.caption("Nothing changes by this.")
        return
    for one in would.leaving:
        waiting = f"; {counted(one.waiting, 'item that waits', 'items that wait')} will not be mailed to them"
        of = f" {counted(one.clients, 'client')}" if count > 1 else " it"
        st.markdown(f"- **{plain(one.name)}** loses{of}{waiting if one.waiting else ''}.")
    for gain in would.joining:
        of = f" {counted(gain.clients, 'client')}" if count > 1 else " it"
        st.markdown(
            f"- **{plain(gain.name)}** gets{of}: news of the last {would.untold_days} days that nobody was told of yet "
            "waits for their next mail."
        )
    if would.orphaned:
        some = "Nobody" if count == 1 else f"{counted(len(would.orphaned), 'client')}: nobody"
        st.warning(f"{some} would look after it. Its news reaches only who follows all clients.")
    st.caption("What was mailed stays with whoever got it. The audit log keeps who gave what to whom.")
