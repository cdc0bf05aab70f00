"""My account: name and zone, address, password, where I am signed in, and what is kept about me."""

from html import escape

import streamlit as st

from models.base import utc_now
from models.signin import SignInMethod
from services.account import NAME_MAX, AboutMe, about_me, rename_me
from services.fields import zone_names
from services.preferences import change_preferences
from services.signin import Viewer
from services.signin.credentials import change_password, request_new_address
from services.signin.letters import send_now
from services.signin.passwords import MAX_LENGTH, MIN_LENGTH
from services.signin.sessions import IDLE, end_sessions, open_sessions
from services.subscriptions import consent
from tasks.notify.links import PREFIX
from ui import router
from ui.parts.browsers import browser
from ui.parts.layout import done, heading, told
from ui.parts.tables import text_table
from ui.parts.words import ago, counted, day, plain

_ROUND = "account_round"
"""Counts up after a change of password, so that the browser forgets what was typed."""


def page(viewer: Viewer) -> None:
    """The page."""
    heading("Account", "Who you are here. What you are mailed, and when, is set under Preferences.")
    left, right = st.columns(2, gap="medium")
    with left:
        _me(viewer)
        if viewer.method is SignInMethod.PASSWORD:
            _address(viewer)
            _password(viewer)
        else:
            _other_way_in(viewer)
    with right:
        _browsers(viewer)
        _privacy(viewer)


def _me(viewer: Viewer) -> None:
    zones = zone_names()
    with st.form("me"):
        st.subheader("You", anchor=False)
        name = st.text_input("Name", viewer.name, max_chars=NAME_MAX, autocomplete="name")
        index = zones.index(viewer.timezone) if viewer.timezone in zones else None
        zone = st.selectbox(
            "Time zone", zones, index=index, help="For every time shown here, and for your digests."
        )
        here = st.context.timezone
        if here in zones and here != viewer.timezone:
            st.caption(f"This browser is in {plain(here)}.")
        if st.form_submit_button("Save", type="primary"):
            with told():
                rename_me(viewer.scope, name)
                if zone is not None:
                    change_preferences(viewer.scope, viewer.user_id, {"timezone": zone})
                done("Saved.")
                st.rerun()
        st.caption(f"Your role is {viewer.role.value}; an admin changes it.")


def _address(viewer: Viewer) -> None:
    with st.form("address"):
        st.subheader("E-mail address", anchor=False)
        st.markdown(f"**{plain(viewer.email)}**: you sign in with it, and your mail goes there.")
        new = st.text_input("New address", max_chars=254, autocomplete="email")
        password = st.text_input(
            "Your password",
            type="password",
            max_chars=MAX_LENGTH,
            autocomplete="current-password",
            key=f"address_password_{_turn()}",
        )
        st.caption(
            "A link goes to the new address. Until you follow it, nothing changes; the old address is told."
        )
        if st.form_submit_button("Mail me the link"):
            with told():
                written = request_new_address(viewer.scope, new, password)
                send_now(viewer.scope, utc_now())
                _begin_anew(f"Look into {written}: the link there works for 24 hours.")


def _password(viewer: Viewer) -> None:
    turn = _turn()
    with st.form("password"):
        st.subheader("Password", anchor=False)
        current = st.text_input(
            "Present password",
            type="password",
            max_chars=MAX_LENGTH,
            autocomplete="current-password",
            key=f"current_{turn}",
        )
        new = st.text_input(
            "New password",
            type="password",
            max_chars=MAX_LENGTH,
            autocomplete="new-password",
            key=f"new_{turn}",
            help=f"{MIN_LENGTH} characters or more: a few words that do not belong together make a good one.",
        )
        again = st.text_input(
            "New password again",
            type="password",
            max_chars=MAX_LENGTH,
            autocomplete="new-password",
            key=f"again_{turn}",
        )
        st.caption("Every other browser is signed out, and you get a mail that says so.")
        if st.form_submit_button("Change password"):
            if new != again:
                st.error("The two new passwords differ. Type the same one twice.", icon=":material/error:")
                return
            with told():
                change_password(viewer.scope, current, new, keep=viewer.session_id)
                send_now(viewer.scope, utc_now())
                _begin_anew("Your password is changed.")


