"""Which pages there are, who sees them, and how one leads to another."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from urllib.parse import urlencode

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from services.signin import Viewer


@dataclass(frozen=True, slots=True)
class PageSpec:
    """A page: ``name`` is its module in ``ui.views`` and its address."""

    name: str
    title: str
    icon: str
    section: str
    admins_only: bool = False
    is_listed: bool = True
    """False: reached from another page only."""

    @property
    def address(self) -> str:
        return self.name.replace("_", "-")


PAGES = (
    PageSpec("today", "Today", "today", ""),
    PageSpec("clients", "Clients", "domain", ""),
    PageSpec("client", "Client", "domain", "", is_listed=False),
    PageSpec("email_log", "Email log", "mail", ""),
    PageSpec("insights", "Insights", "insights", ""),
    PageSpec("preferences", "Preferences", "tune", "Mine"),
    PageSpec("account", "Account", "account_circle", "Mine"),
    PageSpec("schedules", "Schedules", "schedule", "Operation"),
    PageSpec("runs", "Runs", "play_circle", "Operation"),
    PageSpec("settings", "Settings", "settings", "Operation", admins_only=True),
    PageSpec("first_run", "Get started", "flag", "", admins_only=True),
)
_BUILT = "pages"


def pages_for(viewer: Viewer, *, is_new: bool) -> dict[str, list[StreamlitPage]]:
    """The navigation, by section. A tenant that ``is_new`` begins with its first steps, others with Today."""
    built: dict[str, StreamlitPage] = {}
    sections: dict[str, list[StreamlitPage]] = {}
    for spec in PAGES:
        if (spec.admins_only and not viewer.is_admin) or (spec.name == "first_run" and not is_new):
            continue
        built[spec.name] = st.Page(
            _opener(spec, viewer),
            title=spec.title,
            icon=f":material/{spec.icon}:",
            url_path=spec.address,
            visibility="visible" if spec.is_listed else "hidden",
        )
        sections.setdefault(spec.section, []).append(built[spec.name])
    first = "first_run" if is_new and viewer.is_admin else "today"
    sections[""].append(_door(built[first]))
    st.session_state[_BUILT] = built
    return sections


def link(name: str, label: str, *, icon: str | None = None, **query: str) -> None:
    """A link to another page. ``label`` is Markdown: pass text from the world through ``plain``."""
    page = st.session_state.get(_BUILT, {}).get(name)
    if page is not None:
        st.page_link(page, label=label, icon=icon, query_params=query or None)
        return
    st.markdown(f"[{label}]({address(name, **query)})")


def go(name: str, **query: str) -> None:
    """Leave this page for another one, now."""
    page = st.session_state.get(_BUILT, {}).get(name)
    if page is not None:
        st.switch_page(page, query_params=query or None)


def address(name: str, **query: str) -> str:
    """A page's address below ours, for links in tables."""
    spec = next(one for one in PAGES if one.name == name)
    return f"/{spec.address}" + (f"?{urlencode(query)}" if query else "")


def _door(first: StreamlitPage) -> StreamlitPage:
    """What stands at the root. The default page has no address of its own, so it is none that anybody links to."""

    def door() -> None:
        st.switch_page(first, query_params=dict(st.query_params))

    return st.Page(door, title="Client Monitor", url_path="door", default=True, visibility="hidden")


def _opener(spec: PageSpec, viewer: Viewer) -> Callable[[], None]:
    opener = partial(_open, spec.name, viewer)
    opener.__name__ = spec.name  # type: ignore[attr-defined]  # Streamlit asks a page for its name
    return opener


def _open(name: str, viewer: Viewer) -> None:
    import_module(f"ui.views.{name}").page(viewer)
