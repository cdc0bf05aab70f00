"""The bar above the list: search, filters and order. The address holds what was chosen; the widgets follow it."""

from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from models.events import Category
from services.feed import Filters, Order
from ui.parts.words import category, plain
from ui.views.today.address import filters_of, params_of

_ORDERS = {Order.NEWEST: "Newest", Order.RELEVANT: "Most relevant"}
_UNREAD, _STARRED = "Unread", "Starred"
_KEY = "today-filter-"


def chosen() -> Filters:
    """What the page's address asks for."""
    return filters_of({name: st.query_params.get_all(name) for name in st.query_params})


def choose(filters: Filters) -> None:
    """Put these filters into the address, and begin at the top of the list."""
    st.query_params.from_dict(params_of(filters))


def filter_bar(filters: Filters, clients: Mapping[UUID, str], *, may_see_everyone: bool) -> None:
    """The widgets, as the address has them; each change goes into the address at once."""
    _follow(filters, clients)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Search headlines and summaries",
            key=f"{_KEY}words",
            max_chars=200,
            placeholder='merger, "steps down"',
            icon=":material/search:",
            on_change=_changed,
            width=300,
        )
        narrowed = sum(
            bool(one)
            for one in (
                *(filters.clients, filters.categories, filters.since or filters.until),
                filters.min_relevance > 0,
            )
        )
        label = f"Filter ({narrowed})" if narrowed else "Filter"
        with st.popover(label, icon=":material/filter_list:"):
            _inside(clients)
        st.pills("Only", [_UNREAD, _STARRED], selection_mode="multi", key=f"{_KEY}marks", on_change=_changed)
        st.segmented_control(
            "Order",
            list(_ORDERS),
            format_func=lambda order: _ORDERS[order],
            key=f"{_KEY}order",
            required=True,
            on_change=_changed,
        )
        if may_see_everyone or filters.everyone:
            st.toggle("All clients", key=f"{_KEY}everyone", on_change=_changed)
    if filters.is_narrowed:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"Showing {said(filters, clients)}.", width="content")
            st.button(
                "Clear filters",
                type="tertiary",
                icon=":material/close:",
                on_click=choose,
                args=(Filters(everyone=filters.everyone, order=filters.order),),
            )


def _inside(clients: Mapping[UUID, str]) -> None:
    st.multiselect(
        "Clients",
        list(clients),
        format_func=lambda client_id: clients[client_id],
        key=f"{_KEY}clients",
        placeholder="Every client",
        on_change=_changed,
    )
    st.multiselect(
        "Kinds of news",
        list(Category),
        format_func=category,
        key=f"{_KEY}categories",
        placeholder="Every kind",
        on_change=_changed,
    )
    with st.container(horizontal=True):
        st.date_input("From", key=f"{_KEY}since", format="YYYY-MM-DD", on_change=_changed, width=150)
        st.date_input("Until", key=f"{_KEY}until", format="YYYY-MM-DD", on_change=_changed, width=150)
    st.slider("Relevance of at least", 0.0, 1.0, step=0.05, key=f"{_KEY}score", on_change=_changed)


def said(filters: Filters, clients: Mapping[UUID, str]) -> str:
    """The filters as the middle of a sentence, in Markdown."""
    parts = []
    if filters.unread:
        parts.append("unread")
    if filters.starred:
        parts.append("starred")
    if filters.categories:
        parts.append(" or ".join(category(one) for one in filters.categories).lower())
    told = [" ".join([*parts, "news"])]
    names = [plain(clients[one]) for one in filters.clients if one in clients]
    if names:
        more = f" and {len(names) - 3} more" if names[3:] else ""
        told.append(f"of {', '.join(names[:3])}{more}")
    if filters.since:
        told.append(f"from {filters.since}")
    if filters.until:
        told.append(f"until {filters.until}")
    if filters.min_relevance > 0:
        told.append(f"of relevance {filters.min_relevance:.2f} or more")
    if filters.words:
        told.append(f"with “{plain(filters.words)}”")
    return " ".join(told)


def _follow(filters: Filters, clients: Mapping[UUID, str]) -> None:
    """The address is what counts: a link, a bookmark and the browser's way back all show in the widgets."""
    marks = [name for name, is_on in ((_UNREAD, filters.unread), (_STARRED, filters.starred)) if is_on]
    values = {
        "words": filters.words,
        "clients": [one for one in filters.clients if one in clients],
        "categories": list(filters.categories),
        "since": filters.since,
        "until": filters.until,
        "score": filters.min_relevance,
        "marks": marks,
        "order": filters.order,
        "everyone": filters.everyone,
    }
    for name, value in values.items():
        st.session_state[f"{_KEY}{name}"] = value


def _changed() -> None:
    state = {name: st.session_state.get(f"{_KEY}{name}") for name in _FIELDS}
    marks = state["marks"] or []
    choose(
        Filters(
            clients=tuple(state["clients"] or ()),
            categories=tuple(state["categories"] or ()),
            since=state["since"],
            until=state["until"],
            min_relevance=state["score"] or 0.0,
            words=(state["words"] or "").strip(),
            unread=_UNREAD in marks,
            starred=_STARRED in marks,
            everyone=bool(state["everyone"]),
            order=state["order"] or Order.NEWEST,
        )
    )


_FIELDS = ("words", "clients", "categories", "since", "until", "score", "marks", "order", "everyone")