def _other_way_in(viewer: Viewer) -> None:
    with st.container(border=True):
        st.subheader("Address and password", anchor=False)
        if viewer.is_demo:
            st.write("The demo's people sign in with one click, and have no password.")
        else:
            st.write(
                f"You sign in with your organisation, as {plain(viewer.email)}. Address and password are kept there."
            )


def _browsers(viewer: Viewer) -> None:
    now = utc_now()
    sessions = open_sessions(viewer.scope, viewer.user_id)
    with st.container(border=True):
        st.subheader("Where you are signed in", anchor=False)
        for one in sessions:
            is_this = one.id == viewer.session_id
            with st.container(horizontal=True, vertical_alignment="center"):
                with st.container(width="stretch", gap=None):
                    st.markdown(f"**{plain(browser(one.user_agent))}**{' · this browser' if is_this else ''}")
                    st.caption(
                        f"since {day(one.created_at, viewer.timezone)}, last seen {ago(one.seen_at, now=now)}"
                    )
                if not is_this and st.button("Sign out", key=f"end_{one.id}"):
                    with told():
                        end_sessions(viewer.scope, viewer.user_id, only=one.id)
                        done("That browser is signed out.")
                        st.rerun()
        others = [one for one in sessions if one.id != viewer.session_id]
        if not sessions:
            st.write("Your organisation vouches for you; no session is kept here.")
        elif not others:
            st.caption(f"Only here. Without a visit for {IDLE.days} days a browser is signed out by itself.")
        elif st.button("Sign out all others", icon=":material/logout:"):
            with told():
                count = end_sessions(viewer.scope, viewer.user_id, but=viewer.session_id)
                done(f"{counted(count, 'browser')} signed out.")
                st.rerun()
        _sign_out()


def _sign_out() -> None:
    # A session ends by a form of ours, never by a link: somebody else's page could follow that.
    st.html(
        f'<form method="post" action="{escape(PREFIX)}/sign-out" target="_self">'
        '<button type="submit" style="all:unset;cursor:pointer;text-decoration:underline">'
        "Sign out of this browser</button></form>"
    )


def _privacy(viewer: Viewer) -> None:
    mine = about_me(viewer.scope)
    with st.container(border=True):
        st.subheader("What is kept about you", anchor=False)
        text_table(
            {
                "What": [
                    "Mails to you, as lines of the log",
                    "Texts of these mails",
                    "Your verdicts on news",
                    "Items you read, starred or noted",
                    "What you changed, in the audit log",
                    "Opens and clicks under your name",
                ],
                "How many": [
                    f"{count:,}"
                    for count in (mine.mails, mine.texts, mine.verdicts, mine.marks, mine.done, mine.hits)
                ],
            },
            alt="What is kept about you, in numbers",
        )
        st.caption(
            "Your colleagues see neither your notes nor what you read. Admins can open mails to you, and each look is "
            "written down."
        )
        _consent(viewer, mine)
        router.link("preferences", "What you are mailed", icon=":material/tune:")


def _consent(viewer: Viewer, mine: AboutMe) -> None:
    if not mine.is_tracked:
        st.caption("Your business does not count opens and clicks.")
        if not mine.has_consented:
            return
    wanted = st.toggle(
        "Keep my opens and clicks under my name",
        mine.has_consented,
        help="Then you see them in your email log; nobody else does. Switching it off erases what was kept.",
    )
    if wanted != mine.has_consented:
        with told():
            consent(viewer.scope, wanted)
            done("From now on they are kept under your name." if wanted else "What was kept is erased.")
            st.rerun()


def _turn() -> int:
    return int(st.session_state.get(_ROUND, 0))


def _begin_anew(said: str) -> None:
    st.session_state[_ROUND] = _turn() + 1
    done(said)
    st.rerun()
