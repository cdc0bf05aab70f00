"""One client: what happened there, how it stands, what is searched, what was taught, who has it, what to take along."""

from collections.abc import Callable
from uuid import UUID

import streamlit as st

from services.clients import restore_client
from services.errors import UserError
from services.muting import mute
from services.portfolio.page import ClientFacts, client_facts
from services.signin import Viewer
from tasks.notify.safe import safe_url
from ui import router
from ui.parts.layout import done, empty, told
from ui.parts.words import counted, day, plain
from ui.views.client import brief, crm, people, running, searches, taught, timeline
from ui.views.client_form import edit
from ui.views.client_people import hand_over
from ui.views.client_words import HEALTH_COLOURS, health_words, tier_words
from ui.views.clients.bulk import archive

_SECTIONS: dict[str, Callable[[Viewer, ClientFacts], None]] = {
    "Timeline": timeline.show,
    "Brief": brief.show,
    "CRM": crm.show,
    "Searches": searches.show,
    "Taught": taught.show,
    "People": people.show,
}
_GIVE, _ARCHIVE, _MUTE, _UNMUTE = "Give to somebody …", "Archive …", "Mute for me", "Unmute for me"


def page(viewer: Viewer) -> None:
    """The page of the client that the address names by ``id``."""
    router.link("clients", "All clients", icon=":material/arrow_back:")
    facts = _facts(viewer)
    if facts is None:
        empty(
            "There is no such client",
            "The address may be cut off, or of another business.",
            icon="domain_disabled",
        )
        return
    _head(viewer, facts)
    if facts.archived_at is not None:
        _archived(viewer, facts)
    running.progress(viewer, facts)
    section = st.segmented_control(
        "What to show",
        list(_SECTIONS),
        default="Timeline",
        required=True,
        key="show",
        bind="query-params",
        label_visibility="collapsed",
    )
    _SECTIONS[section](viewer, facts)


def _facts(viewer: Viewer) -> ClientFacts | None:
    try:
        return client_facts(viewer.scope, UUID(st.query_params.get("id", "")))
    except (ValueError, UserError):
        return None


def _head(viewer: Viewer, facts: ClientFacts) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap=None):
            st.title(plain(facts.name), anchor=False)
            st.markdown(_lead(facts))  # a link in a caption is too pale to be read by all
        with st.container(horizontal=True, width="content", gap="small"):
            running.button(viewer, facts)
            if viewer.is_admin and st.button("Edit", icon=":material/edit:", key="client-edit"):
                edit(viewer, facts)
            _do(viewer, facts, _chosen(viewer, facts))
    _badges(facts)


def _chosen(viewer: Viewer, facts: ClientFacts) -> str | None:
    options = [_UNMUTE if facts.is_muted else _MUTE]
    if viewer.is_admin and facts.archived_at is None:
        options = [_GIVE, *options, _ARCHIVE]
    return st.menu_button("More", options, key="client-more", icon=":material/more_horiz:")


def _do(viewer: Viewer, facts: ClientFacts, chosen: str | None) -> None:
    if chosen == _GIVE:
        hand_over(viewer, {facts.id: facts.name}, facts.people)
    elif chosen == _ARCHIVE:
        archive(viewer, {facts.id: facts.name})
    elif chosen in (_MUTE, _UNMUTE):
        with told():
            changed = mute(viewer.scope, facts.id, chosen == _MUTE)
            items = counted(changed.items, "waiting item")
            if changed.muted:
                after = f"; {items} will not be mailed" if changed.items else ""
                done(f"Muted: nothing of {changed.client} is mailed to you{after}")
            else:
                done(
                    f"{changed.client} is mailed to you again"
                    + (f"; {items} wait again" * bool(changed.items))
                )
            st.rerun()


def _lead(facts: ClientFacts) -> str:
    fields = facts.fields
    legal = fields.legal_name if fields.legal_name != fields.name else None
    parts = [plain(part) for part in (legal, fields.industry, fields.ticker) if part]
    if fields.domain:
        address = safe_url(f"https://{fields.domain}")
        parts.append(f"[{plain(fields.domain)}](<{address}>)" if address else plain(fields.domain))
    return " · ".join(parts) or "Nothing else is known of it yet."


def _badges(facts: ClientFacts) -> None:
    standing = facts.standing
    with st.container(horizontal=True, gap="xsmall"):
        if facts.fields.tier:
            st.badge(tier_words(facts.fields.tier), icon=":material/star_rate:", color="blue")
        if standing is not None and health_words(standing):
            st.badge(
                plain(health_words(standing)),
                icon=":material/favorite:",
                color=HEALTH_COLOURS[standing.health],
                help="Health, as the CRM tells it",
            )
        names = ", ".join(plain(person.name) for person in facts.people)
        st.badge(
            names or "Nobody looks after it", icon=":material/group:", color="gray" if names else "orange"
        )
        if standing is not None and standing.renewal_on:
            st.badge(f"Renewal {standing.renewal_on:%d %b %Y}", icon=":material/event_repeat:", color="gray")
        if facts.fields.confidential:
            st.badge(
                "Confidential",
                icon=":material/lock:",
                color="violet",
                help="Nobody outside is asked about this client.",
            )
        if facts.is_muted:
            st.badge("Muted for you", icon=":material/notifications_off:", color="orange")
        if facts.archived_at is None and facts.baseline_at is None:
            st.badge("Not searched yet", icon=":material/hourglass_empty:", color="gray")


def _archived(viewer: Viewer, facts: ClientFacts) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        since = day(facts.archived_at, viewer.timezone)
        st.markdown(
            f":material/archive: **Archived {since}.** Nothing is searched about it, and nobody looks after it.",
            width="stretch",
        )
        if viewer.is_admin and st.button("Restore", icon=":material/unarchive:", key="client-restore"):
            with told():
                restore_client(viewer.scope, facts.id)
                done(f"{facts.name} is watched again. Nobody looks after it yet: give it to somebody.")
                st.rerun()
