"""The people of the business: who is in, who is asked in, what they may, and the way to each."""

import streamlit as st

from models.accounts import UserState
from models.base import utc_now
from services.accounts import PERSON_ROLES, import_users
from services.people import PersonLine, invite_person, list_people, send_now
from services.signin import Viewer
from ui.parts.layout import done, told
from ui.parts.uploads import on_disk
from ui.parts.words import counted, plain, words
from ui.views.settings import person
from ui.views.settings.roles import MAY, role_words, seen

_SEVERAL = 10
_PAGE = 25
_NAMED = 10


def show(viewer: Viewer) -> None:
    """The section: everybody, or the person that the address names."""
    people = list_people(viewer.scope)
    chosen = st.query_params.get("person")
    one = next((one for one in people if str(one.user_id) == chosen), None)
    if one is not None:
        person.show(viewer, one, people)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sought = _sought(people)
        _invitation(viewer)
        _import(viewer)
    found = [one for one in people if sought in f"{one.name} {one.email}".casefold()]
    _list(found)
    _legend()


def _sought(people: list[PersonLine]) -> str:
    if len(people) <= _SEVERAL:
        return ""
    return st.text_input("Find somebody", key="people_sought", icon=":material/search:").strip().casefold()


def _list(people: list[PersonLine]) -> None:
    now = utc_now()
    st.caption(counted(len(people), "person", "people"))
    pages = max(1, -(-len(people) // _PAGE))
    page = st.pagination(pages, key=f"people_page_{pages}") if pages > 1 else 1
    for one in people[(page - 1) * _PAGE : page * _PAGE]:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(width="stretch", gap=None):
                st.markdown(f"**{plain(one.name)}** · {plain(one.email)}")
                st.caption(
                    f"{counted(one.clients, 'client')} · {one.frequency.value} mail · {plain(one.timezone)} · "
                    + seen(one, now)
                )
            if one.state is not UserState.ACTIVE:
                st.badge(
                    words(one.state.value), color="gray" if one.state is UserState.DEACTIVATED else "orange"
                )
            st.badge(words(one.role.value), color="blue")
            if st.button("Open", key=f"open_{one.user_id}", help=f"Change {plain(one.name)}"):
                st.query_params["person"] = str(one.user_id)
                st.rerun()


def _invitation(viewer: Viewer) -> None:
    with (
        st.popover("Invite somebody", type="primary", icon=":material/person_add:"),
        st.form("invite", border=False, clear_on_submit=False),
    ):
        email = st.text_input("E-mail address", max_chars=254)
        name = st.text_input("Name", max_chars=200, help="They can change it. Empty: from the address.")
        role = st.selectbox("Role", PERSON_ROLES, index=2, format_func=role_words)
        st.caption("They get a mail with a link that works once, for 14 days, and choose a password.")
        if st.form_submit_button("Send the invitation"):
            with told():
                person_in = invite_person(viewer.scope, email, role=role, name=name)
                send_now(viewer.scope, utc_now())
                done(f"{person_in.email} is invited.")
                st.rerun()


def _import(viewer: Viewer) -> None:
    with st.popover("Import CSV", icon=":material/upload_file:"):
        st.write("One person a row. Only the column `email` is needed; nobody is removed, nobody is mailed.")
        st.caption(
            "Also read: name, role, timezone, frequency, threshold, categories, digest\\_time, digest\\_day, "
            "quiet\\_from, quiet\\_until, assigned\\_clients\\_only. An empty cell leaves what is stored."
        )
        upload = st.file_uploader("CSV file", type=["csv", "txt"], max_upload_size=5, key="people_file")
        if upload is not None and st.button("Import", key="people_import"):
            with told(), on_disk(upload) as path:
                report = import_users(viewer.scope, path)
                st.success(
                    f"{len(report.created)} added, {len(report.updated)} changed, {len(report.unchanged)} unchanged."
                )
                for fault in [*report.faults[:_NAMED], *report.notes[:_NAMED]]:
                    st.warning(plain(fault))
                if len(report.faults) > _NAMED:
                    st.caption(f"… and {len(report.faults) - _NAMED} more rows that were left out")


def _legend() -> None:
    with st.expander("What each role may", icon=":material/help:"):
        for role in PERSON_ROLES:
            st.markdown(f"**{words(role.value)}**: {MAY[role]}.")
