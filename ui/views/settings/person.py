"""One person, as admins see them: role, invitation, browsers, and the way out and back in."""

from collections.abc import Sequence

import streamlit as st

from models.accounts import UserState
from models.base import utc_now
from models.scope import Role
from services.accounts import PERSON_ROLES
from services.people import (
    PersonLine,
    change_role,
    deactivate,
    invite_again,
    looked_after_by,
    reactivate,
    send_now,
    send_reset,
)
from services.portfolio.people import Change, reassign
from services.signin import Viewer
from services.signin.sessions import end_sessions, open_sessions
from ui import router
from ui.parts.layout import done, told
from ui.parts.words import counted, day, plain, words
from ui.views.settings.roles import role_words, seen

_NAMED = 8


def show(viewer: Viewer, one: PersonLine, people: Sequence[PersonLine]) -> None:
    """The person's panel, with the way back to everybody."""
    if st.button("Everybody", icon=":material/arrow_back:", type="tertiary"):
        del st.query_params["person"]
        st.rerun()
    st.subheader(plain(one.name), anchor=False)
    _facts(viewer, one)
    if one.role is Role.OWNER and viewer.role is Role.ADMIN:
        st.info("Only an owner may change an owner's account.", icon=":material/lock:")
        return
    with st.container(width=760):
        if one.state is UserState.INVITED:
            _invitation(viewer, one)
        if one.state is not UserState.DEACTIVATED:
            _role(viewer, one)
        _clients(viewer, one)
        if one.state is UserState.ACTIVE:
            _sign_in(viewer, one)
        if one.state is UserState.DEACTIVATED:
            _way_back(viewer, one)
        elif one.user_id != viewer.user_id:
            _way_out(viewer, one, people)


def _facts(viewer: Viewer, one: PersonLine) -> None:
    colours = {UserState.ACTIVE: "green", UserState.INVITED: "blue", UserState.DEACTIVATED: "gray"}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(words(one.state.value), color=colours[one.state])  # type: ignore[arg-type]
        st.markdown(
            f"{plain(one.email)} · {plain(one.timezone)} · mail: {one.frequency.value} · "
            f"{seen(one, utc_now())}",
            width="content",
        )
    if one.invited_until is not None:
        st.caption(f"The invitation is open until {day(one.invited_until, viewer.timezone)}.")


def _invitation(viewer: Viewer, one: PersonLine) -> None:
    with st.container(border=True):
        st.markdown("**Invitation**")
        st.write("They have not come in yet. Their mail goes out all the same, so that it can be seen.")
        if st.button("Send the invitation again", icon=":material/forward_to_inbox:"):
            with told():
                invite_again(viewer.scope, one.user_id)
                send_now(viewer.scope, utc_now())
                done(f"A new invitation is on its way to {one.email}; the old link opens nothing any more.")
                st.rerun()


def _role(viewer: Viewer, one: PersonLine) -> None:
    with st.form(f"role_{one.user_id}"):
        st.markdown("**Role**")
        role = st.selectbox(
            "Role",
            PERSON_ROLES,
            index=PERSON_ROLES.index(one.role),
            format_func=role_words,
            label_visibility="collapsed",
        )
        st.caption("Counts from their next look on.")
        if st.form_submit_button("Change role"):
            with told():
                change_role(viewer.scope, one.user_id, role)
                done(f"{one.name} is {role.value} now.")
                st.rerun()


def _clients(viewer: Viewer, one: PersonLine) -> None:
    names = list(looked_after_by(viewer.scope, one.user_id).values())
    with st.container(border=True):
        st.markdown("**Clients and mail**")
        if not names:
            st.write("Looks after no client.")
        else:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            st.write(
                f"Looks after {counted(len(names), 'client')}: {plain(', '.join(names[:_NAMED]))}{more}."
            )
        router.link("clients", "Assign and hand over on the Clients page", icon=":material/domain:")
        router.link("preferences", "What they are mailed", icon=":material/tune:", person=str(one.user_id))


def _sign_in(viewer: Viewer, one: PersonLine) -> None:
    sessions = open_sessions(viewer.scope, one.user_id)
    with st.container(border=True):
        st.markdown("**Sign-in**")
        st.write(
            f"Signed in with {counted(len(sessions), 'browser')}. "
            + ("Has a password." if one.has_password else "Has no password here.")
        )
        with st.container(horizontal=True):
            if st.button("Mail a link for a new password", icon=":material/key:"):
                with told():
                    send_reset(viewer.scope, one.user_id)
                    send_now(viewer.scope, utc_now())
                    done(f"A link for a new password is on its way to {one.email}.")
                    st.rerun()
            if sessions and st.button("Sign out everywhere", icon=":material/logout:"):
                with told():
                    count = end_sessions(viewer.scope, one.user_id, but=viewer.session_id)
                    done(f"{counted(count, 'browser')} signed out.")
                    st.rerun()


def _way_out(viewer: Viewer, one: PersonLine, people: Sequence[PersonLine]) -> None:
    clients = looked_after_by(viewer.scope, one.user_id)
    others = [
        other for other in people if other.user_id != one.user_id and other.state is not UserState.DEACTIVATED
    ]
    with (
        st.popover("Deactivate …", icon=":material/person_off:"),
        st.form(f"deactivate_{one.user_id}", border=False),
    ):
        st.markdown(
            "**At once:** their browsers are signed out, their links open nothing, and they get no more mail; "
            "what waits for them is closed.\n\n"
            "**What stays:** what they did and got, in the records. They can be let back in at any time."
        )
        heir = None
        if clients:
            heir = st.selectbox(
                f"Give their {counted(len(clients), 'client')} to",
                others,
                index=None,
                format_func=lambda other: f"{other.name} ({other.email})",
                placeholder="Nobody: they stay assigned, and reach nobody",
            )
        if st.form_submit_button(f"Deactivate {plain(one.name)}"):
            with told():
                closed = deactivate(viewer.scope, one.user_id)
                if heir is not None:
                    change = Change(give=frozenset({heir.user_id}), take=frozenset({one.user_id}))
                    reassign(viewer.scope, list(clients), change)
                told_of = f" {counted(closed, 'waiting item')} will not be mailed." if closed else ""
                done(f"{one.name} is deactivated.{told_of}")
                st.rerun()


def _way_back(viewer: Viewer, one: PersonLine) -> None:
    with st.container(border=True):
        st.write(
            "Gets no mail and cannot sign in. "
            + (
                "Once back in, their old password holds."
                if one.has_password
                else "Once back in, they need an invitation."
            )
        )
        if st.button("Let back in", icon=":material/person_check:", type="primary"):
            with told():
                reactivate(viewer.scope, one.user_id)
                done(f"{one.name} is back.")
                st.rerun()
