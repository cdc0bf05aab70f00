"""The people of the business: who is in, who is asked in, what they may, and the way to each."""

import streamlit as st

from models.accounts import UserState
from models.base import utc_now
from services.accounts import PERSON_ROLES, import_users
from services.people import PersonLine, invite_person, list_people, send_now
from services.signin import Viewer
from ui.parts.layout import done, told
from ui.parts.uploads import on_disk
from ui.parts.words import ago, counted, plain, words
from ui.views.settings import person
from ui.views.settings.roles import MAY, role_words

_STATES = {
    UserState.ACTIVE: "active",
    UserState.INVITED: "invited",
    UserState.DEACTIVATED: "deactivated",
}
_SEVERAL = 10
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
    _table(found)
    _legend()


def _sought(people: list[PersonLine]) -> str:
    if len(people) <= _SEVERAL:
        return ""
    return st.text_input("Find somebody", key="people_sought", icon=":material/search:").strip().casefold()


def _table(people: list[PersonLine]) -> None:
    now = utc_now()
    st.caption(f"{counted(len(people), 'person', 'people')}. Choose a row to change something.")
    chosen = st.dataframe(
        {
            "Name": [one.name for one in people],
            "Address": [one.email for one in people],
            "Role": [one.role.value for one in people],
            "State": [_STATES[one.state] for one in people],
            "Clients": [one.clients for one in people],
            "Mail": [one.frequency.value for one in people],
            "Last seen": [ago(one.seen_at, now=now) for one in people],
            "Zone": [one.timezone for one in people],
        },
        hide_index=True,
        height="content" if len(people) <= _SEVERAL * 2 else 640,
        on_select="rerun",
        selection_mode="single-row",
        key="people_table",
        alt="Everybody of this business",
    )
    rows = chosen["selection"]["rows"]
    if rows:
        _open(people[rows[0]])
    # The table needs a pointer; this needs none.
    named = st.selectbox(
        "Open somebody",
        people,
        index=None,
        format_func=lambda one: f"{one.name} ({one.email})",
        placeholder="Name or address",
        key="people_named",
        width=420,
    )
    if named is not None:
        _open(named)


def _open(one: PersonLine) -> None:
    st.query_params["person"] = str(one.user_id)
    st.session_state.pop("people_table", None)
    st.session_state.pop("people_named", None)
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
