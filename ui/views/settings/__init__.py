"""Settings: what admins decide for the whole business, one section at a time, each with its own address."""

from dataclasses import dataclass
from importlib import import_module

import streamlit as st

from services.signin import Viewer
from ui.parts.layout import empty, heading
from ui.parts.words import plain


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: ``name`` is its module here and its place in the address."""

    name: str
    label: str
    icon: str


SECTIONS = (
    Section("business", "Business", "apartment"),
    Section("people", "People", "group"),
    Section("providers", "Outside services", "hub"),
    Section("budgets", "Budgets", "savings"),
    Section("appearance", "Mail appearance", "palette"),
    Section("suppressions", "Stopped addresses", "block"),
    Section("patterns", "Own patterns", "rule"),
    Section("feedback", "Feedback", "thumbs_up_down"),
    Section("retention", "Kept data", "inventory_2"),
    Section("audit", "Audit log", "history"),
)
_BY_NAME = {section.name: section for section in SECTIONS}


def page(viewer: Viewer) -> None:
    """The section that the address names."""
    heading("Settings", f"What holds for everybody at {plain(viewer.business_name)}.")
    if not viewer.is_admin:
        empty(
            "Only for admins", "Ask an owner or admin of your business to change something here.", icon="lock"
        )
        return
    import_module(f"ui.views.settings.{_chosen()}").show(viewer)


def _chosen() -> str:
    named = st.query_params.get("section", "")
    current = named if named in _BY_NAME else SECTIONS[0].name
    # Without a key of its own the widget follows the address: its default is what it is known by.
    picked = st.pills(
        "Section",
        list(_BY_NAME),
        default=current,
        required=True,
        format_func=lambda name: f":material/{_BY_NAME[name].icon}: {_BY_NAME[name].label}",
        label_visibility="collapsed",
    )
    if picked and picked != current:
        st.query_params.from_dict({"section": picked})
        st.rerun()
    return current
