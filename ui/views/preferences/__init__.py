"""Preferences: what reaches a person, when and how, with what that would have brought last week beside it."""

from uuid import UUID

import streamlit as st

from services.muting import Exceptional, set_client_exception
from services.preference_page import PreferencePage, preference_page
from services.preferences import change_preferences, undo_change
from services.signin import Viewer
from services.subscriptions import consent, resume
from ui.parts.layout import done, heading, told
from ui.parts.words import counted, plain, when, words
from ui.views.preferences.clients import changes_of, client_table
from ui.views.preferences.form import Wished, settings_form
from ui.views.preferences.pane import preview_pane
from ui.views.preferences.sayings import KINDS, field_words

_PERSON = "person"
_EDITION, _SAID = "preferences-edition", "preferences-said"


def page(viewer: Viewer) -> None:
    """The page: one's own, or for admins the one of whom ``?person=`` names."""
    user_id = _whose(viewer)
    found = None
    with told():
        found = preference_page(viewer.scope, user_id)
    if found is None:
        st.button("Go to my preferences", on_click=lambda: st.query_params.pop(_PERSON, None))
        return
    if found.is_own:
        heading("Preferences", "What reaches you, when and how. Changes hold from the next mail on.")
    else:
        heading(
            f"Preferences of {found.name}",
            f"{plain(found.email)} · what you change here is in the audit log.",
        )
    _stopped(viewer, found)
    key = f"preferences-{user_id}-{st.session_state.get(_EDITION, 0)}-"
    left, right = st.columns([6, 5], gap="large")
    with left:
        wished = settings_form(found, key)
        exceptions = {}
        if found.clients:
            with st.expander(
                "Exceptions for single clients", icon=":material/domain:", expanded=_has_any(found)
            ):
                exceptions = client_table(found.clients, key)
        _save_bar(viewer, found, wished, exceptions)
        _last_change(viewer, found)
        _consent(viewer, found)
    with right:
        preview_pane(viewer, found, wished.changes, exceptions)


def _whose(viewer: Viewer) -> UUID:
    asked = st.query_params.get(_PERSON)
    try:
        return UUID(asked) if asked else viewer.user_id
    except ValueError:
        return viewer.user_id


def _stopped(viewer: Viewer, found: PreferencePage) -> None:
    """What keeps mail from the address, whatever the settings say."""
    if found.blocked:
        st.warning(
            f"No mail goes to {plain(found.email)}: {plain(words(found.blocked).lower())}. "
            "An admin can lift that in the settings.",
            icon=":material/mark_email_unread:",
        )
    kinds = [kind for kind in KINDS if kind in found.stopped]
    if not kinds:
        return
    names = " and ".join(KINDS[kind] for kind in kinds)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        whom = "You" if found.is_own else plain(found.name)
        st.markdown(
            f":material/unsubscribe: {whom} unsubscribed from {names}: none are mailed.", width="content"
        )
        if found.is_own and st.button("Send them again", key="preferences-resume"):
            with told():
                resume(viewer.scope, found.email, kinds, how="in the app")
                done(f"You will get {names} again")
                st.rerun()


def _save_bar(
    viewer: Viewer, found: PreferencePage, wished: Wished, exceptions: dict[UUID, Exceptional]
) -> None:
    clients = counted(len(exceptions), "client") if exceptions else ""
    changed = ", ".join(part for part in (field_words(list(wished.changes)), clients) if part)
    if changed:
        st.session_state.pop(_SAID, None)
    if wished.problem:
        st.warning(wished.problem, icon=":material/error:")
    elif changed:
        st.markdown(f":material/edit: Not saved yet: {plain(changed)}.")
    elif _SAID in st.session_state:
        st.success(plain(st.session_state[_SAID]), icon=":material/check_circle:")
    else:
        st.caption("All of it is saved.")
    with st.container(horizontal=True):
        if st.button(
            "Save", type="primary", disabled=not changed or bool(wished.problem), key="preferences-save"
        ):
            _save(viewer, found, wished, exceptions)
        if changed and st.button("Discard", key="preferences-discard"):
            _start_afresh()
            st.rerun()


def _save(viewer: Viewer, found: PreferencePage, wished: Wished, exceptions: dict[UUID, Exceptional]) -> None:
    saved: list[str] = []
    closed = reopened = 0
    with told():
        if wished.changes:
            fields, closed = change_preferences(viewer.scope, found.user_id, wished.changes)
            saved.append(field_words(fields))
        before = {one.client_id: one for one in found.clients}
        for client_id, wanted in exceptions.items():
            changes = changes_of(before[client_id], wanted)
            result = set_client_exception(viewer.scope, found.user_id, client_id, changes)
            closed, reopened = closed + result.closed, reopened + result.reopened
        if exceptions:
            saved.append(counted(len(exceptions), "client"))
        _start_afresh(f"Saved: {', '.join(part for part in saved if part)}.{_effect(closed, reopened)}")
        st.rerun()


def _effect(closed: int, reopened: int = 0) -> str:
    said = ""
    if closed:
        said += f" {counted(closed, 'waiting item is', 'waiting items are')} not mailed because of it."
    if reopened:
        said += f" {counted(reopened, 'item waits', 'items wait')} to be mailed again."
    return said


def _last_change(viewer: Viewer, found: PreferencePage) -> None:
    last = found.last
    if last is None:
        return
    by = f" by {plain(last.by)}" if last.by and not (found.is_own and last.by == viewer.name) else ""
    what = "taken back" if last.is_undo else "changed"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f":material/history: Last {what} {when(last.at, viewer.timezone)}{by}: {field_words(list(last.before))}.",
            width="content",
        )
        label = "Change it again" if last.is_undo else "Undo"
        if st.button(label, key="preferences-undo", type="tertiary", icon=":material/undo:"):
            with told():
                fields, closed = undo_change(viewer.scope, found.user_id)
                _start_afresh(f"As before: {field_words(fields)}.{_effect(closed)}")
                st.rerun()


def _consent(viewer: Viewer, found: PreferencePage) -> None:
    if not found.tracks or not found.is_own:
        return
    with st.container(border=True):
        given = st.toggle(
            "Keep under my name what I open and click",
            found.consented_at is not None,
            key=f"preferences-consent-{found.consented_at}",
        )
        st.caption(
            "Your organisation counts opens and clicks of its mails. Without this only totals are kept, never who it "
            "was. Switching it off deletes what was kept under your name. It is saved at once."
        )
        if given != (found.consented_at is not None):
            with told():
                consent(viewer.scope, given)
                done(
                    "What you open and click is kept under your name"
                    if given
                    else "Nothing is kept under your name"
                )
                st.rerun()


def _has_any(found: PreferencePage) -> bool:
    return any(one.muted or one.threshold is not None for one in found.clients)


def _start_afresh(said: str = "") -> None:
    """Widgets with new names show what is saved, not what was typed before; ``said`` stands until the next change."""
    st.session_state[_EDITION] = st.session_state.get(_EDITION, 0) + 1
    if said:
        st.session_state[_SAID] = said
    else:
        st.session_state.pop(_SAID, None)
