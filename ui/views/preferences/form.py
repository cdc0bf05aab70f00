"""The settings as widgets, and what was changed in them. Nothing is saved here."""

from dataclasses import dataclass
from datetime import time
from typing import Any

import streamlit as st

from models.accounts import Frequency
from models.events import Category
from services.fields import DAYS, zone_names
from services.preference_page import PreferencePage
from services.preferences import Preferences
from ui.parts.words import category, plain
from ui.views.preferences.sayings import FREQUENCIES, WHEN, threshold_words

_QUIET = (time(20, 0), time(7, 0))
_FIVE_MINUTES = 300


@dataclass(frozen=True, slots=True)
class Wished:
    """What the widgets say."""

    changes: dict[str, Any]
    """The fields that differ from what is saved."""
    problem: str = ""
    """Why it cannot be saved as it stands."""


def settings_form(page: PreferencePage, key: str) -> Wished:
    """The widgets, as saved where nobody touched them. ``key`` begins their names: another one starts afresh."""
    wants = page.wants
    values: dict[str, Any] = {}
    with st.container(border=True):
        st.subheader("How news reaches you" if page.is_own else "How news reaches them", anchor=False)
        values |= _ways(wants, key)
    with st.container(border=True):
        st.subheader("What is worth a mail", anchor=False)
        values |= _worth(wants, key, page.hint)
    with st.expander("Limits", icon=":material/tune:"):
        values |= _limits(wants, key)
    with st.expander(
        "Time away", icon=":material/beach_access:", expanded=page.wants.absent_from is not None
    ):
        values |= _away(page, key)
    return Wished(_changes(wants, values), _problem(values))


def _ways(wants: Preferences, key: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    values["notifications"] = st.toggle(
        "Tell me about news",
        wants.notifications,
        key=f"{key}notifications",
        help="Off: nothing is mailed, and what waits is dropped. Today still shows the news.",
    )
    values["email"] = st.toggle(
        "By e-mail",
        wants.email,
        key=f"{key}email",
        disabled=not values["notifications"],
        help="Off: what would have been mailed is marked as new in the app instead.",
    )
    values["frequency"] = st.segmented_control(
        "How often",
        list(FREQUENCIES),
        default=wants.frequency,
        format_func=lambda one: FREQUENCIES[one],
        required=True,
        key=f"{key}frequency",
    )
    frequency = values["frequency"] or wants.frequency
    st.caption(WHEN[frequency])
    with st.container(horizontal=True):
        if frequency is Frequency.WEEKLY:
            values["digest_day"] = st.selectbox(
                "Digest on",
                range(7),
                index=wants.digest_day,
                format_func=lambda number: DAYS[number].capitalize(),
                key=f"{key}digest_day",
                width=170,
            )
        values["digest_time"] = st.time_input(
            "Digest at",
            wants.digest_time,
            step=_FIVE_MINUTES,
            key=f"{key}digest_time",
            width=140,
        )
        values["timezone"] = _zone(wants, key)
    values |= _quiet(wants, key)
    return values


def _zone(wants: Preferences, key: str) -> str:
    zones = list(zone_names())
    if wants.timezone not in zones:
        zones.insert(0, wants.timezone)
    chosen = st.selectbox(
        "Time zone", zones, index=zones.index(wants.timezone), key=f"{key}timezone", width=230
    )
    return str(chosen or wants.timezone)


def _quiet(wants: Preferences, key: str) -> dict[str, Any]:
    has = wants.quiet_from is not None and wants.quiet_until is not None
    if not st.toggle(
        "Quiet hours",
        has,
        key=f"{key}quiet",
        help="Instant mails wait until they end. A digest comes at its own time.",
    ):
        return {"quiet_from": None, "quiet_until": None}
    start, end = (wants.quiet_from, wants.quiet_until) if has else _QUIET
    with st.container(horizontal=True):
        return {
            "quiet_from": st.time_input("From", start, step=_FIVE_MINUTES, key=f"{key}quiet_from", width=140),
            "quiet_until": st.time_input(
                "Until", end, step=_FIVE_MINUTES, key=f"{key}quiet_until", width=140
            ),
        }


def _worth(wants: Preferences, key: str, hint: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    values["threshold"] = round(
        st.slider("Relevance of at least", 0.0, 1.0, wants.threshold, 0.05, key=f"{key}threshold"), 4
    )
    st.caption(f"{threshold_words(values['threshold'])}.")
    if hint:
        st.caption(f":material/lightbulb: By what was said of items, {plain(hint)}.")
    every = st.toggle("Every kind of news", wants.categories is None, key=f"{key}every")
    values["categories"] = None
    if not every:
        chosen = st.pills(
            "Kinds of news",
            list(Category),
            selection_mode="multi",
            default=[Category(one) for one in wants.categories or Category],
            format_func=category,
            key=f"{key}categories",
        )
        values["categories"] = sorted(chosen)
    values["assigned_clients_only"] = st.toggle(
        "Only clients I look after",
        wants.assigned_clients_only,
        key=f"{key}assigned_clients_only",
        help="And those of an absent colleague you stand in for. Off: the news of every client.",
    )
    return values


def _limits(wants: Preferences, key: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    with st.container(horizontal=True):
        for name, label, low, high in (
            ("max_items_per_digest", "Stories a mail", 1, 100),
            ("max_items_per_client", "Stories a client", 1, 50),
            ("max_instant_per_day", "Instant mails a day", 0, 100),
        ):
            # A value that a newer rule would refuse is shown all the same.
            stored = min(max(getattr(wants, name), low), high)
            values[name] = st.number_input(label, low, high, stored, key=f"{key}{name}", width=170)
    st.caption("What is over a limit stands in the app, and the mail says how much that is.")
    return values


def _away(page: PreferencePage, key: str) -> dict[str, Any]:
    wants = page.wants
    names = {one.email: one.name for one in page.colleagues}
    if wants.cover is not None:
        names.setdefault(wants.cover, wants.cover)
    with st.container(horizontal=True):
        start = st.date_input(
            "First day away", wants.absent_from, format="YYYY-MM-DD", key=f"{key}absent_from", width=160
        )
        end = st.date_input(
            "Last day away", wants.absent_until, format="YYYY-MM-DD", key=f"{key}absent_until", width=160
        )
    cover = st.selectbox(
        "Who stands in",
        list(names),
        index=list(names).index(wants.cover) if wants.cover else None,
        format_func=lambda email: names[email],
        placeholder="Nobody",
        key=f"{key}cover",
    )
    st.caption(
        "Nothing is mailed on these days. On your return one digest brings the best of them, within your limits. "
        "Who stands in gets your clients' news meanwhile."
    )
    return {"absent_from": start, "absent_until": end, "cover": cover}


def _changes(wants: Preferences, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value != _comparable(getattr(wants, name))}


def _comparable(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def _problem(values: dict[str, Any]) -> str:
    start, end = values.get("absent_from"), values.get("absent_until")
    if values.get("categories") == []:
        return "Choose at least one kind of news, or every kind."
    if end is not None and start is None:
        return "Say which day is the first one away."
    if start is not None and end is not None and end < start:
        return "The last day away lies before the first."
    return ""
