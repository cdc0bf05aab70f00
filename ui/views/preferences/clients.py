"""Exceptions for single clients, as a table that can be edited."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import streamlit as st

from services.muting import Exceptional
from services.preference_page import ClientWish

_MUTED, _OWN = "Muted", "Relevance"


def client_table(clients: Sequence[ClientWish], key: str) -> dict[UUID, Exceptional]:
    """The table; the exceptions that differ from what is saved, by client."""
    shown: dict[str, list[Any]] = {
        "Client": [one.client for one in clients],
        _MUTED: [one.muted for one in clients],
        # A column of nothing but None would have no type, and could not be edited as numbers.
        _OWN: [math.nan if one.threshold is None else one.threshold for one in clients],
    }
    edited = st.data_editor(
        shown,
        key=f"{key}clients",
        hide_index=True,
        disabled=["Client"],
        num_rows="fixed",
        height=min(37 + 35 * len(clients), 422),
        column_config={
            "Client": st.column_config.TextColumn(width="medium"),
            _MUTED: st.column_config.CheckboxColumn(help="Nothing of this client is mailed.", width="small"),
            _OWN: st.column_config.NumberColumn(
                help="From 0 to 1: holds for this client instead of the general one. Empty: the general one holds.",
                min_value=0.0,
                max_value=1.0,
                step=0.05,
                format="%.2f",
                width="small",
            ),
        },
        placeholder="as in general",
        alt="Your clients: whether each is muted, and the relevance that holds for it alone",
    )
    return changed_exceptions(clients, zip(edited[_MUTED], edited[_OWN], strict=True))


def changed_exceptions(
    clients: Sequence[ClientWish], rows: Iterable[tuple[Any, Any]]
) -> dict[UUID, Exceptional]:
    """What of the rows (muted, threshold or nothing), in the order of ``clients``, differs from what is saved."""
    changed: dict[UUID, Exceptional] = {}
    for one, (muted, threshold) in zip(clients, rows, strict=True):
        wanted = Exceptional(
            muted=muted is True,
            threshold=None if threshold is None or math.isnan(threshold) else round(float(threshold), 4),
        )
        if (wanted.muted, wanted.threshold) != (one.muted, one.threshold):
            changed[one.client_id] = wanted
    return changed


def changes_of(one: ClientWish, wanted: Exceptional) -> Mapping[str, object]:
    """The fields of one client's exception that really change."""
    before = Exceptional(muted=one.muted, threshold=one.threshold)
    return {
        name: getattr(wanted, name)
        for name in Exceptional.model_fields
        if getattr(wanted, name) != getattr(before, name)
    }
