"""Who is looking: the only place in the app that says so."""

import logging

import streamlit as st

from models.settings import get_settings
from services.signin import Viewer, viewer_of
from services.signin.cookie import cookie_name
from services.signin.oidc import is_fresh, viewer_by_claims
from tasks.notify.links import PREFIX

_log = logging.getLogger(__name__)

_WHOSE = "_whose"
"""In the session's state: whose it is."""


def cookie_token() -> str | None:
    """What the browser sent as its session, if anything. Streamlit reads cookies and cannot set them: web does."""
    return st.context.cookies.get(cookie_name(get_settings()))


def viewer() -> Viewer | None:
    """The person who is looking, asked anew at every run of the script; None for nobody, and for any doubt."""
    try:
        found = viewer_of(cookie_token()) or _by_oidc()
        _clear_after_others(found)
        return found
    except Exception as error:
        # The message may hold what was asked for.
        _log.error("nobody is let in: %s", type(error).__name__)
        return None


def ask_to_sign_in() -> None:
    """What stands where a page would: the ways in."""
    st.title("Client Monitor")
    st.write("Please sign in to see this page.")
    if _has_oidc():
        if _is_known_to_provider():
            st.warning(
                "You are signed in with your organisation, but nobody here goes by your address. "
                "Ask whoever looks after Client Monitor to invite you."
            )
            st.button("Use another account", on_click=st.logout)
        else:
            st.button("Sign in with your organisation", type="primary", on_click=st.login)
    st.link_button("Sign in with a password", f"{PREFIX}/sign-in")


def _clear_after_others(found: Viewer | None) -> None:
    """A socket that is opened again finds the state it left: what one person did is not shown to the next."""
    whose = "" if found is None else str(found.user_id)
    if st.session_state.get(_WHOSE, whose) != whose:
        st.session_state.clear()
    st.session_state[_WHOSE] = whose


def _by_oidc() -> Viewer | None:
    return viewer_by_claims(st.user.to_dict()) if _has_oidc() and _is_known_to_provider() else None


def _has_oidc() -> bool:
    return bool(get_settings().oidc_metadata_url)


def _is_known_to_provider() -> bool:
    # The attribute is there only when Streamlit was given a provider.
    return getattr(st.user, "is_logged_in", False) is True and is_fresh(st.user.to_dict())
