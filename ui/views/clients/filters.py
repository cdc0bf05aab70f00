"""The row above the table: search, whose, order, and what to leave out. It is kept in the address."""

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from models.clients import Tier
from services.portfolio.table import ClientRow, Order, Wanted
from services.signin import Viewer
from ui.views.client_words import HEALTH, tier_words

_MINE, _ALL = "Mine", "All"
ORDERS = {
    "Name": Order.NAME,
    "Newest event": Order.NEWS,
    "Most events": Order.BUSY,
    "Health, worst first": Order.HEALTH,
    "Tier": Order.TIER,
    "Sources, worst first": Order.SOURCES,
}
_TIERS: dict[str, Tier | None] = {tier_words(tier): tier for tier in (*Tier, None)}
_HEALTHS = {words: health for health, words in HEALTH.items()}
_NOBODY = "Nobody"


def chosen(viewer: Viewer, rows: Sequence[ClientRow]) -> Wanted:
    """What the reader asks for."""
    has_own = any(person.id == viewer.user_id for row in rows for person in row.people)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(
            "Search",
            key="search",
            bind="query-params",
            placeholder="Name, domain, ticker, industry",
            icon=":material/search:",
            width=280,
        )
        whose = _ALL
        if has_own:
            whose = st.segmented_control(
                "Whose",
                [_MINE, _ALL],
                default=_ALL if viewer.is_admin else _MINE,
                required=True,
                key="whose",
                bind="query-params",
            )
        order = st.selectbox("Order", list(ORDERS), key="order", bind="query-params", width=190)
        with st.popover(_label(), icon=":material/filter_alt:"):
            tiers, healths, people, archived = _narrowed(rows)
    mine = {viewer.user_id} if whose == _MINE else set()
    return Wanted(
        text=text,
        tiers=frozenset(_TIERS[word] for word in tiers),
        healths=frozenset(_HEALTHS[word] for word in healths),
        people=frozenset({*people, *mine}),
        archived=archived,
        order=ORDERS[order],
    )


def _narrowed(rows: Sequence[ClientRow]) -> tuple[list[str], list[str], set[UUID | None], bool]:
    names = {person.id: person.name for row in rows for person in row.people}
    by_name: dict[str, UUID | None] = {name: user_id for user_id, name in names.items()}
    options = [*sorted(by_name, key=str.casefold), _NOBODY]
    tiers = st.multiselect("Tier", list(_TIERS), key="tier", bind="query-params")
    healths = st.multiselect("Health", list(_HEALTHS), key="health", bind="query-params")
    people = st.multiselect("Looked after by", options, key="people", bind="query-params")
    archived = st.toggle(
        "Archived ones instead",
        key="archived",
        bind="query-params",
        help="Archived clients are not searched for; what was found is kept.",
    )
    return tiers, healths, {by_name.get(name) for name in people}, archived


def _label() -> str:
    state = st.session_state
    active = sum(len(state.get(key) or ()) for key in ("tier", "health", "people"))
    active += bool(state.get("archived"))
    return f"Filters ({active})" if active else "Filters"
